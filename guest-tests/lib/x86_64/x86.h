// SPDX-License-Identifier: MIT
// x86-64: the few privileged instructions that tests use, and traps. Included by lib/guest.h.
#ifndef GUEST_TESTS_LIB_X86_64_X86_H
#define GUEST_TESTS_LIB_X86_64_X86_H

#include "guest-tests/lib/guest.h"

// What of a PC's own the tests must be told (platform.c).
struct board {
    uint64_t apic_hz;
    uint16_t pm_timer_port, pm_event_port, pm_control_port;
};
extern struct board board;

// The hypercall instruction for a piece of assembly. It is AMD's, and platform_find() makes it the CPU's own: so every
// path has the same instructions on all makers' CPUs.
#define HYPERCALL "771:\tvmmcall\n\t.pushsection .hypercalls, \"a\"\n\t.quad 771b\n\t.popsection\n\t"

// Traps (traps.c, traps.S).
struct trap_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};
struct trap {
    struct trap_frame *cpu;
    uint64_t error;
    uint64_t stamp; // of the handler's first instruction
    uint64_t rbx, rcx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, rdx, rax;
};
typedef void (*trap_handler)(struct trap *trap);
void trap_set(unsigned vector, trap_handler handler);
void trap_set_raw(unsigned vector, void (*entry)(void), unsigned ist);
void trap_set_stack(unsigned vector, unsigned ist);
void trap_reset(unsigned vector); // back to "unexpected: end the test"

void traps_install(void);
void trap_dispatch(struct trap *trap);

// Runs body(argument) and reports the exception that ended it, TRAP_NONE if it returned.
#define TRAP_NONE 256u
struct caught {
    unsigned vector;
    uint64_t error, rip, cr2;
};
struct caught catch_trap(void (*body)(uint64_t), uint64_t argument);

// RDMSR and WRMSR that may fault: the exception's vector, TRAP_NONE if there was none. *value is kept where it faulted.
unsigned rdmsr_trap(uint32_t msr, uint64_t *value);
unsigned wrmsr_trap(uint32_t msr, uint64_t value);

static inline uint64_t divide128(u128 a, uint64_t c)
{
    uint64_t quotient, remainder;
    __asm__("divq %4" : "=a"(quotient), "=d"(remainder) : "a"((uint64_t)a), "d"((uint64_t)(a >> 64)), "r"(c) : "cc");
    return quotient;
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint64_t counter_read(void)
{
    return rdtsc();
}

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

// The NOP keeps the STI shadow away from whatever the compiler puts next.
static inline void interrupts_on(void)
{
    __asm__ volatile("sti\n\tnop" : : : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

#endif
