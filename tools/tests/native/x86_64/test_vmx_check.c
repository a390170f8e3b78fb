// SPDX-License-Identifier: MIT
// The rules of VM entry: four guests that keep them all, then each rule broken alone, and the checker must name that
// very rule. The sources are read too: a rule that no line here breaks is an error of this test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/vmx/check.h"
#include "arch/x86_64/vmx/msr.h"
#include "tools/tests/native/host.h"

#define MSRS      0x20u
#define TOO_HIGH  (UINT64_C(1) << 39)
#define NOT_CANON UINT64_C(0x0000800000000000)
#define CANON     UINT64_C(0xffff800000000000)
#define ALL       UINT64_C(0xffffffff00000000) // a control MSR that wants nothing and allows everything

static uint64_t vmcs[0x7000], msrs[MSRS];

static uint64_t read_field(void *context, uint32_t field)
{
    (void)context;
    assert_true(field < 0x7000);
    return vmcs[field];
}

static uint64_t read_msr(void *context, uint32_t msr)
{
    (void)context;
    assert_true(msr >= MSR_VMX_BASIC && msr - MSR_VMX_BASIC < MSRS);
    return msrs[msr - MSR_VMX_BASIC];
}

static const struct vmx_source source = { .read = read_field, .msr = read_msr, .physical_bits = 39, .linear_bits = 48 };

static void set_msr(uint32_t msr, uint64_t value)
{
    msrs[msr - MSR_VMX_BASIC] = value;
}

static void processor(void)
{
    set_msr(MSR_VMX_BASIC, VMX_BASIC_TRUE_CONTROLS);
    for (uint32_t msr = MSR_VMX_PIN; msr <= MSR_VMX_ENTRY; msr++)
        set_msr(msr, ALL | 0xffff); // the old ones want much: only the true ones count here
    set_msr(MSR_VMX_TRUE_PIN, ALL | 0x16);
    set_msr(MSR_VMX_TRUE_PROC, ALL & ~(UINT64_C(1) << 32));
    set_msr(MSR_VMX_TRUE_EXIT, ALL & ~(UINT64_C(1) << 32));
    set_msr(MSR_VMX_TRUE_ENTRY, ALL & ~(UINT64_C(1) << 32));
    set_msr(MSR_VMX_PROC2, ALL & ~(UINT64_C(1) << 63));
    set_msr(MSR_VMX_MISC, VMX_MISC_HLT | VMX_MISC_SHUTDOWN | VMX_MISC_SIPI | UINT64_C(4) << VMX_MISC_CR3_SHIFT);
    set_msr(MSR_VMX_CR0_FIXED0, 0x80000021);
    set_msr(MSR_VMX_CR0_FIXED1, 0xffffffff);
    set_msr(MSR_VMX_CR4_FIXED0, 0x2000);
    set_msr(MSR_VMX_CR4_FIXED1, 0x00ffffff);
    set_msr(MSR_VMX_EPT_VPID, EPT_CAP_WALK_4 | EPT_CAP_WRITE_BACK);
    set_msr(MSR_VMX_VMFUNC, 1);
}

static void segment(unsigned n, uint64_t selector, uint64_t base, uint64_t limit, uint64_t rights)
{
    vmcs[VMCS_GUEST_ES_SELECTOR + 2 * n] = selector;
    vmcs[VMCS_GUEST_ES_BASE + 2 * n] = base;
    vmcs[VMCS_GUEST_ES_LIMIT + 2 * n] = limit;
    vmcs[VMCS_GUEST_ES_RIGHTS + 2 * n] = rights;
}

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

