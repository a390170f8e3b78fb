// SPDX-License-Identifier: MIT
// The PC's interrupt lines: from a device's output through both interrupt controllers to the CPU's acknowledge cycle.
//
// A line goes to the 8259 pair and to the IOAPIC, whichever the guest listens to. The 8259's own output goes to the
// local APIC's LINT0 and, as on a PC's board, to pin 0 of the IOAPIC. Where one of them is an ExtINT, the CPU runs an
// acknowledge cycle with the 8259; programmed to anything else, each of them makes an interrupt of every edge.
#include "vmm/pc/wiring.h"

#define PIN_8259        0u
#define PIN_IRQ_0       2u // the MADT says so: an interrupt source override
#define ISA_IRQS        16u
#define NMI_VECTOR      2u
#define NO_PIN          IOAPIC_PINS
#define PINS_ACTIVE_LOW 0xff0000u // 16..23 are those of the PCI bus, whose interrupts are active low

// As PCs have it and the tables say: the IOAPIC's pins have the ISA numbers, but the timer is at pin 2, and the 8259
// pair at pin 0.
static unsigned pin_of(unsigned irq)
{
    if (irq == IRQ_PIT)
        return PIN_IRQ_0;
    return irq == PIN_IRQ_0 ? NO_PIN : irq; // ISA has no line 2: it is the 8259's cascade
}

void machine_irq_init(struct machine *machine, unsigned cpus)
{
    machine->irq_levels = 1u << IRQ_PIT; // an 8254's output is up
    pic_init(&machine->pic, 1u << IRQ_PIT);
    // The ID after those of the CPUs, as the MADT says.
    ioapic_init(&machine->ioapic, cpus, PINS_ACTIVE_LOW | 1u << PIN_IRQ_0);
}

// Never more than one message a pin.
static void send_messages(struct machine *machine)
{
    struct apic_message message;
    while (ioapic_take_message(&machine->ioapic, &message))
        lapic_receive(&machine->lapic, &message);
}

// `unheard`: what a pin does now it would have done earlier, when nobody listened (machine_lapic_used()). Its level is
// kept, an edge of it is not.
static void set_pin(struct machine *machine, unsigned pin, bool level)
{
    ioapic_set_pin(&machine->ioapic, pin, level);
    if (machine->unheard)
        ioapic_forget_edge(&machine->ioapic, pin);
    send_messages(machine);
}

// The 8259's output is two things at once: the local APIC's LINT0, in which virtual wire mode has it, and a pin.
static void set_extint(struct machine *machine, bool output)
{
    if (output == machine->extint)
        return;
    machine->extint = output;
    if (machine->unheard)
        lapic_lint_follow(&machine->lapic, 0, output);
    else
        lapic_lint(&machine->lapic, 0, output);
    set_pin(machine, PIN_8259, output);
}

// Whatever was done to the 8259: its output is a function of its registers, so it is only looked at.
static void follow_pic(struct machine *machine)
{
    set_extint(machine, pic_output(&machine->pic));
}

static void set_pic_irq(struct machine *machine, unsigned irq, bool level)
{
    pic_set_irq(&machine->pic, irq, level);
    follow_pic(machine);
}

// To the 8259 as it is, to the pin with the board's polarity. A level that is what it was goes nowhere.
void machine_set_irq(struct machine *machine, unsigned irq, bool level)
{
    uint32_t bit = 1u << irq;
    unsigned pin = pin_of(irq);
    if (level == ((machine->irq_levels & bit) != 0))
        return;
    machine->irq_levels ^= bit;
    if (irq < ISA_IRQS && !(machine->held_irqs & bit))
        set_pic_irq(machine, irq, level);
    if (pin != NO_PIN)
        set_pin(machine, pin, level != (PINS_ACTIVE_LOW >> pin & 1));
}

// A latch in front of the 8259, which the test device's kernels count on: while an edge waits there, it is not told
// that the line has fallen. The IOAPIC sees the line itself.
void machine_set_held_irq(struct machine *machine, unsigned irq, bool level)
{
    uint32_t bit = 1u << irq;
    bool held = !level && pic_latches(&machine->pic, irq) && pic_waiting(&machine->pic, irq);
    if (level == ((machine->irq_levels & bit) != 0))
        return;
    if (machine->held_irqs & bit)
        set_pic_irq(machine, irq, false);
    machine->held_irqs = (machine->held_irqs & ~bit) | (held ? bit : 0);
    machine_set_irq(machine, irq, level);
}

