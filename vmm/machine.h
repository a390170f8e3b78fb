// SPDX-License-Identifier: MIT
// The machine a VM is: its devices, its buses, its timer queue. Each kind of machine is one file with this interface.
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "vmm/machine_pc.h"

struct vm;

void machine_init(struct vm *vm);

// One access by the guest. Nobody there: reads give all ones, writes are lost.
void machine_port(struct vm *vm, struct io_access *io);
void machine_mmio(struct vm *vm, gpa address, struct io_access *io);

// Fires every timer that is due at vm->vtime.now, in deadline order.
void machine_run_timers(struct vm *vm);

// A device was used by other means than its bus (an MSR): re-arm its timer, route its interrupt lines.
void machine_settle(struct vm *vm, enum device_id id);

// Is an interrupt pending that the interrupt controllers would deliver now? Its acknowledge cycle returns the vector.
bool     machine_interrupt_pending(const struct vm *vm);
unsigned machine_acknowledge(struct vm *vm);
bool     machine_take_nmi(struct vm *vm);

// May one of the lines still give an NMI, as they are routed now?
bool machine_nmi_routed(const struct vm *vm);

// Console input from outside, one byte; false: the guest's UART is full.
bool machine_console_input(struct vm *vm, uint8_t byte);

// The clocks side by side, for the report. Returns how many were written.
struct clock_reading;
unsigned machine_clocks(struct vm *vm, struct clock_reading *out);

#endif
