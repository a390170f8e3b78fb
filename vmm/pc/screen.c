// SPDX-License-Identifier: MIT
// The PC's side of the person in front of it: the text screen, whose characters are in the guest's RAM, and the
// keyboard behind the 8042.
#include "vmm/base/guestmem.h"
#include "vmm/pc/wiring.h"

// The output buffer can have been read and filled again in one access: the inputs must see the edge between.
static void drive(struct machine *machine, unsigned irq, struct irq_line *line)
{
    if (irq_line_take_rises(line) != 0)
        machine_set_irq(machine, irq, false);
    machine_set_irq(machine, irq, line->level != 0);
}

void settle_i8042(struct vm *vm, vtime_t at)
{
    (void)at;
    struct machine *machine = &vm->machine;
    drive(machine, IRQ_KEYBOARD, &machine->i8042.irq);
    drive(machine, IRQ_AUX, &machine->i8042.aux_irq);
    if (machine->i8042.reset)
        vm_end(vm, VM_RESET, 0, "a reset by the guest");
}

bool machine_key_input(struct vm *vm, const struct key *key)
{
    bool pressed = i8042_press(&vm->machine.i8042, key);
    settle_i8042(vm, vm->vtime.now);
    return pressed;
}

enum machine_screen machine_screen(const struct vm *vm, struct text_layout *layout, const uint8_t **window)
{
    bool text = vga_layout(&vm->machine.vga, layout);
    *window = guest_pointer(vm->ram, (gpa){ layout->window }, VGA_WINDOW_BYTES); // a PC has at least 1 MiB
    return text ? SCREEN_TEXT : SCREEN_GRAPHICS;
}
