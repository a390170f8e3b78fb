// SPDX-License-Identifier: MIT
// What the files of the PC offer each other: the bus (machine_pc.c), the interrupt lines (machine_irq.c), the timers'
// ticks (machine_tick.c). Nobody else includes this.
//
// A device needs: its struct in struct machine, an id, a row in the table of devices and its ports or its memory in
// the tables of ranges (all in machine_pc.c), and a settle function. That one is called after each use and each firing:
// it carries the device's outputs to the others and queues its next deadline.
#ifndef VMM_MACHINE_WIRING_H
#define VMM_MACHINE_WIRING_H

#include "vmm/vm.h"

// ISA interrupts, as everybody counts them.
#define IRQ_PIT  0u
#define IRQ_UART 4u
#define IRQ_SCI  9u

// machine_pc.c
void machine_advance(struct vm *vm, enum device_id id, vtime_t now); // fires everything due by then, settles nothing
void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline);

// machine_irq.c: one interrupt line of the board. Setting it to the level it has is nothing.
void machine_set_irq(struct machine *machine, unsigned irq, bool level);
bool machine_irq_waiting(const struct machine *machine, unsigned irq); // a request that nobody has acknowledged
void settle_pic(struct vm *vm);

// machine_tick.c
void machine_tick_init(struct vm *vm);
void settle_pit(struct vm *vm);
void settle_lapic(struct vm *vm);

// Around an acknowledge cycle: which timers' ticks wait for one, and then which of them it was. Returns the deadline of
// the tick that was taken, 0 if it was none.
struct ticks_waiting {
    bool pit, lapic;
};
struct ticks_waiting machine_ticks_waiting(const struct machine *machine);
vtime_t              machine_ticks_taken(struct vm *vm, struct ticks_waiting before);

#endif
