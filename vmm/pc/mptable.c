// SPDX-License-Identifier: MIT
// The MP table as bytes: processors, the ISA bus, the IOAPIC and which interrupt is on which of its inputs, the same
// facts as the MADT has. Called once when a VM is made; writes only [GUEST_MPTABLE_BASE, 1 MiB) of the guest's memory.
// Pure. Section numbers are those of the MultiProcessor Specification 1.4.
#include "vmm/pc/bios.h"
#include "vmm/pc/tables.h"
#include "vmm/base/guestmem.h"

#define POINTER_BYTES     16  // 4.1
#define HEADER_BYTES      44  // 4.2
#define PROCESSOR_BYTES   20  // 4.3.1; all others have 8
#define ENTRY_BYTES       8
#define ENTRY_PROCESSOR   0
#define ENTRY_BUS         1
#define ENTRY_IOAPIC      2
#define ENTRY_INTERRUPT   3
#define ENTRY_LOCAL       4
#define INTERRUPT_INT     0 // 4.3.4
#define INTERRUPT_NMI     1
#define INTERRUPT_EXTINT  3
#define CPU_ENABLED       1
#define CPU_BOOT          2
#define IOAPIC_ENABLED    1
#define LAPIC_VERSION     0x14
#define IOAPIC_VERSION    0x20
#define SPEC_REVISION     4
#define ISA_BUS           0
#define ISA_INTERRUPTS    16
#define CASCADE           2    // not an interrupt: the second 8259 is there
#define ALL_LAPICS        0xff
// 4.3.1: for a processor without CPUID. A guest that can ask the processor does.
#define CPU_SIGNATURE     0x600
#define CPU_FEATURES      0x201 // FPU, APIC

static uint8_t *put_processor(uint8_t *at, unsigned id)
{
    at[0] = ENTRY_PROCESSOR;
    at[1] = (uint8_t)id;
    at[2] = LAPIC_VERSION;
    at[3] = CPU_ENABLED | (id == 0 ? CPU_BOOT : 0);
    put32(at + 4, CPU_SIGNATURE);
    put32(at + 8, CPU_FEATURES);
    return at + PROCESSOR_BYTES;
}

static uint8_t *put_bus(uint8_t *at)
{
    at[0] = ENTRY_BUS;
    at[1] = ISA_BUS;
    memcpy(at + 2, "ISA   ", 6);
    return at + ENTRY_BYTES;
}

static uint8_t *put_ioapic(uint8_t *at, unsigned id)
{
    at[0] = ENTRY_IOAPIC;
    at[1] = (uint8_t)id;
    at[2] = IOAPIC_VERSION;
    at[3] = IOAPIC_ENABLED;
    put32(at + 4, GUEST_IOAPIC_ADDRESS);
    return at + ENTRY_BYTES;
}

static uint8_t *put_interrupt(uint8_t *at, uint8_t entry, uint8_t type, unsigned irq, unsigned apic, unsigned input)
{
    at[0] = entry;
    at[1] = type;
    put16(at + 2, irq == GUEST_SCI_INTERRUPT ? INTERRUPT_LEVEL_HIGH : INTERRUPT_AS_BUS);
    at[4] = ISA_BUS;
    at[5] = (uint8_t)irq;
    at[6] = (uint8_t)apic;
    at[7] = (uint8_t)input;
    return at + ENTRY_BYTES;
}

static uint8_t *put_interrupts(uint8_t *at, unsigned ioapic)
{
    for (unsigned irq = 0; irq < ISA_INTERRUPTS; irq++) {
        if (irq != CASCADE)
            at = put_interrupt(at, ENTRY_INTERRUPT, INTERRUPT_INT, irq, ioapic, irq == 0 ? GUEST_PIT_INPUT : irq);
    }
    at = put_interrupt(at, ENTRY_LOCAL, INTERRUPT_EXTINT, 0, ALL_LAPICS, 0); // the 8259 is on LINT0
    return put_interrupt(at, ENTRY_LOCAL, INTERRUPT_NMI, 0, ALL_LAPICS, 1);
}

// The IOAPIC's id follows those of the processors.
static void build_table(uint8_t *table, unsigned cpus)
{
    uint8_t *at = table + HEADER_BYTES;

    for (unsigned cpu = 0; cpu < cpus; cpu++)
        at = put_processor(at, cpu);
    at = put_bus(at);
    at = put_ioapic(at, cpus);
    at = put_interrupts(at, cpus);
    memcpy(table, "PCMP", 4);
    put16(table + 4, (uint16_t)(at - table));
    table[6] = SPEC_REVISION;
    memcpy(table + 8, "ESCAPE  ", 8);
    memcpy(table + 16, "ESCAPEMENT  ", 12);
    put16(table + 34, (uint16_t)(cpus + 2 + ISA_INTERRUPTS - 1 + 2));
    put32(table + 36, GUEST_LAPIC_ADDRESS);
    table[7] = checksum(table, (uint32_t)(at - table));
}

void guest_mptable_build(struct guest_ram ram, unsigned cpus)
{
    uint8_t *pointer = guest_pointer(ram, (gpa){ GUEST_MPTABLE_BASE }, MIB - GUEST_MPTABLE_BASE);

    if (pointer == NULL)
        return;
    if (cpus > GUEST_CPUS_MAX)
        cpus = GUEST_CPUS_MAX;
    memset(pointer, 0, MIB - GUEST_MPTABLE_BASE);
    build_table(pointer + POINTER_BYTES, cpus);
    memcpy(pointer, "_MP_", 4);
    put32(pointer + 4, GUEST_MPTABLE_BASE + POINTER_BYTES);
    pointer[8] = 1; // in units of 16 bytes
    pointer[9] = SPEC_REVISION;
    pointer[10] = checksum(pointer, POINTER_BYTES); // features: 0, a table is there and the 8259 is not behind an IMCR
}
