// SPDX-License-Identifier: MIT
// The APIC timer against a counter that is clocked one cycle at a time, against the formula over long times, and in the
// sequences that kvm-unit-tests' apic.c asserts. Every comparison is an equality.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/lapic_timer.h"
#include "tools/tests/native/host.h"

#define ONE_SHOT LAPIC_TIMER_ONE_SHOT
#define PERIODIC LAPIC_TIMER_PERIODIC
#define DEADLINE LAPIC_TIMER_TSC_DEADLINE
#define VECTOR   0xec

// TDCR encodings in the manual's order of dividers (SDM 3A figure 11-10).
static const struct {
    uint32_t tdcr, divider;
} dividers[8] = { { 11, 1 }, { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 } };

// The reference: a prescaler and a down counter with a clock input, and a comparator on the TSC.
struct counter {
    uint32_t mode, initial, count, prescaler, divider;
    uint64_t tsc_deadline, tsc;
    uint64_t expired;
    bool masked;
};

static bool counter_expire(struct counter *c)
{
    if (!c->masked)
        c->expired++;
    return !c->masked;
}

static bool counter_compare(struct counter *c)
{
    if (c->mode != DEADLINE || c->tsc_deadline == 0 || c->tsc < c->tsc_deadline)
        return false;
    c->tsc_deadline = 0;
    return counter_expire(c);
}

// One cycle of V. True when an unmasked expiry happened.
static bool counter_clock(struct counter *c)
{
    c->tsc++;
    if (c->count == 0)
        return counter_compare(c);
    if (++c->prescaler < c->divider)
        return false;
    c->prescaler = 0;
    if (--c->count != 0)
        return false;
    if (c->mode == PERIODIC)
        c->count = c->initial;
    return counter_expire(c);
}

static void counter_write_lvt(struct counter *c, uint32_t lvt)
{
    uint32_t mode = lvt & LAPIC_TIMER_MODE;
    bool counted = c->mode == ONE_SHOT || c->mode == PERIODIC, counts = mode == ONE_SHOT || mode == PERIODIC;
    if (mode != c->mode && !(counted && counts))
        c->initial = c->count = 0, c->tsc_deadline = 0;
    c->mode = mode;
    c->masked = (lvt & LAPIC_LVT_MASKED) != 0;
}

static void counter_write_initial(struct counter *c, uint32_t value)
{
    if (c->mode != ONE_SHOT && c->mode != PERIODIC)
        return;
    c->initial = c->count = value;
    c->prescaler = 0;
}

static void counter_write_divider(struct counter *c, uint32_t divider)
{
    if (divider != c->divider)
        c->prescaler = 0;
    c->divider = divider;
}

struct pair {
    struct lapic_timer timer;
    struct counter model;
    uint64_t random, tsc_adjust;
    vtime_t now;
};

static void pair_write(struct pair *p)
{
    static const uint32_t modes[8] = { ONE_SHOT, ONE_SHOT, PERIODIC, PERIODIC,
                                       PERIODIC, DEADLINE, DEADLINE, LAPIC_TIMER_MODE };
    uint32_t lvt, value;
    switch (host_random_range(&p->random, 0, 6)) {
    case 0:
        lvt = modes[host_random_range(&p->random, 0, 7)] | VECTOR;
        lvt |= host_random_range(&p->random, 0, 3) == 0 ? LAPIC_LVT_MASKED : 0;
        lapic_timer_write_lvt(&p->timer, lvt, p->now);
        counter_write_lvt(&p->model, lvt);
        break;
    case 1:
    case 2:
        value = (uint32_t)host_random_range(&p->random, 0, 40) * (uint32_t)host_random_range(&p->random, 0, 3);
        lapic_timer_write_initial(&p->timer, value, p->now);
        counter_write_initial(&p->model, value);
        break;
    case 3:
        value = (uint32_t)host_random_range(&p->random, 0, 7);
        lapic_timer_write_divide(&p->timer, dividers[value].tdcr, p->now);
        counter_write_divider(&p->model, dividers[value].divider);
        break;
    case 4:
        p->tsc_adjust += host_random_range(&p->random, 0, 400) - 200;
        p->model.tsc = p->now + p->tsc_adjust;
        lapic_timer_tsc_moved(&p->timer, p->tsc_adjust, p->now);
        counter_compare(&p->model);
        break;
    default: {
        uint64_t target =
            host_random_range(&p->random, 0, 9) ? p->model.tsc + host_random_range(&p->random, 0, 500) - 20 : 0;
        lapic_timer_write_deadline(&p->timer, target, p->tsc_adjust, p->now);
        if (p->model.mode == DEADLINE) {
            p->model.tsc_deadline = target;
            counter_compare(&p->model);
        }
    }
    }
}

