// SPDX-License-Identifier: MIT
// The report: where every cycle went, what the exits cost, how late the timers were, whether the clocks agree. Called
// when a VM ends, and by the monitor's keys (keys.c). Pure; it adds up by itself what the ledger promises, so an
// account that was forgotten shows as a difference and is not hidden by the code that forgot it.
#include "vmm/show/report.h"
#include "time/ratio.h"
#include "vmm/base/format.h"
#include "vmm/show/lanes.h"

struct printer {
    const struct report_input *in;
    void (*out)(void *ctx, const char *line);
    void *ctx;
};

static const struct account_name {
    char letter;
    const char *meaning;
} account_names[ACCOUNT_COUNT] = {
    [ACCOUNT_GUEST] = { 'G', "the guest itself" },
    [ACCOUNT_MONITOR] = { 'M', "the monitor, for this guest" },
    [ACCOUNT_STOLEN] = { 'S', "stolen: it could run, did not" },
    [ACCOUNT_IDLE] = { 'I', "idle: halted, really waiting" },
    [ACCOUNT_PAUSED] = { 'P', "paused on purpose" },
    [ACCOUNT_HOST] = { 'H', "other work of the host" },
};

__attribute__((format(printf, 2, 3))) static void say(const struct printer *p, const char *text, ...)
{
    char line[REPORT_COLUMNS + 1];
    va_list arguments;

    va_start(arguments, text);
    format_v(line, sizeof(line), text, arguments);
    va_end(arguments);
    p->out(p->ctx, line);
}

// Thousandths of a percent, rounded down.
static uint64_t share_e5(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : mul_div_floor(part, 100000, whole);
}

static uint64_t account_cycles(const struct report_input *in, unsigned account)
{
    uint64_t cycles = in->ledger->total[account];

    return account == in->ledger->open ? cycles + (in->host_now - in->ledger->since) : cycles;
}

static void print_head(const struct printer *p)
{
    const struct report_input *in = p->in;
    uint64_t ns = mul_div_floor(in->vt->now, NS_PER_S, in->vt->hz);

    say(p, "==== VM %s: %s", in->vm_name, in->end_reason);
    say(p, "Its own time V: %lu.%09lu s (%lu cycles at %lu Hz)", ns / NS_PER_S, ns % NS_PER_S, in->vt->now, in->vt->hz);
    say(p, "of which skipped while halted: %lu cycles", in->vt->warped);
    p->out(p->ctx, "");
}

static void print_accounts(const struct printer *p)
{
    const struct report_input *in = p->in;
    uint64_t counter = in->host_now - in->ledger->start, sum = 0, shares = 0;

    say(p, "Accounts: where every cycle of the host's counter went while this VM lived (%lu Hz)", in->host_hz);
    for (unsigned a = 0; a < ACCOUNT_COUNT; a++) {
        uint64_t cycles = account_cycles(in, a), share = share_e5(cycles, counter);
        sum += cycles;
        shares += share;
        say(p, "  %c  %-30s %20lu  %3lu.%03lu %%", account_names[a].letter, account_names[a].meaning, cycles,
            share / 1000, share % 1000);
    }
    uint64_t lost = counter == 0 || shares > 100000 ? 0 : 100000 - shares;
    say(p, "     %-30s %20lu  %3lu.%03lu %%, 0.%03lu %% lost in rounding down", "sum", sum, shares / 1000,
        shares % 1000, lost);
    say(p, "     %-30s %20lu", "counter, end minus start", counter);
    say(p, "  sum = counter: difference %ld cycles", (long)(counter - sum));
    say(p, "closure: %ld cycles", (long)(counter - sum));
    say(p, "  E  %-30s %20lu  modelled, not host cycles", "cost of emulated instructions", in->ledger->emulated);
    say(p, "     %-30s %20lu  %lu slices shorter than their switch", "switch cost found too high", in->ledger->excess,
        in->ledger->underflows);
    p->out(p->ctx, "");
}

static const char *const meter_names[METER_COUNT] = {
    [METER_GUEST_TIMER] = "guest's timer",
    [METER_EXIT_STAMP] = "exit stamp",
    [METER_CYCLE_COUNTER] = "PMU's cycles",
};

// One meter beside G. They disagree by `apart`, signed: millionths of G, rounded towards zero.
static void print_meter(const struct printer *p, const struct meter *meter, const char *name, uint64_t guest)
{
    uint64_t cycles = meter->counts * meter->unit_cycles - p->in->stats->exits * meter->extra_cycles;
    int64_t apart = (int64_t)(cycles - guest);
    uint64_t distance = apart < 0 ? 0 - (uint64_t)apart : (uint64_t)apart;
    long ppm = guest == 0 ? 0 : (long)mul_div_floor(distance, 1000000, guest);

    say(p, "  %-13s %20lu %14ld %12ld %10lu", name, cycles, apart, apart < 0 ? -ppm : ppm, meter->unit_cycles);
}

