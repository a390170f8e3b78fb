// SPDX-License-Identifier: MIT
// The 16550A serial port. Called by the bus for its eight ports, by the monitor to move bytes. It never looks at the
// other end: what the guest sends waits in `tx`, what it shall receive is pushed.
// "DS" below is the PC16550D data sheet of June 1995, with its section numbers.
#include "devices/uart16550.h"
#include "devices/bytewise.h"
#include "time/ratio.h"

#define BAUD_BASE 115200u // 1.8432 MHz / 16: divisor 1

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH }; // DLL and DLM under DLAB

#define IER_RX       0x01u
#define IER_THRE     0x02u
#define IER_LINE     0x04u
#define IER_MODEM    0x08u
#define IIR_NONE     0x01u
#define IIR_LINE     0x06u
#define IIR_RX       0x04u
#define IIR_TIMEOUT  0x0cu
#define IIR_THRE     0x02u
#define IIR_MODEM    0x00u
#define IIR_FIFOS    0xc0u
#define FCR_ENABLE   0x01u
#define FCR_CLEAR_RX 0x02u
#define FCR_KEPT     0xc9u // trigger, DMA mode, enable
#define LCR_LENGTH   0x03u
#define LCR_STOP     0x04u
#define LCR_PARITY   0x08u
#define LCR_DLAB     0x80u
#define MCR_DTR      0x01u
#define MCR_RTS      0x02u
#define MCR_OUT1     0x04u
#define MCR_OUT2     0x08u
#define MCR_LOOP     0x10u
#define MCR_BITS     0x1fu
#define LSR_DR       0x01u
#define LSR_OE       0x02u
#define LSR_THRE     0x20u
#define LSR_TEMT     0x40u
#define MSR_CTS      0x10u
#define MSR_DSR      0x20u
#define MSR_RI       0x40u
#define MSR_DCD      0x80u

static void fifo_put(struct uart_fifo *fifo, uint8_t byte)
{
    fifo->byte[(fifo->head + fifo->count) % UART_FIFO_SIZE] = byte;
    fifo->count++;
}

static uint8_t fifo_get(struct uart_fifo *fifo)
{
    uint8_t byte = fifo->byte[fifo->head];
    fifo->head = (uint8_t)((fifo->head + 1) % UART_FIFO_SIZE);
    fifo->count--;
    return byte;
}

static bool fifos_on(const struct uart *uart)
{
    return (uart->fcr & FCR_ENABLE) != 0;
}

static unsigned rx_capacity(const struct uart *uart)
{
    return fifos_on(uart) ? UART_FIFO_SIZE : 1;
}

static bool rx_triggered(const struct uart *uart)
{
    static const uint8_t level[4] = { 1, 4, 8, 14 }; // DS 8.4, bits 7:6
    return uart->rx.count >= (fifos_on(uart) ? level[uart->fcr >> 6] : 1);
}

// DS 8.5: four character times since the last byte came or was read. In half bits, for 1.5 stop bits at length 5.
// Divisor 0 counts its full 16 bits. A call, so that an access without it keeps its registers.
static __attribute__((noinline)) vtime_t timeout_deadline(const struct uart *uart)
{
    uint64_t length = 5 + (uart->lcr & LCR_LENGTH);
    uint64_t stop_halves = !(uart->lcr & LCR_STOP) ? 2 : length == 5 ? 3 : 4;
    uint64_t halves = 2 * (1 + length + (uart->lcr & LCR_PARITY ? 1 : 0)) + stop_halves;
    uint64_t divisor = uart->divisor ? uart->divisor : 0x10000;
    return time_add(uart->rx_activity, mul_div_ceil(2 * halves * divisor, uart->guest_hz, BAUD_BASE));
}

static bool timeout_runs(const struct uart *uart)
{
    return fifos_on(uart) && uart->rx.count > 0 && !uart->timed_out;
}

