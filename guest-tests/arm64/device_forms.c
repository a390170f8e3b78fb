// SPDX-License-Identifier: MIT
// Loads and stores of device memory that a monitor is not told about by the syndrome (DDI 0487, D17.2.37, ISV clear):
// pairs, write-back, registers of the FPU, and the rest of the forms beside them. The CPU itself is the model: each
// instruction runs on memory that holds what the device's registers hold, then on the device, from the same registers;
// what a store has left there is compared with the same bytes stored one access at a time. At EL1 and at EL0, relative
// to the stack pointer, and with EL0's data big-endian.
#include "guest-tests/lib/arm64/gic.h"
#include "guest-tests/lib/arm64/slot.h"

#define SPSR_EL0     0x3c0ull // all masked
#define SCTLR_E0E    (1u << 24)
#define CLASS_SVC64  0x15u
#define REGION       32u // bytes

enum variant { EL1, EL1_STACK, EL1_USER_STACK, EL0, EL0_STACK, EL0_BIG_ENDIAN };
static const char *const variant_names[] = { "EL1",          "EL1, by its stack pointer", "EL1, by SP_EL0",
                                             "EL0",          "EL0, by its stack pointer", "EL0, big-endian" };

static struct random noise;
static uint8_t memory[REGION] __attribute__((aligned(REGION)));

static uint64_t below(uint64_t bound)
{
    return random_next(&noise) % bound;
}

static bool at_el0(enum variant variant)
{
    return variant >= EL0;
}

static bool by_stack(enum variant variant)
{
    return variant == EL1_STACK || variant == EL1_USER_STACK || variant == EL0_STACK;
}

// --- running one instruction ----------------------------------------------------------------------------------------

// Relative to the stack pointer: it is X1 while the instruction runs.
static void set_instruction(uint32_t word, enum variant variant)
{
    // MOV X28, SP; MOV SP, X1; it; MOV X1, SP; MOV SP, X28. And with MSR SPSel at both ends.
    const uint32_t own[] = { 0x910003fc, 0x9100003f, word | 31 << 5, 0x910003e1, 0x9100039f };
    const uint32_t other[] = { 0xd50040bf, 0x9100003f, word | 31 << 5, 0x910003e1, 0xd50041bf };
    uint32_t plain = word | 1 << 5;
    if (variant == EL1_USER_STACK)
        slot_set(other, SLOT_WORDS);
    else if (by_stack(variant))
        slot_set(own, SLOT_WORDS);
    else
        slot_set(&plain, 1);
}

static void turn_registers(struct slot_context *context)
{
    for (unsigned i = 0; i < 29; i++)
        context->x[i] = __builtin_bswap64(context->x[i]);
}

// Runs the slot. With EL0's data big-endian its general registers are loaded and stored so, too.
static struct caught run(struct slot_context *context, enum variant variant)
{
    uint64_t frame[] = { mmu_user_address(slot_at_el0), SPSR_EL0, mmu_user_address(context) };
    if (!at_el0(variant))
        return catch_trap(slot_run, (uint64_t)context);
    uint64_t sctlr = read_sysreg(sctlr_el1);
    if (variant == EL0_BIG_ENDIAN) {
        turn_registers(context);
        write_sysreg(sctlr_el1, sctlr | SCTLR_E0E);
    }
    struct caught caught = catch_trap(slot_enter, (uint64_t)frame);
    write_sysreg(sctlr_el1, sctlr);
    if (variant == EL0_BIG_ENDIAN)
        turn_registers(context);
    if (caught.class == CLASS_SVC64)
        caught.class = CLASS_NONE;
    return caught;
}

// --- the forms ------------------------------------------------------------------------------------------------------

struct form {
    uint32_t word; // with an immediate offset of 0
    uint8_t  size;
};

static const struct form pairs[] = {
    { 0x29000000, 4 }, { 0x29400000, 4 }, { 0x69400000, 4 },  // STP W, LDP W, LDPSW
    { 0xa9000000, 8 }, { 0xa9400000, 8 },                     // X
    { 0x2d000000, 4 }, { 0x2d400000, 4 }, { 0x6d000000, 8 },  // S, D
    { 0x6d400000, 8 }, { 0xad000000, 16 }, { 0xad400000, 16 } // Q
};
#define LDPSW 0x69400000u

static const struct form singles[] = {
    { 0x39000000, 1 }, { 0x39400000, 1 }, { 0x39800000, 1 }, { 0x39c00000, 1 },  // STRB, LDRB, LDRSB X, W
    { 0x79000000, 2 }, { 0x79400000, 2 }, { 0x79800000, 2 }, { 0x79c00000, 2 },  // H
    { 0xb9000000, 4 }, { 0xb9400000, 4 }, { 0xb9800000, 4 },                     // W, LDRSW
    { 0xf9000000, 8 }, { 0xf9400000, 8 },                                        // X
    { 0x3d000000, 1 }, { 0x3d400000, 1 }, { 0x7d000000, 2 }, { 0x7d400000, 2 },  // vectors: B, H
    { 0xbd000000, 4 }, { 0xbd400000, 4 }, { 0xfd000000, 8 }, { 0xfd400000, 8 },  // S, D
    { 0x3d800000, 16 }, { 0x3dc00000, 16 }                                       // Q
};

