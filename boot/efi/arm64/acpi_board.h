// SPDX-License-Identifier: MIT
// What the monitor wants to know of its board, out of ACPI tables (ACPI specification 6.4, chapter 5; SPCR: Microsoft's
// Serial Port Console Redirection Table), for firmware that has no device tree. What only AML says is not found: a
// clock that shows the date, and where the ports of the PCI bus are, without which its configuration space is of no
// use. Pure: every length and checksum is checked.
#ifndef BOOT_EFI_ARM64_ACPI_BOARD_H
#define BOOT_EFI_ARM64_ACPI_BOARD_H

#include "arch/arm64/host/board.h"
#include "vmm/base/memorywindow.h"

// Of the processor with this MPIDR_EL1. False: what is found is not enough to run on.
bool acpi_board_read(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, uint64_t mpidr,
                     struct board *out, struct refusal *refusal);

#endif