// Clocks the model for `cycles`; the timer is not told. The first unmasked expiry must be where the timer said.
static void pair_run(struct pair *p, uint64_t cycles)
{
    vtime_t said = lapic_timer_next(&p->timer), first = TIME_NEVER;
    for (uint64_t i = 0; i < cycles; i++) {
        p->now++;
        if (counter_clock(&p->model) && first == TIME_NEVER)
            first = p->now;
    }
    if (!p->model.masked && said <= p->now)
        assert_int_equal(first, said);
    if (first != TIME_NEVER)
        assert_int_equal(said, first);
}

static void test_against_clocked_counter(void **state)
{
    (void)state;
    uint64_t expiries = 0;
    struct pair p = { .random = 11, .now = 1000, .model = { .divider = 2, .masked = true } };
    lapic_timer_reset(&p.timer);
    p.model.tsc = p.now;
    for (unsigned op = 0; op < 100000; op++) {
        pair_write(&p);
        pair_run(&p, host_random_range(&p.random, 0, host_random_range(&p.random, 0, 1500)));
        // TMCCT is right before the timer has been advanced too
        uint32_t early = lapic_timer_current(&p.timer, p.now);
        lapic_timer_advance(&p.timer, p.now);
        assert_int_equal(early, p.model.count);
        assert_int_equal(lapic_timer_current(&p.timer, p.now), p.model.count);
        assert_int_equal(p.timer.initial, p.model.initial);
        assert_int_equal(p.timer.deadline_tsc, p.model.tsc_deadline);
        assert_int_equal(p.timer.expired, p.model.expired);
        assert_true(lapic_timer_next(&p.timer) > p.now);
        expiries = p.timer.expired;
    }
    assert_true(expiries > 50000);
    print_message("# clocked counter: 100000 writes, %llu cycles, %llu expiries, 0 differences\n",
                  (unsigned long long)p.now, (unsigned long long)expiries);
}

// M11: TMCCT at 10^5 random points for each divider, counts and distances of every size.
static void test_count_reads_back(void **state)
{
    (void)state;
    uint64_t random = 12;
    for (unsigned d = 0; d < 8; d++) {
        for (unsigned i = 0; i < 100000; i++) {
            struct lapic_timer t;
            bool periodic = i & 1;
            vtime_t origin = host_random(&random) >> host_random_range(&random, 2, 40);
            uint32_t count = (uint32_t)host_random_edgy(&random);
            lapic_timer_reset(&t);
            lapic_timer_write_lvt(&t, (periodic ? PERIODIC : ONE_SHOT) | VECTOR, origin);
            lapic_timer_write_divide(&t, dividers[d].tdcr, origin);
            lapic_timer_write_initial(&t, count, origin);
            uint64_t elapsed = host_random_range(&random, 0, (uint64_t)count * dividers[d].divider * 3 + 2);
            uint64_t units = elapsed / dividers[d].divider;
            uint64_t expect = periodic && count ? count - units % count : units < count ? count - units : 0;
            assert_int_equal(lapic_timer_current(&t, origin + elapsed), expect);
            lapic_timer_advance(&t, origin + elapsed);
            assert_int_equal(lapic_timer_current(&t, origin + elapsed), expect);
            assert_int_equal(t.expired, count == 0 ? 0 : periodic ? units / count : units >= count);
        }
    }
    print_message("# M11: TMCCT at 100000 points for each of 8 dividers, 0 differences\n");
}

static void assert_fires_at(struct lapic_timer *t, vtime_t now, vtime_t due)
{
    uint64_t before = t->expired;
    assert_int_equal(lapic_timer_next(t), due);
    if (due - 1 >= now)
        lapic_timer_advance(t, due - 1);
    assert_int_equal(t->expired, before);
    lapic_timer_advance(t, due);
    assert_int_equal(t->expired, before + 1);
}

