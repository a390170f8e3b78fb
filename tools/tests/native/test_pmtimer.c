// SPDX-License-Identifier: MIT
// The ACPI PM block: a count that carries its remainders over days, roll-over to the tick, TMR_STS and SCI at their V,
// the registers at every width, power-off, and the laws of the device contract.
#include "devices/pmtimer.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/ports.h"

#define GHZ UINT64_C(2399987123)

static uint64_t in(struct pmtimer *pm, uint64_t port, uint8_t size, vtime_t now)
{
    return port_in(&pmtimer_ops, pm, port, size, now);
}

static void out(struct pmtimer *pm, uint64_t port, uint8_t size, uint64_t value, vtime_t now)
{
    port_out(&pmtimer_ops, pm, port, size, value, now);
}

// The V at which the counter steps to `ticks`.
static vtime_t tick_at(uint64_t ticks, uint64_t hz)
{
    return (vtime_t)(((unsigned __int128)ticks * hz + 3579544) / 3579545);
}

// Three days, read at random distances of up to a few seconds. The deltas of a 24-bit clock, added up as a guest's
// clocksource does, are the true count: no fraction is lost anywhere.
static void test_remainder(void **state)
{
    (void)state;
    struct pmtimer pm;
    uint64_t random = 3, sum = 0, last = 0, reads = 0;
    vtime_t now = 0;
    pmtimer_init(&pm, GHZ);
    while (now < GHZ * 86400 * 3) {
        now += host_random_range(&random, 0, GHZ * 4);
        uint64_t count = in(&pm, 0x608, 4, now);
        sum += (count - last) & 0xffffff;
        last = count;
        reads++;
        assert_int_equal(sum, (uint64_t)((unsigned __int128)now * 3579545 / GHZ));
    }
    print_message("# pmtimer: %llu reads over 3 days of V sum up to %llu ticks, 0 lost\n", (unsigned long long)reads,
                  (unsigned long long)sum);
}

static void test_roll_over(void **state)
{
    (void)state;
    struct pmtimer pm;
    pmtimer_init(&pm, GHZ);
    for (uint64_t turn = 1; turn <= 1000; turn++) {
        vtime_t zero = tick_at(turn << 24, GHZ);
        assert_int_equal(in(&pm, 0x608, 4, tick_at((turn << 24) - 1, GHZ) - 1), 0xfffffe);
        assert_int_equal(in(&pm, 0x608, 4, zero - 1), 0xffffff);
        assert_int_equal(in(&pm, 0x608, 4, zero), 0);
        assert_int_equal(in(&pm, 0x60b, 1, zero), 0); // 24 bits
    }
}

// TMR_STS and SCI rise when bit 23 changes, in both directions, and not one cycle earlier.
static void test_status(void **state)
{
    (void)state;
    struct pmtimer pm;
    pmtimer_init(&pm, GHZ);
    assert_int_equal(pmtimer_ops.next_deadline(&pm), TIME_NEVER); // not enabled
    out(&pm, 0x602, 2, 1, 0);
    for (uint64_t half = 1; half <= 1000; half++) {
        vtime_t due = tick_at(half << 23, GHZ);
        assert_int_equal(pmtimer_ops.next_deadline(&pm), due);
        pmtimer_ops.advance(&pm, due - 1);
        assert_int_equal(in(&pm, 0x600, 2, due - 1), 0);
        assert_int_equal(pm.sci.level, 0);
        pmtimer_ops.advance(&pm, due);
        assert_int_equal(pm.sci.level, 1);
        assert_int_equal(irq_line_take_rises(&pm.sci), 1);
        assert_int_equal(pmtimer_ops.next_deadline(&pm), TIME_NEVER); // level: stays until cleared
        out(&pm, 0x600, 2, 0, due + 1);                               // writing 0 clears nothing
        assert_int_equal(in(&pm, 0x600, 2, due + 1), 1);
        out(&pm, 0x600, 2, 1, due + 2);
        assert_int_equal(in(&pm, 0x600, 2, due + 2), 0);
        assert_int_equal(pm.sci.level, 0);
    }
    out(&pm, 0x602, 2, 0, tick_at(UINT64_C(1000) << 23, GHZ) + 2);
    vtime_t later = tick_at(UINT64_C(1001) << 23, GHZ);
    assert_int_equal(in(&pm, 0x600, 2, later), 1); // status without enable
    assert_int_equal(pm.sci.level, 0);
    out(&pm, 0x602, 2, 1, later);
    assert_int_equal(pm.sci.level, 1);
}

static void test_registers(void **state)
{
    (void)state;
    struct pmtimer pm;
    pmtimer_init(&pm, 3579545);
    assert_int_equal(in(&pm, 0x608, 4, 0xabcdef), 0xabcdef);
    assert_int_equal(in(&pm, 0x608, 1, 0xabcdef), 0xef);
    assert_int_equal(in(&pm, 0x609, 2, 0xabcdef), 0xabcd);
    out(&pm, 0x608, 4, 0, 0xabcdef); // read-only
    assert_int_equal(in(&pm, 0x608, 4, 0xabcdef), 0xabcdef);
    out(&pm, 0x602, 2, 0xffff, 0xabcdef);
    assert_int_equal(in(&pm, 0x600, 4, 0xabcdef), 0x07210001);
    out(&pm, 0x603, 1, 0, 0xabcdef);
    assert_int_equal(in(&pm, 0x602, 2, 0xabcdef), 0x0021);
    assert_int_equal(in(&pm, 0x604, 2, 0xabcdef), 1); // SCI_EN
    assert_int_equal(in(&pm, 0x60f, 4, 0xabcdef), 0xffffff00);
    assert_int_equal(port_result(&pmtimer_ops, &pm, 0x610, 4), IO_UNCLAIMED);
}

static void test_power_off(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 8; type++) {
        struct pmtimer pm;
        pmtimer_init(&pm, GHZ);
        out(&pm, 0x604, 2, type << 10 | 1, 0);
        assert_int_equal(in(&pm, 0x604, 2, 0), type << 10 | 1);
        assert_false(pmtimer_power_off(&pm));
        out(&pm, 0x604, 2, type << 10 | 0x2001, 0);
        assert_int_equal(in(&pm, 0x604, 2, 0), type << 10 | 1); // SLP_EN is write-only
        assert_int_equal(pmtimer_power_off(&pm), type == 0 || type == 5);
    }
}

static void laws_init(void *device)
{
    pmtimer_init(device, GHZ);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    uint64_t dice = host_random(random);
    io->offset = PMTIMER_PORT + (dice & 15);
    io->is_write = dice & 0x100;
    io->value = dice >> 32 & (dice & 0x200 ? 0x00010001 : 0xffffffff);
    io->size = (uint8_t)(1 << (dice >> 16) % 3);
    if (io->offset == PMTIMER_PORT && dice & 0x400)
        io->value |= 0x10001; // enabled and cleared together
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    for (uint64_t i = 0; i < 16; i += 4)
        observation_add(seen, in(device, PMTIMER_PORT + i, 4, now));
    observation_add(seen, pmtimer_power_off(device));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    const struct pmtimer *pm = device;
    return index == 0 ? &pm->sci : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    (void)io;
    return true;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &pmtimer_ops,
        .object_size = sizeof(struct pmtimer),
        .init = laws_init,
        .random_access = laws_access,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 670 << 15,
        .runs = 500,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remainder), cmocka_unit_test(test_roll_over), cmocka_unit_test(test_status),
        cmocka_unit_test(test_registers), cmocka_unit_test(test_power_off), cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("pmtimer", tests, NULL, NULL);
}
