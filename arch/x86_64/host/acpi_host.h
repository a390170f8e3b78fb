// SPDX-License-Identifier: MIT
// The host's own ACPI facts, found once at boot.
#ifndef ARCH_X86_64_HOST_ACPI_HOST_H
#define ARCH_X86_64_HOST_ACPI_HOST_H

#include "arch/x86_64/host/acpi.h"

// `rsdp` is the loader's.
void acpi_host_init(const struct acpi_rsdp *rsdp);

// Never null; all 0 when the host has no tables or before acpi_host_init().
const struct acpi_info *acpi_host(void);

#endif
