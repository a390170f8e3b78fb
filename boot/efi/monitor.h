// SPDX-License-Identifier: MIT
// What the loader asks of an architecture: x86_64/start.c and arm64/start.c each are its monitor's image, what it is
// told, and the way into it. A sentence is what is wrong; null: nothing.
#ifndef BOOT_EFI_MONITOR_H
#define BOOT_EFI_MONITOR_H

#include "boot/efi/disk.h"
#include "boot/efi/menu.h"
#include "boot/efi/results.h"
#include "vmm/base/bootinfo.h"

#define MONITOR_LOADER "Escapement's loader" // its name, as the monitor says it

// What an entry's files have become: the monitor first, then its modules.
struct loaded {
    const struct menu_file *named; // as the menu has them
    const char             *words; // the monitor's own, with what the loader adds
    struct results_place    kept;
    uint32_t                count;
    struct file             files[MENU_FILES_MAX];
};

// The menu of this architecture's monitor and guests.
extern const char monitor_menu[];

// The type of memory that the monitor finds as MEMORY_KEPT, when it is told where it is; and a count that runs fast.
extern const EFI_MEMORY_TYPE monitor_kept_type;
uint64_t                     monitor_counter(void);

// Can one run here at all?
const char *monitor_possible(void);

// Can this file be started, and do the others lie where they do not disturb it?
const char *monitor_check(const struct loaded *loaded);

// Leaves boot services and enters it, with the screen, which may be of kind none. Returns only when that cannot be.
const char *monitor_start(EFI_HANDLE loader, const struct loaded *loaded, const struct boot_screen *screen);

#endif
