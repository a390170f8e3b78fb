// SPDX-License-Identifier: MIT
// What the files of the PC offer each other: the bus (machine_pc.c), the interrupt lines (machine_pc_irq.c), the
// timers' ticks (machine_pc_tick.c), the clocks that share lines (machine_pc_clock.c), and what a person sees and types
// (machine_pc_screen.c). Nobody else includes this.
//
// A device needs: its struct in struct machine, an id, a row in the table of devices and its ports or its memory in
// the tables of ranges (all in machine_pc.c), and a settle function. That one is called after each use and each firing:
// it carries the device's outputs to the others and queues its next deadline.
#ifndef VMM_MACHINE_PC_WIRING_H
#define VMM_MACHINE_PC_WIRING_H

#include "vmm/vm.h"

// Interrupt lines of the board. 0..15 are the ISA interrupts as everybody counts them: input n of the 8259 pair and pin
// n of the IOAPIC, but 0 is at pin 2. 16..23 reach the IOAPIC only.
#define IRQ_PIT      0u
#define IRQ_KEYBOARD 1u
#define IRQ_UART     4u
#define IRQ_RTC      8u
#define IRQ_SCI      9u
#define IRQ_AUX      12u // the keyboard controller's second port

// machine_pc.c
void machine_advance(struct vm *vm, enum device_id id, vtime_t now); // fires everything due by then, settles nothing
void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline);

// machine_pc_irq.c: one line. Setting it to the level it has is nothing.
void machine_irq_init(struct machine *machine, unsigned cpus);
void machine_set_irq(struct machine *machine, unsigned irq, bool level);
void settle_pic(struct vm *vm);
void settle_ioapic(struct vm *vm);
void machine_lapic_used(struct vm *vm); // its EOIs go to the IOAPIC, what it hears may have changed

// Can an edge of this line get to the CPU, as the masks are now? Has one got as far as its priorities, and no
// further? Of a line that is masked everywhere, the only edge that is kept is in the 8259's latch: waiting means there.
bool machine_irq_open(const struct machine *machine, unsigned irq);
bool machine_irq_waiting(const struct machine *machine, unsigned irq, bool open);

// Does nobody keep an edge of this line? Level-triggered inputs of the 8259 and masked pins of the IOAPIC do not.
bool machine_irq_unheard(const struct machine *machine, unsigned irq);

// machine_pc_tick.c
void machine_tick_init(struct vm *vm);
void settle_pit(struct vm *vm);
void machine_tick_reroute(struct vm *vm); // a mask or a route has changed
void settle_lapic(struct vm *vm);

struct tick_wiring {
    enum timer_id  timer;
    enum device_id device;
    bool (*line_free)(const struct machine *machine);
    void (*raise)(struct machine *machine);
};

// Books `expiries` of a timer.
void machine_tick_book(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring, uint32_t expiries,
                       bool line_free);

// Books `expiries` of a timer, and puts at most one tick on its line. Returns when to look again although no device
// asks for it: a tick that waits for its time under tick=delay.
vtime_t machine_tick_settle(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring,
                            uint32_t expiries, uint64_t period_cycles);

// A timer that the guest has programmed anew owes it nothing of the past: what expired before and what waited is
// dropped.
void machine_tick_forget(struct tick_source *source, uint32_t stale);

// After an acknowledge cycle: was it this timer's tick? Returns its deadline, 0 if it was not this one.
vtime_t machine_tick_taken(struct vm *vm, struct tick_source *source, const struct tick_wiring *wiring);

// machine_pc_clock.c: the HPET and the RTC.
void    settle_hpet(struct vm *vm);
void    settle_rtc(struct vm *vm);
void    machine_hpet_reroute(struct vm *vm); // a mask or a route has changed
vtime_t machine_hpet_taken(struct vm *vm, uint8_t busy_before);

// machine_pc_screen.c
void settle_i8042(struct vm *vm);

// Around an acknowledge cycle: which timers' lines wait for one, and then which of them it was. Returns the deadline of
// the tick that was taken, 0 if it was none.
struct ticks_waiting {
    bool    pit, lapic;
    uint8_t hpet; // timers, a bit each
};
struct ticks_waiting machine_ticks_waiting(const struct machine *machine);
vtime_t              machine_ticks_taken(struct vm *vm, struct ticks_waiting before);

#endif
