// SPDX-License-Identifier: MIT
// The barriers of this processor: what it says is read, what is set once is set, and the way into a guest is chosen. A
// guest sees none of it: CPUID does not show the MSRs (cpuid.c), every access to them exits and is #GP (msr.c), and the
// guest's EFER is another than the monitor's.
#include "arch/x86_64/barrier.h"

#include "arch/arch.h"
#include "arch/x86_64/vendor.h"
#include "vmm/base/log.h"

#define EDX7_ARCH_CAPABILITIES (1u << 29)
#define MSR_SPEC_CTRL          0x48u
#define MSR_DE_CFG             0xc0011029u
#define DE_CFG_LFENCE_SERIALIZES (UINT64_C(1) << 1)
#define SPEC_CTRL_IBRS         (UINT64_C(1) << 0)
#define SPEC_CTRL_BHI_DIS_S    (UINT64_C(1) << 10)
#define EFER_AUTO_IBRS         (UINT64_C(1) << 21)
#define MSR_ARCH_CAPABILITIES  0x10au

extern const char svm_world_switch_body[], svm_world_switch_guarded[]; // svm/world.S
extern const char vmx_world_switch_body[], vmx_world_switch_guarded[]; // vmx/world.S
extern const char vmx_world_exit[], vmx_world_exit_guarded[];
void              barrier_run(unsigned what); // barrier.S

struct world_way world_way;
uint8_t          barrier_entry, barrier_exit; // for the guarded way
static uint8_t   barrier_between;

_Static_assert(BARRIER_BUFFERS == 1 && BARRIER_L1D == 2 && BARRIER_RETURNS == 4 && BARRIER_BRANCHES == 8, "barrier.S");

static struct barrier_facts read_facts(void)
{
    struct cpuid_result none = { 0 };
    uint32_t basic = x86_cpuid(0, 0).eax, extended = x86_cpuid(0x80000000, 0).eax;
    struct cpuid_result leaf7 = basic >= 7 ? x86_cpuid(7, 0) : none;
    struct cpuid_result leaf821 = extended >= 0x80000021 ? x86_cpuid(0x80000021, 0) : none;
    return (struct barrier_facts){
        .svm = vendor == &svm_ops,
        .leaf7_ebx = leaf7.ebx,
        .leaf7_edx = leaf7.edx,
        .leaf7_2_edx = leaf7.eax >= 2 ? x86_cpuid(7, 2).edx : 0,
        .leaf88_ebx = extended >= 0x80000008 ? x86_cpuid(0x80000008, 0).ebx : 0,
        .leaf821_eax = leaf821.eax,
        .leaf821_ecx = leaf821.ecx,
        .arch_capabilities = (leaf7.edx & EDX7_ARCH_CAPABILITIES) != 0 ? x86_rdmsr(MSR_ARCH_CAPABILITIES) : 0,
    };
}

static void choose_way(bool guarded)
{
    if (vendor == &svm_ops)
        world_way.enter = guarded ? svm_world_switch_guarded : svm_world_switch_body;
    else
        world_way.enter = guarded ? vmx_world_switch_guarded : vmx_world_switch_body;
    world_way.vmx_exit = guarded ? vmx_world_exit_guarded : vmx_world_exit;
}

void barrier_init(void)
{
    struct barrier_facts facts = read_facts();
    struct barrier_plan plan = barrier_plan(&facts);
    char text[BARRIER_TEXT_SIZE];
    if ((plan.always & BARRIER_IBRS) != 0)
        x86_wrmsr(MSR_SPEC_CTRL, x86_rdmsr(MSR_SPEC_CTRL) | SPEC_CTRL_IBRS |
                                     ((plan.always & BARRIER_BHI_DIS_S) != 0 ? SPEC_CTRL_BHI_DIS_S : 0));
    if ((plan.always & BARRIER_AUTO_IBRS) != 0)
        x86_wrmsr(MSR_EFER, x86_rdmsr(MSR_EFER) | EFER_AUTO_IBRS);
    if (facts.svm && (plan.entry | plan.exit) != 0) // LFENCE waits for what is before it (APM 2, 3.2.9)
        x86_wrmsr(MSR_DE_CFG, x86_rdmsr(MSR_DE_CFG) | DE_CFG_LFENCE_SERIALIZES);
    barrier_entry = plan.entry | BARRIER_ENTRY_TRIED;
    barrier_exit = plan.exit | BARRIER_EXIT_TRIED;
    barrier_between = plan.between;
    choose_way((barrier_entry | barrier_exit) != 0);
    barrier_plan_text(&plan, text);
    log_line("barriers", "%s; the CPU says 7 EDX %#x, MSR 10A %#lx, 80000008 EBX %#x, 80000021 EAX %#x", text,
             facts.leaf7_edx, facts.arch_capabilities, facts.leaf88_ebx, facts.leaf821_eax);
}

void arch_forget_guest(void)
{
    barrier_run(barrier_between);
}
