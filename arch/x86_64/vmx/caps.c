// SPDX-License-Identifier: MIT
// What this processor's VMX can do: every control word is made of what is wanted, cut to what the capability MSRs
// allow, with what they require; a control that is not there is never set. What this version cannot work without has
// its sentence. SDM 3C 23.6-23.8, appendix A.
#include "arch/x86_64/vmx/vmx.h"
#include "arch/x86_64/host/switches.h"
#include "arch/x86_64/host/tsc.h"
#include "arch/x86_64/vmx/msr.h"
#include "arch/x86_64/vmx/timer.h"
#include "vmm/base/format.h"

struct vmx_caps vmx_caps;

// One of the five control words.
struct control_word {
    const char *name;
    uint32_t msr, true_msr; // the same where there are no true variants
    uint32_t needed, wanted;
    uint32_t *out;
};

static const struct control_word words[] = {
    { "pin-based", MSR_VMX_PIN, MSR_VMX_TRUE_PIN,
      PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMI, PIN_PREEMPTION_TIMER, &vmx_caps.pin },
    { "primary", MSR_VMX_PROC, MSR_VMX_TRUE_PROC,
      PROC_TSC_OFFSETTING | PROC_HLT | PROC_MWAIT | PROC_RDPMC | PROC_CR8_LOAD | PROC_TPR_SHADOW | PROC_IO_BITMAPS |
          PROC_MSR_BITMAPS | PROC_MONITOR | PROC_SECONDARY,
      0, &vmx_caps.proc },
    { "secondary", MSR_VMX_PROC2, MSR_VMX_PROC2, PROC2_EPT | PROC2_UNRESTRICTED_GUEST,
      PROC2_RDTSCP | PROC2_VPID | PROC2_X2APIC, &vmx_caps.proc2 },
    { "exit", MSR_VMX_EXIT, MSR_VMX_TRUE_EXIT,
      EXIT_CTL_SAVE_DEBUG | EXIT_CTL_HOST_64 | EXIT_CTL_LOAD_PAT | EXIT_CTL_SAVE_EFER | EXIT_CTL_LOAD_EFER,
      EXIT_CTL_SAVE_PREEMPTION_TIMER, &vmx_caps.exit },
    { "entry", MSR_VMX_ENTRY, MSR_VMX_TRUE_ENTRY, ENTRY_CTL_LOAD_DEBUG | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_EFER, 0,
      &vmx_caps.entry },
};

#define WHAT_ELSE "; under an emulator this image also runs without it: make run"

// SDM 3D A.2: what may be 1 in the upper half.
static uint32_t allowed(uint32_t msr)
{
    return (uint32_t)(x86_rdmsr(msr) >> 32);
}

static bool has_unrestricted_guest(struct refusal *refusal)
{
    bool secondary = (allowed(MSR_VMX_PROC) & PROC_SECONDARY) != 0;
    uint32_t proc2 = secondary ? allowed(MSR_VMX_PROC2) : 0;
    if ((proc2 & PROC2_EPT) == 0)
        return REFUSAL(refusal, "this CPU's VMX has no EPT (secondary control 1): no firmware setting adds it, it came "
                                "with Nehalem%s", WHAT_ELSE);
    if ((proc2 & PROC2_UNRESTRICTED_GUEST) == 0)
        return REFUSAL(refusal, "this CPU's VMX has no unrestricted guest (secondary control 7): no firmware setting "
                                "adds it, it came with Westmere%s", WHAT_ELSE);
    return true;
}

static bool make_control_words(struct refusal *refusal, bool true_controls)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct control_word *word = &words[i];
        uint64_t capability = x86_rdmsr(true_controls ? word->true_msr : word->msr);
        uint32_t required = (uint32_t)capability, may = (uint32_t)(capability >> 32);
        uint32_t missing = word->needed & ~may;
        if (missing != 0)
            return REFUSAL(refusal, "this CPU's VMX lacks %s controls %#x, which are needed%s", word->name, missing,
                           WHAT_ELSE);
        *word->out = required | word->needed | (word->wanted & may);
    }
    return true;
}

