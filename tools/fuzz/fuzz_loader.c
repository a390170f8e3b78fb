// SPDX-License-Identifier: MIT
// needs: vmm/loader.c vmm/loader_pc.c vmm/loader_elf.c vmm/loader_multiboot1.c vmm/loader_linux.c vmm/format.c
// needs: tools/fuzz/any_image.c
// A PC's loaders on any file.
#include "tools/fuzz/any_image.h"
#include "tools/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load_any_image(data, size, 0);
    return 0;
}
