// SPDX-License-Identifier: MIT
// Stolen time (DEN0057A) and the pairing of the counter with the wall clock (KVM's PTP call): is each to the letter?
//
// With one guest on the host nothing is stolen from it, least of all while it halts. M20: it only grows, and never
// faster than time.
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define LPT_BETA  0xc5000022u // of a draft, which nobody has now
#define UNKNOWN   0xc5000030u
#define RTCDR     0x000u
#define NS        1000000000u
#define ALIGNMENT 64u

// DEN0057A, 3.2.2: 64 bytes, little endian.
struct stolen {
    uint32_t revision, attributes;
    uint64_t ns;
    uint64_t reserved[6];
};

static const volatile struct stolen *page;

static void test_features(void)
{
    ok(firmware_call(SMCCC_FEATURES, PV_TIME_FEATURES, 0, 0) == 0, "the convention's features have PV_TIME_FEATURES");
    ok(firmware_call(PV_TIME_FEATURES, PV_TIME_FEATURES, 0, 0) == 0 &&
           firmware_call(PV_TIME_FEATURES, PV_TIME_ST, 0, 0) == 0,
       "it and PV_TIME_ST are supported");
    ok(firmware_call(PV_TIME_FEATURES, LPT_BETA, 0, 0) == NOT_SUPPORTED &&
           firmware_call(PV_TIME_FEATURES, UNKNOWN, 0, 0) == NOT_SUPPORTED &&
           firmware_call(PV_TIME_FEATURES, 0, 0, 0) == NOT_SUPPORTED,
       "live physical time and what nobody knows are not");
    ok(firmware_call(PV_TIME_FEATURES & ~(1u << 30), PV_TIME_ST, 0, 0) == NOT_SUPPORTED &&
           firmware_call(PV_TIME_ST & ~(1u << 30), 0, 0, 0) == NOT_SUPPORTED,
       "nor are the calls' 32-bit forms");
}

static void test_page(void)
{
    uint64_t at = firmware_call(PV_TIME_ST, 0, 0, 0);
    bool in_memory = at - board.memory < board.memory_size;
    ok(at != NOT_SUPPORTED && at % ALIGNMENT == 0, "the structure is at 0x%lx, on 64 bytes", at);
    ok(firmware_call(PV_TIME_ST, 0, 0, 0) == at, "asked again it is there still");
    page = in_memory ? (const struct stolen *)at : mmu_map_normal(at);
    uint64_t reserved = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(page->reserved); i++)
        reserved |= page->reserved[i];
    ok(page->revision == 0 && page->attributes == 0 && reserved == 0, "revision 0, attributes 0, the rest 0");
}

static void write_it(uint64_t value)
{
    *(volatile uint64_t *)(uint64_t)&page->ns = value;
}

// The guest has it read-only, by agreement at least; what it writes must not come back to it as stolen.
static void test_write(void)
{
    uint64_t before = page->ns;
    unsigned class = catch_trap(write_it, 0x123456789abcdef).class;
    ok(page->ns - before < NS, "a write has no effect (%s)", class == CLASS_NONE ? "ignored" : "an abort");
}

static void test_growth(void)
{
    uint64_t first = page->ns, last = first, start = counter_read();
    bool rising = true;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = page->ns;
        rising = rising && now >= last;
        last = now;
        wait_until(counter_read() + 1000);
    }
    uint64_t passed = mul_div_ceil(counter_read() - start, NS, platform.counter_hz);
    ok(rising && last - first <= passed, "M20 it only grows, and no faster than time (%lu of %lu ns)", last - first,
       passed);
    timer_init();
    first = page->ns;
    timer_start(timer_hz());
    halt_until_interrupt();
    diag("stolen in a halted second: %lu ns; in all: %lu ns", page->ns - first, page->ns);
    ok(page->ns - first <= NS / 100, "M20 a halted second is not stolen");
    ok_exact(page->ns == 0, "M19 nobody else is here: nothing at all is stolen");
}

struct pair {
    bool made;
    uint64_t ns, counter, stamp;
};

static struct pair ask(uint64_t which)
{
    struct smccc registers = { { KVM_PTP, which } };
    struct pair pair = { .stamp = counter_read() };
    pair.made = smccc_by(false, &registers) && (int64_t)registers.x[0] >= 0;
    pair.ns = registers.x[0] << 32 | (uint32_t)registers.x[1];
    pair.counter = registers.x[2] << 32 | (uint32_t)registers.x[3];
    return pair;
}

static void test_pairing(void)
{
    struct pair first = ask(0);
    ok(first.made && first.counter >= first.stamp && first.counter <= counter_read(),
       "the counter of the pair is read between the call and its return");
    timer_start(timer_hz());
    halt_until_interrupt();
    wait_until(counter_read() + 12345);
    struct pair second = ask(0), physical = ask(1);
    int64_t off = (int64_t)(second.ns - first.ns - mul_div_floor(second.counter - first.counter, NS, timer_hz()));
    diag("two pairs %lu ns apart, %ld ns from what their counters say", second.ns - first.ns, off);
    ok(second.made && (!platform.counted || (off >= 0 && off <= 1)), "two pairs have the distance of their counters");
    ok(physical.made && physical.counter >= second.counter && physical.counter <= counter_read(),
       "the physical counter is the same clock");
    uint64_t seconds = board.rtc ? read32(board.rtc + RTCDR) : 0;
    ok(seconds - second.ns / NS <= 1, "the time of the pair is the PL031's (%lu s, %lu s)", second.ns / NS, seconds);
    ok(!ask(2).made && !ask(UINT64_MAX).made, "a third clock is NOT_SUPPORTED");
}

#define CLAIMS 17

void test_main(void)
{
    plan(CLAIMS);
    if (firmware_call(PV_TIME_ST, 0, 0, 0) == NOT_SUPPORTED && !platform.escapement) {
        for (unsigned i = 0; i < CLAIMS; i++)
            skip("nobody to steal time here", "stolen time");
        return;
    }
    test_features();
    test_page();
    test_write();
    test_growth();
    test_pairing();
    struct pair pair = ask(0);
    ok(pair.ns > (uint64_t)1577836800 * NS, "it is after the year 2019");
}
