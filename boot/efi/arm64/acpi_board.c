// SPDX-License-Identifier: MIT
// MADT, GTDT, FADT and SPCR into struct board: see acpi_board.h. Called by start.c with the firmware's tables, and by
// the native tests with damaged ones.
#include "boot/efi/arm64/acpi_board.h"

#include <string.h>

#include "vmm/base/acpi_table.h"
#include "vmm/base/format.h"

#define MADT_PARTS   44u
#define PART_GICC    0x0bu // 5.2.12.14
#define PART_GICD    0x0cu // 5.2.12.15
#define PART_GICR    0x0eu // 5.2.12.17
#define GICC_ENABLED 1u
#define GICR_BYTES   UINT64_C(0x20000) // two frames: one processor's
#define AFFINITY     UINT64_C(0xff00ffffff)
#define PSCI_THERE   1u // FADT's ARM_BOOT_ARCH, 5.2.9.4
#define PSCI_BY_HVC  2u
#define SPCR_PL011   3u // Microsoft's Debug Port Table 2, its subtypes of serial ports
#define IN_MEMORY    0u // 5.2.3.2: a generic address of this space
#define INTID_END    1020u

struct found {
    struct board *board;
    uint64_t      mpidr;
    uint64_t      gicr_own;
    uint64_t      gicr, gicr_size; // the first range of redistributors
    uint32_t      gic_said;        // its version
    uint32_t      damaged;
    bool          own; // this processor's part was found
};

static uint32_t intid(struct acpi_table table, uint32_t at)
{
    uint64_t number = acpi_field(table, at, 4);
    return number < INTID_END ? (uint32_t)number : 0;
}

// The first processor's part until this one's is found: but for redistributors they say the same.
static void read_gicc(struct acpi_table part, struct found *found)
{
    struct board *board = found->board;
    bool own = (acpi_field(part, 68, 8) & AFFINITY) == (found->mpidr & AFFINITY);
    if ((acpi_field(part, 12, 4) & GICC_ENABLED) == 0 || found->own || (!own && board->maintenance_intid != 0))
        return;
    found->own = own;
    board->maintenance_intid = intid(part, 56);
    board->gicc = acpi_field(part, 32, 8);
    board->gicv = acpi_field(part, 40, 8);
    board->gich = acpi_field(part, 48, 8);
    if (own)
        found->gicr_own = acpi_field(part, 60, 8);
}

static void read_madt(struct acpi_table madt, struct found *found)
{
    struct acpi_table part;
    for (uint32_t at = MADT_PARTS; acpi_next_part(madt, &at, &part);) {
        switch (part.bytes[0]) {
        case PART_GICC: read_gicc(part, found); break;
        case PART_GICD:
            found->board->gicd = acpi_field(part, 8, 8);
            found->gic_said = (uint32_t)acpi_field(part, 20, 1);
            break;
        case PART_GICR:
            if (found->gicr == 0) {
                found->gicr = acpi_field(part, 4, 8);
                found->gicr_size = acpi_field(part, 12, 4);
            }
            break;
        default: break;
        }
    }
}

// Version 4 is 3 with more; 0 is none said.
static void settle_gic(struct found *found)
{
    struct board *board = found->board;
    bool redistributors = found->gicr != 0 || found->gicr_own != 0;
    if (board->gicd == 0)
        return;
    if (found->gic_said >= 3 || (found->gic_said == 0 && redistributors)) {
        board->gic_version = redistributors ? 3 : 0;
        board->gicr = found->gicr != 0 ? found->gicr : found->gicr_own;
        board->gicr_size = found->gicr != 0 ? found->gicr_size : GICR_BYTES;
        board->gicc = board->gich = board->gicv = 0;
    } else {
        board->gic_version = board->gicc != 0 ? 2 : 0;
    }
}

// 5.2.24.
static void read_gtdt(struct acpi_table gtdt, struct board *board)
{
    board->timer_physical_intid = intid(gtdt, 56);
    board->timer_virtual_intid = intid(gtdt, 64);
    board->timer_el2_intid = intid(gtdt, 72);
}

static void read_fadt(struct acpi_table fadt, struct board *board)
{
    uint64_t flags = acpi_field(fadt, 129, 2);
    if ((flags & PSCI_THERE) != 0)
        board->psci = (flags & PSCI_BY_HVC) != 0 ? PSCI_HVC : PSCI_SMC;
}

static void read_spcr(struct acpi_table spcr, struct board *board)
{
    if (acpi_field(spcr, 36, 1) == SPCR_PL011 && acpi_field(spcr, 40, 1) == IN_MEMORY)
        board->uart = acpi_field(spcr, 44, 8);
}

// Who made it, and what it is: 6 and 8 characters, padded with blanks or zeros.
static void read_model(struct acpi_table table, struct board *board)
{
    char text[15];
    unsigned used = 0;
    for (unsigned i = 0; i < 14; i++) {
        uint8_t c = table.bytes[10 + i];
        if (c > ' ' && c < 0x7f)
            text[used++] = (char)c;
        else if (used > 0 && text[used - 1] != ' ')
            text[used++] = ' ';
    }
    while (used > 0 && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
    format(board->model, sizeof(board->model), "ACPI: %s", text);
}

static void read_table(struct acpi_table table, struct found *found)
{
    if (acpi_is(table, "APIC"))
        read_madt(table, found);
    else if (acpi_is(table, "GTDT"))
        read_gtdt(table, found->board);
    else if (acpi_is(table, "FACP"))
        read_fadt(table, found->board);
    else if (acpi_is(table, "SPCR"))
        read_spcr(table, found->board);
}

bool acpi_board_read(const struct memory_window *memory, const uint8_t *rsdp, uint32_t size, uint64_t mpidr,
                     struct board *out, struct refusal *refusal)
{
    struct acpi_root root;
    struct acpi_table table;
    struct found found = { .board = out, .mpidr = mpidr };
    memset(out, 0, sizeof(*out));
    if (!acpi_find_root(memory, rsdp, size, &root))
        return REFUSAL(refusal, "the firmware's ACPI tables are damaged: neither XSDT nor RSDT can be read");
    read_model(root.table, out);
    for (uint32_t i = 0; i < root.count; i++) {
        if (acpi_root_table(memory, &root, i, &table))
            read_table(table, &found);
        else
            found.damaged++;
    }
    settle_gic(&found);
    if (out->gic_version == 0)
        return REFUSAL(refusal, "the firmware's ACPI names no interrupt controller of version 2 or 3 (MADT); %u of its "
                                "%u tables are damaged", found.damaged, root.count);
    if (out->timer_el2_intid == 0)
        return REFUSAL(refusal, "the firmware's ACPI names no timer of EL2 (GTDT); %u of its %u tables are damaged",
                       found.damaged, root.count);
    return true;
}
