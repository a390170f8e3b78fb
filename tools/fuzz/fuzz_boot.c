// SPDX-License-Identifier: MIT
// What a boot loader leaves, by both protocols, with any bytes in it: it is read inside its window only, and what is
// kept of it has its bounds; or it is refused with a sentence.
#include "tools/fuzz/input.h"

#include "boot/x86_64/multiboot1.h"
#include "boot/x86_64/multiboot2.h"

#define WINDOW_AT 0x100000u

static void is_sound(const struct bootinfo *info)
{
    HOLDS(info->module_count <= BOOT_MODULES_MAX && info->memory_count <= BOOT_MEMORY_MAX + BOOT_MEMORY_OWN);
    HOLDS(strlen(info->cmdline) + strlen(info->loader) < SIZE_MAX);
    for (uint32_t i = 0; i < info->module_count; i++)
        HOLDS(strlen(info->modules[i].string) < SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bootinfo info;
    struct refusal refusal = { "" };
    struct acpi_rsdp rsdp = { 0 };
    uint64_t *exact = malloc(size + 8); // aligned, as a loader's structure is
    if (exact == NULL)
        abort();
    memcpy(exact, data, size);
    struct memory_window window = { (uintptr_t)exact - WINDOW_AT, WINDOW_AT, WINDOW_AT + size };
    if (multiboot1_parse(&window, WINDOW_AT, &info, &refusal))
        is_sound(&info);
    else
        HOLDS(refusal.text[0] != '\0');
    refusal.text[0] = '\0';
    if (multiboot2_parse(exact, size, &info, &rsdp, &refusal))
        is_sound(&info);
    else
        HOLDS(refusal.text[0] != '\0');
    free(exact);
    return 0;
}
