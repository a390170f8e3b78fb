// SPDX-License-Identifier: MIT
// The project's first lesson: what the 2004 plex86 arithmetic lost, and that ours loses nothing. Its monitor turned the
// guest's cycles into PIT clocks at the end of each slice by one division, threw the remainder away, and reloaded the
// counter in full whenever it ran out, which forgot the overshoot and made one interrupt of however many periods had
// passed. The same random slices go through that model and through the ledger, the exact ratio and the tick count.
//
// Two machines: 100 cycles a PIT clock, as that code had typed in, and half of it with the same period in cycles. The
// loss by overshoot depends on the period in cycles alone, the loss by remainders on the cycles of one clock. Slices of
// m cycles lose about m / (2 * period) and clock / (2 * m), so the first row can be no better than 0.9 % on the first
// machine.
#include "time/ledger.h"
#include "time/ratio.h"
#include "time/tickpolicy.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define PIT_HZ 1193182

struct machine {
    uint64_t cycles_per_clock, count; // the guest asks for PIT_HZ / count interrupts a second
};

struct row {
    uint64_t shortest, longest, slices; // in cycles; the lengths are uniform between
    uint64_t lost;                      // ticks that the old arithmetic loses; the slices are the same each time
};

struct plex86 {
    uint64_t counter, irqs;
};

static void plex86_slice(struct plex86 *plex86, const struct machine *machine, uint64_t cycles)
{
    uint64_t clocks = cycles / machine->cycles_per_clock;
    if (plex86->counter > clocks) {
        plex86->counter -= clocks;
        return;
    }
    plex86->counter = machine->count;
    plex86->irqs++;
}

// Ours, twice: by deadlines from the origin, as the PIT does it, and by clocks carried with their remainder.
struct ours {
    struct ledger ledger;
    struct ticks ticks;
    struct ratio per_clock, per_cycle;
    struct carry carry;
    uint64_t v, clocks, host;
};

static void ours_start(struct ours *ours, const struct machine *machine)
{
    uint64_t hz = machine->cycles_per_clock * PIT_HZ;
    *ours = (struct ours){ .per_clock = ratio_make(hz, PIT_HZ), .per_cycle = ratio_make(PIT_HZ, hz), .host = 99 };
    ledger_open(&ours->ledger, ACCOUNT_MONITOR, ours->host);
    ticks_init(&ours->ticks, TICK_CATCHUP);
}

static void ours_slice(struct ours *ours, const struct machine *machine, uint64_t cycles, uint64_t *random)
{
    const uint64_t cost = 980;
    htime_t t0 = ours->host + host_random(random) % 5000;
    ours->host = t0 + cost + cycles;
    uint64_t guest = ledger_slice(&ours->ledger, t0, ours->host, cost);
    ours->v += guest;
    ours->clocks += carry_step(&ours->carry, ours->per_cycle, guest);
    while (ratio_ceil(ours->per_clock, (ours->ticks.expired + 1) * machine->count) <= ours->v) {
        ticks_expire(&ours->ticks, 1, true);
        assert_true(ticks_take(&ours->ticks, ours->v, 0));
    }
}

static uint64_t per_mille(uint64_t part, uint64_t whole)
{
    return (1000 * part + whole / 2) / whole;
}

static void run_row(const struct machine *machine, const struct row *row)
{
    uint64_t random = 61, executed = 0;
    struct plex86 plex86 = { .counter = machine->count };
    struct ours ours;
    ours_start(&ours, machine);
    for (uint64_t i = 0; i < row->slices; i++) {
        uint64_t cycles = host_random_range(&random, row->shortest, row->longest);
        executed += cycles;
        plex86_slice(&plex86, machine, cycles);
        ours_slice(&ours, machine, cycles, &random);
    }
    uint64_t due = executed / (machine->cycles_per_clock * machine->count);
    uint64_t lost = due - plex86.irqs;
    print_message("# M7 slices %7llu..%7llu: %6llu ticks due, plex86 lost %5llu (%2llu.%llu %%), here lost %lld\n",
                  (unsigned long long)row->shortest, (unsigned long long)row->longest, (unsigned long long)due,
                  (unsigned long long)lost, (unsigned long long)(per_mille(lost, due) / 10),
                  (unsigned long long)(per_mille(lost, due) % 10), (long long)(due - ours.ticks.injected));
    assert_true(lost == row->lost);
    assert_true(ours.ticks.injected == due && ours.ticks.dropped == 0 && ours.ticks.pending == 0);
    assert_true(ours.clocks == executed / machine->cycles_per_clock && ours.clocks / machine->count == due);
    assert_true(ours.v == executed && ours.ledger.total[ACCOUNT_GUEST] == executed);
    assert_true(ledger_gap(&ours.ledger, ours.host) == 0);
}

static void run_table(const struct machine *machine, const struct row *rows)
{
    print_message("# %llu cycles a PIT clock, count %llu\n", (unsigned long long)machine->cycles_per_clock,
                  (unsigned long long)machine->count);
    for (unsigned i = 0; i < 3; i++)
        run_row(machine, &rows[i]);
}

// 1.0, 10.1 and 67.2 % of the ticks.
static void test_as_plex86_was_built(void **state)
{
    (void)state;
    static const struct machine machine = { .cycles_per_clock = 100, .count = 11932 };
    static const struct row rows[] = { { 2000, 20000, 2000000, 185 },
                                       { 20000, 400000, 400000, 7135 },
                                       { 1000000, 6000000, 100000, 197415 } };
    run_table(&machine, rows);
}

// 0.8, 10.1 and 67.2 %.
static void test_half_the_clock(void **state)
{
    (void)state;
    static const struct machine machine = { .cycles_per_clock = 50, .count = 23864 };
    static const struct row rows[] = { { 2000, 20000, 2000000, 144 },
                                       { 20000, 400000, 400000, 7125 },
                                       { 1000000, 6000000, 100000, 197415 } };
    run_table(&machine, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_plex86_was_built),
        cmocka_unit_test(test_half_the_clock),
    };
    return cmocka_run_group_tests_name("plex86", tests, NULL, NULL);
}
