// SPDX-License-Identifier: MIT
// The VGA's registers: what is kept of each, the retrace against a beam that is moved dot by dot and against the
// numbers of mode 3, where the characters are, and the laws of the device contract.
#include <string.h>

#include "devices/vga.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/ports.h"

#define HZ       UINT64_C(1000000000)
#define BLANK    0x01
#define RETRACE  0x08

static struct vga vga;

static void out(uint64_t port, uint8_t value)
{
    port_out(&vga_ops, &vga, port, 1, value, 0);
}

static uint8_t in(uint64_t port)
{
    return (uint8_t)port_in(&vga_ops, &vga, port, 1, 0);
}

static void set(uint64_t port, uint8_t index, uint8_t value)
{
    out(port, index);
    out(port + 1, value);
}

static uint8_t get(uint64_t port, uint8_t index)
{
    out(port, index);
    return in(port + 1);
}

static uint8_t status(vtime_t now)
{
    return (uint8_t)port_in(&vga_ops, &vga, 0x3da, 1, now);
}

// The first V of a dot, whose clock is 28.322 MHz: 900 of them a line, 449 lines a frame.
static vtime_t dot_at(uint64_t frame, uint64_t line, uint64_t dot)
{
    unsigned __int128 dots = ((unsigned __int128)frame * 449 + line) * 900 + dot;
    return (vtime_t)((dots * HZ + 28321999) / 28322000);
}

static void test_mode_3_beam(void **state)
{
    (void)state;
    vga_init(&vga, HZ);
    for (uint64_t frame = 0; frame < 500; frame = frame * 3 + 1) {
        for (uint64_t line = 0; line < 449; line++) {
            uint8_t retrace = line == 412 || line == 413 ? RETRACE : 0, blank = line < 400 ? 0 : BLANK;
            assert_int_equal(status(dot_at(frame, line, 0)), retrace | blank);
            assert_int_equal(status(dot_at(frame, line, 719)), retrace | blank);
            assert_int_equal(status(dot_at(frame, line, 720)), retrace | BLANK);
            assert_int_equal(status(dot_at(frame, line, 900) - 1), retrace | BLANK);
        }
    }
    assert_int_equal(dot_at(1, 0, 0), 14268061); // 70.087 Hz
}

// The beam as a picture tube has it: dots, lines, and a retrace that begins at one line number and ends at the next
// line whose low four bits are another.
struct beam {
    unsigned dot, line;
    bool retrace;
};

static void beam_step(struct beam *beam, unsigned line_dots, unsigned lines, unsigned from, unsigned to)
{
    if (++beam->dot < line_dots)
        return;
    beam->dot = 0;
    beam->line = beam->line + 1 == lines ? 0 : beam->line + 1;
    if (beam->line == 0 || (beam->line & 15) == to)
        beam->retrace = false;
    if (beam->line == from)
        beam->retrace = true;
}

// Any timing a guest can write; one dot is one cycle of V.
static void test_any_beam(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (unsigned run = 0; run < 60; run++) {
        vga_init(&vga, 28322000);
        out(0x3c2, (uint8_t)(host_random(&random) | 0x05));
        bool slow = (in(0x3cc) & 0x0c) == 0;
        set(0x3c4, 1, (uint8_t)(host_random(&random) & 1));
        unsigned width = (get(0x3c4, 1) & 1) != 0 ? 8 : 9;
        uint8_t h_total = (uint8_t)host_random_range(&random, 0, 20);
        uint8_t h_end = (uint8_t)host_random_range(&random, 0, 22);
        uint8_t v_total = (uint8_t)host_random(&random), v_end = (uint8_t)host_random(&random);
        uint8_t from = (uint8_t)host_random(&random), to = (uint8_t)host_random_range(&random, 0, 15);
        set(0x3d4, 0x11, to); // and the lock is off
        set(0x3d4, 0, h_total);
        set(0x3d4, 1, h_end);
        set(0x3d4, 6, v_total);
        set(0x3d4, 7, 0);
        set(0x3d4, 0x12, v_end);
        set(0x3d4, 0x10, from);
        if (slow) // 25.175 MHz: the beam of the test has the faster clock only
            vga.hz = 25175000;
        struct beam beam = { .retrace = from == 0 };
        unsigned line_dots = (h_total + 5u) * width, lines = v_total + 2u;
        for (vtime_t now = 0; now < 2 * line_dots * lines; now++) {
            bool shown = beam.line <= v_end && beam.dot < (h_end + 1u) * width;
            assert_int_equal(status(now), (shown ? 0 : BLANK) | (beam.retrace ? RETRACE : 0));
            beam_step(&beam, line_dots, lines, from, to);
        }
    }
}

