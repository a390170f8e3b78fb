// SPDX-License-Identifier: MIT
// Keyboard controller and keyboard: commands as drivers use them, keys that wait, the interrupt lines, the ways to
// reset; a guest that writes anything; the laws of the device contract.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/i8042_ports.h"

#define TESTED  0x04
#define COMMAND 0x08
#define AUX     0x20
#define TIMEOUT 0x40

static struct i8042 d;

// As Linux finds a controller (drivers/input/serio/i8042.c): flush, self-test, both ports, the second one's loop.
static void test_probe(void **state)
{
    (void)state;
    i8042_init(&d);
    assert_int_equal(in(&d, 0x64), 0x10 | TESTED);
    out(&d, 0x64, 0x20);
    READS(&d, 0x65);
    out(&d, 0x64, 0x60);
    out(&d, 0x60, 0x70);
    out(&d, 0x64, 0x20);
    READS(&d, 0x70);
    assert_int_equal(in(&d, 0x64) & TESTED, 0);
    out(&d, 0x64, 0xaa);
    assert_int_equal(in(&d, 0x64) & (TESTED | COMMAND), TESTED | COMMAND);
    READS(&d, 0x55);
    out(&d, 0x64, 0xab);
    READS(&d, 0x00);
    out(&d, 0x64, 0xa9);
    READS(&d, 0x00);
    out(&d, 0x64, 0xa7);
    out(&d, 0x64, 0x20);
    READS(&d, 0x74);
    out(&d, 0x64, 0xa8);
    out(&d, 0x64, 0x20);
    READS(&d, 0x54);
    out(&d, 0x64, 0xd3);
    out(&d, 0x60, 0x5a);
    assert_int_equal(in(&d, 0x64) & (FULL | AUX | TIMEOUT), FULL | AUX);
    READS(&d, 0x5a);
    out(&d, 0x64, 0xd4);
    out(&d, 0x60, 0xf2); // nobody is there
    assert_int_equal(in(&d, 0x64) & (FULL | AUX | TIMEOUT), FULL | AUX | TIMEOUT);
    READS(&d, 0xfe);
    out(&d, 0x64, 0xd2);
    out(&d, 0x60, 0x77);
    assert_int_equal(in(&d, 0x64) & (FULL | AUX), FULL);
    READS(&d, 0x77);
    out(&d, 0x64, 0xc0);
    READS(&d, 0x80);
    out(&d, 0x64, 0xa4);
    READS(&d, 0xf1);
}

static void test_keyboard_commands(void **state)
{
    (void)state;
    i8042_init(&d);
    out(&d, 0x60, 0xff);
    READS(&d, 0xfa, 0xaa);
    out(&d, 0x60, 0xf2);
    READS(&d, 0xfa, 0xab, 0x41); // translated
    out(&d, 0x60, 0xed);
    READS(&d, 0xfa);
    out(&d, 0x60, 0x07);
    READS(&d, 0xfa);
    out(&d, 0x60, 0xf3);
    READS(&d, 0xfa);
    out(&d, 0x60, 0xf4); // a command where its parameter should be
    READS(&d, 0xfa);
    out(&d, 0x60, 0xee);
    READS(&d, 0xee);
    out(&d, 0x60, 0xfe);
    READS(&d, 0xee);
    out(&d, 0x60, 0x12);
    READS(&d, 0xfe);
    out(&d, 0x60, 0xf0);
    READS(&d, 0xfa);
    out(&d, 0x60, 0x03);
    READS(&d, 0xfe); // it has no set 3
    out(&d, 0x64, 0x60);
    out(&d, 0x60, 0x04);
    out(&d, 0x60, 0xf2);
    READS(&d, 0xfa, 0xab, 0x83);
    out(&d, 0x60, 0xf0);
    READS(&d, 0xfa);
    out(&d, 0x60, 0x00);
    READS(&d, 0xfa, 0x02);
    out(&d, 0x60, 0xf5);
    READS(&d, 0xfa);
    const struct key a = { .code = 0x1e };
    assert_true(i8042_press(&d, &a)); // swallowed
    assert_int_equal(in(&d, 0x64) & FULL, 0);
    out(&d, 0x60, 0xf4);
    READS(&d, 0xfa);
    assert_true(i8042_press(&d, &a));
    READS(&d, 0x1c, 0xf0, 0x1c);
}

// A key waits while its port is off, and when there is no room it is not pressed at all, never by half.
static void test_waiting(void **state)
{
    const struct key a = { .code = 0x1e, .held = KEY_CODE_SHIFT };
    unsigned pressed = 0;
    (void)state;
    i8042_init(&d);
    out(&d, 0x64, 0xad);
    while (i8042_press(&d, &a) && pressed < 100)
        pressed++;
    assert_int_equal(pressed, 2); // of 6 bytes each; a third would fill 18
    assert_int_equal(in(&d, 0x64) & FULL, 0);
    out(&d, 0x64, 0xae);
    READS(&d, 0x2a, 0x1e, 0x9e, 0xaa, 0x2a, 0x1e, 0x9e, 0xaa);
    assert_true(i8042_press(&d, &a));
}

