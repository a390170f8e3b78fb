// SPDX-License-Identifier: MIT
// The device tree into struct bootinfo: command line, memory, what is reserved, modules. board_dtb.c reads the devices.
// Pure, called by boot/arm64/early.c with the loader's tree and by the native tests with damaged ones. The whole
// structure is checked by libfdt before anything of it is used.
#include "boot/arm64/dtb.h"

#include <libfdt.h>
#include <string.h>

#include "boot/arm64/dtb_node.h"
#include "vmm/base/format.h"

#define MODULE_WORD "module "
#define VERSION_MIN 16u // before it names were paths, and values of 8 bytes padded in another way

static void add_memory(struct bootinfo *out, struct dtb_range range, enum memory_type type)
{
    uint64_t end = range.size > UINT64_MAX - range.start ? UINT64_MAX : range.start + range.size;
    if (range.size == 0)
        return;
    if (out->memory_count == BOOT_MEMORY_MAX)
        out->memory_ignored++;
    else
        out->memory[out->memory_count++] = (struct memory_range){ range.start, end, type };
}

static void read_ranges(const void *tree, int node, struct bootinfo *out, enum memory_type type)
{
    struct dtb_range range;
    for (unsigned i = 0; dtb_reg(tree, node, i, &range); i++)
        add_memory(out, range, type);
}

// The nodes called memory, chapter 3.4; /reserved-memory, 3.5; and the reservation block, 5.3. What is no-map is no
// memory for us at all; the rest is memory that is in use. False: no memory is named.
static bool read_memory(const void *tree, struct bootinfo *out)
{
    int node, depth = 0, parent = dtb_child_of_root(tree, "reserved-memory");
    for (node = 0; node >= 0; node = dtb_next(tree, node, &depth)) {
        const char *type = dtb_string(tree, node, "device_type");
        if (type != NULL && strcmp(type, "memory") == 0 && dtb_enabled(tree, node))
            read_ranges(tree, node, out, MEMORY_USABLE);
    }
    if (out->memory_count == 0)
        return false;
    if (parent >= 0) {
        fdt_for_each_subnode(node, tree, parent) {
            int bytes;
            bool none = dtb_property(tree, node, "no-map", &bytes) != NULL;
            read_ranges(tree, node, out, none ? MEMORY_RESERVED : MEMORY_KEPT);
        }
    }
    for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
        struct dtb_range range;
        if (fdt_get_mem_rsv(tree, i, &range.start, &range.size) == 0)
            add_memory(out, range, MEMORY_KEPT);
    }
    return true;
}

// The string of a module that belongs to the kernel before it: its arguments, or what it is.
static const char *compose(struct dtb *out, const char *arguments)
{
    char *at = out->text + out->text_used;
    size_t room = sizeof(out->text) - out->text_used, length = strlen(MODULE_WORD) + strlen(arguments) + 1;
    if (length > room)
        return NULL;
    out->text_used += (uint32_t)length;
    format(at, room, MODULE_WORD "%s", arguments);
    return at;
}

static bool read_module(const void *tree, int node, struct dtb *out, struct refusal *refusal)
{
    struct bootinfo *boot = &out->boot;
    struct dtb_range range;
    bool kernel = dtb_compatible(tree, node, "multiboot,kernel");
    bool ramdisk = dtb_compatible(tree, node, "multiboot,ramdisk");
    const char *string = dtb_string(tree, node, "bootargs");
    if (!dtb_reg(tree, node, 0, &range))
        return REFUSAL(refusal, "the device tree has a module in /chosen that is nowhere: its reg is missing or too "
                                "short");
    if (boot->module_count == BOOT_MODULES_MAX) {
        boot->modules_ignored++;
        return true;
    }
    if (string == NULL)
        string = ramdisk ? "initrd" : "";
    if (!kernel && (string = compose(out, string)) == NULL)
        return REFUSAL(refusal, "the device tree has modules in /chosen with more than 4 KiB of arguments");

    uint32_t place = boot->module_count++;
    for (; !out->in_order && place > 0 && boot->modules[place - 1].start.value > range.start; place--)
        boot->modules[place] = boot->modules[place - 1];
    boot->modules[place] = (struct boot_module){ { range.start }, range.size, string };
    return true;
}

static bool read_chosen(const void *tree, struct dtb *out, struct refusal *refusal)
{
    int node, chosen = dtb_child_of_root(tree, "chosen");
    if (chosen < 0)
        return true;
    const char *bootargs = dtb_string(tree, chosen, "bootargs"), *loader = dtb_string(tree, chosen, DTB_LOADER);
    if (bootargs != NULL)
        out->boot.cmdline = bootargs;
    out->in_order = out->boot.is_uefi = loader != NULL;
    if (loader != NULL)
        out->boot.loader = loader;
    dtb_read_screen(tree, chosen, &out->boot.screen);
    fdt_for_each_subnode(node, tree, chosen) {
        if (dtb_compatible(tree, node, "multiboot,module") && !read_module(tree, node, out, refusal))
            return false;
    }
    return true;
}

static bool check(const void *tree, uint32_t readable, struct refusal *refusal)
{
    if (tree == NULL || (uintptr_t)tree % 8 != 0 || (uintptr_t)tree >> 48 != 0)
        return REFUSAL(refusal, "x0 is %#lx, where no device tree can be: the loader must put its address there, a "
                                "multiple of 8", (uintptr_t)tree);
    int error = fdt_check_full(tree, readable);
    if (error == 0 && fdt_version(tree) < VERSION_MIN)
        error = -FDT_ERR_BADVERSION;
    if (error == 0 && fdt_off_dt_struct(tree) % sizeof(fdt32_t) != 0)
        error = -FDT_ERR_BADOFFSET;
    if (error == 0)
        return true;
    return REFUSAL(refusal, "the device tree at %#lx is damaged: %s", (uintptr_t)tree, fdt_strerror(error));
}

bool dtb_in_memory(const struct bootinfo *info, uint64_t start, uint64_t size)
{
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        if (range->type == MEMORY_USABLE && start >= range->start && start < range->end && size <= range->end - start)
            return true;
    }
    return false;
}

static bool check_modules(const struct bootinfo *info, struct refusal *refusal)
{
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct boot_module *module = &info->modules[i];
        if (dtb_in_memory(info, module->start.value, module->size))
            continue;
        return REFUSAL(refusal, "the device tree has a module of %lu bytes at %#lx, where no memory is", module->size,
                       module->start.value);
    }
    return true;
}

bool dtb_read(const void *tree, uint32_t readable, struct dtb *out, struct refusal *refusal)
{
    memset(out, 0, sizeof(*out));
    out->boot.cmdline = "";
    out->boot.loader = "a loader of Image files";
    if (!check(tree, readable, refusal))
        return false;
    out->boot.info_start = (uintptr_t)tree;
    out->boot.info_end = (uintptr_t)tree + fdt_totalsize(tree);
    dtb_read_board(tree, &out->board);
    if (!read_memory(tree, &out->boot))
        return REFUSAL(refusal, "the device tree names no memory: it has no node with device_type \"memory\"");
    return read_chosen(tree, out, refusal) && check_modules(&out->boot, refusal);
}
