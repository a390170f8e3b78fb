// SPDX-License-Identifier: MIT
// Any file, with and without a module, in memory of any size: it is loaded, or refused with a sentence, and nothing
// beside the image and the guest's memory is touched.
#include "tools/fuzz/any_image.h"

#include "tools/fuzz/input.h"
#include "vmm/loader.h"

#define RAM_BYTES_MAX (4u << 20)

// The guest's memory is the end of it, so that a byte too far is seen; what an earlier input left there is not read.
static uint8_t memory[RAM_BYTES_MAX] __attribute__((aligned(4096)));

void load_any_image(const uint8_t *data, size_t size, uint64_t ram_base)
{
    struct input input = { data, size };
    struct refusal refusal = { "" };
    struct entry_state entry;
    uint64_t pages = 1 + take(&input, 2) % (RAM_BYTES_MAX / 4096);
    bool has_module = take(&input, 1) & 1;
    uint8_t *ram = memory + RAM_BYTES_MAX - pages * 4096, *image = malloc(input.left + 1);
    if (image == NULL)
        abort();
    memcpy(image, input.at, input.left);
    struct loader_input files = { .kernel = { image, input.left, "k" }, .cmdline = "words" };
    files.module[0] = (struct image){ image, input.left, "m" };
    files.module_args[0] = "m its words";
    files.module_count = has_module;
    struct guest_ram guest = { .host = ram, .size = pages * 4096, .base = ram_base };
    bool loaded = loader_load(&files, guest, &entry, &refusal);
    HOLDS(loaded == (refusal.text[0] == '\0'));
    HOLDS(!loaded || entry.format != NULL);
    free(image);
}
