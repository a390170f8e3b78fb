// SPDX-License-Identifier: MIT
// Finds what the report card judges (card.c). Called once at boot, when somebody wants the card.
#include <string.h>

#include "arch/host.h"
#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/apic.h"
#include "arch/x86_64/host/card.h"
#include "arch/x86_64/host/keyboard.h"
#include "arch/x86_64/host/serial.h"
#include "arch/x86_64/host/x86.h"
#include "time/ratio.h"
#include "vmm/picture/hostscreen.h"

#define PCI_ADDRESS        0xcf8
#define PCI_DATA           0xcfc
#define PCI_ENABLE         0x80000000u
#define PCI_COMMAND        0x04
#define PCI_CLASS          0x08
#define PCI_HEADER         0x0c
#define PCI_MASTER         (1u << 2)
#define PCI_MANY_FUNCTIONS (1u << 23)
#define CLASS_SCREEN       0x03
#define CLASS_BRIDGE       0x06
#define GAP_US             10
#define LOOK_MS            20

static void find_processor(struct pc_facts *f)
{
    uint32_t highest = x86_cpuid(0, 0).eax, extended = x86_cpuid(0x80000000, 0).eax;
    uint32_t features = x86_cpuid(1, 0).ecx;
    f->deadline_timer = (features & 1u << 24) != 0;
    f->gib_pages = (x86_cpuid(0x80000001, 0).edx & 1u << 26) != 0;
    f->invariant_tsc = extended >= 0x80000007 && (x86_cpuid(0x80000007, 0).edx & 1u << 8) != 0;
    if (highest >= 7 && (x86_cpuid(7, 0).ebx & 1u << 1) != 0)
        f->tsc_adjust = x86_rdmsr(MSR_TSC_ADJUST);
    for (uint32_t i = 0; extended >= 0x80000004 && i < 3; i++) {
        struct cpuid_result part = x86_cpuid(0x80000002 + i, 0);
        memcpy(f->brand + 16 * i, &part, 16);
    }
    if ((features & 1u << 31) != 0) {
        struct cpuid_result signature = x86_cpuid(0x40000000, 0);
        const uint32_t words[] = { signature.ebx, signature.ecx, signature.edx };
        memcpy(f->hypervisor, words, sizeof(words));
        if (f->hypervisor[0] == '\0')
            memcpy(f->hypervisor, "no name", 8);
    }
}

static void find_memory(const struct bootinfo *info, struct pc_facts *f)
{
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        if (range->type != MEMORY_USABLE)
            continue;
        f->usable_bytes += range->end - range->start;
        if (range->end > 4 * GIB)
            f->above_4gib_bytes += range->end - (range->start > 4 * GIB ? range->start : 4 * GIB);
    }
    f->ranges = info->memory_count;
    f->ranges_ignored = info->memory_ignored;
    f->overlaps = card_overlaps(info);
}

// PCI local bus specification 3.0, 3.2.2.3.2.
static uint32_t pci_read(uint32_t function, uint32_t offset)
{
    x86_out32(PCI_ADDRESS, PCI_ENABLE | function << 8 | offset);
    return x86_in32(PCI_DATA);
}

static bool may_write(uint32_t function)
{
    uint32_t class = pci_read(function, PCI_CLASS) >> 24;
    return class != CLASS_BRIDGE && class != CLASS_SCREEN && (pci_read(function, PCI_COMMAND) & PCI_MASTER) != 0;
}

// Bus, device and function make 16 bits.
static uint32_t count_bus_masters(void)
{
    uint32_t count = 0;
    for (uint32_t device = 0; device < 0x10000; device += 8) {
        if (pci_read(device, 0) == UINT32_MAX)
            continue;
        uint32_t functions = (pci_read(device, PCI_HEADER) & PCI_MANY_FUNCTIONS) != 0 ? 8 : 1;
        for (uint32_t i = 0; i < functions; i++)
            count += pci_read(device + i, 0) != UINT32_MAX && may_write(device + i);
    }
    return count;
}

// The counter goes on while system management mode works. On the bare machine nothing else can come between two reads.
static void watch_counter(struct pc_facts *f)
{
    if (f->counter_hz == 0)
        return;
    htime_t start = x86_rdtsc(), before = start, end = start + mul_div_floor(LOOK_MS, f->counter_hz, 1000);
    uint64_t gap = mul_div_floor(GAP_US, f->counter_hz, 1000000), longest = 0;
    for (htime_t now = start; now < end; before = now) {
        now = x86_rdtsc();
        f->gaps += now - before > gap;
        longest = now - before > longest ? now - before : longest;
    }
    f->looked_us = mul_div_floor(before - start, 1000000, f->counter_hz);
    f->longest_gap_us = mul_div_floor(longest, 1000000, f->counter_hz);
}

void arch_report_card(const struct bootinfo *info, struct card *card)
{
    static struct pc_facts facts; // too much for the stack
    const struct counter *counter = arch_counter();
    memset(&facts, 0, sizeof(facts));
    facts.loader = info->loader;
    facts.is_uefi = info->is_uefi;
    facts.screen = info->screen;
    facts.acpi = *acpi_host();
    facts.com1 = hostserial_present(HOSTSERIAL_COM1);
    facts.com2 = hostserial_present(HOSTSERIAL_COM2);
    facts.screen_shown = hostscreen_shown();
    facts.keyboard_controller = hostkeyboard_present();
    facts.keyboard_usable = hostkeyboard_usable();
    facts.x2apic = hostapic_mmio(APIC_ID) == NULL;
    facts.counter_hz = counter->hz;
    facts.counter_origin = counter->origin;
    facts.not_believed = counter->not_believed;
    find_processor(&facts);
    find_memory(info, &facts);
    facts.bus_masters = count_bus_masters();
    watch_counter(&facts);
    card_judge_pc(&facts, card);
}
