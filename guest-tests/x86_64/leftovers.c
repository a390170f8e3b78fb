// SPDX-License-Identifier: MIT
// What can a VM see of the one before it in the same boot? "show" on its command line: it prints all that it can read,
// registers, MSRs, the state that XSAVE saves, debug registers, memory, ports, device memory. "dirty": it first writes
// what it can to all of them. What a VM prints after another, whatever that did, is what it prints alone:
// tools/tests/machine/leftovers.t and tools/hostile compare the bytes.
#include "guest-tests/lib/x86_64/devices.h"

#define XSAVE_BYTES 4096u
#define CR4_FXSR    (3u << 9)
#define CR4_XSAVE   (1u << 18)
#define XCR0_AVX    7u

static uint8_t area[XSAVE_BYTES] __attribute__((aligned(64)));

static const struct {
    uint32_t first, count;
} msr_ranges[] = { { 0, 0x1000 },         { 0x4b564d00, 0x20 }, { 0x40000000, 0x20 },
                   { 0xc0000080, 0x100 }, { 0xc0010000, 0x200 } };

// FNV-1a
static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3u;
}

// --- reading -------------------------------------------------------------------------------------------------------

// What moves with time says nothing: an MSR that reads differently at once is named only.
static void print_msrs(void)
{
    for (unsigned range = 0; range < ARRAY_LENGTH(msr_ranges); range++) {
        uint64_t hash = 0, readable = 0;
        for (uint32_t i = 0; i < msr_ranges[range].count; i++) {
            uint32_t msr = msr_ranges[range].first + i;
            uint64_t value, again;
            if (rdmsr_trap(msr, &value) != TRAP_NONE || rdmsr_trap(msr, &again) != TRAP_NONE)
                continue;
            readable++;
            hash = mix(hash, value == again ? value : 0);
            if (value != 0 && value == again)
                print("msr 0x%x: 0x%lx\n", msr, value);
        }
        print("msrs from 0x%x: %lu, hash 0x%lx\n", msr_ranges[range].first, readable, hash);
    }
}

static void print_words(const char *name, const void *at, unsigned bytes)
{
    const uint64_t *words = at;
    uint64_t hash = 0;
    for (unsigned i = 0; i < bytes / 8; i++) {
        hash = mix(hash, words[i]);
        if (words[i] != 0)
            print("%s at %u: 0x%lx\n", name, i * 8, words[i]);
    }
    print("%s: hash 0x%lx\n", name, hash);
}

static void enable_xsave(uint64_t unused)
{
    uint64_t cr4;
    (void)unused;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4\n\tclts" : : "r"(cr4 | CR4_FXSR | CR4_XSAVE));
}

static uint64_t xcr0_announced(void)
{
    struct cpuid_result leaf = cpuid(0xd, 0);
    return (uint64_t)leaf.edx << 32 | leaf.eax;
}

static void set_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0) : "memory");
}

static bool has_xsave(void)
{
    return (cpuid(1, 0).ecx >> 26 & 1) != 0;
}

static void print_fpu(uint64_t unused)
{
    (void)unused;
    enable_xsave(0);
    __asm__ volatile("fxsave64 %0" : "=m"(area));
    print_words("fxsave", area, 512);
    if (!has_xsave())
        return;
    set_xcr0(xcr0_announced());
    for (unsigned i = 0; i < XSAVE_BYTES; i++)
        area[i] = 0;
    __asm__ volatile("xsave64 %0" : "+m"(area) : "a"(UINT32_MAX), "d"(UINT32_MAX));
    print_words("xsave", area, cpuid(0xd, 0).ecx < XSAVE_BYTES ? cpuid(0xd, 0).ecx : XSAVE_BYTES);
}

static void print_registers(uint64_t unused)
{
    uint64_t value[11];
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr;
    uint16_t ldt;
    (void)unused;
    __asm__ volatile("mov %%db0, %0\n\tmov %%db1, %1\n\tmov %%db2, %2\n\tmov %%db3, %3\n\tmov %%db6, %4\n\t"
                     "mov %%db7, %5"
                     : "=r"(value[0]), "=r"(value[1]), "=r"(value[2]), "=r"(value[3]), "=r"(value[4]), "=r"(value[5]));
    __asm__ volatile("mov %%cr0, %0\n\tmov %%cr2, %1\n\tmov %%cr4, %2\n\tmov %%cr8, %3\n\tmov %%cr3, %4"
                     : "=r"(value[6]), "=r"(value[7]), "=r"(value[8]), "=r"(value[9]), "=r"(value[10]));
    __asm__ volatile("sidt %0\n\tsldt %1" : "=m"(idtr), "=m"(ldt));
    print_words("debug and control registers", value, sizeof(value));
    print("IDTR 0x%lx 0x%x, LDTR 0x%x\n", idtr.base, idtr.limit, ldt);
}

#define LOW_START 0x10000u // to the EBDA at most
#define LOW_END   0x9f000u
#define HIGH_END  (UINT64_C(4) << 20)

static uint64_t behind_the_image(void)
{
    extern uint8_t image_end[];
    return ((uint64_t)image_end + 4095) & ~UINT64_C(4095);
}

static uint64_t memory_hash(uint64_t start, uint64_t end)
{
    uint64_t hash = 0;
    for (uint64_t at = start; at < end; at += 8)
        hash = mix(hash, *(volatile uint64_t *)at);
    return hash;
}

static void print_memory(void)
{
    print("memory behind the image: hash 0x%lx\n", memory_hash(behind_the_image(), HIGH_END));
    print("memory below 640 KiB: hash 0x%lx\n", memory_hash(LOW_START, LOW_END));
}

