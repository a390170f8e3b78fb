// SPDX-License-Identifier: MIT
// The interrupt controller that an arm64 guest sees: the distributor of a GICv2 (Arm IHI 0048B.b), or the distributor
// and the redistributors of a GICv3 (IHI 0069, sections numbered as in issue G) with affinity routing on for good and
// one security state (GICD_CTLR.DS and ARE read as one). The CPU interface is the hardware's virtual one: this model
// says which interrupts ought to be in its list registers and takes back what the guest made of them there.
//
// It owns the state of every interrupt that is not in a list register. vgic_take() lends one to a list register,
// vgic_put_back() folds it in again. Before an access to its registers everything is to be put back: then each register
// shows and changes the truth. No time passes in this device.
//
// What the manuals leave open is decided here once:
//   interrupts        64: SGIs 0..15, PPIs 16..31, SPIs 32..63; registers of others are reserved
//   reserved          reads 0, writes are lost; so does an access of a width or alignment that the register has not got
//   widths            32 bits; 8 for priorities, targets and the SGI bytes; 64 for GICD_IROUTER and GICR_TYPER
//   priorities        five bits: a list register of a GICv2 has no more, and QEMU's GICv3 neither
//   PPIs              level-sensitive, which GICD_ICFGR1 and GICR_ICFGR1 show and do not change
//   SGIs of a GICv2   always enabled; GICD_ISPENDR0 shows them and does not change them
//   a level's latch   ISPENDR makes a level-sensitive interrupt pending until it is acknowledged or ICPENDR says no
//   targets           GICD_ITARGETSR keeps CPU 0's bit, as KVM's does, where IHI 0048, 4.3.12, lets one CPU have none;
//                     it decides nothing. GICD_IROUTER counts
//   GICR_WAKER        awake, as firmware leaves it; a sleeping redistributor asks to be woken and is at once
#ifndef DEVICES_VGIC_H
#define DEVICES_VGIC_H

#include "devices/device.h"

#define VGIC_CPUS       1
#define VGIC_SPIS       32
#define VGIC_FIRST_PPI  16u
#define VGIC_FIRST_SPI  32u
#define VGIC_INTIDS     (VGIC_FIRST_SPI + VGIC_SPIS)

#define VGICD_SIZE      0x10000u // of the page of a GICv2 nobody answers beyond 4 KiB
#define VGICR_SIZE      0x20000u // of each CPU

// 32 interrupts that share their registers: those of one CPU, or the SPIs.
struct vgic_bank {
    uint32_t enabled, group1;
    uint32_t edge;   // configured edge-triggered; the others are level-sensitive
    uint32_t level;  // of the inputs
    uint32_t latch;  // pending by an edge, an SGI, or a write
    uint32_t active; // of one in a list register: as it was put there
    uint32_t listed; // in a list register
    uint32_t listed_pending; // and was pending and not active when it was put there
    uint32_t hw;             // the input is a physical interrupt
    uint32_t deferred;       // written while they were active: from their end on the group and the priority are ...
    uint32_t next_group1;
    uint8_t  next_priority[32];
    uint8_t  priority[32];
    uint16_t hw_intid[32];
    uint32_t reserved[5]; // 192 bytes: a bank is found by a shift and an addition
};

struct vgic {
    uint32_t version, cpus;
    uint32_t control;              // GICD_CTLR, the group enables
    uint32_t ready[VGIC_CPUS][2];  // of its own interrupts and the SPIs: what ought to go into list registers, or out
    uint32_t wanted[VGIC_CPUS][2]; // enabled, in an enabled group, for this CPU
    uint32_t waker[VGIC_CPUS];
    uint32_t routed[VGIC_CPUS]; // the SPIs that go to this CPU
    uint64_t router[VGIC_SPIS]; // GICD_IROUTER
    uint32_t targeted; // the SPIs whose GICD_ITARGETSR names CPU 0
    uint32_t deferring; // not 0: some interrupt is deferred
    struct vgic_bank bank[VGIC_CPUS + 1]; // the last one: the SPIs
};

