// SPDX-License-Identifier: MIT
// The words of a VM's and the monitor's line: defaults, every word, every refusal with its sentence, and random lines.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "vmm/config.h"

static struct vm_config vm;
static struct monitor_config monitor;
static struct refusal refusal;

static void refused(const char *line, const char *sentence)
{
    memset(&refusal, 0, sizeof(refusal));
    assert_false(config_parse_vm(line, &vm, &refusal));
    assert_string_equal(refusal.text, sentence);
}

static void monitor_refused(const char *line, const char *sentence)
{
    memset(&refusal, 0, sizeof(refusal));
    assert_false(config_parse_monitor(line, &monitor, &refusal));
    assert_string_equal(refusal.text, sentence);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_true(config_parse_vm("", &vm, &refusal));
    assert_string_equal(vm.name, "guest");
    assert_string_equal(vm.kernel, "");
    assert_string_equal(vm.cmdline, "");
    assert_int_equal(vm.mem_bytes, 64 * MIB);
    assert_int_equal(vm.vcpus, 1);
    assert_int_equal(vm.clock, CLOCK_GUEST);
    assert_int_equal(vm.idle, IDLE_WARP);
    assert_int_equal(vm.tick, TICK_HARDWARE);
    assert_int_equal(vm.limit_ms, 0);
    assert_int_equal(vm.rtc_offset_s, 0);
    assert_true(vm.oracle);
    assert_true(vm.lanes);
    assert_false(vm.bare);
    assert_int_equal(vm.delivery, DELIVERY_ALARM);
    assert_int_equal(vm.margin_cycles, 0);
    assert_int_equal(vm.counter_hz, 0);
    assert_true(config_parse_monitor(" \t ", &monitor, &refusal));
    assert_int_equal(monitor.log_com, 1);
    assert_false(monitor.noise);
    assert_int_equal(monitor.alarm_error_cycles, 0);
    assert_true(monitor.report);
    assert_false(monitor.counter_measured);
}

static void test_every_word(void **state)
{
    (void)state;
    assert_true(config_parse_vm("vm=tick_1-B kernel=pit.elf vcpus=1 mem=16M clock=guest+emu idle=freeze tick=discard "
                                "limit=10s rtc=variable:-3600 oracle=off lanes=off hypervisor=none "
                                "delivery=exact margin=6000 counter_hz=2500000000 "
                                "--  a=b  -- c ",
                                &vm, &refusal));
    assert_string_equal(vm.name, "tick_1-B");
    assert_string_equal(vm.kernel, "pit.elf");
    assert_string_equal(vm.cmdline, "a=b  -- c");
    assert_int_equal(vm.mem_bytes, 16 * MIB);
    assert_int_equal(vm.clock, CLOCK_GUEST_EMU);
    assert_int_equal(vm.idle, IDLE_FREEZE);
    assert_int_equal(vm.tick, TICK_DISCARD);
    assert_int_equal(vm.limit_ms, 10000);
    assert_true(vm.rtc_offset_s == -3600);
    assert_false(vm.oracle);
    assert_false(vm.lanes);
    assert_true(vm.bare);
    assert_int_equal(vm.delivery, DELIVERY_EXACT);
    assert_int_equal(vm.margin_cycles, 6000);
    assert_int_equal(vm.counter_hz, 2500000000);
    assert_true(config_parse_monitor("log=com2 noise=18446744073709551615 alarm_error=-5000 "
                                     "report=off counter=measured screen=on card=only", &monitor, &refusal));
    assert_int_equal(monitor.log_com, 2);
    assert_true(monitor.noise);
    assert_true(monitor.noise_seed == UINT64_MAX);
    assert_int_equal(monitor.alarm_error_cycles, -5000);
    assert_false(monitor.report);
    assert_true(monitor.counter_measured);
    assert_true(monitor.screen);
    assert_int_equal(monitor.card, CARD_ONLY);
}

