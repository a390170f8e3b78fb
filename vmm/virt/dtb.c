// SPDX-License-Identifier: MIT
// Writes the guest's device tree, in one pass from its first node to its last, by libfdt. Called once when a VM is
// made. The addresses and interrupts are those of virt/machine.h; the nodes are named as their bindings want them.
#include "vmm/virt/dtb.h"

#include "arch/arm64/host/treewriter.h"
#include "vmm/virt/machine.h"

#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2

// The three cells of an interrupt (Linux: interrupt-controller/arm,gic.yaml). SPIs count from INTID 32, PPIs from 16.
#define IS_SPI     0
#define IS_PPI     1
#define LEVEL_HIGH 4u

#define INTID_SECURE_TIMER 29u // of worlds that the guest has not got, but the binding counts by position
#define INTID_EL2_TIMER    26u

#define GICD_V2_BYTES 0x1000u
#define GICC_BYTES    0x2000u // its second page has GICC_DIR

static void address(struct writer *w, const char *name, uint64_t value)
{
    writer_note(w, fdt_property_u64(w->tree, name, value));
}

// Ranges of physical memory: pairs of address and size, two cells each.
static void ranges(struct writer *w, const char *name, const uint64_t *pairs, unsigned count)
{
    fdt64_t cells[4] = { 0 };
    for (unsigned i = 0; i < 2 * count; i++)
        cells[i] = cpu_to_fdt64(pairs[i]);
    writer_bytes(w, name, cells, 2 * count * sizeof(cells[0]));
}

static void range(struct writer *w, uint64_t start, uint64_t size)
{
    ranges(w, "reg", (const uint64_t[]){ start, size }, 1);
}

static void spi(struct writer *w, unsigned intid)
{
    const fdt32_t cells[] = { cpu_to_fdt32(IS_SPI), cpu_to_fdt32(intid - VGIC_FIRST_SPI), cpu_to_fdt32(LEVEL_HIGH) };
    writer_bytes(w, "interrupts", cells, sizeof(cells));
}

// Several strings are one property, each with its zero.
#define TEXTS(w, name, value) writer_bytes(w, name, value, sizeof(value))