// LD1 and ST1 of one to four registers, LD2, LD3, LD4 and their stores: bits 15 to 12. What is longer than the region
// is left out.
static const struct structure {
    uint32_t opcode;
    unsigned count;
    bool     interleaves;
} structures[] = { { 7, 1, false }, { 10, 2, false }, { 6, 3, false }, { 2, 4, false },
                   { 8, 2, true },  { 4, 3, true },   { 0, 4, true } };

enum mode { OFFSET, PRE_INDEX, POST_INDEX, NO_ALLOCATE, PAIR_MODES, UNSCALED = NO_ALLOCATE, INDEXED, SINGLE_MODES };

// One instruction on its way: X1 is so far before the place of the access.
struct trial {
    uint32_t word;
    unsigned size, count, element; // element: what is accessed at a time, if it is less
    bool     is_load;
    uint64_t distance, index;
};

static uint32_t any_register(void)
{
    uint32_t number = (uint32_t)below(26);
    return number == 25 ? 31 : number + 3; // not X1, X2 and X28
}

static struct trial make_pair(const struct form *form, enum mode mode, enum variant variant)
{
    unsigned step = by_stack(variant) ? 16 / form->size : 1;
    int64_t units = ((int64_t)below(16) - 8) * step;
    uint32_t first = any_register(), second = (first + 1 + (uint32_t)below(20)) % 25 + 3;
    static const uint32_t modes[] = { [PRE_INDEX] = 0x00800000, [POST_INDEX] = 0x01800000, [NO_ALLOCATE] = 0x01000000 };
    uint32_t word = form->word ^ (form->word == LDPSW && mode == NO_ALLOCATE ? 0 : modes[mode]);
    return (struct trial){
        .word = word | ((uint32_t)units & 0x7f) << 15 | (second == first ? 31 : second) << 10 | first,
        .size = form->size, .count = 2, .element = form->size, .is_load = (word & 1 << 22) != 0,
        .distance = mode == POST_INDEX ? 0 : (uint64_t)(units * form->size),
    };
}

static struct trial make_indexed(struct trial trial)
{
    static const uint8_t extends[] = { 2, 3, 6, 7 };
    uint32_t extend = extends[below(4)], scaled = (uint32_t)below(2);
    int64_t index = (int64_t)below(64) - ((extend & 4) ? 32 : 0);
    trial.word = (trial.word & ~(1u << 24)) | 1 << 21 | 2 << 16 | extend << 13 | scaled << 12 | 2 << 10;
    trial.distance = (uint64_t)index * (scaled ? trial.size : 1);
    trial.index = (extend & 1) ? (uint64_t)index : random_next(&noise) << 32 | (uint32_t)index;
    return trial;
}

static struct trial make_single(const struct form *form, enum mode mode, enum variant variant)
{
    unsigned step = by_stack(variant) ? 16 / form->size : 1;
    bool is_vector = (form->word & 1 << 26) != 0;
    struct trial trial = { .word = form->word | any_register(), .size = form->size, .count = 1,
                           .element = form->size, .is_load = (form->word >> 22 & (is_vector ? 1 : 3)) != 0 };
    int64_t bytes = by_stack(variant) ? ((int64_t)below(16) - 8) * 16 : (int64_t)below(512) - 256;
    uint32_t units = (uint32_t)(below(64) * step);
    static const uint32_t modes[] = { [PRE_INDEX] = 3 << 10, [POST_INDEX] = 1 << 10, [UNSCALED] = 0 };
    if (mode == INDEXED && !by_stack(variant))
        return make_indexed(trial);
    if (mode == OFFSET || mode == INDEXED) {
        trial.word |= units << 10;
        trial.distance = units * form->size;
        return trial;
    }
    trial.word = (trial.word & ~(1u << 24)) | ((uint32_t)bytes & 0x1ff) << 12 | modes[mode];
    trial.distance = mode == POST_INDEX ? 0 : (uint64_t)bytes;
    return trial;
}

static struct trial make_structure(const struct structure *structure, bool is_load, enum variant variant)
{
    unsigned size = structure->count * 16 <= REGION && below(2) ? 16 : 8;
    uint32_t scale = (uint32_t)below(structure->interleaves && size == 8 ? 3 : 4), post = (uint32_t)below(3);
    static const uint32_t posts[] = { 0, 1 << 23 | 31 << 16, 1 << 23 | 2 << 16 };
    return (struct trial){
        .word = 0x0c000000 | (size == 16 ? 1u << 30 : 0) | (uint32_t)is_load << 22 | posts[post] |
                structure->opcode << 12 | scale << 10 | (uint32_t)below(32),
        .size = size, .count = structure->count, .element = 1u << scale, .is_load = is_load,
        .index = by_stack(variant) ? 16 * below(100) : random_next(&noise),
    };
}

// --- on memory, then on the device ----------------------------------------------------------------------------------

