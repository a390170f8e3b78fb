// SPDX-License-Identifier: MIT
// The PMU's cycle counter as a meter of the guest's cycles (meter.h).
#include "arch/arm64/meter.h"

#include "arch/arm64/host/cpu.h"
#include "arch/arm64/vcpu.h"
#include "time/ratio.h"

#define PMCCFILTR_NSH     (UINT64_C(1) << 27) // count at EL2, too
#define CYCLE_COUNTER     (UINT64_C(1) << 31)
#define RATE_TICKS        4096u

#define EVENT_AT_EL0      (UINT64_C(1) << 31) // P: not at EL1; nor at EL2, where NSH is clear
#define EVENTS_SHIFT      11

// The event counters that are used, and what each has counted.
enum { CYCLES_AT_EL0, INSTRUCTIONS, INSTRUCTIONS_AT_EL0, EVENT_COUNTERS };

static struct ratio cycles_per_count; // counter cycles, PMU counts
static uint64_t counted[EVENT_COUNTERS];

uint64_t meter_counts(void)
{
    return cpu_has_pmu() ? sysreg_read(pmccntr_el0) : 0;
}

bool meter_has_levels(void)
{
    return cpu_has_pmu() && (sysreg_read(pmcr_el0) >> EVENTS_SHIFT & 31) >= EVENT_COUNTERS;
}

bool meter_has_instructions(void)
{
    return meter_has_levels() && (sysreg_read(pmceid0_el0) >> PMU_INST_RETIRED & 1) != 0;
}

static void look(unsigned index, uint32_t now)
{
    counted[index] += now - (uint32_t)counted[index];
}

static void look_at_all(void)
{
    if (!meter_has_levels())
        return;
    look(CYCLES_AT_EL0, (uint32_t)sysreg_read(pmevcntr0_el0));
    look(INSTRUCTIONS, (uint32_t)sysreg_read(pmevcntr1_el0));
    look(INSTRUCTIONS_AT_EL0, (uint32_t)sysreg_read(pmevcntr2_el0));
}

static void count_events(void)
{
    if (!meter_has_levels())
        return;
    sysreg_write(pmevtyper0_el0, PMU_CPU_CYCLES | EVENT_AT_EL0);
    sysreg_write(pmevtyper1_el0, PMU_INST_RETIRED);
    sysreg_write(pmevtyper2_el0, PMU_INST_RETIRED | EVENT_AT_EL0);
    sysreg_write(pmcntenset_el0, (1u << EVENT_COUNTERS) - 1);
}

// Both at one distance from each other, whenever.
struct sample {
    htime_t  ticks;
    uint64_t counts;
};

static struct sample sample(void)
{
    struct sample now;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0\n\tmrs %1, pmccntr_el0"
                     : "=r"(now.ticks), "=r"(now.counts)
                     :
                     : "memory");
    return now;
}

void meter_init(void)
{
    if (!cpu_has_pmu())
        return;
    sysreg_write(pmccfiltr_el0, PMCCFILTR_NSH);
    sysreg_write(pmcr_el0, PMCR_E | PMCR_LC);
    sysreg_write(pmcntenset_el0, CYCLE_COUNTER);
    arm64_isb();
    struct sample start = sample(), end;
    do {
        end = sample();
    } while (end.ticks - start.ticks < RATE_TICKS);
    if (end.counts != start.counts)
        cycles_per_count = ratio_make(end.ticks - start.ticks, end.counts - start.counts);
    sysreg_write(pmccfiltr_el0, 0);
    count_events();
    arm64_isb();
}

// The exits so far, but for the present one, whose way back is not paid yet; the first entry has been paid as one.
static uint64_t counted_in_exits(const struct stats *stats)
{
    uint64_t counts = 0;
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        counts += histogram_count(&stats->cost[kind]) * switch_costs.counted[kind];
    return counts;
}

void meter_read(struct vcpu *vcpu, uint64_t counts_at_start)
{
    struct stats *stats = &vcpu->stats;
    if (!cpu_has_pmu() || cycles_per_count.den == 0)
        return;
    uint64_t counts = meter_counts() - counts_at_start - counted_in_exits(stats);
    stats->meter[METER_CYCLE_COUNTER] =
        (struct meter){ .counts = ratio_floor(cycles_per_count, counts), .unit_cycles = 1 };
}

void meter_begin(struct vcpu *vcpu)
{
    vcpu->arch->exits_counted = counted_in_exits(&vcpu->stats);
}

// The exit that is paid by this entry: its histogram gets it with the next exit.
void meter_follow(struct vcpu *vcpu)
{
    vcpu->arch->exits_counted += switch_costs.counted[vcpu->paid_by - vcpu->stats.cost];
    look_at_all();
}

void meter_by_level(const struct vcpu *vcpu, enum exit_kind present, struct pmu_counts *out)
{
    uint64_t all = meter_counts() - vcpu->arch->counts_at_start - vcpu->arch->exits_counted;
    all = all + switch_costs.counted[EXIT_IGNORED] - switch_costs.counted[present];
    look_at_all();
    *out = (struct pmu_counts){
        .cycles = { counted[CYCLES_AT_EL0], all - counted[CYCLES_AT_EL0] },
        .instructions = { counted[INSTRUCTIONS_AT_EL0], counted[INSTRUCTIONS] - counted[INSTRUCTIONS_AT_EL0] },
    };
}
