// SPDX-License-Identifier: MIT
// The I/O APIC: its registers, scenes from the data sheet, races between pins and masks, a second model under random
// operations, nonsense, the contract's laws.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/ioapic.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/ioapic_reference.h"

#define LEVEL      0x08000u
#define MASKED     0x10000u
#define ACTIVE_LOW 0x02000u
#define LOGICAL    0x00800u
#define REMOTE_IRR 0x04000u

static void put(struct ioapic *ioapic, uint64_t offset, uint32_t value)
{
    struct io_access io = { .offset = offset, .value = value, .size = 4, .is_write = true };
    assert_int_equal(ioapic_ops.access(ioapic, &io, 0), IO_OK);
}

static uint32_t reg_read(struct ioapic *ioapic, uint32_t index)
{
    struct io_access io = { .offset = 0x10, .size = 4 };
    put(ioapic, 0, index);
    assert_int_equal(ioapic_ops.access(ioapic, &io, 0), IO_OK);
    return (uint32_t)io.value;
}

static void reg_write(struct ioapic *ioapic, uint32_t index, uint32_t value)
{
    put(ioapic, 0, index);
    put(ioapic, 0x10, value);
}

static void route(struct ioapic *ioapic, unsigned pin, uint32_t low)
{
    reg_write(ioapic, 0x10 + 2 * pin, low);
}

static uint32_t entry(struct ioapic *ioapic, unsigned pin)
{
    return reg_read(ioapic, 0x10 + 2 * pin);
}

static void pulse(struct ioapic *ioapic, unsigned pin)
{
    ioapic_set_pin(ioapic, pin, true);
    ioapic_set_pin(ioapic, pin, false);
}

static void assert_silent(struct ioapic *ioapic)
{
    struct apic_message message;
    assert_false(ioapic_take_message(ioapic, &message));
}

static void assert_sends(struct ioapic *ioapic, uint8_t vector)
{
    struct apic_message message = { 0 };
    assert_true(ioapic_take_message(ioapic, &message));
    assert_int_equal(message.vector, vector);
}

static void test_registers(void **state)
{
    (void)state;
    struct ioapic a;
    ioapic_init(&a, 5, 0);
    assert_int_equal(reg_read(&a, 0), 0x05000000);
    assert_int_equal(reg_read(&a, 1), 0x00170020);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        assert_int_equal(entry(&a, pin), MASKED);
        assert_int_equal(reg_read(&a, 0x11 + 2 * pin), 0);
    }
    reg_write(&a, 0, 0xffffffff);
    assert_int_equal(reg_read(&a, 0), 0x0f000000);
    assert_int_equal(reg_read(&a, 2), 0x0f000000);
    for (uint32_t index = 1; index < 256; index++)
        if (index < 0x10 || index >= 0x40) {
            uint32_t before = reg_read(&a, index);
            reg_write(&a, index, 0xa5a5a5a5);
            assert_int_equal(reg_read(&a, index), before);
        }
    reg_write(&a, 0x10, 0xffffffff);
    reg_write(&a, 0x11, 0xffffffff);
    assert_int_equal(reg_read(&a, 0x10), 0x0001afff); // no delivery status, no Remote IRR
    assert_int_equal(reg_read(&a, 0x11), 0xff000000);
    put(&a, 0, 0xabcdef3f); // eight bits select
    struct io_access io = { .offset = 0, .size = 4 };
    assert_int_equal(ioapic_ops.access(&a, &io, 0), IO_OK);
    assert_int_equal(io.value, 0x3f);
}

// Whoever answers must leave the state alone: nobody does.
static void test_other_accesses(void **state)
{
    (void)state;
    struct ioapic a;
    ioapic_init(&a, 0, 0);
    route(&a, 5, 0x35);
    struct ioapic before = a;
    for (uint64_t offset = 0; offset < 0x1000; offset++)
        for (unsigned size = 1; size <= 8; size *= 2)
            for (unsigned write = 0; write < 2; write++) {
                bool known = size == 4 && (offset == 0 || offset == 0x10 || (offset == 0x40 && write));
                struct io_access io = { offset, 0x1f1f1f1f, (uint8_t)size, write != 0 };
                if (!known) {
                    assert_int_equal(ioapic_ops.access(&a, &io, 0), IO_UNCLAIMED);
                    assert_memory_equal(&a, &before, sizeof(a));
                }
            }
}

