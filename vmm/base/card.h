// SPDX-License-Identifier: MIT
// The report card: what this machine has of what the monitor wants, a line each, and what to do about what it lacks.
#ifndef VMM_BASE_CARD_H
#define VMM_BASE_CARD_H

enum card_verdict { CARD_PASS, CARD_WARN, CARD_FAIL };

struct card_line {
    enum card_verdict verdict;
    const char       *what;
    char              found[120];
    const char       *advice; // "" where there is none
};

// Takes the lines as they are judged. card_line() says one, printf's way.
struct card {
    void   (*out)(void *context, const struct card_line *line);
    void    *context;
    unsigned count[CARD_FAIL + 1];
};

void card_line(struct card *card, enum card_verdict verdict, const char *what, const char *advice, const char *found,
               ...) __attribute__((format(printf, 5, 6)));

#endif
