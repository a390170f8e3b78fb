// SPDX-License-Identifier: MIT
// The 16550: FIFO levels, interrupt priorities and what clears each, loopback of data and modem lines, the exact
// receive timeout in every line format, edges for an edge-triggered controller, the laws of the device contract.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/uart16550.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"

#define BASE 0x3f8
#define HZ   UINT64_C(1000000000)

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH, FCR = IIR };

static uint8_t in(struct uart *u, unsigned reg, vtime_t now)
{
    struct io_access io = { .offset = BASE + reg, .size = 1 };
    assert_int_equal(uart_ops.access(u, &io, now), IO_OK);
    return (uint8_t)io.value;
}

static void out(struct uart *u, unsigned reg, uint8_t value, vtime_t now)
{
    struct io_access io = { .offset = BASE + reg, .size = 1, .value = value, .is_write = true };
    assert_int_equal(uart_ops.access(u, &io, now), IO_OK);
}

static void push(struct uart *u, unsigned count, vtime_t now)
{
    uart_ops.advance(u, now);
    for (unsigned i = 0; i < count; i++)
        assert_true(uart_push_rx(u, (uint8_t)('a' + i)));
}

static void test_reset_and_registers(void **state)
{
    (void)state;
    struct uart u;
    uart_init(&u, BASE, HZ);
    static const uint8_t reset[8] = { 0, 0, 0x01, 0, 0, 0x60, 0xb0, 0 };
    for (unsigned reg = 0; reg < 8; reg++)
        assert_int_equal(in(&u, reg, 0), reset[reg]);
    for (unsigned value = 0; value < 256; value++) {
        uart_init(&u, BASE, HZ);
        out(&u, IER, (uint8_t)value, 0);
        out(&u, LCR, (uint8_t)value & 0x7f, 0);
        out(&u, MCR, (uint8_t)value, 0);
        out(&u, SCRATCH, (uint8_t)value, 0);
        assert_int_equal(in(&u, IER, 0), value & 0x0f);
        assert_int_equal(in(&u, LCR, 0), value & 0x7f);
        assert_int_equal(in(&u, MCR, 0), value & 0x1f);
        assert_int_equal(in(&u, SCRATCH, 0), value);
        out(&u, LCR, 0x80, 0);
        out(&u, DATA, (uint8_t)value, 0);
        out(&u, IER, (uint8_t)~value, 0);
        assert_int_equal(in(&u, DATA, 0), value);
        assert_int_equal(in(&u, IER, 0), (uint8_t)~value);
        assert_int_equal(u.divisor, value | (0xff00 & ~value << 8));
        assert_int_equal(u.tx.count, 0);
        out(&u, LCR, 3, 0);
        assert_int_equal(in(&u, IER, 0), value & 0x0f);
    }
    struct io_access word = { .offset = BASE + SCRATCH, .size = 2 }; // the second byte is nobody's
    assert_int_equal(uart_ops.access(&u, &word, 0), IO_OK);
    assert_int_equal(word.value, 0xffff);
    struct io_access other = { .offset = BASE + 8, .size = 1 };
    assert_int_equal(uart_ops.access(&u, &other, 0), IO_UNCLAIMED);
}

static void test_transmit(void **state)
{
    (void)state;
    struct uart u;
    uint8_t byte;
    uart_init(&u, BASE, HZ);
    assert_false(uart_take_tx(&u, &byte));
    for (unsigned i = 0; i < 256; i++) {
        out(&u, DATA, (uint8_t)i, i);
        assert_int_equal(in(&u, LSR, i), 0x60);
        assert_true(uart_take_tx(&u, &byte));
        assert_int_equal(byte, i);
    }
    for (unsigned i = 0; i < 20; i++) // a monitor that does not take them
        out(&u, DATA, (uint8_t)i, 300);
    for (unsigned i = 0; i < 16; i++) {
        assert_true(uart_take_tx(&u, &byte));
        assert_int_equal(byte, i);
    }
    assert_false(uart_take_tx(&u, &byte));
    assert_int_equal(u.tx_lost, 4);
}

