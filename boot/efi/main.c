// SPDX-License-Identifier: MIT
// The loader for UEFI: a menu, then one entry's files, then the monitor, which is told of them. Started by the firmware
// as EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI. What differs between the two is behind monitor.h.
#include "boot/efi/choose.h"
#include "boot/efi/disk.h"
#include "boot/efi/firmware.h"
#include "boot/efi/menu.h"
#include "boot/efi/monitor.h"
#include "boot/efi/picture.h"
#include "boot/efi/results.h"
#include "vmm/base/format.h"

#define FILE_BYTES_MAX (UINT64_C(1) << 31)
#define READ_S         20 // how long a sentence stays
#define WORDS_BYTES    4096

static struct menu  *menu; // in pages of their own: in the file they would be zeros
static struct loaded *loaded;

static void unload(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        firmware_free(loaded->files[i].address, loaded->files[i].size + 1);
}

// Reads the entry's files; false, with nothing kept, after a sentence about the first that cannot be used.
static bool load_entry(const struct menu_entry *entry)
{
    const struct menu_file *files = &menu->files[entry->first];
    if (entry->wrong_line != 0) {
        Print((CHAR16 *)L"\nescapement: %a, line %d: the entry has a line that is not understood, and is not started\n",
              monitor_menu, entry->wrong_line);
        return false;
    }
    loaded->named = files;
    loaded->count = entry->count;
    for (uint32_t i = 0; i < entry->count; i++) {
        Print((CHAR16 *)L"\r %a                    ", files[i].path);
        const char *wrong = disk_read(files[i].path, FILE_BYTES_MAX, &loaded->files[i]);
        if (wrong != NULL) {
            Print((CHAR16 *)L"\n");
            firmware_say(wrong, files[i].path);
            unload(i);
            return false;
        }
    }
    Print((CHAR16 *)L"\n");
    const char *wrong = monitor_check(loaded);
    if (wrong != NULL) {
        firmware_say(wrong, files[0].path);
        unload(entry->count);
    }
    return wrong == NULL;
}

// Returns only when it cannot be started, with a sentence.
static const char *start(EFI_HANDLE loader)
{
    static char words[WORDS_BYTES];
    struct boot_screen screen;
    results_prepare(&loaded->kept);
    size_t used = 0;
    if (loaded->kept.run != 0)
        used = format(words, sizeof(words), "results=%lu run=%lu ", loaded->kept.address, loaded->kept.run);
    used += format(words + used, sizeof(words) - used, "%s", loaded->named[0].words);
    if (used == sizeof(words) - 1)
        return "the entry's words for the monitor are too long";
    loaded->words = words;
    const char *why = picture_set(menu->width, menu->height, &screen);
    if (why != NULL)
        firmware_say(why, NULL);
    return monitor_start(loader, loaded, &screen);
}

static const char *read_menu(void)
{
    struct file file;
    struct menu_complaint complaint;
    const char *wrong = disk_read(monitor_menu, MENU_TEXT_MAX, &file);
    if (wrong != NULL)
        return wrong;
    bool found = menu_parse((char *)(uintptr_t)file.address, file.size, menu, &complaint);
    if (complaint.line != 0) {
        Print((CHAR16 *)L"escapement: %a, line %d: %a\n", monitor_menu, complaint.line, complaint.what);
        choose_wait(READ_S / 4);
    }
    return found ? NULL : "it has no entry that starts anything";
}

EFI_STATUS efi_main(EFI_HANDLE loader, EFI_SYSTEM_TABLE *system);
EFI_STATUS efi_main(EFI_HANDLE loader, EFI_SYSTEM_TABLE *system)
{
    InitializeLib(loader, system);
    BS->SetWatchdogTimer(0, 0, 0, NULL); // 7.5.2: firmware's own ends a run after five minutes
    menu = (struct menu *)(uintptr_t)firmware_pages(sizeof(*menu));
    loaded = (struct loaded *)(uintptr_t)firmware_pages(sizeof(*loaded));
    const char *impossible = monitor_possible();
    const char *wrong = menu != NULL && loaded != NULL ? disk_open(loader) : FIRMWARE_NO_MEMORY;
    if (wrong == NULL) {
        results_collect();
        wrong = read_menu();
    }
    if (impossible != NULL || wrong != NULL) {
        firmware_say(impossible != NULL ? impossible : wrong, impossible != NULL ? NULL : monitor_menu);
        choose_wait(READ_S);
        return EFI_LOAD_ERROR;
    }
    for (uint32_t timeout_s = menu->timeout_s;; timeout_s = READ_S) {
        menu->chosen = choose_entry(menu, timeout_s);
        if (!load_entry(&menu->entries[menu->chosen])) {
            choose_wait(READ_S);
            continue;
        }
        wrong = start(loader);
        firmware_say(wrong, NULL);
        results_release(&loaded->kept);
        unload(loaded->count);
        choose_wait(READ_S);
    }
}
