// SPDX-License-Identifier: MIT
// What escapement.cfg says. It is a script of GRUB's (GNU GRUB manual 2.06, chapter 6), so that GRUB on a BIOS and our
// loader on UEFI show the same menu from the same file; of GRUB's language these statements are understood:
//   set timeout=10
//   set default=0
//   set gfxmode=1024x768          auto or nothing: as the firmware left it
//   menuentry "Demonstration" {
//       multiboot2 /escapement.elf screen=on
//       module2 /guests/demo.elf vm=demo mem=32M
//   }
// Pure text in, struct out.
#ifndef BOOT_EFI_MENU_H
#define BOOT_EFI_MENU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MENU_ENTRIES_MAX 200
#define MENU_FILES_MAX   1000 // of all entries together
#define MENU_TEXT_MAX    (64 * 1024)

// A line `multiboot2 PATH WORDS` or `module2 PATH WORDS`.
struct menu_file {
    const char *path;
    const char *words; // "" if there are none
};

struct menu_entry {
    const char *title;
    uint32_t    first, count; // of its files: the first is the monitor, each other one a module
    uint32_t    wrong_line;   // one of it that was not understood, so that it is not started; 0: none
};

struct menu {
    uint32_t          timeout_s; // 0: the default is started at once
    uint32_t          chosen;    // the entry that is started when nobody chooses
    uint32_t          width, height; // 0: as the firmware left it
    uint32_t          entry_count, file_count;
    struct menu_entry entries[MENU_ENTRIES_MAX];
    struct menu_file  files[MENU_FILES_MAX];
};

// A line that says something else is left out, and the first of them is told. The entry that it is in is not started.
struct menu_complaint {
    uint32_t    line; // from 1; 0: there is none
    const char *what;
};

// The text is cut into strings in place; text[size] must be writable. False: it holds no entry that can be started.
bool menu_parse(char *text, size_t size, struct menu *menu, struct menu_complaint *complaint);

#endif
