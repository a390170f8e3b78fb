// SPDX-License-Identifier: MIT
// Text that outlives a reset: what is read back is what was written, whenever the reset comes, and nothing else is.
#define _GNU_SOURCE // memmem
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/base/remains.h"

#define RUN       UINT64_C(1795990000123)
#define LINES_MAX 20000

static _Alignas(4096) uint8_t memory[REMAINS_BYTES], after[REMAINS_BYTES];
static char written[LINES_MAX * 64], out[REMAINS_BYTES];
static size_t written_bytes, acknowledged_bytes;
static struct remains remains;
static jmp_buf reset;
static uint64_t stores_left;

static void clean(const void *start, uint64_t bytes)
{
    assert_true((const uint8_t *)start >= memory && (const uint8_t *)start + bytes <= memory + sizeof(memory));
    if (stores_left-- == 0)
        longjmp(reset, 1);
}

static void clean_nothing(const void *start, uint64_t bytes)
{
    (void)start;
    (void)bytes;
}

static void begin(void)
{
    stores_left = UINT64_MAX;
    written_bytes = acknowledged_bytes = 0;
    for (unsigned i = 0; i < sizeof(memory); i++)
        memory[i] = (uint8_t)(i * 7);
    remains_begin(&remains, memory, RUN, clean);
}

static void append(const char *text, size_t size)
{
    memcpy(written + written_bytes, text, size);
    written_bytes += size;
    remains_append(&remains, text, size);
    acknowledged_bytes = written_bytes;
}

static size_t line(char *text, unsigned number)
{
    unsigned digits = 1 + number % 40;
    for (unsigned i = 0; i < digits; i++)
        text[i] = (char)('a' + (number + i) % 26);
    text[digits] = '\n';
    return digits + 1;
}

static void append_line(unsigned number)
{
    char text[64];
    append(text, line(text, number));
}

static void test_nothing(void **state)
{
    (void)state;
    size_t at;
    begin();
    assert_int_equal(remains_read(memory, RUN, out, &at), 0);
    assert_int_equal(at, 0);
    memset(memory, 0, sizeof(memory));
    assert_int_equal(remains_read(memory, RUN, out, &at), 0);
    assert_int_equal(remains_run(memory), 0);
    memset(memory, 0xff, sizeof(memory));
    assert_int_equal(remains_read(memory, RUN, out, &at), 0);
    assert_int_equal(remains_run(memory), 0);
}

static void test_text_and_snapshot(void **state)
{
    (void)state;
    size_t at;
    begin();
    append("one\n", 4);
    remains_snapshot(&remains, "early", 5);
    append("two\n", 4);
    remains_snapshot(&remains, "later", 5);
    assert_int_equal(remains_read(memory, RUN, out, &at), 13);
    assert_int_equal(at, 8);
    assert_memory_equal(out, "one\ntwo\nlater", 13);
    assert_int_equal(remains_read(memory, RUN + 1, out, &at), 0); // another run's
    assert_int_equal(remains_run(memory), RUN);
}

// More than the ring holds: the latest of it, without a gap.
static void test_round(void **state)
{
    (void)state;
    size_t at;
    begin();
    for (unsigned i = 0; i < LINES_MAX; i++)
        append_line(i);
    assert_true(written_bytes > REMAINS_BYTES + 3 * REMAINS_TEXT_BYTES);
    size_t bytes = remains_read(memory, RUN, out, &at);
    assert_true(bytes > (REMAINS_BLOCKS - 4) * REMAINS_TEXT_BYTES);
    assert_memory_equal(out, written + written_bytes - bytes, bytes);
}

// Lines and snapshots until a reset comes, at the store that it is set for.
static void write_until_reset(void)
{
    if (setjmp(reset) != 0)
        return;
    for (unsigned i = 0;; i++) {
        append_line(i);
        if (i % 16 == 0)
            remains_snapshot(&remains, written, 20);
    }
}

