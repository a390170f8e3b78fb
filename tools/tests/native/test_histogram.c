// SPDX-License-Identifier: MIT
// The histogram against sorting all values, the trace ring at its wrap, and a name for each exit kind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "tools/tests/native/records.h"
#include "vmm/base/exit.h"
#include "vmm/show/histogram.h"
#include "vmm/show/trace.h"

static struct histogram histogram;
static struct trace trace;

static void test_empty(void **state)
{
    (void)state;
    histogram_init(&histogram);
    assert_true(histogram_percentile(&histogram, 500) == 0);
    assert_true(histogram_mean(&histogram) == 0);
}

// Every bucket's lowest value is one above the highest of the bucket before; the index grows with the value.
static void test_buckets_are_contiguous(void **state)
{
    unsigned last = 0;

    (void)state;
    for (uint64_t value = 0; value < 100000; value++) {
        unsigned index = histogram_index(value);
        assert_true(index == last || index == last + 1);
        last = index;
    }
    for (unsigned shift = 5; shift < 64; shift++) {
        uint64_t power = UINT64_C(1) << shift;
        assert_int_equal(histogram_index(power), histogram_index(power - 1) + 1);
    }
    assert_int_equal(histogram_index(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

// The percentile is never below the true one, never above it by more than 1/16, and exact below 32.
static void test_percentiles(void **state)
{
    static const unsigned permilles[] = { 0, 1, 10, 500, 900, 990, 999, 1000 };
    static uint64_t values[2000];
    uint64_t seed = 5;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        size_t count = (size_t)host_random_range(&seed, 1, 2000);
        uint64_t top = UINT64_C(1) << host_random_range(&seed, 0, 34), sum = 0;
        histogram_init(&histogram);
        for (size_t i = 0; i < count; i++) {
            values[i] = host_random_range(&seed, 0, top);
            sum += values[i];
            histogram_add(&histogram, values[i]);
        }
        qsort(values, count, sizeof(values[0]), compare);
        assert_true(histogram_count(&histogram) == count && histogram.max == values[count - 1]);
        assert_true(histogram_mean(&histogram) == sum / count);
        for (size_t p = 0; p < sizeof(permilles) / sizeof(permilles[0]); p++) {
            size_t rank = (count * permilles[p] + 999) / 1000;
            uint64_t truth = values[rank == 0 ? 0 : rank - 1], told = histogram_percentile(&histogram, permilles[p]);
            assert_true(told >= truth && told <= truth + truth / 16 && told <= histogram.max);
            assert_true(truth >= 32 || told == truth);
        }
    }
}

static void test_huge_values(void **state)
{
    (void)state;
    histogram_init(&histogram);
    histogram_add(&histogram, UINT64_MAX);
    assert_true(histogram_percentile(&histogram, 500) == UINT64_MAX);
    histogram_add(&histogram, 3);
    assert_true(histogram_percentile(&histogram, 500) == 3);
    assert_true(histogram_percentile(&histogram, 501) == UINT64_MAX);
}

static void test_trace_ring(void **state)
{
    (void)state;
    trace_init(&trace);
    assert_true(trace_kept(&trace) == 0 && trace_get(&trace, 0) == NULL);
    for (uint64_t i = 0; i < TRACE_RECORDS + 10; i++) {
        struct trace_record record = { .host = i, .kind = TRACE_GUEST };
        trace_put(&trace, record);
        assert_true(trace_get(&trace, trace_kept(&trace) - 1)->host == i);
    }
    assert_true(trace_kept(&trace) == TRACE_RECORDS);
    for (uint64_t i = 0; i < TRACE_RECORDS; i++)
        assert_true(trace_get(&trace, i)->host == i + 10);
    assert_true(trace_get(&trace, TRACE_RECORDS) == NULL);
}

static void test_trace_hash_sees_every_field(void **state)
{
    struct trace_record record = { .host = 5, .v = 6, .reason = 7 };
    uint64_t plain;

    (void)state;
    trace_init(&trace);
    trace_put(&trace, record);
    plain = trace_hash(&trace);
    for (unsigned field = 0; field < 5; field++) {
        struct trace_record changed = { .host = 5 + (field == 0),
                                        .v = 6 + 8 * (field == 1),
                                        .reason = (uint16_t)(7 + 8 * (field == 2)),
                                        .arg = field == 3,
                                        .duration = field == 4 };
        trace_init(&trace);
        trace_put(&trace, changed);
        assert_true(trace_hash(&trace) != plain);
    }
}

static void test_exit_names(void **state)
{
    (void)state;
    for (int a = 0; a < EXIT_KIND_COUNT; a++) {
        assert_non_null(exit_kind_name((enum exit_kind)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(exit_kind_name((enum exit_kind)a), exit_kind_name((enum exit_kind)b));
    }
    assert_string_equal(exit_kind_name(EXIT_CPU_ID), "cpu-id");
    assert_string_equal(exit_kind_name(EXIT_KIND_COUNT), "invalid");
}

static void test_trace_names(void **state)
{
    (void)state;
    for (int a = TRACE_GUEST; a <= TRACE_INJECT; a++) {
        assert_string_not_equal(trace_kind_name((enum trace_kind)a), "?");
        for (int b = TRACE_GUEST; b < a; b++)
            assert_string_not_equal(trace_kind_name((enum trace_kind)a), trace_kind_name((enum trace_kind)b));
    }
    assert_string_equal(trace_kind_name(TRACE_DUE), "due");
    assert_string_equal(trace_kind_name((enum trace_kind)0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),       cmocka_unit_test(test_buckets_are_contiguous),
        cmocka_unit_test(test_percentiles), cmocka_unit_test(test_huge_values),
        cmocka_unit_test(test_trace_ring),  cmocka_unit_test(test_trace_hash_sees_every_field),
        cmocka_unit_test(test_exit_names),  cmocka_unit_test(test_trace_names),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
