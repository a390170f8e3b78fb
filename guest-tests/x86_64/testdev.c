// SPDX-License-Identifier: MIT
// The test device of testdev=on: its ports and its memory give back what they were given, and each of its lines is an
// interrupt through the 8259. With `absent` on the command line: none of it is there.
#include "guest-tests/lib/x86_64/devices.h"

#define PORT      0xe0u
#define LINE_PORT 0x2000u
#define MEMORY    UINT64_C(0xff000000)

static volatile unsigned taken, vector_taken;

static void take(struct trap *trap)
{
    taken++;
    vector_taken = (unsigned)trap->vector;
    pic_eoi(vector_taken - VECTOR_PIC);
}

static void test_echo(void)
{
    volatile uint32_t *memory = (volatile uint32_t *)MEMORY;
    unsigned right = 0;
    outl(PORT, 0x12345678);
    ok(inl(PORT) == 0x12345678 && inb(PORT + 1) == 0x56 && inw(PORT + 2) == 0x1234, "ports 0xe0..0xe3 echo");
    for (unsigned i = 0; i < 0x10000 / 4; i += 0x100)
        memory[i] = i * 0x01010101;
    for (unsigned i = 0; i < 0x10000 / 4; i += 0x100)
        right += memory[i] == i * 0x01010101;
    ok(right == 64, "64 KiB at 0xff000000 echo (%u of 64)", right);
}

static void test_lines(void)
{
    static const uint8_t lines[] = { 3, 5, 6, 7, 10, 11, 13, 14, 15 };
    unsigned right = 0;
    pic_init(0xffff);
    for (unsigned i = 0; i < ARRAY_LENGTH(lines); i++) {
        unsigned before = taken;
        trap_set(VECTOR_PIC + lines[i], take);
        outb((uint16_t)(LINE_PORT + lines[i]), 1);
        outb((uint16_t)(LINE_PORT + lines[i]), 0);
        __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
        right += taken == before + 1 && vector_taken == VECTOR_PIC + lines[i];
        trap_reset(VECTOR_PIC + lines[i]);
    }
    ok(right == ARRAY_LENGTH(lines), "nine lines interrupt, once a pulse (%u)", right);
}

static bool compare(const void *left, const void *right, uint64_t count)
{
    bool equal;
    __asm__ volatile("repe cmpsb" : "+S"(left), "+D"(right), "+c"(count), "=@cce"(equal) : : "memory");
    return equal;
}

static uint64_t scan(const void *at, uint8_t byte, uint64_t count)
{
    uint64_t left = count;
    __asm__ volatile("repne scasb" : "+D"(at), "+c"(left) : "a"(byte) : "cc", "memory");
    return count - left;
}

// A string in the device beside one in RAM, in both directions.
static void test_strings(void)
{
    static const char text[] = "time is what the guest executed";
    volatile uint8_t *memory = (volatile uint8_t *)MEMORY;
    const void *device = (const void *)MEMORY;
    for (unsigned i = 0; i < sizeof(text); i++)
        memory[i] = (uint8_t)text[i];
    ok(compare(text, device, sizeof(text)) && compare(device, text, sizeof(text)), "CMPS finds them equal");
    memory[20] = 'G';
    ok(!compare(text, device, sizeof(text)) && compare(text, device, 20), "CMPS finds the byte that differs");
    ok(scan(device, 'G', sizeof(text)) == 21 && scan(device, '#', sizeof(text)) == sizeof(text), "SCAS finds it, too");
}

// PUSH and POP with the operand in the device, and with the stack in it.
static void test_stack(void)
{
    volatile uint64_t *memory = (volatile uint64_t *)MEMORY;
    uint64_t out = 0, value = 0x1122334455667788, stack = MEMORY + 0x100, saved;
    memory[0] = value;
    __asm__ volatile("pushq (%1)\n\tpopq %0" : "=r"(out) : "r"(MEMORY) : "memory");
    ok(out == value, "PUSH of device memory");
    __asm__ volatile("pushq %0\n\tpopq 8(%1)" : : "r"(~value), "r"(MEMORY) : "memory");
    ok(memory[1] == ~value, "POP into device memory");
    __asm__ volatile("mov %%rsp, %2\n\tmov %1, %%rsp\n\tpush %3\n\tpush $-5\n\tpop %0\n\tmov %%rsp, %1\n\t"
                     "mov %2, %%rsp"
                     : "=&r"(out), "+&r"(stack), "=&r"(saved)
                     : "r"(value)
                     : "memory");
    ok(out == (uint64_t)-5 && stack == MEMORY + 0xf8 && memory[31] == value, "a stack in device memory");
}

// A string instruction whose other operand is no memory: each faults as the CPU would have it, before the device is
// touched. The guest's tables end at 4 GiB.
static void move_to(uint64_t to)
{
    uint64_t from = MEMORY;
    __asm__ volatile("movsq" : "+S"(from), "+D"(to) : : "memory", "cc");
}

static void input_to(uint64_t to)
{
    __asm__ volatile("insl" : "+D"(to) : "d"((uint16_t)PORT) : "memory", "cc");
}

// A page of 2 MiB that nobody has used yet: the monitor writes there for the guest, and the tables say so.
static uint64_t entry_of(uint64_t address)
{
    uint64_t table;
    __asm__("mov %%cr3, %0" : "=r"(table));
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t entry = ((volatile uint64_t *)(table & 0xffffffffff000))[address >> shift & 511];
        if (shift == 12 || (entry & 0x80) != 0)
            return entry;
        table = entry;
    }
}

static void test_marks(void)
{
    uint64_t fresh = 0xe00000, before = entry_of(fresh);
    input_to(fresh);
    ok((before & 0x60) == 0 && (entry_of(fresh) & 0x60) == 0x60, "INS leaves a page accessed and dirty: 0x%lx, 0x%lx",
       before, entry_of(fresh));
}

static void test_no_memory(void)
{
    struct caught move = catch_trap(move_to, UINT64_C(1) << 63), input = catch_trap(input_to, UINT64_C(1) << 63);
    ok(move.vector == 13 && input.vector == 13 && (move.error | input.error) == 0,
       "MOVS and INS to an address that is not canonical: vectors %u, %u", move.vector, input.vector);
    input = catch_trap(input_to, 0xfffffffe);
    ok(input.vector == 14 && input.cr2 == UINT64_C(1) << 32, "INS across the last page: CR2 is the next one's, 0x%lx",
       input.cr2);
}

void test_main(void)
{
    bool absent = cmdline_word("absent");
    plan(absent ? 3 : 13);
    outb(0xe9, '#');
    outb(0xe9, '\n');
    ok(inb(0xe9) == 0xe9, "port 0xe9 is the debug console");
    if (absent) {
        outl(PORT, 0);
        ok(inl(PORT) == UINT32_MAX, "nobody at port 0xe0");
        ok(*(volatile uint32_t *)MEMORY == UINT32_MAX, "nobody at 0xff000000");
        finish();
    }
    test_echo();
    test_strings();
    test_stack();
    test_lines();
    test_no_memory();
    test_marks();
}
