// SPDX-License-Identifier: MIT
// Descriptor tables, stacks and control registers of a host CPU. One code and one data segment, a TSS for the interrupt
// stacks of NMI, double fault and machine check. Called at boot on the CPU itself; the guest's registers are not
// touched here.
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/host/x86.h"

#define CODE_64       UINT64_C(0x00af9b000000ffff)
#define DATA_32       UINT64_C(0x00cf93000000ffff)
#define TSS_AVAILABLE UINT64_C(0x0000890000000000) // SDM 3A 7.2.3

// SDM 3A 7.7: the 64-bit TSS.
struct tss {
    uint32_t reserved0;
    uint32_t rsp[6];
    uint32_t reserved1[2];
    uint32_t ist[14]; // IST1 first; low half, high half
    uint32_t reserved2[2];
    uint16_t reserved3;
    uint16_t io_map;
};
_Static_assert(sizeof(struct tss) == 104, "SDM 3A 7.7");

struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

struct descriptors {
    uint64_t gdt[5]; // the TSS takes two
    struct tss tss;
};

struct cpu cpus[MAX_CPUS];

static struct descriptors descriptors[MAX_CPUS];

extern char boot_stack_guard[], boot_stack_top[], nmi_stack_guard[], nmi_stack_top[], double_fault_stack_guard[],
    double_fault_stack_top[], machine_check_stack_guard[], machine_check_stack_top[]; // boot/x86_64/start.S

const unsigned host_stack_count = STACK_COUNT;
const struct stack_bounds host_stacks[] = {
    [STACK_BOOT] = { (uintptr_t)boot_stack_guard, (uintptr_t)boot_stack_top, "boot" },
    [STACK_NMI] = { (uintptr_t)nmi_stack_guard, (uintptr_t)nmi_stack_top, "NMI" },
    [STACK_DOUBLE_FAULT] = { (uintptr_t)double_fault_stack_guard, (uintptr_t)double_fault_stack_top, "double fault" },
    [STACK_MACHINE_CHECK] = { (uintptr_t)machine_check_stack_guard, (uintptr_t)machine_check_stack_top,
                              "machine check" },
};

// By the GDT, which VMRUN itself gives back; GS is the guest's for a while longer, and TR too (world.h). Before
// gdt_init() it is the boot code's, and there is one CPU.
struct cpu *this_cpu(void)
{
    struct table_pointer pointer;
    __asm__("sgdt %0" : "=m"(pointer));
    uint64_t index = (pointer.base - (uintptr_t)descriptors) / sizeof(descriptors[0]);
    return &cpus[index < MAX_CPUS ? index : 0];
}

static void load_segments(const struct table_pointer *pointer)
{
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "ltr %w3"
                     :
                     : "m"(*pointer), "i"(SELECTOR_CODE), "i"(SELECTOR_DATA), "r"(SELECTOR_TSS)
                     : "rax", "memory");
}

void gdt_init(struct cpu *cpu)
{
    struct descriptors *d = &descriptors[cpu->shared.index];
    uint64_t base = (uintptr_t)&d->tss;
    d->gdt[SELECTOR_CODE / 8] = CODE_64;
    d->gdt[SELECTOR_DATA / 8] = DATA_32;
    d->gdt[SELECTOR_TSS / 8] =
        TSS_AVAILABLE | (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    d->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    for (unsigned i = STACK_NMI; i < STACK_COUNT; i++) {
        d->tss.ist[(i - STACK_NMI) * 2] = (uint32_t)host_stacks[i].top;
        d->tss.ist[(i - STACK_NMI) * 2 + 1] = (uint32_t)(host_stacks[i].top >> 32);
    }
    d->tss.io_map = sizeof(struct tss); // no map: user code, of which there is none, may touch no port

    struct table_pointer pointer = { sizeof(d->gdt) - 1, (uintptr_t)d->gdt };
    load_segments(&pointer);
    cpu->shared.online = true;
}

void cpu_features_init(void)
{
    struct cpuid_result basic = x86_cpuid(1, 0);
    struct cpuid_result extended = x86_cpuid(0, 0).eax >= 7 ? x86_cpuid(7, 0) : (struct cpuid_result){ 0 };
    x86_write_cr0((x86_read_cr0() & ~(CR0_EM | CR0_TS | CR0_NW | CR0_CD)) | CR0_MP | CR0_NE | CR0_WP);
    uint64_t cr4 = x86_read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;
    bool xsave = (basic.ecx & 1u << 26) != 0;
    if (xsave)
        cr4 |= CR4_OSXSAVE;
    if ((extended.ebx & 1u << 7) != 0)
        cr4 |= CR4_SMEP;
    if ((extended.ebx & 1u << 20) != 0)
        cr4 |= CR4_SMAP;
    x86_write_cr4(cr4);
    // A guest's XSETBV is bounded by what CPUID tells it; until it runs, x87, SSE and AVX are enough.
    if (xsave)
        x86_xsetbv(0, XCR0_X87 | XCR0_SSE | ((basic.ecx & 1u << 28) != 0 ? XCR0_AVX : 0));
}
