// SPDX-License-Identifier: MIT
// Ways to end the host, most exact first, when the serial ports are empty: QEMU's debug exit (its status becomes
// (status << 1) | 1), Bochs' stop (status 0), ACPI power-off, the chip set's reset register. Stops for good when none
// of them works, and when a person is to read the screen first. Called at the end of a run and by panic.
#include "arch/host.h"
#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/serial.h"
#include "arch/x86_64/host/x86.h"
#include "vmm/picture/hostscreen.h"

#define DEBUG_EXIT_PORT 0xf4 // QEMU's isa-debug-exit
#define BOCHS_PORT      0x8a00 // its iodebug device, user manual 8.6
#define BOCHS_ENABLE    0x8a00 // and what the port reads from then on
#define BOCHS_STOP      0x8ae0 // back to its own prompt, where tools/run has a "quit" waiting
#define RESET_PORT      0xcf9
#define RESET_PREPARE   0x02       // ICH data sheet 13.7.5: system reset chosen ...
#define RESET_NOW       0x06       // ... and done at this rising edge
#define PM1_SLP_EN      (1u << 13) // ACPI 4.8.3.2.1
#define PM1_SLP_TYP     10

// Ends Bochs with status 0; by ACPI it would end with a panic of its own. Nothing else is known to answer at this port.
static void bochs_stop(void)
{
    x86_out16(BOCHS_PORT, BOCHS_ENABLE);
    if (x86_in16(BOCHS_PORT) == BOCHS_ENABLE)
        x86_out16(BOCHS_PORT, BOCHS_STOP);
}

static void acpi_power_off(const struct acpi_info *acpi)
{
    if (acpi->pm1a_control == 0)
        return;
    x86_out16(acpi->pm1a_control, (uint16_t)((uint32_t)acpi->s5_type_a << PM1_SLP_TYP | PM1_SLP_EN));
    if (acpi->pm1b_control != 0)
        x86_out16(acpi->pm1b_control, (uint16_t)((uint32_t)acpi->s5_type_b << PM1_SLP_TYP | PM1_SLP_EN));
}

_Noreturn void arch_machine_exit(unsigned status)
{
    hostserial_flush();
    x86_out32(DEBUG_EXIT_PORT, status);
    bochs_stop();
    if (hostscreen_shown()) {
        hostscreen_end();
        x86_halt_forever();
    }
    acpi_power_off(acpi_host());
    for (unsigned i = 0; i < 100000; i++) // power-off is not immediate everywhere
        x86_pause();
    x86_out8(RESET_PORT, RESET_PREPARE);
    x86_out8(RESET_PORT, RESET_NOW);
    x86_halt_forever();
}
