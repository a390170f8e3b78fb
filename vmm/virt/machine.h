// SPDX-License-Identifier: MIT
// The board that an arm64 guest sees: its devices, their addresses and interrupts, and what ties them together. The
// addresses are those of QEMU's board "virt", so that an image made for that runs here.
//
// Interrupts are levels and follow their device. The virtual timer's is special: while the guest runs, the hardware
// itself compares and interrupts, and the monitor is told; while the guest is halted, the timer queue has it.
#ifndef VMM_VIRT_MACHINE_H
#define VMM_VIRT_MACHINE_H

#include "devices/gtimer.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/vgic.h"
#include "time/tickpolicy.h"
#include "time/timerq.h"
#include "vmm/show/statusline.h"
#include "vmm/base/types.h"

#define VIRT_GICD     UINT64_C(0x08000000)
#define VIRT_GICC     UINT64_C(0x08010000) // of a GICv2: the hardware's virtual CPU interface is mapped here
#define VIRT_GICR     UINT64_C(0x080a0000) // of a GICv3, VGICR_SIZE for each CPU
#define VIRT_UART     UINT64_C(0x09000000)
#define VIRT_RTC      UINT64_C(0x09010000)
#define VIRT_STOLEN   UINT64_C(0x090a0000) // stolen time, a page of normal memory

#define MACHINE_RAM_BASE UINT64_C(0x40000000)

#define INTID_VIRTUAL_TIMER  27u
#define INTID_PHYSICAL_TIMER 30u
#define INTID_UART           33u // SPI 1
#define INTID_RTC            34u // SPI 2

// The ones before DEVICE_TIMED_COUNT have deadlines; the first is a device only while the guest is halted.
enum device_id {
    DEVICE_VIRTUAL_TIMER,
    DEVICE_PHYSICAL_TIMER,
    DEVICE_RTC,
    DEVICE_UART,
    DEVICE_TIMED_COUNT,
    DEVICE_GICD = DEVICE_TIMED_COUNT,
    DEVICE_GICR,
    DEVICE_COUNT
};

// Timers whose ticks are counted, as the trace numbers them.
enum timer_id { TIMER_VIRTUAL, TIMER_PHYSICAL, TIMER_RTC, TIMER_UART, TIMER_COUNT };

// A timer's interrupt on its way: from the rise of its line until it is in a list register.
struct tick_source {
    struct ticks ticks;
    vtime_t      due;   // deadline of the tick that was counted last
    bool         level; // of the line, as it was set last
};

struct machine {
    struct vgic   gic;
    struct gtimer gtimer;
    struct pl011  uart;
    struct pl031  rtc;

    struct timerq      timers;
    struct timer       timer[DEVICE_TIMED_COUNT];
    struct timer       limit;  // the end of the VM's time, a deadline like the others
    struct tick_source tick[TIMER_COUNT];
    uint32_t           ticks_waiting; // timers with a tick that is in no list register yet, a bit each
    uint64_t           counter_start; // what the guest's counter reads at V = 0 (arch/arm64/host/timertrial.c)
    uint64_t           counted_cval; // the virtual timer's compare value when its last tick was counted
    uint64_t           virtual_seen; // the guest's counter when the virtual timer's line was last looked at
    struct statusline  status;
};

uint64_t machine_counter_at(const struct machine *machine, vtime_t v);

// Nothing is pending that could become an interrupt.
static inline bool machine_quiet(const struct machine *machine)
{
    return !vgic_pending(&machine->gic, 0);
}

struct vm;

// Does this access change an interrupt of the controller, or show whether one is pending or active? Before it the list
// registers are folded.
bool machine_touches_interrupts(gpa address, bool is_write);

// Is it the address of a device?
bool machine_has_device(const struct vm *vm, gpa address);

// A read of the distributor's settings, which changes nothing and depends on no list register. False: it is not that.
// And: could it be?
static inline bool machine_has_settings(gpa address)
{
    return address.value - VIRT_GICD < VGICD_SIZE;
}
bool machine_read_settings(struct vm *vm, gpa address, struct io_access *io);

// List registers have been filled: ticks that are in one of them now are injected.
void machine_interrupts_listed(struct vm *vm);

// The guest's trapped accesses to a timer's registers, now.
uint64_t machine_timer_read(struct vm *vm, unsigned channel, enum gtimer_register reg);
void     machine_timer_write(struct vm *vm, unsigned channel, enum gtimer_register reg, uint64_t value);

// The virtual timer as its registers were when the guest halted: the queue has it from now on. And: the guest goes on.
void machine_timer_halted(struct vm *vm, uint32_t ctl, uint64_t cval);
void machine_timer_running(struct vm *vm);

// The running guest's virtual timer as its registers are now. After each fold of the list registers. True: its line is
// up.
bool machine_timer_line(struct vm *vm, uint32_t ctl, uint64_t cval);

void machine_sgi(struct vm *vm, uint64_t icc_sgi1r);

// By PSCI. With the status that the console has seen, if any.
void machine_power_off(struct vm *vm);
void machine_reset(struct vm *vm);

#endif
