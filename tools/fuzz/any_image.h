// SPDX-License-Identifier: MIT
// Any file given to the loaders that are linked.
#ifndef TOOLS_FUZZ_ANY_IMAGE_H
#define TOOLS_FUZZ_ANY_IMAGE_H

#include <stddef.h>
#include <stdint.h>

// The file is data but for its first bytes, which choose the guest's memory, at ram_base, and whether there is a
// module.
void load_any_image(const uint8_t *data, size_t size, uint64_t ram_base);

#endif
