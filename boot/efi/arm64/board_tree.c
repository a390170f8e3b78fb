// SPDX-License-Identifier: MIT
// Writes the nodes of a board (Linux, Documentation/devicetree/bindings: interrupt-controller/arm,gic*.yaml,
// timer/arm,arch_timer.yaml, serial/pl011.yaml, arm/psci.yaml): see board_tree.h. Called by start.c, and by a native
// test that reads it again.
#include "boot/efi/arm64/board_tree.h"

#include "arch/arm64/host/treewriter.h"

#define PHANDLE_GIC    1u
#define IS_SPI         0u
#define IS_PPI         1u
#define LEVEL_HIGH     4u
#define SPIS_FROM      32u
#define PPIS_FROM      16u
#define CELLS          3u // of an interrupt
#define GIC2_BYTES     0x2000u // the second page has GICC_DIR
#define GICD_BYTES     0x10000u
#define UART_BYTES     0x1000u
#define INTERRUPTS_MAX 4u
#define RANGES_MAX     4u

struct range {
    uint64_t start, size;
};

static void reg(struct writer *w, const struct range *ranges, unsigned count)
{
    fdt64_t cells[2 * RANGES_MAX];
    for (unsigned i = 0; i < count; i++) {
        cells[2 * i] = cpu_to_fdt64(ranges[i].start);
        cells[2 * i + 1] = cpu_to_fdt64(ranges[i].size);
    }
    writer_bytes(w, "reg", cells, 2 * count * sizeof(cells[0]));
}

// An INTID that is none becomes a number that none has.
static void interrupts(struct writer *w, const uint32_t *intids, unsigned count)
{
    fdt32_t cells[CELLS * INTERRUPTS_MAX];
    for (unsigned i = 0; i < count; i++) {
        bool spi = intids[i] >= SPIS_FROM;
        uint32_t from = spi ? SPIS_FROM : PPIS_FROM, none = intids[i] < PPIS_FROM;
        cells[CELLS * i] = cpu_to_fdt32(spi ? IS_SPI : IS_PPI);
        cells[CELLS * i + 1] = cpu_to_fdt32(none != 0 ? UINT32_MAX : intids[i] - from);
        cells[CELLS * i + 2] = cpu_to_fdt32(LEVEL_HIGH);
    }
    writer_bytes(w, "interrupts", cells, CELLS * count * sizeof(cells[0]));
}

static void write_gic(struct writer *w, const struct board *board)
{
    const struct range version3[] = { { board->gicd, GICD_BYTES }, { board->gicr, board->gicr_size } };
    const struct range version2[] = { { board->gicd, GIC2_BYTES / 2 }, { board->gicc, GIC2_BYTES },
                                      { board->gich, GIC2_BYTES }, { board->gicv, GIC2_BYTES } };
    writer_begin(w, "interrupt-controller");
    writer_text(w, "compatible", board->gic_version == 3 ? "arm,gic-v3" : "arm,gic-400");
    writer_cell(w, "#interrupt-cells", CELLS);
    writer_bytes(w, "interrupt-controller", NULL, 0);
    reg(w, board->gic_version == 3 ? version3 : version2, board->gic_version == 3 ? 2 : 4);
    interrupts(w, &board->maintenance_intid, 1);
    writer_cell(w, "phandle", PHANDLE_GIC);
    writer_end(w);
}

static void write_timer(struct writer *w, const struct board *board)
{
    // The first is secure, and nobody's; the binding counts by position.
    const uint32_t intids[] = { 0, board->timer_physical_intid, board->timer_virtual_intid, board->timer_el2_intid };
    writer_begin(w, "timer");
    writer_text(w, "compatible", "arm,armv8-timer");
    interrupts(w, intids, 4);
    writer_end(w);
}

static void write_psci(struct writer *w, const struct board *board)
{
    writer_begin(w, "psci");
    writer_bytes(w, "compatible", "arm,psci-1.0\0arm,psci-0.2", sizeof("arm,psci-1.0\0arm,psci-0.2"));
    writer_text(w, "method", board->psci == PSCI_SMC ? "smc" : "hvc");
    writer_end(w);
}

static void write_uart(struct writer *w, const struct board *board)
{
    writer_begin(w, "serial");
    writer_bytes(w, "compatible", "arm,pl011\0arm,primecell", sizeof("arm,pl011\0arm,primecell"));
    reg(w, &(struct range){ board->uart, UART_BYTES }, 1);
    writer_end(w);
}

bool board_tree_write(const struct board *board, void *tree, uint32_t room)
{
    struct writer w = { .tree = tree };
    writer_note(&w, fdt_create(tree, (int)room));
    writer_note(&w, fdt_finish_reservemap(tree));
    writer_begin(&w, "");
    writer_cell(&w, "#address-cells", 2);
    writer_cell(&w, "#size-cells", 2);
    writer_cell(&w, "interrupt-parent", PHANDLE_GIC);
    writer_text(&w, "model", board->model);
    write_gic(&w, board);
    write_timer(&w, board);
    if (board->psci != PSCI_NONE)
        write_psci(&w, board);
    if (board->uart != 0)
        write_uart(&w, board);
    writer_end(&w);
    writer_note(&w, fdt_finish(tree));
    return w.error == 0;
}
