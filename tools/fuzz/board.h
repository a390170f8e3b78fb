// SPDX-License-Identifier: MIT
// What both boards' fuzzers do with a VM: let time pass, and look whether what must hold does.
#ifndef TOOLS_FUZZ_BOARD_H
#define TOOLS_FUZZ_BOARD_H

#include "tools/fuzz/input.h"
#include "vmm/show/report.h"
#include "vmm/vm.h"

#define STEPS_MAX 20u // deadlines that one passing of time goes to; the rest is passed at once

static inline void pass_time(struct vm *vm, vtime_t end)
{
    for (unsigned i = 0; i < STEPS_MAX && timerq_next(&vm->machine.timers) < end; i++) {
        vm->vtime.now = timerq_next(&vm->machine.timers);
        machine_run_timers(vm);
    }
    vm->vtime.now = end > vm->vtime.now ? end : vm->vtime.now;
    machine_run_timers(vm);
}

// No timer is overdue, and every tick is handled, pending or dropped (law 5).
static inline void check_timers(struct vm *vm)
{
    struct timer_reading timers[STATS_TIMERS_MAX];
    unsigned count = machine_timers(vm, timers);
    HOLDS(vm->end != VM_RUNNING || timerq_next(&vm->machine.timers) > vm->vtime.now);
    for (unsigned i = 0; i < count; i++) {
        const struct ticks *t = timers[i].ticks;
        HOLDS(t->expired == t->injected + t->pending + t->dropped);
    }
}

#endif
