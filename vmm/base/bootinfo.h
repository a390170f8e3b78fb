// SPDX-License-Identifier: MIT
// What the boot loader said, in neutral words: command line, modules, memory map. boot/<a>/ fills it in. Strings stay
// where the loader put them, and that memory is never handed out.
#ifndef VMM_BASE_BOOTINFO_H
#define VMM_BASE_BOOTINFO_H

#include "time/units.h"
#include "vmm/base/types.h"

#define BOOT_MODULES_MAX 256
#define BOOT_MEMORY_MAX  128 // ranges that the loader names
#define BOOT_MEMORY_OWN  4   // ranges that the boot code itself adds

// The monitor maps and uses physical memory below this only.
#define MEMORY_MAPPED_END (64 * GIB)

// The monitor maps a screen below this only.
#define BOOT_SCREEN_END (UINT64_C(1) << 46)

struct boot_module {
    hpa         start;
    uint64_t    size;
    const char *string; // what stands behind `module2 FILE` in the loader's menu
};

// The screen as the loader left it. Text: cells of VGA's text mode, a character and an attribute. Pixels: where in one
// of `bits` each colour is.
enum boot_screen_kind { BOOT_SCREEN_NONE, BOOT_SCREEN_TEXT, BOOT_SCREEN_PIXELS };

struct boot_field {
    uint8_t at, bits;
};

struct boot_screen {
    enum boot_screen_kind kind;
    uint64_t              address;
    uint32_t              pitch;         // bytes from a line to the next
    uint32_t              width, height; // in pixels, or in cells
    uint32_t              bits;
    struct boot_field     red, green, blue;
};

// From its address on.
static inline uint64_t boot_screen_bytes(const struct boot_screen *screen)
{
    return (uint64_t)screen->pitch * screen->height;
}

enum memory_type { MEMORY_USABLE, MEMORY_KEPT, MEMORY_RESERVED }; // MEMORY_KEPT: RAM with what firmware keeps in it

struct memory_range {
    uint64_t         start, end;
    enum memory_type type;
};

struct bootinfo {
    const char         *cmdline; // of the monitor; never null
    const char         *loader;  // name of the boot loader; never null
    bool                is_uefi; // the firmware below the loader
    uint64_t            info_start, info_end; // memory that the strings are in
    htime_t             handover;             // counter at the first instruction of the image
    uint32_t            module_count, memory_count;
    uint32_t            modules_ignored, memory_ignored; // beyond the limits above
    struct boot_screen  screen;
    struct boot_module  modules[BOOT_MODULES_MAX];
    struct memory_range memory[BOOT_MEMORY_MAX + BOOT_MEMORY_OWN];
};

#endif
