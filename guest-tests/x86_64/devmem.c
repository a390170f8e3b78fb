// SPDX-License-Identifier: MIT
// Instructions on device memory: each is executed on RAM, where the CPU does it, and on the memory of testdev=on, where
// the monitor does, from the same registers; what comes of it must be the same. Then operands that lie in both.
#include "guest-tests/lib/x86_64/devices.h"

#define DEVICE  UINT64_C(0xff000000)
#define WINDOW  UINT64_C(0x800000) // four pages: RAM, device, device, RAM; and one that is not there
#define BYTES   64
#define OPERAND 16 // where it is among them
#define FLAGS   0x8d5u

struct state {
    uint64_t rax, rcx, rdx, rsi, flags, mm;
    uint8_t  xmm[16];
};

typedef void (*instruction)(struct state *state, void *operand);

// The operand is at (%rbx); %xmm1 and %mm1 are the vector registers.
#define INSN(name, text)                                                                                               \
    static void name(struct state *state, void *operand)                                                               \
    {                                                                                                                  \
        __asm__ volatile("movups 48(%%rdi), %%xmm1\n\tmovq 40(%%rdi), %%mm1\n\t"                                       \
                         "pushq 32(%%rdi)\n\tpopfq\n\tmov (%%rdi), %%rax\n\tmov 8(%%rdi), %%rcx\n\t"                   \
                         "mov 16(%%rdi), %%rdx\n\tmov 24(%%rdi), %%rsi\n\t" text "\n\t"                                \
                         "mov %%rax, (%%rdi)\n\tmov %%rcx, 8(%%rdi)\n\tmov %%rdx, 16(%%rdi)\n\t"                       \
                         "mov %%rsi, 24(%%rdi)\n\tpushfq\n\tpopq 32(%%rdi)\n\t"                                        \
                         "movq %%mm1, 40(%%rdi)\n\tmovups %%xmm1, 48(%%rdi)\n\temms"                                   \
                         : "+D"(state), "+b"(operand)                                                                  \
                         :                                                                                             \
                         : "rax", "rcx", "rdx", "rsi", "memory", "cc");                                                \
    }

INSN(movups_load, "movups (%%rbx), %%xmm1")
INSN(movups_store, "movups %%xmm1, 3(%%rbx)")
INSN(movapd_load, "movapd (%%rbx), %%xmm1")
INSN(movaps_store, "movaps %%xmm1, (%%rbx)")
INSN(movdqu_load, "movdqu 5(%%rbx), %%xmm1")
INSN(movdqa_store, "movdqa %%xmm1, (%%rbx)")
INSN(movnt_store, "movntps %%xmm1, (%%rbx)\n\tmovntdq %%xmm1, 16(%%rbx)")
INSN(movd_load, "movd (%%rbx), %%xmm1")
INSN(movq_load, "movq (%%rbx), %%xmm1")
INSN(movq_store, "movq %%xmm1, 1(%%rbx)")
INSN(movhps_load, "movhps (%%rbx), %%xmm1")
INSN(movlps_load, "movlps (%%rbx), %%xmm1")
INSN(movhps_store, "movhps %%xmm1, (%%rbx)")
INSN(mmx_load, "movq (%%rbx), %%mm1")
INSN(mmx_store, "movntq %%mm1, 8(%%rbx)")
INSN(mmx_load_4, "movd (%%rbx), %%mm1")
INSN(rcl, "rclw %%cl, (%%rbx)")
INSN(rcr, "rcrq $1, 1(%%rbx)")
INSN(shld, "shldl $7, %%esi, (%%rbx)")
INSN(shrd, "shrdq %%cl, %%rsi, (%%rbx)")
INSN(bsf, "bsfl (%%rbx), %%esi")
INSN(bsr, "bsrw (%%rbx), %%si")
INSN(imul_2, "imulq (%%rbx), %%rsi")
INSN(imul_3, "imull $-77, (%%rbx), %%edx")
INSN(mul, "mulb (%%rbx)\n\tmull (%%rbx)")
INSN(div_, "xor %%edx, %%edx\n\torb $1, 3(%%rbx)\n\tdivl (%%rbx)")
INSN(idiv, "cqto\n\torb $1, 7(%%rbx)\n\tidivq (%%rbx)")
INSN(cmpxchg16b, "xchg %%rbx, %%rsi\n\tlock cmpxchg16b (%%rsi)\n\txchg %%rbx, %%rsi")
INSN(cmpxchg8b, "xchg %%rbx, %%rsi\n\tmov (%%rsi), %%eax\n\tmov 4(%%rsi), %%edx\n\tcmpxchg8b (%%rsi)\n\t"
                "xchg %%rbx, %%rsi")

