// SPDX-License-Identifier: MIT
// M1: how far is the guest's counter off after N straight-line instructions between two exits? Equality with N is
// asked.
//
// Each measured section is: read the counter, exit, N instructions, exit, read the counter. An exiting instruction
// counts 0 under Escapement and 1 on a bare instruction-counting emulator, so the expected difference is known by
// construction.
#include "guest-tests/cycle_bias.h"
#include "guest-tests/lib/timer.h"

#define ROUNDS 20

static const uint64_t lengths[LENGTHS] = { 0, 1, 10, 1000, 1000000 };

static uint64_t expected_of(const struct kind *kind, unsigned i)
{
    return lengths[i] + section_own + 2 * (kind->beside + kind->exiting * platform.exit_cost);
}

static int64_t worse(int64_t a, int64_t b)
{
    return (b < 0 ? -b : b) > (a < 0 ? -a : a) ? b : a;
}

// The greatest distance from the expected value in ROUNDS rounds, with its sign. 0 is what is asked.
static int64_t worst_bias(measured section, uint64_t expected)
{
    int64_t worst = 0;
    for (unsigned round = 0; round < ROUNDS; round++)
        worst = worse(worst, (int64_t)(section() - expected));
    return worst;
}

static void test_kind(const struct kind *kind)
{
    for (unsigned i = 0; i < LENGTHS; i++) {
        if (kind->needs_escapement && !platform.oracle) {
            skip("no such hypercall here", "M1 %s N=%lu", kind->name, lengths[i]);
            continue;
        }
        int64_t bias = worst_bias(kind->sections[i], expected_of(kind, i));
        diag("M1 kind=%s N=%lu bias=%ld", kind->name, lengths[i], bias);
        ok_counted(bias == 0, "M1 %s: %lu instructions between two exits count as %lu", kind->name, lengths[i],
                   lengths[i]);
    }
}

static void test_halt(void)
{
    for (unsigned i = 0; i < LENGTHS; i++) {
        uint64_t expected = lengths[i] + section_own + halt.beside + halt.exiting * platform.exit_cost;
        int64_t worst = 0;
        for (unsigned round = 0; round < ROUNDS; round++) {
            uint64_t start = halt_prepare();
            worst = worse(worst, (int64_t)(halt.sections[i]() - start - expected));
            halt_finish();
        }
        diag("M1 kind=%s N=%lu bias=%ld", halt.name, lengths[i], worst);
        ok_counted(worst == 0, "M1 %s: %lu instructions after a halt count as %lu", halt.name, lengths[i], lengths[i]);
    }
}

// With interrupts masked a one-shot falls due among the instructions: the host's alarm ends the slice there and the
// guest must not notice. The section begins at a chosen stamp, so the alarm's place in it is known. Returns the bias;
// adds the exits that the alarm caused to *alarms.
static int64_t alarm_section(unsigned i, uint64_t place, uint64_t *alarms)
{
    uint64_t exits[2] = { 0 };
    int64_t bias = 0;
    for (unsigned armed = 0; armed < 2; armed++) {
        uint64_t before = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
        uint64_t origin = timer_start(armed ? 4000 + place : 400000000);
        uint64_t delta = run_at(timer_stamp(origin, 4000 + place) - place, (void (*)(void))no_exit.sections[i], 0);
        exits[armed] = platform.oracle ? oracle(ORACLE_EXITS, 0) - before : 0;
        bias = (int64_t)(delta - expected_of(&no_exit, i));
        interrupts_on(); // the interrupt is taken here, after the measurement
        interrupts_off();
    }
    *alarms += exits[1] - exits[0];
    return bias;
}

static void test_alarms(void)
{
    for (unsigned i = 0; i < LENGTHS; i++) {
        uint64_t alarms = 0, rounds = lengths[i] < 1000 ? lengths[i] + 4 : 16;
        int64_t worst = 0;
        for (uint64_t round = 0; round < rounds; round++) {
            uint64_t place = section_lead + (lengths[i] < 1000 ? round : lengths[i] * (round + 1) / 17);
            worst = worse(worst, alarm_section(i, place, &alarms));
        }
        diag("M1 kind=INTR N=%lu rounds=%lu alarms=%lu bias=%ld", lengths[i], rounds, alarms, worst);
        ok_counted(worst == 0, "M1 INTR: %lu instructions with an alarm among them", lengths[i]);
        if (lengths[i] * 1000 <= platform.counter_hz)
            ok_exact(alarms >= rounds || !platform.oracle, "M1 INTR N=%lu: every alarm was an exit of its own",
                     lengths[i]);
        else
            skip("over a millisecond the monitor has exits of its own", "M1 INTR N=%lu: exits", lengths[i]);
    }
}

void test_main(void)
{
    plan(1 + (1 + kind_count) * LENGTHS + LENGTHS + 2 * LENGTHS);
    timer_init();
    cycle_bias_prepare();
    ok_exact(platform.counted, "one counter tick is one instruction");
    test_kind(&no_exit);
    for (unsigned i = 0; i < kind_count; i++)
        test_kind(&kinds[i]);
    test_halt();
    test_alarms();
}
