// SPDX-License-Identifier: MIT
// The 8259A pair through its ports, as a PC's operating system sets it up. Included by its tests only.
#ifndef TOOLS_TESTS_NATIVE_PIC_PORTS_H
#define TOOLS_TESTS_NATIVE_PIC_PORTS_H

#include "devices/pic.h"
#include "tools/tests/native/ports.h"

static inline void out(struct pic *pic, uint64_t port, uint8_t value)
{
    port_out(&pic_ops, pic, port, 1, value, 0);
}
static inline uint8_t in(struct pic *pic, uint64_t port)
{
    return (uint8_t)port_in(&pic_ops, pic, port, 1, 0);
}

// What a PC's operating system does: vectors 0x30 and 0x38, nothing masked.
static inline void start(struct pic *pic, uint8_t master_icw4, uint8_t slave_icw4)
{
    pic_init(pic, 0);
    assert_int_equal(in(pic, 0x21), 0xff);
    out(pic, 0x20, 0x11);
    out(pic, 0x21, 0x32); // bits 2..0 of ICW2 mean nothing here
    out(pic, 0x21, 0x04);
    out(pic, 0x21, master_icw4);
    out(pic, 0xa0, 0x11);
    out(pic, 0xa1, 0x38);
    out(pic, 0xa1, 0x02);
    out(pic, 0xa1, slave_icw4);
    assert_int_equal(in(pic, 0x21), 0); // ICW1 clears the mask
}

// An edge, and the input stays up.
static inline void edge(struct pic *pic, unsigned irq)
{
    pic_set_irq(pic, irq, false);
    pic_set_irq(pic, irq, true);
}

static inline uint8_t isr(struct pic *pic, uint64_t port)
{
    out(pic, port, 0x0b);
    uint8_t value = in(pic, port);
    out(pic, port, 0x0a);
    return value;
}

#endif