static const struct {
    const char *name;
    instruction execute;
    uint32_t    undefined; // flags
} instructions[] = {
    { "MOVUPS load", movups_load, 0 },   { "MOVUPS store", movups_store, 0 }, { "MOVAPD load", movapd_load, 0 },
    { "MOVAPS store", movaps_store, 0 }, { "MOVDQU load", movdqu_load, 0 },   { "MOVDQA store", movdqa_store, 0 },
    { "MOVNTPS", movnt_store, 0 },       { "MOVD load", movd_load, 0 },       { "MOVQ load", movq_load, 0 },
    { "MOVQ store", movq_store, 0 },     { "MOVHPS load", movhps_load, 0 },   { "MOVLPS load", movlps_load, 0 },
    { "MOVHPS store", movhps_store, 0 }, { "MMX MOVQ load", mmx_load, 0 },    { "MOVNTQ", mmx_store, 0 },
    { "MMX MOVD load", mmx_load_4, 0 },  { "RCL", rcl, 0x800 },               { "RCR", rcr, 0 },
    { "SHLD", shld, 0x810 },             { "SHRD", shrd, 0x810 },             { "BSF", bsf, 0x895 },
    { "BSR", bsr, 0x895 },               { "IMUL r, m", imul_2, 0xd4 },       { "IMUL r, m, imm", imul_3, 0xd4 },
    { "MUL", mul, 0xd4 },                { "DIV", div_, FLAGS },              { "IDIV", idiv, FLAGS },
    { "CMPXCHG16B", cmpxchg16b, 0 },     { "CMPXCHG8B", cmpxchg8b, 0 },
};

static uint64_t random_64(void)
{
    static uint64_t seed = 0x2545f4914f6cdd1d; // splitmix64
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void randomise(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = (uint8_t)random_64();
}

static bool same(const void *left, const void *right, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)left)[i] != ((const uint8_t *)right)[i])
            return false;
    return true;
}

// Byte by byte, which the monitor has always known.
static void copy(volatile uint8_t *to, const volatile uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = from[i];
}

// The instruction on RAM, and on the same bytes at `place`.
static bool agrees(instruction execute, uint32_t undefined, uint8_t *place)
{
    static uint8_t ram[BYTES] __attribute__((aligned(64)));
    struct state by_cpu = { 0 }, by_monitor;
    uint8_t after[BYTES];
    randomise(ram, sizeof(ram));
    randomise(&by_cpu, sizeof(by_cpu));
    by_cpu.flags = (by_cpu.flags & FLAGS) | 2;
    by_monitor = by_cpu;
    copy(place, ram, BYTES);
    execute(&by_cpu, ram + OPERAND);
    execute(&by_monitor, place + OPERAND);
    copy(after, place, BYTES);
    by_cpu.flags &= FLAGS & ~undefined;
    by_monitor.flags &= FLAGS & ~undefined;
    return same(&by_cpu, &by_monitor, sizeof(by_cpu)) && same(ram, after, BYTES);
}

static void test_instructions(void)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
        unsigned right = 0;
        for (unsigned round = 0; round < 8; round++)
            right += agrees(instructions[i].execute, instructions[i].undefined, (uint8_t *)DEVICE + 64 * round);
        ok(right == 8, "%s (%u of 8)", instructions[i].name, right);
    }
}

