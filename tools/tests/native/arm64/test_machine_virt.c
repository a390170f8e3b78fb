// SPDX-License-Identifier: MIT
// The arm64 board, with a stub for what is around it: who answers where, what reaches the interrupt controller, how
// each timer's ticks are counted from the rise of the line to the list register, and how the VM ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arch/arm64/host/timertrial.h"
#include "time/limits.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/arm64/virt_fixture.h"
#include "vmm/show/report.h"
#include "vmm/vm.h"

// --- tests ----------------------------------------------------------------------------------------------------------

static void test_who_answers(void **state)
{
    (void)state;
    uint64_t value = 0;
    fresh(3);
    assert_int_equal(get(VIRT_UART + 0xfe0), 0x11);
    assert_int_equal(get(VIRT_RTC + 0xfe0), 0x31);
    assert_int_equal(get(VIRT_RTC), 1000);
    assert_true(access(VIRT_GICR + 8, 8, false, &value));
    static const uint64_t nobody[] = { 0, VIRT_GICD - 4, VIRT_GICC, VIRT_GICR - 4, VIRT_GICR + 0x20000, VIRT_UART - 4,
                                       VIRT_UART + 0x1000, VIRT_RTC + 0x1000, VIRT_STOLEN, UINT64_MAX - 3 };
    for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
        assert_false(access(nobody[i], 4, false, &value));
    fresh(2);
    assert_false(access(VIRT_GICR, 4, false, &value)); // a GICv2 has no redistributors
    assert_true(machine_touches_interrupts((gpa){ VIRT_GICD + 0x104 }, true));
    assert_true(machine_touches_interrupts((gpa){ VIRT_GICD + 0x204 }, false)); // pending ones
    assert_false(machine_touches_interrupts((gpa){ VIRT_GICD + 0x104 }, false));
    assert_false(machine_touches_interrupts((gpa){ VIRT_UART }, true));
}

static void test_physical_timer(void **state)
{
    (void)state;
    fresh(3);
    open_gic();
    at(1000);
    machine_timer_write(&vm, GTIMER_PHYSICAL, GTIMER_TVAL, 500);
    machine_timer_write(&vm, GTIMER_PHYSICAL, GTIMER_CTL, 1);
    assert_int_equal(START, leads ? COUNTER_LEAD : 0);
    assert_int_equal(machine_timer_read(&vm, GTIMER_PHYSICAL, GTIMER_CVAL), START + 1500);
    assert_int_equal(timerq_next(&vm.machine.timers), 1500);
    at(1499);
    assert_true(machine_quiet(&vm.machine));
    at(1507); // the alarm was seven cycles late
    assert_false(machine_quiet(&vm.machine));
    are_ticks(TIMER_PHYSICAL, 1, 0, 1, 0);
    assert_int_equal(deliver(), INTID_PHYSICAL_TIMER);
    are_ticks(TIMER_PHYSICAL, 1, 1, 0, 0);
    assert_int_equal(latest(TIMER_PHYSICAL), 7);
    assert_int_equal(deliver(), INTID_PHYSICAL_TIMER); // a level: not handled, so again, and no new tick
    are_ticks(TIMER_PHYSICAL, 1, 1, 0, 0);
    machine_timer_write(&vm, GTIMER_PHYSICAL, GTIMER_TVAL, 10);
    assert_int_equal(deliver(), 0);
    at(1517);
    machine_timer_write(&vm, GTIMER_PHYSICAL, GTIMER_CTL, 0); // taken back before it was delivered
    are_ticks(TIMER_PHYSICAL, 2, 1, 0, 1);
    assert_true(machine_quiet(&vm.machine));
}

