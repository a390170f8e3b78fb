// SPDX-License-Identifier: MIT
// The PMU's cycle counter as a meter of the guest's cycles (meter.h).
#include "arch/arm64/meter.h"

#include "arch/arm64/vcpu.h"
#include "time/ratio.h"

#define PMUVER_SHIFT      8
#define PMUVER_OWN        15u // an implementation's own kind of PMU
#define PMCR_E            UINT64_C(1)
#define PMCR_LC           (UINT64_C(1) << 6) // 64 bits
#define PMCCFILTR_NSH     (UINT64_C(1) << 27) // count at EL2, too
#define CYCLE_COUNTER     (UINT64_C(1) << 31)
#define RATE_TICKS        4096u

static struct ratio cycles_per_count; // counter cycles, PMU counts

bool meter_present(void)
{
    unsigned version = (unsigned)(sysreg_read(id_aa64dfr0_el1) >> PMUVER_SHIFT) & 15;
    return version != 0 && version != PMUVER_OWN;
}

uint64_t meter_counts(void)
{
    return meter_present() ? sysreg_read(pmccntr_el0) : 0;
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
    if (!meter_present())
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
    arm64_isb();
}

void meter_read(struct vcpu *vcpu, uint64_t counts_at_start)
{
    struct stats *stats = &vcpu->stats;
    if (!meter_present() || cycles_per_count.den == 0)
        return;
    uint64_t counts = meter_counts() - counts_at_start;
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        counts -= histogram_count(&stats->cost[kind]) * switch_costs.counted[kind];
    stats->meter[METER_CYCLE_COUNTER] =
        (struct meter){ .counts = ratio_floor(cycles_per_count, counts), .unit_cycles = 1 };
}
