// SPDX-License-Identifier: MIT
// What the files of the PC offer each other: the bus (pc/machine.c), the interrupt lines (pc/irq.c), the
// timers' ticks (pc/tick.c), the clocks that share lines (pc/clock.c), and what a person sees and types
// (pc/screen.c). Nobody else includes this.
//
// A device needs: its struct in struct machine and an id, before DEVICE_TIMED_COUNT if it has deadlines (both in
// pc/machine.h); its init in machine_init(), a row in the table of devices, its ports or its memory in the tables of
// ranges (all in pc/machine.c); and a settle function. That one is called after each use and each firing: it carries
// the device's outputs to the others and queues its next deadline. `at` is V of what has happened: the deadline that
// fires, or now.
#ifndef VMM_PC_WIRING_H
#define VMM_PC_WIRING_H

#include "vmm/vm.h"

// Interrupt lines of the board. 0..15 are the ISA interrupts as everybody counts them: input n of the 8259 pair and pin
// n of the IOAPIC, but 0 is at pin 2. 16..23 reach the IOAPIC only.
#define IRQ_PIT      0u
#define IRQ_KEYBOARD 1u
#define IRQ_UART     4u
#define IRQ_RTC      8u
#define IRQ_SCI      9u
#define IRQ_AUX      12u // the keyboard controller's second port

// pc/machine.c
void machine_advance(struct vm *vm, enum device_id id, vtime_t now); // fires everything due by then, settles nothing
void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline);

// pc/irq.c: one line. Setting it to the level it has is nothing.
void machine_irq_init(struct machine *machine, unsigned cpus);
void machine_set_irq(struct machine *machine, unsigned irq, bool level);
void machine_set_held_irq(struct machine *machine, unsigned irq, bool level); // the 8259 sees it until it is taken
void machine_pulse_irq(struct machine *machine, unsigned irq); // down, and up again
void settle_pic(struct vm *vm, vtime_t at);
void settle_ioapic(struct vm *vm, vtime_t at);
void machine_lapic_used(struct vm *vm); // its EOIs go to the IOAPIC, what it hears may have changed

// Of one line, as the masks and routes are now.
struct irq_state {
    bool open;    // an edge can get to the CPU
    bool waiting; // one has got as far as its priorities, and no further; of a line that is masked everywhere, as
                  // far as the 8259's latch
    bool alive;   // the next edge changes something that the guest can notice without looking
    bool latch;   // the 8259 would remember the next edge, whatever is masked
};
struct irq_state machine_irq_state(const struct machine *machine, unsigned irq);

// Would the controllers pass a request of this line on to the CPU, as their masks and priorities are now?
bool machine_irq_lets_in(const struct machine *machine, unsigned irq);

// Does the guest want the falling edges of this line of the ISA bus, too?
bool machine_irq_hears_falls(const struct machine *machine, unsigned irq);

// pc/tick.c
void machine_tick_init(struct vm *vm);
void settle_pit(struct vm *vm, vtime_t at);
void settle_lapic(struct vm *vm, vtime_t at);
void machine_pit_output(struct vm *vm); // the 8254's output is worked out anew
void machine_tick_reroute(struct vm *vm); // a mask or a route has changed: every timer's output is worked out anew
void machine_tick_look(struct vm *vm);    // the outputs of those that are off the queue and in the way of others

// A timer with an output on a line. The first gets its rising edges to the line's chips, and books them; then, when the
// line has the level that machine_tick_wire() gives for the timer's output, the second sees what became of them. It
// returns when to look again although no device asks for it: a tick that waits for its time under tick=delay.
struct tick_line {
    enum timer_id timer;
    unsigned      irq;
    bool          level;         // of the output
    uint64_t      period_cycles; // of its ticks, 0: not periodic
};
void    machine_tick_edges(struct vm *vm, struct tick_source *source, const struct tick_line *line, uint32_t rises,
                           vtime_t at);
vtime_t machine_tick_rest(struct vm *vm, struct tick_source *source, const struct tick_line *line, vtime_t at);
bool    machine_tick_wire(const struct tick_source *source, bool output);
void    machine_tick_set_busy(struct machine *machine, uint8_t line, bool busy);
void    machine_tick_off(struct tick_source *source, uint32_t rises); // its output is on no line

// After an acknowledge cycle: has this timer's tick gone with it, as its line is now? Returns its deadline, 0 if it was
// not this one.
vtime_t machine_tick_taken(struct vm *vm, struct tick_source *source, enum timer_id timer, bool waiting);

// pc/clock.c: the HPET and the RTC.
void    settle_hpet(struct vm *vm, vtime_t at);
void    settle_rtc(struct vm *vm, vtime_t at);
void    machine_hpet_reroute(struct vm *vm); // as machine_tick_reroute()
vtime_t machine_hpet_taken(struct vm *vm);

// pc/screen.c
void settle_i8042(struct vm *vm, vtime_t at);

// Around an acknowledge cycle: which timers' lines wait for one, and then which of them it was. Returns the deadline of
// the tick that was taken, 0 if it was none.
struct ticks_waiting {
    uint8_t lines; // LINE_...
    bool    lapic;
};
#define LINE_PIT  1u
#define LINE_HPET 2u
struct ticks_waiting machine_ticks_waiting(const struct machine *machine);
vtime_t              machine_ticks_taken(struct vm *vm, struct ticks_waiting before);

#endif
