// SPDX-License-Identifier: MIT
// What the files of the arm64 board offer each other. Nobody else includes this.
#ifndef VMM_VIRT_WIRING_H
#define VMM_VIRT_WIRING_H

#include "vmm/vm.h"

// virt/machine.c
void machine_rearm(struct vm *vm, enum device_id id, vtime_t deadline);

// A device is settled after each use and each firing: `at` is V of what has happened, the deadline that has fired or
// now.

// virt/timer.c: the generic timer's channels, and the ticks of all timers. A line that rises is a tick whose deadline
// is `at`; one that falls before its interrupt was listed takes it back.
void machine_tick_follow(struct vm *vm, enum timer_id timer, bool level, vtime_t at);
void settle_virtual_timer(struct vm *vm, vtime_t at, bool fired);
void settle_physical_timer(struct vm *vm, vtime_t at, bool fired);

#endif