// A 64-bit guest of a 64-bit host, with most that can be on.
static void long_mode(void)
{
    memset(vmcs, 0, sizeof(vmcs));
    vmcs[VMCS_PIN_CONTROLS] = 0x16 | PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMI | PIN_PREEMPTION_TIMER;
    vmcs[VMCS_PROC_CONTROLS] =
        PROC_HLT | PROC_IO_BITMAPS | PROC_MSR_BITMAPS | PROC_SECONDARY | PROC_NMI_WINDOW | PROC_TPR_SHADOW;
    vmcs[VMCS_PROC2_CONTROLS] = PROC2_EPT | PROC2_UNRESTRICTED_GUEST | PROC2_VPID | PROC2_TSC_SCALING;
    vmcs[VMCS_EXIT_CONTROLS] = EXIT_CTL_HOST_64 | EXIT_CTL_SAVE_PREEMPTION_TIMER | EXIT_CTL_LOAD_EFER |
                               EXIT_CTL_LOAD_PAT | EXIT_CTL_ACK_INTERRUPT;
    vmcs[VMCS_ENTRY_CONTROLS] = ENTRY_CTL_IA32E_GUEST | ENTRY_CTL_LOAD_EFER | ENTRY_CTL_LOAD_PAT | ENTRY_CTL_LOAD_DEBUG;
    vmcs[VMCS_VPID] = 1;
    vmcs[VMCS_EPT_POINTER] = 0x1000 | EPTP_WRITE_BACK | EPTP_WALK_4;
    vmcs[VMCS_TSC_MULTIPLIER] = UINT64_C(1) << 48;
    vmcs[VMCS_TPR_THRESHOLD] = 15;
    vmcs[VMCS_EXIT_MSR_STORE_COUNT] = 1;
    vmcs[VMCS_EXIT_MSR_STORE] = TOO_HIGH - 16;

    vmcs[VMCS_HOST_CR0] = vmcs[VMCS_GUEST_CR0] = 0x80010033;
    vmcs[VMCS_HOST_CR4] = vmcs[VMCS_GUEST_CR4] = 0x2020;
    vmcs[VMCS_HOST_EFER] = vmcs[VMCS_GUEST_EFER] = EFER_LMA | EFER_LME;
    vmcs[VMCS_HOST_PAT] = vmcs[VMCS_GUEST_PAT] = UINT64_C(0x0007040600070406);
    vmcs[VMCS_HOST_CS_SELECTOR] = 8;
    vmcs[VMCS_HOST_TR_SELECTOR] = 0x18;
    vmcs[VMCS_HOST_RIP] = vmcs[VMCS_HOST_GS_BASE] = CANON;

    segment(CS, 0x0b, 0, 0xffffffff, 0xa0fb);
    segment(SS, 0x13, 0, 0xffffffff, 0xc0f3);
    segment(ES, 0x13, 0, 0xffffffff, 0xc0f3);
    segment(DS, 0x13, 0, 0xffffffff, 0xc0f3);
    segment(FS, 0, CANON, 0, RIGHTS_UNUSABLE);
    segment(GS, 0, CANON, 0, RIGHTS_UNUSABLE);
    segment(LDTR, 0x30, CANON, 0xfff, 0x82);
    segment(TR, 0x28, CANON, 0x67, 0x8b);
    vmcs[VMCS_GUEST_GDTR_LIMIT] = vmcs[VMCS_GUEST_IDTR_LIMIT] = 0xffff;
    vmcs[VMCS_GUEST_RIP] = CANON;
    vmcs[VMCS_GUEST_RFLAGS] = 0x202;
    vmcs[VMCS_LINK_POINTER] = UINT64_MAX;
}

// Real mode, as a processor comes out of reset, in an unrestricted guest.
static void real_mode(void)
{
    long_mode();
    vmcs[VMCS_ENTRY_CONTROLS] &= ~(uint64_t)ENTRY_CTL_IA32E_GUEST;
    vmcs[VMCS_GUEST_CR0] = 0x30;
    vmcs[VMCS_GUEST_CR4] = 0x2000;
    vmcs[VMCS_GUEST_EFER] = 0;
    vmcs[VMCS_GUEST_RFLAGS] = 2;
    vmcs[VMCS_GUEST_RIP] = 0xfff0;
    segment(CS, 0xf000, 0xffff0000, 0xffff, 0x93);
    for (unsigned n = ES; n <= GS; n++)
        if (n != CS)
            segment(n, 0, 0, 0xffff, 0x93);
    segment(LDTR, 0, 0, 0xffff, 0x82);
    segment(TR, 0, 0, 0xffff, 0x83);
}

// Protected mode with PAE, under a processor that cannot run an unrestricted guest.
static void restricted(void)
{
    long_mode();
    vmcs[VMCS_PROC2_CONTROLS] &= ~(uint64_t)PROC2_UNRESTRICTED_GUEST;
    vmcs[VMCS_ENTRY_CONTROLS] &= ~(uint64_t)ENTRY_CTL_IA32E_GUEST;
    vmcs[VMCS_GUEST_EFER] = 0;
    vmcs[VMCS_GUEST_RIP] = 0x100000;
    segment(CS, 0x0b, 0, 0xffffffff, 0xc0fb);
    vmcs[VMCS_GUEST_PDPTE0] = 0x2001;
    vmcs[VMCS_GUEST_PDPTE3] = UINT64_MAX & ~UINT64_C(1); // not present: nothing in it counts
}

static void virtual_8086(void)
{
    restricted();
    vmcs[VMCS_GUEST_RFLAGS] = 0x20202;
    for (unsigned n = ES; n <= GS; n++)
        segment(n, 0x1230 + n, (0x1230 + n) * 16, 0xffff, 0xf3);
}

static void (*const guests[])(void) = { long_mode, real_mode, restricted, virtual_8086 };

static void good_ones_pass(void **state)
{
    (void)state;
    processor();
    struct vmx_broken_rule rule;
    for (unsigned i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
        guests[i]();
        if (vmx_check_entry(&source, &rule))
            fail_msg("guest %u: %s = %lx: %s", i, rule.name, rule.value, rule.words);
        assert_null(rule.words);
    }
}

