// SPDX-License-Identifier: MIT
// The rules a VMCS must keep for VM entry, first part: controls (SDM 3C 26.2.1) and host state (26.2.2 to 26.2.4).
#include "arch/x86_64/vmx/check.h"
#include "arch/x86_64/vmx/msr.h"

#define PAGE_OFFSET UINT64_C(0xfff)

uint64_t vmx_walk_read(const struct vmx_walk *walk, uint32_t field)
{
    return walk->source->read(walk->source->context, field);
}

uint64_t vmx_walk_msr(const struct vmx_walk *walk, uint32_t msr)
{
    return walk->source->msr(walk->source->context, msr);
}

static void break_rule(struct vmx_walk *walk, uint32_t field, const char *name, uint64_t wrong, const char *words)
{
    if (!walk->rule->words)
        *walk->rule = (struct vmx_broken_rule){
            .name = name, .field = field, .value = vmx_walk_read(walk, field), .bits = wrong, .words = words
        };
}

void vmx_rule(struct vmx_walk *walk, bool kept, uint32_t field, const char *name, const char *words)
{
    if (!kept)
        break_rule(walk, field, name, 0, words);
}

void vmx_rule_bits(struct vmx_walk *walk, uint64_t wrong, uint32_t field, const char *name, const char *words)
{
    if (wrong)
        break_rule(walk, field, name, wrong, words);
}

void vmx_rule_canonical(struct vmx_walk *walk, uint32_t field, const char *name)
{
    int64_t value = (int64_t)vmx_walk_read(walk, field);
    unsigned spare = 64 - walk->source->linear_bits;
    vmx_rule(walk, (int64_t)((uint64_t)value << spare) >> spare == value, field, name, "must be canonical");
}

void vmx_rule_fixed(struct vmx_walk *walk, uint32_t field, const char *name, uint32_t fixed0_msr, uint64_t spared)
{
    uint64_t value = vmx_walk_read(walk, field);
    vmx_rule_bits(walk, ~value & vmx_walk_msr(walk, fixed0_msr) & ~spared, field, name,
                  "bits are 0 that VMX fixes to 1");
    vmx_rule_bits(walk, value & ~vmx_walk_msr(walk, fixed0_msr + 1), field, name, "bits are 1 that VMX fixes to 0");
}

static uint64_t too_high(const struct vmx_walk *walk, uint64_t address)
{
    return address >> walk->source->physical_bits << walk->source->physical_bits;
}

void vmx_rule_cr3(struct vmx_walk *walk, uint32_t field, const char *name)
{
    vmx_rule_bits(walk, too_high(walk, vmx_walk_read(walk, field)), field, name,
                  "must be within the physical addresses");
}

void vmx_rule_pat(struct vmx_walk *walk, uint32_t field, const char *name)
{
    uint64_t value = vmx_walk_read(walk, field), wrong = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        unsigned type = (unsigned)(value >> shift) & 0xff;
        if (type > 7 || type == 2 || type == 3)
            wrong |= UINT64_C(0xff) << shift;
    }
    vmx_rule_bits(walk, wrong, field, name, "each byte must be a memory type: 0, 1, 4, 5, 6 or 7");
}

// ---- Controls -------------------------------------------------------------------------------------------------------
static void rule_capability(struct vmx_walk *walk, uint32_t value, uint32_t msr, uint32_t field, const char *name)
{
    uint64_t allowed = vmx_walk_msr(walk, msr);
    vmx_rule_bits(walk, (uint32_t)allowed & ~value, field, name, "controls are off that this processor wants on");
    vmx_rule_bits(walk, value & ~(uint32_t)(allowed >> 32), field, name, "controls are on that this processor lacks");
}

static uint64_t bad_address(const struct vmx_walk *walk, uint32_t field, uint64_t offset_mask)
{
    uint64_t address = vmx_walk_read(walk, field);
    return (address & offset_mask) | too_high(walk, address);
}

static void rule_page(struct vmx_walk *walk, bool used, uint32_t field, const char *name)
{
    if (used)
        vmx_rule_bits(walk, bad_address(walk, field, PAGE_OFFSET), field, name,
                      "must be a page, within the physical addresses");
}