// G as the ledger has it beside what the hardware's own meters say. Nothing where it has none.
static void print_meters(const struct printer *p)
{
    const struct meter *meters = p->in->stats->meter;
    uint64_t guest = account_cycles(p->in, ACCOUNT_GUEST);
    bool any = false;

    for (unsigned m = 0; m < METER_COUNT; m++)
        any |= meters[m].unit_cycles != 0;
    if (!any)
        return;
    say(p, "Meters: the guest's cycles by hardware of its own, beside G; %lu slices", p->in->stats->exits);
    say(p, "  %-13s %20s %14s %12s %10s", "meter", "cycles", "minus G", "ppm", "its unit");
    say(p, "  %-13s %20lu", "G", guest);
    for (unsigned m = 0; m < METER_COUNT; m++) {
        if (meters[m].unit_cycles != 0)
            print_meter(p, &meters[m], meter_names[m], guest);
    }
    p->out(p->ctx, "");
}

static void print_exits(const struct printer *p)
{
    const struct stats *stats = p->in->stats;

    say(p, "Exits: what ended the guest's slices; cycles the monitor took from the exit to the next entry");
    say(p, "  %-12s %12s %12s %12s %12s", "kind", "count", "mean", "p99", "max");
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        const struct histogram *cost = &stats->cost[kind];
        uint64_t count = histogram_count(cost);
        if (count == 0)
            continue;
        say(p, "  %-12s %12lu %12lu %12lu %12lu", exit_kind_name((enum exit_kind)kind), count, histogram_mean(cost),
            histogram_percentile(cost, 990), cost->max);
    }
    say(p, "  %-12s %12lu", "all", stats->exits);
    p->out(p->ctx, "");
}

// One timer's row. Returns expiries that are neither injected, pending nor dropped; 0 by law 5.
static uint64_t print_timer(const struct printer *p, const struct timer_reading *timer)
{
    const struct ticks *ticks = timer->ticks;
    const struct histogram *late = timer->lateness;

    say(p, "  %-9s %10lu %10lu %8lu %8lu | %10lu %10lu %10lu", timer->name, ticks->expired, ticks->injected,
        ticks->pending, ticks->dropped, histogram_percentile(late, 500), histogram_percentile(late, 990), late->max);
    return ticks->expired - ticks->injected - ticks->pending - ticks->dropped;
}

static void print_timers(const struct printer *p)
{
    unsigned timers = p->in->timer_count, kept = 0;

    say(p, "Timers: each expiry is injected, pending or dropped; late: cycles of V from deadline to injection");
    say(p, "  %-9s %10s %10s %8s %8s | %10s %10s %10s", "timer", "expired", "injected", "pending", "dropped",
        "late p50", "late p99", "late max");
    for (unsigned timer = 0; timer < timers; timer++)
        kept += print_timer(p, &p->in->timers[timer]) == 0;
    say(p, "law 5: expired = injected + pending + dropped for %u of %u timers", kept, timers);
    p->out(p->ctx, "");
}

// What a clock should show is floor(V * its Hz / V's Hz), in its own ticks: no rounded ns decides whether it is right.
static void print_clock(const struct printer *p, const struct clock_reading *clock, uint64_t v_ns)
{
    const struct vtime *vt = p->in->vt;
    uint64_t ns = mul_div_floor(clock->value, NS_PER_S, clock->hz);
    uint64_t expected = mul_div_floor(vt->now, clock->hz, vt->hz);

    say(p, "  %-10s %12lu %20lu %19lu %12ld %9lu %9ld", clock->name, clock->hz, clock->value, ns, (long)(v_ns - ns),
        mul_div_ceil(1, NS_PER_S, clock->hz), (long)(expected - clock->value));
}

static void print_clocks(const struct printer *p)
{
    const struct report_input *in = p->in;
    unsigned count = in->clock_count < REPORT_CLOCKS_MAX ? in->clock_count : REPORT_CLOCKS_MAX;
    uint64_t v_ns = mul_div_floor(in->vt->now, NS_PER_S, in->vt->hz);

    say(p, "Clocks side by side: each counts V in its own ticks; 0 ticks behind is exact");
    say(p, "  %-10s %12s %20s %19s %12s %9s %9s", "clock", "Hz", "value", "as ns", "V minus, ns", "tick, ns", "behind");
    say(p, "  %-10s %12lu %20lu %19lu", "V", in->vt->hz, in->vt->now, v_ns);
    for (unsigned i = 0; i < count; i++) {
        if (in->clocks[i].hz != 0)
            print_clock(p, &in->clocks[i], v_ns);
    }
    p->out(p->ctx, "");
}