// A reset at each store in turn: all that was acknowledged is there, or all but the oldest block, which was being given
// up; and nothing that was not written.
static void test_reset_at_any_store(void **state)
{
    (void)state;
    size_t at;
    for (unsigned round = 0; round < 600; round++) {
        begin();
        for (unsigned i = 0; i < 20 + round * 50 % 14000; i++)
            append_line(i);
        stores_left = round % 97;
        write_until_reset();
        size_t bytes = remains_read(memory, RUN, out, &at);
        assert_true(at >= acknowledged_bytes || at > (REMAINS_BLOCKS - 4) * REMAINS_TEXT_BYTES);
        size_t end = acknowledged_bytes; // the line that the reset came in may be there as a whole, or a part of it
        while (end < written_bytes && (at > end || memcmp(out, written + end - at, at) != 0))
            end++;
        assert_true(at <= end);
        assert_memory_equal(out, written + end - at, at);
        assert_true(bytes == at || (bytes - at == 20 && memcmp(out + at, written, 20) == 0));
    }
}

// An exception in the middle of a store has something to say, too, and the run may go on after it.
static void test_interrupted(void **state)
{
    (void)state;
    size_t at;
    for (unsigned round = 0; round < 3000; round++) {
        begin();
        for (unsigned i = 0; i < 170; i++)
            append_line(i);
        stores_left = round;
        write_until_reset();
        stores_left = UINT64_MAX;
        size_t before = written_bytes;
        append("panic: said in an exception\n", 28);
        append("ESCAPEMENT-END status=4\n", 24);
        remains_read(memory, RUN, out, &at);
        assert_true(at >= 52 && memcmp(out + at - 52, written + before, 52) == 0);
        assert_true(at >= 52 + 170 || at > (REMAINS_BLOCKS - 4) * REMAINS_TEXT_BYTES); // and what was said before it
    }
}

// Blocks whose checks are right and whose numbers are not: of anybody who had that memory.
static void forge(struct remains_block *block, uint64_t number)
{
    struct remains forger = { .blocks = (void *)after, .clean = clean_nothing, .run = RUN, .snapshots = number - 1 };
    char text[REMAINS_TEXT_BYTES];
    memset(text, 'f', sizeof(text));
    remains_snapshot(&forger, text, sizeof(text));
    memcpy(block, after + number % 2 * 4096, 4096);
}

static void test_forged(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { UINT64_MAX, UINT64_MAX - 1, 1, 2, 61, 62, 63, 1000000 };
    struct remains_block *blocks = (void *)memory;
    size_t at;
    for (unsigned n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        for (unsigned i = 0; i < REMAINS_BLOCKS; i++)
            forge(&blocks[i], numbers[n]);
        assert_true(remains_read(memory, RUN, out, &at) <= 2 * REMAINS_TEXT_BYTES);
        for (unsigned i = 0; i < REMAINS_BLOCKS; i++)
            forge(&blocks[i], numbers[n] - i);
        assert_true(remains_read(memory, RUN, out, &at) <= REMAINS_BYTES);
    }
}

// One bit of it turned: that block is not believed, and what is before it is not joined to what comes after.
static void test_damage(void **state)
{
    (void)state;
    size_t at;
    uint64_t random = 5;
    begin();
    for (unsigned i = 0; i < 2000; i++)
        append_line(i);
    remains_snapshot(&remains, written, 3000);
    size_t whole = remains_read(memory, RUN, out, &at);
    assert_int_equal(whole, written_bytes + 3000);
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(after, memory, sizeof(memory));
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t bit = (random >> 20) % (8 * sizeof(memory));
        after[bit / 8] ^= (uint8_t)(1u << bit % 8);
        size_t bytes = remains_read(after, RUN, out, &at);
        assert_true(bytes <= whole);
        if (bytes != 0 && at != 0) // a part of what was written, which ends where a block ends
            assert_non_null(memmem(written, written_bytes, out, at));
        if (bytes - at != 0)
            assert_true(bytes - at == 3000 && memcmp(out + at, written, 3000) == 0);
    }
}

static void test_nowhere(void **state)
{
    (void)state;
    struct remains none = { 0 };
    remains_append(&none, "text", 4);
    remains_snapshot(&none, "text", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_text_and_snapshot),
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_reset_at_any_store),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