static void test_choices_match_the_enums(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int clock, idle, tick;
    } rows[] = {
        { "clock=guest idle=warp tick=delay", CLOCK_GUEST, IDLE_WARP, TICK_DELAY },
        { "clock=guest+emu idle=real tick=catchup", CLOCK_GUEST_EMU, IDLE_REAL, TICK_CATCHUP },
        { "clock=wall idle=real tick=merge", CLOCK_WALL, IDLE_REAL, TICK_MERGE },
        { "clock=wall tick=discard", CLOCK_WALL, IDLE_REAL, TICK_DISCARD },
        { "clock=wall tick=hardware", CLOCK_WALL, IDLE_REAL, TICK_HARDWARE },
        { "clock=wall", CLOCK_WALL, IDLE_REAL, TICK_CATCHUP },
        { "clock=guest+emu", CLOCK_GUEST_EMU, IDLE_WARP, TICK_HARDWARE },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(config_parse_vm(rows[i].line, &vm, &refusal));
        assert_int_equal(vm.clock, rows[i].clock);
        assert_int_equal(vm.idle, rows[i].idle);
        assert_int_equal(vm.tick, rows[i].tick);
    }
}

static void test_sizes_and_times(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t mem, limit;
    } rows[] = {
        { "mem=1M", MIB, 0 },
        { "mem=1024K limit=1ms", MIB, 1 },
        { "mem=1052672 limit=0", MIB + 4096, 0 },
        { "mem=2G limit=0s", 2 * GIB, 0 },
        { "mem=2097148K limit=18446744073709551s", 2 * GIB - 4096, UINT64_C(18446744073709551000) },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(config_parse_vm(rows[i].line, &vm, &refusal));
        assert_true(vm.mem_bytes == rows[i].mem);
        assert_true(vm.limit_ms == rows[i].limit);
    }
}

#define MEM_ALLOWED   " is not possible; allowed: 1M to 2G in steps of 4K, such as 64M"
#define CLOCK_ALLOWED "guest|guest+emu|wall|utc|localtime|variable:SECONDS"
#define RTC_ALLOWED   " is not possible; allowed: utc|localtime|variable:SECONDS"
#define ERROR_ALLOWED " is not possible; allowed: -1000000 to 1000000 cycles"
#define LIMIT_ALLOWED " is not possible; allowed: a time such as 10s or 500ms, or 0 for none"

static void test_bad_values(void **state)
{
    (void)state;
    refused("mem=0", "mem=0" MEM_ALLOWED);
    refused("mem=1020K", "mem=1020K" MEM_ALLOWED);
    refused("mem=2049M", "mem=2049M" MEM_ALLOWED);
    refused("mem=1048577", "mem=1048577" MEM_ALLOWED);
    refused("mem=16m", "mem=16m" MEM_ALLOWED);
    refused("mem=M", "mem=M" MEM_ALLOWED);
    refused("mem=-1M", "mem=-1M" MEM_ALLOWED);
    refused("mem=", "mem=" MEM_ALLOWED);
    refused("mem=18446744073709551616", "mem=18446744073709551616" MEM_ALLOWED);
    refused("mem=17592186044417M", "mem=17592186044417M" MEM_ALLOWED); // 2^64 + 1M
    refused("limit=10", "limit=10" LIMIT_ALLOWED);
    refused("limit=10m", "limit=10m" LIMIT_ALLOWED);
    refused("limit=18446744073709552s", "limit=18446744073709552s" LIMIT_ALLOWED);
    refused("vcpus=2", "vcpus=2 is not possible; allowed: 1");
    refused("vcpus=one", "vcpus=one is not possible; allowed: 1");
    refused("clock=real", "clock=real is not possible; allowed: " CLOCK_ALLOWED);
    refused("clock=guest+", "clock=guest+ is not possible; allowed: " CLOCK_ALLOWED);
    refused("clock=guest|wall", "clock=guest|wall is not possible; allowed: " CLOCK_ALLOWED);
    refused("idle=", "idle= is not possible; allowed: warp|real|freeze");
    refused("tick=lost", "tick=lost is not possible; allowed: hardware|delay|catchup|merge|discard");
    refused("oracle=yes", "oracle=yes is not possible; allowed: off|on");
    refused("vm=a.b", "vm=a.b is not possible; allowed: 1 to 31 letters, digits, _ or -");
    refused("vm=", "vm= is not possible; allowed: 1 to 31 letters, digits, _ or -");
    refused("vm=12345678901234567890123456789012",
            "vm=12345678901234567890123456789012 is not possible; allowed: 1 to 31 letters, digits, _ or -");
    refused("delivery=step", "delivery=step is not possible; allowed: alarm|exact");
    refused("tsc_hz=9999000", "counter_hz=9999000 is not possible; allowed: 10000000 to 10000000000 in steps of 1000");
    refused("tsc_hz=10000001000",
            "counter_hz=10000001000 is not possible; allowed: 10000000 to 10000000000 in steps of 1000");
    refused("counter_hz=10000500",
            "counter_hz=10000500 is not possible; allowed: 10000000 to 10000000000 in steps of 1000");
    refused("delivery=exact margin=0", "margin=0 is not possible; allowed: 1 to 1000000 cycles");
    refused("delivery=exact margin=1000001", "margin=1000001 is not possible; allowed: 1 to 1000000 cycles");
    refused("delivery=exact margin=-1", "margin=-1 is not possible; allowed: 1 to 1000000 cycles");
    monitor_refused("alarm_error=1000001", "alarm_error=1000001" ERROR_ALLOWED);
    monitor_refused("alarm_error=-1000001", "alarm_error=-1000001" ERROR_ALLOWED);
    monitor_refused("alarm_error=9223372036854775808", "alarm_error=9223372036854775808" ERROR_ALLOWED);
    monitor_refused("alarm_error=--1", "alarm_error=--1" ERROR_ALLOWED);
    monitor_refused("alarm_error=-", "alarm_error=-" ERROR_ALLOWED);
    monitor_refused("alarm_error=", "alarm_error=" ERROR_ALLOWED);
    assert_true(config_parse_monitor("alarm_error=+1000000", &monitor, &refusal));
    assert_int_equal(monitor.alarm_error_cycles, 1000000);
    monitor_refused("log=com3", "log=com3 is not possible; allowed: com1|com2");
    monitor_refused("noise=-1", "noise=-1 is not possible; allowed: a whole number, the seed");
}

