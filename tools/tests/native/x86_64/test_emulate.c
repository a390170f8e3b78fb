// SPDX-License-Identifier: MIT
// The emulator against the CPU this test runs on: every supported form is built with random operands, addressing,
// registers and flags, executed, and emulated. All sixteen registers, the defined arithmetic flags, rip and 16 KiB of
// memory around the operand must agree. test_mmio_plan.c has what cannot run here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cpuid.h>
#include <cmocka.h>

#include "tools/tests/native/x86_64/emulate_forms.h"
#include "tools/tests/native/x86_64/emulate_undefined.h"
#include "tools/tests/native/x86_64/native_x86.h"

#define ROUNDS          3000u // of each form
#define CPUID_ECX_MOVBE (1u << 22)

// One instance of a form: the choices made for it. The effective address is base + index * scale + displacement, rip +
// displacement, or a displacement alone.
struct instance {
    const struct form *form;
    unsigned opcode, reg;
    int extension;
    unsigned size; // of the operand
    bool opsize, addrsize, lock, repeat, any_rex, wide;
    bool until_equal; // REPNE
    bool relative, absolute, indexed;
    unsigned base, index, scale_bits, mod;
    uint64_t displacement, target;
};

static struct native_arena *arena;
static unsigned interrupted;
static uint8_t model[NATIVE_MEMORY_SIZE];

