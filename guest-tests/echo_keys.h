// SPDX-License-Identifier: MIT
// What echo_keys.c asks of an architecture: the next byte that is typed, and whether somebody says that time stood
// still.
#ifndef GUEST_TESTS_ECHO_KEYS_H
#define GUEST_TESTS_ECHO_KEYS_H

#include "guest-tests/lib/guest.h"

void keys_prepare(void);
uint8_t key_typed(void);
bool keys_were_stopped(void);

#endif
