// SPDX-License-Identifier: MIT
// The 8259A pair (Intel 8259A data sheet, order 231468). Called by the bus for ports and by the interrupt router for
// pins; never looks at V.
//
// Nothing derived is stored: what a chip asks for is a function of its registers, evaluated whenever somebody wants to
// know, so the master's input 2 and the INTR pin cannot be stale.
#include "devices/pic.h"
#include "devices/bytewise.h"

#define NONE                  8u // no input
#define CASCADE               2u // the master's input that the slave is wired to

#define ICW1_START            0x10 // distinguishes ICW1 from OCW2 and OCW3
#define ICW1_SINGLE           0x02
#define ICW1_NEEDS_ICW4       0x01
#define ICW4_AUTO_EOI         0x02
#define ICW4_SPECIAL_NEST     0x10

#define OCW2_ROTATE           0x80
#define OCW2_SPECIFIC         0x40
#define OCW2_EOI              0x20

#define OCW3_SELECT           0x08 // distinguishes OCW3 from OCW2
#define OCW3_SET_SPECIAL_MASK 0x40 // bit 5 counts
#define OCW3_SPECIAL_MASK     0x20
#define OCW3_POLL             0x04
#define OCW3_SET_READ         0x02 // bit 0 counts
#define OCW3_READ_ISR         0x01

// The timer, the keyboard and the cascade, and 8 (RTC) and 13 (FPU), are edge triggered for ever.
static const uint8_t elcr_writable[2] = { 0xf8, 0xde };

static uint8_t bit(unsigned input)
{
    return (uint8_t)(1u << input);
}

// Which inputs are level triggered.
static uint8_t level_inputs(const struct pic_chip *chip)
{
    return chip->elcr;
}

// 0 is the highest priority. Priorities go round: the input after the lowest is the highest.
static unsigned rank(const struct pic_chip *chip, unsigned input)
{
    return (input - chip->lowest - 1) & 7;
}

// The input of highest priority among the set bits: turned so that it is the lowest bit, then counted.
static unsigned highest(const struct pic_chip *chip, uint8_t bits)
{
    if (bits == 0)
        return NONE;
    unsigned turn = (chip->lowest + 1u) & 7;
    unsigned turned = ((unsigned)bits | (unsigned)bits << 8) >> turn;
    return ((unsigned)__builtin_ctz(turned) + turn) & 7;
}

// In service, as priority resolution and the non-specific EOI see it. In special mask mode a handler masks its own
// input and lets the lower ones in: what is masked blocks nobody.
static uint8_t in_service(const struct pic_chip *chip)
{
    return chip->special_mask ? (uint8_t)(chip->isr & ~chip->imr) : chip->isr;
}

// What this chip would acknowledge now, given its requests. Fully nested: a request gets through if it is higher than
// all that is in service. While the chip waits for its ICWs it asks for nothing.
static unsigned resolve(const struct pic_chip *chip, uint8_t requests)
{
    uint8_t candidates = (uint8_t)(requests & ~chip->imr);
    if (candidates == 0 || chip->init_step != 0)
        return NONE;
    unsigned input = highest(chip, candidates), serving = highest(chip, in_service(chip));
    if (serving == NONE || rank(chip, input) < rank(chip, serving))
        return input;
    // Special fully nested mode: a slave in service is not locked out from its own higher requests.
    bool nested = chip->icw4 & ICW4_SPECIAL_NEST && input == CASCADE && serving == CASCADE;
    return nested ? input : NONE;
}

// An edge is remembered until it is acknowledged, a level is the pin itself (data sheet, "Edge and Level Triggered
// Modes").
static uint8_t own_requests(const struct pic_chip *chip)
{
    uint8_t level = level_inputs(chip);
    return (uint8_t)((chip->irr & ~level) | (chip->lines & level));
}

// IRR as read. The slave's INT pin is the master's input 2. That input has no latch of its own: it is up as long as the
// slave has something to ask for.
static uint8_t requests_of(const struct pic *pic, unsigned index)
{
    uint8_t requests = own_requests(&pic->chip[index]);
    if (index == 0 && resolve(&pic->chip[1], own_requests(&pic->chip[1])) != NONE)
        requests |= bit(CASCADE);
    return requests;
}

static unsigned pending(const struct pic *pic, unsigned index)
{
    return resolve(&pic->chip[index], requests_of(pic, index));
}

// The first INTA pulse. With automatic EOI nothing goes into service, so nothing is held back while the handler runs,
// and the input may become the lowest at once ("Automatic Rotation").
static void take(struct pic_chip *chip, unsigned input)
{
    chip->irr &= (uint8_t)~bit(input);
    if (!(chip->icw4 & ICW4_AUTO_EOI))
        chip->isr |= bit(input);
    else if (chip->rotate_aeoi)
        chip->lowest = (uint8_t)input;
}