static void test_edge(void **state)
{
    (void)state;
    struct ioapic a;
    struct apic_message message;
    ioapic_init(&a, 0, 0);
    pulse(&a, 2);
    route(&a, 2, 0x52);
    assert_silent(&a); // lost: the pin was masked
    ioapic_set_pin(&a, 2, true);
    assert_sends(&a, 0x52);
    assert_silent(&a); // a high level is no second edge
    assert_int_equal(entry(&a, 2), 0x52);
    ioapic_set_pin(&a, 2, false);
    assert_silent(&a);
    pulse(&a, 2);
    pulse(&a, 2); // two edges before the first is sent are one
    assert_sends(&a, 0x52);
    assert_silent(&a);
    ioapic_set_pin(&a, 2, true);
    route(&a, 2, 0x52 | MASKED); // withdrawn
    route(&a, 2, 0x52);
    assert_silent(&a);
    assert_true(ioapic_pin_message(&a, 2, &message));
    assert_int_equal(message.vector, 0x52);
    route(&a, 2, 0x52 | ACTIVE_LOW); // the pin is high
    assert_silent(&a);
    ioapic_set_pin(&a, 2, false); // now active
    assert_sends(&a, 0x52);
    route(&a, 2, 0x52 | MASKED);
    assert_false(ioapic_pin_message(&a, 2, &message));
}

static void test_level(void **state)
{
    (void)state;
    struct ioapic a;
    ioapic_init(&a, 0, 0);
    ioapic_set_pin(&a, 9, true);
    route(&a, 9, 0x59 | LEVEL); // asserted while it was masked: still asserted
    assert_sends(&a, 0x59);
    assert_int_equal(entry(&a, 9), 0x59 | LEVEL | REMOTE_IRR);
    assert_true(ioapic_pin_in_service(&a, 9));
    assert_silent(&a);
    ioapic_set_pin(&a, 9, false);
    ioapic_set_pin(&a, 9, true); // in service: nothing new
    assert_silent(&a);
    ioapic_eoi(&a, 0x58);
    assert_silent(&a);
    ioapic_eoi(&a, 0x59); // still asserted: again
    assert_sends(&a, 0x59);
    ioapic_set_pin(&a, 9, false);
    ioapic_eoi(&a, 0x59);
    assert_silent(&a);
    assert_int_equal(entry(&a, 9), 0x59 | LEVEL);

    pulse(&a, 9); // withdrawn before it could be sent
    assert_silent(&a);
    ioapic_set_pin(&a, 9, true);
    assert_sends(&a, 0x59);
    route(&a, 9, 0x59 | LEVEL | MASKED); // the mask leaves Remote IRR
    assert_int_equal(entry(&a, 9), 0x59 | LEVEL | MASKED | REMOTE_IRR);
    put(&a, 0x40, 0x59); // the EOI register does what the message does
    assert_int_equal(entry(&a, 9), 0x59 | LEVEL | MASKED);
    assert_silent(&a);
    route(&a, 9, 0x59 | LEVEL);
    assert_sends(&a, 0x59);
    route(&a, 9, 0x59 | MASKED); // edge and back: how software without the EOI register clears Remote IRR
    route(&a, 9, 0x59 | LEVEL);
    assert_sends(&a, 0x59);
}

// Two level pins share a vector: one EOI ends both, and each that is still asserted comes again.
static void test_shared_vector(void **state)
{
    (void)state;
    struct ioapic a;
    ioapic_init(&a, 0, 0xff0000);
    route(&a, 10, 0x60 | LEVEL);
    route(&a, 20, 0x60 | LEVEL | ACTIVE_LOW);
    assert_silent(&a);
    ioapic_set_pin(&a, 20, false);
    ioapic_set_pin(&a, 10, true);
    assert_sends(&a, 0x60);
    assert_sends(&a, 0x60);
    assert_silent(&a);
    ioapic_set_pin(&a, 10, false);
    ioapic_eoi(&a, 0x60);
    assert_sends(&a, 0x60);
    assert_int_equal(entry(&a, 10) & REMOTE_IRR, 0);
    assert_int_equal(entry(&a, 20) & REMOTE_IRR, REMOTE_IRR);
}

static void test_messages(void **state)
{
    (void)state;
    struct ioapic a;
    struct apic_message message;
    for (uint32_t mode = 0; mode < 8; mode++) {
        ioapic_init(&a, 0, 0);
        route(&a, 7, 0x77 | mode << 8 | LOGICAL | LEVEL);
        reg_write(&a, 0x11 + 2 * 7, 0xa5ffffff);
        ioapic_set_pin(&a, 7, true);
        assert_true(ioapic_take_message(&a, &message));
        assert_int_equal(message.vector, 0x77);
        assert_int_equal(message.delivery, mode);
        assert_int_equal(message.destination, 0xa5);
        assert_true(message.logical);
        assert_int_equal(message.level, mode <= 1); // the others are edges whatever the bit says
        assert_int_equal(ioapic_pin_in_service(&a, 7), mode <= 1);
        assert_silent(&a);
    }
}

// --- against the second model ---------------------------------------------------------------------------------------

static uint64_t sent;

static void same_messages(struct ioapic *a)
{
    struct apic_message message;
    struct ref_ioapic_message expected;
    while (ref_ioapic_send(&expected)) {
        assert_true(ioapic_take_message(a, &message));
        assert_int_equal(message.vector, expected.vector);
        assert_int_equal(message.delivery, expected.mode);
        assert_int_equal(message.destination, expected.destination);
        assert_int_equal(message.logical, expected.logical);
        assert_int_equal(message.level, expected.level);
        sent++;
    }
    assert_silent(a);
}

