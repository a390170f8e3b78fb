// SPDX-License-Identifier: MIT
// The PL031: registers, seconds and alarms exact at any rate, every register against a counter that is stepped cycle by
// cycle, the laws of the device contract.
#include "devices/pl031.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/primecell.h"

#define HZ    UINT64_C(62500000)
#define START UINT64_C(1767225600) // 2026-01-01

enum { DR = 0, MR = 4, LR = 8, CR = 12, IMSC = 16, RIS = 20, MIS = 24, ICR = 28 };

static uint32_t get(struct pl031 *rtc, uint64_t offset, vtime_t now) { return cell_read(&pl031_ops, rtc, offset, now); }

static void put(struct pl031 *rtc, uint64_t offset, uint32_t value, vtime_t now)
{
    cell_write(&pl031_ops, rtc, offset, value, now);
}

static void test_reset_and_ids(void **state)
{
    (void)state;
    struct pl031 rtc;
    pl031_init(&rtc, HZ, START);
    static const uint32_t reset[] = { START, 0, START, 1, 0, 0, 0, 0 };
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(&rtc, 4 * i, 0), reset[i]);
    assert_true(cell_id(&pl031_ops, &rtc) == UINT64_C(0xb105f00d00141031));
    put(&rtc, CR, 0, 0);
    assert_int_equal(get(&rtc, CR, 0), 1); // what is enabled stays enabled
    for (unsigned offset = 0x20; offset < 0xfe0; offset += 4) {
        put(&rtc, offset, 0xffffffff, 0);
        assert_int_equal(get(&rtc, offset, 0), 0);
    }
    assert_int_equal(get(&rtc, DR, 0), START);
}

static void test_widths(void **state)
{
    (void)state;
    struct pl031 rtc;
    pl031_init(&rtc, HZ, 0);
    put(&rtc, LR, 0x89abcdef, 0);
    put(&rtc, MR, 0x01234567, 0);
    static const uint64_t bytes[] = { 0x89abcdef, 0x01234567, 0x89abcdef, 1 }; // DR, MR, LR, CR
    for (unsigned size = 1; size <= 8; size *= 2)
        for (unsigned offset = 0; offset + size <= 16; offset++) {
            uint64_t expected = 0;
            for (unsigned i = 0; i < size; i++)
                expected |= (bytes[(offset + i) / 4] >> (8 * ((offset + i) % 4)) & 0xff) << (8 * i);
            assert_true(cell_read_sized(&pl031_ops, &rtc, offset, (uint8_t)size, 0) == expected);
        }
    cell_write_sized(&pl031_ops, &rtc, MR, 8, UINT64_C(0x1122334455667788), 0); // MR, then LR
    assert_int_equal(get(&rtc, MR, 0), 0x55667788);
    assert_int_equal(get(&rtc, DR, 0), 0x11223344);
    cell_write_sized(&pl031_ops, &rtc, MR + 2, 1, 0xfff7, 0); // a byte in its lane, zeros beside it
    assert_int_equal(get(&rtc, MR, 0), 0x00f70000);
    cell_write_sized(&pl031_ops, &rtc, MR + 3, 2, 0xaabb, 0); // across two registers
    assert_int_equal(get(&rtc, MR, 0), 0xbb000000);
    assert_int_equal(get(&rtc, LR, 0), 0x000000aa);
}

// A second is hz cycles after any number of them, and an alarm comes at its first cycle.
static void test_seconds_and_alarms_are_exact(void **state)
{
    (void)state;
    static const uint64_t rates[] = { 1, 3, 62500000, 24000000, 1000000000, 2399987123 };
    static const uint32_t seconds[] = { 1, 2, 59, 86400, 100000007, 0x7fffffff };
    unsigned cases = 0;
    for (unsigned r = 0; r < 6; r++)
        for (unsigned s = 0; s < 6; s++) {
            struct pl031 rtc;
            vtime_t due = seconds[s] * rates[r];
            pl031_init(&rtc, rates[r], START);
            put(&rtc, MR, (uint32_t)START + seconds[s], 0);
            put(&rtc, IMSC, 1, 0);
            assert_true(pl031_ops.next_deadline(&rtc) == due);
            assert_int_equal(get(&rtc, DR, due - 1), (uint32_t)START + seconds[s] - 1);
            assert_int_equal(rtc.irq.level, 0);
            assert_true(pl031_ops.next_deadline(&rtc) == due);
            pl031_ops.advance(&rtc, due);
            assert_int_equal(irq_line_take_rises(&rtc.irq), 1);
            assert_int_equal(get(&rtc, DR, due), (uint32_t)START + seconds[s]);
            assert_int_equal(get(&rtc, MIS, due), 1);
            assert_true(pl031_ops.next_deadline(&rtc) == TIME_NEVER);
            put(&rtc, ICR, 1, due);
            assert_int_equal(rtc.irq.level, 0);
            vtime_t again = (seconds[s] + (UINT64_C(1) << 32)) * rates[r]; // 136 years later it matches again
            assert_true(pl031_ops.next_deadline(&rtc) == again);
            cases++;
        }
    print_message("# alarms: %u rates and distances, exact to the cycle\n", cases);
}

