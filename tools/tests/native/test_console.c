// SPDX-License-Identifier: MIT
// What is typed and what is shown, with a guest, a screen and a terminal of the test's own: bytes that wait for the
// guest, the monitor's keys among them whatever the guest does, keys for the keyboard, rows drawn once and printed
// once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "arch/arch.h"
#include "vmm/cp437.h"
#include "vmm/base/log.h"
#include "vmm/base/percpu.h"
#include "vmm/vm.h"

#define SLICE 1000

static struct vm vm;
static htime_t   host_now;

// --- the machine around it ------------------------------------------------------------------------------------------

static char     terminal[200000]; // what has been written to it
static size_t   terminal_count;
static char     typed[20000];
static size_t   typed_at, typed_count;
static char     uart[20000]; // what the guest has read
static size_t   uart_count, uart_room;
static struct key pressed[64];
static unsigned pressed_count, keyboard_room;
static uint8_t  window[0x8000];
static struct vga vga;
static enum machine_screen kind;

htime_t arch_counter_read(void)
{
    return host_now;
}

void arch_write(enum arch_channel channel, const void *bytes, size_t count)
{
    assert_int_equal(channel, ARCH_CONSOLE);
    assert_true(terminal_count + count < sizeof(terminal));
    memcpy(terminal + terminal_count, bytes, count);
    terminal_count += count;
    terminal[terminal_count] = '\0';
}

struct cpu *this_cpu(void)
{
    static struct cpu cpu;
    return &cpu;
}

const struct counter *arch_counter(void)
{
    static const struct counter counter = { .hz = 1000000000 };
    return &counter;
}

void log_keep(struct remains *remains)
{
    (void)remains;
}

void log_line(const char *subsystem, const char *text, ...)
{
    (void)subsystem;
    (void)text;
}

int arch_console_read(void)
{
    return typed_at < typed_count ? (uint8_t)typed[typed_at++] : -1;
}

bool machine_console_input(struct vm *to, uint8_t byte)
{
    (void)to;
    if (uart_room == 0)
        return false;
    uart_room--;
    uart[uart_count++] = (char)byte;
    return true;
}

bool machine_key_input(struct vm *to, const struct key *key)
{
    (void)to;
    if (keyboard_room == 0)
        return false;
    keyboard_room--;
    pressed[pressed_count++] = *key;
    return true;
}

enum machine_screen machine_screen(const struct vm *of, struct text_layout *layout, const uint8_t **cells)
{
    (void)of;
    *cells = window;
    vga_layout(&vga, layout);
    return kind;
}

static void begin(void)
{
    memset(&vm, 0, sizeof(vm));
    vm.slice_cycles = SLICE;
    host_now = 1000000;
    terminal_count = typed_at = typed_count = uart_count = pressed_count = 0;
    uart_room = sizeof(uart);
    keyboard_room = 64;
    kind = SCREEN_TEXT;
    vga_init(&vga, 1000000000);
    for (size_t i = 0; i < sizeof(window); i += 2)
        memcpy(window + i, " \x07", 2);
}

static void poll(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        host_now += SLICE;
        vm.vcpu.last_t1 = host_now;
        console_poll(&vm);
    }
}

static void type(const char *text, size_t count)
{
    assert_true(typed_count + count <= sizeof(typed));
    memcpy(typed + typed_count, text, count);
    typed_count += count;
}

static void put(unsigned row, const char *text)
{
    for (unsigned i = 0; text[i] != '\0'; i++)
        window[2 * (row * 80 + i)] = (uint8_t)text[i];
}

static unsigned times_shown(const char *text)
{
    unsigned times = 0;
    for (const char *at = terminal; (at = strstr(at, text)) != NULL; at++)
        times++;
    return times;
}

// --- what is typed --------------------------------------------------------------------------------------------------

// A guest that reads gets every byte, however slow it is; nothing is read ahead of it without bound.
static void test_slow_reader(void **state)
{
    char text[8000];
    (void)state;
    begin();
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 23);
    type(text, sizeof(text));
    uart_room = 0;
    for (unsigned i = 0; uart_count < sizeof(text) && i < 100000; i++) {
        uart_room = 4; // of 64 in 25 slices, just enough
        poll(1);
        assert_true(typed_at - uart_count <= CONSOLE_TYPED);
    }
    assert_int_equal(uart_count, sizeof(text));
    assert_memory_equal(uart, text, sizeof(text));
}

