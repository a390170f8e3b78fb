// SPDX-License-Identifier: MIT
// The RTC under random programs: against a tick-by-tick reference chip, and the laws of the device contract.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/rtc_ports.h"
#include "tools/tests/native/rtc_reference.h"

#define GHZ   UINT64_C(2399987123)
#define MIB   (UINT64_C(1) << 20)
#define START 1767225600 // 2026-01-01

struct pair {
    struct rtc rtc;
    struct ref_rtc ref;
    vtime_t now;
    uint64_t random, edges, reads;
};

static void compare_register(struct pair *p, uint8_t index)
{
    p->ref.index = index;
    unsigned is = get(&p->rtc, index, p->now), must = ref_rtc_read(&p->ref, p->now);
    if (is != must)
        fail_msg("register %#x at V %llu: %#x, reference %#x", index, (unsigned long long)p->now, is, must);
    p->reads++;
}

static void run_pair(struct pair *p, vtime_t to, bool by_deadlines)
{
    while (by_deadlines && rtc_ops.next_deadline(&p->rtc) <= to) {
        vtime_t deadline = rtc_ops.next_deadline(&p->rtc);
        ref_rtc_run(&p->ref, p->now, deadline);
        rtc_ops.advance(&p->rtc, deadline);
        assert_int_equal(p->rtc.irq.rises, p->ref.rises);
        assert_true(p->ref.last_rise == deadline);
        p->now = deadline;
        p->edges++;
        if (host_random(&p->random) & 0xfff)
            compare_register(p, 12); // which makes room for the next
    }
    ref_rtc_run(&p->ref, p->now, to);
    rtc_ops.advance(&p->rtc, to);
    p->now = to;
    assert_int_equal(p->rtc.irq.rises, p->ref.rises);
    assert_int_equal(p->rtc.irq.level, p->ref.irq);
}

static void write_pair(struct pair *p)
{
    static const uint8_t indices[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 11, 11, 11, 12, 13, 0x32, 0x40 };
    uint64_t dice = host_random(&p->random);
    uint8_t index = indices[dice % sizeof(indices)], value = (uint8_t)(dice >> 8);
    if (index == 10 && dice & 1 << 16)
        value = (uint8_t)(0x20 | (value & 15));
    if (index == 11 && dice & 3 << 16)
        value &= 0x7f;
    if (index < 10 && dice & 1 << 16)
        value = (uint8_t)(value & 1 ? 0x59 : value & 2 ? 0x11 : 0xff);
    p->ref.index = index;
    put(&p->rtc, index, value, p->now);
    ref_rtc_write(&p->ref, value, p->now);
}

static uint64_t random_distance(struct pair *p)
{
    uint64_t hz = p->ref.hz, dice = host_random(&p->random);
    switch (dice % 5) {
    case 0: return 0;
    case 1: return host_random_range(&p->random, 0, hz / 4096);
    case 2: return host_random_range(&p->random, 0, hz / 16);
    case 3: return hz / 32768 * host_random_range(&p->random, 0, 40);
    default: return host_random_range(&p->random, 0, 3 * hz);
    }
}

static void test_reference(void **state)
{
    static const uint64_t rates[] = { 65536, 100003, 1000000, 1000000000, GHZ };
    struct pair p = { .random = 7 };
    uint8_t reg[128];
    (void)state;
    for (unsigned run = 0; run < 60; run++) {
        p.now = 0;
        rtc_init(&p.rtc, rates[run % 5], (int64_t)host_random_range(&p.random, 0, 20000000000), 64 * MIB);
        for (uint8_t i = 0; i < 128; i++)
            reg[i] = get(&p.rtc, i, 0);
        ref_rtc_init(&p.ref, rates[run % 5], reg);
        for (unsigned step = 0; step < 60; step++) {
            for (uint64_t writes = host_random_range(&p.random, 0, 5); writes > 0; writes--)
                write_pair(&p);
            run_pair(&p, p.now + random_distance(&p), step & 1);
            for (uint8_t index = 0; index < 14; index++)
                if (index != 12 || host_random(&p.random) & 1)
                    compare_register(&p, index);
            compare_register(&p, 0x32);
        }
    }
    assert_true(p.edges > 10000);
    print_message("# rtc: %llu reads and %llu interrupts like the reference chip\n", (unsigned long long)p.reads,
                  (unsigned long long)p.edges);
}

// --- the laws -------------------------------------------------------------------------------------------------------

static void laws_init(void *device)
{
    rtc_init(device, 1000000007, START, 64 * MIB);
}

// Mostly word accesses, which set the index and touch the register in one go.
static void laws_access(uint64_t *random, struct io_access *io)
{
    uint64_t dice = host_random(random);
    static const uint8_t indices[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11, 12, 12, 13, 0x32, 0x50 };
    unsigned index = indices[(dice >> 8) % sizeof(indices)];
    io->offset = RTC_PORT + (dice & 1 ? dice >> 1 & 3 : 0);
    io->size = (uint8_t)(dice & 16 ? 1 << (dice >> 5) % 3 : 2);
    io->is_write = dice & 0x80;
    io->value = index | (dice >> 24 & 0xffff) << 8;
    if (index == 10 && dice & 1 << 20)
        io->value = 10 | 0x2000 | (dice >> 16 & 0x0f00);
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct rtc *rtc = device;
    observation_add(seen, rtc->index);
    for (uint8_t i = 0; i < 128; i++)
        observation_add(seen, get(rtc, i, now));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    const struct rtc *rtc = device;
    return index == 0 ? &rtc->irq : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    const struct rtc *rtc = device;
    (void)io;
    return rtc->index != 12;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &rtc_ops,
        .object_size = sizeof(struct rtc),
        .init = laws_init,
        .random_access = laws_access,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 1000000007 / 8192,
        .runs = 300,
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
    return cmocka_run_group_tests_name("rtc_reference", tests, NULL, NULL);
}
