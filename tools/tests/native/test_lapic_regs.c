// SPDX-License-Identifier: MIT
// The local APIC's registers one by one, from tables written after the manual (SDM 3A chapter 11): power-up values, who
// may read and write what in which mode, every reserved bit, mode transitions, IPI destinations, errors, pins.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/lapic_regs.h"

static uint64_t mmio_sized(struct lapic *l, uint32_t offset, uint8_t size)
{
    struct io_access io = { .offset = offset, .size = size };
    assert_int_equal(lapic_ops.access(l, &io, 0), IO_OK);
    return io.value;
}

static uint32_t mmio_read(struct lapic *l, uint32_t offset)
{
    return (uint32_t)mmio_sized(l, offset, 4);
}

static void mmio_write_sized(struct lapic *l, uint32_t offset, uint64_t value, uint8_t size)
{
    struct io_access io = { .offset = offset, .value = value, .size = size, .is_write = true };
    assert_int_equal(lapic_ops.access(l, &io, 0), IO_OK);
}

static void mmio_write(struct lapic *l, uint32_t offset, uint32_t value)
{
    mmio_write_sized(l, offset, value, 4);
}

static void init_x2apic(struct lapic *l, uint32_t id)
{
    lapic_init(l, id, true);
    assert_true(lapic_base_write(l, lapic_base_read(l) | APIC_BASE_EXTD));
}

// What table 11-6 and the register figures say, typed anew from the manual: index = MSR - 0x800.
// In xAPIC mode: power-up value, bits that a write of all ones sets. In x2APIC mode: r, w, and the bits that are not
// #GP.
static const struct reg {
    uint8_t index;
    bool xapic;
    uint32_t reset, sticks;
    const char *x2;
    uint64_t legal;
} regs[] = {
    { 0x02, true, 0x05000000, 0, "r", 0 },
    { 0x03, true, 0x00050014, 0, "r", 0 },
    { 0x08, true, 0, 0xff, "rw", 0xff },
    { 0x09, true, 0, 0, "", 0 },
    { 0x0a, true, 0, 0, "r", 0 },
    { 0x0b, true, 0, 0, "w", 0 },
    { 0x0c, true, 0, 0, "", 0 },
    { 0x0d, true, 0, 0xff000000, "r", 0 },
    { 0x0e, true, 0xffffffff, 0xffffffff, "", 0 },
    { 0x0f, true, 0xff, 0x3ff, "rw", 0x3ff },
    { 0x28, true, 0, 0, "rw", 0 },
    { 0x30, true, 0, 0x000ccfff, "rw", 0xffffffff000ccfff },
    { 0x31, true, 0, 0xff000000, "", 0 },
    { 0x32, true, 0x10000, 0x700ff, "rw", 0x710ff },
    { 0x33, true, 0x10000, 0x107ff, "rw", 0x117ff },
    { 0x34, true, 0x10000, 0x107ff, "rw", 0x117ff },
    { 0x35, true, 0x10000, 0x1a7ff, "rw", 0x1f7ff },
    { 0x36, true, 0x10000, 0x1a7ff, "rw", 0x1f7ff },
    { 0x37, true, 0x10000, 0x100ff, "rw", 0x110ff },
    { 0x38, true, 0, 0xffffffff, "rw", 0xffffffff },
    { 0x39, true, 0, 0, "r", 0 },
    { 0x3e, true, 0, 0xb, "rw", 0xb },
    { 0x3f, false, 0, 0, "w", 0xff },
};

static struct reg rule_of(unsigned index)
{
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
        if (regs[i].index == index)
            return regs[i];
    bool vectors = index >= 0x10 && index <= 0x27;
    return (struct reg){ .index = (uint8_t)index, .xapic = vectors, .x2 = vectors ? "r" : "" };
}