// While the guest runs the hardware has it; halted, the queue; and between the two no tick is lost or counted twice.
static void test_virtual_timer(void **state)
{
    (void)state;
    fresh(3);
    open_gic();
    at(1000);
    machine_timer_halted(&vm, 1, START + 3000);
    assert_int_equal(timerq_next(&vm.machine.timers), 3000);
    at(3000);
    are_ticks(TIMER_VIRTUAL, 1, 0, 1, 0);
    machine_timer_line(&vm, 1, START + 3000); // folded before it is delivered: the same tick
    are_ticks(TIMER_VIRTUAL, 1, 0, 1, 0);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    machine_timer_running(&vm);
    assert_int_equal(timerq_next(&vm.machine.timers), LIMIT_V_CYCLES);
    are_ticks(TIMER_VIRTUAL, 1, 1, 0, 0);
    assert_int_equal(latest(TIMER_VIRTUAL), 0);

    vm.vtime.now = 4005; // the guest has moved it on to 4000 unseen, and there it came
    machine_timer_line(&vm, 1, START + 4000);
    are_ticks(TIMER_VIRTUAL, 2, 1, 1, 0);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    assert_int_equal(latest(TIMER_VIRTUAL), 5);
    machine_timer_line(&vm, 1, START + 4000); // and folded again with the guest still in its handler
    are_ticks(TIMER_VIRTUAL, 2, 2, 0, 0);
    machine_timer_line(&vm, 3, START + 4000); // masked, and unmasked: the line has been down
    machine_timer_line(&vm, 1, START + 4000);
    are_ticks(TIMER_VIRTUAL, 3, 2, 1, 0);
    machine_timer_line(&vm, 0, START + 4000);
    are_ticks(TIMER_VIRTUAL, 3, 2, 0, 1);

    vm.vtime.now = 9000; // armed with a compare value that was past: due when it comes
    machine_timer_line(&vm, 1, 5);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    are_ticks(TIMER_VIRTUAL, 4, 3, 0, 1);
    assert_int_equal(latest(TIMER_VIRTUAL), 5);
}

// Hardware that misses a deadline brings the tick at a later entry: late from the deadline, not from that entry.
static void test_missed_virtual_timer(void **state)
{
    (void)state;
    fresh(3);
    open_gic();
    vm.vtime.now = 1000; // the guest arms it for 2000; ten milliseconds later something else ends the slice
    machine_timer_line(&vm, 1, START + 2000);
    vm.vtime.now = 627000;
    machine_timer_line(&vm, 1, START + 2000);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    assert_int_equal(latest(TIMER_VIRTUAL), 625000);

    vm.vtime.now = 700009; // the guest halts with the next tick missed
    machine_timer_halted(&vm, 1, START + 700000);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    are_ticks(TIMER_VIRTUAL, 2, 2, 0, 0);
    assert_int_equal(vm.vcpu.stats.timer[TIMER_VIRTUAL].lateness.sum, 625009);

    vm.vtime.now = 900000; // seen masked by the guest: what comes when it unmasks is due then
    machine_timer_line(&vm, 3, START + 800000);
    machine_timer_line(&vm, 1, START + 800000);
    assert_int_equal(deliver(), INTID_VIRTUAL_TIMER);
    assert_int_equal(vm.vcpu.stats.timer[TIMER_VIRTUAL].lateness.sum, 625009);
}

static void test_rtc_and_uart(void **state)
{
    (void)state;
    fresh(3);
    open_gic();
    put(VIRT_RTC + 0x04, 1002);
    put(VIRT_RTC + 0x10, 1);
    assert_int_equal(timerq_next(&vm.machine.timers), 2 * HZ);
    at(2 * HZ);
    assert_int_equal(deliver(), INTID_RTC);
    are_ticks(TIMER_RTC, 1, 1, 0, 0);
    put(VIRT_RTC + 0x1c, 1);
    assert_int_equal(deliver(), 0);

    put(VIRT_UART + 0x2c, 0x70); // FIFOs
    put(VIRT_UART + 0x38, 0x50); // receive and receive timeout
    assert_true(machine_console_input(&vm, 'x'));
    vtime_t timeout = timerq_next(&vm.machine.timers);
    assert_true(timeout > 2 * HZ && timeout < 3 * HZ);
    at(timeout);
    assert_int_equal(deliver(), INTID_UART);
    are_ticks(TIMER_UART, 1, 1, 0, 0);
    assert_int_equal(get(VIRT_UART), 'x');
    assert_int_equal(deliver(), 0);
    put(VIRT_UART + 0x34, 0); // one byte of eight raises it by itself: no tick of a timer
    for (unsigned i = 0; i < 4; i++)
        assert_true(machine_console_input(&vm, 'y'));
    assert_int_equal(deliver(), INTID_UART);
    are_ticks(TIMER_UART, 1, 1, 0, 0);
}

// An SPI that the guest has configured edge-triggered: each rise counts once.
static void test_edges(void **state)
{
    (void)state;
    fresh(3);
    open_gic();
    put(VIRT_GICD + 0xc08, 0x8); // INTID 33
    put(VIRT_UART + 0x38, 0x20);
    put(VIRT_UART, 'a');
    assert_int_equal(deliver(), INTID_UART);
    assert_int_equal(deliver(), 0); // the level stays, the edge is over
    put(VIRT_UART + 0x44, 0x20);
    put(VIRT_UART, 'b');
    assert_int_equal(deliver(), INTID_UART);
    assert_string_equal(printed, "ab");
}

