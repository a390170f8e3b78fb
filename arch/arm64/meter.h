// SPDX-License-Identifier: MIT
// The second witness of G: the PMU's cycle counter (Arm ARM D13), which counts at EL0 and EL1 and stands still at EL2.
// It runs by itself; nothing is done at an exit. Event counters beside it tell the levels apart, and count
// instructions: the guest's own monitors (pmu.c) are made of these.
#ifndef ARCH_ARM64_METER_H
#define ARCH_ARM64_METER_H

#include "devices/pmu.h"
#include "vmm/vm.h"

// Its rate beside the counter's, found out by counting at EL2 for a moment; then it counts the guest.
void meter_init(void);

uint64_t meter_counts(void);

// What the counter counted since counts_at_start, less what it counts in each exit besides the guest's instructions,
// into stats.meter.
void meter_read(struct vcpu *vcpu, uint64_t counts_at_start);

// Are there enough event counters to tell EL0 from EL1, and do they count instructions?
bool meter_has_levels(void);
bool meter_has_instructions(void);

// What exits have counted so far is summed up once, and from then on each exit is added before the entry after it: to
// be called before every entry, which also keeps an event counter of 32 bits from going round unseen.
void meter_begin(struct vcpu *vcpu);
void meter_follow(struct vcpu *vcpu);

// While that is so: what the vCPU has had until its present exit, of that kind. Cycles, less what exits count besides
// the guest's instructions, and instructions as the CPU counts them. Without levels all is EL1's.
void meter_by_level(const struct vcpu *vcpu, enum exit_kind present, struct pmu_counts *out);

#endif
