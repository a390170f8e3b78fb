// SPDX-License-Identifier: MIT
// One line of the report card: see card.h. Called by an architecture's judgement.
#include "vmm/base/card.h"

#include <stdarg.h>

#include "vmm/base/format.h"

void card_line(struct card *card, enum card_verdict verdict, const char *what, const char *advice, const char *found,
               ...)
{
    struct card_line line = { .verdict = verdict, .what = what, .advice = verdict != CARD_PASS ? advice : "" };
    va_list arguments;
    va_start(arguments, found);
    format_v(line.found, sizeof(line.found), found, arguments);
    va_end(arguments);
    card->count[verdict]++;
    card->out(card->context, &line);
}
