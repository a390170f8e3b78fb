// SPDX-License-Identifier: MIT
// The generic timer: every register both ways, the condition against arithmetic in 128 bits, the deadline against a
// counter that is stepped, and the laws of the device contract with each channel's line as an output.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/device.h"
#include "devices/gtimer.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"

#define P GTIMER_PHYSICAL
#define V GTIMER_VIRTUAL

static void test_reset(void **state)
{
    (void)state;
    struct gtimer t;
    gtimer_init(&t);
    for (unsigned channel = 0; channel < GTIMER_CHANNELS; channel++) {
        assert_int_equal(gtimer_read(&t, channel, GTIMER_CTL, 5), 0);
        assert_false(gtimer_line(&t, channel, UINT64_MAX));
        assert_int_equal(gtimer_deadline(&t, channel, 0), TIME_NEVER);
    }
}

// All of CTL: which bits stay, when ISTATUS shows, when the line follows it.
static void test_control(void **state)
{
    (void)state;
    struct gtimer t;
    gtimer_init(&t);
    gtimer_write(&t, V, GTIMER_CVAL, 100, 0);
    for (uint64_t ctl = 0; ctl < 16; ctl++)
        for (vtime_t now = 98; now < 103; now++) {
            gtimer_write(&t, V, GTIMER_CTL, ctl | UINT64_C(0xdeadbeef00000000), now);
            bool enabled = ctl & 1, masked = ctl & 2, met = now >= 100;
            assert_int_equal(gtimer_read(&t, V, GTIMER_CTL, now), (ctl & 3) | (enabled && met ? 4 : 0));
            assert_int_equal(gtimer_line(&t, V, now), enabled && !masked && met);
            assert_int_equal(gtimer_deadline(&t, V, now), enabled && !masked && !met ? 100 : TIME_NEVER);
            assert_int_equal(gtimer_read(&t, P, GTIMER_CTL, now), 0); // the other channel knows nothing of it
            assert_int_equal(gtimer_read(&t, P, GTIMER_CVAL, now), 0);
        }
}

