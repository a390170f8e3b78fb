// SPDX-License-Identifier: MIT
// See pl011_reference.h. Linked by test_pl011_reference.c only.
#include <string.h>

#include "tools/tests/native/pl011_reference.h"

void ref_pl011_init(struct ref_pl011 *ref, uint64_t hz)
{
    memset(ref, 0, sizeof(*ref));
    ref->hz = hz;
    ref->ibrd = 13;
    ref->fbrd = 1;
    ref->divisor = 13 * 64 + 1;
    ref->lcr_h = 0x60;
    ref->cr = 0x301;
    ref->ifls = 0x12;
}

static bool on(uint32_t reg, int bit)
{
    return reg / (1u << bit) % 2 == 1;
}

static int depth(const struct ref_pl011 *ref)
{
    return on(ref->lcr_h, 4) ? 32 : 1;
}

static int trigger(const struct ref_pl011 *ref)
{
    if (!on(ref->lcr_h, 4))
        return 1;
    switch (ref->ifls / 8) {
    case 0: return 4;
    case 1: return 8;
    case 2: return 16;
    case 3: return 24;
    default: return 28;
    }
}

static void append(struct ref_bytes *bytes, uint8_t byte)
{
    bytes->byte[bytes->count++] = byte;
}

static uint8_t remove_first(struct ref_bytes *bytes)
{
    uint8_t byte = bytes->byte[0];
    memmove(bytes->byte, bytes->byte + 1, sizeof(bytes->byte) - 1);
    bytes->count--;
    return byte;
}

static void look_at_silence(struct ref_pl011 *ref)
{
    // 32 bits of 16 * divisor / 64 cycles of UARTCLK each
    uint64_t divisor = ref->divisor < 64 ? 64 : ref->divisor;
    if (ref->rx.count == 0 || ref->silent || ref->silence < 8 * divisor * ref->hz)
        return;
    ref->silent = true;
    ref->interrupt[REF_RT] = true;
}

void ref_pl011_cycle(struct ref_pl011 *ref)
{
    ref->silence += 24000000;
    look_at_silence(ref);
}

static void noise(struct ref_pl011 *ref)
{
    ref->silence = 0;
    ref->silent = false;
}

static void hear(struct ref_pl011 *ref, uint8_t byte)
{
    noise(ref);
    if (ref->rx.count == depth(ref)) {
        ref->overrun = ref->byte_lost = ref->interrupt[REF_OE] = true;
        return;
    }
    append(&ref->rx, byte);
    if (ref->rx.count == trigger(ref))
        ref->interrupt[REF_RX] = true;
}

static void send(struct ref_pl011 *ref)
{
    while (ref->tx.count > 0 && on(ref->cr, 0) && on(ref->cr, 8)) {
        uint8_t byte = remove_first(&ref->tx);
        ref->interrupt[REF_TX] = true;
        if (!on(ref->cr, 7) && ref->out.count < 32)
            append(&ref->out, byte);
        if (on(ref->cr, 7) && on(ref->cr, 9))
            hear(ref, byte);
    }
}

static bool modem(uint32_t cr, int which)
{
    static const int from[] = { [REF_RI] = 13, [REF_CTS] = 11, [REF_DCD] = 12, [REF_DSR] = 10 };
    return on(cr, 7) ? on(cr, from[which]) : which != REF_RI;
}

static void control(struct ref_pl011 *ref, uint32_t value)
{
    uint32_t old = ref->cr;
    ref->cr = value & 0xff87;
    for (int which = REF_RI; which <= REF_DSR; which++)
        if (modem(old, which) != modem(ref->cr, which))
            ref->interrupt[which] = true;
}

static void line_control(struct ref_pl011 *ref, uint32_t value)
{
    if (on(value, 4) != on(ref->lcr_h, 4)) {
        ref->rx.count = ref->tx.count = 0;
        ref->byte_lost = ref->interrupt[REF_RX] = ref->interrupt[REF_RT] = false;
    }
    ref->lcr_h = value & 0xff;
    ref->divisor = ref->ibrd * 64 + ref->fbrd;
}

