// SPDX-License-Identifier: MIT
// Moves between a vector register and device memory, on an image of the registers (insn/vector.h). Opcodes and
// mandatory prefixes: SDM 2D, tables; faults: SDM 2A 2.5, types 1, 4 and 5, and SDM 3A table 12-1 for MMX.
#include "arch/x86_64/insn/vector.h"
#include "arch/x86_64/insn/plan.h"
#include "arch/x86_64/insn/registers.h"

#include <string.h>

enum { NONE, P66, PF3, PF2 }; // the mandatory prefix; F2 and F3 count before 66
enum { LOAD = 0x00, STORE = 0x01, ALIGNED = 0x02, MMX = 0x04, HIGH = 0x08, MERGE = 0x10, BY_REX_W = 0x20 };

#define FSW_TOP    0x3800u

struct form {
    uint8_t map, opcode, prefix, size, traits;
};

// clang-format off
static const struct form forms[] = {
    { 1, 0x10, NONE, 16, LOAD },           { 1, 0x11, NONE, 16, STORE },           // MOVUPS
    { 1, 0x10, P66,  16, LOAD },           { 1, 0x11, P66,  16, STORE },           // MOVUPD
    { 1, 0x10, PF3,  4,  LOAD },           { 1, 0x11, PF3,  4,  STORE },           // MOVSS
    { 1, 0x10, PF2,  8,  LOAD },           { 1, 0x11, PF2,  8,  STORE },           // MOVSD
    { 1, 0x12, NONE, 8,  MERGE },          { 1, 0x13, NONE, 8,  STORE },           // MOVLPS
    { 1, 0x12, P66,  8,  MERGE },          { 1, 0x13, P66,  8,  STORE },           // MOVLPD
    { 1, 0x16, NONE, 8,  MERGE | HIGH },   { 1, 0x17, NONE, 8,  STORE | HIGH },    // MOVHPS
    { 1, 0x16, P66,  8,  MERGE | HIGH },   { 1, 0x17, P66,  8,  STORE | HIGH },    // MOVHPD
    { 1, 0x28, NONE, 16, ALIGNED },        { 1, 0x29, NONE, 16, STORE | ALIGNED }, // MOVAPS
    { 1, 0x28, P66,  16, ALIGNED },        { 1, 0x29, P66,  16, STORE | ALIGNED }, // MOVAPD
    { 1, 0x2B, NONE, 16, STORE | ALIGNED },                                        // MOVNTPS
    { 1, 0x2B, P66,  16, STORE | ALIGNED },                                        // MOVNTPD
    { 1, 0x6E, NONE, 4,  MMX | BY_REX_W }, { 1, 0x7E, NONE, 4,  STORE | MMX | BY_REX_W }, // MOVD, MOVQ
    { 1, 0x6E, P66,  4,  BY_REX_W },       { 1, 0x7E, P66,  4,  STORE | BY_REX_W },       // MOVD, MOVQ
    { 1, 0x7E, PF3,  8,  LOAD },           { 1, 0xD6, P66,  8,  STORE },           // MOVQ
    { 1, 0x6F, NONE, 8,  MMX },            { 1, 0x7F, NONE, 8,  STORE | MMX },     // MOVQ
    { 1, 0x6F, P66,  16, ALIGNED },        { 1, 0x7F, P66,  16, STORE | ALIGNED }, // MOVDQA
    { 1, 0x6F, PF3,  16, LOAD },           { 1, 0x7F, PF3,  16, STORE },           // MOVDQU
    { 1, 0xE7, NONE, 8,  STORE | MMX },                                            // MOVNTQ
    { 1, 0xE7, P66,  16, STORE | ALIGNED },                                        // MOVNTDQ
    { 1, 0xF0, PF2,  16, LOAD },                                                   // LDDQU
    { 2, 0x2A, P66,  16, ALIGNED },                                                // MOVNTDQA
};
// clang-format on

static unsigned mandatory_prefix(const struct insn *insn)
{
    if ((insn->prefixes & INSN_PREFIX_REPNE) != 0)
        return PF2;
    if ((insn->prefixes & INSN_PREFIX_REP) != 0)
        return PF3;
    return (insn->prefixes & INSN_PREFIX_OPSIZE) != 0 ? P66 : NONE;
}

static const struct form *form_of(const struct insn *insn)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (forms[i].map == insn->map && forms[i].opcode == insn->opcode && forms[i].prefix == mandatory_prefix(insn))
            return &forms[i];
    return NULL;
}

bool vector_begin(struct vector_move *move, const struct insn *insn, const struct emulate_regs *regs)
{
    bool candidate = insn->encoding == INSN_LEGACY && insn->is_memory && (insn->prefixes & INSN_PREFIX_LOCK) == 0;
    const struct form *form = candidate ? form_of(insn) : NULL;
    if (form == NULL)
        return false;
    bool wide = (form->traits & BY_REX_W) != 0 && (insn->rex & INSN_REX_W) != 0;
    struct mmio_operand operand = { effective_address(insn, regs), insn->segment };
    *move = (struct vector_move){
        .plan = { .kind = (form->traits & STORE) != 0 ? MMIO_WRITE : MMIO_READ,
                  .size = wide ? 8 : form->size,
                  .read = operand,
                  .write = operand },
        .mmx = (form->traits & MMX) != 0,
        .aligned = (form->traits & ALIGNED) != 0,
        .merges = (form->traits & MERGE) != 0,
        .at = (form->traits & HIGH) != 0 ? 8 : 0,
    };
    move->reg = (uint8_t)(move->mmx ? insn_reg(insn) & 7 : insn_reg(insn)); // REX.R names no MMX register
    return true;
}

enum vector_fault vector_fault(const struct vector_move *move, uint64_t cr0, uint64_t cr4, uint64_t linear)
{
    if ((cr0 & CR0_EM) != 0 || (!move->mmx && (cr4 & CR4_OSFXSR) == 0))
        return VECTOR_INVALID_OPCODE;
    if ((cr0 & CR0_TS) != 0)
        return VECTOR_NO_DEVICE;
    return move->aligned && linear % 16 != 0 ? VECTOR_GENERAL_PROTECTION : VECTOR_NO_FAULT;
}

// SDM 3A 12.2: an MMX instruction sets TOP to 0 and marks every register as in use. The image has them from ST(0) on,
// which was the one that TOP named.
static __attribute__((noinline)) void enter_mmx(struct fxsave_image *image)
{
    struct fxsave_image old = *image;
    unsigned top = (old.status & FSW_TOP) >> 11;

    for (unsigned i = 0; i < 8; i++)
        image->st[(i + top) % 8] = old.st[i];
    image->status &= (uint16_t)~FSW_TOP;
    image->tags = 0xFF;
}

void vector_store(const struct vector_move *move, struct fxsave_image *image, uint8_t bytes[16])
{
    if (move->mmx) {
        enter_mmx(image);
        memcpy(bytes, &image->st[move->reg].low, move->plan.size);
    } else {
        memcpy(bytes, image->xmm[move->reg] + move->at, move->plan.size);
    }
}

void vector_load(const struct vector_move *move, struct fxsave_image *image, const uint8_t bytes[16])
{
    if (move->mmx) {
        enter_mmx(image);
        image->st[move->reg].low = 0;
        image->st[move->reg].high = 0xFFFF;
        memcpy(&image->st[move->reg].low, bytes, move->plan.size);
    } else {
        if (!move->merges)
            memset(image->xmm[move->reg], 0, 16);
        memcpy(image->xmm[move->reg] + move->at, bytes, move->plan.size);
    }
}
