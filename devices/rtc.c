// SPDX-License-Identifier: MIT
// The MC146818A: its divider, its updates and its ports (Motorola data sheet, "Update Cycle", "Divider Stages",
// "Registers"). Called by the bus with V. What the bytes of the time mean is in rtc_time.c.
#include "devices/bytewise.h"
#include "devices/rtc_regs.h"
#include "time/calendar.h"

// --- time passes ----------------------------------------------------------------------------------------------------

static bool divider_runs(const struct rtc *rtc)
{
    return (rtc->cmos[REG_A] & A_RESET) != A_RESET;
}

// Ticks between two periodic interrupts, 0 for none. Rates 1 and 2 are 256 and 128 Hz with this crystal.
static uint32_t period_ticks(const struct rtc *rtc)
{
    unsigned rate = rtc->cmos[REG_A] & A_RATE;
    return rate == 0 ? 0 : rate < 3 ? 64u << rate : 1u << (rate - 1);
}

static void update_irq(struct rtc *rtc)
{
    bool irq = rtc->cmos[REG_C] & rtc->cmos[REG_B] & C_FLAGS;
    rtc->cmos[REG_C] = (uint8_t)((rtc->cmos[REG_C] & C_FLAGS) | (irq ? C_IRQ : 0));
    irq_line_set(&rtc->irq, irq);
}

static void update(struct rtc *rtc, uint64_t count)
{
    rtc_take_time_bytes(rtc);
    uint32_t distance = rtc_alarm_distance(rtc, (uint32_t)(rtc->seconds % DAY_SECONDS));
    if (distance != 0 && distance <= count)
        rtc->cmos[REG_C] |= C_ALARM;
    rtc->cmos[REG_C] |= C_UPDATE;
    rtc->seconds = (rtc->seconds + count) % CALENDAR_SECONDS;
}

static uint64_t ticks_at(const struct rtc *rtc, vtime_t now)
{
    return divider_runs(rtc) ? rtc->phase + ratio_floor(rtc->per_cycle, now - rtc->origin) : RELEASED;
}

static void rtc_advance(void *device, vtime_t now)
{
    struct rtc *rtc = device;
    HOT_INVARIANT(now >= rtc->seen);
    uint64_t ticks = ticks_at(rtc, now), updates = ticks / RTC_TICKS - rtc->ticks / RTC_TICKS;
    uint32_t period = period_ticks(rtc);
    if (updates != 0 && !(rtc->cmos[REG_B] & B_SET))
        update(rtc, updates);
    if (period != 0 && ticks / period != rtc->ticks / period)
        rtc->cmos[REG_C] |= C_PERIODIC;
    rtc->ticks = ticks;
    rtc->seen = now;
    update_irq(rtc);
}