static void check_pin_and_interrupts(struct vmx_walk *w)
{
    bool virtual_interrupts = w->proc2 & PROC2_VIRTUAL_INTERRUPTS;
    vmx_rule(w, w->pin & PIN_NMI || !(w->pin & PIN_VIRTUAL_NMI), FIELD(PIN_CONTROLS), "virtual NMIs need NMI exiting");
    vmx_rule(w, w->pin & PIN_VIRTUAL_NMI || !(w->proc & PROC_NMI_WINDOW), FIELD(PROC_CONTROLS),
             "an NMI window needs virtual NMIs");
    vmx_rule(w, w->pin & PIN_EXTERNAL_INTERRUPT || !virtual_interrupts, FIELD(PROC2_CONTROLS),
             "virtual-interrupt delivery needs external-interrupt exiting");
    if (w->pin & PIN_POSTED_INTERRUPTS) {
        vmx_rule(w, virtual_interrupts, FIELD(PIN_CONTROLS), "posted interrupts need virtual-interrupt delivery");
        vmx_rule(w, w->exit & EXIT_CTL_ACK_INTERRUPT, FIELD(EXIT_CONTROLS),
                 "posted interrupts need acknowledge interrupt on exit");
        vmx_rule(w, vmx_walk_read(w, VMCS_POSTED_VECTOR) <= 255, FIELD(POSTED_VECTOR), "must be a vector, 0 to 255");
        vmx_rule_bits(w, bad_address(w, VMCS_POSTED_DESCRIPTOR, 63), FIELD(POSTED_DESCRIPTOR),
                      "must be a multiple of 64, within the physical addresses");
    }
}

static void check_virtual_apic(struct vmx_walk *w)
{
    uint32_t needs_shadow = PROC2_X2APIC | PROC2_APIC_REGISTERS | PROC2_VIRTUAL_INTERRUPTS;
    bool shadow = w->proc & PROC_TPR_SHADOW;
    rule_page(w, shadow, FIELD(VIRTUAL_APIC));
    if (shadow && !(w->proc2 & PROC2_VIRTUAL_INTERRUPTS))
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_TPR_THRESHOLD) & ~UINT64_C(15), FIELD(TPR_THRESHOLD), "must be 0 to 15");
    if (!shadow)
        vmx_rule_bits(w, w->proc2 & needs_shadow, FIELD(PROC2_CONTROLS), "controls are on that need the TPR shadow");
    rule_page(w, w->proc2 & PROC2_APIC_ACCESSES, FIELD(APIC_ACCESS));
    vmx_rule(w, !(w->proc2 & PROC2_X2APIC) || !(w->proc2 & PROC2_APIC_ACCESSES), FIELD(PROC2_CONTROLS),
             "x2APIC mode and APIC accesses cannot both be virtualized");
}

static void check_ept_pointer(struct vmx_walk *w)
{
    uint64_t eptp = vmx_walk_read(w, VMCS_EPT_POINTER), can = vmx_walk_msr(w, MSR_VMX_EPT_VPID);
    uint64_t type = eptp & 7, walk_length = (eptp >> 3 & 7) + 1;
    vmx_rule(w, (type == 6 && can & EPT_CAP_WRITE_BACK) || (type == 0 && can & EPT_CAP_UNCACHEABLE), FIELD(EPT_POINTER),
             "bits 2:0 must be a memory type that this processor allows for its walk");
    vmx_rule(w, (walk_length == 4 && can & EPT_CAP_WALK_4) || (walk_length == 5 && can & EPT_CAP_WALK_5),
             FIELD(EPT_POINTER), "bits 5:3 must be a length of walk that this processor has, less 1");
    vmx_rule(w, can & EPT_CAP_ACCESSED_DIRTY || !(eptp & EPTP_ACCESSED_DIRTY), FIELD(EPT_POINTER),
             "accessed and dirty flags are on, but this processor has none");
    vmx_rule_bits(w, (eptp & UINT64_C(0xf80)) | too_high(w, eptp), FIELD(EPT_POINTER), "reserved bits must be 0");
}

