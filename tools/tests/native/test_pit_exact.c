// SPDX-License-Identifier: MIT
// The 8254 over long runs: the exactness of a million ticks (M7), of a day, and of a hundred thousand read-backs (M11),
// and the laws of the device contract.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/pit_ports.h"
#include "tools/tests/native/pit_reference.h"

static vtime_t edge_at(vtime_t origin, uint64_t k, uint64_t count, uint64_t hz)
{
    unsigned __int128 product = (unsigned __int128)k * count * hz + PIT_HZ - 1;
    return origin + (vtime_t)(product / PIT_HZ);
}

// M7: each of 10^6 ticks at its own V exactly, however the machine gets there.
static void test_million_ticks(void **state)
{
    (void)state;
    uint64_t random = 7, hz = 2399987123, count = 1193, k = 0;
    vtime_t now = 987654321;
    struct pit pit;
    pit_init(&pit, hz);
    program(&pit, 0, 2, (uint16_t)count, now);
    vtime_t origin = now;
    while (k < 1000000) {
        assert_int_equal(pit_ops.next_deadline(&pit), edge_at(origin, k + 1, count, hz));
        uint64_t jump = host_random(&random) % 8 ? 1 : host_random_range(&random, 1, 40);
        now = edge_at(origin, k + jump, count, hz);
        pit_ops.advance(&pit, now - 1);
        assert_int_equal(irq_line_take_rises(&pit.irq0), jump - 1);
        pit_ops.advance(&pit, now);
        assert_int_equal(irq_line_take_rises(&pit.irq0), 1);
        k += jump;
        pit_ops.advance(&pit, now + host_random_range(&random, 0, 2000));
        assert_int_equal(pit.irq0.rises, 0);
    }
    print_message("# pit: M7: %llu ticks, 0 lost, 0 doubled, each at origin + ceil(k * N * hz / 1193182)\n",
                  (unsigned long long)k);
}

// A day at the slowest rate: as many edges as exact arithmetic says, and one alone at each jump's end.
static void test_one_day(void **state)
{
    (void)state;
    uint64_t hz = 3000000000, edges = 0;
    struct pit pit;
    pit_init(&pit, hz);
    program(&pit, 0, 3, 0, 0);
    for (uint64_t second = 1; second <= 86400; second++) {
        pit_ops.advance(&pit, second * hz);
        edges += irq_line_take_rises(&pit.irq0);
    }
    assert_int_equal(edges, UINT64_C(86400) * PIT_HZ / 65536);
    pit_ops.advance(&pit, TIME_NEVER - 1); // two centuries at once
    assert_true(pit_ops.next_deadline(&pit) > TIME_NEVER - 1);
    print_message("# pit: one day of V in steps of 1 s: %llu edges, exact\n", (unsigned long long)edges);
}

// M11: read-back against the pulse-by-pulse chip at random V.
static void test_read_back_points(void **state)
{
    (void)state;
    uint64_t random = 11, points = 0;
    for (unsigned mode = 0; mode < 6; mode++) {
        struct pit pit;
        struct ref_pit_channel ref;
        vtime_t now = 0;
        pit_init(&pit, 2399987123);
        ref_pit_init(&ref, 2399987123, true);
        program(&pit, 0, mode, 50001, 0);
        ref_pit_control(&ref, (uint8_t)(0x30 | mode << 1), 0);
        ref_pit_write(&ref, 50001 & 0xff, 0);
        ref_pit_write(&ref, 50001 >> 8, 0);
        for (unsigned i = 0; i < 17000; i++, points++) {
            uint64_t by = host_random_range(&random, 0, 60000);
            ref_pit_run(&ref, now, now + by);
            now += by;
            out_port(&pit, 0x43, 0xc2, now);
            ref_pit_latch_status(&ref);
            ref_pit_latch_count(&ref);
            for (unsigned byte = 0; byte < 3; byte++)
                assert_int_equal(in_port(&pit, 0x40, now), ref_pit_read(&ref));
        }
    }
    print_message("# pit: M11: %llu read-backs (status and count), 0 differences\n", (unsigned long long)points);
}

static void laws_init(void *device)
{
    pit_init(device, 2399987123);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    uint64_t dice = host_random(random);
    io->offset = PIT_PORT + (dice & 3);
    io->is_write = dice & 4;
    io->value = dice & 8 ? dice >> 32 & 7 : dice >> 32 & 0xff;
    io->size = (uint8_t)(dice & 0xf0 ? 1 : 1 << (dice >> 8 & 3));
}

// GATE of channel 2, behind its own port.
static void laws_gate(void *device, vtime_t now, uint64_t *random)
{
    out_port(device, PORT61_PORT, (uint8_t)host_random(random), now);
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    observation_add(seen, in_port(device, PORT61_PORT, now));
    observation_add(seen, pit_irq_period_cycles(device));
    for (uint16_t i = 0; i < 15; i++)
        observation_add(seen, in_port(device, PIT_PORT + i % 3, now)); // latches, then the running counts
    out_port(device, 0x43, 0xee, now);
    for (uint16_t i = 0; i < 3; i++)
        observation_add(seen, in_port(device, PIT_PORT + i, now));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    const struct pit *pit = device;
    return index == 0 ? &pit->irq0 : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    const struct pit *pit = device;
    if (io->offset == 0x43 || io->size != 1)
        return io->size == 1;
    uint64_t i = io->offset - PIT_PORT;
    bool two_bytes = (pit->channel[i].control & 0x30) == 0x30 || (pit->channel[i].control & 0x30) == 0;
    return !two_bytes && !pit->port[i].count_latched && !pit->port[i].status_latched;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &pit_ops,
        .object_size = sizeof(struct pit),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_gate,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 2012,
        .runs = 600,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_back_points),
        cmocka_unit_test(test_million_ticks),
        cmocka_unit_test(test_one_day),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("pit_exact", tests, NULL, NULL);
}
