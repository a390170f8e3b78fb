// SPDX-License-Identifier: MIT
// The report of a VM, at its end or of one part while it runs, in plain text of at most 100 columns: accounts, exits,
// timers, clocks, alarms, trace, lanes. Pure: everything it says comes from its input.
#ifndef VMM_SHOW_REPORT_H
#define VMM_SHOW_REPORT_H

#include "time/ledger.h"
#include "time/tickpolicy.h"
#include "time/vtime.h"
#include "vmm/show/stats.h"
#include "vmm/show/trace.h"

#define REPORT_CLOCKS_MAX 8
#define REPORT_COLUMNS    100

// One clock of the VM: its value since the VM's start, counted in its own ticks, wrap-around already undone.
struct clock_reading {
    const char *name;
    uint64_t hz;
    uint64_t value;
};

// One timer: its ticks so far, and how late they were.
struct timer_reading {
    const char *name;
    const struct ticks *ticks;
    const struct histogram *lateness;
};

struct report_input {
    const char *vm_name;
    const char *end_reason;
    const struct ledger *ledger;
    htime_t host_now;
    const struct vtime *vt;
    const struct stats *stats;
    const struct switch_precision *switches; // by kind of exit
    struct timer_reading timers[STATS_TIMERS_MAX];
    unsigned timer_count;
    const struct trace *trace;
    struct clock_reading clocks[REPORT_CLOCKS_MAX];
    unsigned clock_count;
    uint64_t host_hz;
    const char *host_hz_origin;       // which clocks said so
    const char *host_hz_not_believed; // which was not; "" for none
    bool lanes; // draw them
    bool careful; // each deadline was looked at: show how they were met
    uint64_t margin_cycles; // of delivery=exact; 0: delivery=alarm
    int64_t alarm_error_cycles;
};

enum report_part { REPORT_ACCOUNTS, REPORT_EXITS, REPORT_TIMERS, REPORT_CLOCKS, REPORT_LANES };

// One part of it, while the VM runs.
void report_print_part(const struct report_input *input, enum report_part part,
                       void (*out)(void *ctx, const char *line), void *ctx);

// Lines that programs read keep their first words: "closure:", "law 5:", "alarms:", "precision:", "deadlines:",
// "steps:", "trace:".
void report_print(const struct report_input *input, void (*out)(void *ctx, const char *line), void *ctx);

#endif