static void test_lines(void **state)
{
    const struct key a = { .code = 0x1e };
    (void)state;
    i8042_init(&d);
    i8042_press(&d, &a);
    assert_true(d.irq.level == 1 && irq_line_take_rises(&d.irq) == 1);
    assert_int_equal(in(&d, 0x60), 0x1e);
    assert_true(d.irq.level == 1 && irq_line_take_rises(&d.irq) == 1); // low between the two bytes
    assert_int_equal(in(&d, 0x60), 0x9e);
    assert_true(d.irq.level == 0 && d.irq.rises == 0);
    out(&d, 0x64, 0x60);
    out(&d, 0x60, 0x46);
    out(&d, 0x64, 0xd3);
    out(&d, 0x60, 0x01);
    assert_true(d.irq.level == 0 && d.aux_irq.level == 1);
    READS(&d, 0x01);
    assert_int_equal(d.aux_irq.level, 0);
    i8042_press(&d, &a);
    assert_int_equal(d.irq.level, 0); // its interrupt is off
    READS(&d, 0x1e, 0x9e);
}

static void test_reset(void **state)
{
    (void)state;
    for (unsigned command = 0xf0; command < 0x100; command++) {
        i8042_init(&d);
        out(&d, 0x64, (uint8_t)command);
        assert_int_equal(d.reset, command % 2 == 0);
    }
    i8042_init(&d);
    out(&d, 0x64, 0xd0);
    READS(&d, 0x03);
    out(&d, 0x64, 0xd1);
    out(&d, 0x60, 0x01); // A20 off, which it never is
    assert_false(d.reset);
    out(&d, 0x64, 0xd0);
    READS(&d, 0x01);
    out(&d, 0x64, 0xd1);
    out(&d, 0x60, 0x02);
    assert_true(d.reset);
}

// A guest that writes anything, for ever, while somebody types: always an answer, and no end of it that is not read.
static void test_flood(void **state)
{
    uint64_t random = 3;
    (void)state;
    i8042_init(&d);
    for (unsigned i = 0; i < 1000000; i++) {
        const struct key key = { .code = (uint8_t)host_random_range(&random, 1, 0x58), .extended = i % 3 == 0 };
        switch (host_random_range(&random, 0, 3)) {
        case 0: out(&d, 0x60, (uint8_t)host_random(&random)); break;
        case 1: out(&d, 0x64, (uint8_t)host_random(&random)); break;
        case 2: i8042_press(&d, &key); break;
        default: in(&d, 0x60); break;
        }
        assert_true(d.keyboard.count <= KEYBOARD_BUFFER && d.keyboard.first < KEYBOARD_BUFFER);
    }
    unsigned left = 0;
    while ((in(&d, 0x64) & FULL) != 0) {
        in(&d, 0x60);
        left++;
    }
    assert_true(left <= KEYBOARD_BUFFER + 2);
}

// --- laws -----------------------------------------------------------------------------------------------------------

static void start(void *device)
{
    i8042_init(device);
}

static void random_access(uint64_t *random, struct io_access *io)
{
    io->offset = host_random_range(random, 0, 1) != 0 ? 0x60 : 0x64;
    io->size = (uint8_t)(1u << host_random_range(random, 0, 2));
    io->is_write = host_random_range(random, 0, 1) != 0;
    io->value = host_random(random);
}

static void stimulate(void *device, vtime_t now, uint64_t *random)
{
    const struct key key = { .code = (uint8_t)host_random_range(random, 1, 0x58) };
    (void)now;
    i8042_press(device, &key);
}

static bool is_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return io->offset == 0x64 && io->size == 1;
}

static void observe(void *device, vtime_t now, struct observation *seen)
{
    for (unsigned i = 0; i < 2 * KEYBOARD_BUFFER; i++)
        for (uint64_t port = 0x64; port >= 0x60; port -= 4)
            observation_add(seen, port_in(&i8042_ops, device, port, 1, now));
}

static const struct irq_line *line(const void *device, unsigned index)
{
    const struct i8042 *i8042 = device;
    return index == 0 ? &i8042->irq : index == 1 ? &i8042->aux_irq : NULL;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &i8042_ops,
        .object_size = sizeof(struct i8042),
        .init = start,
        .random_access = random_access,
        .stimulate = stimulate,
        .observe = observe,
        .line = line,
        .read_is_pure = is_pure,
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
        cmocka_unit_test(test_probe), cmocka_unit_test(test_keyboard_commands), cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_lines), cmocka_unit_test(test_reset),             cmocka_unit_test(test_flood),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
