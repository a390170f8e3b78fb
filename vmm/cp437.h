// SPDX-License-Identifier: MIT
// The characters of a PC's text screen, code page 437, for terminals, which take UTF-8. Pure.
#ifndef VMM_CP437_H
#define VMM_CP437_H

#include <stddef.h>
#include <stdint.h>

#define CP437_BYTES_MAX 3

// Writes the character; returns its bytes. 0 and 255 are blanks.
size_t cp437_utf8(uint8_t character, char *out);

#endif