// One edge, whatever level the line had.
void machine_pulse_irq(struct machine *machine, unsigned irq)
{
    machine_set_irq(machine, irq, false);
    machine_set_irq(machine, irq, true);
}

// --- the ways of a line to the CPU ----------------------------------------------------------------------------------

// Not masked at the pin, and heard by the APIC that the entry names.
static bool pin_open(const struct machine *machine, unsigned pin, struct apic_message *message)
{
    return ioapic_pin_message(&machine->ioapic, pin, message) && lapic_would_take(&machine->lapic, message);
}

// At a level-triggered pin also while Remote IRR is set: until its EOI such a pin sends nothing (82093AA data sheet,
// 3.2.4).
static bool waits(const struct machine *machine, unsigned pin, const struct apic_message *message)
{
    return lapic_is_waiting(&machine->lapic, message) ||
           (message->level && ioapic_pin_in_service(&machine->ioapic, pin));
}

// What becomes of the 8259's output. cycle: the CPU runs an acknowledge cycle; edge: an edge would come to something,
// and what it comes to does not wait already; waits: it does.
struct output {
    bool cycle, edge, waits;
};

// As edges LINT0 and pin 0 are ways of their own, each with a vector; as ExtINT the vector is the 8259's.
static struct output output_of(const struct machine *machine)
{
    struct output output = { .cycle = lapic_accepts_extint(&machine->lapic) };
    struct apic_message message;
    if (lapic_lint_message(&machine->lapic, 0, &message)) {
        output.waits = lapic_is_waiting(&machine->lapic, &message);
        output.edge = !output.waits;
    }
    if (pin_open(machine, PIN_8259, &message)) {
        bool waiting = waits(machine, PIN_8259, &message);
        output.cycle = output.cycle || message.delivery == DELIVERY_EXTINT;
        output.waits = output.waits || (waiting && message.delivery != DELIVERY_EXTINT);
        output.edge = output.edge || !waiting;
    }
    return output;
}

static bool leads_somewhere(struct output output)
{
    return output.cycle || output.edge || output.waits;
}

// A line can have two ways to the CPU, through the 8259 and through its pin. It is open if one of them is, waits if
// something waits on one, and is alive if an edge would still come to something on one.
struct irq_state machine_irq_state(const struct machine *machine, unsigned irq)
{
    struct irq_state state = { 0 };
    struct apic_message message;
    unsigned pin = pin_of(irq);
    bool latched = pic_waiting(&machine->pic, irq), latches = pic_latches(&machine->pic, irq);
    if (latches && pic_open(&machine->pic, irq)) {
        struct output output = output_of(machine);
        state.open = leads_somewhere(output);
        state.waiting = (output.cycle && latched) || output.waits;
        state.alive = (lapic_accepts_extint(&machine->lapic) && !latched) || output.edge;
    }
    if (pin != NO_PIN && pin_open(machine, pin, &message)) {
        bool waiting = waits(machine, pin, &message);
        state.open = true;
        state.waiting = state.waiting || waiting;
        state.alive = state.alive || !waiting;
    }
    if (!state.open)
        state.waiting = latched;
    state.latch = latches && !latched;
    return state;
}

// NMI and ExtINT pass the APIC's priorities.
bool machine_irq_lets_in(const struct machine *machine, unsigned irq)
{
    struct apic_message message;
    unsigned pin = pin_of(irq);
    if (pin != NO_PIN && pin_open(machine, pin, &message))
        return message.delivery > DELIVERY_LOWEST || lapic_lets_in(&machine->lapic, message.vector);
    return irq < ISA_IRQS && pic_lets_in(&machine->pic, irq);
}

