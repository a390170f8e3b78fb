// SPDX-License-Identifier: MIT
// The clock page against exact rationals in GMP: the scale (M16: never fast, below 0.5 ppb slow), the reader, storms of
// re-anchoring (M13: the anchor stays on its line to the last bit, a reader sees 0 or 1 ns), and the version protocol.
#include "time/pvclock.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <gmp.h>

_Static_assert(offsetof(struct pvclock_page, tsc_timestamp) == 8, "pvclock-abi.h");
_Static_assert(offsetof(struct pvclock_page, system_time_ns) == 16, "pvclock-abi.h");
_Static_assert(offsetof(struct pvclock_page, tsc_to_system_mul) == 24, "pvclock-abi.h");
_Static_assert(offsetof(struct pvclock_page, tsc_shift) == 28, "pvclock-abi.h");
_Static_assert(offsetof(struct pvclock_page, flags) == 29, "pvclock-abi.h");
_Static_assert(offsetof(struct pvclock_pairing, tsc) == 16, "kvm_para.h");
_Static_assert(offsetof(struct pvclock_pairing, flags) == 24, "kvm_para.h");

#define SCALE_CASES 50000
#define LINE_POINTS 100000

static const uint64_t HZ[] = { 1,          2,          3,          999,           32768,
                               1193182,    24000000,   62500000,   999999999,     1000000000,
                               1000000001, 1999999999, 2000000000, 2000000001,    2399999871,
                               3000000000, 3792892000, 4999999999, 1000000000000, 999999999999999989 };
#define HZ_COUNT (sizeof HZ / sizeof HZ[0])

static uint64_t random_hz(uint64_t *random)
{
    return host_random_range(random, 1, UINT64_C(1) << (1 + host_random(random) % 61));
}

static struct pvclock_scale scale_of(uint64_t hz)
{
    struct pvclock_scale scale;
    assert_true(pvclock_scale(hz, &scale));
    return scale;
}

// error = ceil(10^18 * (D - mul * hz) / D), D = 10^9 * 2^(32 - shift).
static uint64_t check_scale(uint64_t hz)
{
    struct pvclock_scale scale = scale_of(hz);
    assert_true(scale.mul >> 31 == 1);
    assert_true(scale.shift >= -31 && scale.shift <= 31);
    mpz_t whole, lost;
    mpz_init_set_ui(whole, NS_PER_S);
    mpz_init_set_ui(lost, scale.mul);
    mpz_mul_2exp(whole, whole, (mp_bitcnt_t)(32 - scale.shift));
    mpz_mul_ui(lost, lost, hz);
    mpz_sub(lost, whole, lost);
    assert_true(mpz_sgn(lost) >= 0);       // never fast
    assert_true(mpz_cmp_ui(lost, hz) < 0); // and mul + 1 would be fast: it is the largest
    bool exact = mpz_sgn(lost) == 0;
    mpz_mul_ui(lost, lost, NS_PER_S * NS_PER_S);
    mpz_cdiv_q(lost, lost, whole);
    assert_true(mpz_fits_ulong_p(lost));
    uint64_t error = mpz_get_ui(lost);
    assert_true((error == 0) == exact);
    mpz_clear(whole);
    mpz_clear(lost);
    return error;
}

static void test_scale(void **state)
{
    (void)state;
    uint64_t random = 51, worst = 0, worst_hz = 0;
    for (unsigned i = 0; i < SCALE_CASES; i++) {
        uint64_t hz = i < HZ_COUNT ? HZ[i]
                      : i % 2      ? random_hz(&random)
                                   : host_random_range(&random, 800000000, 6000000000);
        uint64_t error = check_scale(hz);
        assert_true(error < 500000000); // 0.5 ppb
        if (error > worst) {
            worst = error;
            worst_hz = hz;
        }
    }
    print_message("# M16 max error %llu.%03llu ppb (at %llu Hz), never fast, over %u frequencies\n",
                  (unsigned long long)(worst / 1000000000), (unsigned long long)(worst / 1000000 % 1000),
                  (unsigned long long)worst_hz, (unsigned)SCALE_CASES);
    for (unsigned i = 9; i < HZ_COUNT; i += 6) // 1e9, 3e9
        print_message("# M16 %llu Hz: %llu e-18 slow\n", (unsigned long long)HZ[i],
                      (unsigned long long)check_scale(HZ[i]));
    print_message("# M16 3792892000 Hz: %llu e-18 slow\n", (unsigned long long)check_scale(3792892000));
}

