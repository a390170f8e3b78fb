// SPDX-License-Identifier: MIT
// The PC that an x86 guest sees: every device, and what ties it to the buses, the timer queue and the interrupt inputs.
#ifndef VMM_PC_MACHINE_H
#define VMM_PC_MACHINE_H

#include "devices/debugexit.h"
#include "devices/fwcfg.h"
#include "devices/hpet.h"
#include "devices/i8042.h"
#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/pcihost.h"
#include "devices/pic.h"
#include "devices/pit.h"
#include "devices/pmtimer.h"
#include "devices/rtc.h"
#include "devices/testdev.h"
#include "devices/uart16550.h"
#include "devices/vga.h"
#include "time/tickpolicy.h"
#include "time/timerq.h"
#include "vmm/base/types.h"

#define MACHINE_RAM_BASE UINT64_C(0)

enum device_id {
    DEVICE_PIT,
    DEVICE_PORT61,
    DEVICE_LAPIC,
    DEVICE_HPET,
    DEVICE_RTC,
    DEVICE_PM,
    DEVICE_UART,
    DEVICE_PIC,
    DEVICE_IOAPIC,
    DEVICE_DEBUGEXIT,
    DEVICE_FWCFG,
    DEVICE_PCI,
    DEVICE_TESTDEV,
    DEVICE_TESTDEV_MEMORY,
    DEVICE_VGA,
    DEVICE_I8042,
    DEVICE_COUNT
};

// Timers whose ticks are counted, as the trace numbers them. The PM timer and the UART have deadlines, but nothing
// counts ticks of theirs: their numbers are kept, because a record of the trace names the HPET's by those that follow.
enum timer_id { TIMER_PIT, TIMER_LAPIC, TIMER_PM, TIMER_UART, TIMER_HPET_0, TIMER_HPET_1, TIMER_COUNT };

// The devices before this have deadlines, each a timer of its own in struct machine, which has so many. A device with
// deadlines stands before it in the enum: one after it has no timer to queue.
#define DEVICE_TIMED_COUNT (DEVICE_UART + 1)

// A timer's ticks, and the one of them that is in a chip and waits for the guest (ticks.raised).
struct tick_source {
    struct ticks ticks;
    vtime_t      due;       // deadline of the one in the chip; TIME_NEVER: one of several that came at once
    vtime_t      since;     // V when it got there, and the host's cycles that the guest had had by then: clock=wall
    uint64_t     ran;
    bool         asleep;    // the next edge would change nothing that the guest notices: off the queue
    bool         busy;      // one waits for the CPU, whoever's
    bool         falls;     // the next fall is a deadline, too
    bool         muted;     // its output got the line while it was up: the line waits for the next edge
    bool         stretched; // the host was late with this one: its line stays up until it is taken
};

struct machine {
    struct pit       pit;
    struct lapic     lapic;
    struct pic       pic;
    struct ioapic    ioapic;
    struct pmtimer   pm;
    struct hpet      hpet;
    struct rtc       rtc;
    struct uart      uart;
    struct debugexit debugexit;
    struct fwcfg     fwcfg;
    struct pcihost   pci;
    struct i8042     i8042;

    struct timerq      timers;
    struct timer       timer[DEVICE_TIMED_COUNT];
    struct timer       limit; // the end of the VM's time, a deadline like the others
    uint32_t           irq_levels; // of the interrupt inputs, as they were set last
    uint32_t           held_irqs;  // of those, fallen ones that the 8259 is still shown
    bool               extint;     // the 8259's output; follows every use of the 8259
    bool               hpet_legacy; // the 8254 and the RTC are off their lines, the HPET is on them
    bool               unheard;     // edges now are of a past in which nobody would have heard them
    uint8_t            lines_busy;  // where one waits for the CPU, whoever's: LINE_..., a bit each
    struct tick_source pit_tick, lapic_tick, hpet_tick[HPET_TIMERS];
    struct testdev     testdev;
    struct vga         vga;
};

// One access to a port. Nobody there: reads give all ones, writes are lost.
struct vm;
void machine_port(struct vm *vm, struct io_access *io);

// A device was used by other means than its bus (an MSR): re-arm its timer, route its interrupt lines.
void machine_settle(struct vm *vm, enum device_id id);

// Nothing is pending that could become an interrupt or an NMI, whatever the guest's priorities are.
static inline bool machine_quiet(const struct machine *machine)
{
    return (machine->lapic.irr.nonzero | machine->lapic.direct | machine->extint) == 0;
}

#endif