static void print(const char *text)
{
    while (*text != 0)
        put(VIRT_UART, (uint8_t)*text++);
}

static void test_how_it_ends(void **state)
{
    (void)state;
    fresh(3);
    print("hello\n");
    machine_power_off(&vm);
    assert_int_equal(vm.end, VM_POWER_OFF);
    fresh(2);
    print("\nEXIT: STATUS=6\n");
    assert_int_equal(vm.end, VM_RUNNING);
    machine_power_off(&vm);
    assert_int_equal(vm.end, VM_STATUS);
    assert_int_equal(vm.exit_value, 6);
    fresh(3);
    machine_reset(&vm);
    assert_int_equal(vm.end, VM_RESET);
    fresh(3);
    vm.vtime.now = LIMIT_V_CYCLES;
    machine_run_timers(&vm);
    assert_int_equal(vm.end, VM_KILLED);
}

static void test_clocks(void **state)
{
    (void)state;
    struct clock_reading clocks[REPORT_CLOCKS_MAX];
    fresh(3);
    put(VIRT_RTC + 0x08, 77); // what the guest loads changes nothing
    vm.vtime.now = 5 * HZ + 1;
    assert_int_equal(machine_clocks(&vm, clocks), 1);
    assert_int_equal(clocks[0].value, 5);
    vm.vtime.now = (UINT64_C(1) << 33) * HZ;
    machine_clocks(&vm, clocks);
    assert_true(clocks[0].value == UINT64_C(1) << 33);
}

// Whatever a guest does: law 5 holds, no timer has more than one tick on its way, and nothing that is due stays in the
// queue.
static void test_random_guests(void **state)
{
    (void)state;
    uint64_t random = 101, expired = 0;
    for (unsigned run = 0; run < 300; run++) {
        fresh(2 + run % 2);
        if (run % 2 == 1)
            open_gic();
        bool halted = false;
        for (unsigned step = 0; step < 400; step++) {
            uint64_t dice = host_random(&random), value = host_random(&random) & 0x3ff;
            vtime_t now = vm.vtime.now;
            if (dice % 8 < 2)
                machine_timer_write(&vm, GTIMER_PHYSICAL, dice & 256 ? GTIMER_TVAL : GTIMER_CTL, value);
            else if (dice % 8 == 2 && !halted)
                machine_timer_line(&vm, value & 3, START + now + (value >> 2) - 128);
            else if (dice % 8 == 3 && (halted = !halted))
                machine_timer_halted(&vm, value & 3, START + now + (value >> 2) - 20);
            else if (dice % 8 == 3)
                machine_timer_running(&vm);
            else if (dice % 8 == 4)
                put((dice & 256 ? VIRT_UART : VIRT_RTC) + 4 * (value & 15), value | 1);
            else if (dice % 8 == 5)
                machine_console_input(&vm, (uint8_t)value);
            else if (dice % 8 == 6)
                deliver();
            vtime_t next = timerq_next(&vm.machine.timers);
            at(next - now < value ? next : now + value);
        }
        for (unsigned i = 0; i < TIMER_COUNT; i++) {
            const struct ticks *ticks = &vm.machine.tick[i].ticks;
            assert_true(ticks->pending <= 1);
            assert_int_equal(ticks->expired, ticks->injected + ticks->pending + ticks->dropped);
            expired += ticks->expired;
        }
    }
    print_message("# random guests: %llu expiries\n", (unsigned long long)expired);
    assert_true(expired > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_answers), cmocka_unit_test(test_physical_timer),
        cmocka_unit_test(test_virtual_timer), cmocka_unit_test(test_rtc_and_uart),
        cmocka_unit_test(test_missed_virtual_timer),
        cmocka_unit_test_setup_teardown(test_physical_timer, follow_host, lead_host),
        cmocka_unit_test_setup_teardown(test_virtual_timer, follow_host, lead_host),
        cmocka_unit_test_setup_teardown(test_missed_virtual_timer, follow_host, lead_host),
        cmocka_unit_test(test_edges),       cmocka_unit_test(test_how_it_ends),
        cmocka_unit_test(test_clocks),      cmocka_unit_test(test_random_guests),
    };
    return cmocka_run_group_tests_name("the arm64 board", tests, NULL, NULL);
}
