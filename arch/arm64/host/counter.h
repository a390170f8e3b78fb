// SPDX-License-Identifier: MIT
// The host counter's rate.
#ifndef ARCH_ARM64_HOST_COUNTER_H
#define ARCH_ARM64_HOST_COUNTER_H

// Reads what firmware says, and measures it where it is not to be believed without, or where the monitor's command line
// wants it. Panics when nothing is known.
void counter_init(const char *cmdline);

#endif
