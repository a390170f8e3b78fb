// SPDX-License-Identifier: MIT
// The bytes that libFuzzer has made, taken as numbers: zeros when they have come to their end.
#ifndef TOOLS_FUZZ_INPUT_H
#define TOOLS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t take(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    size_t count = bytes < input->left ? bytes : input->left;
    memcpy(&value, input->at, count);
    input->at += count;
    input->left -= count;
    return value;
}

// What does not hold ends the fuzzer, as a sanitizer's report does.
#define HOLDS(condition) \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
