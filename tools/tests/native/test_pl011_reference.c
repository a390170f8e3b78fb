// SPDX-License-Identifier: MIT
// The PL011 under random programs: against a cycle-by-cycle reference, and the laws of the device contract.
#include <string.h>

#include "devices/pl011.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/pl011_reference.h"
#include "tools/tests/native/primecell.h"

static const unsigned offsets[] = { 0x00, 0x00, 0x00, 0x04, 0x18, 0x20, 0x24, 0x28, 0x2c, 0x30,
                                    0x34, 0x38, 0x38, 0x3c, 0x40, 0x44, 0x44, 0x48, 0x80, 0x1c };
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

// Values that do something: mostly enabled, short bit times, a FIFO half of the time.
static uint32_t random_value(uint64_t *random, unsigned offset)
{
    uint64_t dice = host_random(random);
    uint32_t value = (uint32_t)(dice >> 32);
    switch (offset) {
    case 0x24: return value & 3;
    case 0x2c: return dice & 7 ? 0x70 : value;
    case 0x30: return (dice & 7 ? 0x301 : value) | (dice & 0x30 ? 0 : 0x80) | (value & 0x3c00);
    case 0x38: return dice & 3 ? value | 0x50 : value;
    case 0x44: return dice & 1 ? value : 1u << (dice >> 8 & 15);
    default: return value;
    }
}

struct pair {
    struct pl011 uart;
    struct ref_pl011 ref;
    vtime_t now, deadline;
    uint64_t random, accesses, timeouts, bytes;
};

static void compare(struct pair *p)
{
    uint8_t byte;
    while (p->ref.out.count > 0) {
        assert_true(pl011_take_tx(&p->uart, &byte));
        assert_int_equal(byte, p->ref.out.byte[0]);
        memmove(p->ref.out.byte, p->ref.out.byte + 1, 31);
        p->ref.out.count--;
        p->bytes++;
    }
    assert_false(pl011_take_tx(&p->uart, &byte));
    struct pl011 copy = p->uart;
    for (unsigned offset = 4; offset < 0x4c; offset += 4)
        assert_int_equal(cell_read(&pl011_ops, &copy, offset, p->now), ref_pl011_read(&p->ref, offset));
    assert_int_equal(p->uart.irq.level, ref_pl011_line(&p->ref));
}

static void random_access(struct pair *p)
{
    unsigned offset = offsets[host_random(&p->random) % OFFSETS];
    uint32_t value = random_value(&p->random, offset);
    if (host_random(&p->random) & 1) {
        cell_write(&pl011_ops, &p->uart, offset, value, p->now);
        ref_pl011_write(&p->ref, offset, value);
    } else {
        assert_int_equal(cell_read(&pl011_ops, &p->uart, offset, p->now), ref_pl011_read(&p->ref, offset));
    }
    p->accesses++;
}

static void random_input(struct pair *p)
{
    pl011_ops.advance(&p->uart, p->now);
    for (uint64_t n = host_random_range(&p->random, 1, 20); n > 0; n--)
        assert_int_equal(pl011_push_rx(&p->uart, (uint8_t)(n * 7)), ref_pl011_push(&p->ref, (uint8_t)(n * 7)));
}

// Between accesses only the receive timeout can raise the line, and it does so at the deadline, at no other cycle.
static void one_cycle(struct pair *p)
{
    bool was_up = ref_pl011_line(&p->ref);
    p->now++;
    ref_pl011_cycle(&p->ref);
    bool up = ref_pl011_line(&p->ref);
    assert_true(up == was_up || p->now == p->deadline);
    assert_true(p->now < p->deadline || p->ref.interrupt[REF_RT] == true);
    p->timeouts += up != was_up;
    uint64_t dice = host_random(&p->random) & 127;
    if (dice < 3)
        random_access(p);
    if (dice == 3)
        random_input(p);
    if (dice < 5) {
        pl011_ops.advance(&p->uart, p->now);
        compare(p);
    }
    p->deadline = pl011_ops.next_deadline(&p->uart);
}

static void test_against_the_reference(void **state)
{
    (void)state;
    static const uint64_t rates[] = { 1000000, 3000000, 999983, 62500 };
    static struct pair p;
    uint64_t accesses = 0, timeouts = 0, bytes = 0;
    for (unsigned run = 0; run < 200; run++) {
        p = (struct pair){ .random = 900 + run, .deadline = TIME_NEVER };
        pl011_init(&p.uart, rates[run % 4]);
        ref_pl011_init(&p.ref, rates[run % 4]);
        while (p.now < 20000)
            one_cycle(&p);
        accesses += p.accesses;
        timeouts += p.timeouts;
        bytes += p.bytes;
    }
    assert_true(timeouts > 500 && bytes > 1000);
    print_message("# pl011: %llu accesses alike, %llu timeouts at their cycle, %llu bytes out\n",
                  (unsigned long long)accesses, (unsigned long long)timeouts, (unsigned long long)bytes);
}

// --- the laws --------------------------------------------------------------------------------------------------------

static void laws_init(void *device)
{
    pl011_init(device, UINT64_C(1000000000));
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    unsigned offset = offsets[host_random(random) % OFFSETS];
    io->size = (uint8_t)(1u << host_random_range(random, 0, 3));
    io->offset = offset + (host_random(random) & 15 ? 0 : host_random(random) & 7);
    io->is_write = host_random(random) & 1;
    io->value = random_value(random, offset);
}

static void laws_stimulate(void *device, vtime_t now, uint64_t *random)
{
    uint8_t byte = (uint8_t)host_random(random);
    uint64_t count = host_random_range(random, 1, 20);
    pl011_ops.advance(device, now);
    for (uint64_t i = 0; i < count; i++)
        pl011_push_rx(device, byte);
    while (pl011_take_tx(device, &byte))
        ;
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct pl011 *uart = device;
    for (unsigned offset = 4; offset < 0x4c; offset += 4)
        observation_add(seen, cell_read(&pl011_ops, uart, offset, now));
    observation_add(seen, uart->tx.count);
    observation_add(seen, uart->divisor);
    for (unsigned i = 0; i <= PL011_FIFO; i++)
        observation_add(seen, cell_read(&pl011_ops, uart, 0, now));
    observation_add(seen, cell_read(&pl011_ops, uart, 0x3c, now));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    return index == 0 ? &((const struct pl011 *)device)->irq : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return io->offset >= 4;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &pl011_ops,
        .object_size = sizeof(struct pl011),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_stimulate,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 21334, // 32 bits at a divisor of 1
        .runs = 50,
        .steps = 2000,
        .seed = 79,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_reference),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("pl011 reference", tests, NULL, NULL);
}