// "If no interrupt request is present at INTA, the 8259A will issue an interrupt level 7", and ISR is not set.
static unsigned acknowledge_chip(struct pic *pic, unsigned index)
{
    unsigned input = pending(pic, index);
    if (input == NONE)
        return 7;
    take(&pic->chip[index], input);
    return input;
}

// As a PC's BIOS leaves the pair: ICW1 asks for edges, a cascade and an ICW4, which asks for the vectors of an 8086.
void pic_init(struct pic *pic, uint16_t lines)
{
    *pic = (struct pic){ 0 };
    for (unsigned i = 0; i < 2; i++)
        pic->chip[i] = (struct pic_chip){
            .imr = 0xff, .lowest = 7, .icw1 = 0x11, .icw4 = 0x01, .lines = (uint8_t)(lines >> 8 * i)
        };
    pic->chip[0].vector_base = 0x08;
    pic->chip[0].icw3 = bit(CASCADE);
    pic->chip[1].vector_base = 0x70;
    pic->chip[1].icw3 = CASCADE;
}

// A rise of an edge-triggered input is its request, a fall takes it back. A level needs no memory.
void pic_set_irq(struct pic *pic, unsigned irq, bool level)
{
    if (irq == CASCADE || irq >= 16)
        return;
    struct pic_chip *chip = &pic->chip[irq / 8];
    uint8_t mask = bit(irq & 7);
    if (!level)
        chip->irr &= (uint8_t)~mask;
    else if (!(chip->lines & mask) && !(level_inputs(chip) & mask))
        chip->irr |= mask;
    chip->lines = (uint8_t)(level ? chip->lines | mask : chip->lines & ~mask);
}

bool pic_output(const struct pic *pic)
{
    return pending(pic, 0) != NONE;
}

// Two INTA pulses: the master says on the cascade lines whose turn it is, and that chip gives the vector. A master that
// was told of no slave (SNGL, or no such bit in ICW3) answers for input 2 itself.
uint8_t pic_acknowledge(struct pic *pic)
{
    const struct pic_chip *master = &pic->chip[0];
    unsigned input = acknowledge_chip(pic, 0);
    bool cascaded = !(master->icw1 & ICW1_SINGLE) && master->icw3 & bit(CASCADE);
    if (input != CASCADE || !cascaded)
        return (uint8_t)(master->vector_base | input);
    return (uint8_t)(pic->chip[1].vector_base | acknowledge_chip(pic, 1));
}

bool pic_take_polled(struct pic *pic)
{
    bool polled = pic->chip[0].polled || pic->chip[1].polled;
    pic->chip[0].polled = pic->chip[1].polled = false;
    return polled;
}

// OCW2 is what is left at the even port when the bits of ICW1 and OCW3 are clear.
bool pic_only_ends(const struct io_access *io)
{
    return io->is_write && io->size == 1 && (io->offset & 1) == 0 && !(io->value & (ICW1_START | OCW3_SELECT));
}

bool pic_waiting(const struct pic *pic, unsigned irq)
{
    if (irq == CASCADE)
        return requests_of(pic, 0) & bit(CASCADE);
    return irq < 16 && own_requests(&pic->chip[irq / 8]) & bit(irq & 7);
}

// As if this were the only request there is.
bool pic_lets_in(const struct pic *pic, unsigned irq)
{
    if (irq < 8)
        return resolve(&pic->chip[0], bit(irq)) != NONE;
    return resolve(&pic->chip[1], bit(irq & 7)) != NONE && resolve(&pic->chip[0], bit(CASCADE)) != NONE;
}

// A level is gone when its device lets it go; of an edge the chip keeps one.
bool pic_latches(const struct pic *pic, unsigned irq)
{
    return irq != CASCADE && irq < 16 && !(level_inputs(&pic->chip[irq / 8]) & bit(irq & 7));
}

static bool chip_open(const struct pic_chip *chip, unsigned input)
{
    return chip->init_step == 0 && !(chip->imr & bit(input));
}

bool pic_open(const struct pic *pic, unsigned irq)
{
    if (irq == CASCADE || irq >= 16)
        return false;
    if (irq < 8)
        return chip_open(&pic->chip[0], irq);
    return chip_open(&pic->chip[0], CASCADE) && chip_open(&pic->chip[1], irq & 7);
}

// ICW1 resets the edge detectors: an input must fall and rise again. It clears the masks and special mask mode, makes
// input 7 the lowest and IRR what is read; without IC4 the functions of ICW4 are off. In-service bits go, too. The
// vectors stay until ICW2; the ELCR, which is the chipset's, stays.
static void start_init(struct pic_chip *chip, uint8_t icw1)
{
    struct pic_chip old = *chip;
    *chip = (struct pic_chip){ .icw1 = icw1, .lowest = 7, .init_step = 2, .lines = old.lines, .elcr = old.elcr };
    chip->vector_base = old.vector_base;
    chip->icw3 = old.icw3;
    chip->icw4 = icw1 & ICW1_NEEDS_ICW4 ? old.icw4 : 0;
}