static void test_thre_interrupt(void **state)
{
    (void)state;
    struct uart u;
    uart_init(&u, BASE, HZ);
    out(&u, MCR, 0x08, 0);
    out(&u, IER, 0x02, 0); // enabling it with an empty transmitter raises it
    assert_int_equal(irq_line_take_rises(&u.irq), 1);
    out(&u, IER, 0x02, 0); // enabled already: nothing new
    assert_int_equal(irq_line_take_rises(&u.irq), 0);
    assert_int_equal(in(&u, IIR, 0), 0x02);
    assert_int_equal(u.irq.level, 0); // reading IIR cleared it
    out(&u, IER, 0x02, 0);            // enabled already: not raised again
    assert_int_equal(in(&u, IIR, 0), 0x01);
    out(&u, DATA, 'x', 0);
    assert_int_equal(irq_line_take_rises(&u.irq), 1);
    out(&u, DATA, 'y', 0); // not acknowledged: the line falls and rises, an edge for the 8259
    assert_int_equal(irq_line_take_rises(&u.irq), 1);
    out(&u, IER, 0x00, 0);
    assert_int_equal(u.irq.level, 0);
    assert_int_equal(in(&u, IIR, 0), 0x01); // not reported, so not cleared
    out(&u, IER, 0x02, 0);
    out(&u, MCR, 0x00, 0); // OUT2 gates the line, not IIR
    assert_int_equal(u.irq.level, 0);
    assert_int_equal(in(&u, IIR, 0), 0x02);
}

static void test_receive_levels(void **state)
{
    (void)state;
    static const unsigned level[4] = { 1, 4, 8, 14 };
    struct uart u;
    for (unsigned trigger = 0; trigger < 4; trigger++) {
        uart_init(&u, BASE, HZ);
        out(&u, MCR, 0x08, 0);
        out(&u, IER, 0x01, 0);
        out(&u, FCR, (uint8_t)(trigger << 6 | 1), 0);
        for (unsigned n = 1; n <= 16; n++) {
            push(&u, 1, 0);
            assert_int_equal(u.irq.level, n >= level[trigger]);
            assert_int_equal(in(&u, IIR, 0), n >= level[trigger] ? 0xc4 : 0xc1);
        }
        assert_false(uart_push_rx(&u, 'z')); // full: the caller keeps it
        for (unsigned n = 16; n >= 1; n--) {
            assert_int_equal(in(&u, LSR, 0), 0x61);
            assert_int_equal(in(&u, DATA, 0), 'a');
            assert_int_equal(u.irq.level, n - 1 >= level[trigger]);
        }
        assert_int_equal(in(&u, LSR, 0), 0x60);
        assert_int_equal(irq_line_take_rises(&u.irq), 1);
    }
    uart_init(&u, BASE, HZ); // without FIFO one byte fits
    push(&u, 1, 0);
    assert_false(uart_push_rx(&u, 'z'));
    out(&u, FCR, 1, 0); // switching the FIFO empties it
    assert_int_equal(in(&u, LSR, 0), 0x60);
    push(&u, 3, 0);
    out(&u, FCR, 1 | 2, 0); // clear receiver
    assert_int_equal(in(&u, LSR, 0), 0x60);
    out(&u, FCR, 0xc1, 0);
    out(&u, FCR, 0x02, 0); // bit 0 clear: FIFO off, the rest is not programmed
    assert_int_equal(in(&u, IIR, 0), 0x01);
    assert_int_equal(u.fcr, 0);
}

// All five at once, then cleared from the top: each by its own register only (DS table IV).
static void test_priorities(void **state)
{
    (void)state;
    struct uart u;
    uart_init(&u, BASE, HZ);
    out(&u, MCR, 0x18, 0);
    out(&u, IER, 0x0f, 0);
    out(&u, FCR, 0x41, 0);
    for (unsigned i = 0; i < 17; i++)
        out(&u, DATA, (uint8_t)i, 0); // looped back: 16 fit, one overruns
    out(&u, MCR, 0x1b, 0);            // RTS and DTR: CTS and DSR change
    assert_int_equal(in(&u, IIR, 0), 0xc6);
    assert_int_equal(in(&u, LSR, 0), 0x63);
    assert_int_equal(in(&u, LSR, 0), 0x61); // OE is cleared by reading
    for (unsigned i = 0; i < 13; i++) {
        assert_int_equal(in(&u, IIR, 0), 0xc4);
        assert_int_equal(in(&u, DATA, 0), i);
    }
    assert_int_equal(in(&u, IIR, 0), 0xc2); // three left, below the trigger: transmitter, cleared by this read
    assert_int_equal(in(&u, IIR, 0), 0xc0);
    assert_int_equal(in(&u, IIR, 0), 0xc0); // modem status is not cleared by IIR
    uart_ops.advance(&u, HZ);
    assert_int_equal(in(&u, IIR, HZ), 0xcc); // timeout outranks it
    assert_int_equal(in(&u, DATA, HZ), 13);
    assert_int_equal(in(&u, IIR, HZ), 0xc0);
    in(&u, MSR, HZ);
    assert_int_equal(in(&u, IIR, HZ), 0xc1);
    assert_int_equal(u.irq.level, 0);
}

