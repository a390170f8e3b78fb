// SPDX-License-Identifier: MIT
// needs: vmm/loader.c vmm/pc/loader.c vmm/pc/loader_elf.c vmm/pc/loader_multiboot1.c vmm/pc/loader_linux.c vmm/base/format.c
// needs: tools/fuzz/any_image.c
// A PC's loaders on any file.
#include "tools/fuzz/any_image.h"
#include "tools/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load_any_image(data, size, 0);
    return 0;
}
