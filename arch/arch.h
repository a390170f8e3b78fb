// SPDX-License-Identifier: MIT
// The seam: everything that vmm/ asks of an architecture. A function is here only because neutral code cannot do it.
// Unless said otherwise: called on the CPU that owns the vCPU, interrupts off, no locks held, cannot fail.
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "time/units.h"
#include "time/vtime.h"
#include "vmm/exit.h"
#include "vmm/loader.h"
#include "vmm/types.h"

struct vm;
struct vcpu;

// --- the machine ---------------------------------------------------------------------------------------------------

// Finds the virtualization hardware, turns it on for this CPU and calibrates the world switch. False: not possible
// here, the refusal says what is missing and what to do.
bool arch_virtualization_init(struct refusal *refusal);

htime_t  arch_counter_read(void);

// What is known of the counter: its rate, which clocks said so, and which one was not believed ("" if none); and how it
// can be scaled for a guest, known once virtualization is on.
struct counter {
    uint64_t               hz; // 0 before it is known
    const char            *origin, *doubt;
    struct tscscale_format scaling;
};
const struct counter  *arch_counter(void);
static inline uint64_t arch_counter_hz(void) { return arch_counter()->hz; }

// Takes whatever host interrupts are pending, through the host's own handlers.
void arch_take_interrupts(void);

// The host waits, doing nothing, until the counter reaches `until` or any host interrupt arrives.
void arch_idle(htime_t until);

// Seconds since 1970 of the machine's wall clock, now; 0 when it has none that can be believed.
uint64_t arch_wall_seconds(void);

// The machine's console: bytes out (bounded wait, dropped when nobody listens), one byte in or -1.
void arch_console_write(const uint8_t *bytes, size_t count);
int  arch_console_read(void);

// Ends the machine; the status is what an emulator's debug exit port gets.
_Noreturn void arch_machine_exit(unsigned status);

// What every guest on this machine may be promised: a line for the log.
const char *arch_description(void);

// --- one VM --------------------------------------------------------------------------------------------------------

// Maps ram at guest-physical 0 and nothing else. False: out of memory.
bool arch_vm_init(struct vm *vm);
void arch_vm_free(struct vm *vm);

// --- one vCPU ------------------------------------------------------------------------------------------------------

// Allocates the hardware's control structures and sets the first instruction; fills in vcpu->alarm_doubt and no_step.
// False: out of memory.
bool arch_vcpu_init(struct vcpu *vcpu, const struct entry_state *entry);
void arch_vcpu_free(struct vcpu *vcpu);

// One slice of the guest, whose counter continues from V. alarm_cycles: host cycles after which a host interrupt
// ends it (as exactly as the hardware can), or ARCH_ONE_STEP: it ends after one instruction, or after the delivery of
// the event that was injected, whatever the guest does, and the guest cannot see that it was stepped. Not to be asked
// for where vcpu->no_step says why it cannot be had. The slice is what the ledger needs; the exit is decoded.
#define ARCH_ONE_STEP UINT64_C(0)
struct slice {
    htime_t  t0, t1;
    uint64_t cost_cycles; // calibrated t1 - t0 of an empty guest for this kind of exit
};
void arch_vcpu_enter(struct vcpu *vcpu, uint64_t alarm_cycles, struct slice *slice, struct exit *exit);

// Can an external interrupt, or the NMI, be injected at this very boundary? No shadow, nothing else being injected; for
// the first IF set, for the other no NMI's handler at work.
enum arch_event { ARCH_INTERRUPT, ARCH_NMI };
bool arch_vcpu_can_take(const struct vcpu *vcpu, enum arch_event event);
bool arch_vcpu_interrupts_enabled(const struct vcpu *vcpu); // IF alone
void arch_vcpu_inject(struct vcpu *vcpu, enum arch_event event, unsigned vector);

// The guest must exit at the first boundary where it is interruptible.
void arch_vcpu_want_window(struct vcpu *vcpu, bool want);

// Steps over the instruction that exited.
void arch_vcpu_skip(struct vcpu *vcpu, unsigned length);

// Completes an exit that is about one instruction of the guest: CPUID, MSRs, CR8, faults, hypercalls, port and memory
// accesses, fetching and decoding as far as needed, calling vmm/machine.h for a device's part, the step over it
// included. May end the VM (vm_kill) when the guest does what this version cannot emulate.
void arch_vcpu_emulate(struct vcpu *vcpu, const struct exit *exit);

// Tells the guest, where it wants to know, that its VM was paused: a watchdog of its own must not count that time.
// Called before the first entry after a pause, never when it begins: a flag set then could be lost in between.
void arch_vcpu_was_paused(struct vcpu *vcpu);

// A hypercall of the architecture's own interface, or one that this mode of the guest may not make: true, with the
// answer. False: the number is not one of these.
bool arch_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument, uint64_t *result);

// The vCPU's own clocks for the report: how many were written.
struct clock_reading;
unsigned arch_vcpu_clocks(struct vcpu *vcpu, struct clock_reading *out);

// Prints the vCPU's registers and the bytes at its instruction pointer, for a record.
void arch_vcpu_record(struct vcpu *vcpu);

#endif
