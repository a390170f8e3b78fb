// SPDX-License-Identifier: MIT
// What a PC's firmware leaves below 1 MiB: the BIOS data area, the extended one, a cleared text screen, the interrupt
// vectors of real mode, the ACPI tables and the MP table. For kernels that ask no firmware and look there for base
// memory, serial ports, the EBDA, the screen, processors and devices. ram.size must be at least 1 MiB for all of it.
#ifndef VMM_PC_BIOS_H
#define VMM_PC_BIOS_H

#include "vmm/base/types.h"

#define GUEST_EBDA_BASE UINT64_C(0x9fc00) // the last KiB below 640 KiB: where base memory ends, in every map
#define GUEST_TEXT_BASE UINT64_C(0xb8000)
#define GUEST_TEXT_END  UINT64_C(0xc0000)

#define GUEST_ACPI_BASE    0xe0000u // the RSDP is here, 16-byte aligned, where ACPI 5.2.5.1 says a guest looks
#define GUEST_MPTABLE_BASE 0xf0000u // MP specification 1.4, 4.: the last area in which a guest looks, 64 KiB

void guest_bios_build(struct guest_ram ram);

// The interrupt vectors of real mode and what they lead to. Writes page zero and the top of the ROM, above the MP
// table.
void guest_rom_build(struct guest_ram ram);

// ACPI: RSDP, RSDT, XSDT, FADT, MADT, HPET and a DSDT with S5 and ISA devices. PM1a event block 0x600, PM1a control
// 0x604, PM timer 0x608, SCI 9.
void guest_acpi_build(struct guest_ram ram, unsigned cpus);

// For guests that do not read ACPI: the floating pointer and the table.
void guest_mptable_build(struct guest_ram ram, unsigned cpus);

// The count of the BIOS' clock: ticks of 65536 cycles of the 8254 since midnight, of `seconds` since 1970.
void guest_bios_set_clock(struct guest_ram ram, int64_t seconds);

#endif