// An ISA line rests low. A guest can program its pin, or the 8259's, for edges of the other direction: then a fall is
// an interrupt.
bool machine_irq_hears_falls(const struct machine *machine, unsigned irq)
{
    struct apic_message message;
    unsigned pin = pin_of(irq);
    bool low = irq < ISA_IRQS && pin != NO_PIN && ioapic_pin_active_low(&machine->ioapic, pin);
    return (low && pin_open(machine, pin, &message)) ||
           (ioapic_pin_active_low(&machine->ioapic, PIN_8259) && pin_open(machine, PIN_8259, &message) &&
            pic_latches(&machine->pic, irq) && pic_open(&machine->pic, irq));
}

// --- settling -------------------------------------------------------------------------------------------------------

// A poll takes a request as an acknowledge does, so a timer's tick may have gone with it (data sheet 8259A, "Poll
// Command").
void settle_pic(struct vm *vm, vtime_t at)
{
    (void)at;
    if (pic_take_polled(&vm->machine.pic))
        machine_ticks_taken(vm, machine_ticks_waiting(&vm->machine));
    machine_tick_reroute(vm);
    follow_pic(&vm->machine);
}

void settle_ioapic(struct vm *vm, vtime_t at)
{
    (void)at;
    send_messages(&vm->machine);
    machine_tick_reroute(vm);
}

// An EOI of a level ends Remote IRR at its pin, which sends again if the line is still up. And where the APIC listens
// now but did not before, what the outputs did in between is not to be heard: twice over all timers, first for the
// past.
void machine_lapic_used(struct vm *vm)
{
    struct machine *machine = &vm->machine;
    uint8_t vector;
    while (lapic_take_eoi(&machine->lapic, &vector))
        ioapic_eoi(&machine->ioapic, vector);
    send_messages(machine);
    lapic_take_rerouted(&machine->lapic);
    machine->unheard = true; // what the outputs did meanwhile was before this
    machine_tick_reroute(vm);
    machine->unheard = false;
    machine_tick_reroute(vm); // what a policy has kept can go now
}

// --- the acknowledge cycle ------------------------------------------------------------------------------------------

// As a level: it is pending only while the 8259's output is up. An ExtINT message of an IOAPIC stays until it is taken.
static bool extint_pending(const struct machine *machine)
{
    return (machine->extint && lapic_accepts_extint(&machine->lapic)) || machine->lapic.direct & LAPIC_DIRECT_EXTINT;
}

// A timer that is off the queue may have let go of its line.
static __attribute__((noinline)) bool extint_still_pending(struct vm *vm)
{
    machine_tick_look(vm);
    return extint_pending(&vm->machine);
}

bool machine_interrupt_pending(struct vm *vm)
{
    return lapic_pending_vector(&vm->machine.lapic) >= 0 || (extint_pending(&vm->machine) && extint_still_pending(vm));
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

static inline unsigned acknowledge(struct vm *vm, struct ticks_waiting waiting)
{
    unsigned vector = acknowledge_cycle(&vm->machine);
    vtime_t due = machine_ticks_taken(vm, waiting);
    vm_trace(vm, TRACE_INJECT, vector, vm->vcpu.last_t1, 0, due);
    return vector;
}

static __attribute__((noinline)) unsigned look_and_acknowledge(struct vm *vm, struct ticks_waiting waiting)
{
    machine_tick_look(vm);
    return acknowledge(vm, waiting);
}

// A path of its own for the timers that have a line, so that the other one keeps what it knows in registers.
unsigned machine_acknowledge(struct vm *vm)
{
    struct ticks_waiting waiting = machine_ticks_waiting(&vm->machine);
    if (waiting.lines != 0)
        return look_and_acknowledge(vm, waiting);
    waiting.lines = 0;
    return acknowledge(vm, waiting);
}

// A halted CPU without IF is woken by an NMI alone: is there a way by which one could come?
bool machine_nmi_routed(const struct vm *vm)
{
    struct apic_message message;
    if (lapic_lint_message(&vm->machine.lapic, 0, &message) && message.delivery == DELIVERY_NMI)
        return true;
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
    machine_tick_look(vm);
    lapic_take_nmi(&vm->machine.lapic);
    machine_ticks_taken(vm, waiting); // a timer's pin can be programmed to give an NMI
    vm_trace(vm, TRACE_INJECT, NMI_VECTOR, vm->vcpu.last_t1, 0, 0);
    return true;
}
