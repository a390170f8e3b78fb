// SPDX-License-Identifier: MIT
// A host CPU's EL2 registers (Arm ARM D17.2) from whatever firmware left, and its stacks. Called by boot/arm64/main.c
// on the CPU itself. What a guest needs trapped is arch/arm64/guest/traps.c's business.
#include "arch/arm64/host/cpu.h"

#define PMUVER_SHIFT 8
#define PMUVER_OWN   15u // an implementation's own kind of PMU

#include "arch/arm64/host/arm64.h"

#define PMCR_N_SHIFT 11

struct cpu cpus[MAX_CPUS];

extern char boot_stack_guard[], boot_stack_top[], panic_stack_guard[], panic_stack_top[]; // boot/arm64/start.S
extern const char exception_vectors[];                                                   // vectors.S

const unsigned host_stack_count = STACK_COUNT;
const struct stack_bounds host_stacks[] = {
    [STACK_BOOT] = { (uintptr_t)boot_stack_guard, (uintptr_t)boot_stack_top, "boot" },
    [STACK_PANIC] = { (uintptr_t)panic_stack_guard, (uintptr_t)panic_stack_top, "panic" },
};

struct cpu *this_cpu(void)
{
    uint64_t cpu;
    __asm__("mrs %0, tpidr_el2" : "=r"(cpu));
    return (struct cpu *)cpu;
}

bool cpu_has_pmu(void)
{
    unsigned version = (unsigned)(sysreg_read(id_aa64dfr0_el1) >> PMUVER_SHIFT) & 15;
    return version != 0 && version != PMUVER_OWN;
}

void cpu_init(struct cpu *cpu)
{
    sysreg_write(tpidr_el2, (uintptr_t)cpu);
    sysreg_write(vbar_el2, (uintptr_t)exception_vectors);
    sysreg_write(hcr_el2, HCR_RW);
    sysreg_write(cptr_el2, CPTR_EL2_RES1);
    sysreg_write(hstr_el2, 0);
    sysreg_write(cnthctl_el2, 0);
    sysreg_write(cntvoff_el2, 0);
    sysreg_write(cnthp_ctl_el2, 0);
    // Every event counter stays EL1's: MDCR_EL2.HPMN is how many there are.
    sysreg_write(mdcr_el2, cpu_has_pmu() ? sysreg_read(pmcr_el0) >> PMCR_N_SHIFT & 31 : 0);
    arm64_isb();
    cpu->shared.hardware_id = (uint32_t)(sysreg_read(mpidr_el1) & 0xffffff);
    cpu->shared.online = true;
}
