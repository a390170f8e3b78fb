// SPDX-License-Identifier: MIT
// printf-like text into a buffer, for log lines, sentences and reports. Pure: the same code runs in the host tests.
// Knows %d %i %u %x %X %c %s %p %%, lengths hh h l ll z j t, flags 0 - + space #, width and precision (also *).
#ifndef VMM_BASE_FORMAT_H
#define VMM_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

// Writes at most size - 1 characters and a NUL. Returns how many characters are in `out`, the NUL not counted: never
// more than size - 1, so results can be added up without a check.
size_t format(char *out, size_t size, const char *text, ...) __attribute__((format(printf, 3, 4)));
size_t format_v(char *out, size_t size, const char *text, va_list arguments) __attribute__((format(printf, 3, 0)));

// Puts the sentence of a struct refusal together; always false, to be returned.
#define REFUSAL(refusal, ...) (format((refusal)->text, sizeof((refusal)->text), __VA_ARGS__), false)

#endif