// One way to break a rule: a guest, up to three changes (fields, or MSRs from 480h on), and what must be named.
struct change {
    uint32_t at;
    uint64_t value;
};
struct mutation {
    void (*guest)(void);
    struct change changes[3];
    uint32_t field;
    const char *name, *words;
};
#define EVENT(type, vector) (VMX_EVENT_VALID | VMX_EVENT_##type | (vector))
#define IS_MSR              0x10000u
#define MSR(n)              (IS_MSR | (n))
#define VPID                0x20000u // VMCS_VPID is 0, which ends the changes
#include "tools/tests/native/x86_64/vmx_mutations.h"

static void make(const struct mutation *m)
{
    processor();
    m->guest();
    for (unsigned i = 0; i < 3 && m->changes[i].at; i++) {
        if (m->changes[i].at & IS_MSR)
            set_msr(m->changes[i].at & 0xffff, m->changes[i].value);
        else
            vmcs[m->changes[i].at & 0xffff] = m->changes[i].value;
    }
}

static void each_broken_rule_is_named(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MUTATIONS; i++) {
        const struct mutation *m = &mutations[i];
        struct vmx_broken_rule rule;
        make(m);
        if (!vmx_check_entry(&source, &rule))
            fail_msg("mutation %u passes: %s: %s", i, m->name, m->words);
        if (rule.field != m->field || strcmp(rule.name, m->name) != 0 || strcmp(rule.words, m->words) != 0)
            fail_msg("mutation %u: %s (%x) = %lx: %s; expected %s: %s", i, rule.name, rule.field, rule.value,
                     rule.words, m->name, m->words);
        assert_int_equal(rule.value, vmcs[rule.field]);
    }
    print_message("# %u broken VMCSs, each named rightly\n", (unsigned)MUTATIONS);
}

// The bits that are said to be wrong, made right, leave nothing of that rule to complain about.
static void wrong_bits_are_the_wrong_ones(void **state)
{
    (void)state;
    unsigned with_bits = 0;
    for (unsigned i = 0; i < MUTATIONS; i++) {
        struct vmx_broken_rule before, after;
        make(&mutations[i]);
        assert_true(vmx_check_entry(&source, &before));
        if (!before.bits || strcmp(before.words, MEMORY) == 0) // there, all eight bits of a bad byte are named
            continue;
        with_bits++;
        vmcs[before.field] ^= before.bits;
        if (vmx_check_entry(&source, &after))
            assert_false(after.field == before.field && strcmp(after.words, before.words) == 0);
    }
    assert_in_range(with_bits, 30, MUTATIONS);
}

static bool is_broken_here(const char *words, size_t length)
{
    for (unsigned i = 0; i < MUTATIONS; i++)
        if (strlen(mutations[i].words) == length && strncmp(mutations[i].words, words, length) == 0)
            return true;
    return false;
}

// A string with a blank in it is a rule's words: each must be what some mutation expects.
static void no_rule_is_left_out(void **state)
{
    (void)state;
    static const char *const files[] = { "arch/x86_64/vmx/check.c", "arch/x86_64/vmx/check_guest.c",
                                         "arch/x86_64/vmx/check_segments.c" };
    static char line[512];
    unsigned rules = 0;
    for (unsigned i = 0; i < 3; i++) {
        FILE *file = fopen(files[i], "r");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file)) {
            if (line[0] == '#' || strncmp(line, "//", 2) == 0)
                continue;
            for (char *from = strchr(line, '"'); from; from = strchr(from, '"')) {
                size_t length = strcspn(++from, "\"");
                if (memchr(from, ' ', length)) {
                    rules++;
                    if (!is_broken_here(from, length))
                        fail_msg("%s: no mutation breaks: %.*s", files[i], (int)length, from);
                }
                from += length + 1;
            }
        }
        fclose(file);
    }
    assert_in_range(rules, 80, MUTATIONS);
    print_message("# %u rules in the sources\n", rules);
}

// Nothing that a VMCS can hold makes the checker do more than answer.
static void noise_is_answered(void **state)
{
    (void)state;
    uint64_t seed = 26;
    for (unsigned round = 0; round < 20000; round++) {
        processor();
        guests[round % 4]();
        for (unsigned i = 0; i < 3; i++)
            vmcs[mutations[host_random_range(&seed, 0, MUTATIONS - 1)].field] = host_random_edgy(&seed);
        struct vmx_broken_rule rule;
        bool broken = vmx_check_entry(&source, &rule);
        assert_int_equal(broken, rule.words != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_pass),
        cmocka_unit_test(each_broken_rule_is_named),
        cmocka_unit_test(wrong_bits_are_the_wrong_ones),
        cmocka_unit_test(no_rule_is_left_out),
        cmocka_unit_test(noise_is_answered),
    };
    return cmocka_run_group_tests_name("vmx_check", tests, NULL, NULL);
}
