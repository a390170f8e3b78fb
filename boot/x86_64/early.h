// SPDX-License-Identifier: MIT
// The first step of main.c that needs more than a line.
#ifndef BOOT_X86_64_EARLY_H
#define BOOT_X86_64_EARLY_H

#include "arch/x86_64/host/acpi.h"
#include "vmm/base/bootinfo.h"

// Reads the loader's information, whose kind its magic tells (start.S has checked it), and sends the log to the port
// that the command line names. Panics when it is damaged. The result is valid for ever.
const struct bootinfo *early_bootinfo(uint32_t magic, const void *information, htime_t handover);

// The loader's copy of what the ACPI tables are found by.
const struct acpi_rsdp *early_rsdp(void);

#endif
