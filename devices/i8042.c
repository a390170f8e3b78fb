// SPDX-License-Identifier: MIT
// The keyboard controller: see i8042.h. Called by the bus; only notes that a guest asks for a reset.
#include "devices/i8042.h"
#include "devices/bytewise.h"

#define PORT_DATA         0x60
#define PORT_COMMAND      0x64

#define STATUS_FULL       0x01 // the output buffer
#define STATUS_TESTED     0x04 // as the command byte says
#define STATUS_COMMAND    0x08 // the last write was to 0x64
#define STATUS_UNLOCKED   0x10
#define STATUS_AUX        0x20 // the output buffer's byte is of the second port
#define STATUS_TIMEOUT    0x40
#define STATUS_BUFFER     (STATUS_FULL | STATUS_AUX | STATUS_TIMEOUT)

#define CONFIG_IRQ        0x01
#define CONFIG_AUX_IRQ    0x02
#define CONFIG_TESTED     0x04
#define CONFIG_DISABLED   0x10
#define CONFIG_AUX_OFF    0x20
#define CONFIG_TRANSLATE  0x40
#define CONFIG_KEPT       0x77
#define CONFIG_FIRMWARE   (CONFIG_IRQ | CONFIG_TESTED | CONFIG_AUX_OFF | CONFIG_TRANSLATE)

#define COMMAND_READ      0x20 // the command byte
#define COMMAND_WRITE     0x60
#define COMMAND_PASSWORD  0xa4 // is there one?
#define COMMAND_AUX_OFF   0xa7
#define COMMAND_AUX_ON    0xa8
#define COMMAND_AUX_TEST  0xa9
#define COMMAND_TEST      0xaa
#define COMMAND_KEY_TEST  0xab
#define COMMAND_KEY_OFF   0xad
#define COMMAND_KEY_ON    0xae
#define COMMAND_INPUT     0xc0 // port
#define COMMAND_OUTPUT    0xd0 // port
#define COMMAND_OUTPUT_TO 0xd1
#define COMMAND_KEY_LOOP  0xd2 // the byte as if it came from the keyboard
#define COMMAND_AUX_LOOP  0xd3
#define COMMAND_AUX_TO    0xd4
#define COMMAND_PULSE     0xf0 // to 0xff: output port lines that are 0 in bits 0..3

#define TEST_PASSED       0x55
#define NO_PASSWORD       0xf1
#define INPUT_UNLOCKED    0x80
#define OUTPUT_NO_RESET   0x01
#define OUTPUT_A20        0x02
#define OUTPUT_FULL       0x10
#define OUTPUT_AUX_FULL   0x20
#define NOT_UNDERSTOOD    0xfe
#define PREFIX_RELEASED   0xf0

void i8042_init(struct i8042 *d)
{
    *d = (struct i8042){ .config = CONFIG_FIRMWARE, .status = STATUS_UNLOCKED,
                         .output_port = OUTPUT_NO_RESET | OUTPUT_A20 };
    keyboard_init(&d->keyboard);
}

// Both lines follow the output buffer: high while it is full with a byte of theirs and they are on.
static void drive_lines(struct i8042 *d)
{
    bool full = (d->status & STATUS_FULL) != 0, aux = (d->status & STATUS_AUX) != 0;
    irq_line_set(&d->irq, full && !aux && (d->config & CONFIG_IRQ) != 0);
    irq_line_set(&d->aux_irq, full && aux && (d->config & CONFIG_AUX_IRQ) != 0);
}

// A byte of the keyboard's as the guest is to see it. False: it was a prefix, which goes into the next one.
static bool translate(struct i8042 *d, uint8_t *byte)
{
    if ((d->config & CONFIG_TRANSLATE) == 0)
        return true;
    bool released = d->releasing;
    d->releasing = *byte == PREFIX_RELEASED;
    *byte = (uint8_t)(keyboard_translate(*byte) | (released ? 0x80 : 0));
    return !d->releasing;
}

// The next byte into an empty output buffer.
static void refill(struct i8042 *d)
{
    uint8_t byte;
    if ((d->status & STATUS_FULL) != 0)
        return;
    if (d->reply_status != 0) {
        d->data = d->reply;
        d->status |= d->reply_status;
        d->reply_status = 0;
        return;
    }
    while ((d->config & CONFIG_DISABLED) == 0 && keyboard_take(&d->keyboard, &byte)) {
        if (!translate(d, &byte))
            continue;
        d->data = byte;
        d->status |= STATUS_FULL;
        return;
    }
}

