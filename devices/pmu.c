// SPDX-License-Identifier: MIT
// See pmu.h. Called with each access that a guest makes.
#include "devices/pmu.h"

#define PMCR_P        2u
#define PMCR_C        4u
#define PMCR_KEPT     (PMCR_E | 1u << 4 | 1u << 5 | PMCR_LC) // X and DP mean nothing here
#define PMCR_N_SHIFT  11
#define FILTER_P      (1u << 31) // not at EL1
#define FILTER_U      (1u << 30) // not at EL0
#define TYPE_EVENT    0x3ffu
#define SELR_MASK     31u

void pmu_init(struct pmu *pmu, uint32_t identity, unsigned event_counters, bool retired)
{
    *pmu = (struct pmu){ .identity = identity | event_counters << PMCR_N_SHIFT };
    pmu->events = 1u << PMU_SW_INCR | 1u << PMU_CPU_CYCLES | (retired ? 1u << PMU_INST_RETIRED : 0);
}

static uint32_t implemented(const struct pmu *pmu)
{
    return PMU_CYCLE_BIT | (pmu->identity >> PMCR_N_SHIFT & PMU_EVENT_BIT);
}

static bool running(const struct pmu *pmu, uint32_t bit)
{
    return (pmu->control & PMCR_E) != 0 && (pmu->enabled & bit) != 0;
}

static uint64_t filtered(uint32_t type, const uint64_t now[2], const uint64_t last[2])
{
    return ((type & FILTER_U) == 0 ? now[0] - last[0] : 0) + ((type & FILTER_P) == 0 ? now[1] - last[1] : 0);
}

static void add(struct pmu *pmu, struct pmu_counter *counter, uint64_t more, uint32_t bit, bool is_wide)
{
    uint64_t before = counter->value, mask = is_wide ? UINT64_MAX : UINT32_MAX;
    counter->value += more;
    if ((counter->value & mask) < (before & mask) || more > mask)
        pmu->overflowed |= bit;
    if (bit == PMU_EVENT_BIT)
        counter->value &= UINT32_MAX;
}

static void count_event(struct pmu *pmu, const struct pmu_counts *now)
{
    uint32_t type = pmu->event.type;
    uint64_t more = 0;
    if ((type & TYPE_EVENT) == PMU_CPU_CYCLES)
        more = filtered(type, now->cycles, pmu->last.cycles);
    else if ((type & TYPE_EVENT) == PMU_INST_RETIRED)
        more = filtered(type, now->instructions, pmu->last.instructions);
    add(pmu, &pmu->event, more, PMU_EVENT_BIT, false);
}

// What is measured can come out less than before, where exits cost what they did not at boot: the guest's counters wait
// then, and neither go back nor overflow.
static void never_back(uint64_t now[2], const uint64_t last[2])
{
    for (unsigned level = 0; level < 2; level++)
        if ((int64_t)(now[level] - last[level]) < 0)
            now[level] = last[level];
}

void pmu_count(struct pmu *pmu, const struct pmu_counts *measured)
{
    struct pmu_counts now = *measured;
    if ((pmu->control & PMCR_E) != 0) {
        never_back(now.cycles, pmu->last.cycles);
        never_back(now.instructions, pmu->last.instructions);
    }
    if (running(pmu, PMU_CYCLE_BIT))
        add(pmu, &pmu->cycle, filtered(pmu->cycle.type, now.cycles, pmu->last.cycles), PMU_CYCLE_BIT,
            (pmu->control & PMCR_LC) != 0);
    if (running(pmu, PMU_EVENT_BIT))
        count_event(pmu, &now);
    pmu->last = now;
}

// A read takes a cycle at least, where it is carried out by somebody who stops the counter, too.
static uint64_t show_cycles(struct pmu *pmu)
{
    if (pmu->cycle.value > pmu->shown)
        pmu->shown = pmu->cycle.value;
    else if (running(pmu, PMU_CYCLE_BIT) && pmu->cycle.type == 0)
        pmu->shown++;
    return pmu->shown;
}

