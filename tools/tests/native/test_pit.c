// SPDX-License-Identifier: MIT
// The 8254 and port 0x61: the data sheet's figures, what others got wrong, and a pulse-by-pulse reference chip under
// random programs in all modes. Exactness over long runs is in test_pit_exact.c.
#include "tools/tests/native/host.h"
#include "tools/tests/native/pit_ports.h"
#include "tools/tests/native/pit_reference.h"

static const uint64_t rates[] = { 1193182, 1193183, 2500000, 1000000000, 2399987123, 3000000000 };
#define RATES (sizeof(rates) / sizeof(rates[0]))

// The waveform figures of the data sheet. One cycle of V is one pulse. `gate` and `out` have one digit a pulse,
// starting with the pulse that loads the count (GATE changes right after the pulse); `counts` are the values under the
// waveform.
struct figure {
    unsigned mode, count;
    const char *gate, *out;
    int counts[12];
};

static const struct figure figures[] = {
    { 0, 4, "1111111", "0000111", { 4, 3, 2, 1, 0, 65535, 65534 } },
    { 0, 3, "1100111", "0000011", { 3, 2, 1, 1, 1, 0, 65535 } }, // GATE low holds, its rise is a pulse that resumes
    { 1, 3, "01111111", "10001111", { 0, 3, 2, 1, 0, 65535, 65534, 65533 } },
    { 1, 4, "011011111", "100000001", { 0, 4, 3, 2, 4, 3, 2, 1, 0 } }, // retriggered
    { 2, 3, "1111111", "1101101", { 3, 2, 1, 3, 2, 1, 3 } },
    { 2, 4, "1101111", "1111110", { 4, 3, 2, 4, 3, 2, 1 } }, // synchronised by GATE
    { 3, 4, "111111111", "110011001", { 4, 2, 4, 2, 4, 2, 4, 2, 4 } },
    { 3, 5, "11111111111", "11100111001", { 4, 2, 0, 4, 2, 4, 2, 0, 4, 2, 4 } },
    { 3, 4, "111011111", "110111001", { 4, 2, 4, 2, 4, 2, 4, 2, 4 } }, // GATE low sets OUT high
    { 4, 3, "1111111", "1110111", { 3, 2, 1, 0, 65535, 65534, 65533 } },
    { 4, 3, "1001111", "1111101", { 3, 2, 2, 2, 1, 0, 65535 } },
    { 5, 3, "01111111", "11110111", { 0, 3, 2, 1, 0, 65535, 65534, 65533 } },
    { 5, 4, "011011111", "111111110", { 0, 4, 3, 2, 4, 3, 2, 1, 0 } },
};

static void test_figures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
        const struct figure *f = &figures[i];
        struct pit pit;
        pit_init(&pit, PIT_HZ);
        out_port(&pit, 0x61, (uint8_t)(f->gate[0] - '0'), 100);
        program(&pit, 2, f->mode, (uint16_t)f->count, 100);
        for (unsigned t = 0; f->out[t]; t++) {
            out_port(&pit, 0x61, (uint8_t)(f->gate[t] - '0'), 100 + t);
            unsigned out = in_port(&pit, 0x61, 100 + t) >> 5 & 1;
            unsigned count = latched_count(&pit, 2, 100 + t);
            if (out != (unsigned)(f->out[t] - '0') || count != (unsigned)f->counts[t])
                fail_msg("figure %zu, pulse %u: OUT %u count %u", i, t, out, count);
        }
    }
}

// Bugs that others had: a count of 0 is 65536, or 10000 in BCD.
static void test_count_zero(void **state)
{
    (void)state;
    struct pit pit;
    pit_init(&pit, PIT_HZ);
    program(&pit, 0, 2, 0, 0);
    assert_int_equal(pit_ops.next_deadline(&pit), 65536);
    assert_int_equal(pit_irq_period_cycles(&pit), 65536);
    assert_int_equal(latched_count(&pit, 0, 0), 0);
    assert_int_equal(latched_count(&pit, 0, 1), 65535);
    out_port(&pit, 0x43, 0x35, 1); // BCD
    out_port(&pit, 0x40, 0, 1);
    out_port(&pit, 0x40, 0, 1);
    assert_int_equal(pit_ops.next_deadline(&pit), 10001);
    assert_int_equal(latched_count(&pit, 0, 1), 0);
    assert_int_equal(latched_count(&pit, 0, 2), 0x9999);
    program(&pit, 0, 0, 0, 2);
    assert_int_equal(pit_ops.next_deadline(&pit), 65538);
    assert_int_equal(pit_irq_period_cycles(&pit), 0);
}

