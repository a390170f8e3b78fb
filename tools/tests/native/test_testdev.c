// SPDX-License-Identifier: MIT
// The test device: what is written comes back, byte for byte as a plain array would give it; lines; nothing without on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "devices/testdev.h"
#include "tools/tests/native/host.h"

#define ROUNDS 200000u

static struct testdev testdev;

static enum io_result port(uint16_t at, uint8_t size, bool is_write, uint64_t *value)
{
    struct io_access io = { .offset = at, .size = size, .is_write = is_write, .value = *value };
    enum io_result result = testdev_port_ops.access(&testdev, &io, 0);
    *value = io.value;
    return result;
}

static enum io_result memory(uint64_t at, uint8_t size, bool is_write, uint64_t *value)
{
    struct io_access io = { .offset = at, .size = size, .is_write = is_write, .value = *value };
    enum io_result result = testdev_memory_ops.access(&testdev, &io, 0);
    *value = io.value;
    return result;
}

static uint64_t cut(uint64_t value, uint8_t size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

// Against two arrays of bytes.
static void test_echo(void **state)
{
    (void)state;
    static uint8_t ram[TESTDEV_MMIO_BYTES];
    uint8_t reg[8] = { 0 };
    uint64_t rng = 5;
    testdev_init(&testdev, true);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t size = (uint8_t)(1u << host_random_range(&rng, 0, 3));
        uint64_t value = host_random_range(&rng, 0, UINT64_MAX - 1), expected = 0, read = 0;
        bool is_write = host_random_range(&rng, 0, 1) != 0;
        uint64_t at = host_random_range(&rng, 0, TESTDEV_MMIO_BYTES + 8);
        bool inside = at + size <= TESTDEV_MMIO_BYTES;
        read = value;
        assert_int_equal(memory(at, size, is_write, &read), inside ? IO_OK : IO_UNCLAIMED);
        if (inside && is_write)
            memcpy(ram + at, &value, size);
        else if (inside) {
            memcpy(&expected, ram + at, size);
            assert_true(cut(read, size) == expected);
        }
        if (size == 8)
            continue;
        unsigned offset = (unsigned)host_random_range(&rng, 0, 3);
        read = cut(value, size);
        if (i % 2 != 0) { // by the other port
            offset = 0;
            assert_int_equal(port((uint16_t)(TESTDEV_PORT + 8), size, is_write, &read), IO_OK);
        } else {
            assert_int_equal(port((uint16_t)(TESTDEV_PORT + offset), size, is_write, &read), IO_OK);
        }
        if (is_write) {
            memcpy(reg + offset, &value, size);
            memset(reg + 4, 0, 4); // what is beyond the register is lost
        } else {
            expected = 0;
            memcpy(&expected, reg + offset, size);
            assert_true(cut(read, size) == expected);
        }
    }
}

static void test_lines(void **state)
{
    (void)state;
    testdev_init(&testdev, true);
    for (unsigned line = 0; line < TESTDEV_LINES; line++) {
        uint64_t one = 0x10, none = 0, value = 0;
        assert_int_equal(port((uint16_t)(TESTDEV_LINE_PORT + line), 1, true, &one), IO_OK);
        assert_int_equal(testdev.levels, UINT32_C(1) << line);
        assert_int_equal(port((uint16_t)(TESTDEV_LINE_PORT + line), 4, true, &none), IO_OK);
        assert_int_equal(testdev.levels, 0);
        assert_int_equal(port((uint16_t)(TESTDEV_LINE_PORT + line), 1, false, &value), IO_UNCLAIMED);
    }
}

static void test_off(void **state)
{
    (void)state;
    testdev_init(&testdev, false);
    uint64_t value = 1;
    assert_int_equal(port(TESTDEV_PORT, 1, true, &value), IO_UNCLAIMED);
    assert_int_equal(port(TESTDEV_LINE_PORT + 5, 1, true, &value), IO_UNCLAIMED);
    assert_int_equal(memory(0, 4, true, &value), IO_UNCLAIMED);
    assert_int_equal(testdev.levels | testdev.reg | testdev.memory[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