// The order in which a guest enables, unmasks and sets the compare value makes no difference in the end.
static void test_every_order_of_arming(void **state)
{
    (void)state;
    static const uint8_t orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                          { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    for (unsigned order = 0; order < 6; order++) {
        struct gtimer t;
        uint64_t ctl = GTIMER_CTL_IMASK;
        gtimer_init(&t);
        gtimer_write(&t, P, GTIMER_CVAL, TIME_NEVER, 0);
        gtimer_write(&t, P, GTIMER_CTL, ctl, 0);
        for (unsigned step = 0; step < 3; step++) {
            assert_false(gtimer_line(&t, P, 1000));
            assert_int_equal(gtimer_deadline(&t, P, 10), TIME_NEVER);
            if (orders[order][step] == 0)
                gtimer_write(&t, P, GTIMER_CVAL, 500, 10);
            else
                gtimer_write(&t, P, GTIMER_CTL, ctl = orders[order][step] == 1 ? ctl | 1 : ctl & ~UINT64_C(2), 10);
        }
        assert_int_equal(gtimer_deadline(&t, P, 10), 500);
        assert_true(gtimer_line(&t, P, 500));
    }
}

// TVAL is the low half of CVAL - CNT, and a signed distance from CNT when it is written.
static void test_tval(void **state)
{
    (void)state;
    static const uint64_t counts[] = { 0,          1,           0x7fffffff,     0x80000000,
                                       0xffffffff, 0x100000000, UINT64_MAX - 5, UINT64_MAX - 1 };
    static const uint32_t values[] = { 0,          1,          2,          62500,      0x7ffffffe,
                                       0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff };
    struct gtimer t;
    gtimer_init(&t);
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        for (unsigned j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
            __int128 distance = values[j] > 0x7fffffff ? (__int128)values[j] - ((__int128)1 << 32) : values[j];
            uint64_t cval = (uint64_t)((__int128)counts[i] + distance);
            gtimer_write(&t, P, GTIMER_TVAL, values[j] | UINT64_C(0xabcdef0100000000), counts[i]);
            assert_int_equal(gtimer_read(&t, P, GTIMER_CVAL, 7), cval);
            assert_int_equal(gtimer_read(&t, P, GTIMER_TVAL, counts[i]), values[j]);
            assert_int_equal(gtimer_read(&t, P, GTIMER_TVAL, counts[i] + 3), (values[j] - 3u) & 0xffffffffu);
        }
    gtimer_write(&t, P, GTIMER_CVAL, UINT64_C(0x500000000), 0); // further than TVAL can say
    assert_int_equal(gtimer_read(&t, P, GTIMER_TVAL, 0x100), 0xffffff00);
}

// Compare values do not wrap: what is before the counter is past, however far, and all ones is never.
static void test_past_and_infinity(void **state)
{
    (void)state;
    struct gtimer t;
    gtimer_init(&t);
    gtimer_write(&t, V, GTIMER_CTL, GTIMER_CTL_ENABLE, 0);
    gtimer_write(&t, V, GTIMER_CVAL, 0, UINT64_C(1) << 63);
    assert_true(gtimer_line(&t, V, UINT64_C(1) << 63));
    assert_int_equal(gtimer_deadline(&t, V, UINT64_C(1) << 63), TIME_NEVER);
    gtimer_write(&t, V, GTIMER_CVAL, UINT64_MAX, 0);
    assert_false(gtimer_line(&t, V, UINT64_MAX - 1));
    assert_int_equal(gtimer_deadline(&t, V, 0), TIME_NEVER);
    gtimer_write(&t, V, GTIMER_CVAL, UINT64_MAX - 1, 0);
    assert_int_equal(gtimer_deadline(&t, V, 0), UINT64_MAX - 1);
    gtimer_write(&t, V, GTIMER_TVAL, 0xffffffff, 0); // one tick ago, at 0: that is the end of time
    assert_false(gtimer_line(&t, V, 1));
}

// Random settings: the line at any V is what 128-bit arithmetic says, and it is down up to the deadline, then up.
static void test_against_arithmetic(void **state)
{
    (void)state;
    uint64_t random = 53, lines = 0, deadlines = 0;
    for (unsigned i = 0; i < 300000; i++) {
        struct gtimer t;
        unsigned channel = host_random(&random) & 1;
        uint64_t now = host_random_edgy(&random), ctl = host_random(&random) & 3;
        uint64_t cval = host_random(&random) & 1 ? host_random_edgy(&random) : now + (host_random(&random) & 7) - 4;
        now -= now == TIME_NEVER; // V never gets there
        gtimer_init(&t);
        gtimer_write(&t, channel, GTIMER_CVAL, cval, now);
        gtimer_write(&t, channel, GTIMER_CTL, ctl, now);
        bool up = ctl == 1 && (__int128)now - (__int128)cval >= 0;
        assert_int_equal(gtimer_line(&t, channel, now), up);
        assert_false(gtimer_line(&t, !channel, now));
        lines += up;
        vtime_t deadline = gtimer_deadline(&t, channel, now);
        assert_true(deadline > now || deadline == TIME_NEVER);
        if (deadline == TIME_NEVER) {
            assert_int_equal(gtimer_line(&t, channel, TIME_NEVER - 1), up);
            continue;
        }
        assert_false(gtimer_line(&t, channel, deadline - 1));
        assert_true(gtimer_line(&t, channel, deadline));
        deadlines++;
    }
    assert_true(lines > 1000 && deadlines > 1000);
    print_message("# generic timer: %llu lines up, %llu deadlines\n", (unsigned long long)lines,
                  (unsigned long long)deadlines);
}

// --- the laws: the timer as a device, one register a word, with its lines as they would reach a controller -----------

struct wired {
    struct gtimer timer;
    struct irq_line line[GTIMER_CHANNELS];
};

static void wired_advance(void *device, vtime_t now)
{
    struct wired *w = device;
    for (unsigned i = 0; i < GTIMER_CHANNELS; i++)
        irq_line_set(&w->line[i], gtimer_line(&w->timer, i, now));
}

static enum io_result wired_access(void *device, struct io_access *io, vtime_t now)
{
    struct wired *w = device;
    unsigned channel = io->offset / 3 & 1;
    enum gtimer_register reg = (enum gtimer_register)(io->offset % 3);
    wired_advance(device, now);
    if (io->is_write)
        gtimer_write(&w->timer, channel, reg, io->value, now);
    else
        io->value = gtimer_read(&w->timer, channel, reg, now);
    wired_advance(device, now);
    return IO_OK;
}

// Deadlines are asked for at the V of the last advance, which the lines remember: a line that is up has none.
static vtime_t wired_deadline(const void *device)
{
    const struct wired *w = device;
    vtime_t next = TIME_NEVER;
    for (unsigned i = 0; i < GTIMER_CHANNELS; i++) {
        vtime_t deadline = w->line[i].level ? TIME_NEVER : gtimer_deadline(&w->timer, i, 0);
        next = deadline < next ? deadline : next;
    }
    return next;
}

static const struct device_ops wired_ops = { "gtimer", wired_access, wired_advance, wired_deadline };

static void laws_init(void *device)
{
    *(struct wired *)device = (struct wired){ 0 };
    gtimer_init(&((struct wired *)device)->timer);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    io->offset = host_random_range(random, 0, 5);
    io->size = 8;
    io->is_write = host_random(random) & 1;
    io->value = host_random(random) & 3 ? host_random(random) & 0xfffff : host_random_edgy(random);
    if (io->offset % 3 == GTIMER_CTL && host_random(random) & 3)
        io->value = 1;
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct wired *w = device;
    for (unsigned i = 0; i < GTIMER_CHANNELS; i++)
        for (unsigned reg = GTIMER_CTL; reg <= GTIMER_TVAL; reg++)
            observation_add(seen, gtimer_read(&w->timer, i, (enum gtimer_register)reg, now));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    return index < GTIMER_CHANNELS ? &((const struct wired *)device)->line[index] : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return !io->is_write;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &wired_ops,
        .object_size = sizeof(struct wired),
        .init = laws_init,
        .random_access = laws_access,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 1000,
        .runs = 50,
        .steps = 2000,
        .seed = 57,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_every_order_of_arming),
        cmocka_unit_test(test_tval),
        cmocka_unit_test(test_past_and_infinity),
        cmocka_unit_test(test_against_arithmetic),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("gtimer", tests, NULL, NULL);
}