static void test_load_and_match(void **state)
{
    (void)state;
    struct pl031 rtc;
    pl031_init(&rtc, HZ, START);
    put(&rtc, IMSC, 1, 0);
    put(&rtc, LR, 0xffffffff, HZ / 2); // shows at once, and the 1 Hz clock goes on as it did
    assert_int_equal(get(&rtc, DR, HZ / 2), 0xffffffff);
    assert_int_equal(get(&rtc, LR, HZ), 0xffffffff);
    assert_int_equal(get(&rtc, DR, HZ), 0);
    assert_int_equal(rtc.irq.level, 1); // the match register is 0
    put(&rtc, ICR, 0, HZ);
    assert_int_equal(rtc.irq.level, 1);
    put(&rtc, ICR, 1, HZ);
    put(&rtc, MR, 0, HZ); // equal before and after: no second interrupt
    assert_int_equal(get(&rtc, RIS, HZ), 0);
    put(&rtc, MR, 77, HZ);
    put(&rtc, LR, 77, HZ); // by a load
    assert_int_equal(get(&rtc, RIS, HZ), 1);
    put(&rtc, ICR, 1, HZ);
    put(&rtc, MR, 78, HZ);
    put(&rtc, MR, 77, HZ); // by a write of the match register
    assert_int_equal(get(&rtc, RIS, HZ), 1);
    put(&rtc, IMSC, 0, HZ);
    assert_int_equal(rtc.irq.level, 0);
    assert_int_equal(get(&rtc, MIS, HZ), 0);
    put(&rtc, ICR, 1, HZ);
    put(&rtc, MR, 80, HZ);
    assert_true(pl031_ops.next_deadline(&rtc) == TIME_NEVER); // masked, nobody waits for it
    assert_int_equal(get(&rtc, RIS, 100 * HZ), 1);            // and still it has happened
    put(&rtc, IMSC, 1, 100 * HZ);
    assert_int_equal(rtc.irq.level, 1);
}

// --- a second PL031, one cycle of V at a time ------------------------------------------------------------------------

struct reference {
    uint32_t counter, match, load;
    bool enabled, raised;
};

static void reference_compare(struct reference *ref, uint32_t counter, uint32_t match)
{
    bool before = ref->counter == ref->match;
    ref->counter = counter;
    ref->match = match;
    ref->raised |= counter == match && !before;
}

static void reference_write(struct reference *ref, unsigned offset, uint32_t value)
{
    if (offset == MR)
        reference_compare(ref, ref->counter, value);
    if (offset == LR)
        reference_compare(ref, ref->load = value, ref->match);
    if (offset == IMSC)
        ref->enabled = value % 2;
    if (offset == ICR && value % 2)
        ref->raised = false;
}

static void compare_with_reference(const struct pl031 *real, const struct reference *ref, vtime_t now)
{
    struct pl031 rtc = *real; // a copy: nothing here may move the real one
    const uint32_t expected[] = { ref->counter, ref->match,  ref->load, 1, ref->enabled,
                                  ref->raised,  ref->raised && ref->enabled };
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(get(&rtc, 4 * i, now), expected[i]);
    assert_int_equal(rtc.irq.level, ref->raised && ref->enabled);
}

static void test_against_a_stepped_counter(void **state)
{
    (void)state;
    uint64_t random = 71, checks = 0, interrupts = 0;
    for (unsigned run = 0; run < 300; run++) {
        uint64_t hz = host_random_range(&random, 1, 9);
        struct pl031 rtc;
        struct reference ref = { .counter = UINT32_MAX - run % 3, .load = UINT32_MAX - run % 3 };
        pl031_init(&rtc, hz, ref.counter);
        vtime_t deadline = TIME_NEVER;
        bool was_up = false;
        for (vtime_t now = 1; now < 400; now++) {
            if (now % hz == 0)
                reference_compare(&ref, ref.counter + 1, ref.match);
            bool up = ref.raised && ref.enabled;
            assert_true(!up || was_up || now == deadline); // rises by itself at the deadline only,
            assert_true(deadline != now || up);            // and always then
            interrupts += up && !was_up;
            if (host_random(&random) % 4 == 0) { // the model is looked at now and then only
                static const unsigned offsets[] = { MR, MR, LR, IMSC, IMSC, ICR, DR, CR };
                unsigned offset = offsets[host_random(&random) % 8];
                uint32_t value = (uint32_t)(ref.counter + host_random(&random) % 6 - 1);
                reference_write(&ref, offset, value);
                put(&rtc, offset, value, now);
                compare_with_reference(&rtc, &ref, now);
                checks++;
            }
            was_up = ref.raised && ref.enabled;
            deadline = pl031_ops.next_deadline(&rtc);
        }
    }
    assert_true(interrupts > 400);
    print_message("# against a stepped counter: %llu writes, %llu interrupts\n", (unsigned long long)checks,
                  (unsigned long long)interrupts);
}

// --- the laws --------------------------------------------------------------------------------------------------------

static void laws_init(void *device)
{
    pl031_init(device, 1000, START);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    io->offset = host_random_range(random, 0, 33);
    io->size = (uint8_t)(1u << host_random_range(random, 0, 3));
    io->is_write = host_random(random) & 1;
    io->value = host_random(random) & 3 ? START + (host_random(random) & 0xfff) : host_random(random);
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    for (unsigned offset = 0; offset < 32; offset += 4)
        observation_add(seen, get(device, offset, now));
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    return index == 0 ? &((const struct pl031 *)device)->irq : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return !io->is_write;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &pl031_ops,
        .object_size = sizeof(struct pl031),
        .init = laws_init,
        .random_access = laws_access,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 1000,
        .runs = 50,
        .steps = 2000,
        .seed = 73,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_and_ids),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_seconds_and_alarms_are_exact),
        cmocka_unit_test(test_load_and_match),
        cmocka_unit_test(test_against_a_stepped_counter),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("pl031", tests, NULL, NULL);
}
