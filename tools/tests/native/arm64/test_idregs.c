// SPDX-License-Identifier: MIT
// What a guest reads in the ID registers: field by field against the manual's list (idreg_fields.h), for three CPUs as
// whole registers, and for hosts that say anything at all. Nothing is announced that the list does not allow.
#include "arch/arm64/guest/idregs.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/arm64/idreg_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t digit(uint64_t value, unsigned shift)
{
    return value >> shift & 15;
}

// What the list makes of one field of the host's.
static uint64_t allowed(const struct idreg_field *field, uint64_t host, unsigned gic_version)
{
    int has = (int)digit(host, field->shift), most = field->most & 15;
    bool names_gic = field->name[0] == 'G' && field->name[1] == 'I' && field->name[2] == 'C';
    if (names_gic && gic_version == 2)
        return 0;
    if ((field->most & 0x10) != 0 && has >= 8)
        return (uint64_t)has;
    return (uint64_t)(has < most ? has : most);
}

static uint64_t expected(unsigned crm, unsigned op2, uint64_t host, unsigned gic_version)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < COUNT(idreg_fields); i++)
        if (idreg_fields[i].crm == crm && idreg_fields[i].op2 == op2)
            value |= allowed(&idreg_fields[i], host, gic_version) << idreg_fields[i].shift;
    for (unsigned i = 0; i < COUNT(idreg_whole); i++)
        if (idreg_whole[i].crm == crm && idreg_whole[i].op2 == op2)
            value = (uint32_t)host;
    return value;
}

static uint64_t shown(unsigned crm, unsigned op2, uint64_t host, unsigned gic_version)
{
    return idreg_is_shown(crm, op2) ? idreg_for_guest(crm, op2, host, gic_version) : 0;
}

static void compare(unsigned crm, unsigned op2, uint64_t host, unsigned gic_version)
{
    uint64_t guest = shown(crm, op2, host, gic_version), list = expected(crm, op2, host, gic_version);
    if (guest != list)
        print_error("CRm %u op2 %u: host %016lx, guest %016lx, list %016lx\n", crm, op2, host, guest, list);
    assert_true(guest == list);
}

// Every value of every digit, alone, and digits all alike.
static void test_every_digit(void **state)
{
    (void)state;
    for (unsigned crm = IDREG_CRM_FIRST; crm <= IDREG_CRM_LAST; crm++)
        for (unsigned op2 = 0; op2 < 8; op2++)
            for (unsigned gic = 2; gic <= 3; gic++)
                for (uint64_t value = 0; value < 16; value++) {
                    compare(crm, op2, value * UINT64_C(0x1111111111111111), gic);
                    for (unsigned shift = 0; shift < 64; shift += 4)
                        compare(crm, op2, value << shift, gic);
                }
}

static void test_any_host(void **state)
{
    (void)state;
    uint64_t seed = 64;
    for (unsigned round = 0; round < 20000; round++) {
        unsigned crm = (unsigned)host_random_range(&seed, IDREG_CRM_FIRST, IDREG_CRM_LAST);
        unsigned op2 = (unsigned)host_random_range(&seed, 0, 7);
        compare(crm, op2, host_random(&seed), 2 + (unsigned)(host_random(&seed) & 1));
    }
}

// --- three CPUs as QEMU 7.2 has them at EL2 with a GICv3, and what is left of each ----------------------------------

struct cpu_register {
    uint8_t  crm, op2;
    uint64_t host, guest;
};

