// SPDX-License-Identifier: MIT
// The PL011. Called by the bus for its page, by the monitor to move bytes. It never looks at the other end: what the
// guest sends waits in `tx`, what it shall receive is pushed.
// "TRM" below is Arm DDI 0183G, the PrimeCell UART (PL011) Technical Reference Manual, with its section numbers.
#include "devices/pl011.h"
#include "devices/wordwise.h"
#include "time/ratio.h"

enum { // TRM 3.2
    UARTDR = 0x000,
    UARTRSR = 0x004, // written: UARTECR
    UARTFR = 0x018,
    UARTILPR = 0x020,
    UARTIBRD = 0x024,
    UARTFBRD = 0x028,
    UARTLCR_H = 0x02c,
    UARTCR = 0x030,
    UARTIFLS = 0x034,
    UARTIMSC = 0x038,
    UARTRIS = 0x03c,
    UARTMIS = 0x040,
    UARTICR = 0x044,
    UARTDMACR = 0x048,
    ID_FIRST = 0xfe0, // UARTPeriphID0..3, UARTPCellID0..3, a byte each
};

static const uint8_t id_bytes[8] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

#define DR_OE    0x800u
#define RSR_OE   0x08u
#define FR_CTS   0x001u
#define FR_DSR   0x002u
#define FR_DCD   0x004u
#define FR_BUSY  0x008u
#define FR_RXFE  0x010u
#define FR_TXFF  0x020u
#define FR_RXFF  0x040u
#define FR_TXFE  0x080u
#define FR_RI    0x100u
#define LCR_FEN  0x10u
#define LCR_8N1  0x60u
#define CR_UARTEN 0x0001u
#define CR_LBE    0x0080u
#define CR_TXE    0x0100u
#define CR_RXE    0x0200u
#define CR_DTR    0x0400u
#define CR_RTS    0x0800u
#define CR_OUT1   0x1000u
#define CR_OUT2   0x2000u
#define CR_BITS   0xff87u // 6:3 are reserved
#define INT_RI    0x001u
#define INT_CTS   0x002u
#define INT_DCD   0x004u
#define INT_DSR   0x008u
#define INT_RX    0x010u
#define INT_TX    0x020u
#define INT_RT    0x040u
#define INT_OE    0x400u
#define INT_BITS  0x7ffu

#define IFLS_RESET   0x12u
#define TIMEOUT_BITS 32u
#define IBRD_115200  13u // 24 MHz / (16 * (13 + 1/64)) is 115246 baud
#define FBRD_115200  1u

static void fifo_put(struct pl011_fifo *fifo, uint8_t byte)
{
    fifo->byte[(fifo->head + fifo->count) % PL011_FIFO] = byte;
    fifo->count++;
}

static uint8_t fifo_get(struct pl011_fifo *fifo)
{
    uint8_t byte = fifo->byte[fifo->head];
    fifo->head = (uint8_t)((fifo->head + 1) % PL011_FIFO);
    fifo->count--;
    return byte;
}

// TRM 3.3.7: without FEN the FIFOs are one byte deep.
static unsigned capacity(const struct pl011 *uart)
{
    return uart->lcr_h & LCR_FEN ? PL011_FIFO : 1;
}

// TRM 3.3.9: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; the other codes are reserved, and taken as the last.
static unsigned rx_trigger(const struct pl011 *uart)
{
    static const uint8_t eighths[8] = { 1, 2, 4, 6, 7, 7, 7, 7 };
    return uart->lcr_h & LCR_FEN ? eighths[uart->ifls >> 3 & 7] * PL011_FIFO / 8u : 1;
}

static bool has(const struct pl011 *uart, unsigned cr_bits)
{
    return (uart->cr & cr_bits) == cr_bits;
}

// --- the receive timeout --------------------------------------------------------------------------------------------

// A bit takes 16 * divisor cycles of UARTCLK. A divisor below 1 is not allowed (TRM 3.3.5), and counts as 1.
static vtime_t timeout_deadline(const struct pl011 *uart)
{
    uint64_t divisor_64ths = uart->divisor >= 64 ? uart->divisor : 64;
    uint64_t clocks = TIMEOUT_BITS * 16 * divisor_64ths / 64;
    return time_add(uart->rx_activity, mul_div_ceil(clocks, uart->guest_hz, PL011_CLOCK_HZ));
}

static bool timeout_runs(const struct pl011 *uart)
{
    return uart->rx.count > 0 && !uart->timed;
}

static void begin_silence(struct pl011 *uart, vtime_t now)
{
    uart->rx_activity = now;
    uart->timed = 0;
}

