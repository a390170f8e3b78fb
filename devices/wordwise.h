// SPDX-License-Identifier: MIT
// Accesses of any width to devices whose registers are 32-bit words, as Arm's PrimeCells on the APB bus are. The bus
// has no byte lanes: an access becomes one cycle for each word that it touches, a read takes its bytes out of the word,
// and a write gives the register the word with zeros beside its bytes. Used by the access functions in this folder;
// owns no state.
#ifndef DEVICES_WORDWISE_H
#define DEVICES_WORDWISE_H

#include "devices/device.h"

// One cycle at a multiple of 4. Returns what was read; `value` counts for a write only.
typedef uint32_t (*word_cycle)(void *device, uint64_t offset, bool is_write, uint32_t value, vtime_t now);

static inline enum io_result wordwise_access(void *device, struct io_access *io, vtime_t now, word_cycle cycle)
{
    uint64_t first = io->offset & ~UINT64_C(3), read = 0;
    unsigned shift = 8 * (unsigned)(io->offset & 3), bits = 8 * io->size; // the access is `bits` from `shift` on
    uint64_t given = bits < 64 ? io->value & ((UINT64_C(1) << bits) - 1) : io->value;
    for (unsigned at = 0; at < shift + bits; at += 32) { // bit `at` from the first word
        uint64_t word = at < shift ? given << shift : given >> (at - shift);
        uint64_t got = cycle(device, first + at / 8, io->is_write, (uint32_t)word, now);
        read |= at < shift ? got >> shift : got << (at - shift);
    }
    if (!io->is_write)
        io->value = bits < 64 ? read & ((UINT64_C(1) << bits) - 1) : read;
    return IO_OK;
}

#endif
