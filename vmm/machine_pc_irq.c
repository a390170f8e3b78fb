// SPDX-License-Identifier: MIT
// The PC's interrupt lines: from a device's output through both interrupt controllers to the CPU's acknowledge cycle.
//
// A line goes to the 8259 pair and to the IOAPIC, whichever the guest listens to. The 8259's own output goes to the
// local APIC's LINT0 and, as on a PC's board, to pin 0 of the IOAPIC, for guests that want it as ExtINT.
#include "vmm/machine_pc_wiring.h"

#define PIN_8259        0u
#define PIN_IRQ_0       2u // the MADT says so: an interrupt source override
#define ISA_IRQS        16u
#define NMI_VECTOR      2u
#define NO_PIN          IOAPIC_PINS
#define PINS_ACTIVE_LOW 0xff0000u // 16..23 are those of the PCI bus, whose interrupts are active low

static unsigned pin_of(unsigned irq)
{
    if (irq == IRQ_PIT)
        return PIN_IRQ_0;
    return irq == PIN_IRQ_0 ? NO_PIN : irq; // ISA has no line 2: it is the 8259's cascade
}

void machine_irq_init(struct machine *machine, unsigned cpus)
{
    pic_init(&machine->pic);
    ioapic_init(&machine->ioapic, cpus, PINS_ACTIVE_LOW); // the ID after those of the CPUs, as the MADT says
}

// Never more than one message a pin.
static void send_messages(struct machine *machine)
{
    struct apic_message message;
    while (ioapic_take_message(&machine->ioapic, &message))
        lapic_receive(&machine->lapic, &message);
}

static void set_extint(struct machine *machine, bool output)
{
    if (output == machine->extint)
        return;
    machine->extint = output;
    ioapic_set_pin(&machine->ioapic, PIN_8259, output);
    send_messages(machine);
}

static void follow_pic(struct machine *machine)
{
    set_extint(machine, pic_output(&machine->pic));
}

void machine_set_irq(struct machine *machine, unsigned irq, bool level)
{
    uint32_t bit = 1u << irq;
    unsigned pin = pin_of(irq);
    if (level == ((machine->irq_levels & bit) != 0))
        return;
    machine->irq_levels ^= bit;
    if (irq < ISA_IRQS) {
        pic_set_irq(&machine->pic, irq, level);
        follow_pic(machine);
    }
    if (pin != NO_PIN) {
        ioapic_set_pin(&machine->ioapic, pin, level != (PINS_ACTIVE_LOW >> pin & 1));
        send_messages(machine);
    }
}

// --- the ways of a line to the CPU ----------------------------------------------------------------------------------

static bool pin_open(const struct machine *machine, unsigned pin, struct apic_message *message)
{
    return ioapic_pin_message(&machine->ioapic, pin, message) && lapic_would_take(&machine->lapic, message);
}

static bool pic_route_open(const struct machine *machine, unsigned irq)
{
    struct apic_message message;
    if (!pic_latches(&machine->pic, irq) || !pic_open(&machine->pic, irq))
        return false;
    return lapic_accepts_extint(&machine->lapic) ||
           (pin_open(machine, PIN_8259, &message) && message.delivery == DELIVERY_EXTINT);
}

bool machine_irq_open(const struct machine *machine, unsigned irq)
{
    struct apic_message message;
    unsigned pin = pin_of(irq);
    return pic_route_open(machine, irq) || (pin != NO_PIN && pin_open(machine, pin, &message));
}

bool machine_irq_waiting(const struct machine *machine, unsigned irq, bool open)
{
    struct apic_message message;
    unsigned pin = pin_of(irq);
    if (pic_waiting(&machine->pic, irq) && (!open || pic_route_open(machine, irq)))
        return true;
    return open && pin != NO_PIN && pin_open(machine, pin, &message) &&
           (lapic_is_waiting(&machine->lapic, &message) || ioapic_pin_in_service(&machine->ioapic, pin));
}

bool machine_irq_unheard(const struct machine *machine, unsigned irq)
{
    struct apic_message message;
    unsigned pin = pin_of(irq);
    return !pic_latches(&machine->pic, irq) && (pin == NO_PIN || !pin_open(machine, pin, &message));
}

// --- settling -------------------------------------------------------------------------------------------------------

void settle_pic(struct vm *vm)
{
    machine_tick_reroute(vm);
    follow_pic(&vm->machine);
}

void settle_ioapic(struct vm *vm)
{
    send_messages(&vm->machine);
    machine_tick_reroute(vm);
}

void machine_lapic_used(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint8_t vector;
    while (lapic_take_eoi(&machine->lapic, &vector))
        ioapic_eoi(&machine->ioapic, vector);
    send_messages(machine);
    lapic_take_rerouted(&machine->lapic);
    machine_tick_reroute(vm);
}

// --- the acknowledge cycle ------------------------------------------------------------------------------------------

static bool extint_pending(const struct machine *machine)
{
    return (machine->extint && lapic_accepts_extint(&machine->lapic)) || machine->lapic.direct & LAPIC_DIRECT_EXTINT;
}

bool machine_interrupt_pending(const struct vm *vm)
{
    return lapic_pending_vector(&vm->machine.lapic) >= 0 || extint_pending(&vm->machine);
}

// The 8259's interrupt bypasses the APIC's priorities, as its INTR pin does. Its output falls in the cycle and rises
// again if there is another request: for the IOAPIC's pin that is an edge.
static unsigned acknowledge_cycle(struct machine *machine)
{
    unsigned vector;
    if (extint_pending(machine)) {
        lapic_take_extint(&machine->lapic);
        vector = pic_acknowledge(&machine->pic);
        set_extint(machine, false);
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

bool machine_nmi_routed(const struct vm *vm)
{
    struct apic_message message;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        if (pin_open(&vm->machine, pin, &message) && message.delivery == DELIVERY_NMI)
            return true;
    }
    return false;
}

bool machine_take_nmi(struct vm *vm)
{
    if (!(vm->machine.lapic.direct & LAPIC_DIRECT_NMI))
        return false;
    struct ticks_waiting waiting = machine_ticks_waiting(&vm->machine);
    lapic_take_nmi(&vm->machine.lapic);
    machine_ticks_taken(vm, waiting); // a timer's pin can be programmed to give an NMI
    vm_trace(vm, TRACE_INJECT, NMI_VECTOR, vm->vcpu.last_t1, 0, 0);
    return true;
}
