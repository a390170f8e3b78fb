// SPDX-License-Identifier: MIT
// Reads the monitor's header: see image.h. Called by start.c, and by its native test with damaged files.
#include "boot/efi/arm64/image.h"

#include <string.h>

#define HEADER_BYTES 64u
#define OFFSET_AT    8u
#define BYTES_AT     16u
#define FLAGS_AT     24u
#define MAGIC_AT     56u
#define BIG_ENDIAN   1u
#define ANYWHERE     8u
#define BYTES_MAX    (UINT64_C(64) << 20)

static uint64_t number_at(const uint8_t *file, size_t at)
{
    uint64_t value;
    memcpy(&value, file + at, sizeof(value));
    return value;
}

const char *image_read(const uint8_t *file, size_t size, uint64_t *bytes)
{
    if (size < HEADER_BYTES || memcmp(file + MAGIC_AT, "ARM\x64", 4) != 0)
        return "it is not an arm64 image: it has no \"ARM\\x64\" at byte 56";
    *bytes = number_at(file, BYTES_AT);
    if ((number_at(file, FLAGS_AT) & (BIG_ENDIAN | ANYWHERE)) != ANYWHERE || number_at(file, OFFSET_AT) != 0)
        return "it is an arm64 image that does not run just anywhere in memory";
    if (*bytes > BYTES_MAX || *bytes < size)
        return "its header says another size than it has";
    return NULL;
}
