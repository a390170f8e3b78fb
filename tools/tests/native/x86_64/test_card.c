// SPDX-License-Identifier: MIT
// The report card of a PC: each fact that has a line, as it should be and as it should not, and the firmware's switches
// of virtualization in every state.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/host/card.h"
#include "arch/x86_64/host/switches.h"

#define LINES_MAX 32

static struct card_line lines[LINES_MAX];
static unsigned count;

static void keep(void *context, const struct card_line *line)
{
    (void)context;
    assert_true(count < LINES_MAX);
    lines[count++] = *line;
}

static struct card judge(const struct pc_facts *facts)
{
    struct card card = { .out = keep };
    count = 0;
    card_judge_pc(facts, &card);
    assert_int_equal(card.count[CARD_PASS] + card.count[CARD_WARN] + card.count[CARD_FAIL], count);
    return card;
}

static const struct card_line *line_of(const char *what)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(lines[i].what, what) == 0)
            return &lines[i];
    }
    return NULL;
}

static struct pc_facts good(void)
{
    struct pc_facts f = {
        .loader = "Escapement's loader", .is_uefi = true, .brand = "A processor", .gib_pages = true,
        .invariant_tsc = true, .deadline_timer = true,
        .com1 = true, .keyboard_controller = true,
        .keyboard_usable = true, .screen_shown = true, .usable_bytes = 8 * GIB,
        .above_4gib_bytes = 5 * GIB, .ranges = 12, .x2apic = true, .counter_hz = 3000000000, .counter_origin = "HPET",
        .not_believed = "", .looked_us = 20000,
        .screen = { .kind = BOOT_SCREEN_PIXELS, .address = 0x80000000, .width = 1920, .height = 1080, .pitch = 7680,
                    .bits = 32, .red = { 16, 8 }, .green = { 8, 8 }, .blue = { 0, 8 } },
        .acpi = { .tables = 9, .hpet_address = 0xfed00000, .pm_timer_port = 0x608, .pm1a_control = 0x604,
                  .cpu_count = 4, .cpus = { { 0, true }, { 1, true }, { 4, true }, { 5, false } } },
    };
    return f;
}

static void as_it_should_be(void **state)
{
    (void)state;
    struct pc_facts f = good();
    struct card card = judge(&f);
    assert_int_equal(card.count[CARD_WARN] + card.count[CARD_FAIL], 0);
    for (unsigned i = 0; i < count; i++)
        assert_string_equal(lines[i].advice, "");
    assert_string_equal(line_of("start")->found, "UEFI, by Escapement's loader");
    assert_string_equal(line_of("processors")->found, "3, APIC ids up to 4, with gaps; one is used");
    assert_string_equal(line_of("memory")->found,
                        "8192 MiB usable, 5120 above 4 GiB; 12 ranges, 0 overlap, 0 more ignored");
    assert_string_equal(line_of("other clocks")->found, "HPET yes, PM timer yes, alarm by TSC deadline, x2APIC");
    f.is_uefi = false;
    f.acpi.cpus[2].apic_id = 2;
    judge(&f);
    assert_string_equal(line_of("start")->found, "BIOS, by Escapement's loader");
    assert_string_equal(line_of("processors")->found, "3, APIC ids up to 2; one is used");
}

// One thing is wrong, which makes one line another.
static void wrong(struct pc_facts f, const char *what, enum card_verdict verdict, const char *part)
{
    struct card card = judge(&f);
    const struct card_line *line = line_of(what);
    assert_non_null(line);
    assert_int_equal(line->verdict, verdict);
    assert_non_null(strstr(line->found, part));
    assert_int_equal(card.count[CARD_WARN] + card.count[CARD_FAIL], 1);
}

#define WRONG(change, what, verdict, part)                                                                             \
    do {                                                                                                               \
        struct pc_facts f = good();                                                                                    \
        change;                                                                                                        \
        wrong(f, what, verdict, part);                                                                                 \
    } while (0)

