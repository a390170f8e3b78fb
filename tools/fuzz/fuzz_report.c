// SPDX-License-Identifier: MIT
// The report of any figures: every line is printable and within its columns, whatever was counted.
#include "tools/fuzz/input.h"

#include "vmm/show/report.h"

static void line(void *lines, const char *text)
{
    HOLDS(strlen(text) <= REPORT_COLUMNS);
    for (; *text != '\0'; text++)
        HOLDS(*text >= ' ' && *text <= '~');
    ++*(unsigned *)lines;
}

// Numbers of any length, mostly short: as long ones as a counter has are not more than it can have.
static void fill(struct input *input, void *to, size_t bytes)
{
    for (size_t at = 0; at + 8 <= bytes; at += 8) {
        uint64_t value = take(input, 1 + (take(input, 1) & 7));
        memcpy((uint8_t *)to + at, &value, 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stats stats;
    static struct trace trace;
    struct input input = { data, size };
    struct ledger ledger = { 0 };
    struct vtime vt = { 0 };
    struct ticks ticks;
    struct histogram lateness;
    struct switch_precision switches[EXIT_KIND_COUNT];
    unsigned lines = 0;
    memset(&stats, 0, sizeof(stats));
    memset(&trace, 0, sizeof(trace));
    fill(&input, ledger.total, sizeof(ledger.total));
    fill(&input, &ticks, sizeof(ticks));
    fill(&input, switches, sizeof(switches));
    histogram_init(&lateness);
    for (uint64_t count = take(&input, 1); count > 0; count--)
        histogram_add(&lateness, take(&input, 8));
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        histogram_init(&stats.cost[kind]);
        if (take(&input, 1) & 1)
            histogram_add(&stats.cost[kind], take(&input, 8));
    }
    trace_init(&trace);
    vt.hz = 1 + take(&input, 5);
    vt.now = take(&input, 8) >> 1;
    vt.warped = take(&input, 8);
    struct report_input in = { .vm_name = "vm", .end_reason = "its end", .ledger = &ledger, .vt = &vt,
                               .stats = &stats, .switches = switches, .trace = &trace, .timer_count = 1,
                               .clock_count = 1, .host_hz_origin = "said", .host_hz_not_believed = "" };
    in.host_hz = 1 + take(&input, 5);
    in.lanes = take(&input, 1) & 1;
    in.careful = take(&input, 1) & 1;
    in.timers[0] = (struct timer_reading){ "timer", &ticks, &lateness };
    in.clocks[0] = (struct clock_reading){ "clock", 1 + take(&input, 5), take(&input, 8) };
    in.host_now = take(&input, 8);
    report_print(&in, line, &lines);
    HOLDS(lines > 10);
    return 0;
}