static uint64_t next_multiple(uint64_t ticks, uint32_t period)
{
    return (ticks / period + 1) * period;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// Only what raises the interrupt is worth an alarm; every other flag is found by arithmetic when somebody looks.
static vtime_t rtc_next_deadline(const void *device)
{
    const struct rtc *rtc = device;
    uint8_t enabled = rtc->cmos[REG_B];
    uint64_t ticks = TIME_NEVER;
    if (rtc->irq.level || !divider_runs(rtc))
        return TIME_NEVER;
    if (enabled & C_PERIODIC && period_ticks(rtc) != 0)
        ticks = next_multiple(rtc->ticks, period_ticks(rtc));
    if (enabled & C_UPDATE && !(enabled & B_SET))
        ticks = least(ticks, next_multiple(rtc->ticks, RTC_TICKS));
    if (enabled & C_ALARM && !(enabled & B_SET)) {
        uint32_t distance = rtc_alarm_distance(rtc, (uint32_t)(rtc_shown_seconds(rtc) % DAY_SECONDS));
        if (distance != 0)
            ticks = least(ticks, (rtc->ticks / RTC_TICKS + distance) * RTC_TICKS);
    }
    if (ticks == TIME_NEVER)
        return TIME_NEVER;
    return time_add(rtc->origin, ratio_ceil(ratio_inverse(rtc->per_cycle), ticks - rtc->phase));
}

// --- the ports ------------------------------------------------------------------------------------------------------

static uint8_t read_register(struct rtc *rtc)
{
    uint8_t value = rtc->cmos[rtc->index];
    switch (rtc->index) {
    case REG_A: {
        bool soon = divider_runs(rtc) && rtc->ticks % RTC_TICKS >= RTC_TICKS - UIP_TICKS;
        return (uint8_t)(value | (soon && !(rtc->cmos[REG_B] & B_SET) ? A_UIP : 0));
    }
    case REG_C: // "all flags are cleared by a read"
        rtc->cmos[REG_C] = 0;
        update_irq(rtc);
        return value;
    default: return rtc_is_time(rtc->index) && !rtc->written ? rtc_time_byte(rtc, rtc->index) : value;
    }
}

// Held, the divider stands where the release will find it.
static void write_a(struct rtc *rtc, uint8_t value, vtime_t now)
{
    bool ran = divider_runs(rtc);
    rtc->cmos[REG_A] = value & (A_DIVIDER | A_RATE);
    if (divider_runs(rtc) == ran)
        return;
    rtc->origin = now;
    rtc->phase = rtc->ticks = RELEASED;
}

// A rising SET also clears UIE.
static void write_b(struct rtc *rtc, uint8_t value)
{
    if ((value ^ rtc->cmos[REG_B]) & (B_BINARY | B_24_HOURS))
        rtc_keep_time_bytes(rtc);
    if (value & B_SET)
        value &= (uint8_t)~B_UIE;
    rtc->cmos[REG_B] = value;
}

static void write_register(struct rtc *rtc, uint8_t value, vtime_t now)
{
    switch (rtc->index) {
    case REG_A: write_a(rtc, value, now); break;
    case REG_B: write_b(rtc, value); break;
    case REG_C:
    case REG_D: break; // read-only
    default:
        if (rtc_is_time(rtc->index))
            rtc_keep_time_bytes(rtc);
        rtc->cmos[rtc->index] = value;
    }
    update_irq(rtc);
}

static enum io_result rtc_cycle(void *device, struct io_access *io, vtime_t now)
{
    struct rtc *rtc = device;
    uint64_t port = io->offset - RTC_PORT;
    if (port > 1)
        return IO_UNCLAIMED;
    if (port == 1 && io->is_write)
        write_register(rtc, (uint8_t)io->value, now);
    else if (port == 1)
        io->value = read_register(rtc);
    else if (io->is_write)
        rtc->index = io->value & 0x7f;
    else
        io->value = 0xff; // write-only
    return IO_OK;
}

static enum io_result rtc_access(void *device, struct io_access *io, vtime_t now)
{
    rtc_advance(device, now);
    return bytewise_access(device, io, now, rtc_cycle);
}

const struct device_ops rtc_ops = {
    .name = "rtc",
    .access = rtc_access,
    .advance = rtc_advance,
    .next_deadline = rtc_next_deadline,
};

// --- what the firmware left -----------------------------------------------------------------------------------------

#define CMOS_EQUIPMENT 0x14
#define CMOS_BASE_KIB  0x15 // two bytes, low first
#define CMOS_ABOVE_1M  0x17 // KiB, two bytes; again at 0x30
#define CMOS_ABOVE_1M2 0x30
#define CMOS_SUM       0x2e // of 0x10..0x2d, two bytes, high first
#define CMOS_ABOVE_16M 0x34 // units of 64 KiB, two bytes
#define CMOS_ABOVE_4G  0x5b // units of 64 KiB, three bytes
#define HAS_FPU        0x02

static void put_cmos(struct rtc *rtc, unsigned at, unsigned bytes, uint64_t value)
{
    uint64_t most = (UINT64_C(1) << (8 * bytes)) - 1;
    value = value < most ? value : most;
    for (unsigned i = 0; i < bytes; i++)
        rtc->cmos[at + i] = (uint8_t)(value >> (8 * i));
}

static uint64_t memory_above(uint64_t ram_bytes, uint64_t start)
{
    return ram_bytes > start ? ram_bytes - start : 0;
}

static void init_cmos(struct rtc *rtc, uint64_t ram_bytes)
{
    const uint64_t mib = UINT64_C(1) << 20;
    uint64_t above_1m = memory_above(ram_bytes, mib) >> 10;
    uint16_t sum = 0;
    rtc->cmos[CMOS_EQUIPMENT] = HAS_FPU;
    put_cmos(rtc, CMOS_BASE_KIB, 2, 640);
    put_cmos(rtc, CMOS_ABOVE_1M, 2, above_1m);
    put_cmos(rtc, CMOS_ABOVE_1M2, 2, above_1m);
    put_cmos(rtc, CMOS_ABOVE_16M, 2, memory_above(ram_bytes, 16 * mib) >> 16);
    put_cmos(rtc, CMOS_ABOVE_4G, 3, memory_above(ram_bytes, 4096 * mib) >> 16);
    for (unsigned i = 0x10; i < CMOS_SUM; i++)
        sum = (uint16_t)(sum + rtc->cmos[i]);
    rtc->cmos[CMOS_SUM] = (uint8_t)(sum >> 8);
    rtc->cmos[CMOS_SUM + 1] = (uint8_t)sum;
}

void rtc_init(struct rtc *rtc, uint64_t guest_hz, int64_t unix_seconds, uint64_t ram_bytes)
{
    INVARIANT(guest_hz >= 2 * RTC_TICKS);
    const int64_t cycle = (int64_t)CALENDAR_SECONDS;
    int64_t since_1970 = (unix_seconds % cycle + cycle) % cycle;
    *rtc = (struct rtc){ .per_cycle = ratio_make(RTC_TICKS, guest_hz) };
    rtc->seconds = (CALENDAR_UNIX_EPOCH + (uint64_t)since_1970) % CALENDAR_SECONDS;
    rtc->cmos[REG_A] = A_FIRMWARE;
    rtc->cmos[REG_B] = B_24_HOURS;
    rtc->cmos[REG_D] = D_VALID;
    init_cmos(rtc, ram_bytes);
}