static void print_delivery(const struct printer *p)
{
    const struct report_input *in = p->in;
    const struct histogram *late = &in->stats->delivery.lateness, *steps = &in->stats->delivery.steps;

    say(p, "deadlines: %lu met in the guest, late p50 %lu, p99 %lu, max %lu cycles; alarm error %ld",
        histogram_count(late), histogram_percentile(late, 500), histogram_percentile(late, 990), late->max,
        in->alarm_error_cycles);
    if (in->margin_cycles == 0)
        return;
    say(p, "steps: margin %lu cycles; %lu steps, p50 %lu, p99 %lu, max %lu a deadline; %lu by alarm", in->margin_cycles,
        steps->sum, histogram_percentile(steps, 500), histogram_percentile(steps, 990), steps->max,
        in->stats->delivery.unstepped);
}

// Of the exits that came: how much more than it was charged a switch costs, in the mean, and how much more at the most.
static struct switch_precision reference(const struct report_input *in)
{
    struct switch_precision sum = { 0, 0 };
    uint64_t exits = 0;
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        exits += histogram_count(&in->stats->cost[kind]);
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        uint64_t count = histogram_count(&in->stats->cost[kind]);
        if (count == 0)
            continue;
        const struct switch_precision *known = &in->switches[kind];
        sum.bias_cycles += mul_div_ceil(count, known->bias_cycles, exits);
        if (known->spread_cycles > sum.spread_cycles)
            sum.spread_cycles = known->spread_cycles;
    }
    return sum;
}

// How far the accounts and the timers of this run can be trusted: what a slice may have been given of its switch, and
// how late the ticks came. On a host that counts instructions all of it is 0.
static void print_precision(const struct printer *p)
{
    const struct report_input *in = p->in;
    const struct histogram *late[STATS_TIMERS_MAX];
    struct switch_precision known = reference(in);
    uint64_t max = 0, ticks = 0;
    for (unsigned timer = 0; timer < in->timer_count; timer++) {
        late[timer] = in->timers[timer].lateness;
        ticks += histogram_count(late[timer]);
        max = late[timer]->max > max ? late[timer]->max : max;
    }
    if (ticks == 0)
        say(p, "precision: reference bias %lu spread %lu cycles a slice, delivery: no tick came", known.bias_cycles,
            known.spread_cycles);
    else
        say(p, "precision: reference bias %lu spread %lu, delivery late p50 %lu p99 %lu max %lu cycles",
            known.bias_cycles, known.spread_cycles, histogram_percentile_of(late, in->timer_count, 500),
            histogram_percentile_of(late, in->timer_count, 990), max);
}

static void print_machine(const struct printer *p)
{
    const struct stats *stats = p->in->stats;

    say(p, "counter: %lu Hz by %s", p->in->host_hz, p->in->host_hz_origin);
    if (p->in->host_hz_not_believed[0] != '\0')
        say(p, "counter: not believed: %s", p->in->host_hz_not_believed);
    print_precision(p);
    say(p, "alarms: %lu ended a slice", stats->alarms);
    say(p, "interrupts: %lu injected, %lu waited for a window", stats->injections, stats->windows);
    if (p->in->careful)
        print_delivery(p);
    say(p, "trace: %lu records, hash=%016lx", p->in->trace->written, trace_hash(p->in->trace));
}

void report_print_part(const struct report_input *input, enum report_part part,
                       void (*out)(void *ctx, const char *line), void *ctx)
{
    const struct printer p = { input, out, ctx };

    switch (part) {
    case REPORT_ACCOUNTS:
        print_accounts(&p);
        print_meters(&p);
        break;
    case REPORT_EXITS: print_exits(&p); break;
    case REPORT_TIMERS: print_timers(&p); break;
    case REPORT_CLOCKS: print_clocks(&p); break;
    case REPORT_LANES: lanes_draw(input->trace, out, ctx); break;
    }
}

void report_print(const struct report_input *input, void (*out)(void *ctx, const char *line), void *ctx)
{
    const struct printer p = { input, out, ctx };

    print_head(&p);
    print_accounts(&p);
    print_meters(&p);
    print_exits(&p);
    print_timers(&p);
    print_clocks(&p);
    print_machine(&p);
    if (input->lanes) {
        out(ctx, "");
        lanes_draw(input->trace, out, ctx);
    }
}
