// SPDX-License-Identifier: MIT
// The ports of the 8254 and port 0x61 (Intel 82C54 data sheet, "Programming the 82C54", "Read Operations"). Called by
// the bus with V. Decides nothing about counting: that is pit_channel.c.
#include "devices/pit.h"
#include "devices/bytewise.h"
#include "time/ratio.h"

#define CONTROL_PORT          3

// Control word: SC1 SC0 RW1 RW0 M2 M1 M0 BCD.
#define CONTROL_CHANNEL(word) ((word) >> 6)
#define CONTROL_RW(word)      (((word) >> 4) & 3)
#define READ_BACK             3 // as a channel number

#define RW_LATCH              0
#define RW_LOW                1
#define RW_HIGH               2

// Read-back command: the two "latch" bits are active low.
#define READ_BACK_NO_COUNT    0x20
#define READ_BACK_NO_STATUS   0x10

#define STATUS_OUT            0x80
#define STATUS_NULL           0x40

// Port 0x61 (ISA "NMI status and control").
#define PORT61_GATE2          0x01
#define PORT61_WRITABLE       0x0f
#define PORT61_REFRESH        0x10
#define PORT61_OUT2           0x20

// Bit 4 changes with every refresh request, each 18 pulses of the 8254's clock (15.085 us). It does not look at channel
// 1: chipsets have generated refresh by themselves since the AT.
#define REFRESH_PULSES        18

void pit_init(struct pit *pit, uint64_t guest_hz)
{
    INVARIANT(guest_hz >= PIT_HZ);
    *pit = (struct pit){ .irq0.level = true, .deadline = TIME_NEVER };
    for (unsigned i = 0; i < 3; i++)
        pit_channel_init(&pit->channel[i], guest_hz, i != 2);
}

// Hands the edges of channel 0 to its interrupt line. A jump over more than 2^32 of them, an hour of the fastest rate,
// saturates instead of wrapping.
static void update_irq0(struct pit *pit)
{
    struct pit_channel *channel = &pit->channel[0];
    uint64_t rises = pit->irq0.rises + channel->rises;
    pit->irq0.rises = rises > UINT32_MAX ? UINT32_MAX : (uint32_t)rises;
    pit->irq0.level = channel->out;
    channel->rises = 0;
}

static void pit_advance(void *device, vtime_t now)
{
    struct pit *pit = device;
    HOT_INVARIANT(now >= pit->seen);
    pit->seen = now;
    for (unsigned i = 0; i < 3; i++)
        pit_channel_advance(&pit->channel[i], now);
    update_irq0(pit);
    if (now >= pit->deadline)
        pit->deadline = pit_channel_next_rise(&pit->channel[0], now);
}

static vtime_t pit_next_deadline(const void *device)
{
    const struct pit *pit = device;
    return pit->deadline;
}

static void latch_count(struct pit *pit, unsigned i, vtime_t now)
{
    if (pit->port[i].count_latched)
        return; // "the first latch is held", also against a second command
    pit->port[i].count_latch = pit_channel_read(&pit->channel[i], now);
    pit->port[i].count_latched = true;
}

static void latch_status(struct pit *pit, unsigned i)
{
    const struct pit_channel *channel = &pit->channel[i];
    if (pit->port[i].status_latched)
        return;
    pit->port[i].status_latch =
        (uint8_t)(channel->control | (channel->out ? STATUS_OUT : 0) | (channel->null_count ? STATUS_NULL : 0));
    pit->port[i].status_latched = true;
}

// Count and status of any set of channels, all at this one instant.
static void read_back(struct pit *pit, uint8_t word, vtime_t now)
{
    for (unsigned i = 0; i < 3; i++) {
        if (!(word & (2u << i)))
            continue;
        if (!(word & READ_BACK_NO_COUNT))
            latch_count(pit, i, now);
        if (!(word & READ_BACK_NO_STATUS))
            latch_status(pit, i);
    }
}

static void write_control(struct pit *pit, uint8_t word, vtime_t now)
{
    unsigned i = CONTROL_CHANNEL(word);
    if (i == READ_BACK) {
        read_back(pit, word, now);
    } else if (CONTROL_RW(word) == RW_LATCH) {
        latch_count(pit, i, now);
    } else {
        pit->port[i] = (struct pit_port){ 0 };
        if (i == 0) {
            pit->irq0_stale = pit->irq0.rises;
            pit->irq0_restarted = 1;
        }
        pit_channel_set_control(&pit->channel[i], word, now);
    }
}

