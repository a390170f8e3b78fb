// SPDX-License-Identifier: MIT
// The PC's pair of 8259A interrupt controllers, ports 0x20, 0x21, 0xa0, 0xa1, and the chipset's edge/level control
// registers 0x4d0, 0x4d1.
//
// The interrupt router drives the inputs with pic_set_irq() and asks pic_output(); event injection runs the INTA cycle
// with pic_acknowledge(). No time passes in this device.
//
// An edge is a request as long as its input stays up ("the IR inputs must remain high until after the falling edge of
// the first INTA"). One that falls before is withdrawn, INTR with it, and an acknowledge cycle that comes all the same
// gets the spurious vector 7. A masked or withdrawn request of the slave leaves the master's input 2, as on the chip.
//
// Choices: the slave is wired to input 2 of the master, whatever its ICW3 says. LTIM of ICW1 is ignored, as by the
// PIIX, which has the edge/level control registers instead. MCS-80 mode and the buffered mode's pins do not exist in a
// PC. As after a BIOS, the pair starts initialised with vectors 0x08 and 0x70, but with every input masked.
#ifndef DEVICES_PIC_H
#define DEVICES_PIC_H

#include "devices/device.h"

// One 8259A. Bit n of a register belongs to input n.
struct pic_chip {
    uint8_t irr;         // edges not yet acknowledged, of inputs that are still up
    uint8_t isr;         // in service
    uint8_t imr;         // masked
    uint8_t lines;       // levels of the input pins
    uint8_t elcr;        // 1: level triggered
    uint8_t icw1;        // as written
    uint8_t vector_base; // bits 7..3
    uint8_t icw3;
    uint8_t icw4;
    uint8_t init_step;    // the ICW expected next at the odd port: 2, 3, 4; 0 when initialised
    uint8_t lowest;       // input of lowest priority, 7 unless rotated
    uint8_t read_isr;     // the even port reads ISR, not IRR
    uint8_t poll;         // the next read is an interrupt acknowledge
    uint8_t special_mask; // masked inputs in service block nobody
    uint8_t rotate_aeoi;
    uint8_t polled; // a poll has taken a request since somebody asked
};

struct pic {
    struct pic_chip chip[2]; // master: IRQ 0..7, slave: IRQ 8..15
};

// The input pins have these levels.
void pic_init(struct pic *pic, uint16_t lines);

extern const struct device_ops pic_ops;

// Drives input `irq` (0..15). 2 is the cascade and is ignored.
void pic_set_irq(struct pic *pic, unsigned irq, bool level);

// The INTR pin to the processor.
bool pic_output(const struct pic *pic);

// The INTA cycle: the vector. Without a request it is the spurious one, input 7, and nothing goes in service.
uint8_t pic_acknowledge(struct pic *pic);

// Has a poll taken a request since the last call?
bool pic_take_polled(struct pic *pic);

// The request of `irq` has not been acknowledged yet.
bool pic_waiting(const struct pic *pic, unsigned irq);

// A request of `irq` gets to the INTR pin when its priority lets it: no mask is in the way.
bool pic_open(const struct pic *pic, unsigned irq);

// Would a request of `irq` be passed on at once, past the masks and what is in service?
bool pic_lets_in(const struct pic *pic, unsigned irq);

// Is this input edge triggered, so that an edge stays until it is acknowledged?
bool pic_latches(const struct pic *pic, unsigned irq);

// Does this access only end an interrupt, and look at nothing?
bool pic_only_ends(const struct io_access *io);

#endif
