// SPDX-License-Identifier: MIT
// The PL011 by its manual: reset values and identification, FIFO levels, what raises and what ends each interrupt,
// loopback of data and modem lines, a transmitter that is off, the exact receive timeout, the widths of accesses.
#include "devices/pl011.h"
#include "tools/tests/native/primecell.h"

#define HZ UINT64_C(62500000)

enum {
    DR = 0x00, RSR = 0x04, FR = 0x18, ILPR = 0x20, IBRD = 0x24, FBRD = 0x28, LCR_H = 0x2c, CR = 0x30, IFLS = 0x34,
    IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44, DMACR = 0x48
};
#define FEN 0x70u // and 8 bits
#define RX  0x010u
#define TX  0x020u
#define RT  0x040u
#define OE  0x400u

static uint32_t get(struct pl011 *u, uint64_t offset, vtime_t now) { return cell_read(&pl011_ops, u, offset, now); }

static void put(struct pl011 *u, uint64_t offset, uint32_t value, vtime_t now)
{
    cell_write(&pl011_ops, u, offset, value, now);
}

static void push(struct pl011 *u, unsigned count, vtime_t now)
{
    pl011_ops.advance(u, now);
    for (unsigned i = 0; i < count; i++)
        assert_true(pl011_push_rx(u, (uint8_t)('a' + i)));
}

static struct pl011 fresh(uint32_t lcr_h, uint32_t imsc)
{
    struct pl011 u;
    pl011_init(&u, HZ);
    put(&u, LCR_H, lcr_h, 0);
    put(&u, IMSC, imsc, 0);
    return u;
}

static void test_reset_and_registers(void **state)
{
    (void)state;
    static const struct {
        unsigned offset;
        uint32_t reset, kept;
    } reg[] = {
        { DR, 0, 0 },         { RSR, 0, 0 },      { 0x08, 0, 0 },        { FR, 0x97, 0 },
        { ILPR, 0, 0xff },    { IBRD, 13, 0xffff }, { FBRD, 1, 0x3f },   { LCR_H, 0x60, 0xff },
        { CR, 0x301, 0xff87 }, { IFLS, 0x12, 0x3f }, { IMSC, 0, 0x7ff }, { RIS, 0, 0 },
        { MIS, 0, 0 },        { ICR, 0, 0 },      { DMACR, 0, 7 },       { 0x4c, 0, 0 },
        { 0x80, 0, 0 },       { 0xfdc, 0, 0 },
    };
    struct pl011 u;
    pl011_init(&u, HZ);
    for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
        assert_int_equal(get(&u, reg[i].offset, 0), reg[i].reset);
    assert_true(cell_id(&pl011_ops, &u) == UINT64_C(0xb105f00d00341011));
    for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
        for (unsigned bit = 0; bit < 32 && reg[i].kept != 0; bit++) {
            pl011_init(&u, HZ);
            put(&u, reg[i].offset, 1u << bit, 0);
            assert_int_equal(get(&u, reg[i].offset, 0), 1u << bit & reg[i].kept);
        }
}

static void test_transmit(void **state)
{
    (void)state;
    struct pl011 u = fresh(0x60, 0);
    uint8_t byte;
    assert_false(pl011_take_tx(&u, &byte));
    for (unsigned i = 0; i < 256; i++) {
        put(&u, DR, i | 0xabcd00, i);
        assert_true(pl011_take_tx(&u, &byte));
        assert_int_equal(byte, i);
        assert_int_equal(get(&u, FR, i), 0x97); // empty again: a guest never waits
        assert_int_equal(get(&u, RIS, i), TX);
    }
    put(&u, ICR, TX, 300);
    assert_int_equal(get(&u, RIS, 300), 0);
    put(&u, IMSC, TX, 300); // a passage, not a level: unmasking an empty transmitter raises nothing
    assert_int_equal(u.irq.level, 0);
    put(&u, DR, 'x', 300);
    assert_int_equal(u.irq.level, 1);
}