// The RTC's offset, under its own name or under clock=, which has no value in common with it.
static void test_rtc(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum clock_policy clock;
        int64_t offset;
    } rows[] = {
        { "rtc=utc", CLOCK_GUEST, 0 },
        { "rtc=variable:19800", CLOCK_GUEST, 19800 },
        { "rtc=variable:+9999999999 clock=wall", CLOCK_WALL, INT64_C(9999999999) },
        { "clock=variable:-9999999999", CLOCK_GUEST, INT64_C(-9999999999) },
        { "clock=wall clock=utc", CLOCK_WALL, 0 },
        { "clock=variable:-0 clock=guest+emu", CLOCK_GUEST_EMU, 0 },
        { "clock=variable:7 rtc=variable:7 clock=guest clock=variable:7", CLOCK_GUEST, 7 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(config_parse_vm(rows[i].line, &vm, &refusal));
        assert_int_equal(vm.clock, rows[i].clock);
        assert_true(vm.rtc_offset_s == rows[i].offset);
    }
    refused("rtc=", "rtc=" RTC_ALLOWED);
    refused("rtc=wall", "rtc=wall" RTC_ALLOWED);
    refused("rtc=utc+1", "rtc=utc+1" RTC_ALLOWED);
    refused("rtc=variable", "rtc=variable" RTC_ALLOWED);
    refused("rtc=variable:", "rtc=variable:" RTC_ALLOWED);
    refused("rtc=variable:-", "rtc=variable:-" RTC_ALLOWED);
    refused("rtc=variable:--1", "rtc=variable:--1" RTC_ALLOWED);
    refused("rtc=variable:1h", "rtc=variable:1h" RTC_ALLOWED);
    refused("rtc=variable:10000000000", "rtc=variable:10000000000" RTC_ALLOWED);
    refused("clock=variable:x", "clock=variable:x is not possible; allowed: " CLOCK_ALLOWED);
    refused("rtc=utc clock=variable:1", "rtc is given twice: rtc=utc and rtc=variable:1");
    refused("clock=guest clock=utc clock=wall", "clock is given twice: clock=guest and clock=wall");
    refused("clock=localtime", "rtc=localtime: this host does not know its zone; write rtc=variable:SECONDS, the "
                               "distance from UTC, as tools/run does");
}

