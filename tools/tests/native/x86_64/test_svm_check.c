// SPDX-License-Identifier: MIT
// The rules of VMRUN: guests that keep them all, then each rule broken alone, and the checker must say so in words that
// are that rule's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/svm/check.h"
#include "tools/tests/native/host.h"

#define PHYSICAL_BITS 40

static const struct vmcb real_mode = { .efer = 0x1000, .cr0 = 0x60000010, .dr6 = 0xffff0ff0, .dr7 = 0x400 };
static const struct vmcb paged = { .efer = 0x1000, .cr0 = 0x80010011, .cr3 = 0xfffff000, .dr7 = 0x400 };
static const struct vmcb long_mode = { .efer = 0x1d01, .cr0 = 0x80010011, .cr3 = 0xfffffff000, .cr4 = 0x20,
                                       .cs.attributes = 0xa9b };
static const struct vmcb compatibility = { .efer = 0x1d01, .cr0 = 0x80010011, .cr4 = 0x20, .cs.attributes = 0xc9b };

static void legal_states(void **state)
{
    (void)state;
    struct vmcb big = paged; // outside of long mode L means nothing
    big.cs.attributes = 0xe9b;
    assert_null(svm_broken_rule(&real_mode, PHYSICAL_BITS));
    assert_null(svm_broken_rule(&paged, PHYSICAL_BITS));
    assert_null(svm_broken_rule(&long_mode, PHYSICAL_BITS));
    assert_null(svm_broken_rule(&compatibility, PHYSICAL_BITS));
    assert_null(svm_broken_rule(&big, PHYSICAL_BITS));
}

static void broken(struct vmcb vmcb, const char *piece)
{
    const char *words = svm_broken_rule(&vmcb, PHYSICAL_BITS);
    assert_non_null(words);
    if (strstr(words, piece) == NULL)
        fail_msg("'%s' names another rule than %s", words, piece);
}

#define BROKEN(base, field, value, piece)                                                                              \
    do {                                                                                                               \
        struct vmcb vmcb = base;                                                                                       \
        vmcb.field = value;                                                                                            \
        broken(vmcb, piece);                                                                                           \
    } while (0)

static void each_rule(void **state)
{
    (void)state;
    BROKEN(long_mode, efer, 0xd01, "SVME");
    BROKEN(long_mode, cr0, 0xa0010011, "NW without CD");
    BROKEN(real_mode, cr0, 0x20000010, "NW without CD");
    for (unsigned bit = 32; bit < 64; bit++) {
        BROKEN(long_mode, cr0, long_mode.cr0 | UINT64_C(1) << bit, "CR0 has bits");
        BROKEN(paged, dr6, UINT64_C(1) << bit, "DR6 or DR7");
        BROKEN(paged, dr7, UINT64_C(1) << bit, "DR6 or DR7");
    }
    for (unsigned bit = PHYSICAL_BITS; bit < 64; bit++)
        BROKEN(long_mode, cr3, UINT64_C(1) << bit, "CR3");
    BROKEN(long_mode, cr4, 0, "PAE");
    BROKEN(long_mode, cr0, 0x80010010, "PE");
    BROKEN(long_mode, cs.attributes, 0xe9b, "D bit");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(legal_states),
        cmocka_unit_test(each_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
