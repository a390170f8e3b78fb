// SPDX-License-Identifier: MIT
// The table of contents: one init call a line, in the only order that works. Called by start.S at EL2, on the boot CPU,
// exceptions masked; the image and the device tree are mapped 1:1.
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/counter.h"
#include "arch/arm64/host/cache.h"
#include "arch/arm64/host/cpu.h"
#include "arch/arm64/host/timer.h"
#include "arch/arm64/host/paging.h"
#include "boot/arm64/early.h"
#include "vmm/base/alloc.h"
#include "vmm/main.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/results.h"
#include "vmm/base/stackguard.h"

_Noreturn void boot_main(const void *tree, htime_t handover);

_Noreturn void boot_main(const void *tree, htime_t handover)
{
    stackguard_make(handover, arm64_random());                   // frames have a value of this boot's
    cpu_init(&cpus[0]);                                          // this_cpu(), exceptions panic from here
    const struct bootinfo *info = early_bootinfo(tree, handover); // what the device tree says, the log
    alloc_init(info);                                            // page frames
    paging_init(info);                                           // W^X, guard pages
    hostscreen_show();                                           // what was said until now
    results_open(info, cache_to_memory);                         // what is said next, over a reset
    hosttimer_init();                                            // the alarm
    counter_init(early_counter_measured(info));                  // how fast the counter is
    vmm_main(info);                                              // does not return
}
