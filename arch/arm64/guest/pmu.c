// SPDX-License-Identifier: MIT
// The guest's performance monitors (devices/pmu.h): each access traps. What they count is the hardware's (meter.h).
// PMUSERENR_EL0 is the guest's own, in the CPU, which asks it before it traps here.
#include "arch/arm64/meter.h"
#include "arch/arm64/guest/sysreg.h"
#include "arch/arm64/host/cpu.h"

#define PMUSERENR      SYSREG(3, 3, 9, 14, 0)
#define PMUSERENR_KEPT UINT64_C(0xf)
#define PMCR_IDENTITY  UINT32_C(0xffff0000)

enum may { READS = 1, WRITES = 2, BOTH = 3 };

static const struct row {
    uint32_t          encoding;
    enum pmu_register reg;
    enum may          may;
} rows[] = {
    { SYSREG(3, 3, 9, 12, 0), PMU_PMCR, BOTH },
    { SYSREG(3, 3, 9, 12, 1), PMU_PMCNTENSET, BOTH },
    { SYSREG(3, 3, 9, 12, 2), PMU_PMCNTENCLR, BOTH },
    { SYSREG(3, 3, 9, 12, 3), PMU_PMOVSCLR, BOTH },
    { SYSREG(3, 3, 9, 12, 4), PMU_PMSWINC, WRITES },
    { SYSREG(3, 3, 9, 12, 5), PMU_PMSELR, BOTH },
    { SYSREG(3, 3, 9, 12, 6), PMU_PMCEID0, READS },
    { SYSREG(3, 3, 9, 12, 7), PMU_PMCEID1, READS },
    { SYSREG(3, 3, 9, 13, 0), PMU_PMCCNTR, BOTH },
    { SYSREG(3, 3, 9, 13, 1), PMU_PMXEVTYPER, BOTH },
    { SYSREG(3, 3, 9, 13, 2), PMU_PMXEVCNTR, BOTH },
    { SYSREG(3, 3, 9, 14, 3), PMU_PMOVSSET, BOTH },
    { SYSREG(3, 0, 9, 14, 1), PMU_PMINTENSET, BOTH },
    { SYSREG(3, 0, 9, 14, 2), PMU_PMINTENCLR, BOTH },
    { SYSREG(3, 3, 14, 8, 0), PMU_PMEVCNTR0, BOTH },
    { SYSREG(3, 3, 14, 12, 0), PMU_PMEVTYPER0, BOTH },
    { SYSREG(3, 3, 14, 15, 7), PMU_PMCCFILTR, BOTH },
};

void guest_pmu_reset(struct vcpu *vcpu)
{
    struct arch_vcpu *arch = vcpu->arch;
    arch->counts_at_start = meter_counts();
    arch->pmu_counts = false;
    if (!cpu_has_pmu())
        return;
    sysreg_write(pmuserenr_el0, 0);
    pmu_init(&arch->pmu, (uint32_t)sysreg_read(pmcr_el0) & PMCR_IDENTITY, meter_has_levels() ? 1 : 0,
             meter_has_instructions());
}

static const struct row *find(uint32_t encoding, bool is_write)
{
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].encoding == encoding && (rows[i].may & (is_write ? WRITES : READS)) != 0)
            return &rows[i];
    return NULL;
}

// While the guest's are off nothing is measured: only the write that may start them needs to know from where.
static void measure(struct vcpu *vcpu, bool may_start, enum exit_kind present)
{
    struct arch_vcpu *arch = vcpu->arch;
    struct pmu_counts now;
    if (!arch->pmu_counts && !may_start)
        return;
    if (!arch->pmu_counts)
        meter_begin(vcpu);
    meter_by_level(vcpu, present, &now);
    pmu_count(&arch->pmu, &now);
}

__attribute__((noinline)) bool guest_pmu_access(struct vcpu *vcpu, uint32_t encoding, bool is_write, uint64_t *value)
{
    struct arch_vcpu *arch = vcpu->arch;
    const struct row *row = find(encoding, is_write);
    if (!cpu_has_pmu() || (row == NULL && encoding != PMUSERENR))
        return false;
    if (row == NULL) {
        if (is_write)
            sysreg_write(pmuserenr_el0, *value & PMUSERENR_KEPT);
        else
            *value = sysreg_read(pmuserenr_el0);
        return true;
    }
    measure(vcpu, is_write && row->reg == PMU_PMCR, is_write ? EXIT_SYSREG_WRITE : EXIT_SYSREG_READ);
    if (!is_write) {
        *value = pmu_read(&arch->pmu, row->reg);
        return true;
    }
    pmu_write(&arch->pmu, row->reg, *value);
    arch->pmu_counts = (pmu_read(&arch->pmu, PMU_PMCR) & PMCR_E) != 0;
    arch->entry_plain = arch->entry_plain && !arch->pmu_counts;
    return true;
}
