// SPDX-License-Identifier: MIT
// The seam, lower half: the host, on which the monitor itself stands, whether it runs guests or not. Called with
// interrupts off; nothing here can fail, unless it says so.
#ifndef ARCH_HOST_H
#define ARCH_HOST_H

#include "time/counterscale.h"
#include "time/units.h"
#include "vmm/base/types.h"

struct bootinfo;
struct card;

htime_t  arch_counter_read(void);

// What is known of the counter: its rate, which clocks said so, and which one was not believed ("" if none); and how a
// guest's can have another rate, known once virtualization is on.
struct counter {
    uint64_t                   hz; // 0 before it is known
    const char                *origin, *not_believed;
    struct counterscale_format scaling;
    bool                       fixed_for_guest; // a guest reads the rate from the hardware itself: it has no other
};
const struct counter  *arch_counter(void);
static inline uint64_t arch_counter_hz(void) { return arch_counter()->hz; }

// Seconds since 1970 of the host's wall clock, now; 0 when it has none that can be believed.
uint64_t arch_wall_seconds(void);

// What this host has and lacks, but for virtualization: its lines of the report card. Takes some milliseconds.
void arch_report_card(const struct bootinfo *info, struct card *card);

// Bytes out: to the host's console, or to where the monitor's own lines go, which may be the same (bounded wait,
// dropped when nobody listens); one byte of the console in, or -1. Also before anything else is known, and in a panic.
enum arch_channel { ARCH_CONSOLE, ARCH_LOG };
void arch_write(enum arch_channel channel, const void *bytes, size_t count);
int  arch_console_read(void);

// Logs where the host was, in return addresses with names: ip (when not 0), then the return address on top of the stack
// if there is one at sp (when not 0), then those of the frame pointer chain that starts at fp. Reads only inside the
// host's own stacks.
void arch_backtrace(uint64_t ip, uint64_t sp, uint64_t fp);

// Ends the host; the status is what an emulator leaves with, where it can be told one.
_Noreturn void arch_machine_exit(unsigned status);

// --- guests' memory: called by vmm/base/guestmem.c alone ------------------------------------------------------------

// Takes the frames of [start, start + size) out of the monitor's own map, rounded up to whole GUESTMEM_UNIT, and shows
// `size` bytes of them elsewhere, all zeros, with nothing mapped before and after; start is a multiple of
// GUESTMEM_UNIT, size of PAGE_SIZE. Null: out of memory for tables, and nothing has changed. Close makes zeros of it
// again, and undoes it.
void *arch_window_open(hpa start, uint64_t size);
void  arch_window_close(void *window, hpa start, uint64_t size);

#endif
