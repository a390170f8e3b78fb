// SPDX-License-Identifier: MIT
// ACPI PM1 block and PM timer (ACPI 6.4, 4.8.3.1 .. 4.8.3.3). Called by the bus with V. Any access width works on any
// byte of the block, as the registers are only bytes side by side. The end of the machine is only noted here, the VM's
// loop acts.
#include "devices/pmtimer.h"
#include "time/ratio.h"

#define PM1_STS            0x0
#define PM1_EN             0x2
#define PM1_CNT            0x4
#define PM_TMR             0x8
#define PM_SIZE            0x10

#define TMR_STS            0x0001

// Timer, global lock, power button, sleep button, RTC. Only the first can happen, but a guest reads back what it
// enabled.
#define EN_WRITABLE        0x0721

#define CNT_SCI_EN         0x0001
#define CNT_WRITABLE       0x1c02 // BM_RLD and SLP_TYP; GBL_RLS and SLP_EN are write-only
#define CNT_SLP_EN         0x2000
#define CNT_SLP_TYP(value) (((value) >> 10) & 7)

#define COUNTER_MASK       0xffffffu
#define HALF_COUNT         23 // log2 of the ticks between two changes of bit 23
#define SLP_TYP_OFF        5
#define SLP_TYP_OFF_2      0

void pmtimer_init(struct pmtimer *pm, uint64_t guest_hz)
{
    INVARIANT(guest_hz >= PMTIMER_HZ);
    *pm = (struct pmtimer){ .hz = guest_hz };
}

static uint64_t ticks_at(const struct pmtimer *pm, vtime_t now)
{
    return mul_div_floor(now, PMTIMER_HZ, pm->hz);
}

static void update_sci(struct pmtimer *pm)
{
    irq_line_set(&pm->sci, pm->status & pm->enable);
}

static void pmtimer_advance(void *device, vtime_t now)
{
    struct pmtimer *pm = device;
    HOT_INVARIANT(now >= pm->seen);
    pm->seen = now;
    uint64_t changes = ticks_at(pm, now) >> HALF_COUNT;
    if (changes != pm->changes)
        pm->status |= TMR_STS;
    pm->changes = changes;
    update_sci(pm);
}

// Only a change that will move the line is worth an alarm: TMR_STS itself is found by arithmetic when somebody reads
// it.
static vtime_t pmtimer_next_deadline(const void *device)
{
    const struct pmtimer *pm = device;
    if (pm->status & TMR_STS || !(pm->enable & TMR_STS))
        return TIME_NEVER;
    uint64_t next = time_add(pm->changes << HALF_COUNT, UINT64_C(1) << HALF_COUNT);
    return mul_div_ceil(next, pm->hz, PMTIMER_HZ);
}

static uint8_t read_byte(const struct pmtimer *pm, uint64_t index, vtime_t now)
{
    uint32_t value;
    switch (index & ~UINT64_C(1)) {
    case PM1_STS: value = pm->status; break;
    case PM1_EN: value = pm->enable; break;
    case PM1_CNT: value = pm->control | CNT_SCI_EN; break;
    case PM_TMR: value = (uint32_t)ticks_at(pm, now); break;
    case PM_TMR + 2: value = (uint32_t)(ticks_at(pm, now) & COUNTER_MASK) >> 16; break;
    default: value = 0; break;
    }
    return (uint8_t)(value >> (8 * (index & 1)));
}

static uint16_t replace_byte(uint16_t old, uint16_t value, uint16_t byte_mask)
{
    return (uint16_t)((old & ~byte_mask) | (value & byte_mask));
}

static void write_byte(struct pmtimer *pm, uint64_t index, uint8_t byte)
{
    unsigned shift = 8 * (index & 1);
    uint16_t value = (uint16_t)(byte << shift), mask = (uint16_t)(0xff << shift);
    switch (index & ~UINT64_C(1)) {
    case PM1_STS: pm->status &= (uint16_t)~value; break;
    case PM1_EN: pm->enable = replace_byte(pm->enable, value, mask) & EN_WRITABLE; break;
    case PM1_CNT:
        pm->control = replace_byte(pm->control, value, mask) & CNT_WRITABLE;
        if (value & CNT_SLP_EN) {
            unsigned type = CNT_SLP_TYP(value);
            pm->power_off |= type == SLP_TYP_OFF || type == SLP_TYP_OFF_2;
        }
        break;
    default: break; // PM_TMR is read-only
    }
}

static enum io_result pmtimer_access(void *device, struct io_access *io, vtime_t now)
{
    struct pmtimer *pm = device;
    uint64_t first = io->offset - PMTIMER_PORT, value = 0;
    if (first >= PM_SIZE)
        return IO_UNCLAIMED;
    pmtimer_advance(pm, now);
    for (unsigned i = 0; i < io->size && i < 8; i++) {
        bool inside = first + i < PM_SIZE;
        if (io->is_write && inside)
            write_byte(pm, first + i, (uint8_t)(io->value >> (8 * i)));
        else if (!io->is_write)
            value |= (uint64_t)(inside ? read_byte(pm, first + i, now) : 0xff) << (8 * i);
    }
    if (!io->is_write)
        io->value = value;
    update_sci(pm);
    return IO_OK;
}

bool pmtimer_power_off(const struct pmtimer *pm)
{
    return pm->power_off;
}

const struct device_ops pmtimer_ops = {
    .name = "pmtimer",
    .access = pmtimer_access,
    .advance = pmtimer_advance,
    .next_deadline = pmtimer_next_deadline,
};
