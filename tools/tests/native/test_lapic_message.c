// SPDX-License-Identifier: MIT
// Messages on their way to a local APIC: who hears which destination, told by a table of the manual's cases and by a
// search over all; what each delivery mode does; and the pair of IOAPIC and local APIC with its EOIs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/ioapic.h"
#include "devices/lapic_regs.h"
#include "tools/tests/native/host.h"

static void write_reg(struct lapic *l, uint32_t offset, uint32_t value)
{
    struct io_access io = { .offset = offset, .value = value, .size = 4, .is_write = true };
    assert_int_equal(lapic_ops.access(l, &io, 0), IO_OK);
}

static void start(struct lapic *l, uint32_t id, bool x2apic)
{
    lapic_init(l, id, true);
    write_reg(l, APIC_SVR, 0x1ff);
    if (x2apic)
        assert_true(lapic_base_write(l, lapic_base_read(l) | APIC_BASE_EXTD));
    assert_true(lapic_take_rerouted(l));
    assert_false(lapic_take_rerouted(l));
}

static bool hears(const struct lapic *l, bool logical, unsigned destination)
{
    struct lapic copy = *l;
    struct apic_message message = { 0x40, DELIVERY_FIXED, (uint8_t)destination, logical, false };
    bool would = lapic_would_take(&copy, &message);
    lapic_receive(&copy, &message);
    assert_int_equal(lapic_is_waiting(&copy, &message), would); // the two agree
    return would;
}

// SDM 3A 11.6.2.1 and 11.6.2.2: every destination, every logical id.
static void test_destinations(void **state)
{
    (void)state;
    struct lapic l;
    start(&l, 3, false);
    for (unsigned d = 0; d < 256; d++)
        assert_int_equal(hears(&l, false, d), d == 3 || d == 255);
    for (unsigned own = 0; own < 256; own++) {
        write_reg(&l, APIC_LDR, own << 24);
        write_reg(&l, APIC_DFR, 0xffffffff);
        for (unsigned d = 0; d < 256; d++)
            assert_int_equal(hears(&l, true, d), d == 255 || (d & own) != 0);
        write_reg(&l, APIC_DFR, 0x0fffffff);
        for (unsigned d = 0; d < 256; d++) {
            bool cluster = d / 16 == own / 16 || d / 16 == 15;
            assert_int_equal(hears(&l, true, d), d == 255 || (cluster && (d & own & 15) != 0));
        }
        write_reg(&l, APIC_DFR, 0x5fffffff); // no such model
        assert_false(hears(&l, true, own) && own != 255);
    }
    start(&l, 5, true);
    for (unsigned d = 0; d < 256; d++) {
        assert_int_equal(hears(&l, false, d), d == 5 || d == 255);
        assert_int_equal(hears(&l, true, d), (d & 1u << 5) != 0); // cluster 0, one bit an APIC; 255 has it too
    }
    start(&l, 300, true);
    for (unsigned d = 0; d < 256; d++)
        assert_int_equal(hears(&l, d & 1, d), d == 255); // out of eight bits' reach
    assert_true(lapic_base_write(&l, lapic_base_read(&l) & ~(APIC_BASE_EN | APIC_BASE_EXTD)));
    assert_false(hears(&l, false, 255)); // globally disabled
    assert_true(lapic_take_rerouted(&l));
}

static void test_modes(void **state)
{
    (void)state;
    for (unsigned mode = 0; mode < 8; mode++)
        for (unsigned enabled = 0; enabled < 2; enabled++) {
            struct lapic l;
            struct apic_message message = { 0x55, (uint8_t)mode, 0xff, false, mode <= DELIVERY_LOWEST };
            start(&l, 0, false);
            write_reg(&l, APIC_SVR, enabled ? 0x1ff : 0xff);
            bool vector = mode <= DELIVERY_LOWEST && enabled, extint = mode == DELIVERY_EXTINT && enabled;
            bool nmi = mode == DELIVERY_NMI;
            assert_int_equal(lapic_would_take(&l, &message), vector || extint || nmi);
            lapic_receive(&l, &message);
            assert_int_equal(lapic_is_waiting(&l, &message), vector || extint || nmi);
            assert_int_equal(lapic_pending_vector(&l), vector ? 0x55 : -1);
            assert_int_equal(l.tmr[2], vector ? 1u << (0x55 - 0x40) : 0);
            assert_int_equal(lapic_take_extint(&l), extint);
            assert_false(lapic_take_extint(&l));
            assert_int_equal(lapic_take_nmi(&l), nmi);
            assert_false(lapic_take_nmi(&l));
        }
    struct lapic l;
    struct apic_message illegal = { 15, DELIVERY_FIXED, 0xff, false, false };
    start(&l, 0, false);
    assert_true(lapic_would_take(&l, &illegal)); // a bit of the ESR is something
    assert_false(lapic_is_waiting(&l, &illegal));
    lapic_receive(&l, &illegal);
    assert_int_equal(lapic_pending_vector(&l), -1);
    assert_int_equal(l.errors, ESR_RECEIVE_ILLEGAL_VECTOR);
    assert_true(lapic_is_waiting(&l, &illegal));
}

