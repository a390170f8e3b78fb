// SPDX-License-Identifier: MIT
// Reads what a multiboot2 loader hands over (specification 2.0, 3.6). The parser is pure and checks every length.
#ifndef BOOT_X86_64_MULTIBOOT2_H
#define BOOT_X86_64_MULTIBOOT2_H

#include "arch/x86_64/host/acpi.h"
#include "vmm/base/bootinfo.h"

// Reads an information structure of which `readable` bytes may be touched; *rsdp is the loader's copy of what ACPI
// begins with. False: it is damaged, the refusal says where.
bool multiboot2_parse(const void *info, uint64_t readable, struct bootinfo *out, struct acpi_rsdp *rsdp,
                      struct refusal *refusal);

#endif
