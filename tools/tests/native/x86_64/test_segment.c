// SPDX-License-Identifier: MIT
// Which descriptors may be loaded, for every type, privilege and use, against the tables of the manual written out
// (SDM 3A 3.4.5.1 and 5.5 to 5.8; 7.2.2 for a TSS), and what becomes of their fields.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/x86_64/insn/segment.h"

enum { OK = 0, NP = 11, SS = 12, GP = 13 };

// Types of code and data by number, one column each: what SDM 3A table 3-1 says of it.
static const struct {
    bool readable, writable, executable, conforming;
} types[16] = {
    { 1, 0, 0, 0 }, { 1, 0, 0, 0 }, { 1, 1, 0, 0 }, { 1, 1, 0, 0 }, { 1, 0, 0, 0 }, { 1, 0, 0, 0 },
    { 1, 1, 0, 0 }, { 1, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 1, 0 }, { 1, 0, 1, 0 }, { 1, 0, 1, 0 },
    { 0, 0, 1, 1 }, { 0, 0, 1, 1 }, { 1, 0, 1, 1 }, { 1, 0, 1, 1 },
};

static uint64_t descriptor_of(unsigned type, bool system, unsigned dpl, bool present, unsigned l, unsigned d)
{
    return (uint64_t)type << 40 | (uint64_t)!system << 44 | (uint64_t)dpl << 45 | (uint64_t)present << 47 |
           (uint64_t)l << 53 | (uint64_t)d << 54;
}

static bool expected(enum segment_use use, unsigned type, bool system, unsigned dpl, unsigned rpl, unsigned cpl)
{
    if (use == SEGMENT_TASK)
        return system && type == 9;
    if (system)
        return false;
    if (use == SEGMENT_STACK)
        return types[type].writable && rpl == cpl && dpl == cpl;
    if (use == SEGMENT_CODE && types[type].conforming)
        return dpl <= cpl;
    if (use == SEGMENT_CODE)
        return types[type].executable && rpl <= cpl && dpl == cpl;
    if (types[type].conforming)
        return types[type].readable;
    return types[type].readable && dpl >= cpl && dpl >= rpl;
}

static void test_every_descriptor(void **state)
{
    unsigned allowed = 0;

    (void)state;
    for (unsigned i = 0; i < 4 * 16 * 2 * 4 * 4 * 4 * 2; i++) {
        enum segment_use use = (enum segment_use)(i & 3);
        unsigned type = i >> 2 & 15, dpl = i >> 7 & 3, rpl = i >> 9 & 3, cpl = i >> 11 & 3;
        bool system = (i >> 6 & 1) != 0, present = (i >> 13 & 1) != 0;
        struct segment_rights rights = { .cpl = cpl, .long_mode = true };
        uint64_t descriptor = descriptor_of(type, system, dpl, present, 0, 1);
        bool may = expected(use, type, system, dpl, rpl, cpl);
        unsigned absent = use == SEGMENT_STACK ? SS : NP;
        assert_int_equal(segment_refused(use, (uint16_t)(0x28 | rpl), descriptor, rights),
                         !may ? GP : present ? OK : absent);
        allowed += may;
    }
    assert_true(allowed > 500);
}

static void test_modes(void **state)
{
    const struct segment_rights long_mode = { 0, true }, legacy = { 0, false };

    (void)state;
    // Both widths at once are no code of long mode.
    assert_int_equal(segment_refused(SEGMENT_CODE, 8, descriptor_of(11, false, 0, true, 1, 1), long_mode), GP);
    assert_int_equal(segment_refused(SEGMENT_CODE, 8, descriptor_of(11, false, 0, true, 1, 0), long_mode), OK);
    assert_int_equal(segment_refused(SEGMENT_CODE, 8, descriptor_of(11, false, 0, true, 1, 1), legacy), OK);
    // The TSS of an 80286, which long mode has not; a busy one; one of the LDT.
    assert_int_equal(segment_refused(SEGMENT_TASK, 8, descriptor_of(1, true, 0, true, 0, 0), long_mode), GP);
    assert_int_equal(segment_refused(SEGMENT_TASK, 8, descriptor_of(1, true, 0, true, 0, 0), legacy), OK);
    assert_int_equal(segment_refused(SEGMENT_TASK, 8, descriptor_of(11, true, 0, true, 0, 0), legacy), GP);
    assert_int_equal(segment_refused(SEGMENT_TASK, 12, descriptor_of(9, true, 0, true, 0, 0), legacy), GP);
}

