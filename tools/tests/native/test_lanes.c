// SPDX-License-Identifier: MIT
// The lanes against an owner-by-owner recount: every letter and marker that is drawn must come from the records.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/host.h"
#include "tools/tests/native/records.h"
#include "vmm/show/lanes.h"

#define LINES_MAX 16
#define LABEL     4

static struct trace trace;
static char lines[LINES_MAX][128];
static unsigned line_count;

static void collect(void *ctx, const char *line)
{
    (void)ctx;
    assert_true(line_count < LINES_MAX && strlen(line) <= 100);
    for (const char *c = line; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    strcpy(lines[line_count++], line);
}

static void draw(void)
{
    line_count = 0;
    lanes_draw(&trace, collect, NULL);
}

static void add(enum trace_kind kind, uint64_t host, uint64_t duration)
{
    struct trace_record record = { .host = host, .duration = (uint32_t)duration, .kind = (uint8_t)kind };

    trace_put(&trace, record);
}

// The row that begins with "  X"; null when it is not drawn.
static const char *row(char letter)
{
    for (unsigned i = 1; i < line_count; i++) {
        if (memcmp(lines[i], "  ", 2) == 0 && lines[i][2] == letter && (lines[i][3] == ' ' || lines[i][3] == '\0'))
            return lines[i];
    }
    return NULL;
}

static char cell(char letter, unsigned column)
{
    const char *text = row(letter);

    return text && strlen(text) > LABEL + column ? text[LABEL + column] : ' ';
}

static uint64_t overlap(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t from = a > c ? a : c, to = b < d ? b : d;

    return from < to ? to - from : 0;
}

// Cycles of each owner in [from, to), counted from the records one by one.
static void recount(uint64_t from, uint64_t to, uint64_t owned[128])
{
    static const char letters[] = { [TRACE_GUEST] = 'G', [TRACE_IDLE] = 'I', [TRACE_HOST] = 'H', [TRACE_INJECT] = 0 };

    memset(owned, 0, 128 * sizeof(owned[0]));
    owned['M'] = to - from;
    for (uint64_t i = 0; i < trace_kept(&trace); i++) {
        const struct trace_record *r = trace_get(&trace, i);
        if (letters[r->kind] == 0)
            continue;
        uint64_t cycles = overlap(r->host, r->host + r->duration, from, to);
        owned[(int)letters[r->kind]] += cycles;
        owned['M'] -= cycles;
    }
}

static bool marked(enum trace_kind kind, uint64_t from, uint64_t to)
{
    for (uint64_t i = 0; i < trace_kept(&trace); i++) {
        const struct trace_record *r = trace_get(&trace, i);
        if (r->kind == kind && r->host >= from && r->host < to)
            return true;
    }
    return false;
}

static void check_picture(void)
{
    uint64_t owned[128];
    unsigned long scale, start, end;

    assert_int_equal(sscanf(lines[0], "lanes: one column = %lu cycles, from counter %lu to %lu", &scale, &start, &end),
                     3);
    assert_true(end - start == scale * LANES_COLUMNS);
    for (unsigned c = 0; c < LANES_COLUMNS; c++) {
        uint64_t from = start + c * scale;
        char owner = 0;
        for (const char *letter = "HMGI"; *letter; letter++) {
            if (cell(*letter, c) == ' ')
                continue;
            assert_int_equal(cell(*letter, c), *letter);
            assert_int_equal(owner, 0);
            owner = *letter;
        }
        assert_int_not_equal(owner, 0);
        recount(from, from + scale, owned);
        for (const char *letter = "HMGI"; *letter; letter++)
            assert_true(owned[(int)owner] >= owned[(int)*letter]);
        assert_int_equal(cell('^', c) == '^', marked(TRACE_DUE, from, from + scale));
        assert_int_equal(cell('!', c) == '!', marked(TRACE_INJECT, from, from + scale));
    }
}

static void show(void)
{
    for (unsigned i = 0; i < line_count; i++)
        print_message("# %s\n", lines[i]);
}

static void test_nothing_to_draw(void **state)
{
    (void)state;
    trace_init(&trace);
    draw();
    assert_int_equal(line_count, 1);
    assert_string_equal(lines[0], "lanes: the trace is too short to draw");
    add(TRACE_DUE, 10, 0);
    draw();
    assert_int_equal(line_count, 1);
    add(TRACE_GUEST, 20, 50); // less than one cycle a column
    draw();
    assert_int_equal(line_count, 1);
}

// The drawing of the first diagram of this kind: 8 H, 3 M, 8 G, 3 M, 5 G, 3 M, then H, here 100 cycles a letter.
static void test_classic_picture(void **state)
{
    (void)state;
    trace_init(&trace);
    add(TRACE_HOST, 1000, 800);
    add(TRACE_GUEST, 2100, 800);
    add(TRACE_DUE, 2900, 0);
    add(TRACE_INJECT, 3150, 0);
    add(TRACE_GUEST, 3200, 500);
    add(TRACE_HOST, 4000, 10000);
    draw();
    show();
    check_picture();
    const char *g = row('G');
    assert_non_null(g);
    assert_null(row('I'));
    assert_non_null(row('^'));
    assert_non_null(row('!'));
}

// Slices much longer than what lies between them: the window must lie around an exit, or only G would be seen.
static void test_long_slices(void **state)
{
    (void)state;
    trace_init(&trace);
    for (uint64_t i = 0; i < 20; i++)
        add(TRACE_GUEST, 5000 + i * 1000600, 1000000);
    draw();
    show();
    check_picture();
    unsigned monitor = 0, guest = 0;
    for (unsigned c = 0; c < LANES_COLUMNS; c++) {
        monitor += cell('M', c) == 'M';
        guest += cell('G', c) == 'G';
    }
    assert_true(monitor >= 2 && guest >= 2);
}

static uint64_t slice(uint64_t *seed, uint64_t at, unsigned round)
{
    uint64_t guest = host_random_range(seed, 1, round % 3 == 0 ? 2000000 : 3000), pick = host_random_range(seed, 0, 19);

    add(TRACE_GUEST, at, guest);
    at += guest + host_random_range(seed, 100, 800);
    if (pick < 4) {
        add(TRACE_DUE, at - 50, 0);
        add(TRACE_INJECT, at - 10, 0);
    }
    if (pick == 5) {
        add(TRACE_HOST, at, 2500);
        at += 2500 + host_random_range(seed, 0, 300);
    }
    if (pick == 6) {
        add(TRACE_IDLE, at, 3000);
        at += 3000;
    }
    return at;
}

// Random machines: whatever window is chosen, each of its columns is right.
static void test_random_traces(void **state)
{
    uint64_t seed = 6;

    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        uint64_t at = host_random_range(&seed, 0, UINT64_C(1) << 50);
        uint64_t slices = host_random_range(&seed, 2, round < 20 ? 200 : 6000);
        trace_init(&trace);
        for (uint64_t i = 0; i < slices; i++)
            at = slice(&seed, at, round);
        draw();
        if (line_count == 1) // two very short slices
            continue;
        check_picture();
        if (round % 9 == 7 || round == 9)
            show();
    }
}

// Damaged or extreme records draw something wrong at worst; they must not hang or overflow.
static void test_nonsense_records(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        trace_init(&trace);
        for (uint64_t i = host_random_range(&seed, 0, 300); i > 0; i--)
            add((enum trace_kind)host_random_range(&seed, 0, 12), host_random_edgy(&seed), host_random_edgy(&seed));
        draw();
        assert_true(line_count >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_draw),  cmocka_unit_test(test_classic_picture),
        cmocka_unit_test(test_long_slices),      cmocka_unit_test(test_random_traces),
        cmocka_unit_test(test_nonsense_records),
    };
    return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