// The counters among them move by what was executed, which is the same each time. The RTC's date is that of the host.
static void print_devices(void)
{
    uint64_t hash = 0;
    for (uint32_t port = 0; port < 0x1000; port++)
        hash = mix(hash, port == 0x71 ? 0 : inb((uint16_t)port));
    print("ports: hash 0x%lx\n", hash);
    static const uint64_t pages[] = { 0xfee00000, 0xfed00000, 0xfec00000, 0xb8000, 0xa0000 };
    for (unsigned page = 0; page < ARRAY_LENGTH(pages); page++) {
        hash = 0;
        for (unsigned offset = 0; offset < 0x1000; offset += 16)
            hash = mix(hash, read32(pages[page] + offset));
        print("device memory at 0x%lx: hash 0x%lx\n", pages[page], hash);
    }
}

// --- writing -------------------------------------------------------------------------------------------------------

// A pattern, and all ones, and each bit that is taken alone: whatever the rules are, some of it stays.
static void dirty_msr(uint32_t msr)
{
    bool own = msr == 0xc0000080 || msr == 0xc0000101 || msr == 0xc0000100 || msr == MSR_APIC_BASE; // these end it
    if (own)
        return;
    wrmsr_trap(msr, UINT64_MAX);
    wrmsr_trap(msr, 0xa5a5a5a5a5a5a5a5);
    wrmsr_trap(msr, 0x0000700000001000 + msr);
    wrmsr_trap(msr, 0x5a5a5a5a);
    wrmsr_trap(msr, 5);
}

static void dirty_fpu(uint64_t unused)
{
    (void)unused;
    enable_xsave(0);
    static uint64_t numbers[8] __attribute__((aligned(32)));
    for (unsigned i = 0; i < 8; i++)
        numbers[i] = 0xd1d1000000000000 + i;
    for (unsigned i = 0; i < 8; i++)
        __asm__ volatile("fildll %0" : : "m"(numbers[i]));
    __asm__ volatile("movaps %0, %%xmm0\n\tmovaps %0, %%xmm5\n\tmovaps %0, %%xmm8\n\tmovaps %0, %%xmm15\n\tldmxcsr %1"
                     :
                     : "m"(numbers), "m"(*(uint32_t[]){ 0x7fbf }));
    if (!has_xsave())
        return;
    set_xcr0(xcr0_announced());
    if ((xcr0_announced() & XCR0_AVX) == XCR0_AVX)
        __asm__ volatile("vmovaps %0, %%ymm1\n\tvmovaps %0, %%ymm7\n\tvmovaps %0, %%ymm14" : : "m"(numbers));
    if ((xcr0_announced() >> 9 & 1) != 0) { // protection keys
        uint64_t cr4;
        __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
        __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | 1u << 22));
        __asm__ volatile(".byte 0x0f, 0x01, 0xef" : : "a"(0x55555554), "c"(0), "d"(0));
    }
}

static void dirty_registers(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("mov %0, %%db0\n\tmov %0, %%db1\n\tmov %0, %%db2\n\tmov %0, %%db3\n\tmov %1, %%cr2\n\t"
                     "mov %2, %%cr8"
                     :
                     : "r"(UINT64_C(0x700000001234)), "r"(UINT64_C(0xdead0000beef)), "r"(UINT64_C(9)));
    __asm__ volatile("mov %0, %%db6\n\tmov %1, %%db7" : : "r"(UINT64_C(0xffffeff5)), "r"(UINT64_C(0x7ff)));
}

static void dirty_control(uint64_t bit)
{
    uint64_t cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | UINT64_C(1) << bit));
}

static void dirty_devices(uint64_t unused)
{
    (void)unused;
    for (uint32_t port = 0; port < 0x10000; port++) {
        bool ends = (port >= 0xf4 && port <= 0xf7) || port == 0x64 || port == 0x92 || port == 0xcf9 || port == 0x604;
        if (!ends && (port < 0x3f8 || port > 0x3ff))
            outb((uint16_t)port, (uint8_t)(0xa5 + port));
    }
    for (unsigned offset = 0; offset < 0x1000; offset += 4) {
        write32(0xfed00000 + offset, 0xa5a5a5a5);
        write32(0xfec00000 + offset, 0xa5a5a5a5);
        write32(0xb8000 + offset, 0xa5a5a5a5);
        if (offset != APIC_ICR)
            write32(0xfee00000 + offset, 0xa5a5a5a5);
    }
}

static void dirty_memory(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end; at += 8)
        *(volatile uint64_t *)at = 0xd1d1d1d1d1d1d1d1;
}

static void dirty(void)
{
    catch_trap(dirty_fpu, 0);
    catch_trap(dirty_registers, 0);
    for (unsigned bit = 0; bit < 64; bit++)
        if (bit != 12 && bit != 20) // LA57 cannot be set here, SMEP need not be
            catch_trap(dirty_control, bit);
    for (unsigned range = 0; range < ARRAY_LENGTH(msr_ranges); range++)
        for (uint32_t i = 0; i < msr_ranges[range].count; i++)
            dirty_msr(msr_ranges[range].first + i);
    dirty_memory(behind_the_image(), HIGH_END);
    dirty_memory(LOW_START, LOW_END);
    catch_trap(dirty_devices, 0);
}

void test_main(void)
{
    bool prints = cmdline_word("show"); // the words lie in what is dirtied
    interrupts_off();
    if (cmdline_word("dirty"))
        dirty();
    if (prints) {
        catch_trap(print_registers, 0);
        catch_trap(print_fpu, 0);
        print_msrs();
        print_memory();
        print_devices();
    }
    exit_code(16);
}
