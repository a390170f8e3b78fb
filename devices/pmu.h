// SPDX-License-Identifier: MIT
// The performance monitors of a guest (Arm ARM DDI 0487 D13 and D19.5, PMUv3): the cycle counter, and one event counter
// for cycles, retired instructions or software's increments. It counts nothing itself: whoever has counted, by the
// level that it was counted at, says so before each access. No interrupt at an overflow, no divider (PMCR.D). Pure.
#ifndef DEVICES_PMU_H
#define DEVICES_PMU_H

#include <stdbool.h>
#include <stdint.h>

#define PMU_CYCLE_BIT  (UINT32_C(1) << 31) // of the cycle counter, in every mask
#define PMU_EVENT_BIT  UINT32_C(1)         // of the event counter
#define PMCR_E         UINT32_C(1)
#define PMCR_LC        (UINT32_C(1) << 6) // the cycle counter overflows at 64 bits, not at 32
#define PMU_SELECTABLE 31u                 // PMSELR's value for the cycle counter

enum pmu_event { PMU_SW_INCR = 0x00, PMU_INST_RETIRED = 0x08, PMU_CPU_CYCLES = 0x11 };

enum pmu_register {
    PMU_PMCR,
    PMU_PMCNTENSET,
    PMU_PMCNTENCLR,
    PMU_PMOVSCLR,
    PMU_PMOVSSET,
    PMU_PMSWINC,
    PMU_PMSELR,
    PMU_PMCEID0,
    PMU_PMCEID1,
    PMU_PMCCNTR,
    PMU_PMXEVTYPER,
    PMU_PMXEVCNTR,
    PMU_PMINTENSET,
    PMU_PMINTENCLR,
    PMU_PMEVCNTR0,
    PMU_PMEVTYPER0,
    PMU_PMCCFILTR,
};

// What there is: since when does not matter, differences count. [0] at EL0, [1] at EL1.
struct pmu_counts {
    uint64_t cycles[2];
    uint64_t instructions[2];
};

struct pmu_counter {
    uint64_t value;
    uint32_t type; // the event and the filter: P and U
};

struct pmu {
    struct pmu_counts  last;
    struct pmu_counter cycle, event;
    uint64_t           shown; // what the last read of the cycle counter gave
    uint32_t           identity; // implementer, ID code and number of event counters, as PMCR has them
    uint32_t           events; // PMCEID0
    uint32_t           control, enabled, overflowed, interrupting, selected;
};

// `identity` is PMCR's upper half; event counters: 0 or 1; `retired`: instructions are among what is counted.
void pmu_init(struct pmu *pmu, uint32_t identity, unsigned event_counters, bool retired);

// Whatever is enabled counts what came since the last call. What is less than it was counts as nothing.
void pmu_count(struct pmu *pmu, const struct pmu_counts *measured);

// After pmu_count(). Two reads of a cycle counter that runs at each level never show the same cycle.
uint64_t pmu_read(struct pmu *pmu, enum pmu_register reg);
void     pmu_write(struct pmu *pmu, enum pmu_register reg, uint64_t value);

#endif
