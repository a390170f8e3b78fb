// SPDX-License-Identifier: MIT
// Does "sti; hlt" ever lose its wake-up, and when does the guest wake? The deadline is swept over every boundary.
//
// The interrupt that falls due between STI and HLT is held back by the STI shadow, so HLT is executed and ends at once:
// the handler stands at HLT's own stamp. A later deadline is where the halt ends. Never later, never twice, never lost.
#include "guest-tests/lib/x86_64/devices.h"

void sti_hlt(void);
extern const char sti_hlt_after[];
__asm__(".text\n"
        ".globl sti_hlt, sti_hlt_after\n"
        "sti_hlt: sti\n"
        " hlt\n"
        "sti_hlt_after: cli\n"
        " ret\n");

static void acknowledge_apic(void)
{
    lapic_write(APIC_EOI, 0);
}

static void acknowledge_pic(void)
{
    pic_eoi(0);
}

// The deadline lies `ahead` instructions after the STI.
static void test_sweep(int64_t first, int64_t last)
{
    struct spread error = { 0 };
    bool once = true, right_rip = true;
    for (int64_t ahead = first; ahead <= last; ahead++) {
        uint64_t before = record.count;
        uint64_t origin = lapic_write_stamp(APIC_TMICT, 5000);
        uint64_t due = lapic_stamp(origin, 5000, 1);
        uint64_t sti = due - (uint64_t)ahead;
        run_at(sti, sti_hlt, 0);
        uint64_t expected = ahead <= 1 ? sti + 1 : due;
        once = once && record.count == before + 1;
        right_rip = right_rip && record.pc == (uint64_t)sti_hlt_after;
        spread_add(&error, (int64_t)(record.stamp - expected));
    }
    diag("deadline %ld to %ld instructions after STI: error min=%ld max=%ld", first, last, error.min, error.max);
    ok(once, "deadlines %ld to %ld: each woke the CPU once, none was lost", first, last);
    ok_counted(right_rip, "deadlines %ld to %ld: the HLT was executed each time", first, last);
    ok(error.min >= 0, "deadlines %ld to %ld: none early", first, last);
    ok_exact(error.min == 0 && error.max == 0, "M10 deadlines %ld to %ld: the handler stands where it must", first,
             last);
}

// Random halts: idle=warp makes V the deadline, however far.
static void test_far(void)
{
    struct random random = { 23 };
    struct spread error = { 0 };
    uint64_t before = record.count;
    for (unsigned i = 0; i < 2000; i++) {
        uint32_t count = 100 + (uint32_t)(random_next(&random) % 50000000);
        uint64_t origin = lapic_write_stamp(APIC_TMICT, count);
        halt_until_interrupt();
        spread_add(&error, (int64_t)(record.stamp - lapic_stamp(origin, count, 1)));
    }
    diag("M5 2000 halts of up to 50 ms: error min=%ld max=%ld", error.min, error.max);
    ok(record.count == before + 2000 && error.min >= 0, "2000 halts, 2000 wake-ups, none early");
    ok_exact(error.min == 0 && error.max == 0, "each ended at its deadline");
}

static void test_pit(void)
{
    struct spread error = { 0 };
    lapic_timer_stop();
    pic_init(1);
    trap_record(VECTOR_PIC, acknowledge_pic);
    uint64_t before = record.count;
    for (uint32_t count = 2; count <= 65536; count = count * 2) {
        uint64_t origin = pit_start(0, 0, count);
        halt_until_interrupt();
        spread_add(&error, (int64_t)(record.stamp - pit_stamp(origin, count)));
    }
    diag("PIT mode 0, counts 2 to 65536: error min=%ld max=%ld", error.min, error.max);
    ok(record.count == before + 16 && error.min >= 0, "the PIT wakes a halted CPU, never early");
    ok_exact(error.min == 0 && error.max == 0, "and exactly at its deadline");
    pic_init(0);
}

// An interrupt that is masked by the task priority does not end a halt; the next one that may pass does.
static void test_priority(void)
{
    trap_record(VECTOR_TIMER, acknowledge_apic);
    uint64_t before = record.count;
    lapic_write(APIC_TPR, 0x40);
    lapic_self_ipi(0x31);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    uint64_t origin = lapic_write_stamp(APIC_TMICT, 30000);
    halt_until_interrupt();
    ok(record.count == before + 1 && record.stamp >= lapic_stamp(origin, 30000, 1),
       "a vector below the task priority does not end a halt");
    trap_record(0x31, acknowledge_apic);
    lapic_write(APIC_TPR, 0);
    ok(wait_for_record(before + 2, 10000), "it comes when the priority is lowered");
}

void test_main(void)
{
    plan(16);
    lapic_init(false);
    trap_record(VECTOR_TIMER, acknowledge_apic);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    test_sweep(-60, -20);
    test_sweep(-19, 40);
    test_far();
    test_pit();
    test_priority();
    trap_record(VECTOR_TIMER, acknowledge_apic);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    uint64_t origin = lapic_write_stamp(APIC_TMICT, (uint32_t)board.apic_hz);
    halt_until_interrupt();
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    diag("a halt of one second: %ld cycles off, %lu exits",
         (int64_t)(record.stamp - lapic_stamp(origin, (uint32_t)board.apic_hz, 1)), exits);
    if (platform.exact && platform.oracle)
        ok(exits < 100, "a halted second costs few exits (%lu)", exits);
    else
        skip("not exact here", "a halted second costs few exits");
    ok_exact(record.stamp == lapic_stamp(origin, (uint32_t)board.apic_hz, 1), "a halted second is one second");
}
