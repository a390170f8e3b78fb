// SPDX-License-Identifier: MIT
// Finds the host's ACPI tables: the loader's copy of the RSDP first, then the BIOS area. Called once at boot,
// before paging.c unmaps page 0, while the first 4 GiB are mapped 1:1.
#include "arch/x86_64/host/acpi_host.h"

#include "vmm/base/log.h"

static struct acpi_info acpi;

const struct acpi_info *acpi_host(void)
{
    return &acpi;
}

void acpi_host_init(const struct acpi_rsdp *rsdp)
{
    const struct memory_window memory = { .bias = 0, .start = 0x400, .end = 4 * GIB };
    uint64_t found = 0;
    if (rsdp->size == 0 || !acpi_parse(&memory, rsdp->bytes, rsdp->size, &acpi)) {
        found = acpi_find_rsdp(&memory);
        if (found == 0 || !acpi_parse(&memory, (const uint8_t *)(uintptr_t)found, 36, &acpi)) {
            log_line("acpi", "no usable tables; continuing without HPET, PM timer and power-off");
            return;
        }
    }
    log_line("acpi", "%u tables, %u damaged; %u CPUs, LAPIC %#lx, HPET %#lx, PM timer port %#x (%u bits)", acpi.tables,
             acpi.bad_tables, acpi.cpu_count, acpi.lapic_address, acpi.hpet_address, acpi.pm_timer_port,
             acpi.pm_timer_32bit ? 32u : 24u);
}
