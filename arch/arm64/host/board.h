// SPDX-License-Identifier: MIT
// What the host's device tree says about the host, once, at boot: where its parts are and which interrupts they
// have. Addresses are physical; 0: the host has none of these.
#ifndef ARCH_ARM64_HOST_BOARD_H
#define ARCH_ARM64_HOST_BOARD_H

#include "vmm/base/seed.h"
#include "vmm/base/types.h"

#define DTB_BYTES_MAX (2 * MIB) // the device tree's; Linux, booting.rst

enum psci_conduit { PSCI_NONE, PSCI_SMC, PSCI_HVC };

struct board {
    char     model[48];             // the root's compatible or model, for the log
    unsigned gic_version;           // 2 or 3; 0: none that is known
    uint64_t gicd;                  // distributor, 64 KiB (version 2: 4 KiB)
    uint64_t gicr, gicr_size;       // version 3: the first region of redistributors
    uint64_t gicc, gich, gicv;      // version 2: CPU interface, hypervisor's and virtual CPU interface
    uint32_t maintenance_intid;     // of the GIC's virtual half
    uint32_t timer_el2_intid;       // CNTHP
    uint32_t timer_virtual_intid;   // CNTV
    uint32_t timer_physical_intid;  // CNTP
    uint64_t uart;                  // PL011 of the console
    uint64_t rtc;                   // PL031
    uint64_t ecam, ecam_size;       // PCI configuration space; its first bus is number 0
    uint64_t pci_io, pci_io_size;   // where the PCI bus's I/O ports are, from port 0 on
    enum psci_conduit psci;
    uint64_t start_seconds, start_counter; // time of day as the firmware said it, since 1970, and the counter then
    bool     has_seed;              // the loader gave the host bytes of chance
    uint8_t  seed[SEED_BYTES];
};

// All zero before the device tree was read.
const struct board *board(void);
void board_set(const struct board *from);

// Bytes of chance for one guest, others with each call. False: the host has none.
bool board_take_seed(uint8_t out[SEED_BYTES]);

#endif
