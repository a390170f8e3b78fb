// SPDX-License-Identifier: MIT
// The ACPI tables a guest finds: RSDP, RSDT, XSDT, FADT, MADT, HPET and a DSDT with S5 and ISA devices, in the BIOS
// area below 1 MiB.
#ifndef VMM_PC_ACPI_H
#define VMM_PC_ACPI_H

#include "vmm/base/types.h"

#define GUEST_ACPI_BASE 0xe0000u // the RSDP is here, 16-byte aligned, where ACPI 5.2.5.1 says a guest looks

// Writes the tables; ram.size must be at least 1 MiB. PM1a event block 0x600, PM1a control 0x604, PM timer 0x608, SCI
// 9.
void guest_acpi_build(struct guest_ram ram, unsigned cpus);

#endif
