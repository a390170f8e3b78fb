// SPDX-License-Identifier: MIT
// The machine a VM is: its devices, its buses, its timer queue. Each kind of machine has a header that describes it,
// and files with this interface; the build names that header, for each image one. What it has to say:
//   struct machine       all state of its devices; `timers`, the queue of all their deadlines
//   MACHINE_RAM_BASE     where the guest's RAM begins
//   machine_quiet()      inline: nothing is pending that could become an interrupt or an NMI
// The rest of it is between the machine and the architecture that has such machines.
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include "devices/device.h"
#include "devices/keyboard.h"
#include "devices/vga.h"
#include "vmm/loader.h"
#include MACHINE_DESCRIPTION

struct vm;

void machine_init(struct vm *vm);

// Puts the firmware's tables and the kernel into the guest's RAM. Before machine_init().
bool machine_load(struct vm *vm, const struct loader_input *input, struct entry_state *entry, struct refusal *refusal);

// One access by the guest to memory that is not RAM. False: nobody has answered. Where that is no error, as on a PC,
// the machine gives the answer itself and returns true.
bool machine_mmio(struct vm *vm, gpa address, struct io_access *io);

// Fires every timer that is due at vm->vtime.now, in deadline order.
void machine_run_timers(struct vm *vm);

// Is an interrupt pending that the interrupt controllers would deliver now? Its acknowledge cycle returns the vector, 0
// on a machine where the architecture moves what is pending from the controllers to the hardware by itself.
bool     machine_interrupt_pending(struct vm *vm);
unsigned machine_acknowledge(struct vm *vm);

// NMIs, false on a machine without them: one is taken; may one of the lines still give one, as they are routed now?
bool machine_take_nmi(struct vm *vm);
bool machine_nmi_routed(const struct vm *vm);

// Console input from outside, one byte; false: the guest's UART is full.
bool machine_console_input(struct vm *vm, uint8_t byte);

// The screen, if there is one: where its characters are, from cell 0 of its window on. machine_key_input() presses a
// key of its keyboard; false: not now, it has not been asked for those before.
enum machine_screen { SCREEN_NONE, SCREEN_GRAPHICS, SCREEN_TEXT };
enum machine_screen machine_screen(const struct vm *vm, struct text_layout *layout, const uint8_t **window);
bool                machine_key_input(struct vm *vm, const struct key *key);

// For the report: the clocks side by side, and the timers whose ticks are counted. Both return how many were written.
struct clock_reading;
struct timer_reading;
unsigned machine_clocks(struct vm *vm, struct clock_reading *out);
unsigned machine_timers(const struct vm *vm, struct timer_reading *out);

#endif