static void update_line(struct pl011 *uart)
{
    irq_line_set(&uart->irq, (uart->ris & uart->imsc) != 0);
}

static void pl011_advance(void *device, vtime_t now)
{
    struct pl011 *uart = device;
    uart->now = now;
    if (timeout_runs(uart) && timeout_deadline(uart) <= now) {
        uart->timed = 1;
        uart->ris |= INT_RT;
    }
    update_line(uart);
}

// Nothing is due for a receiver whose timeout is masked: the flag is set when it is looked at.
static vtime_t pl011_next_deadline(const void *device)
{
    const struct pl011 *uart = device;
    return timeout_runs(uart) && uart->imsc & INT_RT ? timeout_deadline(uart) : TIME_NEVER;
}

// --- bytes ----------------------------------------------------------------------------------------------------------

// The interrupt is a passage through the trigger level, not the level (TRM 3.3.9). What finds a full FIFO is lost, the
// FIFO stays as it is (TRM 3.3.1).
static void receive(struct pl011 *uart, uint8_t byte, vtime_t now)
{
    if (uart->rx.count < capacity(uart)) {
        fifo_put(&uart->rx, byte);
        if (uart->rx.count == rx_trigger(uart))
            uart->ris |= INT_RX;
    } else {
        uart->overrun = uart->byte_lost = 1;
        uart->ris |= INT_OE;
    }
    begin_silence(uart, now);
}

// TRM 2.8.1, 2.8.3: reading below the level ends the receive interrupt, reading the last byte ends the timeout.
static uint32_t read_receiver(struct pl011 *uart)
{
    if (uart->rx.count == 0)
        return 0;
    uint32_t value = fifo_get(&uart->rx) | (uart->byte_lost ? DR_OE : 0);
    uart->byte_lost = 0;
    if (uart->rx.count < rx_trigger(uart))
        uart->ris &= (uint16_t)~INT_RX;
    if (uart->rx.count == 0)
        uart->ris &= (uint16_t)~INT_RT;
    return value;
}

// Bytes leave the FIFO as soon as they may: to the receiver here, to the monitor by pl011_take_tx(). It has then passed
// whatever level the transmit interrupt waits for.
static void transmit_waiting(struct pl011 *uart, vtime_t now)
{
    if (uart->tx.count == 0 || !has(uart, CR_UARTEN | CR_TXE))
        return;
    uart->ris |= INT_TX;
    while (has(uart, CR_LBE) && uart->tx.count > 0) {
        uint8_t byte = fifo_get(&uart->tx);
        if (has(uart, CR_RXE))
            receive(uart, byte, now);
    }
}

// TRM 2.8.2: a byte that has to wait ends the transmit interrupt.
static void write_transmitter(struct pl011 *uart, uint8_t byte)
{
    uart->ris &= (uint16_t)~INT_TX;
    if (uart->tx.count < capacity(uart))
        fifo_put(&uart->tx, byte);
    else
        uart->tx_lost++;
}

static void empty_fifos(struct pl011 *uart)
{
    uart->rx = uart->tx = (struct pl011_fifo){ 0 };
    uart->byte_lost = 0;
    uart->ris &= (uint16_t)~(INT_RX | INT_RT);
}

// --- registers ------------------------------------------------------------------------------------------------------

// TRM 2.7.2: loopback joins RTS-CTS, DTR-DSR, Out1-DCD and Out2-RI.
static uint32_t modem_lines(uint32_t cr)
{
    if (!(cr & CR_LBE))
        return FR_CTS | FR_DSR | FR_DCD;
    return (cr & CR_RTS ? FR_CTS : 0) | (cr & CR_DTR ? FR_DSR : 0) | (cr & CR_OUT1 ? FR_DCD : 0) |
           (cr & CR_OUT2 ? FR_RI : 0);
}

static void write_cr(struct pl011 *uart, uint32_t value)
{
    uint32_t before = modem_lines(uart->cr);
    uart->cr = (uint16_t)(value & CR_BITS);
    uint32_t changed = before ^ modem_lines(uart->cr);
    uart->ris |= (uint16_t)((changed & FR_CTS ? INT_CTS : 0) | (changed & FR_DSR ? INT_DSR : 0) |
                            (changed & FR_DCD ? INT_DCD : 0) | (changed & FR_RI ? INT_RI : 0));
}

