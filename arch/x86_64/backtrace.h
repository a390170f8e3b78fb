// SPDX-License-Identifier: MIT
// Where the host was: registers of an exception, return addresses with names. Reads only inside the host's own stacks.
#ifndef ARCH_X86_64_BACKTRACE_H
#define ARCH_X86_64_BACKTRACE_H

#include <stddef.h>
#include <stdint.h>

struct trap_frame;

// Prints ip (when not 0), then the return address on top of the stack if there is one at sp (when not 0), then those of
// the frame pointer chain that starts at fp.
void backtrace_print(uint64_t ip, uint64_t sp, uint64_t fp);

// The function that holds `address`, and how far inside; null when unknown.
const char *symbol_of(uint64_t address, uint64_t *offset);

_Noreturn void panic_exception(const struct trap_frame *frame);

#endif