static void check_memory(struct vmx_walk *w)
{
    bool ept = w->proc2 & PROC2_EPT;
    if (ept)
        check_ept_pointer(w);
    vmx_rule(w, ept || !(w->proc2 & PROC2_UNRESTRICTED_GUEST), FIELD(PROC2_CONTROLS),
             "an unrestricted guest needs EPT");
    vmx_rule(w, ept || !(w->proc2 & PROC2_PML), FIELD(PROC2_CONTROLS), "the page-modification log needs EPT");
    rule_page(w, w->proc2 & PROC2_PML, FIELD(PML_ADDRESS));
    if (w->proc2 & PROC2_VPID)
        vmx_rule(w, vmx_walk_read(w, VMCS_VPID) & 0xffff, FIELD(VPID), "must not be 0");
    rule_page(w, w->proc2 & PROC2_VE, FIELD(VE_INFORMATION));
    rule_page(w, w->proc2 & PROC2_VMCS_SHADOWING, FIELD(VMREAD_BITMAP));
    rule_page(w, w->proc2 & PROC2_VMCS_SHADOWING, FIELD(VMWRITE_BITMAP));
    if (w->proc2 & PROC2_VM_FUNCTIONS)
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_VM_FUNCTIONS) & ~vmx_walk_msr(w, MSR_VMX_VMFUNC), FIELD(VM_FUNCTIONS),
                      "functions are on that this processor lacks");
}

