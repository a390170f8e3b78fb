// SPDX-License-Identifier: MIT
// Runs one instruction on the CPU of this host, with all sixteen registers, the flags, and the x87 and XMM registers
// given, for tests that compare the emulator with it. Only for instructions that a user program may execute, on memory
// inside the arena.
#ifndef TOOLS_TESTS_NATIVE_X86_64_NATIVE_X86_H
#define TOOLS_TESTS_NATIVE_X86_64_NATIVE_X86_H

#include <stdint.h>

#include "arch/x86_64/insn/emulate.h"
#include "arch/x86_64/insn/vector.h"

#define NATIVE_MEMORY_SIZE 0x4000u

// What the trampoline loads and stores lies at fixed places, so that it needs no register of its own.
struct native_arena {
    uint8_t code[0x1000];
    const uint8_t *way_out; // in the code: the host's stack comes back
    uint64_t host_rsp;
    struct emulate_regs in, out; // rip is not used
    struct fxsave_image host_vector, vector_in, vector_out;
    uint8_t memory[NATIVE_MEMORY_SIZE];
};

// Machine code under construction.
struct native_code {
    uint8_t *at;
};

// Below 2 GiB, so that absolute addresses of any size reach it; NULL on failure. Its vector_in is what this process has
// now.
struct native_arena *native_open(void);

// Start the code, which first loads arena->in; the caller then emits its instruction, and finishes it, which adds the
// stores to arena->out.
struct native_code native_begin(struct native_arena *arena);
void native_emit(struct native_code *code, unsigned count, uint64_t bytes);
void native_finish(struct native_arena *arena, struct native_code *code);

enum native_end {
    NATIVE_EXECUTED,
    NATIVE_DIVIDE_ERROR, // a division that the CPU refused; what follows it was executed next
    NATIVE_INTERRUPTED,  // the host's kernel could not give the CPU back with this rSP: nothing is known
};

// Of `length` bytes.
enum native_end native_run(struct native_arena *arena, unsigned length);

#endif