static void test_registers(void **state)
{
    static const uint8_t attribute_bits[21] = { [16] = 0xef, [17] = 0xff, [18] = 0x3f, [19] = 0x0f, [20] = 0x0f };
    (void)state;
    vga_init(&vga, HZ);
    in(0x3da);
    for (uint8_t i = 0; i < 21; i++) { // index and data by turns, until input status 1 is read
        out(0x3c0, i);
        out(0x3c0, 0xff);
        out(0x3c0, i);
        assert_int_equal(in(0x3c1), i < 16 ? 0x3f : attribute_bits[i]);
        in(0x3da);
    }
    out(0x3c0, 0x25);
    assert_int_equal(in(0x3c0), 0x25);
    out(0x3c0, 0x12);
    out(0x3c0, 0x25);
    assert_int_equal(in(0x3c1), 0x12);
    set(0x3c4, 2, 0xff);
    assert_int_equal(get(0x3c4, 2), 0x0f);
    set(0x3ce, 8, 0x5a);
    assert_int_equal(get(0x3ce, 8), 0x5a);
    set(0x3d4, 0x0e, 0x12);
    assert_int_equal(get(0x3d4, 0x0e), 0x12);
    assert_int_equal(get(0x3d4, 0x3f), 0); // there is none
    set(0x3d4, 0x3f, 1);
    assert_int_equal(port_in(&vga_ops, &vga, 0x3d4, 2, 0), 0x3f); // both at once
    port_out(&vga_ops, &vga, 0x3d4, 2, 0x340f, 0);
    assert_int_equal(get(0x3d4, 0x0f), 0x34);
    set(0x3d4, 0x11, 0x8e);
    set(0x3d4, 0, 0x77); // locked
    assert_int_equal(get(0x3d4, 0), 0x5f);
    set(0x3d4, 7, 0);
    assert_int_equal(get(0x3d4, 7), 0x1f & ~0x10);
}

static void test_two_places(void **state)
{
    (void)state;
    vga_init(&vga, HZ);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3b4, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3ba, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3d0, 1), IO_UNCLAIMED);
    out(0x3c2, 0x66);
    assert_int_equal(in(0x3cc), 0x66);
    set(0x3b4, 0x0f, 0x21);
    assert_int_equal(get(0x3b4, 0x0f), 0x21);
    assert_int_equal(port_in(&vga_ops, &vga, 0x3ba, 1, dot_at(0, 412, 0)), BLANK | RETRACE);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3d4, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3da, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&vga_ops, &vga, 0x3c4, 1), IO_OK);
}

static void test_palette(void **state)
{
    static const uint8_t brown[3] = { 0x2a, 0x15, 0 }, white[3] = { 0x3f, 0x3f, 0x3f };
    (void)state;
    vga_init(&vga, HZ);
    out(0x3c7, 0x14); // the attribute controller's number for brown
    assert_int_equal(in(0x3c7), 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(in(0x3c9), brown[i]);
    out(0x3c7, 0x3f);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(in(0x3c9), white[i]);
    out(0x3c8, 255);
    for (uint8_t i = 0; i < 6; i++) // round the end
        out(0x3c9, (uint8_t)(0xc0 + i));
    assert_int_equal(in(0x3c7), 0);
    assert_int_equal(in(0x3c8), 1);
    out(0x3c7, 255);
    for (uint8_t i = 0; i < 6; i++)
        assert_int_equal(in(0x3c9), i);
}

static void test_layout(void **state)
{
    struct text_layout layout;
    (void)state;
    vga_init(&vga, HZ);
    assert_true(vga_layout(&vga, &layout));
    assert_true(layout.columns == 80 && layout.rows == 25 && layout.pitch == 80 && layout.window == 0xb8000);
    assert_true(layout.start == 0 && layout.cursor == 0);
    set(0x3d4, 9, 0x47); // characters of 8 lines
    set(0x3d4, 0x0c, 0x12);
    set(0x3d4, 0x0d, 0x34);
    set(0x3d4, 0x0e, 0x01);
    set(0x3d4, 0x0f, 0x45);
    set(0x3ce, 6, 0x0a);
    assert_true(vga_layout(&vga, &layout));
    assert_true(layout.rows == 50 && layout.start == 0x1234 && layout.cursor == 0x145 && layout.window == 0xb0000);
    set(0x3d4, 0x0a, 0x20);
    vga_layout(&vga, &layout);
    assert_int_equal(layout.cursor, VGA_NO_CURSOR);
    set(0x3ce, 6, 0x05);
    assert_false(vga_layout(&vga, &layout));
    uint64_t random = 9;
    for (unsigned i = 0; i < 100000; i++) { // nothing a guest writes gives a screen without cells
        vga.crtc[host_random_range(&random, 0, VGA_CRTC_REGISTERS - 1)] = (uint8_t)host_random(&random);
        vga_layout(&vga, &layout);
        assert_true(layout.columns >= 1 && layout.columns <= 256 && layout.rows >= 1 && layout.rows <= 1024);
    }
}

// --- laws -----------------------------------------------------------------------------------------------------------

static void start(void *device)
{
    vga_init(device, HZ);
}

static void random_access(uint64_t *random, struct io_access *io)
{
    io->offset = host_random_range(random, 0x3b0, 0x3df);
    io->size = (uint8_t)(1u << host_random_range(random, 0, 2));
    io->is_write = host_random_range(random, 0, 1) != 0;
    io->value = host_random(random);
}

static bool is_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return io->size == 1 && io->offset != 0x3c9 && io->offset != 0x3da && io->offset != 0x3ba;
}

static void observe(void *device, vtime_t now, struct observation *seen)
{
    for (unsigned port = 0x3b0; port < 0x3e0; port++) {
        struct io_access io = { .offset = port, .size = 1 };
        observation_add(seen, vga_ops.access(device, &io, now) == IO_OK ? io.value : 0x100);
    }
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &vga_ops,
        .object_size = sizeof(struct vga),
        .init = start,
        .random_access = random_access,
        .observe = observe,
        .read_is_pure = is_pure,
        .typical_step = 31776,
        .runs = 200,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode_3_beam), cmocka_unit_test(test_any_beam),   cmocka_unit_test(test_registers),
        cmocka_unit_test(test_two_places),  cmocka_unit_test(test_palette),    cmocka_unit_test(test_layout),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("vga", tests, NULL, NULL);
}
