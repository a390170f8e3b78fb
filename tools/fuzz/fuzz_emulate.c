// SPDX-License-Identifier: MIT
// Decoder and emulator on any bytes, registers and device values: what is decoded is as long as it says and no longer,
// and is decoded alike again; what is emulated accesses whole operands and leaves registers that a CPU can have.
#include "tools/fuzz/input.h"

#include "arch/x86_64/insn/emulate.h"

static void emulate(const struct insn *insn, struct input *input)
{
    struct mmio_plan plan;
    struct emulate_regs regs;
    for (unsigned i = 0; i < 16; i++)
        regs.gpr[i] = take(input, 1 + (i & 7));
    regs.rip = take(input, 8);
    regs.rflags = take(input, 3) | 2;
    unsigned stack_bytes = insn->bits == 64 ? 8 : 2u << (take(input, 1) & 1);
    struct emulate_regs before = regs;
    if (emulate_begin(&plan, insn, &regs, stack_bytes) != EMULATE_OK)
        return;
    HOLDS(memcmp(&before, &regs, sizeof(regs)) == 0);
    HOLDS(plan.size == 1 || plan.size == 2 || plan.size == 4 || plan.size == 8 || plan.size == 16);
    plan.source = mmio_plan_reads(&plan) && plan.kind == MMIO_COMPARE ? take(input, 8) : plan.source;
    plan.high = take(input, 8);
    if (emulate_finish(&plan, insn, &regs, take(input, 8)) != EMULATE_OK) {
        HOLDS(memcmp(&before, &regs, sizeof(regs)) == 0);
        return;
    }
    bool again = plan.repeated && regs.rip == before.rip;
    HOLDS(again || mmio_plan_jumps(&plan) || (uint32_t)(regs.rip - before.rip) == insn->length || insn->bits == 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned modes[] = { 16, 32, 64 };
    struct input input = { data, size };
    unsigned bits = modes[take(&input, 1) % 3];
    size_t available = input.left < INSN_MAX_LENGTH + 1 ? input.left : INSN_MAX_LENGTH + 1;
    uint8_t *exact = malloc(available + 1); // so that a byte too far is seen
    struct insn insn, shorter;
    if (exact == NULL)
        return 0;
    memcpy(exact + 1, input.at, available);
    enum decode_result result = insn_decode(&insn, exact + 1, available, bits);
    if (result == DECODE_OK) {
        HOLDS(insn.length >= 1 && insn.length <= available && insn.length <= INSN_MAX_LENGTH && insn.bits == bits);
        HOLDS(insn_decode(&shorter, exact + 1, insn.length, bits) == DECODE_OK && shorter.length == insn.length);
        HOLDS(insn_decode(&shorter, exact + 1, insn.length - 1u, bits) == DECODE_NEED_MORE);
        input.at += insn.length;
        input.left -= insn.length;
        emulate(&insn, &input);
    }
    free(exact);
    return 0;
}
