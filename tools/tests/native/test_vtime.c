// SPDX-License-Identifier: MIT
// Every clock policy with every idle rule: V against a model written from the definitions, law 1 after each call, and
// the guest's own TSC across simulated world switches, where host time goes by that the guest must not see.
#include "time/vtime.h"
#include "time/ledger.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const enum clock_policy CLOCKS[] = { CLOCK_GUEST, CLOCK_GUEST_EMU, CLOCK_WALL };
static const enum idle_rule IDLES[] = { IDLE_WARP, IDLE_REAL, IDLE_FREEZE };

// The definitions as sums: V is one of them, whatever the order in which things happened.
struct model {
    enum clock_policy clock;
    enum idle_rule idle;
    htime_t start, host;
    uint64_t ran, emulated, idled, warped;
};

static vtime_t model_v(const struct model *m)
{
    if (m->clock == CLOCK_WALL)
        return m->host - m->start;
    return m->ran + (m->clock == CLOCK_GUEST_EMU ? m->emulated : 0) + (m->idle == IDLE_REAL ? m->idled : 0) + m->warped;
}

static void halt(struct vtime *vt, struct model *m, uint64_t *random)
{
    vtime_t deadline = vt->now + (host_random_edgy(random) >> 24) - host_random(random) % 8;
    if (host_random(random) % 8 == 0 || deadline > vt->now + (UINT64_C(1) << 62))
        deadline = TIME_NEVER;
    vtime_t before = vt->now;
    uint64_t wait = vtime_idle_wait(vt, deadline);
    bool may_warp = m->clock != CLOCK_WALL && m->idle == IDLE_WARP && deadline != TIME_NEVER;
    bool passes = m->clock == CLOCK_WALL || m->idle == IDLE_REAL;
    htime_t counter = deadline + host_random(random) % 9 - 4; // of a host that V must not get ahead of
    assert_true(vtime_warp_ahead(vt, deadline, counter) == (may_warp && counter < deadline ? deadline - counter : 0));
    assert_true(vtime_warp(vt, deadline) == may_warp);
    if (may_warp) {
        assert_true(wait == 0 && vt->now == (deadline > before ? deadline : before));
        m->warped += vt->now - before;
        return;
    }
    assert_true(vt->now == before);
    if (deadline == TIME_NEVER)
        assert_true(wait == TIME_NEVER);
    else if (deadline <= before)
        assert_true(wait == 0);
    else
        assert_true(wait == (passes ? deadline - before : TIME_NEVER));
    uint64_t waited = wait == TIME_NEVER || wait >> 40 != 0 ? host_random(random) >> 40 : wait;
    m->idled += waited;
    m->host += waited;
    vtime_t after = vtime_idled(vt, waited, m->host);
    if (waited == wait && passes && wait != 0 && m->clock != CLOCK_WALL)
        assert_true(after == deadline); // the wait that was asked for is the one that was needed
}

static void random_step(struct vtime *vt, struct model *m, uint64_t *random)
{
    uint64_t cycles = host_random_edgy(random) >> 24;
    uint64_t modelled = host_random(random) >> 50;
    switch (host_random(random) % 4) {
    case 0:
    case 1:
        m->ran += cycles;
        m->emulated += modelled;
        m->host += cycles + (host_random(random) >> 48); // and the monitor's own time
        assert_true(vtime_ran(vt, cycles, modelled, m->host) == model_v(m));
        break;
    case 2:
        m->emulated += modelled;
        assert_true(vtime_emulated(vt, modelled) == vt->now);
        break;
    default:
        vtime_idled(vt, 0, m->host); // so that the wall clock stands where the counter is
        halt(vt, m, random);
    }
}

static void test_random_lives(void **state)
{
    (void)state;
    uint64_t random = 41;
    for (unsigned i = 0; i < 9 * 12; i++) {
        htime_t start = host_random(&random) >> 2;
        struct model m = { .clock = CLOCKS[i % 3], .idle = IDLES[i / 3 % 3], .start = start, .host = start };
        struct vtime vt;
        vtime_start(&vt, m.clock, m.idle, NS_PER_S, (struct counterscale){ 0 }, start);
        assert_true(vt.now == 0 && vt.hz == NS_PER_S && vt.warped == 0);
        for (unsigned n = 0; n < 1000; n++) {
            vtime_t before = vt.now;
            random_step(&vt, &m, &random);
            assert_true(vt.now >= before); // law 1
            assert_true(vt.now == model_v(&m));
            assert_true(vt.warped == m.warped);
        }
    }
    print_message("# vtime: 108000 steps under 3 clocks and 3 idle rules, V == definition, never backwards\n");
}

struct machine {
    htime_t host;
    uint64_t cost_in, cost_out, adjust;
    uint64_t *random;
};

