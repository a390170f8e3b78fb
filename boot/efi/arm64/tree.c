// SPDX-License-Identifier: MIT
// Adds to a device tree what the loader knows: see tree.h. Called by start.c, and by a native test that reads it again.
#include "boot/efi/arm64/tree.h"

#include <libfdt.h>
#include <string.h>

#include "boot/arm64/dtb.h"
#include "boot/arm64/simplefb.h"
#include "vmm/base/format.h"

#define MODULE_WORD  "module"
#define PLAIN        "multiboot,module"
#define KERNEL       "multiboot,module\0multiboot,kernel"
#define MEMORY_NODE  "/memory"

static void note(struct tree *tree, int error)
{
    if (tree->error == 0 && error < 0)
        tree->error = error;
}

static void set(struct tree *tree, int node, const char *name, const void *value, size_t bytes)
{
    if (tree->error == 0)
        note(tree, fdt_setprop(tree->fdt, node, name, value, (int)bytes));
}

static void set_text(struct tree *tree, int node, const char *name, const char *value)
{
    set(tree, node, name, value, strlen(value) + 1);
}

static void set_cell(struct tree *tree, int node, const char *name, uint32_t value)
{
    fdt32_t cell = cpu_to_fdt32(value);
    set(tree, node, name, &cell, sizeof(cell));
}

static void set_number(struct tree *tree, int node, const char *name, uint64_t value)
{
    fdt64_t cells = cpu_to_fdt64(value);
    set(tree, node, name, &cells, sizeof(cells));
}

// In the root's cells, of which there are two for an address and two for a size.
static void set_range(struct tree *tree, int node, uint64_t start, uint64_t bytes)
{
    const fdt64_t cells[] = { cpu_to_fdt64(start), cpu_to_fdt64(bytes) };
    set(tree, node, "reg", cells, sizeof(cells));
}

// 0 is the root, which nothing is added to after an error.
static int add_node(struct tree *tree, int parent, const char *name)
{
    int node = tree->error == 0 ? fdt_add_subnode(tree->fdt, parent, name) : 0;
    note(tree, node);
    return node < 0 ? 0 : node;
}

static int chosen(struct tree *tree)
{
    int node = fdt_path_offset(tree->fdt, "/chosen");
    return node >= 0 ? node : add_node(tree, 0, "chosen");
}

static bool is_memory(const void *fdt, int node)
{
    const char *type = fdt_stringlist_get(fdt, node, "device_type", 0, NULL);
    return type != NULL && strcmp(type, "memory") == 0;
}

// 3.4 of the Devicetree specification: they are the root's children.
static void remove_memory(struct tree *tree)
{
    int node = fdt_first_subnode(tree->fdt, 0);
    while (node >= 0) {
        int next = fdt_next_subnode(tree->fdt, node);
        if (!is_memory(tree->fdt, node)) {
            node = next;
            continue;
        }
        note(tree, fdt_del_node(tree->fdt, node)); // what follows moves: from the beginning again
        node = tree->error == 0 ? fdt_first_subnode(tree->fdt, 0) : -1;
    }
}

static void empty_chosen(struct tree *tree)
{
    for (int node; tree->error == 0 && (node = fdt_first_subnode(tree->fdt, chosen(tree))) >= 0;)
        note(tree, fdt_del_node(tree->fdt, node));
}

const char *tree_open(struct tree *tree, void *memory, uint32_t room, const void *from)
{
    *tree = (struct tree){ .fdt = memory };
    if (fdt_check_header(from) != 0 || fdt_totalsize(from) > DTB_BYTES_MAX ||
        fdt_check_full(from, fdt_totalsize(from)) != 0)
        return "the firmware's device tree is damaged";
    if (fdt_open_into(from, memory, (int)room) != 0)
        return "the firmware's device tree is too large";
    if (fdt_address_cells(memory, 0) != 2 || fdt_size_cells(memory, 0) != 2)
        return "the root of the firmware's device tree has addresses or sizes that are not of two cells";
    remove_memory(tree);
    empty_chosen(tree);
    return NULL;
}

void tree_words(struct tree *tree, const char *loader, const char *cmdline)
{
    set_text(tree, chosen(tree), "bootargs", cmdline);
    set_text(tree, chosen(tree), DTB_LOADER, loader);
}

void tree_time(struct tree *tree, uint64_t seconds, uint64_t counter)
{
    set_number(tree, chosen(tree), DTB_SECONDS, seconds);
    set_number(tree, chosen(tree), DTB_COUNTER, counter);
}