static void test_xapic_registers(void **state)
{
    (void)state;
    for (unsigned index = 0; index < 0x100; index++) {
        struct reg want = rule_of(index);
        struct lapic l;
        lapic_init(&l, 5, true);
        assert_int_equal(mmio_read(&l, index << 4), want.reset);
        assert_int_equal(l.errors, want.xapic ? 0 : ESR_ILLEGAL_REGISTER);

        lapic_init(&l, 5, true);
        if (index != 0x0f)
            mmio_write(&l, 0xf0, 0x1ff); // a disabled APIC would keep the LVT masks
        mmio_write(&l, index << 4, UINT32_MAX);
        assert_int_equal(l.errors, want.xapic ? 0 : ESR_ILLEGAL_REGISTER);
        uint32_t expect = index == 0x02 || index == 0x03 || index == 0x0e ? want.reset : want.sticks;
        assert_int_equal(mmio_read(&l, index << 4), want.xapic ? expect : 0);
    }
}

static void test_x2apic_registers(void **state)
{
    (void)state;
    unsigned faults = 0;
    for (uint32_t msr = 0x7f0; msr < 0x910; msr++) {
        struct reg want = msr < 0x800 || msr > 0x8ff ? (struct reg){ .x2 = "" } : rule_of(msr - 0x800);
        struct lapic l;
        uint64_t value;
        init_x2apic(&l, 5);
        assert_int_equal(lapic_read_msr(&l, msr, &value, 0), strchr(want.x2, 'r') != NULL);
        assert_int_equal(lapic_write_msr(&l, msr, 0, 0), strchr(want.x2, 'w') != NULL);
        for (unsigned bit = 0; bit < 64; bit++) {
            bool legal = (want.legal >> bit) & 1;
            init_x2apic(&l, 5);
            assert_int_equal(lapic_write_msr(&l, msr, UINT64_C(1) << bit, 0), legal);
            faults += !legal;
        }
        lapic_init(&l, 5, true); // in xAPIC mode there are no such MSRs
        assert_false(lapic_read_msr(&l, msr, &value, 0));
        assert_false(lapic_write_msr(&l, msr, 0, 0));
    }
    print_message("# x2APIC: 288 MSRs x 64 bits, %u faults, all as the manual's table\n", faults);
}

static void test_x2apic_values(void **state)
{
    (void)state;
    struct lapic l;
    uint64_t value;
    init_x2apic(&l, 0x12345);
    assert_true(lapic_read_msr(&l, 0x802, &value, 0));
    assert_int_equal(value, 0x12345);
    assert_true(lapic_read_msr(&l, 0x80d, &value, 0));
    assert_int_equal(value, 0x12340020); // cluster 0x1234, member 5
    assert_true(lapic_write_msr(&l, 0x830, UINT64_C(0xdeadbeef00004031), 0));
    assert_true(lapic_read_msr(&l, 0x830, &value, 0));
    assert_int_equal(value, UINT64_C(0xdeadbeef00004031));
    struct io_access io = { .offset = 0x20, .size = 4 };
    assert_int_equal(lapic_ops.access(&l, &io, 0), IO_UNCLAIMED);
}

static void test_odd_sizes(void **state)
{
    (void)state;
    struct lapic l;
    lapic_init(&l, 0xab, true);
    assert_int_equal(mmio_sized(&l, 0x23, 1), 0xab);
    assert_int_equal(mmio_sized(&l, 0x22, 2), 0xab00);
    assert_int_equal(mmio_sized(&l, 0x20, 8), 0xab000000);
    assert_int_equal(mmio_sized(&l, 0x24, 4), 0);
    mmio_write_sized(&l, 0x80, 0x55, 1);
    mmio_write_sized(&l, 0x80, 0x55, 8);
    mmio_write_sized(&l, 0x84, 0x55, 4);
    assert_int_equal(mmio_read(&l, 0x80), 0);
}

