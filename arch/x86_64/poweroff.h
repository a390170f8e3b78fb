// SPDX-License-Identifier: MIT
// The end of the machine.
#ifndef ARCH_X86_64_POWEROFF_H
#define ARCH_X86_64_POWEROFF_H

// Flushes the serial ports, then tries in turn: QEMU's debug exit (its status becomes (status << 1) | 1), Bochs' stop
// (status 0), ACPI power-off, the chip set's reset register. Stops for good when none of them works.
_Noreturn void machine_exit(unsigned status);

#endif