static void test_fields(void **state)
{
    (void)state;
    // SDM 3A figure 3-8: base 12345678h, limit ABCDEh, in pages.
    struct guest_segment segment = segment_of(0x1b, UINT64_C(0x12CAF3345678BCDE), 0);
    assert_int_equal(segment.selector, 0x1b);
    assert_int_equal(segment.base, 0x12345678);
    assert_int_equal(segment.limit, 0xABCDEFFF);
    assert_int_equal(segment.attributes, 0xCF3);
    segment = segment_of(0x28, UINT64_C(0x120A893456780067), 0xFFFF8000);
    assert_int_equal(segment.base, UINT64_C(0xFFFF800012345678));
    assert_int_equal(segment.limit, 0xA0067);
    assert_int_equal(segment.attributes, 0x089);
}

static void gates_and_tasks(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 32; type++) {
        uint64_t descriptor = (uint64_t)type << 40 | UINT64_C(1) << 47;
        bool legacy = type == 1 || type == 4 || type == 5 || type == 9 || type == 12;
        assert_int_equal(segment_is_gate(descriptor, true), type == 12);
        assert_int_equal(segment_is_gate(descriptor, false), legacy);
    }
}

// Each type of code and data, present and not, null and not, at each place about the limit, against the manual's words
// (SDM 3A 3.4.5.1, 5.3): what may be read and written, and which offsets there are.
static void test_every_access(void **state)
{
    static const uint64_t offsets[] = { 0,      0xffe,  0xfff,   0x1000,     0x1001,
                                        0xfffe, 0xffff, 0x10000, 0xfffffffe, 0xffffffff };
    static const unsigned sizes[] = { 1, 2, 4 };
    (void)state;
    for (unsigned i = 0; i < 16 * 2 * 2 * 2 * 2 * 2 * 10 * 3; i++) {
        unsigned type = i & 15, size = sizes[i / 5120 % 3];
        bool present = (i >> 4 & 1) != 0, null = (i >> 5 & 1) != 0, big = (i >> 6 & 1) != 0, write = (i >> 7 & 1) != 0;
        bool protected_mode = (i >> 8 & 1) != 0;
        uint64_t offset = offsets[(i >> 9) % 10], last = offset + size - 1;
        struct guest_segment segment = { .selector = null ? 3 : 0x28, .limit = 0xfff };
        segment.attributes = (uint16_t)(type | 0x10u | (present ? 0x80u : 0) | (big ? 0x400u : 0));
        bool down = !types[type].executable && (type & 4) != 0;
        uint64_t top = big ? 0xffffffff : 0xffff;
        bool inside = down ? offset > 0xfff && last <= top : last <= 0xfff;
        bool allowed = present && !null && (write ? types[type].writable : types[type].readable);
        assert_int_equal(segment_access_refused(&segment, protected_mode, write, offset, size),
                         !inside || (protected_mode && !allowed));
    }
}

// A segment of 4 GiB has no limit; one of the system's is nobody's.
static void test_flat_and_system(void **state)
{
    struct guest_segment flat = { .selector = 0x10, .attributes = 0xc93, .limit = 0xffffffff };
    struct guest_segment task = { .selector = 0x18, .attributes = 0x8b, .limit = 0xffffffff };
    (void)state;
    assert_false(segment_access_refused(&flat, true, true, 0xfffffffe, 4));
    assert_true(segment_access_refused(&task, true, false, 0, 1));
    assert_false(segment_access_refused(&flat, false, true, 0, 4096));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gates_and_tasks),
        cmocka_unit_test(test_every_descriptor),
        cmocka_unit_test(test_every_access),
        cmocka_unit_test(test_flat_and_system),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
