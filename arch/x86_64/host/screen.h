// SPDX-License-Identifier: MIT
// The host's own text screen, for a PC without a serial port: what goes to the console and the log goes there, too.
#ifndef ARCH_X86_64_HOST_SCREEN_H
#define ARCH_X86_64_HOST_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

// Clears it. The host must be in a text mode of 80 by 25, as the loader leaves it.
void hostscreen_take(void);
bool hostscreen_taken(void);

// Nothing, unless it is taken. Terminals' sequences for colours and the like are left out.
void hostscreen_write(const char *bytes, size_t count);

#endif