// Both latch bits of the read-back command are active low; the status byte comes out first.
static void test_read_back(void **state)
{
    (void)state;
    struct pit pit;
    pit_init(&pit, PIT_HZ);
    program(&pit, 0, 3, 1000, 0);
    program(&pit, 1, 2, 18, 0);
    out_port(&pit, 0x43, 0xc6, 10); // count and status of channels 0 and 1
    out_port(&pit, 0x43, 0xc6, 11); // already latched: no effect
    assert_int_equal(in_port(&pit, 0x40, 50), 0x80 | 0x36);
    assert_int_equal(in_port(&pit, 0x40, 50), (1000 - 20) & 0xff);
    assert_int_equal(in_port(&pit, 0x40, 50), (1000 - 20) >> 8);
    assert_int_equal(in_port(&pit, 0x40, 50), (1000 - 100) & 0xff); // the running count again
    assert_int_equal(in_port(&pit, 0x40, 50), (1000 - 100) >> 8);
    assert_int_equal(in_port(&pit, 0x41, 51), 0x80 | 0x34);
    assert_int_equal(in_port(&pit, 0x41, 51), 8);
    assert_int_equal(in_port(&pit, 0x41, 51), 0);
    out_port(&pit, 0x43, 0xe2, 505); // status only
    assert_int_equal(in_port(&pit, 0x40, 505), 0x36);
    assert_int_equal(in_port(&pit, 0x40, 505), (1000 - 10) & 0xff);
    out_port(&pit, 0x40, 0x10, 506); // a new count waits: null count
    out_port(&pit, 0x40, 0x00, 506);
    out_port(&pit, 0x43, 0xe2, 507);
    assert_int_equal(in_port(&pit, 0x40, 507), 0x40 | 0x36);
    out_port(&pit, 0x43, 0xe2, 1000); // taken at the end of the half
    assert_int_equal(in_port(&pit, 0x40, 1000), 0x80 | 0x36);
}

// Bit 4 of port 0x61 is a clock of its own, bits 3..0 are storage, the rest reads 0.
static void test_port61(void **state)
{
    (void)state;
    struct pit pit;
    uint64_t toggles = 0, before = 0;
    pit_init(&pit, 1000000000);
    for (vtime_t now = 0; now < 1000000000; now += 5000) {
        uint64_t bit = in_port(&pit, 0x61, now) & 0x10u;
        toggles += bit != before;
        before = bit;
    }
    assert_int_equal(toggles, 1193182 / 18);
    out_port(&pit, 0x61, 0xff, 1000000000);
    assert_int_equal(in_port(&pit, 0x61, 1000000000) & ~0x30, 0x0f);
    struct io_access wide = { .offset = 0x42, .size = 4 };
    assert_int_equal(pit_ops.access(&pit, &wide, 1000000000), IO_OK);
    assert_int_equal(wide.value >> 8, 0xffffff);
    assert_int_equal(pit_ops.access(&pit, &(struct io_access){ .offset = 0x44, .size = 1 }, 1000000000), IO_UNCLAIMED);
}

struct pair {
    struct pit pit;
    struct ref_pit_channel ref[3];
    vtime_t now;
    uint64_t random, edges, reads;
    uint8_t low_counts; // this program uses short counts only
};

// Both run to `to`; the chip in one go, or from deadline to deadline, each of which must be one edge of the reference.
static void run_pair(struct pair *p, vtime_t to, bool by_deadlines)
{
    while (by_deadlines) {
        vtime_t deadline = pit_ops.next_deadline(&p->pit);
        if (deadline > to)
            break;
        uint32_t rises = p->pit.irq0.rises;
        uint64_t expected = p->ref[0].rises + 1;
        for (unsigned i = 0; i < 3; i++)
            ref_pit_run(&p->ref[i], p->now, deadline);
        p->now = deadline;
        pit_ops.advance(&p->pit, deadline);
        assert_int_equal(p->pit.irq0.rises, rises + 1);
        assert_int_equal(p->ref[0].rises, expected);
        assert_int_equal(p->ref[0].last_rise, deadline);
        p->edges++;
    }
    for (unsigned i = 0; i < 3; i++)
        ref_pit_run(&p->ref[i], p->now, to);
    p->now = to;
    pit_ops.advance(&p->pit, to);
    if (p->pit.irq0.rises != (uint32_t)p->ref[0].rises || p->pit.irq0.level != p->ref[0].out)
        fail_msg("V %llu: %u rises, level %u; reference %llu, %u", (unsigned long long)to, p->pit.irq0.rises,
                 p->pit.irq0.level, (unsigned long long)p->ref[0].rises, p->ref[0].out);
}

