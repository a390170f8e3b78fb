// SPDX-License-Identifier: MIT
// Where the results of a run are kept: only where the loader has set memory aside, and what is seen there afterwards.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "vmm/base/log.h"
#include "vmm/results.h"

#define PLACE UINT64_C(0x30000000) // the monitor reaches it, and nothing else of this process is there

static uint8_t *memory;
static struct bootinfo info;
static struct remains *kept;
static char said[200], words[100], out[REMAINS_BYTES];

void log_line(const char *subsystem, const char *text, ...)
{
    va_list arguments;
    (void)subsystem;
    va_start(arguments, text);
    vsnprintf(said, sizeof(said), text, arguments);
    va_end(arguments);
}

void log_raw(const char *text, size_t size)
{
    (void)text;
    (void)size;
}

void log_set_start(htime_t start)
{
    (void)start;
}

void log_keep(struct remains *remains)
{
    kept = remains;
}

static void clean(const void *start, uint64_t bytes)
{
    (void)start;
    (void)bytes;
}

static void open_at(uint64_t address, uint64_t run, enum memory_type type, uint64_t bytes)
{
    kept = NULL;
    said[0] = '\0';
    snprintf(words, sizeof(words), "screen=on results=%lu run=%lu", address, run);
    info = (struct bootinfo){ .cmdline = words, .memory_count = 2 };
    info.memory[0] = (struct memory_range){ 0, UINT64_C(1) << 46, MEMORY_USABLE };
    info.memory[1] = (struct memory_range){ (uintptr_t)memory, (uintptr_t)memory + bytes, type };
    results_open(&info, clean);
}

// Nothing of it is touched: elsewhere the words may name anything.
static void test_refused(void **state)
{
    (void)state;
    static const char why[] = "not kept: the loader says that their place is ";
    uint64_t at = (uintptr_t)memory;
    memset(memory, 0x5a, REMAINS_BYTES);
    open_at(at, 7, MEMORY_USABLE, REMAINS_BYTES);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(at, 7, MEMORY_RESERVED, REMAINS_BYTES);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(at, 7, MEMORY_KEPT, REMAINS_BYTES - 1);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(at + 4096, 7, MEMORY_KEPT, REMAINS_BYTES);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(at + 8, 7, MEMORY_KEPT, REMAINS_BYTES + 4096);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(at, 0, MEMORY_KEPT, REMAINS_BYTES);
    assert_true(kept == NULL && strncmp(said, why, sizeof(why) - 1) == 0);
    open_at(0, 7, MEMORY_KEPT, REMAINS_BYTES);
    assert_true(kept == NULL && said[0] == '\0');
    info.cmdline = "results=nowhere";
    results_open(&info, clean);
    assert_true(kept == NULL && said[0] == '\0');
    for (unsigned i = 0; i < REMAINS_BYTES; i++)
        assert_int_equal(memory[i], 0x5a);
}

static void test_seen(void **state)
{
    (void)state;
    static struct vm vm;
    size_t at;
    results_seen(&vm, "before it is open");
    open_at((uintptr_t)memory, 7, MEMORY_KEPT, REMAINS_BYTES);
    assert_non_null(kept);
    remains_append(kept, "a line\n", 7);
    for (unsigned i = 0; i < 5000; i++)
        vm_trace(&vm, TRACE_DUE, 3, UINT64_MAX, UINT64_MAX, UINT64_MAX - i);
    char row[LIVE_ROW_BYTES];
    memset(row, 'r', sizeof(row));
    row[sizeof(row) - 1] = '\0';
    results_seen(&vm, row);
    size_t bytes = remains_read(memory, 7, out, &at);
    assert_true(at == 7 && memcmp(out, "a line\n", 7) == 0 && out[bytes - 1] == '\n');
    unsigned lines = 0;
    for (size_t i = at; i < bytes; i++)
        lines += out[i] == '\n';
    assert_int_equal(lines, 31);
    char last[40];
    snprintf(last, sizeof(last), "arg %lu\n", UINT64_MAX - 4999);
    assert_memory_equal(out + bytes - strlen(last), last, strlen(last)); // whole, whatever the figures are
}

int main(void)
{
    memory = mmap((void *)PLACE, REMAINS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != (void *)PLACE)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
