// SPDX-License-Identifier: MIT
// What is on the stack when a host exception or interrupt reaches C. Built by irq.S, read by idt.c and backtrace.c.
#ifndef ARCH_X86_64_HOST_IDT_H
#define ARCH_X86_64_HOST_IDT_H

#include <stdint.h>

#define VECTOR_NMI           2
#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_PAGE_FAULT    14
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_8259          0x20 // 16 vectors: masked, but a masked 8259 still sends a spurious one now and then
#define VECTOR_ALARM         0x30
#define VECTOR_SPURIOUS      0xff

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss; // SDM 3A 6.14.2
};
_Static_assert(sizeof(struct trap_frame) == 22 * 8, "irq.S");

// Called by irq.S; returning resumes what was interrupted.
void trap_handle(const struct trap_frame *frame);

// Takes every host interrupt that is pending now, through its handler. Interrupts are off before and after.
static inline void host_irqs_take(void)
{
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

#endif