static void test_loopback(void **state)
{
    (void)state;
    struct uart u;
    uint8_t byte;
    for (unsigned from = 0; from < 16; from++)
        for (unsigned to = 0; to < 16; to++) {
            uart_init(&u, BASE, HZ);
            out(&u, MCR, (uint8_t)(0x10 | from), 0);
            in(&u, MSR, 0);
            out(&u, MCR, (uint8_t)(0x10 | to), 0);
            unsigned cts = to >> 1 & 1, dsr = to & 1, ri = to >> 2 & 1, dcd = to >> 3 & 1, x = from ^ to;
            unsigned deltas = (x >> 1 & 1) | (x & 1) << 1 | (from >> 2 & 1 & ~ri) << 2 | (x >> 3 & 1) << 3;
            assert_int_equal(in(&u, MSR, 0), dcd << 7 | ri << 6 | dsr << 5 | cts << 4 | deltas);
            assert_int_equal(in(&u, MSR, 0), dcd << 7 | ri << 6 | dsr << 5 | cts << 4);
        }
    uart_init(&u, BASE, HZ);
    out(&u, MCR, 0x10, 0);
    assert_false(uart_push_rx(&u, 'q')); // the wire is disconnected
    out(&u, DATA, 0xa5, 0);
    assert_false(uart_take_tx(&u, &byte));
    assert_int_equal(in(&u, LSR, 0), 0x61);
    out(&u, DATA, 0x5a, 0); // one-byte receiver: overwritten
    assert_int_equal(in(&u, LSR, 0), 0x63);
    assert_int_equal(in(&u, DATA, 0), 0x5a);
    out(&u, FCR, 1, 0);
    for (unsigned i = 0; i < 17; i++)
        out(&u, DATA, (uint8_t)i, 0);
    assert_int_equal(in(&u, LSR, 0), 0x63);
    for (unsigned i = 0; i < 16; i++) // a full FIFO keeps what it has
        assert_int_equal(in(&u, DATA, 0), i);
}

// Four characters of 7 to 12 bits at 1.8432 MHz / 16 / divisor, rounded up to the cycle of V.
static void test_timeout_is_exact(void **state)
{
    (void)state;
    static const uint64_t rates[] = { 1000000000, 2399987123, 1193182, 3000000001 };
    unsigned cases = 0;
    for (unsigned lcr = 0; lcr < 64; lcr++)
        for (unsigned i = 0; i < 4 * 6; i++) {
            static const uint16_t divisors[] = { 1, 2, 12, 96, 0xffff, 0 };
            uint16_t divisor = divisors[i % 6];
            uint64_t hz = rates[i / 6], now = 1000 + i;
            unsigned length = 5 + (lcr & 3);
            unsigned tenths = 10 + 10 * length + (lcr & 8 ? 10 : 0) + (!(lcr & 4) ? 10 : length == 5 ? 15 : 20);
            unsigned __int128 num = (unsigned __int128)4 * tenths * (divisor ? divisor : 65536) * hz;
            uint64_t cycles = (uint64_t)((num + 1152000 - 1) / 1152000);
            struct uart u;
            uart_init(&u, BASE, hz);
            out(&u, LCR, 0x80, 0);
            out(&u, DATA, (uint8_t)divisor, 0);
            out(&u, IER, (uint8_t)(divisor >> 8), 0);
            out(&u, LCR, (uint8_t)lcr, 0);
            out(&u, MCR, 0x08, 0);
            out(&u, FCR, 0xc1, 0);
            out(&u, IER, 0x01, 0);
            push(&u, 3, now);
            assert_int_equal(uart_ops.next_deadline(&u), now + cycles);
            uart_ops.advance(&u, now + cycles - 1);
            assert_int_equal(u.irq.level, 0);
            uart_ops.advance(&u, now + cycles);
            assert_int_equal(u.irq.level, 1);
            assert_int_equal(uart_ops.next_deadline(&u), TIME_NEVER);
            assert_int_equal(in(&u, IIR, now + cycles), 0xcc);
            in(&u, DATA, now + cycles + 5); // a read starts it again for the two bytes left
            assert_int_equal(u.irq.level, 0);
            assert_int_equal(uart_ops.next_deadline(&u), now + 5 + 2 * cycles);
            in(&u, DATA, now + cycles + 6);
            in(&u, DATA, now + cycles + 6);
            assert_int_equal(uart_ops.next_deadline(&u), TIME_NEVER); // nothing left to time out
            cases++;
        }
    print_message("# receive timeout: %u formats, divisors and rates, exact to the cycle\n", cases);
}

