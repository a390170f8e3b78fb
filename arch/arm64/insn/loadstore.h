// SPDX-License-Identifier: MIT
// Loads and stores of A64 (Arm ARM DDI 0487 C4.1.95), decoded from one instruction word: those that devices can be used
// with, and the two families that devices refuse. Pure.
#ifndef ARCH_ARM64_INSN_LOADSTORE_H
#define ARCH_ARM64_INSN_LOADSTORE_H

#include <stdbool.h>
#include <stdint.h>

#define NO_INDEX 32u

enum load_store_kind {
    LOAD_STORE_OTHER,  // not one of these
    LOAD_STORE_PLAIN,  // one to four registers, general or of the FPU
    LOAD_STORE_ATOMIC, // exclusive, or a read and a write in one
    LOAD_STORE_ZERO,   // DC ZVA
};

struct load_store {
    bool    is_load;
    bool    is_vector;    // the registers are the FPU's
    bool    is_literal;   // the base is the instruction's own address, not rn
    bool    writes_back;  // rn becomes base + offset
    bool    is_post;      // ... and the access is at the base itself; with an index that is added, not the offset
    bool    is_structure; // LD1 to LD4, ST1 to ST4 of whole registers
    bool    interleaves;  // ... element by element of all registers
    uint8_t size;         // of each register in memory: 1, 2, 4, 8, with vectors 16 bytes
    uint8_t sign_extends; // ... a load's sign: to so many bytes, 4 or 8; 0: zero-extended
    uint8_t element;      // what is accessed at a time: bytes, size or less; with vectors of 16 bytes 8
    uint8_t count;        // of registers: 1, 2, with structures up to 4
    uint8_t rt[4];        // 31: the zero register, unless a vector
    uint8_t rn;           // 31: the stack pointer
    uint8_t rm;           // index register, 31: the zero register; NO_INDEX: none
    uint8_t extend;       // of the index, as the instruction has it: 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX
    uint8_t shift;        // of the index: 0 to 4
    int64_t offset;
};

// `out` is filled in for LOAD_STORE_PLAIN alone.
enum load_store_kind load_store_decode(uint32_t word, struct load_store *out);

// Where the access begins, with the values of rn (or the instruction's own address) and rm; and what rn becomes.
uint64_t load_store_address(const struct load_store *insn, uint64_t base, uint64_t index);
uint64_t load_store_base_after(const struct load_store *insn, uint64_t base, uint64_t index);

// What was loaded, as a general register gets it.
uint64_t load_store_extended(const struct load_store *insn, uint64_t value);

#endif
