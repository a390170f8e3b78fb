// SPDX-License-Identifier: MIT
// Nodes of a device tree, and values of one (Devicetree specification 2.3 and 5.4). Called by dtb.c and board_dtb.c.
// Pure. libfdt goes through a name byte by byte, with a check of each: that was four fifths of the way to the first
// guest. What it has checked once is walked here by whole tokens.
#include "boot/arm64/dtb_node.h"

#include <libfdt.h>
#include <string.h>

#define CELLS_MAX  4u
#define DEPTH_MAX  16

// One instruction here; libfdt's own is a function wherever size counts.
static uint32_t cell(const fdt32_t *at)
{
    return __builtin_bswap32(*at);
}

static const fdt32_t *token_at(const void *tree, int offset)
{
    return (const fdt32_t *)((const char *)tree + fdt_off_dt_struct(tree)) + offset / 4;
}

// 5.4.1: a node's name and a property's value are padded to whole tokens.
static const fdt32_t *next_token(const fdt32_t *token)
{
    switch (cell(token)) {
    case FDT_BEGIN_NODE:
        return token + 1 + strlen((const char *)(token + 1)) / 4 + 1;
    case FDT_PROP:
        return token + 3 + (cell(token + 1) + 3) / 4;
    default:
        return token + 1;
    }
}

int dtb_next(const void *tree, int node, int *depth)
{
    const fdt32_t *first = token_at(tree, 0);
    for (const fdt32_t *token = next_token(token_at(tree, node));; token = next_token(token)) {
        uint32_t tag = cell(token);
        if (tag == FDT_END)
            return -1;
        *depth += (tag == FDT_BEGIN_NODE) - (tag == FDT_END_NODE);
        if (tag == FDT_BEGIN_NODE)
            return (int)(token - first) * 4;
    }
}

const void *dtb_property(const void *tree, int node, const char *name, int *bytes)
{
    const char *names = (const char *)tree + fdt_off_dt_strings(tree);
    for (const fdt32_t *token = next_token(token_at(tree, node));; token = next_token(token)) {
        uint32_t tag = cell(token);
        if (tag == FDT_PROP && strcmp(names + cell(token + 2), name) == 0) {
            *bytes = (int)cell(token + 1);
            return token + 3;
        }
        if (tag != FDT_PROP && tag != FDT_NOP)
            return NULL;
    }
}

static const char *node_name(const void *tree, int node)
{
    return (const char *)(token_at(tree, node) + 1);
}

int dtb_child_of_root(const void *tree, const char *name)
{
    int depth = 0, node = dtb_next(tree, 0, &depth);
    while (node >= 0 && (depth != 1 || strcmp(node_name(tree, node), name) != 0))
        node = dtb_next(tree, node, &depth);
    return node;
}

// The nodes from the root, path[0], to this one, whose place in path is returned; below 0: it lies too deep.
static int path_to(const void *tree, int node, int path[DEPTH_MAX])
{
    int depth = 0;
    for (int at = 0; at >= 0; at = dtb_next(tree, at, &depth)) {
        if (depth < DEPTH_MAX)
            path[depth] = at;
        if (at == node)
            return depth < DEPTH_MAX ? depth : -1;
    }
    return -1;
}

int dtb_parent(const void *tree, int node)
{
    int path[DEPTH_MAX], depth = path_to(tree, node, path);
    return depth > 0 ? path[depth - 1] : -1;
}

// A number of 1 or 2 cells; of 3 or 4 the low two, which is all that a PCI address has to say.
static uint64_t number(const fdt32_t *at, unsigned cells)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < cells; i++)
        value = value << 32 | cell(at + i);
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
    const char *name = node_name(tree, node);
    return strcmp(name, "chosen") == 0 || strcmp(name, "reserved-memory") == 0;
}

// 2.3.8: from the addresses of this bus to its parent's. False: not reachable.
static bool through_bus(const void *tree, int bus, int above, struct dtb_range *range)
{
    unsigned child, parent, size, unused;
    int bytes;
    const fdt32_t *at = dtb_property(tree, bus, "ranges", &bytes);
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
    int bytes, path[DEPTH_MAX], bus = path_to(tree, node, path) - 1;
    const fdt32_t *reg = dtb_property(tree, node, "reg", &bytes);
    if (bus == 1 && is_root_like(tree, path[bus]))
        bus = 0;
    if (reg == NULL || bus < 0 || !cells_of(tree, path[bus], &address, &size))
        return false;
    unsigned entry = address + size, cells = (unsigned)bytes / 4;
    if (index >= cells / entry)
        return false;
    *out = (struct dtb_range){ number(reg + index * entry, address), number(reg + index * entry + address, size) };
    for (; bus > 0; bus--) {
        if (!through_bus(tree, path[bus], path[bus - 1], out))
            return false;
    }
    return true;
}

const char *dtb_string(const void *tree, int node, const char *name)
{
    int bytes;
    const char *text = dtb_property(tree, node, name, &bytes);
    return text != NULL && bytes > 0 && text[bytes - 1] == '\0' ? text : NULL;
}

uint32_t dtb_cell(const void *tree, int node, const char *name, unsigned index, uint32_t otherwise)
{
    int bytes;
    const fdt32_t *cells = dtb_property(tree, node, name, &bytes);
    return cells != NULL && (unsigned)bytes / 4 > index ? cell(cells + index) : otherwise;
}

uint64_t dtb_number(const void *tree, int node, const char *name)
{
    int bytes;
    const fdt32_t *cells = dtb_property(tree, node, name, &bytes);
    return cells != NULL && bytes == 8 ? number(cells, 2) : 0;
}

bool dtb_enabled(const void *tree, int node)
{
    const char *status = dtb_string(tree, node, "status");
    return status == NULL || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

bool dtb_compatible(const void *tree, int node, const char *compatible)
{
    int bytes;
    const char *list = dtb_property(tree, node, "compatible", &bytes);
    return list != NULL && fdt_stringlist_contains(list, bytes, compatible) != 0;
}

int dtb_find(const void *tree, const char *compatible)
{
    int node = 0, depth = 0;
    while (node >= 0 && !(dtb_compatible(tree, node, compatible) && dtb_enabled(tree, node)))
        node = dtb_next(tree, node, &depth);
    return node;
}