static void test_unknown_words(void **state)
{
    (void)state;
    refused("memory=16M", "unknown word \"memory\"; the nearest known word is \"mem\"");
    refused("clocks=wall", "unknown word \"clocks\"; the nearest known word is \"clock\"");
    refused("idel=warp", "unknown word \"idel\"; the nearest known word is \"idle\"");
    refused("vcpu=1", "unknown word \"vcpu\"; the nearest known word is \"vcpus\"");
    refused("Tick=delay", "unknown word \"Tick\"; the nearest known word is \"tick\"");
    refused("-", "unknown word \"-\"; the nearest known word is \"vm\"");
    refused("a\x01\xff", "unknown word \"a??\"; the nearest known word is \"vm\"");
    refused("mem=16M console=ttyS0", "unknown word \"console\"; the nearest known word is \"oracle\"");
    refused("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz=1",
            "unknown word \"abcdefghijklmnopqrstuvwxyzabcdef...\"; the nearest known word is \"oracle\"");
    refused("clock", "\"clock\" has no value; write clock=VALUE, allowed: " CLOCK_ALLOWED);
    refused("noise=3", "\"noise\" is a word for the monitor, not for a VM");
    monitor_refused("mem=16M", "\"mem\" is a word for a VM, not for the monitor");
    monitor_refused("nose=1", "unknown word \"nose\"; the nearest known word is \"noise\"");
    monitor_refused("log=com1 -- x", "\" -- \" belongs to a VM's line, not to the monitor's");
}

static void test_contradictions(void **state)
{
    (void)state;
    refused("clock=wall idle=warp", "clock=wall and idle=warp contradict each other: a wall clock neither jumps nor "
                                    "stops; write idle=real");
    refused("idle=freeze clock=wall", "clock=wall and idle=freeze contradict each other: a wall clock neither jumps "
                                      "nor stops; write idle=real");
    refused("clock=wall delivery=exact", "clock=wall and delivery=exact contradict each other: a wall clock goes on "
                                         "while the monitor steps the guest; write delivery=alarm");
    refused("margin=100", "margin= says where the single steps of delivery=exact begin: write delivery=exact, too");
    refused("mem=16M vm=a mem=32M", "mem is given twice: mem=16M and mem=32M");
    assert_true(config_parse_vm("mem=16M mem=16M", &vm, &refusal));
}

static void test_command_line_length(void **state)
{
    char line[CONFIG_CMDLINE_MAX + 64];

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line, "-- ", 3);
    line[3 + CONFIG_CMDLINE_MAX - 1] = '\0';
    assert_true(config_parse_vm(line, &vm, &refusal));
    assert_int_equal(strlen(vm.cmdline), CONFIG_CMDLINE_MAX - 1);
    line[3 + CONFIG_CMDLINE_MAX - 1] = 'x';
    line[3 + CONFIG_CMDLINE_MAX] = '\0';
    refused(line, "the guest's command line has 2048 characters; at most 2047 fit");
    assert_true(config_parse_vm("vm=a --", &vm, &refusal));
    assert_string_equal(vm.cmdline, "");
}

// Random lines made of pieces: accepted or refused with a sentence, and exactly one of the two.
static void test_random_lines(void **state)
{
    static const char *const pieces[] = {
        "vm",   "mem",  "clock", "idle", "=",  "=",    " ",  " ",     "16",   "M",
        "wall", "warp", "guest", "on",   "--", "tick", "\t", "limit", "10ms", "\x80"
    };
    uint64_t seed = 2, accepted = 0, n = 50000;

    (void)state;
    for (uint64_t i = 0; i < n; i++) {
        char line[128] = "";
        for (uint64_t k = host_random_range(&seed, 0, 12); k > 0; k--)
            strcat(line, pieces[host_random_range(&seed, 0, sizeof(pieces) / sizeof(pieces[0]) - 1)]);
        char *exact = strdup(line); // so that the sanitizer sees a byte read beyond the end
        memset(&refusal, 0, sizeof(refusal));
        bool ok = config_parse_vm(exact, &vm, &refusal);
        assert_int_equal(ok, refusal.text[0] == '\0');
        assert_true(!ok || (vm.mem_bytes >= MIB && vm.mem_bytes <= 2 * GIB && vm.name[0] != '\0'));
        accepted += ok;
        free(exact);
    }
    assert_true(accepted > 0 && accepted < n);
    print_message("# %lu random lines, %lu accepted\n", (unsigned long)n, (unsigned long)accepted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_choices_match_the_enums),
        cmocka_unit_test(test_sizes_and_times),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_rtc),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_command_line_length),
        cmocka_unit_test(test_random_lines),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
