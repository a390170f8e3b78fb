// SPDX-License-Identifier: MIT
// The host's interrupt table and its only handler. The host runs with interrupts off; what arrives is taken at one
// place (host_irqs_take) and only counted. Any exception is our own fault and ends in panic. Called at boot and
// irq.S.
#include "arch/x86_64/host/idt.h"

#include "arch/x86_64/host/backtrace.h"
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/host/apic.h"

#define GATE_INTERRUPT UINT64_C(0x8e00) // SDM 3A 6.14.1: present, DPL 0, 64-bit interrupt gate
#define STUB_BYTES     16               // irq.S

struct gate {
    uint64_t low, high;
};

static struct gate idt[256];

extern const char trap_stubs[]; // irq.S

static unsigned stack_of(unsigned vector)
{
    switch (vector) {
    case VECTOR_NMI: return STACK_NMI;
    case VECTOR_DOUBLE_FAULT: return STACK_DOUBLE_FAULT;
    case VECTOR_MACHINE_CHECK: return STACK_MACHINE_CHECK;
    default: return STACK_BOOT; // 0: no IST, stay on the current stack
    }
}

void idt_init(void)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint64_t stub = (uintptr_t)trap_stubs + vector * STUB_BYTES;
        idt[vector].low = (stub & 0xffff) | (uint64_t)SELECTOR_CODE << 16 | (uint64_t)stack_of(vector) << 32 |
                          GATE_INTERRUPT << 32 | (stub >> 16 & 0xffff) << 48;
        idt[vector].high = stub >> 32;
    }
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = { sizeof(idt) - 1, (uintptr_t)idt };
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_handle(const struct trap_frame *frame)
{
    struct cpu_shared *cpu = &this_cpu()->shared;
    if (frame->vector == VECTOR_NMI) {
        cpu->nmis++;
        return;
    }
    if (frame->vector < 32)
        panic_exception(frame);
    if (frame->vector == VECTOR_ALARM) {
        cpu->alarms++;
        hostapic_eoi();
    } else if (frame->vector == VECTOR_SPURIOUS || (frame->vector & ~UINT64_C(15)) == VECTOR_8259) {
        cpu->spurious++; // neither is in service in the LAPIC: no EOI (SDM 3A 10.9)
    } else {
        cpu->unexpected++;
        hostapic_eoi();
    }
}
