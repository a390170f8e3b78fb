// SPDX-License-Identifier: MIT
// The MTRRs: what firmware leaves, which MSRs there are, and every bit that SDM 3A 11.11.2 reserves.
#include "devices/mtrr.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HOLE UINT64_C(0x80000000)

static struct mtrr mtrr;

static int reset(void **state)
{
    (void)state;
    mtrr_reset(&mtrr, HOLE, 40);
    return 0;
}

static uint64_t value_of(uint32_t msr)
{
    uint64_t value = 0;
    assert_true(mtrr_read(&mtrr, msr, &value));
    return value;
}

static void test_which(void **state)
{
    (void)state;
    unsigned readable = 0, writable = 0;
    for (uint32_t msr = 0; msr < 0x1000; msr++) {
        uint64_t value;
        readable += mtrr_read(&mtrr, msr, &value);
        writable += mtrr_write(&mtrr, msr, 0, 40);
    }
    assert_int_equal(readable, 16 + 11 + 2);
    assert_int_equal(writable, 16 + 11 + 1);
}

// SDM 3A 11.11.4.1: the range of a base and mask is where address & mask == base & mask.
static void test_firmware(void **state)
{
    (void)state;
    assert_true(value_of(MSR_MTRR_CAP) == 0x508);
    assert_true(value_of(MSR_MTRR_DEF) == 0xc06);
    assert_true(value_of(0x250) == 0x0606060606060606 && value_of(0x258) == 0x0606060606060606);
    assert_true(value_of(0x259) == 0 && value_of(0x268) == 0x0505050505050505 && value_of(0x26f) == 0x0505050505050505);
    uint64_t base = value_of(0x200), mask = value_of(0x201);
    assert_true((base & 0xff) == 0 && (mask >> 11 & 1) == 1);
    mask &= ~UINT64_C(0xfff);
    static const struct {
        uint64_t address;
        bool     inside;
    } points[] = { { 0, false },          { HOLE - 1, false },     { HOLE, true },           { HOLE + 4096, true },
                   { 0xffffffff, true },  { 0x100000000, false },  { 0x180000000, false },   { 0xff80000000, false } };
    for (unsigned i = 0; i < sizeof points / sizeof points[0]; i++)
        assert_true(((points[i].address & mask) == (base & mask & ~UINT64_C(0xfff))) == points[i].inside);
}

// Each bit alone on top of a legal value: is it taken, and only then does the register change?
static void check_bits(uint32_t msr, uint64_t legal, uint64_t allowed)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t one = UINT64_C(1) << bit;
        assert_true(mtrr_write(&mtrr, msr, legal, 40));
        bool taken = mtrr_write(&mtrr, msr, legal ^ one, 40);
        if (taken != ((allowed & one) != 0))
            fail_msg("MSR %x bit %u", msr, bit);
        assert_true(value_of(msr) == (taken ? legal ^ one : legal));
    }
}

static void test_reserved_bits(void **state)
{
    (void)state;
    // From type 4: 5 and 6 differ by one bit, 0 too; 12, 20 and so on are none.
    check_bits(MSR_MTRR_DEF, 4, 0xc07);
    // 0 against 1: the same for each byte of a fixed one. Bit 2 gives type 4, bit 1 type 2.
    check_bits(0x250, 0, UINT64_C(0x0505050505050505));
    for (uint32_t msr = 0x200; msr < 0x210; msr += 2) {
        check_bits(msr, 0, UINT64_C(0xfffffff005));
        check_bits(msr + 1, 0, UINT64_C(0xfffffff800));
    }
}

static void test_types(void **state)
{
    (void)state;
    for (uint64_t type = 0; type < 256; type++) {
        bool valid = type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
        for (unsigned shift = 0; shift < 64; shift += 8) {
            assert_true(mtrr_write(&mtrr, 0x26a, type << shift, 40) == valid);
            assert_true(pat_valid(type << shift) == (valid || type == 7));
        }
        assert_true(mtrr_write(&mtrr, 0x20e, type, 40) == valid);
        assert_true(mtrr_write(&mtrr, MSR_MTRR_DEF, 0xc00 | type, 40) == valid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_which, reset),
        cmocka_unit_test_setup(test_firmware, reset),
        cmocka_unit_test_setup(test_reserved_bits, reset),
        cmocka_unit_test_setup(test_types, reset),
    };
    return cmocka_run_group_tests_name("mtrr", tests, NULL, NULL);
}
