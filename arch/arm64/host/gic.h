// SPDX-License-Identifier: MIT
// The host's interrupt controller, a GICv3 by its system registers or a GICv2 by its frames: found in the device tree,
// silenced, and asked for what has come. EL2 never takes an interrupt: it asks, and the end of one has two halves, so
// that an interrupt can stay active while the guest works on it (EOImode 1: IHI 0069, 4.4; IHI 0048, 3.2.1).
#ifndef ARCH_ARM64_HOST_GIC_H
#define ARCH_ARM64_HOST_GIC_H

#include <stdbool.h>
#include <stdint.h>

struct board;
struct refusal;

// Every interrupt disabled, none pending or active, but for those the monitor lives by: its own timer, the guest's, and
// the maintenance of list registers. False: there is no such controller, or it will not do.
bool hostgic_init(const struct board *at, struct refusal *refusal);

unsigned hostgic_version(void); // 2 or 3

// Version 2: the hypervisor's control registers, and the page that stage 2 shows a guest as its CPU interface; 0 in
// version 3.
uint64_t hostgic_gich(void);
uint64_t hostgic_gicv_page(void);

// The interrupt that is now active and keeps lower ones away; 1020 and above: there is none.
unsigned hostgic_acknowledge(void);
void hostgic_drop(unsigned intid); // the others may come again; once for each that was acknowledged

// A PPI may come again; or must not, as if it had been acknowledged and dropped. Whatever its state was.
void hostgic_deactivate(unsigned intid);
void hostgic_activate(unsigned intid);

void hostgic_enable_ppi(unsigned intid);

#endif