// SDM 3A figure 11-27. Rows: from disabled, xAPIC, x2APIC; columns: to disabled, xAPIC, invalid (EXTD only), x2APIC.
static void test_base_transitions(void **state)
{
    (void)state;
    static const uint64_t bits[4] = { 0, APIC_BASE_EN, APIC_BASE_EXTD, APIC_BASE_EN | APIC_BASE_EXTD };
    static const struct {
        uint8_t from;
        bool legal[4];
    } rows[] = {
        { 0, { true, true, false, false } },
        { 1, { true, true, false, true } },
        { 3, { true, false, false, true } },
    };
    for (unsigned r = 0; r < 3; r++)
        for (unsigned to = 0; to < 4; to++) {
            struct lapic l;
            lapic_init(&l, 1, true);
            assert_int_equal(lapic_base_read(&l), 0xfee00900);
            assert_true(lapic_base_write(&l, 0xfee00100 | bits[rows[r].from]));
            assert_int_equal(lapic_mmio_enabled(&l), rows[r].from == 1);
            lapic_set_tpr(&l, 0x50);
            assert_int_equal(lapic_base_write(&l, 0xfee00100 | bits[to]), rows[r].legal[to]);
            uint64_t now_in = rows[r].legal[to] ? bits[to] : bits[rows[r].from];
            assert_int_equal(lapic_base_read(&l), 0xfee00100 | now_in);
            assert_int_equal(lapic_tpr(&l), to == 0 && rows[r].from != 0 ? 0 : 0x50); // disabling resets
        }
}

static void test_base_address(void **state)
{
    (void)state;
    struct lapic l;
    lapic_init(&l, 1, false);
    assert_int_equal(lapic_base_read(&l), 0xfee00800);
    for (unsigned bit = 0; bit < 64; bit++) {
        bool reserved = bit < 8 || bit == 9 || bit > 51;
        if (bit != 10 && bit != 11)
            assert_int_equal(lapic_base_write(&l, UINT64_C(1) << bit | APIC_BASE_EN), !reserved);
    }
    assert_true(lapic_base_write(&l, UINT64_C(0x000ffffffffff800)));
    assert_int_equal(lapic_mmio_base(&l), UINT64_C(0x000ffffffffff000));
}

enum reaches { SELF, NOBODY };

// ID 5, xAPIC LDR 0x21. DFR: flat unless `cluster`.
static const struct ipi {
    uint64_t icr; // destination in the high half
    bool x2apic, cluster;
    enum reaches reaches;
} ipis[] = {
    { 0x0500000000004041, false, false, SELF },   // physical, own ID
    { 0x0600000000004041, false, false, NOBODY }, // another's
    { 0xff00000000004041, false, false, SELF },   // physical broadcast
    { 0x0100000000004841, false, false, SELF },   // flat: bit 0 in common
    { 0x2000000000004841, false, false, SELF },   { 0xde00000000004841, false, false, NOBODY },
    { 0xff00000000004841, false, false, SELF },   { 0x2100000000004841, false, true, SELF }, // cluster 2, member 0
    { 0x2200000000004841, false, true, NOBODY },                                             // cluster 2, member 1
    { 0x1100000000004841, false, true, NOBODY },                                             // cluster 1
    { 0xf100000000004841, false, true, SELF },                                               // member 0 of all clusters
    { 0xf200000000004841, false, true, NOBODY },  { 0xff00000000004841, false, true, SELF },
    { 0x0600000000044041, false, false, SELF },   // shorthand self: destination ignored
    { 0x0600000000084041, false, false, SELF },   // all
    { 0x05000000000c4041, false, false, NOBODY }, // all but self
    { 0x0500000000004141, false, false, SELF },   // lowest priority among one
    { 0x0500000000000041, false, false, SELF },   // level and trigger bits mean nothing here
    { 0x050000000000c041, false, false, SELF },   { 0x0000000500004041, true, false, SELF },
    { 0x0000010500004041, true, false, NOBODY }, // 32-bit IDs
    { 0x000000ff00004041, true, false, NOBODY }, // 0xff is an ID like any other
    { 0xffffffff00004041, true, false, SELF },    { 0x0000002000004841, true, false, SELF }, // cluster 0, member 5
    { 0x0000001000004841, true, false, NOBODY },  { 0x0001002000004841, true, false, NOBODY },
    { 0xffffffff00004841, true, false, SELF },    { 0x0000000000044041, true, false, SELF },
    { 0x00000000000c4041, true, false, NOBODY },
};

