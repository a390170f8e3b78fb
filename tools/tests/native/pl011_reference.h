// SPDX-License-Identifier: MIT
// A second PL011, one cycle of V at a time: a list of bytes, one boolean an interrupt, a bit clock that counts. Slow
// and plain on purpose: test_pl011_reference.c holds devices/pl011.c against it. Shares nothing with that code but what
// it documents: transmission takes no time, and an acknowledged receive timeout starts over.
#ifndef TOOLS_TESTS_NATIVE_PL011_REFERENCE_H
#define TOOLS_TESTS_NATIVE_PL011_REFERENCE_H

#include "time/units.h"

enum { REF_RI, REF_CTS, REF_DCD, REF_DSR, REF_RX, REF_TX, REF_RT, REF_FE, REF_PE, REF_BE, REF_OE, REF_INTERRUPTS };

struct ref_bytes {
    uint8_t byte[32];
    int count;
};

struct ref_pl011 {
    uint64_t hz;
    uint64_t silence; // 24 million are added each cycle of V; a cycle of UARTCLK takes hz
    bool silent;      // the silence has lasted 32 bits and was reported
    struct ref_bytes rx, tx, out;
    bool interrupt[REF_INTERRUPTS];
    bool overrun, byte_lost;
    uint32_t divisor; // in 64ths
    uint32_t ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr;
};

void ref_pl011_init(struct ref_pl011 *ref, uint64_t hz);
void ref_pl011_cycle(struct ref_pl011 *ref); // one cycle of V passes
void ref_pl011_write(struct ref_pl011 *ref, unsigned offset, uint32_t value);
uint32_t ref_pl011_read(struct ref_pl011 *ref, unsigned offset);
bool ref_pl011_push(struct ref_pl011 *ref, uint8_t byte);
bool ref_pl011_line(const struct ref_pl011 *ref);

#endif