static const struct cpu_register cortex_a57[] = {
    { 1, 0, 0x00000131, 0x00000131 }, { 1, 1, 0x10011001, 0x10010001 }, { 1, 2, 0x03010006, 0x00000006 },
    { 1, 4, 0x10101105, 0x10101105 }, { 1, 5, 0x40000000, 0x40000000 }, { 1, 6, 0x01260000, 0x01260000 },
    { 1, 7, 0x02102211, 0x02102211 }, { 2, 0, 0x02101110, 0x02101110 }, { 2, 1, 0x13112111, 0x13112111 },
    { 2, 2, 0x21232042, 0x21232042 }, { 2, 3, 0x01112131, 0x01112131 }, { 2, 4, 0x00011142, 0x00011142 },
    { 2, 5, 0x00011121, 0x00011121 }, { 3, 0, 0x10110222, 0x10110222 }, { 3, 1, 0x12111111, 0x12111111 },
    { 3, 2, 0x00000043, 0x00000043 }, { 4, 0, 0x01000222, 0x01000012 }, { 5, 0, 0x10305106, 0x10305106 },
    { 6, 0, 0x00011120, 0x00011120 }, { 7, 0, 0x00001124, 0x00000121 },
};

static const struct cpu_register neoverse_n1[] = {
    { 1, 0, 0x10010131, 0x00010131 }, { 1, 1, 0x10010000, 0x10010000 }, { 1, 2, 0x04010008, 0x00000006 },
    { 1, 4, 0x10201105, 0x10201105 }, { 2, 5, 0x01011121, 0x01011121 }, { 2, 6, 0x00021110, 0x00021010 },
    { 2, 7, 0x00000010, 0x00000010 }, { 3, 4, 0x00000011, 0x00000011 },
    { 4, 0, 0x1100000011110112, 0x1100000001110012 }, { 4, 1, 0x0000000000000020, 0x0000000000000020 },
    { 5, 0, 0x0000000010305408, 0x0000000010305106 }, { 6, 0, 0x0000100010211120, 0x0000100010211120 },
    { 6, 1, 0x0000000000100001, 0x0000000000100001 }, { 7, 0, 0x0000000000101125, 0x0000000000100121 },
    { 7, 1, 0x0000000010212122, 0x0000000000202002 }, { 7, 2, 0x0000000000001011, 0x0000000000000011 },
};

static const struct cpu_register cpu_max[] = {
    { 1, 0, 0x11020131, 0x01010131 }, { 1, 1, 0x10011001, 0x10010001 }, { 1, 2, 0x06010009, 0x00000006 },
    { 2, 6, 0x00011110, 0x00011010 }, { 2, 7, 0x01111111, 0x01111111 }, { 3, 6, 0x00000001, 0x00000001 },
    { 4, 0, 0x1201001121110222, 0x1101000001110012 }, { 4, 1, 0x0000000001000021, 0x0000000000000021 },
    { 4, 4, 0x0110110100110021, 0 }, { 4, 5, 0x80f100fd00000000, 0 },
    { 5, 0, 0x0000000010305609, 0x0000000010305106 }, { 6, 0, 0x1221111110212120, 0x0221111110212120 },
    { 6, 1, 0x0011111101211012, 0x0011111101211012 }, { 7, 0, 0x0000032310201126, 0x0000000000100121 },
    { 7, 1, 0x0000011010211122, 0x0000001000201002 }, { 7, 2, 0x1021011010011011, 0x1021001010010011 },
};

static void check_cpu(const struct cpu_register *registers, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct cpu_register *r = &registers[i];
        assert_int_equal(shown(r->crm, r->op2, r->host, 3), r->guest);
        compare(r->crm, r->op2, r->host, 3);
        compare(r->crm, r->op2, r->host, 2);
    }
}

static void test_cpus(void **state)
{
    (void)state;
    check_cpu(cortex_a57, COUNT(cortex_a57));
    check_cpu(neoverse_n1, COUNT(neoverse_n1));
    check_cpu(cpu_max, COUNT(cpu_max));
    assert_int_equal(shown(4, 0, 0x1100000011110112, 2), 0x1100000000110012); // no GICv3 to a guest with a GICv2
    assert_int_equal(shown(1, 1, 0x10010000, 2), 0x00010000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_digit),
        cmocka_unit_test(test_any_host),
        cmocka_unit_test(test_cpus),
    };
    return cmocka_run_group_tests_name("idregs", tests, NULL, NULL);
}