static void test_scale_known_and_refused(void **state)
{
    (void)state;
    assert_true(scale_of(1000000000).mul == 0x80000000 && scale_of(1000000000).shift == 1);
    assert_true(scale_of(3000000000).mul == 0xaaaaaaaa && scale_of(3000000000).shift == -1);
    assert_true(scale_of(3792892000).mul == 0x86fd4598 && scale_of(3792892000).shift == -1);
    assert_true(scale_of(1).shift == 30);
    assert_true(scale_of(NS_PER_S << 32).shift == -31 && scale_of(NS_PER_S << 32).mul == 0x80000000);
    struct pvclock_scale untouched = { .mul = 7, .shift = 9 };
    assert_false(pvclock_scale(0, &untouched));
    assert_false(pvclock_scale((NS_PER_S << 32) + 1, &untouched));
    assert_false(pvclock_scale(UINT64_MAX, &untouched));
    assert_true(untouched.mul == 7 && untouched.shift == 9);
}

static struct pvclock_page page_of(const struct pvclock_anchor *anchor)
{
    struct pvclock_page page;
    memset(&page, 0, sizeof page);
    pvclock_write_begin(&page);
    pvclock_write_body(&page, anchor, PVCLOCK_TSC_STABLE);
    pvclock_write_end(&page);
    return page;
}

// line += cycles at this scale, in units of 2^-64 ns. Exact: 2^(32 + shift) >= 2.
static void line_add(mpz_t line, uint64_t cycles, struct pvclock_scale scale)
{
    mpz_t run;
    mpz_init_set_ui(run, cycles);
    mpz_mul_ui(run, run, scale.mul);
    mpz_mul_2exp(run, run, (mp_bitcnt_t)(32 + scale.shift));
    mpz_add(line, line, run);
    mpz_clear(run);
}

static bool anchor_is_on(const struct pvclock_anchor *anchor, const mpz_t line)
{
    mpz_t own;
    mpz_init_set_ui(own, anchor->ns);
    mpz_mul_2exp(own, own, 64);
    mpz_add_ui(own, own, anchor->frac);
    bool equal = mpz_cmp(own, line) == 0;
    mpz_clear(own);
    return equal;
}

static void test_reader(void **state)
{
    (void)state;
    uint64_t random = 52;
    mpz_t line;
    mpz_init(line);
    for (unsigned i = 0; i < LINE_POINTS; i++) {
        struct pvclock_anchor anchor = { .tsc = host_random_edgy(&random),
                                         .ns = host_random(&random) >> 8,
                                         .scale = scale_of(i % 2 ? HZ[i % HZ_COUNT] : random_hz(&random)) };
        struct pvclock_page page = page_of(&anchor);
        unsigned left = anchor.scale.shift > 0 ? (unsigned)anchor.scale.shift : 0;
        unsigned right = anchor.scale.shift < 0 ? (unsigned)-anchor.scale.shift : 0;
        uint64_t delta = (host_random_edgy(&random) >> 1) >> left; // the reader's 64-bit horizon
        mpz_set_ui(line, 0);
        line_add(line, delta >> right << right, anchor.scale);
        mpz_fdiv_q_2exp(line, line, 64);
        assert_true(pvclock_eval_ns(&page, anchor.tsc + delta) == anchor.ns + mpz_get_ui(line));
        assert_true(pvclock_eval_ns(&page, anchor.tsc) == anchor.ns);
        assert_true(pvclock_eval_ns(&page, anchor.tsc - 1 - (host_random(&random) >> 1)) == anchor.ns);
    }
    mpz_clear(line);
}

// Whatever a guest has written over its page, reading it is defined.
static void test_reader_of_nonsense(void **state)
{
    (void)state;
    uint64_t random = 53, sum = 0;
    for (unsigned i = 0; i < LINE_POINTS; i++) {
        uint64_t noise[4] = { host_random(&random), host_random(&random), host_random(&random), host_random(&random) };
        struct pvclock_page page;
        memcpy(&page, noise, sizeof page);
        page.tsc_shift = (int8_t)(i & 0xff);
        sum |= pvclock_eval_ns(&page, host_random(&random));
        uint8_t stopped = page.flags & PVCLOCK_GUEST_STOPPED;
        pvclock_write_begin(&page);
        assert_true(page.version % 2 == 1);
        struct pvclock_anchor anchor = { .scale = scale_of(NS_PER_S) };
        pvclock_write_body(&page, &anchor, PVCLOCK_TSC_STABLE);
        assert_true(page.flags == (PVCLOCK_TSC_STABLE | stopped));
        page.version = (uint32_t)host_random(&random); // by another vCPU, in the middle of the update
        pvclock_write_end(&page);
        assert_true(page.version % 2 == 0);
    }
    assert_true(sum != 0);
}

struct storm {
    unsigned reanchors, stepped, later_apart;
    uint64_t naive_lost;
};

