// SPDX-License-Identifier: MIT
// Judges what was found of a PC, for the report card. Pure; facts.c finds.
#ifndef ARCH_X86_64_HOST_CARD_H
#define ARCH_X86_64_HOST_CARD_H

#include "arch/x86_64/host/acpi.h"
#include "vmm/base/bootinfo.h"
#include "vmm/base/card.h"

struct pc_facts {
    const char            *loader;
    bool                   is_uefi;
    char                   brand[49];      // of the CPU; "" if it says none
    char                   hypervisor[13]; // below us; "" if CPUID tells of none
    bool                   gib_pages, invariant_tsc, deadline_timer;
    uint64_t               tsc_adjust;     // IA32_TSC_ADJUST, 0 where there is none
    struct boot_screen     screen;
    bool                   screen_shown;   // it is the console, beside the serial port
    bool                   com1, com2, keyboard_controller, keyboard_usable;
    uint64_t               usable_bytes, above_4gib_bytes;
    uint32_t               ranges, ranges_ignored, overlaps; // of the memory map
    struct acpi_info       acpi;
    bool                   x2apic;
    uint64_t               counter_hz;     // 0: not known
    const char            *counter_origin, *not_believed;
    uint32_t               bus_masters;    // devices but bridges and screens that may write to memory
    uint64_t               looked_us, gaps, longest_gap_us; // of the counter, watched without a pause
};

// Pairs of ranges that overlap and do not say the same. The first MiB, which the boot code itself reserves, is left
// out.
uint32_t card_overlaps(const struct bootinfo *info);

void card_judge_pc(const struct pc_facts *facts, struct card *card);

#endif
