// SPDX-License-Identifier: MIT
// Debug exit, debug console and two ways to reset a PC: see debugexit.h. Called by the bus; only notes what the
// guest asks for and never acts on it.
#include "devices/debugexit.h"
#include "devices/bytewise.h"

#define PORT_EXIT    0xf4 // four ports
#define PORT_CONSOLE 0xe9
#define PORT_92      0x92
#define PORT_CF9     0xcf9

#define PORT92_RESET 0x01
#define PORT92_A20   0x02

#define CF9_RESET    0x04
#define CF9_KEPT     0x0e

void debugexit_init(struct debugexit *d)
{
    *d = (struct debugexit){ .port92 = PORT92_A20 };
}

static void ask(struct debugexit *d, enum debugexit_request request, uint32_t value)
{
    if (d->request != REQUEST_NONE)
        return;
    d->request = (uint8_t)request;
    d->value = value;
}

static void put_char(struct debugexit *d, uint8_t byte)
{
    if (d->count == DEBUGEXIT_FIFO)
        return;
    d->fifo[(d->first + d->count) % DEBUGEXIT_FIFO] = byte;
    d->count++;
}

bool debugexit_take_char(struct debugexit *d, uint8_t *byte)
{
    if (d->count == 0)
        return false;
    *byte = d->fifo[d->first % DEBUGEXIT_FIFO];
    d->first = (uint8_t)((d->first + 1) % DEBUGEXIT_FIFO);
    d->count--;
    return true;
}

static void write_byte(struct debugexit *d, uint64_t port, uint8_t value)
{
    bool reset = false;
    switch (port) {
    case PORT_CONSOLE: put_char(d, value); break;
    case PORT_92:
        reset = value & ~d->port92 & PORT92_RESET;
        d->port92 = value & (PORT92_RESET | PORT92_A20);
        break;
    default:
        reset = value & ~d->port_cf9 & CF9_RESET;
        d->port_cf9 = value & CF9_KEPT;
        break;
    }
    if (reset)
        ask(d, REQUEST_RESET, 0);
}

static enum io_result byte_port(void *device, struct io_access *io, vtime_t now)
{
    struct debugexit *d = device;
    uint8_t value;
    (void)now;
    switch (io->offset) {
    case PORT_CONSOLE: value = PORT_CONSOLE; break;
    case PORT_92: value = d->port92; break;
    case PORT_CF9: value = d->port_cf9; break;
    default: return IO_UNCLAIMED;
    }
    if (io->is_write)
        write_byte(d, io->offset, (uint8_t)io->value);
    else
        io->value = value;
    return IO_OK;
}

static enum io_result debugexit_access(void *device, struct io_access *io, vtime_t now)
{
    if (io->offset < PORT_EXIT || io->offset >= PORT_EXIT + 4)
        return bytewise_access(device, io, now, byte_port);
    uint64_t mask = io->size >= 4 ? UINT32_MAX : (UINT64_C(1) << (8 * io->size)) - 1;
    if (io->is_write)
        ask(device, REQUEST_EXIT, (uint32_t)(io->value & mask));
    else
        io->value = 0;
    return IO_OK;
}

const struct device_ops debugexit_ops = {
    .name = "debugexit",
    .access = debugexit_access,
};
