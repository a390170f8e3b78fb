// SPDX-License-Identifier: MIT
// See ioapic_reference.h. Written from the 82093AA data sheet, chapter 3, without a look at devices/ioapic.c.
#include "tools/tests/native/ioapic_reference.h"
#include <string.h>

enum { FIXED, LOWEST };

struct pin {
    bool level_now; // of the wire
    bool edge_seen; // and not sent
    bool remote_irr;
    bool masked, trigger_level, active_low, logical;
    unsigned mode, vector, destination;
};

static struct pin pins[24];
static unsigned selected, id;

void ref_ioapic_start(uint32_t lines)
{
    memset(pins, 0, sizeof(pins));
    selected = id = 0;
    for (unsigned i = 0; i < 24; i++) {
        pins[i].level_now = lines >> i & 1;
        pins[i].masked = true;
    }
}

static bool level_sensitive(const struct pin *p)
{
    return p->trigger_level && (p->mode == FIXED || p->mode == LOWEST);
}

void ref_ioapic_pin(unsigned pin, bool level)
{
    struct pin *p = &pins[pin];
    if (level == p->level_now)
        return;
    p->level_now = level;
    bool becomes_active = level ? !p->active_low : p->active_low;
    if (becomes_active && !p->masked && !level_sensitive(p))
        p->edge_seen = true;
}

void ref_ioapic_eoi(unsigned vector)
{
    for (unsigned i = 0; i < 24; i++)
        if (pins[i].vector == vector)
            pins[i].remote_irr = false;
}

void ref_ioapic_select(unsigned index)
{
    selected = index & 255;
}

static void write_low(struct pin *p, uint32_t value)
{
    p->vector = value % 256;
    p->mode = value / 256 % 8;
    p->logical = value / 2048 % 2;
    p->active_low = value / 8192 % 2;
    p->trigger_level = value / 32768 % 2;
    p->masked = value / 65536 % 2;
    if (!p->trigger_level)
        p->remote_irr = false;
    if (p->masked || level_sensitive(p))
        p->edge_seen = false;
}

void ref_ioapic_write(uint32_t value)
{
    if (selected == 0)
        id = value >> 24 & 15;
    if (selected < 16 || selected >= 64)
        return;
    struct pin *p = &pins[(selected - 16) / 2];
    if (selected % 2 == 1)
        p->destination = value >> 24;
    else
        write_low(p, value);
}

uint32_t ref_ioapic_read(void)
{
    if (selected == 0 || selected == 2)
        return id << 24;
    if (selected == 1)
        return 0x00170020;
    if (selected < 16 || selected >= 64)
        return 0;
    const struct pin *p = &pins[(selected - 16) / 2];
    if (selected % 2 == 1)
        return p->destination << 24;
    return p->vector + p->mode * 256 + p->logical * 2048u + p->active_low * 8192u + p->remote_irr * 16384u +
           p->trigger_level * 32768u + p->masked * 65536u;
}

bool ref_ioapic_send(struct ref_ioapic_message *message)
{
    for (unsigned i = 0; i < 24; i++) {
        struct pin *p = &pins[i];
        bool active = p->level_now != p->active_low;
        bool level = level_sensitive(p);
        if (p->masked || !(level ? active && !p->remote_irr : p->edge_seen))
            continue;
        p->edge_seen = false;
        p->remote_irr = p->remote_irr || level;
        *message = (struct ref_ioapic_message){ p->vector, p->mode, p->destination, p->logical, level };
        return true;
    }
    return false;
}