static void send(struct lapic *l, const struct ipi *ipi, uint32_t mode_bits)
{
    uint64_t icr = (ipi->icr & ~UINT64_C(0x700)) | mode_bits;
    if (ipi->x2apic) {
        init_x2apic(l, 5);
        assert_true(lapic_write_msr(l, 0x80f, 0x1ff, 0));
        assert_true(lapic_write_msr(l, 0x830, icr, 0));
        return;
    }
    lapic_init(l, 5, true);
    mmio_write(l, 0xf0, 0x1ff);
    mmio_write(l, 0xd0, 0x21000000);
    mmio_write(l, 0xe0, ipi->cluster ? 0 : UINT32_MAX);
    mmio_write(l, 0x310, (uint32_t)(icr >> 32));
    mmio_write(l, 0x300, (uint32_t)icr);
}

static void test_destinations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ipis) / sizeof(ipis[0]); i++) {
        const struct ipi *ipi = &ipis[i];
        bool self = ipi->reaches == SELF;
        struct lapic l;
        send(&l, ipi, (uint32_t)ipi->icr & 0x700);
        if ((lapic_pending_vector(&l) == 0x41) != self || l.ipis_to_nobody != !self || l.ipis != 1)
            fail_msg("ICR %#llx, case %zu", (unsigned long long)ipi->icr, i);
        send(&l, ipi, 0x400); // the same road for NMI
        assert_int_equal(lapic_take_nmi(&l), self);
        assert_int_equal(l.ipis_to_nobody, !self);
        for (uint32_t mode = 0x200; mode <= 0x700; mode += 0x100) { // SMI, INIT, SIPI, reserved
            send(&l, ipi, mode);
            bool deassert = mode == 0x500 && (ipi->icr & 0xc000) == 0x8000;
            assert_int_equal(l.ipis_to_nobody, mode == 0x400 ? !self : !deassert);
            assert_int_equal(lapic_pending_vector(&l), -1);
        }
    }
    struct lapic l; // flat, no logical ID yet: only the broadcast finds it
    lapic_init(&l, 5, true);
    mmio_write(&l, 0xf0, 0x1ff);
    mmio_write(&l, 0x310, 0xfe000000);
    mmio_write(&l, 0x300, 0x4841);
    assert_int_equal(lapic_pending_vector(&l), -1);
    mmio_write(&l, 0x310, 0xff000000);
    mmio_write(&l, 0x300, 0x4841);
    assert_int_equal(lapic_pending_vector(&l), 0x41);
    print_message("# ICR: %zu destinations x 7 delivery modes\n", sizeof(ipis) / sizeof(ipis[0]));
}

static void test_self_ipi(void **state)
{
    (void)state;
    struct lapic l;
    init_x2apic(&l, 5);
    assert_true(lapic_write_msr(&l, 0x80f, 0x1ff, 0));
    assert_true(lapic_write_msr(&l, 0x83f, 0xf1, 0));
    assert_int_equal(lapic_pending_vector(&l), 0xf1);
    assert_true(lapic_write_msr(&l, 0x83f, 0x0f, 0));
    assert_int_equal(l.errors, ESR_SEND_ILLEGAL_VECTOR);
    assert_int_equal(l.ipis, 1);
}

