// SPDX-License-Identifier: MIT
// The generic timer's counter (Arm ARM D11.1) and its rate. CNTFRQ only repeats what firmware was told; the counter
// itself may run at another rate. The one other clock of such a board is the PL031, which shows whole seconds: to
// measure against it takes up to three of them. That is done where CNTFRQ is no divisor of 10^9 Hz, because then
// emulators, whose clocks have whole nanoseconds, cannot keep what it says; where CNTFRQ is nothing at all; and
// for counter=measured.
//
// A guest reads CNTFRQ itself, untrapped. Where EL2 is the highest level it may write it, and puts right what is wrong.
#include "arch/arm64/host/counter.h"

#include "arch/host.h"
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/rtc.h"
#include "time/ratio.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

#define PPM          UINT64_C(1000000)
#define AGREE_PPM    1000u // as arch/x86_64/host/rate.c has it
#define EDGES        3u
#define WAIT_LOOPS   300u      // 1 to 10 us
#define SECOND_POLLS 20000000u // of 100 ns and more
#define HZ_MIN       UINT64_C(1000000)     // the architecture wants 1 MHz to 50 MHz, and from Armv8.6 on 1 GHz
#define HZ_MAX       UINT64_C(10000000000)

struct edge {
    htime_t low, high; // of the counter, when the second changed
};

static struct counter counter = { .origin = "", .not_believed = "", .fixed_for_guest = true };
static char origin[80], not_believed[80];

const struct counter *arch_counter(void)
{
    return &counter;
}

htime_t arch_counter_read(void)
{
    return arm64_counter();
}

// Where instructions are counted, reading a device is what costs an emulator most: most of the second is only waited.
static void wait(void)
{
    for (unsigned i = 0; i < WAIT_LOOPS; i++)
        __asm__ volatile("" : : : "memory");
}

static bool next_edge(struct edge *out)
{
    htime_t before = arm64_counter();
    uint32_t first = hostrtc_seconds();
    for (unsigned polls = 0; polls < SECOND_POLLS; polls++) {
        htime_t between = arm64_counter();
        uint32_t now = hostrtc_seconds();
        if (now != first) {
            *out = (struct edge){ before, arm64_counter() };
            return now == first + 1;
        }
        before = between;
        wait();
    }
    return false;
}

static uint64_t apart_ppm(uint64_t a, uint64_t b)
{
    return mul_div_floor(a > b ? a - b : b - a, PPM, b);
}

// Ticks in a second by the PL031; 0: there is none, or its two seconds are not of one length.
static uint64_t measure(void)
{
    struct edge edge[EDGES];
    if (hostrtc_seconds() == 0)
        return 0;
    for (unsigned i = 0; i < EDGES; i++) {
        if (!next_edge(&edge[i]))
            return 0;
    }
    uint64_t low = 0, high = UINT64_MAX;
    for (unsigned i = 1; i < EDGES; i++) {
        uint64_t shortest = edge[i].low - edge[i - 1].high, longest = edge[i].high - edge[i - 1].low;
        low = shortest > low ? shortest : low;
        high = longest < high ? longest : high;
    }
    if (low > high && apart_ppm(low, high) > AGREE_PPM) {
        log_line("counter", "PL031: one second has %lu ticks at least, another %lu at most: not believed", low, high);
        return 0;
    }
    log_line("counter", "PL031: %lu..%lu Hz", low, high);
    return low / 2 + high / 2;
}

// What guests read.
static bool write_frequency(uint64_t hz)
{
    bool highest_level = (sysreg_read(id_aa64pfr0_el1) >> 12 & 15) == 0;
    if (!highest_level)
        return false;
    sysreg_write(cntfrq_el0, hz);
    arm64_isb();
    return sysreg_read(cntfrq_el0) == hz;
}

static void decide(uint64_t said, uint64_t measured)
{
    counter.hz = said;
    if (measured == 0) {
        format(origin, sizeof(origin), "CNTFRQ alone, unconfirmed");
    } else if (said != 0 && apart_ppm(measured, said) <= AGREE_PPM) {
        format(origin, sizeof(origin), "CNTFRQ and PL031, %lu ppm apart", apart_ppm(measured, said));
    } else if (write_frequency(measured)) {
        counter.hz = measured;
        format(origin, sizeof(origin), "PL031 alone, unconfirmed");
        format(not_believed, sizeof(not_believed), "CNTFRQ said %lu Hz, %lu ppm off", said, apart_ppm(said, measured));
    } else {
        format(origin, sizeof(origin), "CNTFRQ, which only firmware can change");
        format(not_believed, sizeof(not_believed), "PL031 says %lu Hz, %lu ppm off", measured,
               apart_ppm(measured, said));
    }
    counter.origin = origin;
    counter.not_believed = not_believed;
}

void counter_init(bool asked)
{
    uint64_t said = sysreg_read(cntfrq_el0) & UINT32_MAX, measured = 0;
    bool possible = said >= HZ_MIN && said <= HZ_MAX;
    if (!possible || NS_PER_S % said != 0 || asked) {
        log_line("counter", "CNTFRQ says %lu Hz: measured against the PL031, up to 3 seconds", said);
        measured = measure();
    }
    if (!possible && measured == 0)
        panic("CNTFRQ says %lu Hz, and there is no PL031 to measure the counter against", said);
    decide(said, measured);
    log_line("counter", "%lu Hz by %s", counter.hz, counter.origin);
    if (not_believed[0] != '\0')
        log_line("counter", "not believed: %s", not_believed);
}