static void read_pair(struct pair *p, unsigned i)
{
    unsigned is = in_port(&p->pit, (uint16_t)(0x40 + i), p->now);
    unsigned must = ref_pit_read(&p->ref[i]);
    if (is != must)
        fail_msg("channel %u control %#x V %llu: reads %#x, reference %#x", i, p->ref[i].control,
                 (unsigned long long)p->now, is, must);
    p->reads++;
}

static void random_control(struct pair *p, uint64_t dice)
{
    uint8_t word = (uint8_t)dice;
    out_port(&p->pit, 0x43, word, p->now);
    for (unsigned i = 0; i < 3; i++) {
        if (word >= 0xc0 && word & 2 << i && !(word & 0x20))
            ref_pit_latch_count(&p->ref[i]);
        if (word >= 0xc0 && word & 2 << i && !(word & 0x10))
            ref_pit_latch_status(&p->ref[i]);
        if (word >> 6 == i && !(word & 0x30))
            ref_pit_latch_count(&p->ref[i]);
        if (word >> 6 == i && word & 0x30)
            ref_pit_control(&p->ref[i], word, p->now);
    }
}

static void random_count_byte(struct pair *p, unsigned i)
{
    uint8_t byte = (uint8_t)host_random_range(&p->random, 0, 9);
    bool high = (p->ref[i].control & 0x30) == 0x20 || p->ref[i].high_next_write;
    if (high && p->low_counts && (p->ref[i].control & 0x30) == 0x30)
        byte = 0;
    else if (!high && !p->low_counts)
        byte = (uint8_t)(byte * 17 % 153); // BCD digits
    out_port(&p->pit, (uint16_t)(0x40 + i), byte, p->now);
    ref_pit_write(&p->ref[i], byte, p->now);
}

static void random_operation(struct pair *p)
{
    unsigned i = (unsigned)host_random_range(&p->random, 0, 2);
    switch (host_random_range(&p->random, 0, 9)) {
    case 0: random_control(p, host_random(&p->random)); break;
    case 1: random_control(p, 0xc0 | host_random(&p->random)); break;
    case 2:
    case 3:
    case 4: random_count_byte(p, i); break;
    case 5:
        out_port(&p->pit, 0x61, (uint8_t)p->random & 3, p->now);
        ref_pit_gate(&p->ref[2], p->random & 1, p->now);
        break;
    case 6: assert_int_equal(in_port(&p->pit, 0x61, p->now) >> 5, p->ref[2].out); break;
    default: read_pair(p, i);
    }
}

static void test_reference(void **state)
{
    (void)state;
    uint64_t edges = 0, reads = 0, operations = 0;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        struct pair p = { .random = seed, .low_counts = seed % 8 != 0 };
        uint64_t hz = rates[seed % RATES];
        pit_init(&p.pit, hz);
        for (unsigned i = 0; i < 3; i++)
            ref_pit_init(&p.ref[i], hz, i != 2);
        for (unsigned step = 0; step < 120; step++, operations++) {
            random_operation(&p);
            uint64_t pulse = hz / PIT_HZ + 1;
            uint64_t far = p.low_counts ? 40 : 3000;
            uint64_t by = host_random_range(&p.random, 0, pulse * (step % 4 ? 6 : far));
            run_pair(&p, p.now + by, p.random & 1);
        }
        edges += p.edges;
        reads += p.reads;
    }
    assert_true(edges > 100000 && reads > 100000);
    print_message("# pit: %llu random operations equal to the reference, %llu reads, %llu edges at their deadline\n",
                  (unsigned long long)operations, (unsigned long long)reads, (unsigned long long)edges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures), cmocka_unit_test(test_count_zero), cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_port61),  cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests_name("pit", tests, NULL, NULL);
}