// CALL, RET, ENTER, LEAVE and JMP with the stack, or the target, in the device. Only the pieces that stand between the
// two exchanges of rSP touch it.
static void test_jumps(void)
{
    uint64_t stack = DEVICE + 0x800, base = 0x1122334455667788, frame, saved;
    volatile uint64_t *memory = (volatile uint64_t *)DEVICE;
    __asm__ volatile("mov %%rsp, %2\n\tmov %0, %%rsp\n\txchg %1, %%rbp\n\tenter $0x40, $0\n\tmov %%rbp, %3\n\tleave\n\t"
                     "xchg %1, %%rbp\n\tmov %%rsp, %0\n\tmov %2, %%rsp"
                     : "+&r"(stack), "+&r"(base), "=&r"(saved), "=&r"(frame)
                     :
                     : "memory");
    ok(stack == DEVICE + 0x800 && base == 0x1122334455667788 && frame == DEVICE + 0x7f8 && memory[255] == base,
       "ENTER and LEAVE on a stack in the device");
    uint64_t way = 0;
    __asm__ volatile("mov %%rsp, %2\n\tmov %0, %%rsp\n\tcall 1f\n\tor $4, %1\n\tjmp 2f\n1:\tor $1, %1\n\tret $16\n2:\t"
                     "mov %%rsp, %0\n\tmov %2, %%rsp"
                     : "+&r"(stack), "+&r"(way), "=&r"(saved)
                     :
                     : "memory", "cc");
    ok(way == 5 && stack == DEVICE + 0x810, "CALL and RET on a stack in the device: way %lu", way);
    way = 0;
    __asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, (%1)\n\tlea 2f(%%rip), %%rax\n\tmov %%rax, 8(%1)\n\t"
                     "jmp *(%1)\n\tor $2, %0\n1:\tcall *8(%1)\n\tor $4, %0\n\tjmp 3f\n2:\tor $1, %0\n\tret\n3:"
                     : "+&r"(way)
                     : "r"(DEVICE)
                     : "rax", "memory", "cc");
    ok(way == 5, "JMP and CALL to where the device says: way %lu", way);
}

static void jump_to(uint64_t target)
{
    *(volatile uint64_t *)DEVICE = target;
    __asm__ volatile("jmp *(%0)" : : "r"(DEVICE) : "memory");
}

extern uint64_t gdt[]; // lib/x86_64/start.S: 0x08 code, 0x10 data, 0x18 the TSS

static void load_fs(uint64_t selector)
{
    *(volatile uint16_t *)DEVICE = (uint16_t)selector;
    __asm__ volatile("mov (%0), %%fs" : : "r"(DEVICE) : "memory");
}

static void load_ss(uint64_t selector)
{
    *(volatile uint16_t *)DEVICE = (uint16_t)selector;
    __asm__ volatile("mov (%0), %%ss" : : "r"(DEVICE) : "memory");
}

static void load_tr(uint64_t selector)
{
    *(volatile uint16_t *)DEVICE = (uint16_t)selector;
    __asm__ volatile("ltr (%0)" : : "r"(DEVICE) : "memory");
}

static void jump_far(uint64_t selector)
{
    volatile uint16_t *memory = (volatile uint16_t *)DEVICE;
    uint64_t target;
    __asm__("lea 1f(%%rip), %0" : "=r"(target));
    *(volatile uint64_t *)DEVICE = target;
    memory[4] = (uint16_t)selector;
    __asm__ volatile("rex.w ljmp *(%0)\n\tud2\n1:" : : "r"(DEVICE) : "memory");
}

static uint16_t selector_of(char which)
{
    uint16_t fs, ss, tr;
    __asm__ volatile("mov %%fs, %0\n\tmov %%ss, %1\n\tstr %2" : "=r"(fs), "=r"(ss), "=r"(tr));
    return which == 'f' ? fs : which == 's' ? ss : tr;
}

static bool refused(void (*load)(uint64_t), uint64_t selector, unsigned error)
{
    struct caught c = catch_trap(load, selector);
    return c.vector == 13 && c.error == error;
}