// --- the pair -------------------------------------------------------------------------------------------------------

struct board {
    struct ioapic ioapic;
    struct lapic lapic;
};

static void pass_on(struct board *b)
{
    struct apic_message message;
    uint8_t vector;
    while (lapic_take_eoi(&b->lapic, &vector))
        ioapic_eoi(&b->ioapic, vector);
    while (ioapic_take_message(&b->ioapic, &message))
        lapic_receive(&b->lapic, &message);
}

static void program(struct board *b, unsigned pin, uint32_t low)
{
    struct io_access select = { .offset = 0, .value = 0x10 + 2 * pin, .size = 4, .is_write = true };
    struct io_access window = { .offset = 0x10, .value = low, .size = 4, .is_write = true };
    ioapic_ops.access(&b->ioapic, &select, 0);
    ioapic_ops.access(&b->ioapic, &window, 0);
    pass_on(b);
}

static void pin(struct board *b, unsigned number, bool level)
{
    ioapic_set_pin(&b->ioapic, number, level);
    pass_on(b);
}

static unsigned take_and_end(struct board *b)
{
    int vector = lapic_pending_vector(&b->lapic);
    assert_true(vector >= 16);
    lapic_accept(&b->lapic, (unsigned)vector);
    pass_on(b);
    write_reg(&b->lapic, APIC_EOI, 0);
    pass_on(b);
    return (unsigned)vector;
}

static void test_levels_and_edges(void **state)
{
    (void)state;
    struct board b;
    ioapic_init(&b.ioapic, 1, 0);
    start(&b.lapic, 0, false);
    program(&b, 9, 0x8059);
    program(&b, 4, 0x0044);
    pin(&b, 9, true);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(take_and_end(&b), 0x59); // as long as it is asserted
    pin(&b, 9, false);
    assert_int_equal(take_and_end(&b), 0x59); // the one that was on its way
    assert_int_equal(lapic_pending_vector(&b.lapic), -1);
    pin(&b, 4, true);
    pin(&b, 4, false);
    pin(&b, 4, true); // the IRR has room for one
    assert_int_equal(take_and_end(&b), 0x44);
    assert_int_equal(lapic_pending_vector(&b.lapic), -1);
}

// Level-triggered pins with handlers that clear their cause: however pins, masks and EOIs fall together, at rest each
// pin that was left asserted and unmasked has come, and no Remote IRR is left behind.
static void test_nothing_is_stuck(void **state)
{
    (void)state;
    uint64_t random = 11, handled = 0;
    struct board b;
    ioapic_init(&b.ioapic, 1, 0);
    start(&b.lapic, 0, false);
    for (unsigned i = 0; i < IOAPIC_PINS; i++)
        program(&b, i, 0x8000 | (0x30 + 8 * i));
    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = (unsigned)host_random_range(&random, 1, 12); i != 0; i--) {
            unsigned n = (unsigned)host_random_range(&random, 0, IOAPIC_PINS - 1);
            switch (host_random_range(&random, 0, 4)) {
            case 0: program(&b, n, 0x18000 | (0x30 + 8 * n)); break;
            case 1: program(&b, n, 0x8000 | (0x30 + 8 * n)); break;
            case 2: pin(&b, n, false); break;
            default: pin(&b, n, true); break;
            }
        }
        for (int vector; (vector = lapic_pending_vector(&b.lapic)) >= 0; handled++) {
            pin(&b, ((unsigned)vector - 0x30) / 8, false);
            take_and_end(&b);
        }
        for (unsigned i = 0; i < IOAPIC_PINS; i++) {
            struct apic_message message;
            bool open = ioapic_pin_message(&b.ioapic, i, &message);
            assert_false(ioapic_pin_in_service(&b.ioapic, i));
            assert_false(open && (b.ioapic.lines >> i & 1));
        }
    }
    print_message("# lapic_message: %llu level interrupts handled\n", (unsigned long long)handled);
    assert_true(handled > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_destinations),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_levels_and_edges),
        cmocka_unit_test(test_nothing_is_stuck),
    };
    return cmocka_run_group_tests_name("lapic_message", tests, NULL, NULL);
}