// Bytes written while the transmitter is off wait, BUSY shows them, and they go when it is on.
static void test_transmitter_off(void **state)
{
    (void)state;
    static const uint32_t off[] = { 0x300, 0x201, 0x000 };
    uint8_t byte;
    for (unsigned i = 0; i < 3; i++) {
        struct pl011 u = fresh(FEN, TX);
        put(&u, CR, off[i], 0);
        for (unsigned n = 0; n < 40; n++) {
            assert_int_equal(get(&u, FR, 0) & 0xa8, n == 0 ? 0x80 : n < 32 ? 0x08 : 0x28);
            put(&u, DR, n, 0);
            assert_false(pl011_take_tx(&u, &byte));
        }
        assert_int_equal(u.irq.level, 0);
        assert_int_equal(u.tx_lost, 8);
        put(&u, CR, 0x301, 5);
        assert_int_equal(u.irq.level, 1);
        for (unsigned n = 0; n < 32; n++) {
            assert_true(pl011_take_tx(&u, &byte));
            assert_int_equal(byte, n);
        }
        assert_false(pl011_take_tx(&u, &byte));
        put(&u, CR, off[i], 6);
        put(&u, DR, 1, 6);
        assert_int_equal(u.irq.level, 0); // a byte that has to wait ends the interrupt
        put(&u, LCR_H, 0x60, 6);          // turning the FIFOs empties them
        assert_int_equal(get(&u, FR, 6) & 0xa8, 0x80);
    }
}

static void test_receive_levels(void **state)
{
    (void)state;
    static const unsigned level[] = { 4, 8, 16, 24, 28, 28, 28, 28 };
    for (unsigned code = 0; code < 8; code++) {
        struct pl011 u = fresh(FEN, RX);
        put(&u, IFLS, code << 3, 0);
        for (unsigned n = 1; n <= 32; n++) {
            push(&u, 1, 0);
            assert_int_equal(u.irq.level, n >= level[code]);
            assert_int_equal(get(&u, FR, 0) & 0x50, n == 32 ? 0x40 : 0);
        }
        assert_false(pl011_push_rx(&u, 'z')); // full: the caller keeps it
        for (unsigned n = 32; n >= 1; n--) {
            assert_int_equal(get(&u, DR, 0), 'a');
            assert_int_equal(u.irq.level, n - 1 >= level[code]);
        }
        assert_int_equal(get(&u, FR, 0) & 0x50, 0x10);
        assert_int_equal(get(&u, DR, 0), 0);
        assert_int_equal(irq_line_take_rises(&u.irq), 1);
    }
    struct pl011 u = fresh(0x60, RX); // without FIFO one byte fits, and is the level
    push(&u, 1, 0);
    assert_false(pl011_push_rx(&u, 'z'));
    assert_int_equal(u.irq.level, 1);
    put(&u, LCR_H, FEN, 0);
    assert_int_equal(get(&u, FR, 0) & 0x50, 0x10);
    assert_int_equal(u.irq.level, 0);
    put(&u, CR, 0x101, 0); // receiver off
    assert_false(pl011_push_rx(&u, 'z'));
    put(&u, CR, 0x300, 0); // all of it off
    assert_false(pl011_push_rx(&u, 'z'));
}

// The receive interrupt is a passage: acknowledged above the level, it comes with the next passage only.
static void test_acknowledged_above_the_level(void **state)
{
    (void)state;
    struct pl011 u = fresh(FEN, RX);
    push(&u, 20, 0);
    put(&u, ICR, RX, 0);
    push(&u, 4, 0);
    assert_int_equal(get(&u, RIS, 0), 0);
    for (unsigned i = 0; i < 9; i++)
        get(&u, DR, 0);
    push(&u, 1, 0);
    assert_int_equal(get(&u, RIS, 0), RX);
}