// What a list register holds.
struct vgic_lr {
    uint32_t intid;
    uint32_t hw_intid;
    uint8_t  priority;
    uint8_t  source_cpu; // of an SGI, for a GICv2
    bool     group1;
    bool     pending, active;
    bool     tell_end; // its end must be seen: it may be pending then
    bool     hw;    // the guest's deactivation deactivates the physical interrupt hw_intid
};

// As after reset, for this many CPUs, at most VGIC_CPUS: affinities 0.0.0.0, 0.0.0.1 and so on.
void vgic_init(struct vgic *v, unsigned version, unsigned cpus);

extern const struct device_ops vgicd_ops; // the distributor
extern const struct device_ops vgicr_ops; // the redistributors of all CPUs, VGICR_SIZE apart; GICv3 only

// The level of an input, PPI or SPI. One that is configured edge-triggered latches the rise.
void vgic_set_line(struct vgic *v, unsigned cpu, unsigned intid, bool level);

// This PPI is a physical interrupt, which stays active in the host's GIC until the guest deactivates its own. The model
// does not see the end of it: after a fold somebody says anew what the level is.
void vgic_set_hw(struct vgic *v, unsigned cpu, unsigned intid, unsigned hw_intid);

// A CPU writes ICC_SGI1R_EL1, ICC_SGI0R_EL1: the second reaches interrupts of group 0 alone (IHI 0069, 12.2.21).
void vgic_sgi(struct vgic *v, unsigned from_cpu, uint64_t icc_sgi1r);
void vgic_sgi_group0(struct vgic *v, unsigned from_cpu, uint64_t icc_sgi0r);

// The list registers of this CPU are to be folded and filled anew: an interrupt could go into one, or what is in one
// is no longer so. Never true, with no list register in use, unless vgic_take() has something to give.
static inline bool vgic_pending(const struct vgic *v, unsigned cpu)
{
    return (v->ready[cpu][0] | v->ready[cpu][1]) != 0;
}

// Does an interrupt wait that the CPU interface would signal, with this priority mask and these groups (bits 0 and 1)
// enabled? What ends a WFI. To be asked with nothing in list registers.
bool vgic_signals(const struct vgic *v, unsigned cpu, uint8_t priority_mask, uint32_t groups);

// The interrupt that most ought to be in a list register, is in none, and now is; its INTID, -1 if there is none. First
// the best of the pending ones, which no number of active ones may keep from the CPU, then the active ones, then the
// other pending ones; each in order of priority, then of number.
int vgic_take(struct vgic *v, unsigned cpu, struct vgic_lr *out);

// The list registers are full: until something changes, vgic_pending() says nothing of what is left. Before the next
// vgic_put_back(), vgic_ended_unlisted() is to be called.
void vgic_settle(struct vgic *v, unsigned cpu);

// Active or pending interrupts are left for which there was no list register.
bool vgic_left_active(const struct vgic *v, unsigned cpu);
bool vgic_left_pending(const struct vgic *v, unsigned cpu);

// A list register is empty again; `lr` is what vgic_take() gave, with pending and active as the hardware left them.
void vgic_put_back(struct vgic *v, unsigned cpu, const struct vgic_lr *lr);

// After the last of them.
void vgic_folded_deferred(struct vgic *v, unsigned cpu);
static inline void vgic_folded(struct vgic *v, unsigned cpu)
{
    if (v->deferring != 0)
        vgic_folded_deferred(v, cpu);
}

// The guest has deactivated this many interrupts that were in no list register (EOIcount). The hardware does not say
// which: they end in the order in which nested handlers do, the highest priority first.
void vgic_ended_unlisted(struct vgic *v, unsigned cpu, unsigned count);

// The guest has deactivated this interrupt, which is in no list register; any number, nothing else happens.
void vgic_deactivate(struct vgic *v, unsigned cpu, uint64_t intid);

// Pending or active: somebody will deactivate it. To be asked with nothing in list registers.
bool vgic_is_live(const struct vgic *v, unsigned cpu, unsigned intid);

#endif