// One scale, many re-anchors. Old and new page at the same TSC: 0 or +1 ns. The anchor equals the line drawn once from
// the start, as a rational: nothing accumulates. Beside it runs a writer that drops its fraction each time.
static void storm_on_one_line(uint64_t hz, unsigned reanchors, uint64_t *random, struct storm *total)
{
    struct pvclock_anchor anchor = { .tsc = host_random(random) >> 2, .ns = 12345, .scale = scale_of(hz) };
    const struct pvclock_anchor first = anchor;
    const struct pvclock_page never_moved = page_of(&first);
    struct pvclock_page naive = never_moved;
    uint64_t tsc = anchor.tsc, seen = 0;
    uint64_t step = hz > 1000 ? hz / 1000 : 1;
    mpz_t line;
    mpz_init(line);
    for (unsigned i = 0; i < reanchors; i++) {
        struct pvclock_page old = page_of(&anchor);
        tsc += host_random_range(random, 0, i % 2 ? step : 100);
        uint64_t before = pvclock_eval_ns(&old, tsc);
        assert_true(before >= seen);
        pvclock_reanchor(&anchor, tsc, anchor.scale);
        struct pvclock_page new = page_of(&anchor);
        seen = pvclock_eval_ns(&new, tsc);
        assert_true(seen - before <= 1);
        total->stepped += seen != before;
        assert_true(anchor.tsc <= tsc && tsc - anchor.tsc < UINT64_C(1) << (hz > NS_PER_S ? -anchor.scale.shift : 0));
        mpz_set_ui(line, first.ns);
        mpz_mul_2exp(line, line, 64);
        line_add(line, anchor.tsc - first.tsc, first.scale);
        assert_true(anchor_is_on(&anchor, line)); // drift exactly 0
        uint64_t later = tsc + host_random_range(random, 0, step * 1000);
        uint64_t apart = pvclock_eval_ns(&new, later) - pvclock_eval_ns(&never_moved, later) + 1;
        assert_true(apart <= 2); // within 1 ns of a page that was never touched, in either direction
        total->later_apart += apart != 1;
        naive.system_time_ns = pvclock_eval_ns(&naive, tsc);
        naive.tsc_timestamp = tsc;
    }
    total->reanchors += reanchors;
    total->naive_lost += pvclock_eval_ns(&never_moved, tsc) - naive.system_time_ns;
    mpz_clear(line);
}

static void test_reanchor_storm(void **state)
{
    (void)state;
    uint64_t random = 54;
    struct storm total = { 0 };
    for (unsigned i = 0; i < HZ_COUNT; i++)
        storm_on_one_line(HZ[i], 3000, &random, &total);
    for (unsigned i = 0; i < 20; i++)
        storm_on_one_line(random_hz(&random), 1000, &random, &total);
    storm_on_one_line(2399999871, 100000, &random, &total);
    assert_true(total.stepped > 0 && total.later_apart > 0 && total.naive_lost > 50000); // the storm was one
    print_message("# M13 step at %u re-anchors: 0 or 1 ns, drift 0 (%llu ns lost when fractions are dropped)\n",
                  total.reanchors, (unsigned long long)total.naive_lost);
}

// The rate changes at each re-anchor. The anchor stays on the broken line exactly; a reader sees it catch up with what
// its own truncation had hidden: the fraction, and the cycles of a step not yet complete. Together below 3 ns.
static void test_reanchor_with_new_rates(void **state)
{
    (void)state;
    uint64_t random = 55, largest = 0;
    for (unsigned run = 0; run < 100; run++) {
        struct pvclock_anchor anchor = { .tsc = host_random(&random) >> 2, .scale = scale_of(HZ[run % HZ_COUNT]) };
        uint64_t tsc = anchor.tsc, seen = 0;
        mpz_t line;
        mpz_init(line);
        for (unsigned i = 0; i < 500; i++) {
            struct pvclock_page old = page_of(&anchor);
            tsc += host_random(&random) >> (30 + host_random(&random) % 30);
            uint64_t before = pvclock_eval_ns(&old, tsc);
            assert_true(before >= seen);
            line_add(line, tsc - anchor.tsc, anchor.scale);
            struct pvclock_scale next = scale_of(host_random_range(&random, 500000000, 6000000000));
            if (next.mul == anchor.scale.mul && next.shift == anchor.scale.shift)
                next = scale_of(7);
            pvclock_reanchor(&anchor, tsc, next);
            assert_true(anchor.tsc == tsc && anchor_is_on(&anchor, line));
            struct pvclock_page new = page_of(&anchor);
            seen = pvclock_eval_ns(&new, tsc);
            assert_true(seen - before <= 2);
            largest = seen - before > largest ? seen - before : largest;
        }
        mpz_clear(line);
    }
    print_message("# M13 step at 50000 changes of rate: at most %llu ns, drift 0\n", (unsigned long long)largest);
}

// A reader that takes its copy at every moment of two updates: with equal even versions around it, it holds one of the
// three published states, whole.
static void snapshot(const struct pvclock_page *page, struct pvclock_page *copies, unsigned *count)
{
    copies[(*count)++] = *page;
}