static void write_count(struct pit *pit, unsigned i, uint8_t byte, vtime_t now)
{
    struct pit_port *port = &pit->port[i];
    struct pit_channel *channel = &pit->channel[i];
    switch (CONTROL_RW(channel->control)) {
    case RW_LOW: pit_channel_set_count(channel, byte, now); break;
    case RW_HIGH: pit_channel_set_count(channel, (uint16_t)(byte << 8), now); break;
    default:
        if (port->write_high) {
            pit_channel_set_count(channel, (uint16_t)(byte << 8 | port->first_byte), now);
        } else {
            port->first_byte = byte;
            pit_channel_first_byte(channel, now);
        }
        port->write_high = !port->write_high;
    }
}

// Status first, then a latched count, then the running count. A latched count is let go with its last byte.
static uint8_t read_count(struct pit *pit, unsigned i, vtime_t now)
{
    struct pit_port *port = &pit->port[i];
    unsigned rw = CONTROL_RW(pit->channel[i].control);
    if (port->status_latched) {
        port->status_latched = false;
        return port->status_latch;
    }
    if (pit->channel[i].null_count)
        pit_channel_advance(&pit->channel[i], now); // a running count depends on the past only by a waiting reload
    uint16_t count = port->count_latched ? port->count_latch : pit_channel_read(&pit->channel[i], now);
    bool both = rw != RW_LOW && rw != RW_HIGH;
    bool high = rw == RW_HIGH || (both && port->read_high);
    if (both)
        port->read_high = !port->read_high;
    if (!both || high)
        port->count_latched = false;
    return (uint8_t)(high ? count >> 8 : count);
}

static enum io_result pit_cycle(void *device, struct io_access *io, vtime_t now)
{
    struct pit *pit = device;
    uint64_t index = io->offset - PIT_PORT;
    if (index > CONTROL_PORT)
        return IO_UNCLAIMED;
    if (!io->is_write)
        io->value =
            index == CONTROL_PORT ? 0xff : read_count(pit, (unsigned)index, now); // the control word has no read
    else if (index == CONTROL_PORT)
        write_control(pit, (uint8_t)io->value, now);
    else
        write_count(pit, (unsigned)index, (uint8_t)io->value, now);
    return IO_OK;
}

// A read before the next tick is the hot path and needs nothing brought up to date but what it looks at.
static enum io_result pit_access(void *device, struct io_access *io, vtime_t now)
{
    struct pit *pit = device;
    HOT_INVARIANT(now >= pit->seen);
    if (io->is_write || now >= pit->deadline)
        pit_advance(pit, now);
    enum io_result result = bytewise_access(pit, io, now, pit_cycle);
    if (io->is_write) {
        update_irq0(pit);
        pit->deadline = pit_channel_next_rise(&pit->channel[0], now);
    }
    return result;
}

static uint8_t port61_read(const struct pit *pit, vtime_t now)
{
    uint64_t pulses = mul_div_floor(now, PIT_HZ, pit->channel[0].hz);
    bool refresh = pulses / REFRESH_PULSES & 1;
    bool out2 = pit->channel[2].out;
    return (uint8_t)(pit->port61 | (refresh ? PORT61_REFRESH : 0) | (out2 ? PORT61_OUT2 : 0));
}

static enum io_result port61_cycle(void *device, struct io_access *io, vtime_t now)
{
    struct pit *pit = device;
    if (io->offset != PORT61_PORT)
        return IO_UNCLAIMED;
    if (io->is_write) {
        pit->port61 = io->value & PORT61_WRITABLE;
        pit_channel_set_gate(&pit->channel[2], io->value & PORT61_GATE2, now);
    } else {
        io->value = port61_read(pit, now);
    }
    return IO_OK;
}

static enum io_result port61_access(void *device, struct io_access *io, vtime_t now)
{
    struct pit *pit = device;
    HOT_INVARIANT(now >= pit->seen);
    if (now >= pit->deadline)
        pit_advance(pit, now);
    pit_channel_advance(&pit->channel[2], now);
    return bytewise_access(pit, io, now, port61_cycle);
}

bool pit_take_restart(struct pit *pit, uint32_t *stale)
{
    bool restarted = pit->irq0_restarted != 0;
    *stale = pit->irq0_stale < pit->irq0.rises ? pit->irq0_stale : pit->irq0.rises;
    pit->irq0.rises -= *stale;
    pit->irq0_stale = pit->irq0_restarted = 0;
    return restarted;
}

vtime_t pit_next_fall(const struct pit *pit)
{
    return pit_channel_next_fall(&pit->channel[0], pit->seen);
}

uint64_t pit_irq_period_cycles(const struct pit *pit)
{
    return mul_div_floor(pit_channel_period(&pit->channel[0]), pit->channel[0].hz, PIT_HZ);
}

const struct device_ops pit_ops = {
    .name = "pit",
    .access = pit_access,
    .advance = pit_advance,
    .next_deadline = pit_next_deadline,
};

const struct device_ops port61_ops = {
    .name = "port61",
    .access = port61_access,
    .advance = pit_advance,
    .next_deadline = pit_next_deadline,
};
