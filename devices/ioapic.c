// SPDX-License-Identifier: MIT
// The I/O APIC: see ioapic.h. Called by the bus for its registers and by the interrupt router for pins and EOIs; never
// looks at V.
#include "devices/ioapic.h"

// Memory-mapped registers.
#define IOREGSEL                0x00u
#define IOWIN                   0x10u
#define EOI                     0x40u

// Registers behind IOREGSEL.
#define REG_ID                  0x00u
#define REG_VERSION             0x01u
#define REG_ARBITRATION         0x02u
#define REG_ENTRY               0x10u // two a pin, low half first

#define VERSION                 (0x20u | (IOAPIC_PINS - 1) << 16) // from 0x20 on the EOI register is there
#define ID_SHIFT                24
#define ID_BITS                 0x0f000000u

// Redirection entry, 82093AA 3.2.4. Bit 12, delivery status, reads 0: sending takes no time.
#define ENTRY_DELIVERY_SHIFT    8
#define ENTRY_LOGICAL           UINT64_C(0x800)
#define ENTRY_ACTIVE_LOW        UINT64_C(0x2000)
#define ENTRY_REMOTE_IRR        UINT64_C(0x4000)
#define ENTRY_LEVEL             UINT64_C(0x8000)
#define ENTRY_MASKED            UINT64_C(0x10000)
#define ENTRY_DESTINATION_SHIFT 56
#define ENTRY_WRITABLE          UINT64_C(0xff0000000001afff)

static uint32_t delivery_of(uint64_t entry)
{
    return (uint32_t)(entry >> ENTRY_DELIVERY_SHIFT) & 7;
}

static bool is_level(uint64_t entry)
{
    return entry & ENTRY_LEVEL && delivery_of(entry) <= DELIVERY_LOWEST;
}

static bool is_asserted(const struct ioapic *ioapic, unsigned pin)
{
    return ((ioapic->lines >> pin) & 1) != ((ioapic->entry[pin] & ENTRY_ACTIVE_LOW) != 0);
}

// A level-triggered pin is ready as long as it is asserted, not masked and not in service; an edge stays ready until it
// is sent or masked.
static void update_ready(struct ioapic *ioapic, unsigned pin, bool edge)
{
    uint64_t entry = ioapic->entry[pin];
    bool wants = is_level(entry) ? is_asserted(ioapic, pin) && !(entry & ENTRY_REMOTE_IRR) : edge;
    uint32_t bit = 1u << pin;
    if (wants && !(entry & ENTRY_MASKED))
        ioapic->ready |= bit;
    else
        ioapic->ready &= ~bit;
}

void ioapic_init(struct ioapic *ioapic, unsigned id, uint32_t lines)
{
    *ioapic = (struct ioapic){ .id = id << ID_SHIFT & ID_BITS, .lines = lines };
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        ioapic->entry[pin] = ENTRY_MASKED;
}

void ioapic_set_pin(struct ioapic *ioapic, unsigned pin, bool level)
{
    INVARIANT(pin < IOAPIC_PINS);
    uint32_t bit = 1u << pin;
    if (level == ((ioapic->lines & bit) != 0))
        return;
    ioapic->lines ^= bit;
    update_ready(ioapic, pin, ioapic->ready & bit || is_asserted(ioapic, pin));
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t entry = ioapic->entry[pin];
        if (!(entry & ENTRY_REMOTE_IRR) || (entry & 0xff) != vector)
            continue;
        ioapic->entry[pin] = entry & ~ENTRY_REMOTE_IRR;
        update_ready(ioapic, pin, ioapic->ready >> pin & 1);
    }
}

static struct apic_message message_of(uint64_t entry)
{
    return (struct apic_message){
        .vector = (uint8_t)entry,
        .delivery = (uint8_t)delivery_of(entry),
        .destination = (uint8_t)(entry >> ENTRY_DESTINATION_SHIFT),
        .logical = (entry & ENTRY_LOGICAL) != 0,
        .level = is_level(entry),
    };
}

