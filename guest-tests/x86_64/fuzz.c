// SPDX-License-Identifier: MIT
// Random trapped operations: ports, MSRs, CPUID, the APIC's page at every width, control and debug registers,
// hypercalls, with random interrupts around them. seed=N picks the sequence, rounds=N its length. What the devices
// answer is nobody's claim here; that the guest is still there, with its clock still going forward, is.
#include "guest-tests/lib/x86_64/devices.h"
#include "guest-tests/lib/guest.h"

static struct random rng;
static uint8_t buffer[8192] __attribute__((aligned(4096)));
static uint64_t trapped, interrupts;

static uint64_t number(void)
{
    static const uint64_t special[] = { 0,          1,           2,         0x7f,      0x80,           0xff,
                                        0x100,      0x8000,      0xffff,    0x10000,   0x7fffffff,     0x80000000,
                                        0xffffffff, 0x100000000, INT64_MAX, 1ul << 63, UINT64_MAX - 1, UINT64_MAX };
    uint64_t r = random_next(&rng);
    return r & 1 ? special[(r >> 8) % ARRAY_LENGTH(special)] : random_next(&rng) >> (r >> 8 & 63);
}

// Not what would end the run or its output: the debug exit, resets, ACPI power off, the console.
static uint16_t port(void)
{
    static const uint16_t usual[] = { 0x20,  0x21,  0xa0,  0xa1,  0x40,  0x41,  0x42,  0x43,
                                      0x61,  0x4d0, 0x510, 0x511, 0x600, 0x602, 0x608, 0xcf8,
                                      0xcfc, 0x70,  0x71,  0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff };
    for (;;) {
        uint64_t r = random_next(&rng);
        uint16_t p = r & 1 ? usual[(r >> 8) % ARRAY_LENGTH(usual)] : (uint16_t)(r >> 16);
        bool ends = (p >= 0x60 && p <= 0x67 && p != 0x61) || (p >= 0x8f && p <= 0x92) || (p >= 0xe6 && p <= 0xf7) ||
                    (p >= 0x601 && p <= 0x607) || (p >= 0xcf9 - 3 && p <= 0xcf9 && p != 0xcf8) || p == 0x3f8;
        if (!ends)
            return p;
    }
}

static void do_port(uint64_t r)
{
    uint16_t p = port();
    uint32_t value = (uint32_t)number();
    uint64_t count = r >> 32 & 63, at = (uint64_t)buffer + (r >> 40 & 4095);
    switch (r & 7) {
    case 0: __asm__ volatile("inb %w1, %b0" : "=a"(value) : "d"(p)); break;
    case 1: __asm__ volatile("inw %w1, %w0" : "=a"(value) : "d"(p)); break;
    case 2: __asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(p)); break;
    case 3: __asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(p)); break;
    case 4:
        if (p != 0x3f7 && p != 0xcf8)
            __asm__ volatile("outw %w0, %w1" : : "a"(value), "d"(p));
        break;
    case 5:
        if (p != 0xcf8)
            __asm__ volatile("rep insb" : "+c"(count), "+D"(at) : "d"(p) : "memory");
        break;
    case 6: __asm__ volatile("rep insl" : "+c"(count), "+D"(at) : "d"(p) : "memory"); break;
    default: __asm__ volatile("std\n\trep insw\n\tcld" : "+c"(count), "+D"(at) : "d"(p) : "memory"); break;
    }
}

static uint32_t msr(uint64_t r)
{
    static const uint32_t usual[] = { 0x10,  0x3b,       0x1b,  0x6e0, 0x4b564d00, 0x4b564d01, 0x11, 0x12, 0x4b564d03,
                                      0x277, 0xc0000103, 0x1a0, 0x200, 0x2ff,      0xc0000082, 0x8b };
    if ((r & 3) == 0)
        return usual[(r >> 8) % ARRAY_LENGTH(usual)];
    return (r & 3) == 1   ? 0x800 + (r >> 8 & 0xff)
           : (r & 3) == 2 ? (uint32_t)(r >> 8 & 0x1fff)
                          : 0xc0010000 + (r >> 8 & 0x1ff);
}

static void do_msr(uint64_t r)
{
    uint32_t index = msr(r >> 8);
    uint64_t value = number();
    if (index == 0xc0000080 || index == 0xc0000100 || index == 0xc0000101)
        return;
    if (index == 0x1b)
        value = 0xfee00000 | (value & 0xd00);
    if (index == 0x4b564d00 || index == 0x4b564d01 || index == 0x4b564d03 || index == 0x11 || index == 0x12)
        value = r & 16 ? value | 0x8000000000000000u : ((uint64_t)buffer + (value & 4092)) | (r >> 5 & 1);
    if (r & 1)
        wrmsr(index, value);
    else
        rdmsr(index);
}