static void region_write(uint64_t region, const uint32_t *words)
{
    for (unsigned i = 0; i < REGION / 4; i++)
        write32(region + 4 * i, words[i]);
}

static void region_read(uint64_t region, uint32_t *words)
{
    for (unsigned i = 0; i < REGION / 4; i++)
        words[i] = read32(region + 4 * i);
}

// The bytes of memory from `start` on, one register at a time, by accesses that a syndrome describes.
static void store_single(uint64_t region, unsigned start, const struct trial *trial)
{
    unsigned step = trial->element < 4 ? trial->element : 4;
    for (unsigned at = start; at < start + trial->size * trial->count; at += step) {
        if (step == 1)
            *(volatile uint8_t *)(region + at) = memory[at];
        else if (step == 2)
            *(volatile uint16_t *)(region + at) = *(uint16_t *)&memory[at];
        else
            write32(region + at, *(uint32_t *)&memory[at]);
    }
}

static bool same_registers(const struct slot_context *a, const struct slot_context *b, uint64_t apart)
{
    bool same = b->x[1] - a->x[1] == apart;
    for (unsigned i = 0; i < 28; i++)
        same = same && (i == 1 || a->x[i] == b->x[i]);
    for (unsigned i = 0; i < ARRAY_LENGTH(a->v); i++)
        same = same && a->v[i] == b->v[i];
    return same;
}

static bool on_memory_and_device(const struct trial *trial, uint64_t region, enum variant variant)
{
    uint32_t before[REGION / 4], left[REGION / 4], expected[REGION / 4];
    struct slot_context first, second;
    unsigned start = (unsigned)below(REGION / trial->size - trial->count + 1) * trial->size;
    if (by_stack(variant))
        start &= 16;
    if (start + trial->size * trial->count > REGION)
        start = 0;
    uint64_t here = at_el0(variant) ? mmu_user_address(memory) : (uint64_t)memory;
    uint64_t there = at_el0(variant) ? mmu_user_device(region) : region;
    context_fill(&first, &noise);
    for (unsigned i = 0; i < REGION / 4; i++)
        before[i] = (uint32_t)random_next(&noise);
    region_write(region, before);
    region_read(region, (uint32_t *)memory);
    first.x[1] = here + start - trial->distance;
    first.x[2] = trial->index;
    second = first;
    second.x[1] = there + start - trial->distance;
    set_instruction(trial->word, variant);
    bool through = run(&first, variant).class == CLASS_NONE && run(&second, variant).class == CLASS_NONE;
    if (!through || !same_registers(&first, &second, there - here))
        return false;
    region_read(region, left);
    region_write(region, before);
    if (!trial->is_load)
        store_single(region, start, trial);
    region_read(region, expected);
    for (unsigned i = 0; i < REGION / 4; i++)
        if (left[i] != expected[i])
            return false;
    return true;
}

static unsigned different, tried;

static void try_on(const struct trial *trial, uint64_t region, enum variant variant)
{
    tried++;
    if (on_memory_and_device(trial, region, variant))
        return;
    if (different++ == 0)
        diag("%s: instruction 0x%x at 0x%lx differs", variant_names[variant], trial->word, region);
}

// The PL011 takes every width; the GIC's priorities are bytes and words.
static void try_form(struct trial trial, enum variant variant)
{
    try_on(&trial, board.uart + 0x20, variant);
    if (trial.is_load)
        try_on(&trial, board.uart + 0xfe0, variant);
    if (trial.element == 1 || trial.element == 4)
        try_on(&trial, board.gicd + GICD_IPRIORITYR + 0x20, variant);
}

static void test_forms(enum variant variant, unsigned rounds)
{
    different = tried = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < ARRAY_LENGTH(pairs); i++)
            for (enum mode mode = OFFSET; mode < PAIR_MODES; mode++)
                try_form(make_pair(&pairs[i], mode, variant), variant);
        for (unsigned i = 0; i < ARRAY_LENGTH(singles); i++)
            for (enum mode mode = OFFSET; mode < SINGLE_MODES; mode++)
                try_form(make_single(&singles[i], mode, variant), variant);
        for (unsigned i = 0; i < 8 * ARRAY_LENGTH(structures); i++)
            try_form(make_structure(&structures[i / 8], i % 2, variant), variant);
    }
}

void test_main(void)
{
    static const uint16_t kept[] = { 0x24, 0x28, 0x30, 0x34, 0x38, 0x2c };
    uint32_t before[ARRAY_LENGTH(kept)];
    noise.state = cmdline_number("seed", 1);
    plan(6);
    write_sysreg(cpacr_el1, 3u << 20);
    mmu_map_user();
    for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
        before[i] = read32(board.uart + kept[i]);
    gic_enable(board.uart_intid, false);
    for (enum variant variant = EL1; variant <= EL0_BIG_ENDIAN; variant++) {
        test_forms(variant, 4);
        for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
            write32(board.uart + kept[i], before[i]);
        ok(different == 0, "%s: %u instructions on a device do what they do on memory (%u do not)",
           variant_names[variant], tried, different);
    }
    finish();
}