static void write_cpus(struct writer *w, unsigned cpus)
{
    writer_begin(w, "cpus");
    writer_cell(w, "#address-cells", 1);
    writer_cell(w, "#size-cells", 0);
    for (unsigned i = 0; i < cpus; i++) {
        char name[] = "cpu@0";
        name[sizeof(name) - 2] = (char)('0' + i);
        writer_begin(w, name);
        writer_text(w, "device_type", "cpu");
        writer_text(w, "compatible", "arm,armv8");
        writer_cell(w, "reg", i);
        writer_text(w, "enable-method", "psci");
        writer_end(w);
    }
    writer_end(w);
    writer_begin(w, "psci");
    TEXTS(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
    writer_text(w, "method", "hvc");
    writer_end(w);
}

static void write_chosen(struct writer *w, const struct guest_dtb *board)
{
    writer_begin(w, "chosen");
    writer_text(w, "bootargs", board->cmdline);
    writer_text(w, "stdout-path", "/serial@9000000");
    if (board->initrd_start != board->initrd_end) {
        address(w, "linux,initrd-start", board->initrd_start);
        address(w, "linux,initrd-end", board->initrd_end);
    }
    if (board->seed != NULL)
        writer_bytes(w, "rng-seed", board->seed, SEED_BYTES);
    writer_end(w);
}

static void write_gic(struct writer *w, const struct guest_dtb *board)
{
    const uint64_t frames[2][4] = {
        { VIRT_GICD, GICD_V2_BYTES, VIRT_GICC, GICC_BYTES },
        { VIRT_GICD, VGICD_SIZE, VIRT_GICR, (uint64_t)VGICR_SIZE * board->cpus },
    };
    writer_begin(w, "interrupt-controller@8000000");
    writer_text(w, "compatible", board->gic_version == 3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
    ranges(w, "reg", frames[board->gic_version == 3], 2);
    writer_bytes(w, "interrupt-controller", NULL, 0);
    writer_cell(w, "#interrupt-cells", 3);
    writer_cell(w, "#address-cells", 0);
    writer_cell(w, "phandle", PHANDLE_GIC);
    writer_end(w);
}

// By position: secure, non-secure physical, virtual, hypervisor's. A GICv2's third cell also names the CPUs.
static void write_timer(struct writer *w, const struct guest_dtb *board)
{
    static const uint8_t intids[] = { INTID_SECURE_TIMER, INTID_PHYSICAL_TIMER, INTID_VIRTUAL_TIMER, INTID_EL2_TIMER };
    uint32_t flags = LEVEL_HIGH | (board->gic_version == 2 ? ((1u << board->cpus) - 1) << 8 : 0);
    fdt32_t cells[sizeof(intids)][3];
    for (unsigned i = 0; i < sizeof(intids); i++) {
        cells[i][0] = cpu_to_fdt32(IS_PPI);
        cells[i][1] = cpu_to_fdt32(intids[i] - VGIC_FIRST_PPI);
        cells[i][2] = cpu_to_fdt32(flags);
    }
    writer_begin(w, "timer");
    writer_text(w, "compatible", "arm,armv8-timer");
    writer_bytes(w, "interrupts", cells, sizeof(cells));
    writer_bytes(w, "always-on", NULL, 0);
    writer_end(w);
}

static void write_devices(struct writer *w)
{
    const fdt32_t clocks[] = { cpu_to_fdt32(PHANDLE_CLOCK), cpu_to_fdt32(PHANDLE_CLOCK) };
    writer_begin(w, "clock-24000000");
    writer_text(w, "compatible", "fixed-clock");
    writer_cell(w, "#clock-cells", 0);
    writer_cell(w, "clock-frequency", PL011_CLOCK_HZ);
    writer_text(w, "clock-output-names", "clk24mhz");
    writer_cell(w, "phandle", PHANDLE_CLOCK);
    writer_end(w);
    writer_begin(w, "serial@9000000");
    TEXTS(w, "compatible", "arm,pl011\0arm,primecell");
    range(w, VIRT_UART, PL011_SIZE);
    spi(w, INTID_UART);
    writer_bytes(w, "clocks", clocks, sizeof(clocks));
    TEXTS(w, "clock-names", "uartclk\0apb_pclk");
    writer_end(w);
    writer_begin(w, "rtc@9010000");
    TEXTS(w, "compatible", "arm,pl031\0arm,primecell");
    range(w, VIRT_RTC, PL031_SIZE);
    spi(w, INTID_RTC);
    writer_bytes(w, "clocks", clocks, sizeof(clocks[0]));
    writer_text(w, "clock-names", "apb_pclk");
    writer_end(w);
}

_Static_assert(VIRT_GICD == 0x8000000 && VIRT_UART == 0x9000000 && VIRT_RTC == 0x9010000 &&
               MACHINE_RAM_BASE == 0x40000000 && PL011_CLOCK_HZ == 24000000,
               "the names of the nodes have these addresses, and this rate");

bool guest_dtb_build(const struct guest_dtb *board, void *place)
{
    struct writer w = { .tree = place };
    writer_note(&w, fdt_create(place, (int)GUEST_DTB_BYTES));
    writer_note(&w, fdt_finish_reservemap(place));
    writer_begin(&w, "");
    writer_text(&w, "compatible", "linux,dummy-virt");
    writer_text(&w, "model", "Escapement, the board of an arm64 guest");
    writer_cell(&w, "#address-cells", 2);
    writer_cell(&w, "#size-cells", 2);
    writer_cell(&w, "interrupt-parent", PHANDLE_GIC);
    write_chosen(&w, board);
    writer_begin(&w, "memory@40000000");
    writer_text(&w, "device_type", "memory");
    range(&w, board->ram_base, board->ram_bytes);
    writer_end(&w);
    write_cpus(&w, board->cpus);
    write_gic(&w, board);
    write_timer(&w, board);
    write_devices(&w);
    writer_end(&w);
    writer_note(&w, fdt_finish(place));
    return w.error == 0;
}