static void test_deaf_guest(void **state)
{
    char text[10000];
    (void)state;
    begin();
    uart_room = 0;
    memset(text, 'x', sizeof(text));
    type("ab", 2);
    type(text, sizeof(text));
    type("\035q", 2);
    poll(20);
    assert_int_equal(typed_at, CONSOLE_TYPED); // for now the rest waits
    assert_int_equal(vm.keys.command, 0);
    poll(300);
    assert_int_equal(vm.keys.command, 'q');
    uart_room = sizeof(uart); // what came first is still there
    poll(1);
    assert_true(uart_count == CONSOLE_TYPED && memcmp(uart, "abxx", 4) == 0);
}

// One poll reads a bounded number of bytes, one command is found at a time.
static void test_bounds(void **state)
{
    char text[1000];
    (void)state;
    begin();
    memset(text, 'y', sizeof(text));
    type(text, sizeof(text));
    poll(1);
    assert_true(typed_at > 0 && typed_at <= 64);
    begin();
    type("\035l\035eZ", 5);
    poll(3);
    assert_true(vm.keys.command == 'l' && typed_at == 2);
    vm.keys.command = 0;
    poll(3);
    assert_true(vm.keys.command == 'e' && typed_at == 4 && uart_count == 0);
    vm.keys.command = 0;
    poll(1);
    assert_true(uart_count == 1 && uart[0] == 'Z');
}

// --- the screen -----------------------------------------------------------------------------------------------------

static void test_keys_go_where_one_looks(void **state)
{
    (void)state;
    begin();
    uart_room = 0;
    type("ab", 2);
    poll(1);
    screen_toggle(&vm);
    keyboard_room = 1;
    type("cD\033", 3);
    poll(1);
    assert_true(pressed_count == 1 && pressed[0].code == 0x2e);
    keyboard_room = 64;
    poll(1);
    assert_true(pressed_count == 2 && pressed[1].code == 0x20 && pressed[1].held == KEY_CODE_SHIFT);
    poll(4); // nothing follows the Escape
    assert_true(pressed_count == 3 && pressed[2].code == 0x01);
    screen_toggle(&vm);
    uart_room = 64;
    type("e", 1);
    poll(1);
    assert_true(pressed_count == 3 && uart_count == 3 && memcmp(uart, "abe", 3) == 0);
}

static void test_drawn(void **state)
{
    (void)state;
    begin();
    put(0, "hello");
    window[1] = 0x4e; // yellow on red
    put(24, "last row \xc4\xb3");
    screen_toggle(&vm);
    assert_int_equal(times_shown("\033[?1049h"), 1);
    assert_int_equal(times_shown("\033[1;1H\033[0m\033[K\033[0;37;40m\033[0;93;41mh\033[0;37;40mello "), 1);
    assert_int_equal(times_shown("\033[25;1H\033[0m\033[K\033[0;37;40mlast row \xe2\x94\x80\xe2\x94\x82 "), 1);
    assert_int_equal(times_shown("\033[1;1H\033[?25h"), 1); // the cursor
    size_t drawn = terminal_count;
    poll(20);
    assert_int_equal(terminal_count, drawn); // nothing has changed
    put(3, "new");
    poll(5);
    assert_int_equal(times_shown("\033[4;1H\033[0m\033[K\033[0;37;40mnew "), 1);
    assert_int_equal(times_shown("hello"), 0); // its h has a colour of its own, the row was drawn once
    assert_int_equal(times_shown("last row"), 1);
    console_put(&vm, 'S'); // the serial console meanwhile
    console_put(&vm, '\n');
    assert_int_equal(times_shown("S\n"), 0);
    screen_toggle(&vm);
    assert_int_equal(times_shown("\033[?1049lS\n"), 1);
    kind = SCREEN_GRAPHICS;
    screen_toggle(&vm);
    assert_int_equal(times_shown("in a graphics mode"), 1);
    screen_end(&vm);
    kind = SCREEN_NONE;
    screen_toggle(&vm);
    assert_int_equal(times_shown("[this machine has no screen]"), 1);
    assert_false(vm.screen.shown);
}