static void what_is_lacking(void **state)
{
    (void)state;
    WRONG(strcpy(f.hypervisor, "KVMKVMKVM"), "below us", CARD_WARN, "\"KVMKVMKVM\"");
    WRONG(f.screen.kind = BOOT_SCREEN_NONE, "screen", CARD_WARN, "none");
    WRONG(f.screen_shown = false, "screen", CARD_WARN, "not used");
    WRONG(f.keyboard_usable = false, "keyboard", CARD_WARN, "takes no commands");
    WRONG(f.com1 = false, "serial port", CARD_WARN, "none at");
    WRONG((f.com1 = false, f.com2 = true), "serial port", CARD_WARN, "log=com2");
    WRONG(f.keyboard_controller = false, "keyboard", CARD_WARN, "no controller");
    WRONG(f.usable_bytes = 64 * MIB - 1, "memory", CARD_FAIL, "63 MiB");
    WRONG(f.overlaps = 2, "memory", CARD_WARN, "2 overlap");
    WRONG(f.ranges_ignored = 3, "memory", CARD_WARN, "3 more ignored");
    WRONG(f.acpi.bad_tables = 1, "ACPI", CARD_WARN, "1 damaged");
    WRONG(f.invariant_tsc = false, "counter", CARD_WARN, "not said");
    WRONG(f.tsc_adjust = (uint64_t)-5, "firmware's hand", CARD_WARN, "by -5");
    WRONG(f.counter_hz = 0, "rate", CARD_FAIL, "no clock");
    WRONG(f.not_believed = "PIT", "rate", CARD_WARN, "not believed: PIT");
    WRONG((f.acpi.hpet_address = 0, f.acpi.pm_timer_port = 0), "other clocks", CARD_WARN, "HPET no, PM timer no");
    WRONG((f.gaps = 3, f.longest_gap_us = 120), "firmware's time", CARD_WARN,
          "3 gaps of more than 10 us, the longest 120 us");
    WRONG(f.bus_masters = 2, "bus masters", CARD_WARN, "2 devices");
    WRONG(f.acpi.pm1a_control = 0, "power-off", CARD_WARN, "switch");
    struct pc_facts f = good();
    f.acpi = (struct acpi_info){ .tables = 0 };
    judge(&f);
    assert_non_null(strstr(line_of("ACPI")->found, "no tables"));
    assert_null(line_of("processors"));
}

static void what_is_said_and_no_fault(void **state)
{
    (void)state;
    struct pc_facts f = good();
    f.gib_pages = f.deadline_timer = f.x2apic = false;
    f.brand[0] = '\0';
    f.screen.red.at = 0;
    f.screen.blue.at = 16;
    f.acpi.hpet_address = 0;
    struct card card = judge(&f);
    assert_int_equal(card.count[CARD_WARN] + card.count[CARD_FAIL], 0);
    assert_string_equal(line_of("processor")->found, "it does not say its name; no pages of 1 GiB, 2 MiB are used");
    assert_non_null(strstr(line_of("screen")->found, "blue above red"));
    assert_string_equal(line_of("other clocks")->found, "HPET no, PM timer yes, alarm by LAPIC count, xAPIC");
    f.screen = (struct boot_screen){ .kind = BOOT_SCREEN_TEXT, .width = 80, .height = 25 };
    judge(&f);
    assert_string_equal(line_of("screen")->found, "text mode, 80 by 25 characters");
}

static void overlapping_ranges(void **state)
{
    (void)state;
    static struct bootinfo info;
    const struct memory_range ranges[] = {
        { 0, 0xa0000, MEMORY_USABLE }, { MIB, GIB, MEMORY_USABLE }, { GIB, 2 * GIB, MEMORY_RESERVED },
        { GIB / 2, GIB, MEMORY_USABLE }, { 0, MIB, MEMORY_RESERVED },
    };
    memcpy(info.memory, ranges, sizeof(ranges));
    info.memory_count = 5;
    assert_int_equal(card_overlaps(&info), 0); // the same said twice is no contradiction
    info.memory[2].start--;
    assert_int_equal(card_overlaps(&info), 2);
    info.memory[1].type = info.memory[3].type = MEMORY_KEPT;
    assert_int_equal(card_overlaps(&info), 2);
}

static void every_switch(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits < 8; bits++) { // locked, inside SMX, outside SMX
        enum firmware_switch expected = (bits & 1) == 0 ? SWITCH_OPEN : (bits & 4) != 0 ? SWITCH_ON : SWITCH_LOCKED_OFF;
        assert_int_equal(switch_of_feature_control(bits), expected);
        assert_int_equal(switch_of_feature_control(bits | ~UINT64_C(7)), expected);
    }
    for (uint64_t bits = 0; bits < 32; bits++) { // lock is bit 3, disable bit 4
        static const enum firmware_switch expected[] = { SWITCH_ON, SWITCH_ON, SWITCH_OPEN, SWITCH_LOCKED_OFF };
        assert_int_equal(switch_of_vm_cr(bits), expected[bits >> 3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_it_should_be),
        cmocka_unit_test(what_is_lacking),
        cmocka_unit_test(what_is_said_and_no_fault),
        cmocka_unit_test(overlapping_ranges),
        cmocka_unit_test(every_switch),
    };
    return cmocka_run_group_tests_name("card", tests, NULL, NULL);
}
