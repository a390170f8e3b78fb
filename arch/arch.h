// SPDX-License-Identifier: MIT
// The seam, upper half: everything that vmm/ asks of an architecture to run guests; arch/host.h is the lower half, the
// host itself. A function is here only because neutral code cannot do it. Unless said otherwise: called on the CPU
// that owns the vCPU, interrupts off, no locks held, cannot fail.
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "arch/host.h"
#include "vmm/base/entry.h"
#include "vmm/base/exit.h"

struct vm;
struct vcpu;

// --- the host ------------------------------------------------------------------------------------------------------

// Finds the virtualization hardware, turns it on for this CPU and calibrates the world switch. False: not possible
// here, the refusal says what is missing and what to do.
bool arch_virtualization_init(struct refusal *refusal);

// What every guest on this host may be promised: a line for the log.
const char *arch_description(void);

// Takes whatever host interrupts are pending, through the host's own handlers. Some are about the vCPU that runs here;
// null where none is.
void arch_take_interrupts(struct vcpu *vcpu);

// The host waits, doing nothing, until the counter reaches `until` or any host interrupt arrives, and takes that.
void arch_idle(struct vcpu *vcpu, htime_t until);

// --- one VM --------------------------------------------------------------------------------------------------------

// Maps ram at its guest-physical base and nothing else, but for what the hardware itself shows a guest. False: out of
// memory.
bool arch_vm_init(struct vm *vm);
void arch_vm_free(struct vm *vm);

// Before the first entry of a VM: of what the CPU has learned from another's guest, or from the monitor's work for it,
// nothing is left that this one could read or be led by, as far as the CPU has barriers for that.
void arch_forget_guest(void);

// --- one vCPU ------------------------------------------------------------------------------------------------------

// Allocates the hardware's control structures and sets the first instruction; fills in vcpu->alarm_doubt, never_ahead
// and no_step. False: out of memory.
bool arch_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry);
void arch_vcpu_free(struct vcpu *vcpu);

// Runs the guest, whose counter continues from V, until an exit that the run loop has to see. Exits of the short way
// are booked and answered before that, each with a slice of its own; *slice is the last one, which exit->booked says is
// booked, too. alarm_cycles: cycles of V after which the alarm ends it (as exactly as the hardware can), or
// ARCH_ONE_STEP: it ends after one instruction, or after the delivery of the event that was injected, whatever the
// guest does, and the guest cannot see that it was stepped. Not to be asked for where vcpu->no_step says why it cannot
// be had. The slice is what the ledger needs; the exit is decoded.
#define ARCH_ONE_STEP UINT64_C(0)
struct slice {
    htime_t  t0, t1;
    uint64_t cost_cycles; // calibrated t1 - t0 of an empty guest for this kind of exit
};
void arch_vcpu_enter(struct vcpu *vcpu, uint64_t alarm_cycles, struct slice *slice, struct exit *exit);

// Can an interrupt of the guest, or its NMI, be injected at this very boundary? Where the hardware keeps injected
// interrupts until the guest lets them in (arm64's list registers), always, but that a halted guest takes only what
// wakes it; else (x86) not while the guest holds them back or another event is being injected.
enum arch_event { ARCH_INTERRUPT, ARCH_NMI };
bool arch_vcpu_can_take(const struct vcpu *vcpu, enum arch_event event);

// One event. `vector` is the interrupt's, as machine_acknowledge() gave it; an NMI has none.
void arch_vcpu_inject(struct vcpu *vcpu, enum arch_event event, unsigned vector);

// The guest must exit at the first boundary where it is interruptible, if the hardware does not see to that by itself.
void arch_vcpu_want_window(struct vcpu *vcpu, bool want);

// The guest waits for an interrupt: steps over the instruction and sets vcpu->halted, unless something wakes it at
// once. And: could a pending interrupt wake it, as its masks are now?
void arch_vcpu_halt(struct vcpu *vcpu, unsigned length);
bool arch_vcpu_can_wake(const struct vcpu *vcpu);

// Completes an exit that is about one instruction of the guest: identification, system registers, faults, calls of the
// monitor and of firmware, port and memory accesses, fetching and decoding as far as needed, calling vmm/machine.h for
// a device's part, the step over it included. Of the monitor's calls hypercall_oracle() comes first. May end the VM
// (vm_kill) when the guest does what this version cannot emulate.
void arch_vcpu_emulate(struct vcpu *vcpu, const struct exit *exit);

// Tells the guest, where it wants to know, that its VM was paused: a watchdog of its own must not count that time.
// Called before the first entry after a pause, never when it begins: a flag set then could be lost in between.
void arch_vcpu_was_paused(struct vcpu *vcpu);

// The vCPU's own clocks for the report: how many were written.
struct clock_reading;
unsigned arch_vcpu_clocks(struct vcpu *vcpu, struct clock_reading *out);

// Prints the vCPU's registers and the bytes at its instruction pointer, for a record.
void arch_vcpu_record(struct vcpu *vcpu);

#endif
