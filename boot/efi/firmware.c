// SPDX-License-Identifier: MIT
// Words on the console, pages and tables: see firmware.h. Called by the loader's other files.
#include "boot/efi/firmware.h"

#include <string.h>

void firmware_say(const char *sentence, const char *about)
{
    if (about != NULL)
        Print((CHAR16 *)L"escapement: %a: %a\n", about, sentence);
    else
        Print((CHAR16 *)L"escapement: %a\n", sentence);
}

uint64_t firmware_pages(uint64_t bytes)
{
    EFI_PHYSICAL_ADDRESS address = firmware_memory_end - 1;
    if (bytes == 0 || bytes >= firmware_memory_end ||
        EFI_ERROR(BS->AllocatePages(AllocateMaxAddress, EfiLoaderCode, EFI_SIZE_TO_PAGES(bytes), &address)))
        return 0;
    return address;
}

void firmware_free(uint64_t address, uint64_t bytes)
{
    if (address != 0)
        BS->FreePages(address, EFI_SIZE_TO_PAGES(bytes));
}

void *firmware_table(EFI_GUID identity)
{
    for (UINTN i = 0; i < ST->NumberOfTableEntries; i++) {
        if (memcmp(&ST->ConfigurationTable[i].VendorGuid, &identity, sizeof(identity)) == 0)
            return ST->ConfigurationTable[i].VendorTable;
    }
    return NULL;
}
