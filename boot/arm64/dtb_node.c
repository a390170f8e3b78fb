// SPDX-License-Identifier: MIT
// Values of one device tree node (Devicetree specification 2.3). Called by dtb.c and board_dtb.c. Pure.
#include "boot/arm64/dtb_node.h"

#include <libfdt.h>
#include <string.h>

#define CELLS_MAX  4u
#define DEPTH_MAX  16u

// A number of 1 or 2 cells; of 3 or 4 the low two, which is all that a PCI address has to say.
static uint64_t number(const fdt32_t *cell, unsigned cells)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < cells; i++)
        value = value << 32 | fdt32_to_cpu(cell[i]);
    return value;
}

// 2.3.5: how many cells an address and a size have in the children of this node.
static bool cells_of(const void *tree, int parent, unsigned *address, unsigned *size)
{
    *address = dtb_cell(tree, parent, "#address-cells", 0, 2);
    *size = dtb_cell(tree, parent, "#size-cells", 0, 1);
    return *address >= 1 && *address <= CELLS_MAX && *size <= 2;
}

// Not a bus: its children have the root's addresses, in the root's cells, whether it says so (3.5) or not (what QEMU's
// guest-loader leaves in /chosen).
static bool is_root_like(const void *tree, int node)
{
    const char *name = fdt_get_name(tree, node, NULL);
    bool is_known = name != NULL && (strcmp(name, "chosen") == 0 || strcmp(name, "reserved-memory") == 0);
    return is_known && fdt_parent_offset(tree, node) == 0;
}

// 2.3.8: from the addresses of this bus to its parent's. False: not reachable.
static bool through_bus(const void *tree, int bus, int above, struct dtb_range *range)
{
    unsigned child, parent, size, unused;
    int bytes;
    const fdt32_t *at = fdt_getprop(tree, bus, "ranges", &bytes);
    if (at == NULL)
        return false;
    if (bytes == 0)
        return true;
    if (!cells_of(tree, bus, &child, &size) || !cells_of(tree, above, &parent, &unused))
        return false;
    unsigned entry = child + parent + size;
    for (unsigned left = (unsigned)bytes / 4; left >= entry; left -= entry, at += entry) {
        uint64_t from = number(at, child), length = number(at + child + parent, size);
        if (range->start >= from && range->start - from < length && range->size <= length - (range->start - from)) {
            range->start = number(at + child, parent) + (range->start - from);
            return true;
        }
    }
    return false;
}

bool dtb_reg(const void *tree, int node, unsigned index, struct dtb_range *out)
{
    unsigned address, size;
    int bytes, bus = fdt_parent_offset(tree, node);
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &bytes);
    if (bus >= 0 && is_root_like(tree, bus))
        bus = 0;
    if (reg == NULL || bus < 0 || !cells_of(tree, bus, &address, &size))
        return false;
    unsigned entry = address + size, cells = (unsigned)bytes / 4;
    if (index >= cells / entry)
        return false;
    *out = (struct dtb_range){ number(reg + index * entry, address), number(reg + index * entry + address, size) };
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        int above = fdt_parent_offset(tree, bus);
        if (above < 0)
            return true;
        if (!through_bus(tree, bus, above, out))
            return false;
        bus = above;
    }
    return false;
}

const char *dtb_string(const void *tree, int node, const char *name)
{
    int bytes;
    const char *text = fdt_getprop(tree, node, name, &bytes);
    return text != NULL && bytes > 0 && text[bytes - 1] == '\0' ? text : NULL;
}

uint32_t dtb_cell(const void *tree, int node, const char *name, unsigned index, uint32_t otherwise)
{
    int bytes;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &bytes);
    return cell != NULL && (unsigned)bytes / 4 > index ? fdt32_to_cpu(cell[index]) : otherwise;
}

bool dtb_enabled(const void *tree, int node)
{
    const char *status = dtb_string(tree, node, "status");
    return status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

int dtb_find(const void *tree, const char *compatible)
{
    int node = fdt_node_offset_by_compatible(tree, -1, compatible);
    while (node >= 0 && !dtb_enabled(tree, node))
        node = fdt_node_offset_by_compatible(tree, node, compatible);
    return node;
}