// The one interrupt that IIR reports, DS table IV: line status, receiver, transmitter, modem.
static uint8_t interrupt_id(const struct uart *uart)
{
    if ((uart->ier & IER_LINE) && uart->lsr_errors)
        return IIR_LINE;
    if ((uart->ier & IER_RX) && rx_triggered(uart))
        return IIR_RX;
    if ((uart->ier & IER_RX) && uart->timed_out)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THRE) && uart->thre_pending)
        return IIR_THRE;
    if ((uart->ier & IER_MODEM) && uart->msr_deltas)
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_line(struct uart *uart)
{
    irq_line_set(&uart->irq, (uart->mcr & MCR_OUT2) && interrupt_id(uart) != IIR_NONE);
}

static void receive(struct uart *uart, uint8_t byte, vtime_t now)
{
    if (uart->rx.count < rx_capacity(uart)) {
        fifo_put(&uart->rx, byte);
    } else {
        uart->lsr_errors |= LSR_OE;
        if (!fifos_on(uart)) // DS 8.3: the holding register is overwritten, a full FIFO is not
            uart->rx.byte[uart->rx.head] = byte;
    }
    uart->rx_activity = now;
    uart->timed_out = 0;
}

static uint8_t read_receiver(struct uart *uart, vtime_t now)
{
    if (uart->rx.count == 0)
        return 0;
    uart->rx_activity = now;
    uart->timed_out = 0;
    return fifo_get(&uart->rx);
}

static void clear_rx(struct uart *uart)
{
    uart->rx = (struct uart_fifo){ 0 };
    uart->timed_out = 0;
}

// The transmitter is busy for no time: its interrupt goes away and comes back, which an edge-triggered 8259 must see.
static void transmit(struct uart *uart, uint8_t byte, vtime_t now)
{
    uart->thre_pending = 0;
    update_line(uart);
    if (uart->mcr & MCR_LOOP)
        receive(uart, byte, now);
    else if (uart->tx.count < UART_FIFO_SIZE)
        fifo_put(&uart->tx, byte);
    else
        uart->tx_lost++;
    uart->thre_pending = 1;
}

