// SPDX-License-Identifier: MIT
// gnu-efi's headers and what our loader keeps of the firmware.
#ifndef BOOT_EFI_FIRMWARE_H
#define BOOT_EFI_FIRMWARE_H

#include <efi.h>
#include <efilib.h>
#include <stdbool.h>
#include <stdint.h>

// Everything that is handed over lies below it: what the monitor of this architecture can reach.
extern const uint64_t firmware_memory_end;

#define FIRMWARE_NO_MEMORY "there is not enough memory where the monitor can reach it"

// A sentence on the firmware's console, with the words that name this loader before it.
void firmware_say(const char *sentence, const char *about);

// Pages below firmware_memory_end, which hold code, too; 0: there are none. Never given back by the monitor's own
// choice: what is loaded is found by the monitor in its boot information.
uint64_t firmware_pages(uint64_t bytes);
void     firmware_free(uint64_t address, uint64_t bytes);

// Is a table with this identity there (UEFI 2.10, 4.6)? Null if not.
void *firmware_table(EFI_GUID identity);

#endif
