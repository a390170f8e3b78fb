// SPDX-License-Identifier: MIT
// Turns the device tree into struct bootinfo and the board, and opens the log, before any other part is initialised.
// Called once by boot/arm64/main.c.
#include "boot/arm64/early.h"

#include <string.h>

#include "arch/arch.h"
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/pci.h"
#include "arch/arm64/host/uart.h"
#include "boot/arm64/dtb.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/config.h"
#include "vmm/picture/hostscreen.h"

_Noreturn void boot_refused(const void *tree, unsigned level);

#define REFUSED_LINE "ESCAPEMENT-END status=8 reason=device-tree\n"

extern const char image_start[], image_end[]; // linker.ld

static struct dtb dtb;

static bool holds_image(const struct bootinfo *info, struct refusal *refusal)
{
    uint64_t start = (uintptr_t)image_start, size = (uintptr_t)image_end - start;
    if (dtb_in_memory(info, start, size))
        return true;
    return REFUSAL(refusal, "the device tree says that no memory is at %#lx, where %lu KiB of this image are", start,
                   size / KIB);
}

// A tree that is damaged may name a UART all the same.
static void open_ports(bool understood)
{
    board_set(&dtb.board);
    hostuart_init(dtb.board.uart != 0 || understood ? dtb.board.uart : UART_OF_QEMU);
    hostpci_init();
}

// Beyond the CPU's physical addresses nothing is (Arm ARM D17.2.64, PARange).
static bool screen_reachable(const struct boot_screen *screen)
{
    static const uint8_t bits_of[] = { 32, 36, 40, 42, 44, 48 };
    uint64_t range = sysreg_read(id_aa64mmfr0_el1) & 15;
    unsigned bits = bits_of[range < sizeof(bits_of) ? range : sizeof(bits_of) - 1];
    return (screen->address + boot_screen_bytes(screen)) >> bits == 0;
}

const struct bootinfo *early_bootinfo(const void *tree, htime_t handover)
{
    struct refusal refusal;
    struct bootinfo *info = &dtb.boot;
    log_set_start(handover);
    bool understood = dtb_read(tree, DTB_BYTES_MAX, &dtb, &refusal);
    open_ports(understood);
    if (!understood || !holds_image(info, &refusal)) {
        log_line("boot", "%s", refusal.text);
        log_raw(REFUSED_LINE, sizeof(REFUSED_LINE) - 1);
        arch_machine_exit(STATUS_REFUSED);
    }
    info->handover = handover;
    struct monitor_config config;
    bool words_understood = config_parse_monitor(info->cmdline, &config, &refusal);
    if (config.screen || !words_understood) // vmm_main() will say why, and end
        hostscreen_open(info, screen_reachable(&info->screen));
    log_line("boot", "build %.12s on %s, %u modules, %u memory ranges", build_id(), dtb.board.model, info->module_count,
             info->memory_count);
    if (info->modules_ignored + info->memory_ignored > 0)
        log_line("boot", "ignored: %u modules beyond %u, %u memory ranges beyond %u", info->modules_ignored,
                 BOOT_MODULES_MAX, info->memory_ignored, BOOT_MEMORY_MAX);
    return info;
}

// --- entered at EL1 or EL3: nothing runs there but a sentence --------------------------------------------------------

static const char at_el1[] =
    "escapement: started at EL1, needs EL2: the host's virtualization is off, or another hypervisor has it. With "
    "QEMU: -M virt,virtualization=on\n";
static const char at_el3[] =
    "escapement: started at EL3, needs EL2: secure firmware has to run first and start it there. With QEMU: -M virt,"
    "virtualization=on, without secure=on\n";
static const char last[] = "ESCAPEMENT-END status=10 reason=no-virtualization\n";

static void say(const char *text)
{
    arch_write(ARCH_LOG, text, strlen(text));
}

// Called by start.S with the MMU off. The registers of EL2 do not exist here, or are somebody else's: there is no log
// and no panic.
_Noreturn void boot_refused(const void *tree, unsigned level)
{
    open_ports(dtb_read(tree, DTB_BYTES_MAX, &dtb, &(struct refusal){ "" }));
    say(level == 1 ? at_el1 : at_el3);
    say(last);
    if (level != 1)
        dtb.board.psci = PSCI_NONE; // the firmware that would answer is above, and here is nothing above
    board_set(&dtb.board);
    arch_machine_exit(STATUS_LACKS);
}

bool early_counter_measured(const struct bootinfo *info)
{
    struct monitor_config config;
    return config_parse_monitor(info->cmdline, &config, &(struct refusal){ "" }) && config.counter_measured;
}
