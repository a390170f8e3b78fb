// SPDX-License-Identifier: MIT
// The HPET under random programs: against a tick-by-tick reference, and the laws of the device contract.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/hpet_reference.h"
#include "tools/tests/native/hpet_registers.h"

#define GHZ UINT64_C(2399987123)

struct pair {
    struct hpet hpet;
    struct ref_hpet ref;
    vtime_t now;
    uint64_t random, events, reads;
};

static void assert_lines(struct pair *p)
{
    for (unsigned i = 0; i < REF_HPET_TIMERS; i++) {
        assert_int_equal(p->hpet.timer[i].irq.rises, p->ref.timer[i].pulses);
        assert_int_equal(p->hpet.timer[i].irq.level, ref_hpet_level(&p->ref, i));
    }
}

static void run_pair(struct pair *p, vtime_t to, bool by_deadlines)
{
    while (by_deadlines && hpet_ops.next_deadline(&p->hpet) <= to) {
        vtime_t deadline = hpet_ops.next_deadline(&p->hpet);
        ref_hpet_run(&p->ref, p->now, deadline);
        hpet_ops.advance(&p->hpet, deadline);
        p->now = deadline;
        assert_lines(p);
        assert_true(p->ref.last_event == deadline);
        p->events++;
    }
    ref_hpet_run(&p->ref, p->now, to);
    hpet_ops.advance(&p->hpet, to);
    p->now = to;
    assert_lines(p);
}

static uint64_t random_value(struct pair *p, unsigned at)
{
    uint64_t dice = host_random(&p->random);
    if (at < 0x20)
        return dice % 8 == 0 ? dice >> 8 & 3 : 1 | (dice >> 8 & 2);
    if (at == 0x20)
        return dice & 7;
    if (at % 0x20 == 0 && at >= 0x100)
        return dice >> 16 & 1 ? dice & 0x17e : (dice & 0x100) | 0x4c; // periodic, edge, set-value
    if (at == 0xf0 && dice & 1)
        return (UINT64_C(1) << (dice & 2 ? 32 : 0)) - (dice >> 8 & 0xff); // near a wrap
    const struct ref_hpet_timer *timer = &p->ref.timer[(at - 0x100) / 0x20 % REF_HPET_TIMERS];
    if (timer->periodic && !timer->set_value && dice & 6)
        return dice >> 8 & 0x1ff; // a period
    return dice & 1 ? p->ref.counter + (dice >> 8 & 0x3ff) : dice & 6 ? dice >> 8 & 0xff : host_random_edgy(&p->random);
}

static void write_pair(struct pair *p)
{
    static const unsigned places[] = { 0x10, 0x10, 0x20, 0xf0, 0x100, 0x108, 0x108, 0x120, 0x128, 0x128, 0x140, 0x148 };
    uint64_t dice = host_random(&p->random);
    unsigned at = places[dice % 12], size = dice >> 8 & 3 ? 8 : 4;
    uint64_t value = random_value(p, at);
    if (size == 4 && dice >> 10 & 1)
        at += 4;
    if (size == 4)
        value = (uint32_t)value;
    out(&p->hpet, at, (uint8_t)size, value, p->now);
    ref_hpet_write(&p->ref, at, size, value);
}

static void read_pair(struct pair *p)
{
    for (unsigned at = 0; at < 0x160; at += 4) {
        unsigned size = at % 8 == 0 && host_random(&p->random) & 1 ? 8 : 4;
        uint64_t is = in(&p->hpet, at, (uint8_t)size, p->now), must = ref_hpet_read(&p->ref, at, size);
        if (is != must)
            fail_msg("%#x at V %llu: %#llx, reference %#llx", at, (unsigned long long)p->now, (unsigned long long)is,
                     (unsigned long long)must);
        p->reads++;
    }
}

static void test_reference(void **state)
{
    static const uint64_t rates[] = { 10000000, 10000019, 33333333, 1000000000, GHZ };
    struct pair p = { .random = 3 };
    (void)state;
    for (unsigned run = 0; run < 1200; run++) {
        uint64_t hz = rates[run % 5];
        p.now = 0;
        hpet_init(&p.hpet, hz);
        ref_hpet_init(&p.ref, hz);
        for (unsigned step = 0; step < 100; step++) {
            for (uint64_t writes = host_random_range(&p.random, 0, 4); writes > 0; writes--)
                write_pair(&p);
            assert_lines(&p);
            uint64_t ticks = host_random_range(&p.random, 0, step % 4 ? 300 : 5000);
            run_pair(&p, p.now + ticks * hz / 10000000 + host_random_range(&p.random, 0, hz / 10000000), step & 1);
            read_pair(&p);
        }
    }
    assert_true(p.events > 10000);
    print_message("# hpet: %llu reads and %llu events like the reference\n", (unsigned long long)p.reads,
                  (unsigned long long)p.events);
}

// --- the laws -------------------------------------------------------------------------------------------------------

static void laws_init(void *device)
{
    hpet_init(device, 1000000007);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    static const unsigned places[] = { 0x0, 0x10, 0x10, 0x20, 0xf0, 0x100, 0x108, 0x108, 0x120, 0x128, 0x140, 0x148 };
    uint64_t dice = host_random(random);
    io->offset = places[dice % 12] + (dice >> 8 & 1 ? 4 * (dice >> 9 & 1) : 0);
    io->size = (uint8_t)(dice >> 10 & 1 ? 8 : dice >> 11 & 15 ? 4 : 2);
    io->is_write = dice >> 16 & 1;
    io->value = host_random_edgy(random);
    if (io->offset == 0x10 && dice >> 17 & 7)
        io->value |= 1;
    if (io->offset >= 0x108 && dice >> 20 & 1)
        io->value &= 0xfffff;
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    for (unsigned at = 0; at < 0x160; at += 8)
        observation_add(seen, in(device, at, 8, now));
    for (unsigned i = 0; i < HPET_TIMERS; i++)
        observation_add(seen, hpet_line(device, i));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    const struct hpet *hpet = device;
    return index < HPET_TIMERS ? &hpet->timer[index].irq : NULL;
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
        .ops = &hpet_ops,
        .object_size = sizeof(struct hpet),
        .init = laws_init,
        .random_access = laws_access,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 100000,
        .runs = 500,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("hpet_reference", tests, NULL, NULL);
}
