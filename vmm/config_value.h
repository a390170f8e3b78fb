// SPDX-License-Identifier: MIT
// Pieces of a configuration line: slices of text, the kinds of values a word can have, and how far an unknown word is
// from a known one. Used by config.c only. Pure; never writes outside what it is given.
#ifndef VMM_CONFIG_VALUE_H
#define VMM_CONFIG_VALUE_H

#include "vmm/base/types.h"

enum word_kind {
    WORD_NAME,     // letters, digits, _ and -
    WORD_TEXT,     // any printable characters
    WORD_SIZE,     // bytes: 4096, 64K, 16M, 1G
    WORD_DURATION, // milliseconds: 10s, 500ms, 0
    WORD_NUMBER,   // decimal
    WORD_SIGNED,   // decimal, with a sign or without; as the 64 bits of an int64_t
    WORD_CHOICE,   // one of `allowed`, its index
    WORD_OFFSET,   // utc, localtime or variable:-3600; seconds, as the 64 bits of an int64_t
};

struct word {
    const char *name;
    enum word_kind kind;
    const char *allowed; // for WORD_CHOICE the list itself, separated by |; else what a sentence says about it
};

struct text {
    const char *at;
    size_t length;
};

// A piece of the line, made safe and short enough to be shown in a sentence.
struct quote {
    char text[44];
};

bool text_is(struct text text, const char *s);
bool text_equal(struct text a, struct text b);

// The part of `text` before the first `stop`; all of it when there is none.
struct text text_until(struct text text, char stop);

// Copies and ends with a zero; the room is the caller's promise.
void text_copy(char *to, struct text from);

bool text_blank(char c);
struct quote text_quote(struct text text);

// Levenshtein's distance between an unknown word (its first 32 characters) and a known one (at most 15).
size_t text_distance(struct text unknown, const char *known);

// Reads `text` as a value of `word`; numbers and choices into *number. False when it is not one.
bool value_parse(const struct word *word, struct text text, uint64_t *number);

#endif
