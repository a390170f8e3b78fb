// SPDX-License-Identifier: MIT
// The words of slot.S, and registers to run them with.
#include "guest-tests/lib/arm64/slot.h"

#define NOP 0xd503201fu

extern uint32_t slot_words[]; // slot.S

void context_fill(struct slot_context *context, struct random *random)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(context->x); i++)
        context->x[i] = random_next(random);
    for (unsigned i = 0; i < ARRAY_LENGTH(context->v); i++)
        context->v[i] = random_next(random);
}

void slot_set(const uint32_t *words, unsigned count)
{
    for (unsigned i = 0; i < SLOT_WORDS; i++)
        ((volatile uint32_t *)slot_words)[i] = i < count ? words[i] : NOP;
    for (unsigned i = 0; i < SLOT_WORDS; i++)
        __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" : : "r"(&slot_words[i]) : "memory");
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
}
