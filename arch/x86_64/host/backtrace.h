// SPDX-License-Identifier: MIT
// Panics of an exception in the host: its registers, and names for addresses. arch_backtrace() is here, too.
#ifndef ARCH_X86_64_HOST_BACKTRACE_H
#define ARCH_X86_64_HOST_BACKTRACE_H

#include <stdint.h>

struct trap_frame;

// The function that holds `address`, and how far inside; null when unknown.
const char *symbol_of(uint64_t address, uint64_t *offset);

_Noreturn void panic_exception(const struct trap_frame *frame);

#endif