static void acknowledge(struct ref_pl011 *ref, uint32_t value)
{
    for (int i = 0; i < REF_INTERRUPTS; i++) {
        if (!on(value, i) || !ref->interrupt[i])
            continue;
        ref->interrupt[i] = false;
        if (i == REF_RT)
            noise(ref);
    }
}

static void put_byte(struct ref_pl011 *ref, uint8_t byte)
{
    ref->interrupt[REF_TX] = false;
    if (ref->tx.count < depth(ref))
        append(&ref->tx, byte);
}

void ref_pl011_write(struct ref_pl011 *ref, unsigned offset, uint32_t value)
{
    switch (offset) {
    case 0x00: put_byte(ref, (uint8_t)value); break;
    case 0x04: ref->overrun = false; break;
    case 0x20: ref->ilpr = value % 256; break;
    case 0x24: ref->ibrd = value % 65536; break;
    case 0x28: ref->fbrd = value % 64; break;
    case 0x2c: line_control(ref, value); break;
    case 0x30: control(ref, value); break;
    case 0x34: ref->ifls = value % 64; break;
    case 0x38: ref->imsc = value % 2048; break;
    case 0x44: acknowledge(ref, value); break;
    case 0x48: ref->dmacr = value % 8; break;
    default: break;
    }
    send(ref);
    look_at_silence(ref);
}

static uint32_t take_byte(struct ref_pl011 *ref)
{
    if (ref->rx.count == 0)
        return 0;
    uint32_t value = ref->byte_lost * 0x800u;
    value += remove_first(&ref->rx);
    ref->byte_lost = false;
    if (ref->rx.count < trigger(ref))
        ref->interrupt[REF_RX] = false;
    if (ref->rx.count == 0)
        ref->interrupt[REF_RT] = false;
    return value;
}

static uint32_t raw(const struct ref_pl011 *ref)
{
    uint32_t value = 0;
    for (int i = 0; i < REF_INTERRUPTS; i++)
        value += ref->interrupt[i] * (1u << i);
    return value;
}

static uint32_t flags(const struct ref_pl011 *ref)
{
    return modem(ref->cr, REF_CTS) * 1u + modem(ref->cr, REF_DSR) * 2u + modem(ref->cr, REF_DCD) * 4u +
           (ref->tx.count != 0) * 8u + (ref->rx.count == 0) * 16u + (ref->tx.count == depth(ref)) * 32u +
           (ref->rx.count == depth(ref)) * 64u + (ref->tx.count == 0) * 128u + modem(ref->cr, REF_RI) * 256u;
}

uint32_t ref_pl011_read(struct ref_pl011 *ref, unsigned offset)
{
    switch (offset) {
    case 0x00: return take_byte(ref);
    case 0x04: return ref->overrun * 8u;
    case 0x18: return flags(ref);
    case 0x20: return ref->ilpr;
    case 0x24: return ref->ibrd;
    case 0x28: return ref->fbrd;
    case 0x2c: return ref->lcr_h;
    case 0x30: return ref->cr;
    case 0x34: return ref->ifls;
    case 0x38: return ref->imsc;
    case 0x3c: return raw(ref);
    case 0x40: return raw(ref) & ref->imsc;
    case 0x48: return ref->dmacr;
    default: return 0;
    }
}

bool ref_pl011_push(struct ref_pl011 *ref, uint8_t byte)
{
    if (!on(ref->cr, 0) || !on(ref->cr, 9) || on(ref->cr, 7) || ref->rx.count == depth(ref))
        return false;
    hear(ref, byte);
    return true;
}

bool ref_pl011_line(const struct ref_pl011 *ref)
{
    return (raw(ref) & ref->imsc) != 0;
}