// CR3 is the guest's own, whatever it loads, so its exits must be possible to leave out; every CPU with EPT can.
static bool check_the_rest(struct refusal *refusal)
{
    const uint64_t ept_needed = EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK | EPT_CAP_2M | EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL;
    if ((vmx_caps.proc & (PROC_CR3_LOAD | PROC_CR3_STORE)) != 0)
        return REFUSAL(refusal, "this CPU's VMX cannot leave CR3 to the guest%s", WHAT_ELSE);
    if ((x86_rdmsr(MSR_VMX_EPT_VPID) & ept_needed) != ept_needed)
        return REFUSAL(refusal, "this CPU's EPT has %#lx of the capabilities %#lx (4 levels, write-back, 2 MiB pages, "
                                "INVEPT)%s", x86_rdmsr(MSR_VMX_EPT_VPID) & ept_needed, ept_needed, WHAT_ELSE);
    return true;
}

static void keep_capabilities(uint64_t basic, bool true_controls)
{
    uint32_t proc = allowed(true_controls ? MSR_VMX_TRUE_PROC : MSR_VMX_PROC), proc2 = allowed(MSR_VMX_PROC2);
    uint64_t vpid_needed = VPID_CAP_INVVPID | VPID_CAP_INVVPID_ALL;
    vmx_caps.revision = (uint32_t)(basic & VMX_BASIC_REVISION_MASK);
    // Unrestricted guest frees PE and PG of what VMX asks of CR0 (SDM 3C 23.8).
    vmx_caps.cr0_required = x86_rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_PG);
    vmx_caps.cr4_required = x86_rdmsr(MSR_VMX_CR4_FIXED0);
    if (vmx_timer_broken(x86_cpuid(1, 0).eax))
        vmx_caps.pin &= ~PIN_PREEMPTION_TIMER;
    vmx_caps.timer = (vmx_caps.pin & PIN_PREEMPTION_TIMER) != 0;
    vmx_caps.timer_rate = x86_rdmsr(MSR_VMX_MISC) & VMX_MISC_PREEMPTION_RATE;
    if (!vmx_caps.timer) // to save what is not loaded is refused, SDM 3C 26.2.1.2
        vmx_caps.exit &= ~EXIT_CTL_SAVE_PREEMPTION_TIMER;
    if ((x86_rdmsr(MSR_VMX_EPT_VPID) & vpid_needed) != vpid_needed)
        vmx_caps.proc2 &= ~PROC2_VPID;
    vmx_caps.vpid = (vmx_caps.proc2 & PROC2_VPID) != 0;
    vmx_caps.tsc_scaling = (proc2 & PROC2_TSC_SCALING) != 0;
    if (vmx_caps.tsc_scaling)
        tsc_set_scaling((struct counterscale_format){ .bits = 64, .fraction_bits = 48 });
    vmx_caps.trap_flag = (proc & PROC_MONITOR_TRAP) != 0;
}

bool vmx_probe(struct refusal *refusal)
{
    if ((x86_cpuid(1, 0).ecx & 1u << 5) == 0)
        return REFUSAL(refusal, "this CPU does not offer Intel VMX (CPUID 1 ECX bit 5): enable \"Intel Virtualization "
                                "Technology\" (VT-x) in the firmware's setup if it is there, then power off and on%s",
                       WHAT_ELSE);
    uint64_t feature = x86_rdmsr(MSR_FEATURE_CONTROL);
    if (switch_of_feature_control(feature) == SWITCH_LOCKED_OFF)
        return REFUSAL(refusal, "VMX is turned off and locked by the firmware (FEATURE_CONTROL %#lx): enable \"Intel "
                                "Virtualization Technology\" (VT-x) in its setup, then power off and on%s", feature,
                       WHAT_ELSE);
    uint64_t basic = x86_rdmsr(MSR_VMX_BASIC);
    bool true_controls = (basic & VMX_BASIC_TRUE_CONTROLS) != 0;
    if (!has_unrestricted_guest(refusal) || !make_control_words(refusal, true_controls) || !check_the_rest(refusal))
        return false;
    keep_capabilities(basic, true_controls);
    return true;
}

const char *vmx_describe(void)
{
    static char text[160];
    char timer[40] = "no";
    if (vmx_caps.timer)
        format(timer, sizeof(timer), "every %u cycles", 1u << vmx_caps.timer_rate);
    format(text, sizeof(text),
           "Intel VMX, EPT, unrestricted guest, VPID %s, preemption timer %s, TSC scaling %s, monitor trap flag %s",
           vmx_caps.vpid ? "yes" : "no", timer, vmx_caps.tsc_scaling ? "yes" : "no",
           vmx_caps.trap_flag ? "yes" : "no");
    return text;
}