static uint64_t random_64(void)
{
    static uint64_t seed = 0xD1B54A32D192ED03; // splitmix64
    uint64_t z = seed += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

static unsigned random_below(unsigned n)
{
    return (unsigned)(random_64() >> 33) % n;
}

static bool one_in(unsigned n)
{
    return random_below(n) == 0;
}

static uint64_t random_value(void)
{
    static const uint64_t edges[] = { 0,         1,          0x7F,       0x80,       0xFF,      0x7FFF,
                                      0x8000,    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, INT64_MAX, UINT64_C(1) << 63,
                                      UINT64_MAX };
    return one_in(3) ? edges[random_below(sizeof(edges) / sizeof(edges[0]))] : random_64();
}

static void choose_opcode(struct instance *x, const struct form *form)
{
    unsigned traits = form->traits, variant = random_below(16);

    x->form = form;
    x->opcode = form->opcode;
    x->extension = form->extension;
    if ((traits & EIGHT_OPCODES) != 0)
        x->opcode += 8 * (variant & 7);
    if ((traits & SIXTEEN_OPCODES) != 0)
        x->opcode += variant;
    if ((traits & EIGHT_EXTENSIONS) != 0)
        x->extension = (int)(variant & 7);
    bool compares = (traits & EIGHT_OPCODES) != 0 ? x->opcode >= 0x38 : form->map == 0 && x->extension == 7;
    x->lock = (traits & LOCKABLE) != 0 && !compares && one_in(4);
    x->any_rex = one_in(2);
    x->wide = x->any_rex && one_in(2);
    x->opsize = (traits & NO_OPSIZE) == 0 && one_in(3);
    x->addrsize = one_in(4);
    x->size = (traits & BYTES) != 0 ? 1 : x->wide ? 8 : x->opsize ? 2 : 4;
}

static void choose_address(struct instance *x)
{
    unsigned registers = x->any_rex ? 16 : 8, shape = random_below(6);

    x->target = (uint64_t)(uintptr_t)(arena->memory + NATIVE_MEMORY_SIZE / 2 + random_below(32));
    if ((x->form->traits & TWO_WORDS) != 0)
        x->target &= ~UINT64_C(15);
    x->relative = shape == 0;
    x->absolute = shape == 1;
    x->base = random_below(registers);
    do
        x->index = random_below(registers);
    while (x->index == x->base || x->index == 4);
    do
        x->reg = random_below(registers);
    while ((x->form->traits & BIT_NUMBER) != 0 && (x->reg == x->base || x->reg == x->index));
    x->indexed = shape >= 4;
    x->scale_bits = random_below(4);
    x->mod = random_below(3);
    if (x->mod == 0 && (x->base & 7) == 5)
        x->mod = 1; // mod 0 means no base
    x->displacement = x->mod == 0 ? 0 : alu_sign_extend(random_64(), x->mod == 1 ? 1 : 4);
}

static void choose_registers(struct instance *x)
{
    struct emulate_regs *in = &arena->in;
    uint64_t rest = x->displacement;

    for (unsigned reg = 0; reg < 16; reg++)
        in->gpr[reg] = random_value();
    in->rflags = 0x202 | (random_64() & RFLAGS_ARITHMETIC);
    if ((x->form->traits & DIVIDES) != 0 && !one_in(4)) {
        in->gpr[2] = one_in(2) ? 0 : UINT64_MAX;
        in->gpr[0] = x->size == 1 ? alu_sign_extend(random_64(), 1) : in->gpr[0];
    }
    if ((x->form->traits & BIT_NUMBER) != 0) // at most 4 KiB away; of a 2-byte operand the upper bits are not looked at
        in->gpr[x->reg] = alu_sign_extend(random_64() & 0xFFFF, 2) | (x->size == 2 ? random_64() << 16 : 0);
    if (x->indexed)
        rest += in->gpr[x->index] << x->scale_bits;
    if (!x->relative && !x->absolute)
        in->gpr[x->base] = x->target - rest;
    if (!x->relative && !x->absolute && x->addrsize)
        in->gpr[x->base] = (in->gpr[x->base] & alu_mask(4)) | random_64() << 32;
}

static void emit_modrm(struct native_code *code, const struct instance *x, unsigned immediate_size)
{
    unsigned field = ((x->extension == REG ? x->reg : (unsigned)x->extension) & 7) << 3;

    if (x->relative) {
        native_emit(code, 1, 0x05 | field);
        native_emit(code, 4, x->target - (uint64_t)(uintptr_t)(code->at + 4 + immediate_size));
    } else if (x->absolute) { // a SIB byte with neither
        native_emit(code, 2, 0x2504 | field);
        native_emit(code, 4, x->target);
    } else {
        bool sib = x->indexed || (x->base & 7) == 4;
        native_emit(code, 1, x->mod << 6 | field | (sib ? 4 : (x->base & 7)));
        if (sib)
            native_emit(code, 1, x->scale_bits << 6 | (x->indexed ? (x->index & 7) << 3 : 0x20) | (x->base & 7));
        native_emit(code, x->mod == 0 ? 0 : x->mod == 1 ? 1 : 4, x->displacement);
    }
}

static void emit_instruction(struct native_code *code, const struct instance *x)
{
    const struct form *form = x->form;
    unsigned rex =
        0x40u | (unsigned)x->wide << 3 | (x->reg >> 3) << 2 | (x->indexed ? x->index >> 3 : 0) << 1 | x->base >> 3;
    const unsigned sizes[] = { [NO_IMM] = 0, [IMM8] = 1, [IMMZ] = x->size == 2 ? 2 : 4, [IMM16] = 2, [FRAME] = 3,
                               [NEXT] = 4 };
    unsigned immediate_size = sizes[form->immediate];
    uint64_t immediate = random_value();

    if (x->addrsize)
        native_emit(code, 1, 0x67);
    if (x->opsize)
        native_emit(code, 1, 0x66);
    if (x->lock)
        native_emit(code, 1, 0xF0);
    if (x->repeat)
        native_emit(code, 1, x->until_equal ? 0xF2 : 0xF3);
    if (x->any_rex)
        native_emit(code, 1, rex);
    if (form->map != 0)
        native_emit(code, form->map, 0x380F);
    native_emit(code, 1, x->opcode + ((form->traits & IN_OPCODE) != 0 ? x->base & 7 : 0));
    if ((form->traits & MOFFS) != 0)
        native_emit(code, x->addrsize ? 4 : 8, x->target);
    else if ((form->traits & (STRING | NO_MODRM | IN_OPCODE)) == 0)
        emit_modrm(code, x, immediate_size);
    if (form->immediate == FRAME || form->immediate == NEXT)
        immediate &= form->immediate == FRAME ? 0x3FF : 0;
    native_emit(code, immediate_size, immediate);
}

static void choose_string(struct instance *x)
{
    struct emulate_regs *in = &arena->in;

    x->repeat = one_in(2);
    x->until_equal = one_in(2);
    in->gpr[6] = x->target - 0x800 + random_below(0x1000);
    in->gpr[7] = x->target - 0x800 + random_below(0x1000);
    if (x->repeat)
        in->gpr[1] = random_below(8);
    // CPUs differ in which upper halves they clear for a count of zero: there is nothing in them then.
    bool nothing = x->repeat && in->gpr[1] == 0;
    for (unsigned reg = 6; reg <= 7 && x->addrsize; reg++)
        in->gpr[reg] = (in->gpr[reg] & alu_mask(4)) | (nothing ? 0 : random_64() << 32);
    if (x->addrsize && (in->gpr[1] & alu_mask(4)) != 0)
        in->gpr[1] |= random_64() << 32;
    if (one_in(2))
        in->rflags |= RFLAGS_DF;
}

// An operand that counts from rSP is near it.
static void choose_stack(struct instance *x)
{
    bool is_base = (x->form->traits & (NO_MODRM | IN_OPCODE)) == 0 && !x->relative && !x->absolute && x->base == 4;
    if (is_base) {
        x->addrsize = x->indexed = false;
        x->mod = 1;
        x->displacement = alu_sign_extend(random_64(), 1);
        arena->in.gpr[4] = x->target - x->displacement;
    } else {
        arena->in.gpr[4] = x->target - 0x400 + random_below(0x800);
    }
    if ((x->form->traits & FROM_RBP) != 0) {
        arena->in.gpr[5] = arena->in.gpr[4];
        arena->in.gpr[4] = random_64();
    }
}

static void choose_memory(const struct instance *x)
{
    uint8_t *cell = arena->memory + (x->target - (uint64_t)(uintptr_t)arena->memory);

    for (unsigned i = 0; i < 4; i++) {
        uint64_t value = random_value();
        memcpy(cell - 8 + 8 * i, &value, sizeof(value));
    }
    if (x->form->map == 1 && (x->opcode & 0xFE) == 0xB0 && one_in(2)) // CMPXCHG that succeeds
        memcpy(cell, &arena->in.gpr[0], x->size);
    if ((x->form->traits & TWO_WORDS) != 0 && one_in(2)) {
        unsigned half = x->wide ? 8 : 4;
        memcpy(cell, &arena->in.gpr[0], half);
        memcpy(cell + half, &arena->in.gpr[2], half);
    }
    if (x->form->map == 1 && (x->opcode & 0xFE) == 0xBC) // of no bit at all the result is left open
        cell[random_below(x->size)] |= (uint8_t)(1u << random_below(8));
    memcpy(model, arena->memory, sizeof(model));
}

static uint8_t *model_at(const struct mmio_operand *operand, unsigned size)
{
    uint64_t offset = operand->offset - (uint64_t)(uintptr_t)arena->memory;

    assert_true(offset <= sizeof(model) - size);
    return model + offset;
}

// The caller's half of an emulation, with `model` as the device. A repeated instruction runs to its end. False: #DE.
static bool emulate(struct mmio_plan *plan, const struct insn *insn, struct emulate_regs *regs)
{
    uint64_t start = regs->rip;

    for (unsigned iteration = 0; iteration < 16 && regs->rip == start; iteration++) {
        uint64_t value[2] = { UINT64_C(0xEEEEEEEEEEEEEEEE) }; // what lies above the size must not matter
        assert_int_equal(emulate_begin(plan, insn, regs, 8), EMULATE_OK);
        if (mmio_plan_reads(plan))
            memcpy(value, model_at(&plan->read, plan->size), plan->size);
        plan->high = value[1];
        if (plan->kind == MMIO_COMPARE)
            memcpy(&plan->source, model_at(&plan->write, plan->size), plan->size);
        if (emulate_finish(plan, insn, regs, value[0]) != EMULATE_OK)
            return false;
        memcpy(value, (uint64_t[]){ plan->write_value, plan->high }, sizeof(value));
        if (mmio_plan_writes(plan))
            memcpy(model_at(&plan->write, plan->size), value, plan->size);
    }
    return true;
}

static bool agrees(const struct emulate_regs *ours, const struct emulate_regs *theirs, uint64_t undefined)
{
    uint64_t flags = (ours->rflags ^ theirs->rflags) & (RFLAGS_ARITHMETIC | RFLAGS_DF) & ~undefined;

    return memcmp(ours->gpr, theirs->gpr, sizeof(ours->gpr)) == 0 && flags == 0 &&
           memcmp(model, arena->memory, sizeof(model)) == 0;
}

static void print_disagreement(const struct instance *x, const uint8_t *bytes, unsigned length,
                               const struct emulate_regs *ours)
{
    const struct emulate_regs *in = &arena->in, *out = &arena->out;

    print_message("# %s:", x->form->name);
    for (unsigned i = 0; i < length; i++)
        print_message(" %02x", bytes[i]);
    print_message("; flags %#llx -> %#llx, ours %#llx; memory %s\n", (unsigned long long)in->rflags,
                  (unsigned long long)out->rflags, (unsigned long long)ours->rflags,
                  memcmp(model, arena->memory, sizeof(model)) == 0 ? "equal" : "differs");
    for (unsigned reg = 0; reg < 16; reg++)
        if (ours->gpr[reg] != out->gpr[reg])
            print_message("# register %u: %#llx -> %#llx, ours %#llx\n", reg, (unsigned long long)in->gpr[reg],
                          (unsigned long long)out->gpr[reg], (unsigned long long)ours->gpr[reg]);
}

static void place_target(const struct insn *insn, const struct emulate_regs *regs, const uint8_t *target)
{
    struct mmio_plan plan;

    assert_int_equal(emulate_begin(&plan, insn, regs, 8), EMULATE_OK);
    memcpy(model_at(&plan.read, sizeof(target)), &target, sizeof(target));
    memcpy(arena->memory, model, sizeof(model));
}

static bool check(const struct instance *x)
{
    struct native_code code = native_begin(arena);
    const uint8_t *start = code.at;
    struct insn insn;
    struct mmio_plan plan;

    emit_instruction(&code, x);
    unsigned length = (unsigned)(code.at - start);
    native_finish(arena, &code);
    struct emulate_regs ours = arena->in;
    ours.rip = (uint64_t)(uintptr_t)start;
    assert_int_equal(insn_decode(&insn, start, INSN_MAX_LENGTH, 64), DECODE_OK);
    assert_int_equal(insn.length, length);
    if ((x->form->traits & BRANCH) != 0)
        place_target(&insn, &ours, start + length);
    bool done = emulate(&plan, &insn, &ours);
    if (result_is_open(&plan, &insn, &arena->in))
        return true;
    enum native_end end = native_run(arena, length);
    if (end == NATIVE_INTERRUPTED) {
        interrupted++;
        return true;
    }
    assert_int_equal(ours.rip, (uint64_t)(uintptr_t)start + (done ? length : 0));
    uint64_t undefined = done ? undefined_flags(&plan, &insn, &arena->in) : 0;
    if (agrees(&ours, &arena->out, undefined) && done == (end == NATIVE_EXECUTED))
        return true;
    print_disagreement(x, start, length, &ours);
    return false;
}

static bool movbe_is_missing(void)
{
    unsigned eax, ebx, ecx = 0, edx;

    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & CPUID_ECX_MOVBE) == 0;
}

static void test_against_this_cpu(void **state)
{
    unsigned executed = 0, disagreements = 0;

    (void)state;
    for (unsigned f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
        if (forms[f].map == 2 && movbe_is_missing()) {
            print_message("# skipped: %s, which this CPU lacks\n", forms[f].name);
            continue;
        }
        for (unsigned round = 0; round < ROUNDS && disagreements < 10; round++, executed++) {
            struct instance x = { 0 };
            choose_opcode(&x, &forms[f]);
            choose_address(&x);
            choose_registers(&x);
            if ((forms[f].traits & STRING) != 0)
                choose_string(&x);
            if ((forms[f].traits & STACK) != 0)
                choose_stack(&x);
            choose_memory(&x);
            disagreements += !check(&x);
        }
    }
    print_message("# executed and emulated %u instructions, %u disagreements; %u were lost to an interrupt\n", executed,
                  disagreements, interrupted);
    assert_int_equal(disagreements, 0);
    assert_in_range(interrupted, 0, executed / 100);
}

static int open_arena(void **state)
{
    (void)state;
    arena = native_open();
    return arena == NULL ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_against_this_cpu) };
    return cmocka_run_group_tests(tests, open_arena, NULL);
}
