// SPDX-License-Identifier: MIT
// bench on x86-64: exits, the local APIC and the clock page.
#include "guest-tests/bench.h"
#include "guest-tests/lib/x86_64/devices.h"

static struct pvclock page __attribute__((aligned(64)));
static volatile uint64_t handled; // counter at the handler's first instruction

// Cycles between two RDTSC around the text; R8 is the APIC's page. R9 is kept for the text's own use.
#define TIMED(name, text)                                                                                              \
    static uint64_t time_##name(void)                                                                                  \
    {                                                                                                                  \
        uint64_t ticks;                                                                                                \
        __asm__ volatile("mov $0xfee00000, %%r8d\n\trdtsc\n\tshl $32, %%rdx\n\tlea (%%rax,%%rdx), %%rsi\n\t" text      \
                         "\n\trdtsc\n\tshl $32, %%rdx\n\tadd %%rdx, %%rax\n\tsub %%rsi, %%rax"                         \
                         : "=a"(ticks)                                                                                 \
                         :                                                                                             \
                         : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "memory", "cc");                                    \
        return ticks;                                                                                                  \
    }

TIMED(nothing, "")
TIMED(cpuid, "xor %%eax, %%eax\n\tcpuid")
TIMED(in_61, "in $0x61, %%al")
TIMED(in_40, "in $0x40, %%al")
TIMED(out_80, "out %%al, $0x80")
TIMED(hypercall, "mov $0x4553430f, %%eax\n\t" HYPERCALL)
TIMED(rdmsr, "mov $0x10, %%ecx\n\trdmsr")
TIMED(eoi_mmio, "movl $0, 0xb0(%%r8)")
TIMED(eoi_msr, "mov $0x80b, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx\n\twrmsr")

static uint64_t time_pvclock(void)
{
    uint64_t start = rdtsc();
    __asm__ volatile("" : : : "memory");
    uint64_t ns = pvclock_read(&page);
    __asm__ volatile("" : : "r"(ns) : "memory");
    return rdtsc() - start;
}

static void note(struct trap *trap)
{
    handled = trap->stamp;
    lapic_write(APIC_EOI, 0);
}

static uint64_t until_handled(uint64_t start)
{
    interrupts_on();
    for (uint64_t spins = 0; !handled && spins < 10000000; spins++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    return handled ? handled - start : 0;
}

// The deadline is in the past, so what is timed is the way, not the waiting.
static uint64_t time_deadline(void)
{
    handled = 0;
    interrupts_on();
    uint64_t start = rdtsc();
    wrmsr(MSR_DEADLINE, 1);
    return until_handled(start);
}

static uint64_t time_self_ipi(void)
{
    handled = 0;
    interrupts_on();
    uint64_t start = rdtsc();
    lapic_self_ipi(VECTOR_SELF);
    return until_handled(start);
}

// One tick of the timer, which begins with the write.
static uint64_t time_one_shot(void)
{
    handled = 0;
    interrupts_on();
    uint64_t start = rdtsc();
    lapic_write(APIC_TMICT, 1);
    return until_handled(start);
}

// Halted with the interrupt already pending: the exit, the wake-up and the injection.
static uint64_t time_halt(void)
{
    handled = 0;
    lapic_self_ipi(VECTOR_SELF);
    uint64_t start = rdtsc();
    __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
    return handled - start;
}

static void bench_apic(void)
{
    lapic_init(false);
    bench("EOI by MMIO", time_eoi_mmio, time_nothing());
    bench("self-IPI by MMIO to handler", time_self_ipi, 1);
    bench("HLT with an interrupt pending", time_halt, 1);
    if (!lapic_has_x2apic())
        return;
    lapic_init(true);
    bench("EOI by x2APIC MSR", time_eoi_msr, time_nothing() + 3);
    bench("self-IPI by x2APIC MSR to handler", time_self_ipi, 1);
    lapic_divide(1);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    bench("one-shot of 1 by x2APIC MSR", time_one_shot, 1);
    if (lapic_has_deadline()) {
        lapic_write(APIC_LVTT, LVT_DEADLINE | VECTOR_TIMER);
        bench("TSC-deadline write to handler", time_deadline, 1);
    }
    lapic_timer_stop();
}

const char *const bench_counter = "TSC";

void bench_all(void)
{
    trap_set(VECTOR_TIMER, note);
    trap_set(VECTOR_SELF, note);
    uint64_t nothing = time_nothing();
    bench("CPUID", time_cpuid, nothing + 1);
    bench("port read, device (0x61)", time_in_61, nothing);
    bench("port read, PIT count (0x40)", time_in_40, nothing);
    bench("port write, nobody (0x80)", time_out_80, nothing);
    bench("RDMSR (TSC)", time_rdmsr, nothing + 1);
    if (platform.escapement)
        bench("hypercall", time_hypercall, nothing + 1);
    bench_apic();
    if (pvclock_present()) {
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
        bench("clock page read", time_pvclock, nothing);
        wrmsr(MSR_KVM_SYSTEM_TIME, 0);
    }
}
