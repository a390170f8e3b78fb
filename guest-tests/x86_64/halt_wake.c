// SPDX-License-Identifier: MIT
// halt_wake on x86-64: STI, HLT; the PIT; an interrupt below the task priority.
//
// The interrupt that falls due between STI and HLT is held back by the STI shadow, so HLT is executed and ends at once:
// the handler stands at HLT's own stamp.
#include "guest-tests/halt_wake.h"
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/x86_64/devices.h"

__asm__(".text\n"
        ".globl halt_code, halt_code_after\n"
        "halt_code: sti\n"
        " hlt\n"
        "halt_code_after: cli\n"
        " ret\n");

const uint64_t halt_lag = 0;

uint64_t halt_expected(uint64_t start, uint64_t due)
{
    return (int64_t)(due - start) <= 1 ? start + 1 : due;
}

static void acknowledge_apic(void)
{
    lapic_write(APIC_EOI, 0);
}

static void acknowledge_pic(void)
{
    pic_eoi(0);
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
    ok_exact(record.count == before + 16 && error.min >= 0, "the PIT wakes a halted CPU, never early");
    ok_exact(error.min == 0 && error.max == 0, "and exactly at its deadline");
    pic_init(0);
}

// An interrupt that is masked by the task priority does not end a halt; the next one that may pass does.
static void test_priority(void)
{
    timer_init();
    uint64_t before = record.count;
    lapic_write(APIC_TPR, 0x40);
    lapic_self_ipi(0x31);
    uint64_t origin = timer_start(30000);
    halt_until_interrupt();
    ok(record.count == before + 1 && record.stamp >= timer_stamp(origin, 30000),
       "a vector below the task priority does not end a halt");
    trap_record(0x31, acknowledge_apic);
    lapic_write(APIC_TPR, 0);
    ok(wait_for_record(before + 2, 10000), "it comes when the priority is lowered");
}

const unsigned halt_extra_claims = 4;

void halt_extra(void)
{
    test_pit();
    test_priority();
}
