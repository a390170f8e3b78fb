// SPDX-License-Identifier: MIT
// A PC's loaders on any file.
#include "tools/fuzz/any_image.h"
#include "tools/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load_any_image(data, size, 0);
    return 0;
}
