// SPDX-License-Identifier: MIT
// Moves between an MMX or XMM register and device memory: MOVD, MOVQ, MOVSS, MOVSD, MOVLPS, MOVHPS, MOVUPS, MOVAPS,
// MOVDQU, MOVDQA, LDDQU and the non-temporal ones, with their double-precision twins. Pure, and without arithmetic.
//
//   vector_begin()   which access the instruction makes, as emulate_begin() says it
//   vector_fault()   what the CPU would raise before it
//   vector_store()   from the registers to the bytes to write, or
//   vector_load()    from the bytes that were read to the registers
//
// The registers are an image that FXSAVE64 makes. VEX and EVEX forms are not known here.
#ifndef ARCH_X86_64_INSN_VECTOR_H
#define ARCH_X86_64_INSN_VECTOR_H

#include "arch/x86_64/insn/emulate.h"

// SDM 1, table 10-2, where ST(i) and MMi share a place.
struct fxsave_image {
    uint16_t control, status;
    uint8_t  tags, unused[27]; // a tag for each physical register: 1 is in use
    struct {
        uint64_t low;
        uint16_t high, unused[3];
    } st[8];
    uint8_t xmm[16][16];
    uint8_t rest[96];
} __attribute__((aligned(16)));

struct vector_move {
    struct mmio_plan plan; // kind is MMIO_READ or MMIO_WRITE, size 4, 8 or 16
    uint8_t reg, at;       // the first byte within the register
    bool mmx, aligned;
    bool merges;           // a load leaves the rest of the register; else it clears it
};

enum vector_fault { VECTOR_NO_FAULT, VECTOR_INVALID_OPCODE, VECTOR_NO_DEVICE, VECTOR_GENERAL_PROTECTION };

// False: it is none of them.
bool vector_begin(struct vector_move *move, const struct insn *insn, const struct emulate_regs *regs);

enum vector_fault vector_fault(const struct vector_move *move, uint64_t cr0, uint64_t cr4, uint64_t linear);

// bytes[] holds plan.size of them. An instruction on an MMX register also leaves the x87 stack as MMX needs it.
void vector_store(const struct vector_move *move, struct fxsave_image *image, uint8_t bytes[16]);
void vector_load(const struct vector_move *move, struct fxsave_image *image, const uint8_t bytes[16]);

#endif