// DS 8.6: loopback joins RTS-CTS, DTR-DSR, OUT1-RI and OUT2-DCD.
static uint8_t modem_lines(uint8_t mcr)
{
    if (!(mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) | (mcr & MCR_OUT1 ? MSR_RI : 0) |
                     (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static void write_mcr(struct uart *uart, uint8_t value)
{
    uint8_t before = modem_lines(uart->mcr);
    uart->mcr = value & MCR_BITS;
    uint8_t after = modem_lines(uart->mcr);
    uint8_t changed = (before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD);
    uint8_t ring_ended = before & ~after & MSR_RI; // only the trailing edge of RI counts
    uart->msr_deltas |= (uint8_t)((changed | ring_ended) >> 4);
}

// DS 8.7: enabling the transmitter interrupt with an empty transmitter raises it.
static void write_ier(struct uart *uart, uint8_t value)
{
    if ((value & IER_THRE) && !(uart->ier & IER_THRE))
        uart->thre_pending = 1;
    uart->ier = value & 0x0f;
}

// DS 8.4: switching the FIFOs clears them; with bit 0 clear the other bits are not programmed. The transmitter's FIFO
// is always empty already, and clearing an empty one is no transition that THRE could report.
static void write_fcr(struct uart *uart, uint8_t value)
{
    bool toggled = ((value ^ uart->fcr) & FCR_ENABLE) != 0;
    if (toggled || ((value & FCR_ENABLE) && (value & FCR_CLEAR_RX)))
        clear_rx(uart);
    uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
}

static void write_register(struct uart *uart, unsigned reg, uint8_t value, vtime_t now)
{
    bool divisor_access = (uart->lcr & LCR_DLAB) != 0;
    switch (reg) {
    case REG_DATA:
        if (divisor_access)
            uart->divisor = (uint16_t)((uart->divisor & 0xff00) | value);
        else
            transmit(uart, value, now);
        break;
    case REG_IER:
        if (divisor_access)
            uart->divisor = (uint16_t)((uart->divisor & 0x00ff) | value << 8);
        else
            write_ier(uart, value);
        break;
    case REG_IIR_FCR: write_fcr(uart, value); break;
    case REG_LCR: uart->lcr = value; break;
    case REG_MCR: write_mcr(uart, value); break;
    case REG_SCRATCH: uart->scratch = value; break;
    default: break; // LSR and MSR are for reading
    }
}

static uint8_t read_iir(struct uart *uart)
{
    uint8_t id = interrupt_id(uart);
    if (id == IIR_THRE)
        uart->thre_pending = 0;
    return (uint8_t)(id | (fifos_on(uart) ? IIR_FIFOS : 0));
}

static uint8_t read_lsr(struct uart *uart)
{
    uint8_t value = (uint8_t)(LSR_THRE | LSR_TEMT | uart->lsr_errors | (uart->rx.count ? LSR_DR : 0));
    uart->lsr_errors = 0;
    return value;
}

static uint8_t read_msr(struct uart *uart)
{
    uint8_t value = modem_lines(uart->mcr) | uart->msr_deltas;
    uart->msr_deltas = 0;
    return value;
}

static uint8_t read_register(struct uart *uart, unsigned reg, vtime_t now)
{
    bool divisor_access = (uart->lcr & LCR_DLAB) != 0;
    switch (reg) {
    case REG_DATA: return divisor_access ? (uint8_t)uart->divisor : read_receiver(uart, now);
    case REG_IER: return divisor_access ? (uint8_t)(uart->divisor >> 8) : uart->ier;
    case REG_IIR_FCR: return read_iir(uart);
    case REG_LCR: return uart->lcr;
    case REG_MCR: return uart->mcr;
    case REG_LSR: return read_lsr(uart);
    case REG_MSR: return read_msr(uart);
    default: return uart->scratch;
    }
}

static void uart_advance(void *device, vtime_t now)
{
    struct uart *uart = device;
    uart->now = now;
    if (timeout_runs(uart) && timeout_deadline(uart) <= now)
        uart->timed_out = 1;
    update_line(uart);
}

static enum io_result port_cycle(void *device, struct io_access *io, vtime_t now)
{
    struct uart *uart = device;
    uint64_t reg = io->offset - uart->base_port;
    if (reg >= UART_PORTS)
        return IO_UNCLAIMED;

    uart_advance(uart, now);
    if (io->is_write)
        write_register(uart, (unsigned)reg, (uint8_t)io->value, now);
    else
        io->value = read_register(uart, (unsigned)reg, now);
    uart_advance(uart, now); // a new divisor may make the timeout due
    return IO_OK;
}

static enum io_result uart_access(void *device, struct io_access *io, vtime_t now)
{
    return bytewise_access(device, io, now, port_cycle);
}

// Nothing is pending for a receiver whose interrupt is off: the flag is set when it is looked at.
static vtime_t uart_next_deadline(const void *device)
{
    const struct uart *uart = device;
    return timeout_runs(uart) && (uart->ier & IER_RX) ? timeout_deadline(uart) : TIME_NEVER;
}

const struct device_ops uart_ops = {
    .name = "uart",
    .access = uart_access,
    .advance = uart_advance,
    .next_deadline = uart_next_deadline,
};

void uart_init(struct uart *uart, uint16_t base_port, uint64_t guest_hz)
{
    // After a master reset the transmitter is empty but reports no interrupt (DS table III). Divisor: 9600 baud.
    *uart = (struct uart){ .guest_hz = guest_hz, .base_port = base_port, .divisor = 12 };
}

bool uart_take_tx(struct uart *uart, uint8_t *byte)
{
    if (uart->tx.count == 0)
        return false;
    *byte = fifo_get(&uart->tx);
    return true;
}

bool uart_push_rx(struct uart *uart, uint8_t byte)
{
    if ((uart->mcr & MCR_LOOP) || uart->rx.count >= rx_capacity(uart))
        return false;
    receive(uart, byte, uart->now);
    update_line(uart);
    return true;
}