static void reply(struct i8042 *d, uint8_t byte, uint8_t status)
{
    d->reply = byte;
    d->reply_status = STATUS_FULL | status;
}

static void set_config(struct i8042 *d, uint8_t bits, bool on)
{
    d->config = (uint8_t)(on ? d->config | bits : d->config & ~bits);
}

static void set_output(struct i8042 *d, uint8_t value)
{
    d->reset |= (value & OUTPUT_NO_RESET) == 0;
    d->output_port = value & (OUTPUT_NO_RESET | OUTPUT_A20);
}

static uint8_t output_port(const struct i8042 *d)
{
    uint8_t full = (d->status & STATUS_FULL) == 0 ? 0 : (d->status & STATUS_AUX) == 0 ? OUTPUT_FULL : OUTPUT_AUX_FULL;
    return d->output_port | full;
}

static void write_command(struct i8042 *d, uint8_t command)
{
    d->status |= STATUS_COMMAND;
    d->command = 0;
    if (command >= COMMAND_PULSE) {
        d->reset |= (command & OUTPUT_NO_RESET) == 0;
        return;
    }
    switch (command) {
    case COMMAND_READ: reply(d, d->config, 0); break;
    case COMMAND_PASSWORD: reply(d, NO_PASSWORD, 0); break;
    case COMMAND_AUX_OFF: set_config(d, CONFIG_AUX_OFF, true); break;
    case COMMAND_AUX_ON: set_config(d, CONFIG_AUX_OFF, false); break;
    case COMMAND_TEST:
        set_config(d, CONFIG_TESTED, true);
        reply(d, TEST_PASSED, 0);
        break;
    case COMMAND_AUX_TEST:
    case COMMAND_KEY_TEST: reply(d, 0, 0); break;
    case COMMAND_KEY_OFF: set_config(d, CONFIG_DISABLED, true); break;
    case COMMAND_KEY_ON: set_config(d, CONFIG_DISABLED, false); break;
    case COMMAND_INPUT: reply(d, INPUT_UNLOCKED, 0); break;
    case COMMAND_OUTPUT: reply(d, output_port(d), 0); break;
    case COMMAND_WRITE:
    case COMMAND_OUTPUT_TO:
    case COMMAND_KEY_LOOP:
    case COMMAND_AUX_LOOP:
    case COMMAND_AUX_TO: d->command = command; break;
    default: break;
    }
}

static void write_data(struct i8042 *d, uint8_t byte)
{
    uint8_t command = d->command;
    d->status &= (uint8_t)~STATUS_COMMAND;
    d->command = 0;
    switch (command) {
    case COMMAND_WRITE: d->config = byte & CONFIG_KEPT; break;
    case COMMAND_OUTPUT_TO: set_output(d, byte); break;
    case COMMAND_KEY_LOOP: reply(d, byte, 0); break;
    case COMMAND_AUX_LOOP: reply(d, byte, STATUS_AUX); break;
    case COMMAND_AUX_TO: reply(d, NOT_UNDERSTOOD, STATUS_AUX | STATUS_TIMEOUT); break;
    default:
        set_config(d, CONFIG_DISABLED, false); // its clock must run for it to hear this
        keyboard_write(&d->keyboard, byte);
        break;
    }
}

static uint8_t read_data(struct i8042 *d)
{
    uint8_t data = d->data;
    d->status &= (uint8_t)~STATUS_BUFFER;
    drive_lines(d);
    return data;
}

static enum io_result byte_port(void *device, struct io_access *io, vtime_t now)
{
    struct i8042 *d = device;
    (void)now;
    if (io->offset != PORT_DATA && io->offset != PORT_COMMAND)
        return IO_UNCLAIMED;
    if (io->is_write && io->offset == PORT_COMMAND)
        write_command(d, (uint8_t)io->value);
    else if (io->is_write)
        write_data(d, (uint8_t)io->value);
    else if (io->offset == PORT_COMMAND)
        io->value = d->status | ((d->config & CONFIG_TESTED) != 0 ? STATUS_TESTED : 0u);
    else
        io->value = read_data(d);
    refill(d);
    drive_lines(d);
    return IO_OK;
}

static enum io_result i8042_access(void *device, struct io_access *io, vtime_t now)
{
    return bytewise_access(device, io, now, byte_port);
}

bool i8042_press(struct i8042 *d, const struct key *key)
{
    bool pressed = keyboard_press(&d->keyboard, key);
    refill(d);
    drive_lines(d);
    return pressed;
}

const struct device_ops i8042_ops = {
    .name = "i8042",
    .access = i8042_access,
};
