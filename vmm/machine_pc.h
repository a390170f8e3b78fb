// SPDX-License-Identifier: MIT
// The PC that an x86 guest sees: every device, and what ties it to the buses, the timer queue and the interrupt inputs.
#ifndef VMM_MACHINE_PC_H
#define VMM_MACHINE_PC_H

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
#include "time/pvclock.h"
#include "time/tickpolicy.h"
#include "time/timerq.h"
#include "vmm/types.h"

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

// Timers whose ticks are counted, as the trace numbers them.
enum timer_id { TIMER_PIT, TIMER_LAPIC, TIMER_PM, TIMER_UART, TIMER_HPET_0, TIMER_HPET_1, TIMER_COUNT };

#define DEVICE_TIMED_COUNT (DEVICE_UART + 1) // the ones before this have deadlines

// A tick on its way: the deadline it came from, until the guest has taken its interrupt.
struct tick_source {
    struct ticks ticks;
    vtime_t      due;     // deadline of the tick that is on the line now
    bool         on_line; // raised and not yet acknowledged
    bool         busy;    // its line was not free when it was settled last, whoever had it: the timer is off the queue
    bool         open;    // a way to the CPU was not masked, when it was looked at last
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
    vtime_t            firing; // deadline of the timer being fired, or V of the access
    uint32_t           irq_levels; // of the interrupt inputs, as they were set last
    bool               extint;     // the 8259's output; follows every use of the 8259
    bool               hpet_legacy; // the 8254 and the RTC are off their lines, the HPET is on them
    uint8_t            hpet_busy;   // timers whose lines were not free, a bit each
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
