// SPDX-License-Identifier: MIT
// The table of contents: one init call a line, in the only order that works. Called by start.S in long mode, on the
// boot CPU, interrupts off; the first 4 GiB are mapped 1:1.
#include "arch/x86_64/host/acpi_host.h"
#include "arch/x86_64/host/cache.h"
#include "arch/x86_64/host/cpu.h"
#include "arch/x86_64/host/apic.h"
#include "arch/x86_64/host/serial.h"
#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/host/paging.h"
#include "arch/x86_64/host/tsc.h"
#include "arch/x86_64/host/x86.h"
#include "boot/x86_64/early.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/results.h"
#include "vmm/base/alloc.h"
#include "vmm/main.h"
#include "vmm/base/stackguard.h"

_Noreturn void boot_main(uint32_t magic, const void *information, htime_t handover);

_Noreturn void boot_main(uint32_t magic, const void *information, htime_t handover)
{
    stackguard_make(handover, x86_random());                                    // frames have a value of this boot's
    gdt_init(&cpus[0]);                                                         // segments, TSS, this_cpu()
    idt_init();                                                                 // exceptions panic from here
    cpu_features_init();                                                        // WP, SMEP, FPU for guests
    hostserial_init();                                                          // COM1 and COM2
    const struct bootinfo *info = early_bootinfo(magic, information, handover); // what the loader said
    alloc_init(info);                                                           // page frames
    acpi_host_init(early_rsdp());                                               // where HPET and timers are
    paging_init(info);                                                          // W^X, guard pages
    hostscreen_show();                                                          // what was said until now
    results_open(info, cache_to_memory);                                        // what is said next, over a reset
    hostapic_init();                                                            // interrupts, all silent
    hosttimer_init();                                                           // the alarm
    tsc_init();                                                                 // how fast the counter is
    vmm_main(info);                                                             // does not return
}
