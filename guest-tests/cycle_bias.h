// SPDX-License-Identifier: MIT
// What cycle_bias.c asks of an architecture: straight lines between two exits, and a halt that ends at once.
#ifndef GUEST_TESTS_CYCLE_BIAS_H
#define GUEST_TESTS_CYCLE_BIAS_H

#include "guest-tests/lib/guest.h"

#define LENGTHS 5 // 0, 1, 10, 1000 and 10^6 instructions

typedef uint64_t (*measured)(void); // what the counter advanced by

struct kind {
    const char *name;
    const measured *sections; // one a length
    uint64_t beside;          // instructions in one exit beside the exiting ones
    uint64_t exiting;         // exiting instructions in one exit
    bool needs_escapement;
};

extern const struct kind kinds[];
extern const unsigned kind_count;
extern const struct kind no_exit;   // nothing at the two ends
extern const uint64_t section_own;  // what a section with nothing in it reads
extern const uint64_t section_lead; // instructions before the first read

// A halt, N instructions, one more exit. What is measured is what the counter reads at the end, less `start` where the
// section itself does not take that.
struct halt {
    const char *name;
    const measured *sections;
    uint64_t beside; // instructions beside those that exit, in all
    uint64_t exiting;
};
extern const struct halt halt;
uint64_t halt_prepare(void); // sees to it that the halt ends; `start`
void halt_finish(void);      // after the section: as before

void cycle_bias_prepare(void);

#endif