static void test_overrun(void **state)
{
    (void)state;
    for (unsigned depth = 1; depth <= 32; depth += 31) {
        struct pl011 u = fresh(depth == 1 ? 0x60 : FEN, OE);
        put(&u, CR, 0x381, 0); // by loopback: no other sender overruns it
        for (unsigned i = 0; i <= depth; i++)
            put(&u, DR, i + 1, 0);
        assert_int_equal(u.irq.level, 1);
        assert_int_equal(get(&u, RSR, 0), 8);
        assert_int_equal(get(&u, DR, 0), 0x801); // the FIFO is as it was, and there is room again
        if (depth > 1)
            assert_int_equal(get(&u, DR, 0), 2);
        put(&u, ICR, OE, 0);
        assert_int_equal(u.irq.level, 0);
        assert_int_equal(get(&u, RSR, 0), 8);
        put(&u, RSR, 0, 0); // UARTECR: any value
        assert_int_equal(get(&u, RSR, 0), 0);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 16; from++)
        for (unsigned to = 0; to < 16; to++) { // DTR, RTS, Out1, Out2
            struct pl011 u = fresh(FEN, 0x7ff);
            put(&u, CR, 0x381 | from << 10, 0);
            put(&u, ICR, 0x7ff, 0);
            put(&u, CR, 0x381 | to << 10, 0);
            unsigned dtr = to & 1, rts = to >> 1 & 1, out1 = to >> 2 & 1, out2 = to >> 3 & 1, x = from ^ to;
            assert_int_equal(get(&u, FR, 0) & 0x107, rts | dtr << 1 | out1 << 2 | out2 << 8);
            assert_int_equal(get(&u, MIS, 0), (x >> 3 & 1) | (x & 2) | (x >> 2 & 1) << 2 | (x & 1) << 3);
            assert_int_equal(u.irq.level, x != 0);
        }
    struct pl011 u = fresh(FEN, 0);
    uint8_t byte;
    put(&u, CR, 0x381, 0);
    assert_false(pl011_push_rx(&u, 'q')); // the wire is disconnected
    put(&u, DR, 0xa5, 0);
    assert_false(pl011_take_tx(&u, &byte));
    assert_int_equal(get(&u, DR, 0), 0xa5);
    put(&u, CR, 0x181, 0); // its receiver off
    put(&u, DR, 0x5a, 0);
    assert_int_equal(get(&u, FR, 0) & 0x18, 0x10);
}

// 32 bits of 16 * (IBRD + FBRD / 64) cycles of 24 MHz, rounded up to the cycle of V.
static void test_timeout_is_exact(void **state)
{
    (void)state;
    static const uint64_t rates[] = { 62500000, 1000000000, 2399987123, 24000000, 1 };
    static const uint32_t divisor[][2] = { { 1, 0 },     { 1, 63 }, { 13, 1 }, { 156, 16 },
                                           { 65535, 0 }, { 0, 0 },  { 0, 63 } };
    unsigned cases = 0;
    for (unsigned r = 0; r < 5; r++)
        for (unsigned d = 0; d < 7; d++) {
            uint64_t hz = rates[r], now = 1000 + d;
            unsigned __int128 bits = 32 * 16 * (divisor[d][0] == 0 ? 64 : divisor[d][0] * 64 + divisor[d][1]);
            uint64_t cycles = (uint64_t)((bits * hz + UINT64_C(64) * 24000000 - 1) / (UINT64_C(64) * 24000000));
            struct pl011 u;
            pl011_init(&u, hz);
            put(&u, IBRD, divisor[d][0], 0);
            put(&u, FBRD, divisor[d][1], 0);
            assert_int_equal(u.divisor, 13 * 64 + 1); // not before LCR_H is written
            put(&u, LCR_H, FEN, 0);
            put(&u, IMSC, RT, 0);
            push(&u, 3, now);
            assert_true(pl011_ops.next_deadline(&u) == now + cycles);
            pl011_ops.advance(&u, now + cycles - 1);
            assert_int_equal(u.irq.level, 0);
            pl011_ops.advance(&u, now + cycles);
            assert_int_equal(u.irq.level, 1);
            assert_true(pl011_ops.next_deadline(&u) == TIME_NEVER);
            get(&u, DR, now + cycles);
            assert_int_equal(u.irq.level, 1); // until the last byte is read,
            put(&u, ICR, RT, now + cycles + 5);
            assert_int_equal(u.irq.level, 0); // or it is acknowledged: then it starts over
            assert_true(pl011_ops.next_deadline(&u) == now + 2 * cycles + 5);
            pl011_ops.advance(&u, now + 2 * cycles + 5);
            assert_int_equal(u.irq.level, 1);
            get(&u, DR, now + 2 * cycles + 5);
            get(&u, DR, now + 2 * cycles + 5);
            assert_int_equal(u.irq.level, 0);
            assert_true(pl011_ops.next_deadline(&u) == TIME_NEVER); // nothing left to time out
            cases++;
        }
    print_message("# receive timeout: %u divisors and rates, exact to the cycle\n", cases);
}

