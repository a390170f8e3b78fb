// SPDX-License-Identifier: MIT
// Chance for guests, out of what the loader gave the host: each gets other bytes, and none can tell another's.
#ifndef VMM_BASE_SEED_H
#define VMM_BASE_SEED_H

#include <stdint.h>

#define SEED_BYTES 32u

// Of one block of ChaCha20 (RFC 8439, 2.3) with that key, counter and nonce 0: the first half becomes the key, the
// second is given. So what was given before cannot be found out from the key that is left. Pure.
void guest_seed_take(uint8_t key[SEED_BYTES], uint8_t out[SEED_BYTES]);

#endif
