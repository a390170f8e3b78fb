// SPDX-License-Identifier: MIT
// The frame allocator's core against a model with one flag a page: random adds, reservations, allocations and frees,
// first fit, alignment, byte counts; a full list; the end of the address space.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "vmm/base/alloc.h"

#define PAGES  512
#define ROUNDS 40000
#define LIVE   64

static struct frames frames;
static bool model[PAGES]; // free?

static void check_list(void)
{
    uint64_t bytes = 0;
    bool listed[PAGES] = { false };
    for (uint32_t i = 0; i < frames.count; i++) {
        struct frame_range range = frames.free[i];
        assert_true(range.start < range.end);
        assert_int_equal((range.start | range.end) % PAGE_SIZE, 0);
        assert_true(i == 0 || frames.free[i - 1].end < range.start);
        for (uint64_t page = range.start / PAGE_SIZE; page < range.end / PAGE_SIZE; page++)
            listed[page] = true;
        bytes += range.end - range.start;
    }
    assert_int_equal(bytes, frames.free_bytes);
    assert_memory_equal(listed, model, sizeof(model));
}

// First fit by hand: 0 is no place, page 0 is never free in this test.
static uint64_t model_alloc(uint64_t count, uint64_t align)
{
    for (uint64_t start = align; start + count <= PAGES; start += align) {
        uint64_t n = 0;
        while (n < count && model[start + n])
            n++;
        if (n == count) {
            memset(model + start, 0, count);
            return start * PAGE_SIZE;
        }
    }
    return 0;
}

static void random_use_equals_the_model(void **state)
{
    (void)state;
    uint64_t seed = 3, allocations = 0, failures = 0;
    struct {
        uint64_t start, count;
    } live[LIVE] = { 0 };
    memset(&frames, 0, sizeof(frames));
    memset(model, 0, sizeof(model));
    assert_true(frames_add(&frames, PAGE_SIZE, PAGES * PAGE_SIZE));
    memset(model + 1, 1, PAGES - 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned slot = (unsigned)host_random_range(&seed, 0, LIVE - 1);
        if (live[slot].count != 0) {
            frames_free(&frames, live[slot].start, live[slot].count);
            memset(model + live[slot].start / PAGE_SIZE, 1, live[slot].count);
            live[slot].count = 0;
        } else {
            uint64_t count = host_random_range(&seed, 1, 24), align = UINT64_C(1) << host_random_range(&seed, 0, 5);
            uint64_t expected = model_alloc(count, align);
            assert_int_equal(frames_alloc(&frames, count, align), expected);
            live[slot].start = expected;
            live[slot].count = expected == 0 ? 0 : count;
            allocations++;
            failures += expected == 0;
        }
        check_list();
    }
    assert_true(failures > 0 && failures < allocations);
    assert_int_equal(frames.free_bytes + frames.used_bytes, (PAGES - 1) * PAGE_SIZE);
    print_message("# %lu allocations, %lu of them refused for lack of room, all as the model says\n", allocations,
                  failures);
}

static void overlapping_maps_and_reservations(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (unsigned round = 0; round < 400; round++) {
        memset(&frames, 0, sizeof(frames));
        memset(model, 0, sizeof(model));
        for (unsigned i = 0; i < 30; i++) {
            uint64_t a = host_random_range(&seed, 0, PAGES * PAGE_SIZE),
                     b = host_random_range(&seed, 0, PAGES * PAGE_SIZE);
            uint64_t start = a < b ? a : b, end = a < b ? b : a;
            bool add = (host_random(&seed) & 1) != 0;
            assert_true(add ? frames_add(&frames, start, end) : frames_reserve(&frames, start, end));
            for (uint64_t page = 0; page < PAGES; page++) {
                uint64_t low = page * PAGE_SIZE, high = low + PAGE_SIZE;
                if (add && low >= start && high <= end)
                    model[page] = true;
                if (!add && start < end && high > start && low < end)
                    model[page] = false;
            }
            check_list();
        }
    }
}

static void a_full_list_refuses_and_loses_nothing_silently(void **state)
{
    (void)state;
    memset(&frames, 0, sizeof(frames));
    for (uint64_t i = 0; i < FRAME_RANGES_MAX; i++)
        assert_true(frames_add(&frames, (1 + i * 4) * PAGE_SIZE, (4 + i * 4) * PAGE_SIZE));
    assert_false(frames_add(&frames, GIB, GIB + PAGE_SIZE));
    assert_false(frames_reserve(&frames, 2 * PAGE_SIZE, 3 * PAGE_SIZE)); // would split
    assert_int_equal(frames_alloc(&frames, 1, 2), 0);                    // page 2: would split too
    assert_int_equal(frames.free_bytes, FRAME_RANGES_MAX * 3 * PAGE_SIZE);
    assert_int_equal(frames_alloc(&frames, 1, 1), PAGE_SIZE);
    frames_free(&frames, PAGE_SIZE, 1);
    assert_int_equal(frames.lost_bytes, 0);
    frames.used_bytes += PAGE_SIZE;
    frames_free(&frames, GIB, 1);
    assert_int_equal(frames.lost_bytes, PAGE_SIZE);
}

static void extremes(void **state)
{
    (void)state;
    memset(&frames, 0, sizeof(frames));
    assert_true(frames_add(&frames, MIB, UINT64_MAX));
    assert_int_equal(frames.free[0].end, UINT64_MAX - (PAGE_SIZE - 1));
    assert_int_equal(frames_alloc(&frames, 0, 1), 0);
    assert_int_equal(frames_alloc(&frames, 1, 0), 0);
    assert_int_equal(frames_alloc(&frames, 1, 3), 0);
    assert_int_equal(frames_alloc(&frames, UINT64_MAX, 1), 0);
    assert_int_equal(frames_alloc(&frames, 1, UINT64_C(1) << 63), 0);
    assert_true(frames_reserve(&frames, 64 * GIB, UINT64_MAX));
    assert_int_equal(frames.free_bytes, 64 * GIB - MIB);
    assert_int_equal(frames_alloc(&frames, 512 * MIB / PAGE_SIZE, 512), 2 * MIB);
    assert_int_equal(frames_alloc(&frames, 1, 1), MIB);
    frames_free(&frames, 2 * MIB, 512 * MIB / PAGE_SIZE);
    frames_free(&frames, MIB, 1);
    assert_int_equal(frames.count, 1);
    assert_int_equal(frames.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_equals_the_model),
        cmocka_unit_test(overlapping_maps_and_reservations),
        cmocka_unit_test(a_full_list_refuses_and_loses_nothing_silently),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