static void test_segments(void)
{
    volatile uint16_t *memory = (volatile uint16_t *)DEVICE;
    __asm__ volatile("movq $-1, (%0)\n\tmov %%cs, (%0)\n\tmov %%ss, 2(%0)" : : "r"(DEVICE) : "memory");
    ok(memory[0] == 8 && memory[1] == selector_of('s') && memory[2] == 0xffff, "MOV from CS and SS: two bytes each");
    load_fs(0x10);
    bool data = selector_of('f') == 0x10;
    load_fs(3);
    __asm__ volatile("lldt %w0" : : "r"(0));
    ok(data && selector_of('f') == 3, "MOV to FS: data, and null");
    ok(refused(load_fs, 0x18, 0x18) && refused(load_fs, 0x1000, 0x1000) && refused(load_fs, 0x14, 0x14) &&
           refused(load_fs, 0x13, 0x10) && selector_of('f') == 3,
       "a TSS, beyond the GDT, of no LDT, of less privilege: #GP with the selector");
    load_ss(0);
    bool null = selector_of('s') == 0;
    load_ss(0x10);
    ok(null && selector_of('s') == 0x10 && refused(load_ss, 0x13, 0x10) && refused(load_ss, 3, 0) &&
           refused(load_ss, 0x08, 0x08),
       "MOV to SS: null, data; not of another privilege, no code");
    *memory = 0x10;
    __asm__ volatile("cli\n\tsti\n\tmov (%0), %%ss\n\tnop\n\tcli" : : "r"(DEVICE) : "memory");
    ok(selector_of('s') == 0x10, "MOV to SS right after STI: one shadow follows the other");
    ok(refused(load_tr, 0x18, 0x18) && refused(load_tr, 0, 0), "LTR of the busy TSS, and null: #GP");
    gdt[3] &= ~(UINT64_C(2) << 40);
    uint64_t high = gdt[4];
    gdt[4] = high | UINT64_C(0x80000000);
    bool far_base = refused(load_tr, 0x18, 0x18);
    gdt[4] = high | UINT64_C(1) << 44;
    ok(far_base && refused(load_tr, 0x18, 0x18),
       "LTR of a base that is not canonical, of a second half with a type: #GP");
    gdt[4] = high;
    load_tr(0x18);
    ok(selector_of('t') == 0x18 && (gdt[3] >> 40 & 15) == 11, "LTR marks the TSS as busy");
    jump_far(8);
    ok(refused(jump_far, 0x10, 0x10) && refused(jump_far, 0, 0), "JMP far: to code; to data, and null: #GP");
}

static void test_machine_status(void)
{
    volatile uint64_t *memory = (volatile uint64_t *)DEVICE;
    uint64_t before, set;
    *memory = UINT64_MAX;
    __asm__ volatile("mov %%cr0, %0\n\tsmsw (%1)" : "=&r"(before) : "r"(DEVICE) : "memory");
    ok(*memory == ((before & 0xffff) | ~UINT64_C(0xffff)), "SMSW: two bytes, 0x%lx", *memory);
    *memory = (before & 0xfff6) | 8; // TS on, MP and PE off
    __asm__ volatile("lmsw (%1)\n\tmov %%cr0, %0\n\tclts" : "=&r"(set) : "r"(DEVICE) : "memory");
    ok(set == ((before & ~UINT64_C(0xe)) | 8 | (before & 4)), "LMSW sets TS, clears MP, leaves PE: 0x%lx to 0x%lx",
       before, set);
    __asm__ volatile("mov %0, %%cr0" : : "r"(before));
}

static void divide(uint64_t divisor)
{
    uint64_t low = 1, high = 2;
    *(volatile uint64_t *)DEVICE = divisor;
    __asm__ volatile("divq (%2)" : "+a"(low), "+d"(high) : "r"(DEVICE) : "cc");
}

static void test_values(void)
{
    struct caught zero = catch_trap(divide, 0), large = catch_trap(divide, 2), fits = catch_trap(divide, 3);
    ok((zero.vector | large.vector) == 0 && fits.vector == TRAP_NONE, "DIV by 0 and with a quotient too large: #DE");
    struct caught jump = catch_trap(jump_to, UINT64_C(1) << 63);
    ok(jump.vector == 13 && jump.error == 0, "JMP to an address that is not canonical: #GP");
}

extern uint64_t page_dirs[]; // lib/x86_64/start.S: one entry for each 2 MiB

static void map_window(void)
{
    static uint64_t table[512] __attribute__((aligned(4096)));
    static uint8_t before[4096] __attribute__((aligned(4096))), behind[4096] __attribute__((aligned(4096)));
    table[0] = (uint64_t)before | 3;
    table[1] = DEVICE | 3;
    table[2] = (DEVICE + 0x2000) | 3; // not the page after that
    table[3] = (uint64_t)behind | 3;
    page_dirs[WINDOW >> 21] = (uint64_t)table | 3;
    __asm__ volatile("mov %%cr3, %%rax\n\tmov %%rax, %%cr3" : : : "rax", "memory");
}

