// SPDX-License-Identifier: MIT
// The clock and interrupt devices a test drives, no more of each than the tests ask for.
#ifndef GUEST_TESTS_LIB_X86_64_DEVICES_H
#define GUEST_TESTS_LIB_X86_64_DEVICES_H

#include "guest-tests/lib/x86_64/exact_io.h"

#define VECTOR_PIC      0x20u // IRQ 0..15 are vectors 0x20..0x2f
#define VECTOR_TIMER    0x50u
#define VECTOR_SELF     0x61u
#define VECTOR_SPURIOUS 0xffu

// 8259 pair: everything masked but the lines in `open` (bit n = IRQ n); INTR reaches the CPU through LINT0 = ExtINT.
void pic_init(uint16_t open);
void pic_eoi(unsigned irq);

// 8254 (data sheet, Control Word Format): counter 0..2, mode 0..5. Counts are written low byte, then high byte; the
// stamp of the last OUT, which starts the count, comes back.
#define PIT_HZ 1193182u
uint64_t pit_start(unsigned counter, unsigned mode, uint32_t count);
uint64_t pit_start_bcd(unsigned counter, unsigned mode, uint16_t bcd_count);
uint64_t pit_latch(unsigned counter, uint16_t *count); // stamp of the latch command
uint64_t pit_gate2(bool high);                         // port 0x61 bit 0; stamp of the OUT
// After n clocks of the 8254 counted from `origin` the stamp is:
uint64_t pit_stamp(uint64_t origin, uint64_t clocks);

// Local APIC. Register numbers are the xAPIC byte offsets; x2APIC accesses MSR 0x800 + offset / 16.
#define APIC_ID       0x020u
#define APIC_TPR      0x080u
#define APIC_PPR      0x0a0u
#define APIC_EOI      0x0b0u
#define APIC_SVR      0x0f0u
#define APIC_ISR      0x100u
#define APIC_IRR      0x200u
#define APIC_ESR      0x280u
#define APIC_ICR      0x300u
#define APIC_LVTT     0x320u
#define APIC_LINT0    0x350u
#define APIC_TMICT    0x380u
#define APIC_TMCCT    0x390u
#define APIC_TDCR     0x3e0u
#define APIC_SELF     0x3f0u // x2APIC only

#define LVT_MASKED    (1u << 16)
#define LVT_PERIODIC  (1u << 17)
#define LVT_DEADLINE  (2u << 17)
#define MSR_DEADLINE  0x6e0u
#define MSR_APIC_BASE 0x1bu

extern bool lapic_x2apic; // which of the two modes the functions below use
bool lapic_has_x2apic(void);
bool lapic_has_deadline(void);
void lapic_init(bool x2apic); // enabled, timer masked, LINT0 = ExtINT
uint32_t lapic_read(uint32_t reg);
void lapic_write(uint32_t reg, uint32_t value);
uint64_t lapic_write_stamp(uint32_t reg, uint32_t value);
uint64_t lapic_read_stamp(uint32_t reg, uint32_t *value);
void lapic_self_ipi(unsigned vector);
void lapic_divide(unsigned divisor); // 1, 2, 4 ... 128
void lapic_timer_stop(void);
uint64_t lapic_stamp(uint64_t origin, uint64_t count, unsigned divisor); // expiry of `count` ticks after origin

// Halts until about 20,000 cycles before the stamp, by the APIC timer, whose vector must have a handler.
void halt_until(uint64_t stamp);

// ACPI PM timer.
#define PM_TIMER_HZ         3579545u

// pvclock as Linux's pvclock-abi.h lays it out.
#define MSR_KVM_WALL_CLOCK  0x4b564d00u
#define MSR_KVM_SYSTEM_TIME 0x4b564d01u
struct pvclock {
    uint32_t version, pad0;
    uint64_t tsc_timestamp, system_time;
    uint32_t mul;
    int8_t shift;
    uint8_t flags, pad[2];
};
struct wall_clock {
    uint32_t version, sec, nsec;
};
bool pvclock_present(void);
uint64_t pvclock_at(const struct pvclock *page, uint64_t tsc);

// The reader of pvclock-abi.h's protocol: at most a few rounds, one counter read each.
static inline uint64_t pvclock_scale(const volatile struct pvclock *page, uint64_t tsc)
{
    uint64_t delta = tsc - page->tsc_timestamp;
    delta = page->shift < 0 ? delta >> -page->shift : delta << page->shift;
    return page->system_time + (uint64_t)(((u128)delta * page->mul) >> 32);
}

static inline uint64_t pvclock_read(const volatile struct pvclock *page)
{
    uint32_t version;
    uint64_t ns;
    do {
        version = page->version & ~1u;
        __asm__ volatile("lfence" : : : "memory");
        ns = pvclock_scale(page, rdtsc());
        __asm__ volatile("" : : : "memory");
    } while (version != page->version);
    return ns;
}

#endif