bool ioapic_take_message(struct ioapic *ioapic, struct apic_message *message)
{
    if (ioapic->ready == 0)
        return false;
    unsigned pin = (unsigned)__builtin_ctz(ioapic->ready);
    ioapic->ready &= ioapic->ready - 1;
    *message = message_of(ioapic->entry[pin]);
    if (message->level)
        ioapic->entry[pin] |= ENTRY_REMOTE_IRR;
    return true;
}

bool ioapic_pin_message(const struct ioapic *ioapic, unsigned pin, struct apic_message *message)
{
    INVARIANT(pin < IOAPIC_PINS);
    *message = message_of(ioapic->entry[pin]);
    return !(ioapic->entry[pin] & ENTRY_MASKED);
}

bool ioapic_pin_in_service(const struct ioapic *ioapic, unsigned pin)
{
    INVARIANT(pin < IOAPIC_PINS);
    return ioapic->entry[pin] & ENTRY_REMOTE_IRR;
}

bool ioapic_pin_active_low(const struct ioapic *ioapic, unsigned pin)
{
    INVARIANT(pin < IOAPIC_PINS);
    return ioapic->entry[pin] & ENTRY_ACTIVE_LOW;
}

void ioapic_forget_edge(struct ioapic *ioapic, unsigned pin)
{
    INVARIANT(pin < IOAPIC_PINS);
    update_ready(ioapic, pin, false);
}

static uint32_t read_register(const struct ioapic *ioapic)
{
    uint32_t index = ioapic->select - REG_ENTRY;
    if (index < 2 * IOAPIC_PINS)
        return (uint32_t)(ioapic->entry[index / 2] >> (index & 1 ? 32 : 0));
    switch (ioapic->select) {
    case REG_ID: return ioapic->id;
    case REG_VERSION: return VERSION;
    case REG_ARBITRATION: return ioapic->id; // loaded with the ID; there is no bus to arbitrate for
    default: return 0;
    }
}

static void write_entry(struct ioapic *ioapic, uint32_t index, uint32_t value)
{
    unsigned pin = index / 2, shift = index & 1 ? 32 : 0;
    uint64_t half = UINT64_C(0xffffffff) << shift;
    uint64_t entry = ioapic->entry[pin];
    entry = (entry & ~(half & ENTRY_WRITABLE)) | ((uint64_t)value << shift & ENTRY_WRITABLE);
    if (!(entry & ENTRY_LEVEL))
        entry &= ~ENTRY_REMOTE_IRR;
    bool edge = ioapic->ready >> pin & 1 && !is_level(ioapic->entry[pin]);
    ioapic->entry[pin] = entry;
    update_ready(ioapic, pin, edge);
}

static void write_register(struct ioapic *ioapic, uint32_t value)
{
    uint32_t index = ioapic->select - REG_ENTRY;
    if (index < 2 * IOAPIC_PINS)
        write_entry(ioapic, index, value);
    else if (ioapic->select == REG_ID)
        ioapic->id = value & ID_BITS;
}

static enum io_result ioapic_access(void *device, struct io_access *io, vtime_t now)
{
    struct ioapic *ioapic = device;
    (void)now;
    if (io->size != 4)
        return IO_UNCLAIMED;
    switch (io->offset) {
    case IOREGSEL:
        if (io->is_write)
            ioapic->select = io->value & 0xff;
        else
            io->value = ioapic->select;
        return IO_OK;
    case IOWIN:
        if (io->is_write)
            write_register(ioapic, (uint32_t)io->value);
        else
            io->value = read_register(ioapic);
        return IO_OK;
    case EOI:
        if (!io->is_write)
            return IO_UNCLAIMED;
        ioapic_eoi(ioapic, (uint8_t)io->value);
        return IO_OK;
    default: return IO_UNCLAIMED;
    }
}

const struct device_ops ioapic_ops = {
    .name = "ioapic",
    .access = ioapic_access,
};