// M6: 10^5 deadlines in each mode, a third of them a few cycles ahead.
static void test_never_early_never_late(void **state)
{
    (void)state;
    uint64_t random = 13;
    struct lapic_timer t;
    lapic_timer_reset(&t);
    for (unsigned i = 0; i < 100000; i++) {
        vtime_t now = host_random(&random) >> host_random_range(&random, 2, 50);
        uint64_t adjust = host_random(&random),
                 delta = host_random_range(&random, 1, i % 3 ? UINT64_C(1) << (i % 40) : 4);
        if (now + adjust > UINT64_MAX - delta)
            adjust = 0; // a TSC that wraps before the deadline never gets there
        lapic_timer_reset(&t);
        lapic_timer_write_lvt(&t, DEADLINE | VECTOR, now);
        lapic_timer_write_deadline(&t, now + adjust + delta, adjust, now);
        assert_int_equal(t.deadline_tsc, now + adjust + delta);
        assert_fires_at(&t, now, now + delta);
        assert_int_equal(t.deadline_tsc, 0);
        assert_int_equal(lapic_timer_next(&t), TIME_NEVER);

        unsigned d = i % 8;
        uint32_t count = (uint32_t)host_random_range(&random, 1, i % 3 ? UINT32_MAX : 4);
        uint64_t period = (uint64_t)count * dividers[d].divider;
        lapic_timer_write_lvt(&t, (i & 8 ? PERIODIC : ONE_SHOT) | VECTOR, now);
        lapic_timer_write_divide(&t, dividers[d].tdcr, now);
        lapic_timer_write_initial(&t, count, now);
        assert_fires_at(&t, now, now + period);
        assert_int_equal(lapic_timer_next(&t), i & 8 ? now + 2 * period : TIME_NEVER);
    }
    print_message("# M6: 200000 deadlines (TSC-deadline, one-shot, periodic), lateness min 0 max 0 cycles\n");
}

static void test_periodic_has_no_drift(void **state)
{
    (void)state;
    struct lapic_timer t, jump;
    const vtime_t origin = 12345;
    const uint64_t period = 62501ull * 16;
    lapic_timer_reset(&t);
    lapic_timer_write_lvt(&t, PERIODIC | VECTOR, 0);
    lapic_timer_write_divide(&t, 3, 0);
    lapic_timer_write_initial(&t, 62501, origin);
    jump = t;
    for (uint64_t k = 1; k <= 1000000; k++) {
        assert_int_equal(lapic_timer_next(&t), origin + k * period);
        lapic_timer_advance(&t, origin + k * period);
    }
    assert_int_equal(t.expired, 1000000);
    lapic_timer_advance(&jump, origin + 1000000 * period);
    assert_memory_equal(&t, &jump, sizeof(t));

    // The shortest period and the longest jump: one division, nothing lost, nothing wraps.
    lapic_timer_write_divide(&jump, 11, origin + 1000000 * period);
    lapic_timer_write_initial(&jump, 1, origin + 1000000 * period);
    jump.expired = 0;
    lapic_timer_advance(&jump, TIME_NEVER - 1);
    assert_int_equal(jump.expired, TIME_NEVER - 1 - (origin + 1000000 * period));
    assert_int_equal(lapic_timer_next(&jump), TIME_NEVER);
    print_message("# periodic: event k at origin + k * period for k = 1..1000000, one jump gives the same state\n");
}

// The assertions of kvm-unit-tests x86/apic.c, test_apic_change_mode(), as far as they are about the APIC.
static void test_mode_changes(void **state)
{
    (void)state;
    const uint32_t tmict = 0x999999;
    struct lapic_timer t;
    vtime_t now = 500;
    lapic_timer_reset(&t);
    lapic_timer_write_divide(&t, 11, now);
    lapic_timer_write_lvt(&t, ONE_SHOT | LAPIC_LVT_MASKED | VECTOR, now);
    lapic_timer_write_initial(&t, tmict, now);
    lapic_timer_write_lvt(&t, PERIODIC | LAPIC_LVT_MASKED | VECTOR, now += 10);
    assert_int_equal(t.initial, tmict); // TMICT value kept

    lapic_timer_write_lvt(&t, ONE_SHOT | VECTOR, now);
    lapic_timer_write_initial(&t, tmict, now);
    assert_int_equal(lapic_timer_current(&t, now), tmict);
    assert_int_equal(lapic_timer_current(&t, now + tmict - 1), 1);
    assert_int_equal(lapic_timer_current(&t, now + tmict), 0);

    lapic_timer_write_initial(&t, tmict, now += tmict);
    vtime_t origin = now;
    now += tmict / 2 + 100;
    lapic_timer_write_lvt(&t, PERIODIC | VECTOR, now); // the running count goes on
    assert_int_equal(lapic_timer_current(&t, now), tmict - (now - origin));
    assert_int_equal(lapic_timer_current(&t, origin + tmict), tmict); // and wraps to the initial count

    now = origin + tmict + tmict / 2 + 7;
    lapic_timer_write_lvt(&t, ONE_SHOT | VECTOR, now); // back: still not reset, counts to 0 and stays
    assert_int_equal(lapic_timer_current(&t, now), tmict - (now - origin - tmict));
    assert_int_equal(lapic_timer_current(&t, origin + 2 * (vtime_t)tmict), 0);
    now = origin + 2 * (vtime_t)tmict;
    lapic_timer_write_lvt(&t, PERIODIC | VECTOR, now); // count 0 and TMICT not 0: stays at zero
    assert_int_equal(t.initial, tmict);
    assert_int_equal(lapic_timer_current(&t, now + 1000), 0);
    assert_int_equal(lapic_timer_next(&t), TIME_NEVER);
}