INSN(mov_load, "mov 0(%%rbx), %%rax")
INSN(mov_store, "mov %%rax, (%%rbx)")
INSN(add_store, "add %%rax, (%%rbx)")
INSN(movsq, "mov %%rdi, %%rcx\n\tmov %%rbx, %%rsi\n\tlea 16(%%rbx), %%rdi\n\tmovsq\n\tsub %%rbx, %%rsi\n\t"
            "mov %%rcx, %%rdi\n\txor %%ecx, %%ecx")

// At each place around the end of a page: from one byte in the first page to one byte in the second.
static void test_crossing(void)
{
    static const struct {
        const char *name;
        uint64_t    end;
    } ends[] = { { "RAM to device", 0x1000 }, { "device to device", 0x2000 }, { "device to RAM", 0x3000 } };
    static const instruction crossing[] = { mov_load, mov_store, add_store, movsq, movdqu_load, movups_store };
    for (unsigned i = 0; i < ARRAY_LENGTH(ends); i++) {
        unsigned right = 0, tried = 0;
        for (unsigned k = 0; k < ARRAY_LENGTH(crossing); k++)
            for (unsigned before = 1; before < 24; before++, tried++)
                right += agrees(crossing[k], 0, (uint8_t *)(WINDOW + ends[i].end - before - OPERAND));
        ok(right == tried, "across the end of a page, %s (%u of %u)", ends[i].name, right, tried);
    }
}

static void store_last(uint64_t to)
{
    __asm__ volatile("movups %%xmm1, (%0)" : : "r"(to) : "memory");
}

static void input_last(uint64_t to)
{
    __asm__ volatile("insl" : "+D"(to) : "d"((uint16_t)0xe0) : "memory", "cc");
}

// From the last page that is there into one that is not: nothing is written before the fault.
static void test_missing_page(uint64_t *last_page)
{
    volatile uint8_t *last = (volatile uint8_t *)(WINDOW + 0x3fff);
    *last_page = (DEVICE + 0x4000) | 3;
    __asm__ volatile("mov %%cr3, %%rax\n\tmov %%rax, %%cr3" : : : "rax", "memory");
    *last = 0x5a;
    struct caught store = catch_trap(store_last, WINDOW + 0x3ff8), input = catch_trap(input_last, WINDOW + 0x3ffe);
    ok(store.vector == 14 && store.cr2 == WINDOW + 0x4000 && store.error == 2, "MOVUPS into a missing page: CR2 0x%lx",
       store.cr2);
    ok(input.vector == 14 && input.cr2 == WINDOW + 0x4000 && input.error == 2, "INS likewise: CR2 0x%lx", input.cr2);
    ok(*last == 0x5a, "and the device has kept what it had");
}

static void test_port_strings(void)
{
    uint8_t text[64], back[64];
    uint64_t from = (uint64_t)text, to = WINDOW + 0x1000 - 30, count = 16;
    randomise(text, sizeof(text));
    outl(0xe0, 0x11223344);
    __asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"((uint16_t)0xe0) : "memory");
    bool right = to == WINDOW + 0x1000 + 34;
    copy(back, (uint8_t *)WINDOW + 0x1000 - 30, sizeof(back));
    for (unsigned i = 0; i < sizeof(back); i++)
        right &= back[i] == (uint8_t)(0x11223344u >> 8 * (i % 4));
    ok(right, "REP INS across the end of a page into the device");
    copy((uint8_t *)WINDOW + 0x2fe0, text, sizeof(text));
    from = WINDOW + 0x2fe0;
    count = 13;
    __asm__ volatile("rep outsl" : "+S"(from), "+c"(count) : "d"((uint16_t)0xe0) : "memory");
    uint32_t last = inl(0xe0);
    ok(from == WINDOW + 0x3014 && same(&last, text + 48, 4), "REP OUTS from the device across the end of a page");
}

void test_main(void)
{
    plan(ARRAY_LENGTH(instructions) + 24);
    __asm__ volatile("mov %%cr4, %%rax\n\tor $0x600, %%rax\n\tmov %%rax, %%cr4" : : : "rax"); // OSFXSR, OSXMMEXCPT
    test_instructions();
    test_values();
    test_jumps();
    test_segments();
    test_machine_status();
    map_window();
    test_crossing();
    test_port_strings();
    test_missing_page((uint64_t *)(page_dirs[WINDOW >> 21] & ~UINT64_C(0xfff)) + 3);
    finish();
}