static void do_apic_page(uint64_t r)
{
    uint64_t ioapic = 0xfec00000 + (r >> 16 & 0x53); // mostly one of its three registers
    uint64_t hpet = 0xfed00000 + (r >> 16 & 0x1ff), apic = 0xfee00000 + (r >> 16 & 0xfff);
    volatile uint8_t *at = (volatile uint8_t *)((r & 0x30) == 0 ? ioapic : (r & 0x30) == 0x10 ? hpet : apic);
    uint64_t value = number(), count = 3;
    if ((r >> 16 & 0xff8) > 0xff0)
        return;
    switch (r & 15) {
    case 0: *at = (uint8_t)value; break;
    case 1: *(volatile uint16_t *)at = (uint16_t)value; break;
    case 2: *(volatile uint64_t *)at = value; break;
    case 3: value = *at; break;
    case 4: value = *(volatile uint16_t *)at; break;
    case 5: value = *(volatile uint64_t *)at; break;
    case 6: __asm__ volatile("xchgl %k0, (%1)" : "+r"(value) : "r"(at) : "memory"); break;
    case 7: __asm__ volatile("lock orl %k0, (%1)" : : "r"(value), "r"(at) : "memory"); break;
    case 8: __asm__ volatile("lock cmpxchgl %k0, (%1)" : : "r"(value), "r"(at), "a"(0) : "memory"); break;
    case 9: __asm__ volatile("rep movsl" : "+c"(count), "+S"(at) : "D"(buffer) : "memory"); break;
    case 10: __asm__ volatile("addl %k0, (%1)\n\tadcl (%1), %k0" : "+r"(value) : "r"(at) : "memory"); break;
    case 11: __asm__ volatile("btsl $3, (%0)\n\tnotl (%0)\n\tpushq %%rax\n\tpopq %%rax" : : "r"(at) : "memory"); break;
    case 12: break;
    default:
        at = (volatile uint8_t *)((uint64_t)at & ~15ul);
        *(volatile uint32_t *)at = (uint32_t)value;
        break;
    }
}

static void do_other(uint64_t r)
{
    uint64_t value = number();
    switch (r & 15) {
    case 0: cpuid((uint32_t)value, (uint32_t)number()); break;
    case 1: __asm__ volatile("mov %0, %%cr8" : : "r"(value)); break;
    case 2: __asm__ volatile("mov %0, %%dr0" : : "r"(value)); break;
    case 3: __asm__ volatile("mov %0, %%dr7" : : "r"(value & ~0x20fful)); break;
    case 4: __asm__ volatile("mov %0, %%dr6" : : "r"(value & 0xffffffff)); break;
    case 5: __asm__ volatile(HYPERCALL : "+a"(value) : "b"(number()) : "memory"); break;
    case 6: oracle((uint32_t)(value & 15), number()); break;
    case 7: __asm__ volatile("xor %%ecx, %%ecx\n\trdpmc" : : : "rax", "rcx", "rdx"); break;
    case 8: __asm__ volatile("monitor" : : "a"(buffer), "c"(0), "d"(0)); break;
    case 9: __asm__ volatile("mwait" : : "a"(0), "c"(0)); break;
    case 10: __asm__ volatile("wbinvd\n\tpause\n\tclts"); break;
    case 11:
        lapic_write(APIC_SVR, 0x1ff);
        __asm__ volatile("mov %0, %%cr8" : : "r"(UINT64_C(0)));
        lapic_write(APIC_LVTT, VECTOR_TIMER | (uint32_t)(r >> 8 & LVT_PERIODIC));
        lapic_write(APIC_TMICT, (uint32_t)(1 + (r >> 40 & 0xfff)));
        __asm__ volatile("mov $5000, %%ecx\n\tsti\n1:\tdec %%ecx\n\tjnz 1b\n\tcli" : : : "rcx", "cc");
        break;
    case 12:
        __asm__ volatile("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tcpuid\n\tnop"
                         :
                         : "a"(0), "c"(0)
                         : "rbx", "rdx", "memory");
        break;
    case 13: __asm__ volatile("mov %0, %%ss\n\tcpuid" : : "r"(0x10), "a"(0), "c"(0) : "rbx", "rdx", "memory"); break;
    case 14: __asm__ volatile("int3"); break;
    default: *(volatile uint64_t *)(0x40000000 + (value & 0x3ffffff8)) = value; break;
    }
}

static void step(uint64_t unused)
{
    (void)unused;
    uint64_t r = random_next(&rng);
    switch (r >> 56 & 3) {
    case 0: do_port(r); break;
    case 1: do_msr(r); break;
    case 2: do_apic_page(r); break;
    default: do_other(r); break;
    }
}

static void take(struct trap *trap)
{
    (void)trap;
    interrupts++;
    if (lapic_read(APIC_SVR) != 0)
        lapic_write(APIC_EOI, 0);
    outb(0xa0, 0x20);
    outb(0x20, 0x20);
    trap->cpu->rflags &= ~0x200ul;
}

void test_main(void)
{
    uint64_t seed = cmdline_number("seed", 1), rounds = cmdline_number("rounds", 20000);
    rng.state = seed * 0x9e3779b97f4a7c15u;
    plan(1);
    diag("seed=%lu rounds=%lu", seed, rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        for (unsigned vector = 32; vector < 256; vector++)
            if (i == 0)
                trap_set(vector, take);
        lapic_x2apic = rdmsr(MSR_APIC_BASE) >> 10 & 1;
        trapped += catch_trap(step, 0).vector != TRAP_NONE;
    }
    outb(0x3fc, 0x0b);
    outb(0x3fb, 0x03);
    ok(true, "survived: %lu faults, %lu interrupts", trapped, interrupts);
}