static void test_timeout_follows_what_happens(void **state)
{
    (void)state;
    struct pl011 u = fresh(FEN, 0);
    push(&u, 1, 100);
    assert_true(pl011_ops.next_deadline(&u) == TIME_NEVER); // masked: nobody waits for it
    put(&u, IMSC, RT, 200);
    const vtime_t cycles = (32 * 16 * 833 * HZ + UINT64_C(64) * 24000000 - 1) / (UINT64_C(64) * 24000000);
    assert_true(pl011_ops.next_deadline(&u) == 100 + cycles);
    push(&u, 1, 300); // another byte: the silence begins again
    assert_true(pl011_ops.next_deadline(&u) == 300 + cycles);
    put(&u, IBRD, 1, 5000);
    put(&u, LCR_H, FEN, 5000); // a faster line makes it due at once
    assert_int_equal(u.irq.level, 1);
    assert_true(pl011_ops.next_deadline(&u) == TIME_NEVER);
    put(&u, LCR_H, 0x60, 5000);
    assert_int_equal(u.irq.level, 0);
}

static void test_widths(void **state)
{
    (void)state;
    struct pl011 u = fresh(FEN, 0);
    uint8_t byte;
    put(&u, IBRD, 0x1234, 0);
    for (unsigned size = 1; size <= 4; size *= 2)
        assert_true(cell_read_sized(&pl011_ops, &u, IBRD, (uint8_t)size, 0) == (size == 1 ? 0x34 : 0x1234));
    assert_true(cell_read_sized(&pl011_ops, &u, IBRD + 1, 1, 0) == 0x12);
    assert_true(cell_read_sized(&pl011_ops, &u, IBRD, 8, 0) == UINT64_C(0x0000000100001234)); // and FBRD
    for (unsigned size = 1; size <= 4; size *= 2) {
        cell_write_sized(&pl011_ops, &u, DR, (uint8_t)size, 0xffffff40 + size, 0);
        assert_true(pl011_take_tx(&u, &byte));
        assert_int_equal(byte, 0x40 + size);
        push(&u, 2, 0);
        assert_int_equal(cell_read_sized(&pl011_ops, &u, DR, (uint8_t)size, 0), 'a'); // one byte an access
        assert_int_equal(get(&u, DR, 0), 'b');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_and_registers),
        cmocka_unit_test(test_transmit),
        cmocka_unit_test(test_transmitter_off),
        cmocka_unit_test(test_receive_levels),
        cmocka_unit_test(test_acknowledged_above_the_level),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_timeout_is_exact),
        cmocka_unit_test(test_timeout_follows_what_happens),
        cmocka_unit_test(test_widths),
    };
    return cmocka_run_group_tests_name("pl011", tests, NULL, NULL);
}
