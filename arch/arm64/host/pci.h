// SPDX-License-Identifier: MIT
// A second port for the log: the first 16550 on the host's PCI bus (QEMU's -device pci-serial). Every wait is
// bounded.
#ifndef ARCH_ARM64_HOST_PCI_H
#define ARCH_ARM64_HOST_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Looks for it on bus 0. Once, after paging_early().
void hostpci_init(void);

// Is there one that takes bytes?
bool hostpci_has_serial(void);
void hostpci_write(const uint8_t *bytes, size_t size);

// Waits, bounded, until everything written has left the chip.
void hostpci_flush(void);

#endif