void tree_seed(struct tree *tree, const uint8_t *seed, uint32_t bytes)
{
    if (fdt_getprop(tree->fdt, chosen(tree), "rng-seed", NULL) == NULL)
        set(tree, chosen(tree), "rng-seed", seed, bytes);
}

void tree_keep(struct tree *tree, uint64_t address, uint64_t bytes)
{
    fdt_add_mem_rsv(tree->fdt, address, bytes); // if there is no room the monitor finds it not kept, and says so
}

const char *tree_screen(struct tree *tree, const struct boot_screen *screen)
{
    const char *name = simplefb_format_of(screen);
    if (name == NULL)
        return "the screen's pixels have a layout that a device tree has no name for: see the serial port";
    int node = add_node(tree, chosen(tree), "framebuffer");
    set_text(tree, node, "compatible", SIMPLEFB_COMPATIBLE);
    set_range(tree, node, screen->address, boot_screen_bytes(screen));
    set_cell(tree, node, "width", screen->width);
    set_cell(tree, node, "height", screen->height);
    set_cell(tree, node, "stride", screen->pitch);
    set_text(tree, node, "format", name);
    return NULL;
}

// What follows the word, if they begin with it.
static const char *behind_module(const char *words)
{
    size_t length = strlen(MODULE_WORD);
    if (strlen(words) < length || memcmp(words, MODULE_WORD, length) != 0)
        return NULL;
    words += length;
    return *words == ' ' ? words + 1 : *words == '\0' ? words : NULL;
}

void tree_module(struct tree *tree, uint64_t address, uint64_t bytes, const char *words)
{
    char name[32];
    const char *rest = behind_module(words);
    format(name, sizeof(name), "module@%lx", address);
    int node = add_node(tree, chosen(tree), name);
    if (rest != NULL)
        set(tree, node, "compatible", PLAIN, sizeof(PLAIN));
    else
        set(tree, node, "compatible", KERNEL, sizeof(KERNEL));
    set_range(tree, node, address, bytes);
    set_text(tree, node, "bootargs", rest != NULL ? rest : words);
}

void tree_memory_begin(struct tree *tree)
{
    tree->range_count = 0;
    tree->scattered = false;
}

static void remove_range(struct tree *tree, uint32_t at)
{
    tree->range_count--;
    for (uint32_t i = at; i < tree->range_count; i++)
        tree->ranges[i] = tree->ranges[i + 1];
}

// It grows by what it touches, which goes; then it is put where it belongs.
void tree_memory_add(struct tree *tree, uint64_t start, uint64_t bytes)
{
    uint64_t end = bytes > UINT64_MAX - start ? UINT64_MAX : start + bytes;
    if (bytes == 0)
        return;
    for (uint32_t i = tree->range_count; i-- > 0;) {
        uint64_t from = tree->ranges[i].start, to = tree->ranges[i].end;
        if (from > end || to < start)
            continue;
        start = from < start ? from : start;
        end = to > end ? to : end;
        remove_range(tree, i);
    }
    if (tree->range_count == TREE_RANGES_MAX) {
        tree->scattered = true;
        return;
    }
    uint32_t place = tree->range_count++;
    for (; place > 0 && tree->ranges[place - 1].start > start; place--)
        tree->ranges[place] = tree->ranges[place - 1];
    tree->ranges[place].start = start;
    tree->ranges[place].end = end;
}

const char *tree_memory_end(struct tree *tree)
{
    fdt64_t cells[2 * TREE_RANGES_MAX];
    if (tree->scattered)
        return "the firmware leaves memory in too many pieces";
    for (uint32_t i = 0; i < tree->range_count; i++) {
        cells[2 * i] = cpu_to_fdt64(tree->ranges[i].start);
        cells[2 * i + 1] = cpu_to_fdt64(tree->ranges[i].end - tree->ranges[i].start);
    }
    int node = fdt_path_offset(tree->fdt, MEMORY_NODE);
    if (node < 0)
        node = add_node(tree, 0, &MEMORY_NODE[1]);
    set_text(tree, node, "device_type", "memory");
    set(tree, node, "reg", cells, 2 * tree->range_count * sizeof(cells[0]));
    return tree->error == 0 ? NULL : "the boot information does not fit into the device tree";
}

uint32_t tree_close(struct tree *tree)
{
    fdt_pack(tree->fdt);
    return fdt_totalsize(tree->fdt);
}