// A screen of fewer rows than before leaves none of the others behind, and graphics leave no text.
static void test_fewer_rows(void **state)
{
    (void)state;
    begin();
    vga.crtc[0x09] = 7; // 50 rows
    put(40, "below");
    screen_toggle(&vm);
    assert_int_equal(times_shown("below"), 1);
    terminal_count = 0;
    vga.crtc[0x09] = 15;
    poll(5);
    assert_int_equal(times_shown("\033[26;1H\033[J"), 1);
    poll(20);
    assert_int_equal(times_shown("\033[J"), 1);
    kind = SCREEN_GRAPHICS;
    terminal_count = 0;
    poll(5);
    assert_true(times_shown("goes back]\033[J") >= 1);
}

static void test_held(void **state)
{
    (void)state;
    begin();
    screen_toggle(&vm);
    for (unsigned i = 0; i < 3000; i++)
        console_put(&vm, (uint8_t)(i % 10 == 9 ? '\n' : 'A' + i / 1000));
    terminal_count = 0;
    screen_hide(&vm);
    const char *held = terminal + strlen("\033[0m\033[?25h\033[?7h\033[?1049l");
    assert_int_equal(strlen(held), SCREEN_HELD); // the last ones, in their order
    assert_true(held[0] == 'A' && strchr(held, 'B') < strchr(held, 'C') && held[SCREEN_HELD - 1] == '\n');
}

// Any layout and any cells: only what is in the window is read, and no byte but text and our own sequences comes out.
static void test_hostile_screen(void **state)
{
    (void)state;
    begin();
    for (unsigned run = 0; run < 256; run++) {
        for (size_t i = 0; i < sizeof(window); i++)
            window[i] = (uint8_t)(i * 7 + run);
        for (unsigned i = 0; i < VGA_CRTC_REGISTERS; i++)
            vga.crtc[i] = (uint8_t)(run * (i + 3) * 5);
        terminal_count = 0;
        screen_toggle(&vm);
        screen_toggle(&vm);
        for (size_t i = 0; i < terminal_count; i++)
            assert_true((uint8_t)terminal[i] >= ' ' || terminal[i] == '\033');
        for (const char *at = terminal; (at = strchr(at, '\033')) != NULL; at++)
            assert_int_equal(at[1], '[');
    }
}

static void test_followed(void **state)
{
    char line[32];
    (void)state;
    begin();
    vm.config.follow = true;
    screen_init(&vm);
    poll(20);
    assert_int_equal(terminal_count, 0); // an empty screen
    put(0, "first   ");
    put(2, "third");
    console_put(&vm, '$');
    poll(20);
    assert_string_equal(terminal, "$\r\nfirst\r\nthird\r\n");
    poll(20);
    assert_string_equal(terminal, "$\r\nfirst\r\nthird\r\n");
    terminal_count = 0;
    put(0, "First");
    poll(20);
    assert_string_equal(terminal, "First\r\n");
    for (unsigned row = 0; row < 25; row++) {
        snprintf(line, sizeof(line), "line %u      ", row);
        put(row, line);
    }
    poll(20);
    terminal_count = 0;
    memmove(window, window + 3 * 160, sizeof(window) - 3 * 160); // scrolled by three
    put(22, "line 25");
    put(23, "line 26");
    poll(20);
    assert_string_equal(terminal, "line 25\r\nline 26\r\n");
    terminal_count = 0;
    put(24, "the end");
    screen_end(&vm);
    assert_string_equal(terminal, "the end\r\n");
}

static void test_characters(void **state)
{
    static const struct {
        uint8_t character;
        const char *utf8;
    } some[] = { { 0x00, " " },      { 0x41, "A" },      { 0x7e, "~" },      { 0x7f, "⌂" }, { 0x80, "Ç" },
                 { 0x81, "ü" },      { 0xb0, "░" },      { 0xba, "║" },      { 0xc5, "┼" }, { 0xdb, "█" },
                 { 0xe1, "ß" },      { 0xf8, "°" },      { 0xfe, "■" },      { 0xff, " " }, { 0x01, "☺" },
                 { 0x1a, "→" } };
    char out[CP437_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        out[cp437_utf8(some[i].character, out)] = '\0';
        assert_string_equal(out, some[i].utf8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_reader),    cmocka_unit_test(test_deaf_guest),
        cmocka_unit_test(test_bounds),         cmocka_unit_test(test_keys_go_where_one_looks),
        cmocka_unit_test(test_drawn),          cmocka_unit_test(test_held),
        cmocka_unit_test(test_fewer_rows),
        cmocka_unit_test(test_hostile_screen), cmocka_unit_test(test_followed),
        cmocka_unit_test(test_characters),
    };
    return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