static void test_deadline_mode(void **state)
{
    (void)state;
    struct lapic_timer t;
    lapic_timer_reset(&t);
    lapic_timer_write_deadline(&t, 5000, 0, 10); // one-shot mode: ignored
    assert_int_equal(t.deadline_tsc, 0);

    lapic_timer_write_lvt(&t, ONE_SHOT | VECTOR, 10);
    lapic_timer_write_initial(&t, 1000, 10);
    lapic_timer_write_lvt(&t, DEADLINE | VECTOR, 20); // disarms and zeroes TMICT
    assert_int_equal(t.initial, 0);
    assert_int_equal(lapic_timer_next(&t), TIME_NEVER);
    lapic_timer_write_initial(&t, 1000, 20); // ignored
    assert_int_equal(t.initial, 0);

    lapic_timer_write_deadline(&t, 100, 0, 100); // equal is due
    assert_int_equal(t.expired, 1);
    lapic_timer_write_deadline(&t, 1, 0, 100); // the past fires at once
    assert_int_equal(t.expired, 2);
    assert_int_equal(t.deadline_tsc, 0);
    lapic_timer_write_deadline(&t, UINT64_MAX, 0, 100); // the far future does not
    assert_int_equal(t.expired, 2);
    assert_int_equal(t.deadline_tsc, UINT64_MAX);
    lapic_timer_write_deadline(&t, 200, 0, 100);
    lapic_timer_write_deadline(&t, 0, 0, 150); // disarms
    lapic_timer_advance(&t, 1000);
    assert_int_equal(t.expired, 2);

    lapic_timer_write_deadline(&t, 5000, 0, 1000); // the guest moves its TSC: nearer, away, past
    lapic_timer_tsc_moved(&t, 1500, 1000);
    assert_int_equal(lapic_timer_next(&t), 3500);
    lapic_timer_tsc_moved(&t, (uint64_t)-500, 1000);
    assert_int_equal(lapic_timer_next(&t), 5500);
    lapic_timer_tsc_moved(&t, 4000, 1000);
    assert_int_equal(t.expired, 3);

    lapic_timer_write_lvt(&t, DEADLINE | LAPIC_LVT_MASKED | VECTOR, 1000);
    lapic_timer_write_deadline(&t, 2000, 0, 1000); // masked: expires in silence, the MSR becomes 0
    assert_int_equal(lapic_timer_next(&t), 2000);
    lapic_timer_advance(&t, 2000);
    assert_int_equal(t.deadline_tsc, 0);
    assert_int_equal(t.expired, 3);
    lapic_timer_write_deadline(&t, 9000, 0, 2000);
    lapic_timer_write_lvt(&t, PERIODIC | VECTOR, 2000); // leaving disarms
    assert_int_equal(t.deadline_tsc, 0);
    assert_int_equal(lapic_timer_next(&t), TIME_NEVER);
}

static void test_divider_change(void **state)
{
    (void)state;
    struct lapic_timer t;
    lapic_timer_reset(&t);
    lapic_timer_write_lvt(&t, PERIODIC | VECTOR, 0);
    lapic_timer_write_initial(&t, 100, 0); // divide by 2
    lapic_timer_write_divide(&t, 1, 51);   // 25 units gone, 75 left, from here at 4
    assert_int_equal(lapic_timer_current(&t, 51), 75);
    assert_fires_at(&t, 51, 51 + 75 * 4);
    assert_int_equal(lapic_timer_next(&t), 51 + 75 * 4 + 400);
    lapic_timer_write_divide(&t, 1, 353); // the same divider again: the phase stays
    assert_int_equal(lapic_timer_next(&t), 51 + 75 * 4 + 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_clocked_counter),
        cmocka_unit_test(test_count_reads_back),
        cmocka_unit_test(test_never_early_never_late),
        cmocka_unit_test(test_periodic_has_no_drift),
        cmocka_unit_test(test_mode_changes),
        cmocka_unit_test(test_deadline_mode),
        cmocka_unit_test(test_divider_change),
    };
    return cmocka_run_group_tests_name("lapic_timer", tests, NULL, NULL);
}