// SDM 3A 11.5.3: a write moves what was logged into view; only the first error since then interrupts.
static void test_errors(void **state)
{
    (void)state;
    struct lapic l;
    lapic_init(&l, 5, true);
    mmio_write(&l, 0xf0, 0x1ff);
    mmio_write(&l, 0x370, 0xfe);
    lapic_raise(&l, 15, false);
    assert_int_equal(mmio_read(&l, 0x280), 0); // logged, not yet in view
    assert_int_equal(lapic_pending_vector(&l), 0xfe);
    lapic_accept(&l, 0xfe);
    mmio_write(&l, 0xb0, 0);
    mmio_write(&l, 0x300, 0x4400f & ~0x700u); // self-IPI with vector 15
    assert_int_equal(lapic_pending_vector(&l), -1);
    mmio_write(&l, 0x280, 0x1234);
    assert_int_equal(mmio_read(&l, 0x280), 0x60);
    mmio_write(&l, 0x280, 0);
    assert_int_equal(mmio_read(&l, 0x280), 0);
    mmio_read(&l, 0x3f0); // no such register here
    assert_int_equal(lapic_pending_vector(&l), 0xfe);
    mmio_write(&l, 0x280, 0);
    assert_int_equal(mmio_read(&l, 0x280), 0x80);
    mmio_write(&l, 0x370, 0x02); // an error interrupt that is itself in error
    mmio_read(&l, 0x000);
    mmio_write(&l, 0x280, 0);
    assert_int_equal(mmio_read(&l, 0x280), 0xc0);
}

static void test_pins(void **state)
{
    (void)state;
    struct lapic l;
    lapic_init(&l, 0, true);
    assert_false(lapic_accepts_extint(&l)); // LINT0 is masked after power-up
    lapic_virtual_wire(&l);
    assert_true(lapic_accepts_extint(&l));
    mmio_write(&l, APIC_LVT_LINT0, LAPIC_LVT_MASKED | 0x700);
    assert_false(lapic_accepts_extint(&l));
    mmio_write(&l, APIC_LVT_LINT0, 0x031);
    assert_false(lapic_accepts_extint(&l)); // fixed is not ExtINT
    mmio_write(&l, APIC_LVT_LINT0, 0x700);
    mmio_write(&l, APIC_SVR, 0x0f);
    assert_false(lapic_accepts_extint(&l)); // software-disabling masks it

    lapic_virtual_wire(&l);
    lapic_lint(&l, 1, true);
    assert_true(lapic_take_nmi(&l));
    assert_false(lapic_take_nmi(&l));
    lapic_lint(&l, 1, true); // still high: no new edge
    assert_false(lapic_take_nmi(&l));
    lapic_lint(&l, 1, false);
    mmio_write(&l, APIC_LVT_LINT1, LAPIC_LVT_MASKED | 0x400);
    lapic_lint(&l, 1, true);
    assert_false(lapic_take_nmi(&l));
    lapic_lint(&l, 1, false);
    mmio_write(&l, APIC_LVT_LINT1, 0x51);
    lapic_lint(&l, 1, true);
    assert_int_equal(lapic_pending_vector(&l), 0x51);

    assert_true(lapic_base_write(&l, lapic_base_read(&l) & ~APIC_BASE_EN)); // without an APIC they are INTR and NMI
    assert_true(lapic_accepts_extint(&l));
    assert_int_equal(lapic_pending_vector(&l), -1);
    lapic_lint(&l, 1, false);
    lapic_lint(&l, 1, true);
    assert_true(lapic_take_nmi(&l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xapic_registers),  cmocka_unit_test(test_x2apic_registers),
        cmocka_unit_test(test_x2apic_values),    cmocka_unit_test(test_odd_sizes),
        cmocka_unit_test(test_base_transitions), cmocka_unit_test(test_base_address),
        cmocka_unit_test(test_destinations),     cmocka_unit_test(test_self_ipi),
        cmocka_unit_test(test_errors),           cmocka_unit_test(test_pins),
    };
    return cmocka_run_group_tests_name("lapic_regs", tests, NULL, NULL);
}
