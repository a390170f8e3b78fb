// SPDX-License-Identifier: MIT
// The host's interrupt controllers: the local APIC turned on with everything but its timer and NMI masked, the 8259
// pair moved away from the exceptions and masked (SDM 3A chapter 10; 8259A data sheet, ICW1..4). Called at boot
// once, by the interrupt handler for EOI, by host/timer.c for its registers.
#include "arch/x86_64/host/apic.h"

#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/base/percpu.h"

#define APIC_BASE_ENABLED (UINT64_C(1) << 11)
#define APIC_BASE_X2APIC  (UINT64_C(1) << 10)
#define APIC_BASE_ADDRESS UINT64_C(0x000ffffffffff000)
#define LVT_MASKED        0x10000u
#define LVT_NMI           0x400u
#define SPURIOUS_ENABLE   0x100u
#define IOAPIC_SELECT     0
#define IOAPIC_WINDOW     4 // in 32-bit words
#define IOAPIC_VERSION    1
#define IOAPIC_TABLE      0x10

static uintptr_t base; // of the registers; 0 in x2APIC mode

volatile uint32_t *hostapic_mmio(enum apic_register reg)
{
    return base == 0 ? NULL : (volatile uint32_t *)(base + reg);
}

uint32_t hostapic_read(enum apic_register reg)
{
    return base == 0 ? (uint32_t)x86_rdmsr(MSR_X2APIC_FIRST + reg / 16) : *hostapic_mmio(reg);
}

void hostapic_write(enum apic_register reg, uint32_t value)
{
    if (base == 0)
        x86_wrmsr(MSR_X2APIC_FIRST + reg / 16, value);
    else
        *hostapic_mmio(reg) = value;
}

void hostapic_eoi(void)
{
    hostapic_write(APIC_EOI, 0);
}

static uint32_t own_id(void)
{
    uint32_t id = hostapic_read(APIC_ID);
    return base == 0 ? id : id >> 24;
}

static void silence_8259(void)
{
    static const struct {
        uint8_t port, value;
    } sequence[] = {
        { 0x20, 0x11 },        { 0xa0, 0x11 },            // ICW1: cascade, ICW4 follows
        { 0x21, VECTOR_8259 }, { 0xa1, VECTOR_8259 + 8 }, // ICW2: vectors
        { 0x21, 0x04 },        { 0xa1, 0x02 },
        { 0x21, 0x01 },        { 0xa1, 0x01 }, // ICW3: on line 2; ICW4: 8086
        { 0x21, 0xff },        { 0xa1, 0xff }, // OCW1: all masked
    };
    for (unsigned i = 0; i < sizeof(sequence) / sizeof(sequence[0]); i++)
        x86_out8(sequence[i].port, sequence[i].value);
}

// Firmware may leave lines routed to a vector of its own: no device interrupt is wanted here (82093AA data sheet, 3.2).
static void silence_ioapics(const struct acpi_info *acpi)
{
    for (uint32_t i = 0; i < acpi->ioapic_count; i++) {
        if (acpi->ioapics[i] == 0 || acpi->ioapics[i] >= 4 * GIB)
            continue;
        volatile uint32_t *ioapic = (volatile uint32_t *)(uintptr_t)acpi->ioapics[i];
        ioapic[IOAPIC_SELECT] = IOAPIC_VERSION;
        uint32_t last = ioapic[IOAPIC_WINDOW] >> 16 & 0xff;
        for (uint32_t line = 0; line <= last && last < 240; line++) {
            ioapic[IOAPIC_SELECT] = IOAPIC_TABLE + line * 2;
            ioapic[IOAPIC_WINDOW] = LVT_MASKED;
        }
    }
}

static void enable(void)
{
    uint64_t msr = x86_rdmsr(MSR_APIC_BASE);
    bool has_x2apic = (x86_cpuid(1, 0).ecx & 1u << 21) != 0;
    // SDM 3A 10.12.5: from disabled to x2APIC only by way of xAPIC.
    if ((msr & APIC_BASE_ENABLED) == 0)
        x86_wrmsr(MSR_APIC_BASE, msr |= APIC_BASE_ENABLED);
    if (has_x2apic)
        x86_wrmsr(MSR_APIC_BASE, msr |= APIC_BASE_X2APIC);
    base = has_x2apic ? 0 : msr & APIC_BASE_ADDRESS;
    if (base >= 4 * GIB)
        panic("the local APIC is at %#lx; below 4 GiB is supported", base);
}

static void drain_in_service(void)
{
    for (unsigned guard = 0; guard < 256; guard++) {
        uint32_t any = 0;
        for (unsigned i = 0; i < 8; i++)
            any |= hostapic_read((enum apic_register)(APIC_IN_SERVICE + i * 0x10));
        if (any == 0)
            return;
        hostapic_eoi();
    }
}

void hostapic_init(void)
{
    silence_8259();
    silence_ioapics(acpi_host());
    enable();
    unsigned last_lvt = hostapic_read(APIC_VERSION) >> 16 & 0xff;
    hostapic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS); // first: LVTs stay masked while it is off
    hostapic_write(APIC_TASK_PRIORITY, 0);
    hostapic_write(APIC_LVT_LINT0, LVT_MASKED);
    hostapic_write(APIC_LVT_LINT1, LVT_NMI);
    hostapic_write(APIC_LVT_ERROR, LVT_MASKED);
    if (last_lvt >= 4)
        hostapic_write(APIC_LVT_COUNTERS, LVT_MASKED);
    if (last_lvt >= 5)
        hostapic_write(APIC_LVT_THERMAL, LVT_MASKED);
    hostapic_write(APIC_ERROR_STATUS, 0);
    drain_in_service();
    this_cpu()->shared.hardware_id = own_id();
    log_line("apic", "%s, id %u, version %#x", base == 0 ? "x2APIC" : "xAPIC", own_id(),
             hostapic_read(APIC_VERSION) & 0xff);
}
