// SPDX-License-Identifier: MIT
// The devices that the monitor uses, by their nodes (Linux, Documentation/devicetree/bindings: interrupt-controller/
// arm,gic*.yaml, timer/arm,arch_timer.yaml, serial/pl011.yaml, pci/host-generic-pci.yaml, arm/psci.yaml). Called by
// dtb.c. Pure.
#include <libfdt.h>
#include <string.h>

#include "arch/arm64/host/board.h"
#include "boot/arm64/dtb.h"
#include "boot/arm64/dtb_node.h"

#define GIC_SPI      0u
#define GIC_PPI      1u
#define INTID_SPI    32u
#define INTID_PPI    16u
#define INTID_NONE   0u // an SGI: no device has it
#define PCI_SPACE_IO 0x01000000u
#define PCI_SPACE    0x03000000u
#define PCI_RANGE    7u // cells of an entry: address 3, parent's address 2, size 2

enum { TIMER_SECURE, TIMER_PHYSICAL, TIMER_VIRTUAL, TIMER_EL2 }; // order of the timer's interrupts

static uint64_t where(const void *tree, int node, unsigned index)
{
    struct dtb_range range;
    return node >= 0 && dtb_reg(tree, node, index, &range) ? range.start : 0;
}

// Interrupt `index` of a node, in cells as the GIC's node says: type, number, flags.
static uint32_t intid(const void *tree, int gic, int node, unsigned index)
{
    uint32_t cells = dtb_cell(tree, gic, "#interrupt-cells", 0, 3);
    if (node < 0 || cells < 3 || cells > 4)
        return INTID_NONE;
    uint32_t type = dtb_cell(tree, node, "interrupts", index * cells, UINT32_MAX);
    uint32_t number = dtb_cell(tree, node, "interrupts", index * cells + 1, UINT32_MAX);
    if (type == GIC_PPI && number < 16)
        return INTID_PPI + number;
    return type == GIC_SPI && number < 988 ? INTID_SPI + number : INTID_NONE;
}

// Version 2 has four parts, and is no use without the two of virtualization.
static int find_gic2(const void *tree)
{
    static const char *const names[] = { "arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int node = dtb_find(tree, names[i]);
        if (node >= 0)
            return node;
    }
    return -1;
}

static void read_gic(const void *tree, struct board *out)
{
    int gic = dtb_find(tree, "arm,gic-v3");
    out->gic_version = 3;
    if (gic < 0) {
        gic = find_gic2(tree);
        out->gic_version = gic >= 0 ? 2 : 0;
    }
    if (gic < 0)
        return;
    struct dtb_range redistributors = { 0 };
    out->gicd = where(tree, gic, 0);
    if (out->gic_version == 3) {
        dtb_reg(tree, gic, 1, &redistributors);
        out->gicr = redistributors.start;
        out->gicr_size = redistributors.size;
    } else {
        out->gicc = where(tree, gic, 1);
        out->gich = where(tree, gic, 2);
        out->gicv = where(tree, gic, 3);
    }
    int timer = dtb_find(tree, "arm,armv8-timer");
    out->maintenance_intid = intid(tree, gic, gic, 0);
    out->timer_physical_intid = intid(tree, gic, timer, TIMER_PHYSICAL);
    out->timer_virtual_intid = intid(tree, gic, timer, TIMER_VIRTUAL);
    out->timer_el2_intid = intid(tree, gic, timer, TIMER_EL2);
}

// The one that /chosen calls the console, if it is a PL011; else the first.
static int find_uart(const void *tree)
{
    int chosen = dtb_child_of_root(tree, "chosen");
    const char *path = chosen >= 0 ? dtb_string(tree, chosen, "stdout-path") : NULL;
    if (path != NULL) {
        const char *end = memchr(path, ':', strlen(path)); // what follows is its speed
        int node = fdt_path_offset_namelen(tree, path, (int)(end != NULL ? (size_t)(end - path) : strlen(path)));
        if (node >= 0 && dtb_compatible(tree, node, "arm,pl011"))
            return node;
    }
    return dtb_find(tree, "arm,pl011");
}

// The window of I/O ports, if it begins with port 0.
static void read_pci(const void *tree, struct board *out)
{
    struct dtb_range space;
    int node = dtb_find(tree, "pci-host-ecam-generic");
    if (node < 0 || !dtb_reg(tree, node, 0, &space) || dtb_cell(tree, node, "bus-range", 0, 0) != 0)
        return;
    out->ecam = space.start;
    out->ecam_size = space.size;
    int parent = dtb_parent(tree, node);
    if (parent != 0 || dtb_cell(tree, parent, "#address-cells", 0, 2) != 2)
        return;
    for (unsigned at = 0;; at += PCI_RANGE) {
        uint32_t cell[PCI_RANGE];
        for (unsigned i = 0; i < PCI_RANGE; i++)
            cell[i] = dtb_cell(tree, node, "ranges", at + i, UINT32_MAX);
        if (cell[0] == UINT32_MAX)
            return;
        if ((cell[0] & PCI_SPACE) != PCI_SPACE_IO || cell[1] != 0 || cell[2] != 0)
            continue;
        out->pci_io = (uint64_t)cell[3] << 32 | cell[4];
        out->pci_io_size = (uint64_t)cell[5] << 32 | cell[6];
        return;
    }
}

static void read_chosen(const void *tree, struct board *out)
{
    int length = 0, chosen = dtb_child_of_root(tree, "chosen");
    if (chosen < 0)
        return;
    out->start_seconds = dtb_number(tree, chosen, DTB_SECONDS);
    out->start_counter = dtb_number(tree, chosen, DTB_COUNTER);
    const void *seed = dtb_property(tree, chosen, "rng-seed", &length);
    out->has_seed = seed != NULL && length >= (int)SEED_BYTES;
    if (out->has_seed)
        memcpy(out->seed, seed, SEED_BYTES);
}

static enum psci_conduit find_psci(const void *tree)
{
    static const char *const names[] = { "arm,psci-1.0", "arm,psci-0.2" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int node = dtb_find(tree, names[i]);
        const char *method = node >= 0 ? dtb_string(tree, node, "method") : NULL;
        if (method != NULL)
            return strcmp(method, "smc") == 0 ? PSCI_SMC : strcmp(method, "hvc") == 0 ? PSCI_HVC : PSCI_NONE;
    }
    return PSCI_NONE;
}

void dtb_read_board(const void *tree, struct board *out)
{
    const char *model = dtb_string(tree, 0, "model");
    for (size_t i = 0; model != NULL && model[i] != '\0' && i + 1 < sizeof(out->model); i++)
        out->model[i] = model[i];
    read_gic(tree, out);
    out->uart = where(tree, find_uart(tree), 0);
    out->rtc = where(tree, dtb_find(tree, "arm,pl031"), 0);
    read_pci(tree, out);
    out->psci = find_psci(tree);
    read_chosen(tree, out);
}
