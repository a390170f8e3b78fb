// SPDX-License-Identifier: MIT
// What timer_storm.c and an architecture's storms tell each other.
#ifndef GUEST_TESTS_TIMER_STORM_H
#define GUEST_TESTS_TIMER_STORM_H

#include "guest-tests/lib/guest.h"

#define WEATHER_CLAIMS 3

void weather(const char *name); // the storm has been started, interrupts are still off
bool storm_enough(void);        // called by each handler: true when it is to stop the storm

extern const unsigned storm_claims;
void storms(void);

#endif