// ICW2, 3 and 4 in turn; a single chip has no ICW3.
static void next_icw(struct pic_chip *chip, uint8_t value)
{
    uint8_t last = chip->icw1 & ICW1_NEEDS_ICW4 ? 4 : 0;
    switch (chip->init_step) {
    case 2:
        // T7..T3; the other three bits are the input
        chip->vector_base = value & 0xf8;
        chip->init_step = chip->icw1 & ICW1_SINGLE ? last : 3;
        break;
    case 3:
        chip->icw3 = value;
        chip->init_step = last;
        break;
    default: chip->icw4 = value; chip->init_step = 0;
    }
}

// OCW2, data sheet figure "Operation Command Word Format": the eight values of R, SL, EOI. 000 and 100 switch the
// rotation of automatic EOI off and on, 001 ends the highest in service, 011 the one that is named, 101 and 111 rotate
// as they end, 110 rotates alone, 010 is nothing.
static void end_of_interrupt(struct pic_chip *chip, uint8_t value)
{
    bool specific = value & OCW2_SPECIFIC;
    unsigned input = specific ? value & 7u : highest(chip, in_service(chip));
    if (!(value & OCW2_EOI) && !specific) {
        chip->rotate_aeoi = !!(value & OCW2_ROTATE);
        return;
    }
    if (input == NONE)
        return;
    if (value & OCW2_EOI)
        chip->isr &= (uint8_t)~bit(input);
    if (value & OCW2_ROTATE)
        chip->lowest = (uint8_t)input;
}

// ESMM and RR say whether the bit beside them counts: so one word can set one mode and leave the other.
static void write_ocw3(struct pic_chip *chip, uint8_t value)
{
    if (value & OCW3_SET_SPECIAL_MASK)
        chip->special_mask = !!(value & OCW3_SPECIAL_MASK);
    if (value & OCW3_SET_READ)
        chip->read_isr = value & OCW3_READ_ISR;
    chip->poll = !!(value & OCW3_POLL);
}

// Which word it is the port says, then the sequence that ICW1 began, then two bits (data sheet, "Programming the
// 8259A").
static void write_chip(struct pic_chip *chip, bool odd, uint8_t value)
{
    if (odd && chip->init_step != 0)
        next_icw(chip, value);
    else if (odd)
        chip->imr = value;
    else if (value & ICW1_START)
        start_init(chip, value);
    else if (value & OCW3_SELECT)
        write_ocw3(chip, value);
    else
        end_of_interrupt(chip, value);
}

// After a poll command the next read, at either port, is an acknowledge: bit 7 and the level, or 0.
static uint8_t read_chip(struct pic *pic, unsigned index, bool odd)
{
    struct pic_chip *chip = &pic->chip[index];
    if (chip->poll) {
        unsigned input = pending(pic, index);
        chip->poll = false;
        if (input == NONE)
            return 0;
        take(chip, input);
        chip->polled = true;
        return (uint8_t)(0x80 | input);
    }
    if (odd)
        return chip->imr;
    return chip->read_isr ? chip->isr : requests_of(pic, index);
}

// PIIX: the register that took LTIM's place, a bit for each input, which firmware writes once.
static void write_elcr(struct pic *pic, unsigned index, uint8_t value)
{
    struct pic_chip *chip = &pic->chip[index];
    chip->elcr = value & elcr_writable[index];
    chip->irr &= (uint8_t)~chip->elcr; // an edge latched before means nothing to a level input
}

// A0 is the lowest bit of the port; the slave is 80h above the master.
static enum io_result pic_cycle(void *device, struct io_access *io, vtime_t now)
{
    struct pic *pic = device;
    uint8_t value = (uint8_t)io->value;
    unsigned index, port;
    (void)now;
    switch (io->offset) {
    case 0x20:
    case 0x21:
    case 0xa0:
    case 0xa1:
        index = io->offset >= 0xa0;
        port = io->offset & 1;
        if (io->is_write)
            write_chip(&pic->chip[index], port, value);
        else
            io->value = read_chip(pic, index, port);
        return IO_OK;
    case 0x4d0:
    case 0x4d1:
        index = io->offset & 1;
        if (io->is_write)
            write_elcr(pic, index, value);
        else
            io->value = pic->chip[index].elcr;
        return IO_OK;
    default: return IO_UNCLAIMED;
    }
}

static enum io_result pic_access(void *device, struct io_access *io, vtime_t now)
{
    return bytewise_access(device, io, now, pic_cycle);
}

const struct device_ops pic_ops = {
    .name = "pic",
    .access = pic_access,
};
