// SPDX-License-Identifier: MIT
// The host counter's rate.
#ifndef ARCH_ARM64_HOST_COUNTER_H
#define ARCH_ARM64_HOST_COUNTER_H

#include <stdbool.h>

// Reads what firmware says, and measures it where it is not to be believed without, or where that is asked for. Panics
// when nothing is known.
void counter_init(bool asked);

#endif