// One world switch as hardware does it: the guest reads host + offset at its first instruction and at its exit.
// Returns the TSC at the exit.
static uint64_t world_switch(struct machine *machine, struct vtime *vt, struct ledger *ledger, uint64_t executes,
                             uint64_t *first_read)
{
    struct counter_plan plan = vtime_counter_plan(vt, machine->adjust, machine->cost_in);
    machine->host += host_random(machine->random) >> 44; // the monitor works, is interrupted, other guests run
    htime_t t0 = machine->host;
    uint64_t offset = plan.base + ((vt->now - t0) & plan.mask);
    *first_read = t0 + machine->cost_in + offset;
    uint64_t last_read = t0 + machine->cost_in + executes + offset;
    htime_t t1 = t0 + machine->cost_in + executes + machine->cost_out;
    machine->host = t1;
    uint64_t guest = ledger_slice(ledger, t0, t1, machine->cost_in + machine->cost_out);
    assert_true(guest == executes);
    vtime_ran(vt, guest, 0, t1);
    return last_read;
}

// M3: however much host time lies between two slices, the guest's TSC continues from where it stopped.
static void test_tsc_does_not_leak(void **state)
{
    (void)state;
    uint64_t random = 42, leak = 0, exits = 0;
    for (unsigned run = 0; run < 50; run++) {
        struct machine machine = { .host = host_random(&random) >> 2,
                                   .cost_in = host_random(&random) % 1000,
                                   .cost_out = host_random(&random) % 1000,
                                   .adjust = host_random_edgy(&random),
                                   .random = &random };
        struct vtime vt;
        struct ledger ledger;
        vtime_start(&vt, CLOCK_GUEST, IDLE_WARP, 3000000000, (struct counterscale){ 0 }, machine.host);
        ledger_open(&ledger, ACCOUNT_MONITOR, machine.host);
        uint64_t last = machine.adjust, first;
        for (unsigned n = 0; n < 1000; n++, exits++) {
            uint64_t stopped = world_switch(&machine, &vt, &ledger, host_random(&random) >> 40, &first);
            leak |= first - last;
            assert_true(first == last);
            last = stopped;
            assert_true(last == vt.now + machine.adjust); // law 2: TSC = V + TSC_ADJUST
        }
        assert_true(vt.now == ledger.total[ACCOUNT_GUEST]);
        assert_true(ledger_gap(&ledger, machine.host) == 0);
    }
    print_message("# M3 TSC leak: %llu cycles over %llu exits\n", (unsigned long long)leak, (unsigned long long)exits);
}

// clock=wall: the guest's TSC is the counter less its start, and does not look at t0.
static void test_wall_tsc_follows_the_counter(void **state)
{
    (void)state;
    uint64_t random = 43;
    struct machine machine = {
        .host = 5000000, .cost_in = 2, .cost_out = 2, .adjust = UINT64_MAX - 9, .random = &random
    };
    struct vtime vt;
    struct ledger ledger;
    vtime_start(&vt, CLOCK_WALL, IDLE_WARP, NS_PER_S, (struct counterscale){ 0 }, machine.host);
    ledger_open(&ledger, ACCOUNT_MONITOR, machine.host);
    for (unsigned n = 0; n < 1000; n++) {
        uint64_t first;
        uint64_t executes = host_random(&random) >> 40;
        uint64_t last = world_switch(&machine, &vt, &ledger, executes, &first);
        assert_true(last == machine.host - machine.cost_out - 5000000 + machine.adjust);
        assert_true(first == last - executes);
        assert_true(vt.now == machine.host - 5000000);
    }
}

// clock=wall with another rate: the guest reads the scaled counter, and V is what it would read at the same moment.
static void test_scaled_wall(void **state)
{
    (void)state;
    uint64_t random = 44;
    static const struct counterscale_format formats[] = { { 64, 48 }, { 40, 32 } };
    for (unsigned n = 0; n < 20000; n++) {
        uint64_t hz = host_random_range(&random, 10000000, 10000000000), adjust = host_random_edgy(&random);
        uint64_t host_hz = host_random_range(&random, 50000000, 6000000000);
        htime_t start = host_random(&random) >> 12, now = start + (host_random(&random) >> 16);
        struct counterscale scale;
        struct vtime vt;
        if (!counterscale_make(hz, host_hz, formats[n % 2], &scale))
            continue;
        vtime_start(&vt, CLOCK_WALL, IDLE_REAL, hz, scale, start);
        assert_true(vtime_follow_host(&vt, start) == 0);
        struct counter_plan plan = vtime_counter_plan(&vt, adjust, 17);
        vtime_ran(&vt, 1, 1, now);
        assert_true(plan.mask == 0 && vt.now + adjust == counterscale_at(&scale, now) + plan.base); // law 2
        uint64_t exact = (uint64_t)((unsigned __int128)(now - start) * hz / host_hz);
        assert_true(vt.now <= exact + 1 && vt.now + exact / scale.multiplier + 2 >= exact); // M16
        vtime_t deadline = vt.now + 1 + (host_random_edgy(&random) >> 24);
        uint64_t wait = vtime_idle_wait(&vt, deadline);
        assert_true(wait != 0 && vtime_idled(&vt, wait, now + wait) >= deadline); // never early
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lives),
        cmocka_unit_test(test_tsc_does_not_leak),
        cmocka_unit_test(test_wall_tsc_follows_the_counter),
        cmocka_unit_test(test_scaled_wall),
    };
    return cmocka_run_group_tests_name("vtime", tests, NULL, NULL);
}
