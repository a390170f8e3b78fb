// SPDX-License-Identifier: MIT
// The report card: what this machine has of what the monitor wants, a line each, and what to do about what it lacks.
#ifndef VMM_BASE_CARD_H
#define VMM_BASE_CARD_H

#include <stdbool.h>

enum card_verdict { CARD_PASS, CARD_WARN, CARD_FAIL };

struct card_line {
    enum card_verdict verdict;
    const char       *what;
    char              found[120];
    const char       *advice; // "" where there is none, and where nothing is wrong
};

// Takes the lines as they are judged. card_line() says one, printf's way; of one that passes the advice is left out.
struct card {
    void   (*out)(void *context, const struct card_line *line);
    void    *context;
    unsigned count[CARD_FAIL + 1];
};

static inline enum card_verdict card_warn_if(bool odd)
{
    return odd ? CARD_WARN : CARD_PASS;
}

void card_line(struct card *card, enum card_verdict verdict, const char *what, const char *advice, const char *found,
               ...) __attribute__((format(printf, 5, 6)));

#endif
