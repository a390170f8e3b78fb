// SPDX-License-Identifier: MIT
// The monitor's plan: read its own words, turn on virtualization, then run each VM that the boot loader brought, in
// order. A module whose string begins with "module " belongs to the VM before it; every other module is a kernel and
// its string is the VM's line (vmm/config.h).
#include "vmm/main.h"

#include <string.h>

#include "arch/arch.h"
#include "vmm/base/alloc.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/life.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/reportcard.h"

#define MODULE_WORD "module "

static _Noreturn void end(unsigned status, const char *reason)
{
    char line[80];
    size_t length = format(line, sizeof(line), "ESCAPEMENT-END status=%u reason=%s\n", status, reason);
    log_raw(line, length);
    arch_machine_exit(status);
}

static bool belongs_to_vm(const struct boot_module *module)
{
    size_t length = sizeof(MODULE_WORD) - 1;
    return strlen(module->string) >= length && memcmp(module->string, MODULE_WORD, length) == 0;
}

static struct image image_of(const struct boot_module *module, const char *name)
{
    return (struct image){ .data = (const uint8_t *)module->start.value, .size = module->size, .name = name };
}

// The VM whose kernel is module `first`, with the modules that follow it. In *next is where the next VM's kernel may
// be.
static struct vm_result run_vm(const struct bootinfo *info, const struct monitor_config *monitor, uint32_t first,
                               uint32_t *next)
{
    static struct vm_config config; // 2 KiB of command line: not for the stack
    static struct loader_input input;
    struct refusal refusal = { "" };
    *next = first + 1;
    while (*next < info->module_count && belongs_to_vm(&info->modules[*next]))
        (*next)++;
    if (!config_parse_vm(info->modules[first].string, &config, &refusal)) {
        log_line("config", "the VM line \"%s\" is refused: %s", info->modules[first].string, refusal.text);
        return (struct vm_result){ STATUS_REFUSED, 0 };
    }
    input = (struct loader_input){ .kernel = image_of(&info->modules[first], config.kernel),
                                   .cmdline = config.cmdline };
    for (uint32_t i = first + 1; i < *next; i++) {
        if (input.module_count == LOADER_MODULES_MAX) {
            log_line("config", "%s is refused: more than %d modules", config.name, LOADER_MODULES_MAX);
            return (struct vm_result){ STATUS_REFUSED, 0 };
        }
        const char *arguments = info->modules[i].string + sizeof(MODULE_WORD) - 1;
        input.module[input.module_count] = image_of(&info->modules[i], arguments);
        input.module_args[input.module_count++] = arguments;
    }
    return vm_run(&config, monitor, &input);
}

// One line a VM, in their order, for the runner: a guest can write what it likes to the console, and nothing here.
static void tell_result(unsigned number, const struct vm_result *result, uint64_t console_bytes)
{
    char line[120];
    size_t length = format(line, sizeof(line), "ESCAPEMENT-VM %u status=%u console_bytes=%lu gap_cycles=%ld\n", number,
                           result->status, console_bytes, result->gap_cycles);
    log_raw(line, length);
}

static unsigned run_all(const struct bootinfo *info, const struct monitor_config *monitor)
{
    unsigned first_bad = 0, number = 0;
    uint32_t next;
    for (uint32_t i = 0; i < info->module_count; i = next) {
        uint64_t written = console_written();
        struct vm_result result = run_vm(info, monitor, i, &next);
        tell_result(number++, &result, console_written() - written);
        if (first_bad == 0)
            first_bad = result.status;
    }
    return first_bad;
}

void vmm_main(const struct bootinfo *info)
{
    struct monitor_config monitor;
    struct refusal refusal = { "" };
    hostscreen_status("Escapement " ESCAPEMENT_VERSION);
    log_line("escapement", "version %s, loaded by %s", ESCAPEMENT_VERSION, info->loader);
    if (!config_parse_monitor(info->cmdline, &monitor, &refusal)) {
        log_line("config", "the monitor's command line is refused: %s", refusal.text);
        end(STATUS_REFUSED, "monitor-config");
    }
    bool can = arch_virtualization_init(&refusal);
    if (monitor.card != CARD_OFF)
        reportcard_print(info, can, &refusal);
    if (monitor.card == CARD_ONLY) {
        reportcard_show_code();
        end(0, "report-card");
    }
    if (!can) {
        log_line("escapement", "no virtual machine can run here: %s", refusal.text);
        end(STATUS_LACKS, "no-virtualization");
    }
    log_line("escapement", "%s; counter %lu Hz", arch_description(), arch_counter_hz());
    if (info->module_count == 0) {
        log_line("escapement", "no kernel to run: give one as a module, \"module2 /kernel vm=NAME mem=16M\"");
        end(STATUS_REFUSED, "no-kernel");
    }
    log_line("escapement", "%lu us from the loader to the first VM, %lu KiB of memory in use",
             (arch_counter_read() - info->handover) / (arch_counter_hz() / 1000000), alloc_used_bytes() / KIB);
    end(run_all(info, &monitor), "done");
}
