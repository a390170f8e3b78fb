// SPDX-License-Identifier: MIT
// ChaCha20, one block: see base/seed.h. Called when a VM is made.
#include "vmm/base/seed.h"

#include <string.h>

#define WORDS     16u
#define KEY_WORDS (SEED_BYTES / 4)
#define ROUNDS    20u

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

static void quarter_round(uint32_t x[WORDS], unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

// The columns of the square of words, then its diagonals.
static void mix(uint32_t x[WORDS])
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned turn = round % 2;
        for (unsigned i = 0; i < 4; i++)
            quarter_round(x, i, 4 + (i + turn) % 4, 8 + (i + 2 * turn) % 4, 12 + (i + 3 * turn) % 4);
    }
}

static void store(uint8_t *to, const uint32_t *words)
{
    for (unsigned i = 0; i < SEED_BYTES; i++)
        to[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
}

void guest_seed_take(uint8_t key[SEED_BYTES], uint8_t out[SEED_BYTES])
{
    uint32_t start[WORDS] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, x[WORDS]; // "expand 32-byte k"
    for (unsigned i = 0; i < SEED_BYTES; i++)
        start[4 + i / 4] |= (uint32_t)key[i] << 8 * (i % 4);
    memcpy(x, start, sizeof(x));
    mix(x);
    for (unsigned i = 0; i < WORDS; i++)
        x[i] += start[i];
    store(key, x);
    store(out, x + KEY_WORDS);
}
