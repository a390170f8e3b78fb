// SPDX-License-Identifier: MIT
// Turns the loader's structure into struct bootinfo and opens the log, before any other part is initialised. Called
// once by main.c. A command line that cannot be understood is refused later, by vmm_main(), with its sentence.
#include "boot/x86_64/early.h"

#include "arch/x86_64/host/keyboard.h"
#include "arch/x86_64/host/serial.h"
#include "arch/x86_64/host/text.h"
#include "arch/x86_64/host/x86.h"
#include "boot/x86_64/magic.h"
#include "boot/x86_64/multiboot.h"
#include "boot/x86_64/multiboot1.h"
#include "boot/x86_64/multiboot2.h"
#include "vmm/config.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"

#define CHIPSET_START UINT64_C(0xfec00000)
#define CHIPSET_END   (4 * GIB)

static struct bootinfo  info;
static struct acpi_rsdp rsdp;

// The strings are in memory that the loader gave to us.
static void unquote_strings(void)
{
    if (memcmp(info.loader, "GRUB", 4) != 0)
        return;
    multiboot_unquote((char *)(uintptr_t)info.cmdline);
    for (uint32_t i = 0; i < info.module_count; i++)
        multiboot_unquote((char *)(uintptr_t)info.modules[i].string);
}

// QEMU's -kernel says nothing of a screen, and its VGA is in the text mode that every BIOS leaves.
static const struct boot_screen bios_text = { .kind = BOOT_SCREEN_TEXT, .address = 0xb8000, .pitch = 160,
                                              .width = 80, .height = 25 };

// The registers of the interrupt controllers are no pixels, and beyond the CPU's physical addresses nothing is (SDM 3A
// 4.1.4).
static bool screen_reachable(const struct boot_screen *screen)
{
    uint64_t end = screen->address + boot_screen_bytes(screen);
    unsigned bits = x86_cpuid(0x80000000, 0).eax >= 0x80000008 ? x86_cpuid(0x80000008, 0).eax & 0xff : 36;
    return (end <= CHIPSET_START || screen->address >= CHIPSET_END) && (bits >= 64 || end >> bits == 0);
}

static void open_screen(uint32_t magic)
{
    if (magic == MULTIBOOT1_LOADER_MAGIC)
        info.screen = bios_text;
    hostscreen_open(&info, screen_reachable(&info.screen));
    hostkeyboard_init();
    if (info.screen.kind == BOOT_SCREEN_TEXT)
        hosttext_hide_cursor();
}

static bool read_information(uint32_t magic, const void *information, struct refusal *refusal)
{
    const struct memory_window memory = { .bias = 0, .start = 0x400, .end = 4 * GIB };
    if (magic == MULTIBOOT1_LOADER_MAGIC)
        return multiboot1_parse(&memory, (uint32_t)(uintptr_t)information, &info, refusal);
    return multiboot2_parse(information, 4 * GIB - (uintptr_t)information, &info, &rsdp, refusal);
}

const struct bootinfo *early_bootinfo(uint32_t magic, const void *information, htime_t handover)
{
    struct refusal refusal;
    log_set_start(handover);
    if (!read_information(magic, information, &refusal))
        panic("%s", refusal.text);
    info.handover = handover;
    unquote_strings();

    struct monitor_config config;
    bool understood = config_parse_monitor(info.cmdline, &config, &refusal);
    if (config.log_com == 2)
        hostserial_set_log(HOSTSERIAL_COM2);
    if (config.screen || (!understood && info.screen.kind != BOOT_SCREEN_NONE)) // vmm_main() will say why, and end
        open_screen(magic);
    log_line("boot", "build %.12s by %s, %u modules, %u memory ranges", build_id(), info.loader, info.module_count,
             info.memory_count);
    if (info.modules_ignored + info.memory_ignored > 0)
        log_line("boot", "ignored: %u modules beyond %u, %u memory ranges beyond %u", info.modules_ignored,
                 BOOT_MODULES_MAX, info.memory_ignored, BOOT_MEMORY_MAX);
    // Below 1 MiB firmware still keeps things that no map names.
    info.memory[info.memory_count++] = (struct memory_range){ 0, MIB, MEMORY_RESERVED };
    return &info;
}

const struct acpi_rsdp *early_rsdp(void)
{
    return &rsdp;
}
