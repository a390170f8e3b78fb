// SPDX-License-Identifier: MIT
// Drivers for 8259, 8254, local APIC and the clock page: the few steps each needs before a test can use it.
#include "guest-tests/lib/x86_64/devices.h"

#define LAPIC_PAGE 0xfee00000u

bool lapic_x2apic;

// 8259A data sheet, ICW1..ICW4: edge triggered, cascade on IRQ 2, 8086 mode, no automatic EOI.
void pic_init(uint16_t open)
{
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, VECTOR_PIC);
    outb(0xa1, VECTOR_PIC + 8);
    outb(0x21, 0x04);
    outb(0xa1, 0x02);
    outb(0x21, 0x01);
    outb(0xa1, 0x01);
    outb(0x21, (uint8_t) ~(open | (open >> 8 ? 4u : 0u)));
    outb(0xa1, (uint8_t) ~(open >> 8));
}

void pic_eoi(unsigned irq)
{
    if (irq >= 8)
        outb(0xa0, 0x20);
    outb(0x20, 0x20);
}

static uint64_t pit_program(unsigned counter, uint8_t control, uint16_t count)
{
    outb(0x43, control);
    outb((uint16_t)(0x40 + counter), (uint8_t)count);
    return outb_stamp(0x40 + counter, count >> 8);
}

uint64_t pit_start(unsigned counter, unsigned mode, uint32_t count)
{
    return pit_program(counter, (uint8_t)(counter << 6 | 0x30 | mode << 1), (uint16_t)count);
}

uint64_t pit_start_bcd(unsigned counter, unsigned mode, uint16_t bcd_count)
{
    return pit_program(counter, (uint8_t)(counter << 6 | 0x30 | mode << 1 | 1), bcd_count);
}

uint64_t pit_latch(unsigned counter, uint16_t *count)
{
    uint64_t stamp = outb_stamp(0x43, counter << 6);
    uint8_t low = inb((uint16_t)(0x40 + counter));
    *count = (uint16_t)(low | inb((uint16_t)(0x40 + counter)) << 8);
    return stamp;
}

uint64_t pit_gate2(bool high)
{
    return outb_stamp(0x61, high);
}

uint64_t pit_stamp(uint64_t origin, uint64_t clocks)
{
    return origin + mul_div_ceil(clocks, platform.counter_hz, PIT_HZ);
}

bool lapic_has_x2apic(void)
{
    return cpuid(1, 0).ecx & 1u << 21;
}

bool lapic_has_deadline(void)
{
    return cpuid(1, 0).ecx & 1u << 24;
}

// SDM 3A 11.12.1: from xAPIC to x2APIC by setting EXTD; back only through "disabled".
static void set_mode(bool x2apic)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint64_t mode = base & 0xc00;
    if (x2apic && mode != 0xc00) {
        wrmsr(MSR_APIC_BASE, base | 0x800);
        wrmsr(MSR_APIC_BASE, base | 0xc00);
    } else if (!x2apic && mode == 0xc00) {
        wrmsr(MSR_APIC_BASE, base & ~0xc00u);
        wrmsr(MSR_APIC_BASE, (base & ~0x400u) | 0x800);
    }
    lapic_x2apic = x2apic;
}

void lapic_init(bool x2apic)
{
    set_mode(x2apic);
    lapic_write(APIC_SVR, 0x100 | VECTOR_SPURIOUS);
    lapic_write(APIC_TPR, 0);
    lapic_write(APIC_LINT0, 0x700);
    lapic_timer_stop();
    lapic_divide(1);
}

uint32_t lapic_read(uint32_t reg)
{
    return lapic_x2apic ? (uint32_t)rdmsr(0x800 + (reg >> 4)) : read32(LAPIC_PAGE + reg);
}

void lapic_write(uint32_t reg, uint32_t value)
{
    if (lapic_x2apic)
        wrmsr(0x800 + (reg >> 4), value);
    else
        write32(LAPIC_PAGE + reg, value);
}

uint64_t lapic_write_stamp(uint32_t reg, uint32_t value)
{
    return lapic_x2apic ? wrmsr_stamp(0x800 + (reg >> 4), value) : write32_stamp(LAPIC_PAGE + reg, value);
}

uint64_t lapic_read_stamp(uint32_t reg, uint32_t *value)
{
    uint64_t wide, stamp;
    stamp = lapic_x2apic ? rdmsr_stamp(0x800 + (reg >> 4), &wide) : read32_stamp(LAPIC_PAGE + reg, &wide);
    *value = (uint32_t)wide;
    return stamp;
}

// ICR: destination shorthand "self" is 01 in bits 19:18 (SDM 3A 11.6.1).
void lapic_self_ipi(unsigned vector)
{
    if (lapic_x2apic)
        wrmsr(0x800 + (APIC_SELF >> 4), vector);
    else
        write32(LAPIC_PAGE + APIC_ICR, 1u << 18 | vector);
}

// SDM 3A 11.5.4: bits 3, 1 and 0 encode 2, 4 ... 128, then 1.
void lapic_divide(unsigned divisor)
{
    unsigned log2 = 0;
    while (1u << log2 < divisor)
        log2++;
    unsigned code = (log2 + 7) & 7;
    lapic_write(APIC_TDCR, (code & 4) << 1 | (code & 3));
}

void lapic_timer_stop(void)
{
    lapic_write(APIC_LVTT, LVT_MASKED | VECTOR_TIMER);
    lapic_write(APIC_TMICT, 0);
}

uint64_t lapic_stamp(uint64_t origin, uint64_t count, unsigned divisor)
{
    return origin + mul_div_ceil(count * divisor, platform.counter_hz, board.apic_hz);
}

void halt_until(uint64_t stamp)
{
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    for (unsigned i = 0; i < 64; i++) {
        uint64_t now = rdtsc();
        if (now + 40000 > stamp)
            return;
        uint64_t cycles = mul_div_floor(stamp - now - 20000, board.apic_hz, platform.counter_hz);
        lapic_write(APIC_TMICT, cycles > 4000000000u ? 4000000000u : (uint32_t)cycles);
        halt_until_interrupt();
    }
}

bool pvclock_present(void)
{
    return text_equal(platform.signature, "KVMKVMKVM", 9) && (cpuid(0x40000001, 0).eax & 8);
}

uint64_t pvclock_at(const struct pvclock *page, uint64_t tsc)
{
    return pvclock_scale(page, tsc);
}
