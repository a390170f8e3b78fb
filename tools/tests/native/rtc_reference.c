// SPDX-License-Identifier: MIT
// See rtc_reference.h. Linked by test_rtc.c only.
#include <string.h>

#include "tools/tests/native/rtc_reference.h"

static bool binary(const struct ref_rtc *ref)
{
    return ref->reg[11] & 4;
}

static int plain(const struct ref_rtc *ref, int byte)
{
    return binary(ref) ? byte : 10 * (byte / 16) + byte % 16;
}

static int coded(const struct ref_rtc *ref, int value)
{
    return binary(ref) ? value : value / 10 * 16 + value % 10;
}

// The value of [low, high] that is nearest to what the byte says, found by trying all.
static int nearest(const struct ref_rtc *ref, int byte, int low, int high)
{
    int best = low, wanted = plain(ref, byte);
    for (int v = low; v <= high; v++)
        if ((v > wanted ? v - wanted : wanted - v) < (best > wanted ? best - wanted : wanted - best))
            best = v;
    return best;
}

// Counts a byte up within [low, high]; true: it started over.
static bool count(struct ref_rtc *ref, int at, int low, int high)
{
    int value = plain(ref, ref->reg[at]) + 1;
    ref->reg[at] = (uint8_t)coded(ref, value > high ? low : value);
    return value > high;
}

static int month_length(const struct ref_rtc *ref)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = plain(ref, ref->reg[0x32]) * 100 + plain(ref, ref->reg[9]), month = plain(ref, ref->reg[8]);
    bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
    return lengths[month - 1] + (month == 2 && leap);
}

static void tidy(struct ref_rtc *ref)
{
    static const int fields[][3] = { { 0, 0, 59 }, { 2, 0, 59 },  { 6, 1, 7 }, { 8, 1, 12 },
                                     { 9, 0, 99 }, { 50, 0, 99 }, { 7, 1, 31 } };
    for (unsigned i = 0; i < 7; i++)
        ref->reg[fields[i][0]] = (uint8_t)coded(ref, nearest(ref, ref->reg[fields[i][0]], fields[i][1], fields[i][2]));
    ref->reg[7] = (uint8_t)coded(ref, nearest(ref, ref->reg[7], 1, month_length(ref)));
    int hour = ref->reg[4];
    if (ref->reg[11] & 2)
        ref->reg[4] = (uint8_t)coded(ref, nearest(ref, hour, 0, 23));
    else
        ref->reg[4] = (uint8_t)(coded(ref, nearest(ref, hour & 127, 1, 12)) | (hour & 128));
}

// True: midnight.
static bool count_hour(struct ref_rtc *ref)
{
    if (ref->reg[11] & 2)
        return count(ref, 4, 0, 23);
    int hour = plain(ref, ref->reg[4] & 127), pm = ref->reg[4] & 128;
    if (hour == 11)
        pm ^= 128;
    ref->reg[4] = (uint8_t)(coded(ref, hour == 12 ? 1 : hour + 1) | pm);
    return hour == 11 && pm == 0;
}

static void update(struct ref_rtc *ref)
{
    tidy(ref);
    if (count(ref, 0, 0, 59) && count(ref, 2, 0, 59) && count_hour(ref)) {
        count(ref, 6, 1, 7);
        if (count(ref, 7, 1, month_length(ref)) && count(ref, 8, 1, 12) && count(ref, 9, 0, 99))
            count(ref, 50, 0, 99);
    }
    ref->reg[12] |= 0x10;
    bool alarm = true;
    for (int i = 0; i < 6; i += 2)
        alarm &= ref->reg[i + 1] >= 0xc0 || ref->reg[i + 1] == ref->reg[i];
    ref->reg[12] |= alarm ? 0x20 : 0;
}

static void drive(struct ref_rtc *ref, vtime_t now)
{
    bool irq = ref->reg[11] & ref->reg[12] & 0x70;
    ref->reg[12] = (uint8_t)((ref->reg[12] & 0x70) | (irq ? 0x80 : 0));
    if (irq && !ref->irq) {
        ref->rises++;
        ref->last_rise = now;
    }
    ref->irq = irq;
}

static bool held(const struct ref_rtc *ref)
{
    return (ref->reg[10] & 0x60) == 0x60;
}

static void tick(struct ref_rtc *ref, vtime_t now)
{
    static const uint32_t hertz[] = { 0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2 };
    uint32_t rate = hertz[ref->reg[10] & 15];
    ref->divider = (ref->divider + 1) % 32768;
    if (rate != 0 && ref->divider % (32768 / rate) == 0)
        ref->reg[12] |= 0x40;
    if (ref->divider == 0 && !(ref->reg[11] & 0x80))
        update(ref);
    drive(ref, now);
}

void ref_rtc_run(struct ref_rtc *ref, vtime_t from, vtime_t to)
{
    while (!held(ref)) {
        uint64_t cycles = (ref->hz - ref->clock + 32767) / 32768;
        if (cycles > to - from) {
            ref->clock += 32768 * (to - from);
            return;
        }
        from += cycles;
        ref->clock += 32768 * cycles - ref->hz;
        tick(ref, from);
    }
}

void ref_rtc_init(struct ref_rtc *ref, uint64_t hz, const uint8_t reg[128])
{
    memset(ref, 0, sizeof(*ref));
    ref->hz = hz;
    memcpy(ref->reg, reg, 128);
}

void ref_rtc_write(struct ref_rtc *ref, uint8_t value, vtime_t now)
{
    bool was_held = held(ref);
    if (ref->index == 10)
        value &= 0x7f;
    if (ref->index == 11 && value & 0x80)
        value &= 0xef;
    if (ref->index != 12 && ref->index != 13)
        ref->reg[ref->index] = value;
    if (held(ref) != was_held) {
        ref->divider = 16384;
        ref->clock = 0;
    }
    drive(ref, now);
}

uint8_t ref_rtc_read(struct ref_rtc *ref, vtime_t now)
{
    uint8_t value = ref->reg[ref->index];
    if (ref->index == 10 && ref->divider >= 32768 - 8 && !(ref->reg[11] & 0x80))
        value |= 0x80;
    if (ref->index == 12) {
        ref->reg[12] = 0;
        drive(ref, now);
    }
    return value;
}