// A faster line makes a running timeout due at once, and the deadline never lies in the past.
static void test_timeout_follows_the_divisor(void **state)
{
    (void)state;
    struct uart u;
    uart_init(&u, BASE, HZ);
    out(&u, MCR, 0x08, 0);
    out(&u, IER, 0x01, 0);
    out(&u, FCR, 0xc1, 0);
    push(&u, 1, 0);
    const vtime_t slow = 4 * 7 * 12 * HZ / 115200 + 1, fast = 4 * 7 * HZ / 115200 + 1;
    assert_int_equal(uart_ops.next_deadline(&u), slow);
    out(&u, LCR, 0x80, fast);
    out(&u, DATA, 1, fast);
    assert_int_equal(u.irq.level, 1);
    assert_int_equal(uart_ops.next_deadline(&u), TIME_NEVER);
}

static void laws_init(void *device)
{
    uart_init(device, BASE, HZ);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    io->offset = BASE + host_random_range(random, 0, 7);
    io->size = (uint8_t)(host_random_range(random, 0, 15) ? 1 : 2);
    io->is_write = host_random(random) & 1;
    io->value = host_random(random) & (host_random_range(random, 0, 3) ? 0x1f : 0xffff);
    if (io->offset == BASE + LCR && host_random_range(random, 0, 3))
        io->value &= 0x7f;
}

static void laws_stimulate(void *device, vtime_t now, uint64_t *random)
{
    uint8_t byte = (uint8_t)host_random(random);
    uint64_t count = host_random_range(random, 1, 4);
    uart_ops.advance(device, now);
    for (uint64_t i = 0; i < count; i++)
        uart_push_rx(device, byte);
    while (uart_take_tx(device, &byte))
        ;
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct uart *u = device;
    uint8_t lcr = in(u, LCR, now);
    observation_add(seen, lcr);
    out(u, LCR, lcr & 0x7f, now);
    static const unsigned order[] = { IIR, LSR, MSR, MCR, IER, SCRATCH, DATA, IIR, LSR };
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        observation_add(seen, in(u, order[i], now));
    observation_add(seen, u->divisor);
    observation_add(seen, u->tx.count);
    observation_add(seen, u->rx.count);
}

static const struct irq_line *laws_line(const void *device, unsigned index)
{
    return index == 0 ? &((const struct uart *)device)->irq : NULL;
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    const struct uart *u = device;
    uint64_t reg = io->offset - BASE;
    return io->size == 1 &&
           (reg == LCR || reg == MCR || reg == SCRATCH || reg == IER || (reg == DATA && u->lcr & 0x80));
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &uart_ops,
        .object_size = sizeof(struct uart),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_stimulate,
        .observe = laws_observe,
        .line = laws_line,
        .read_is_pure = laws_pure,
        .typical_step = 86806,
        .runs = 50,
        .steps = 2000,
        .seed = 31,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_and_registers),
        cmocka_unit_test(test_transmit),
        cmocka_unit_test(test_thre_interrupt),
        cmocka_unit_test(test_receive_levels),
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_timeout_is_exact),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_timeout_follows_the_divisor),
    };
    return cmocka_run_group_tests_name("uart16550", tests, NULL, NULL);
}
