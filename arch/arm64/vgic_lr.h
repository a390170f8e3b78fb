// SPDX-License-Identifier: MIT
// The list registers, by which the hardware's virtual CPU interface gives interrupts to a guest (IHI 0069, chapter 6;
// IHI 0048, chapter 5). They stay loaded across exits. Whoever reads or writes the model's registers folds them first;
// whoever finds vgic_pending() folds them, too, and fills them anew.
#ifndef ARCH_ARM64_VGIC_LR_H
#define ARCH_ARM64_VGIC_LR_H

#include "devices/vgic.h"

struct vcpu;

#define LR_MAX 16 // of a GICv3; at most so many are used of the 64 that a GICv2 may have

// What the list registers of one vCPU hold.
struct lr_set {
    uint32_t       count, used; // there are so many, and the first so many are not empty
    bool           left_out;    // some had no room: maintenance is asked for
    struct vgic_lr loaded[LR_MAX];
};

// How many there are.
unsigned lr_count(void);

// The virtual CPU interface as after reset, with nothing in list registers. And: off, nothing left in it.
void lr_init(struct vcpu *vcpu);
void lr_free(struct vcpu *vcpu);

// All back into the model, as the guest left them.
void lr_fold(struct vcpu *vcpu);

// The model's best into list registers, as many as there are; to be called after lr_fold(). If some are left, the
// maintenance interrupt comes when the others are done with.
void lr_fill(struct vcpu *vcpu);

// The guest writes ICC_DIR_EL1 while some of its active interrupts have no list register.
void lr_deactivated(struct vcpu *vcpu, uint64_t intid);

// Is one list register in use, filled with this physical interrupt to be signalled, and the guest is done with it? And:
// it has come again. The model's view of it is what it was: whatever would keep it from being signalled now, or change
// how, has put the list registers back since.
bool lr_ended_alone(const struct vcpu *vcpu, unsigned intid);
void lr_again(struct vcpu *vcpu);

// With nothing in list registers: would the guest's CPU interface signal an interrupt, as its mask and its enables are?
// PSTATE does not count.
bool lr_would_signal(const struct vcpu *vcpu);

#define lr_in_use(vcpu) ((vcpu)->arch->lrs.used != 0)

#endif