static void test_version_protocol(void **state)
{
    (void)state;
    struct pvclock_anchor anchors[3] = { { .tsc = 1, .ns = 10, .scale = scale_of(1000000000) },
                                         { .tsc = 2, .ns = 20, .scale = scale_of(3000000000) },
                                         { .tsc = 3, .ns = 30, .scale = scale_of(1193182) } };
    struct pvclock_page page, copies[9];
    unsigned count = 0;
    memset(&page, 0, sizeof page);
    page.version = UINT32_MAX; // odd junk, about to wrap
    for (unsigned i = 0; i < 3; i++) {
        pvclock_write_begin(&page);
        snapshot(&page, copies, &count);
        pvclock_write_body(&page, &anchors[i], 0);
        snapshot(&page, copies, &count);
        pvclock_write_end(&page);
        snapshot(&page, copies, &count);
    }
    for (unsigned i = 0; i < count; i++) {
        assert_true(copies[i].version % 2 == (i % 3 != 2));
        for (unsigned j = i + 1; j < count; j++)
            assert_true(copies[i].version <= copies[j].version &&
                        (i % 3 != 2 || copies[i].version != copies[j].version));
        if (i % 3 != 2)
            continue;
        assert_true(copies[i].tsc_timestamp == anchors[i / 3].tsc && copies[i].system_time_ns == anchors[i / 3].ns);
        assert_true(copies[i].tsc_to_system_mul == anchors[i / 3].scale.mul);
        assert_true(copies[i].tsc_shift == anchors[i / 3].scale.shift);
    }
    assert_true(copies[8].version == copies[2].version + 4); // each update counts two
}

// GUEST_STOPPED is set by whoever resumes a paused VM, and stays until the guest has taken it; nothing else sets it.
static void test_guest_stopped(void **state)
{
    (void)state;
    struct pvclock_anchor anchor = { .tsc = 1, .ns = 10, .scale = scale_of(1000000000) };
    struct pvclock_page page = page_of(&anchor);
    pvclock_write_body(&page, &anchor, PVCLOCK_TSC_STABLE);
    assert_true(page.flags == PVCLOCK_TSC_STABLE);
    pvclock_write_body(&page, &anchor, PVCLOCK_TSC_STABLE | PVCLOCK_GUEST_STOPPED);
    pvclock_write_body(&page, &anchor, PVCLOCK_TSC_STABLE);
    assert_true(page.flags == (PVCLOCK_TSC_STABLE | PVCLOCK_GUEST_STOPPED)); // not taken yet
    page.flags &= (uint8_t)~PVCLOCK_GUEST_STOPPED;
    pvclock_write_body(&page, &anchor, PVCLOCK_TSC_STABLE);
    assert_true(page.flags == PVCLOCK_TSC_STABLE);
}

// wall = start + floor(10^9 * V / hz) ns, the same line as an exact clock page's.
static void test_pairing(void **state)
{
    (void)state;
    uint64_t random = 11;
    mpz_t ns, part;
    mpz_inits(ns, part, NULL);
    for (unsigned i = 0; i < SCALE_CASES; i++) {
        uint64_t hz = i < HZ_COUNT ? HZ[i] : random_hz(&random), now = host_random_edgy(&random);
        now >>= now / hz >> 62 != 0 ? 2 : 0; // the bound
        uint64_t start = host_random(&random) >> 30, tsc = host_random(&random);
        struct pvclock_pairing pairing = pvclock_pair(start, now, hz, tsc);
        mpz_set_ui(ns, now);
        mpz_mul_ui(ns, ns, NS_PER_S);
        mpz_fdiv_q_ui(ns, ns, hz);
        mpz_set_ui(part, start);
        mpz_mul_ui(part, part, NS_PER_S);
        mpz_add(ns, ns, part);
        unsigned long nsec = mpz_fdiv_q_ui(part, ns, NS_PER_S);
        assert_true(pairing.nsec == (int64_t)nsec && mpz_cmp_ui(part, (uint64_t)pairing.sec) == 0);
        assert_true(pairing.tsc == tsc && pairing.flags == 0);
        for (unsigned j = 0; j < sizeof pairing.pad / sizeof pairing.pad[0]; j++)
            assert_true(pairing.pad[j] == 0);
    }
    mpz_clears(ns, part, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_scale_known_and_refused),
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_reader_of_nonsense),
        cmocka_unit_test(test_reanchor_storm),
        cmocka_unit_test(test_reanchor_with_new_rates),
        cmocka_unit_test(test_version_protocol),
        cmocka_unit_test(test_guest_stopped),
        cmocka_unit_test(test_pairing),
    };
    return cmocka_run_group_tests_name("pvclock", tests, NULL, NULL);
}
