// SPDX-License-Identifier: MIT
// The PC's interrupt lines: from a device's output through the interrupt controllers to the CPU's acknowledge cycle.
#include "vmm/machine_wiring.h"

static void follow_pic(struct machine *machine)
{
    machine->extint = pic_output(&machine->pic);
}

void machine_set_irq(struct machine *machine, unsigned irq, bool level)
{
    if (level == ((machine->irq_levels >> irq) & 1))
        return;
    machine->irq_levels ^= 1u << irq;
    pic_set_irq(&machine->pic, irq, level);
    follow_pic(machine);
}

bool machine_irq_waiting(const struct machine *machine, unsigned irq)
{
    return pic_waiting(&machine->pic, irq);
}

void settle_pic(struct vm *vm)
{
    settle_pit(vm); // a new initialisation can free IRQ 0
    follow_pic(&vm->machine);
}

static bool extint_pending(const struct machine *machine)
{
    return machine->extint && lapic_accepts_extint(&machine->lapic);
}

bool machine_interrupt_pending(const struct vm *vm)
{
    return lapic_pending_vector(&vm->machine.lapic) >= 0 || extint_pending(&vm->machine);
}

// The 8259's interrupt bypasses the APIC's priorities, as its INTR pin does.
static unsigned acknowledge_cycle(struct machine *machine)
{
    unsigned vector;
    if (extint_pending(machine)) {
        vector = pic_acknowledge(&machine->pic);
        follow_pic(machine);
    } else {
        vector = (unsigned)lapic_pending_vector(&machine->lapic);
        lapic_accept(&machine->lapic, vector);
    }
    return vector;
}

unsigned machine_acknowledge(struct vm *vm)
{
    struct ticks_waiting waiting = machine_ticks_waiting(&vm->machine);
    unsigned vector = acknowledge_cycle(&vm->machine);
    vtime_t due = machine_ticks_taken(vm, waiting);
    vm_trace(vm, TRACE_INJECT, vector, vm->vcpu.last_t1, 0, due);
    return vector;
}

bool machine_take_nmi(struct vm *vm)
{
    return lapic_take_nmi(&vm->machine.lapic);
}