static void set_cycles(struct pmu *pmu, uint64_t value)
{
    pmu->cycle.value = value;
    pmu->shown = value;
}

static void write_control(struct pmu *pmu, uint32_t value)
{
    if ((value & PMCR_C) != 0)
        set_cycles(pmu, 0);
    if ((value & PMCR_P) != 0)
        pmu->event.value = 0;
    pmu->control = value & PMCR_KEPT;
}

// PMXEVTYPER and PMXEVCNTR are the ones of the counter that is selected.
static enum pmu_register selected(const struct pmu *pmu, enum pmu_register reg)
{
    if (reg == PMU_PMXEVTYPER && pmu->selected == PMU_SELECTABLE)
        return PMU_PMCCFILTR;
    if (pmu->selected != 0)
        return reg;
    return reg == PMU_PMXEVTYPER ? PMU_PMEVTYPER0 : reg == PMU_PMXEVCNTR ? PMU_PMEVCNTR0 : reg;
}

uint64_t pmu_read(struct pmu *pmu, enum pmu_register reg)
{
    switch (selected(pmu, reg)) {
    case PMU_PMCR: return pmu->identity | pmu->control;
    case PMU_PMCNTENSET:
    case PMU_PMCNTENCLR: return pmu->enabled;
    case PMU_PMOVSCLR:
    case PMU_PMOVSSET: return pmu->overflowed;
    case PMU_PMINTENSET:
    case PMU_PMINTENCLR: return pmu->interrupting;
    case PMU_PMSELR: return pmu->selected;
    case PMU_PMCEID0: return pmu->events;
    case PMU_PMCCNTR: return show_cycles(pmu);
    case PMU_PMEVCNTR0: return pmu->event.value;
    case PMU_PMEVTYPER0: return pmu->event.type;
    case PMU_PMCCFILTR: return pmu->cycle.type;
    case PMU_PMCEID1:
    case PMU_PMSWINC:
    case PMU_PMXEVTYPER:
    case PMU_PMXEVCNTR: break;
    }
    return 0;
}

static void write_counter(struct pmu *pmu, enum pmu_register reg, uint64_t value)
{
    uint32_t low = (uint32_t)value;
    bool is_there = (implemented(pmu) & PMU_EVENT_BIT) != 0;
    if (reg == PMU_PMCCNTR)
        set_cycles(pmu, value);
    else if (reg == PMU_PMCCFILTR)
        pmu->cycle.type = low & (FILTER_P | FILTER_U);
    else if (reg == PMU_PMEVCNTR0 && is_there)
        pmu->event.value = low;
    else if (reg == PMU_PMEVTYPER0 && is_there)
        pmu->event.type = low & (FILTER_P | FILTER_U | TYPE_EVENT);
    else if (reg == PMU_PMSWINC && (low & PMU_EVENT_BIT) != 0 && running(pmu, PMU_EVENT_BIT) &&
             (pmu->event.type & TYPE_EVENT) == PMU_SW_INCR)
        add(pmu, &pmu->event, 1, PMU_EVENT_BIT, false);
}

void pmu_write(struct pmu *pmu, enum pmu_register reg, uint64_t value)
{
    uint32_t mask = (uint32_t)value & implemented(pmu);
    switch ((unsigned)reg) {
    case PMU_PMCR: write_control(pmu, (uint32_t)value); return;
    case PMU_PMCNTENSET: pmu->enabled |= mask; return;
    case PMU_PMCNTENCLR: pmu->enabled &= ~mask; return;
    case PMU_PMOVSSET: pmu->overflowed |= mask; return;
    case PMU_PMOVSCLR: pmu->overflowed &= ~mask; return;
    case PMU_PMINTENSET: pmu->interrupting |= mask; return;
    case PMU_PMINTENCLR: pmu->interrupting &= ~mask; return;
    case PMU_PMSELR: pmu->selected = (uint32_t)value & SELR_MASK; return;
    default: write_counter(pmu, selected(pmu, reg), value); return;
    }
}