static void random_operation(struct ioapic *a, uint64_t *random)
{
    unsigned pin = (unsigned)host_random_range(random, 0, IOAPIC_PINS - 1);
    uint32_t value = (uint32_t)host_random(random);
    switch (host_random_range(random, 0, 9)) {
    case 0:
    case 1:
    case 2:
        ioapic_set_pin(a, pin, value & 1);
        ref_ioapic_pin(pin, value & 1);
        break;
    case 3:
        ioapic_eoi(a, (uint8_t)(value & 7));
        ref_ioapic_eoi(value & 7);
        break;
    case 4:
        put(a, 0x40, value & 0xffffff07);
        ref_ioapic_eoi(value & 7);
        break;
    case 5:
        put(a, 0, value);
        ref_ioapic_select(value);
        break;
    case 6:
        put(a, 0x10, value);
        ref_ioapic_write(value);
        break;
    default: // few vectors and mostly unmasked, so that they meet
        value &= 0xffff0007 | (uint32_t)host_random(random);
        value &= host_random_range(random, 0, 3) ? ~MASKED & 0xfffffff7 : UINT32_MAX;
        reg_write(a, 0x10 + 2 * pin, value);
        ref_ioapic_select(0x10 + 2 * pin);
        ref_ioapic_write(value);
    }
}

static void test_model(void **state)
{
    (void)state;
    uint64_t random = 82093;
    for (unsigned run = 0; run < 400; run++) {
        struct ioapic a;
        uint32_t lines = (uint32_t)host_random(&random) & 0xffffff;
        ioapic_init(&a, 0, lines);
        ref_ioapic_start(lines);
        for (unsigned step = 0; step < 500; step++) {
            random_operation(&a, &random);
            if (host_random_range(&random, 0, 2) != 0)
                same_messages(&a);
            uint32_t index = (uint32_t)host_random_range(&random, 0, 0x42);
            ref_ioapic_select(index);
            assert_int_equal(reg_read(&a, index), ref_ioapic_read());
        }
    }
    print_message("# ioapic: %llu messages equal those of the second model\n", (unsigned long long)sent);
    assert_true(sent > 10000);
}

// Whatever is written, taking messages comes to an end at once: at most one a pin.
static void test_bounded(void **state)
{
    (void)state;
    uint64_t random = 3;
    struct ioapic a;
    ioapic_init(&a, 0, 0);
    for (unsigned step = 0; step < 200000; step++) {
        struct io_access io = { host_random_edgy(&random), host_random_edgy(&random),
                                (uint8_t)(1u << host_random_range(&random, 0, 3)), host_random(&random) & 1 };
        if (host_random(&random) & 1)
            io.offset = (host_random(&random) & 7) * 0x10;
        ioapic_ops.access(&a, &io, step);
        ioapic_set_pin(&a, (unsigned)host_random_range(&random, 0, IOAPIC_PINS - 1), host_random(&random) & 1);
        ioapic_eoi(&a, (uint8_t)host_random(&random));
        unsigned messages = 0;
        for (struct apic_message message; ioapic_take_message(&a, &message); messages++)
            ;
        assert_true(messages <= IOAPIC_PINS);
    }
}

// --- the contract's laws --------------------------------------------------------------------------------------------

static void laws_init(void *device)
{
    ioapic_init(device, 1, 0xff0000);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    *io = (struct io_access){ .offset = host_random_range(random, 0, 5) * 0x10, .size = 4 };
    io->is_write = host_random(random) & 1;
    io->value = io->offset == 0 ? host_random_range(random, 0, 0x44) : host_random(random);
}

static void laws_pins(void *device, vtime_t now, uint64_t *random)
{
    (void)now;
    unsigned pin = (unsigned)host_random_range(random, 0, IOAPIC_PINS - 1);
    ioapic_set_pin(device, pin, host_random(random) & 1);
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    (void)now;
    for (uint32_t index = 0; index < 0x40; index++)
        observation_add(seen, reg_read(device, index));
    for (struct apic_message message; ioapic_take_message(device, &message);)
        observation_add(seen, message.vector);
}

static bool every_read_is_pure(const void *device, const struct io_access *io)
{
    (void)device, (void)io;
    return true;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &ioapic_ops,
        .object_size = sizeof(struct ioapic),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_pins,
        .observe = laws_observe,
        .read_is_pure = every_read_is_pure,
        .typical_step = 1000,
        .runs = 200,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registers), cmocka_unit_test(test_other_accesses), cmocka_unit_test(test_edge),
        cmocka_unit_test(test_level),     cmocka_unit_test(test_shared_vector),  cmocka_unit_test(test_messages),
        cmocka_unit_test(test_model),     cmocka_unit_test(test_bounded),        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("ioapic", tests, NULL, NULL);
}