// Writing LCR_H takes the divisor over (TRM 3.3.6); turning FEN empties what was there.
static void write_lcr_h(struct pl011 *uart, uint32_t value)
{
    if ((value ^ uart->lcr_h) & LCR_FEN)
        empty_fifos(uart);
    uart->lcr_h = (uint8_t)value;
    uart->divisor = uart->ibrd * 64u + uart->fbrd;
}

// A timeout that is acknowledged while bytes are left comes again after another such silence.
static void write_icr(struct pl011 *uart, uint32_t value, vtime_t now)
{
    if (value & uart->ris & INT_RT)
        begin_silence(uart, now);
    uart->ris &= (uint16_t)~value;
}

static uint32_t read_fr(const struct pl011 *uart)
{
    return modem_lines(uart->cr) | (uart->tx.count > 0 ? FR_BUSY : FR_TXFE) | (uart->rx.count == 0 ? FR_RXFE : 0) |
           (uart->tx.count == capacity(uart) ? FR_TXFF : 0) | (uart->rx.count == capacity(uart) ? FR_RXFF : 0);
}

static uint32_t read_register(struct pl011 *uart, uint64_t offset)
{
    switch (offset) {
    case UARTDR: return read_receiver(uart);
    case UARTRSR: return uart->overrun ? RSR_OE : 0;
    case UARTFR: return read_fr(uart);
    case UARTILPR: return uart->ilpr;
    case UARTIBRD: return uart->ibrd;
    case UARTFBRD: return uart->fbrd;
    case UARTLCR_H: return uart->lcr_h;
    case UARTCR: return uart->cr;
    case UARTIFLS: return uart->ifls;
    case UARTIMSC: return uart->imsc;
    case UARTRIS: return uart->ris;
    case UARTMIS: return uart->ris & uart->imsc;
    case UARTDMACR: return uart->dmacr;
    default: return offset >= ID_FIRST && offset < PL011_SIZE ? id_bytes[(offset - ID_FIRST) / 4] : 0;
    }
}

static void write_register(struct pl011 *uart, uint64_t offset, uint32_t value, vtime_t now)
{
    switch (offset) {
    case UARTDR: write_transmitter(uart, (uint8_t)value); break;
    case UARTRSR: uart->overrun = 0; break;
    case UARTILPR: uart->ilpr = (uint8_t)value; break;
    case UARTIBRD: uart->ibrd = (uint16_t)value; break;
    case UARTFBRD: uart->fbrd = value & 0x3f; break;
    case UARTLCR_H: write_lcr_h(uart, value); break;
    case UARTCR: write_cr(uart, value); break;
    case UARTIFLS: uart->ifls = value & 0x3f; break;
    case UARTIMSC: uart->imsc = (uint16_t)(value & INT_BITS); break;
    case UARTICR: write_icr(uart, value, now); break;
    case UARTDMACR: uart->dmacr = value & 7; break;
    default: break; // read-only, or nothing there
    }
    transmit_waiting(uart, now);
}

static uint32_t pl011_cycle(void *device, uint64_t offset, bool is_write, uint32_t value, vtime_t now)
{
    if (!is_write)
        return read_register(device, offset);
    write_register(device, offset, value, now);
    return 0;
}

static enum io_result pl011_access(void *device, struct io_access *io, vtime_t now)
{
    pl011_advance(device, now);
    enum io_result result = wordwise_access(device, io, now, pl011_cycle);
    pl011_advance(device, now); // a new divisor may make the timeout due
    return result;
}

const struct device_ops pl011_ops = {
    .name = "pl011",
    .access = pl011_access,
    .advance = pl011_advance,
    .next_deadline = pl011_next_deadline,
};

void pl011_init(struct pl011 *uart, uint64_t guest_hz)
{
    *uart = (struct pl011){
        .guest_hz = guest_hz,
        .ibrd = IBRD_115200,
        .fbrd = FBRD_115200,
        .divisor = IBRD_115200 * 64 + FBRD_115200,
        .lcr_h = LCR_8N1,
        .cr = CR_UARTEN | CR_TXE | CR_RXE,
        .ifls = IFLS_RESET,
    };
}

bool pl011_take_tx(struct pl011 *uart, uint8_t *byte)
{
    if (uart->tx.count == 0 || !has(uart, CR_UARTEN | CR_TXE))
        return false;
    *byte = fifo_get(&uart->tx);
    return true;
}

bool pl011_push_rx(struct pl011 *uart, uint8_t byte)
{
    if (!has(uart, CR_UARTEN | CR_RXE) || has(uart, CR_LBE) || uart->rx.count >= capacity(uart))
        return false;
    receive(uart, byte, uart->now);
    update_line(uart);
    return true;
}