static void check_execution(struct vmx_walk *w)
{
    bool secondary = w->proc & PROC_SECONDARY, exact = vmx_walk_msr(w, MSR_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
    uint64_t targets = vmx_walk_msr(w, MSR_VMX_MISC) >> VMX_MISC_CR3_SHIFT & 0x1ff;
    rule_capability(w, w->pin, exact ? MSR_VMX_TRUE_PIN : MSR_VMX_PIN, FIELD(PIN_CONTROLS));
    rule_capability(w, w->proc, exact ? MSR_VMX_TRUE_PROC : MSR_VMX_PROC, FIELD(PROC_CONTROLS));
    if (secondary)
        rule_capability(w, w->proc2, MSR_VMX_PROC2, FIELD(PROC2_CONTROLS));
    vmx_rule(w, vmx_walk_read(w, VMCS_CR3_TARGET_COUNT) <= targets, FIELD(CR3_TARGET_COUNT),
             "must not exceed the number that this processor has");
    rule_page(w, w->proc & PROC_IO_BITMAPS, FIELD(IO_BITMAP_A));
    rule_page(w, w->proc & PROC_IO_BITMAPS, FIELD(IO_BITMAP_B));
    rule_page(w, w->proc & PROC_MSR_BITMAPS, FIELD(MSR_BITMAP));
    check_virtual_apic(w);
    check_pin_and_interrupts(w);
    check_memory(w);
    if (w->proc2 & PROC2_TSC_SCALING)
        vmx_rule(w, vmx_walk_read(w, VMCS_TSC_MULTIPLIER), FIELD(TSC_MULTIPLIER), "must not be 0");
}

static void rule_msr_list(struct vmx_walk *walk, uint32_t count_field, uint32_t field, const char *name)
{
    uint64_t count = vmx_walk_read(walk, count_field), address = vmx_walk_read(walk, field);
    if (!count)
        return;
    vmx_rule_bits(walk, bad_address(walk, field, 15), field, name,
                  "must be a multiple of 16, within the physical addresses");
    vmx_rule(walk, !too_high(walk, address + count * 16 - 1), field, name,
             "the list must end within the physical addresses");
}

static void check_exit_controls(struct vmx_walk *w)
{
    bool exact = vmx_walk_msr(w, MSR_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
    rule_capability(w, w->exit, exact ? MSR_VMX_TRUE_EXIT : MSR_VMX_EXIT, FIELD(EXIT_CONTROLS));
    vmx_rule(w, w->pin & PIN_PREEMPTION_TIMER || !(w->exit & EXIT_CTL_SAVE_PREEMPTION_TIMER), FIELD(EXIT_CONTROLS),
             "to save the preemption timer it must be on");
    rule_msr_list(w, VMCS_EXIT_MSR_STORE_COUNT, FIELD(EXIT_MSR_STORE));
    rule_msr_list(w, VMCS_EXIT_MSR_LOAD_COUNT, FIELD(EXIT_MSR_LOAD));
}

// Does the vector push an error code in protected mode? SDM 3A, table 6-1.
static bool pushes_error(uint32_t vector)
{
    return vector < 32 && (UINT32_C(1) << vector) & UINT32_C(0x00027d00); // 8, 10 to 14, 17
}

static void check_event_error(struct vmx_walk *w)
{
    uint32_t vector = w->event & VMX_EVENT_VECTOR_MASK, type = w->event & VMX_EVENT_TYPE_MASK;
    bool error = w->event & VMX_EVENT_HAS_ERROR, any = vmx_walk_msr(w, MSR_VMX_BASIC) & VMX_BASIC_ANY_ERROR_CODE;
    if (type != VMX_EVENT_EXCEPTION || (w->unrestricted && w->real_mode))
        vmx_rule(w, !error, FIELD(ENTRY_EVENT), "only an exception in protected mode has an error code");
    else if (!any)
        vmx_rule(w, error == pushes_error(vector), FIELD(ENTRY_EVENT),
                 "an error code must come with the exceptions that have one, and no others");
    if (error)
        vmx_rule_bits(w, vmx_walk_read(w, VMCS_ENTRY_EVENT_ERROR) & UINT64_C(0xffff0000), FIELD(ENTRY_EVENT_ERROR),
                      "bits 31:16 must be 0");
}

static void check_event(struct vmx_walk *w)
{
    uint32_t vector = w->event & VMX_EVENT_VECTOR_MASK, type = w->event & VMX_EVENT_TYPE_MASK;
    uint64_t length = vmx_walk_read(w, VMCS_ENTRY_EVENT_LENGTH), misc = vmx_walk_msr(w, MSR_VMX_MISC);
    bool trap_flag = vmx_walk_msr(w, MSR_VMX_PROC) >> 32 & PROC_MONITOR_TRAP;
    vmx_rule(w, type != UINT32_C(1) << VMX_EVENT_TYPE_SHIFT, FIELD(ENTRY_EVENT), "type 1 is reserved");
    vmx_rule(w, type != VMX_EVENT_OTHER || trap_flag, FIELD(ENTRY_EVENT), "type 7 needs the monitor trap flag");
    vmx_rule(w, type != VMX_EVENT_OTHER || vector == 0, FIELD(ENTRY_EVENT), "type 7 must have vector 0");
    vmx_rule(w, type != VMX_EVENT_NMI || vector == 2, FIELD(ENTRY_EVENT), "an NMI must have vector 2");
    vmx_rule(w, type != VMX_EVENT_EXCEPTION || vector < 32, FIELD(ENTRY_EVENT), "an exception has a vector below 32");
    check_event_error(w);
    vmx_rule_bits(w, w->event & UINT32_C(0x7ffff000), FIELD(ENTRY_EVENT), "bits 30:12 must be 0");
    if (type == VMX_EVENT_SOFTWARE_INTERRUPT || type == VMX_EVENT_PRIVILEGED_EXCEPTION ||
        type == VMX_EVENT_SOFTWARE_EXCEPTION)
        vmx_rule(w, length <= 15 && (length || misc & VMX_MISC_ZERO_LENGTH), FIELD(ENTRY_EVENT_LENGTH),
                 "must be the length of an instruction, 1 to 15; 0 where this processor allows it");
}

static void check_entry_controls(struct vmx_walk *w)
{
    bool exact = vmx_walk_msr(w, MSR_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
    rule_capability(w, w->entry, exact ? MSR_VMX_TRUE_ENTRY : MSR_VMX_ENTRY, FIELD(ENTRY_CONTROLS));
    if (w->event & VMX_EVENT_VALID)
        check_event(w);
    rule_msr_list(w, VMCS_ENTRY_MSR_LOAD_COUNT, FIELD(ENTRY_MSR_LOAD));
    vmx_rule_bits(w, w->entry & (ENTRY_CTL_SMM | ENTRY_CTL_NO_DUAL_MONITOR), FIELD(ENTRY_CONTROLS),
                  "controls are on that are for SMM only");
}

// ---- Host state -----------------------------------------------------------------------------------------------------
static void check_host_registers(struct vmx_walk *w)
{
    uint64_t cr0 = vmx_walk_read(w, VMCS_HOST_CR0), cr4 = vmx_walk_read(w, VMCS_HOST_CR4);
    vmx_rule_fixed(w, FIELD(HOST_CR0), MSR_VMX_CR0_FIXED0, 0);
    vmx_rule_fixed(w, FIELD(HOST_CR4), MSR_VMX_CR4_FIXED0, 0);
    vmx_rule(w, cr0 & CR0_WP || !(cr4 & CR4_CET), FIELD(HOST_CR4), "CET needs CR0.WP");
    vmx_rule_cr3(w, FIELD(HOST_CR3));
    vmx_rule_canonical(w, FIELD(HOST_SYSENTER_ESP));
    vmx_rule_canonical(w, FIELD(HOST_SYSENTER_EIP));
    if (w->exit & EXIT_CTL_LOAD_PAT)
        vmx_rule_pat(w, FIELD(HOST_PAT));
    if (w->exit & EXIT_CTL_LOAD_EFER) {
        uint64_t efer = vmx_walk_read(w, VMCS_HOST_EFER);
        vmx_rule_bits(w, efer & ~EFER_KNOWN, FIELD(HOST_EFER), "reserved bits must be 0");
        vmx_rule(w, efer & EFER_LMA && efer & EFER_LME, FIELD(HOST_EFER), "LMA and LME must be 1 for a 64-bit host");
    }
}

static void check_host_segments(struct vmx_walk *w)
{
    static const struct {
        uint32_t field;
        const char *name;
    } selectors[] = {
        { FIELD(HOST_ES_SELECTOR) }, { FIELD(HOST_CS_SELECTOR) }, { FIELD(HOST_SS_SELECTOR) },
        { FIELD(HOST_DS_SELECTOR) }, { FIELD(HOST_FS_SELECTOR) }, { FIELD(HOST_GS_SELECTOR) },
        { FIELD(HOST_TR_SELECTOR) },
    };
    for (unsigned i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++)
        vmx_rule_bits(w, vmx_walk_read(w, selectors[i].field) & 7, selectors[i].field, selectors[i].name,
                      "TI and RPL must be 0");
    vmx_rule(w, vmx_walk_read(w, VMCS_HOST_CS_SELECTOR), FIELD(HOST_CS_SELECTOR), "must not be 0");
    vmx_rule(w, vmx_walk_read(w, VMCS_HOST_TR_SELECTOR), FIELD(HOST_TR_SELECTOR), "must not be 0");
    vmx_rule_canonical(w, FIELD(HOST_FS_BASE));
    vmx_rule_canonical(w, FIELD(HOST_GS_BASE));
    vmx_rule_canonical(w, FIELD(HOST_TR_BASE));
    vmx_rule_canonical(w, FIELD(HOST_GDTR_BASE));
    vmx_rule_canonical(w, FIELD(HOST_IDTR_BASE));
}

static void check_host_width(struct vmx_walk *w)
{
    vmx_rule(w, w->exit & EXIT_CTL_HOST_64, FIELD(EXIT_CONTROLS), "a 64-bit host must come back as one");
    vmx_rule(w, vmx_walk_read(w, VMCS_HOST_CR4) & CR4_PAE, FIELD(HOST_CR4), "a 64-bit host needs PAE");
    vmx_rule_canonical(w, FIELD(HOST_RIP));
}

bool vmx_check_entry(const struct vmx_source *source, struct vmx_broken_rule *rule)
{
    *rule = (struct vmx_broken_rule){ 0 };
    struct vmx_walk w = { .source = source, .rule = rule };
    w.pin = (uint32_t)vmx_walk_read(&w, VMCS_PIN_CONTROLS);
    w.proc = (uint32_t)vmx_walk_read(&w, VMCS_PROC_CONTROLS);
    w.proc2 = w.proc & PROC_SECONDARY ? (uint32_t)vmx_walk_read(&w, VMCS_PROC2_CONTROLS) : 0;
    w.exit = (uint32_t)vmx_walk_read(&w, VMCS_EXIT_CONTROLS);
    w.entry = (uint32_t)vmx_walk_read(&w, VMCS_ENTRY_CONTROLS);
    w.event = (uint32_t)vmx_walk_read(&w, VMCS_ENTRY_EVENT);
    w.cr0 = vmx_walk_read(&w, VMCS_GUEST_CR0);
    w.cr4 = vmx_walk_read(&w, VMCS_GUEST_CR4);
    w.rflags = vmx_walk_read(&w, VMCS_GUEST_RFLAGS);
    w.unrestricted = w.proc2 & PROC2_UNRESTRICTED_GUEST;
    w.long_mode = w.entry & ENTRY_CTL_IA32E_GUEST;
    w.real_mode = !(w.cr0 & CR0_PE);
    w.virtual_8086 = w.rflags & (UINT64_C(1) << 17);
    check_execution(&w);
    check_exit_controls(&w);
    check_entry_controls(&w);
    check_host_registers(&w);
    check_host_segments(&w);
    check_host_width(&w);
    vmx_check_guest(&w);
    return rule->words != 0;
}
