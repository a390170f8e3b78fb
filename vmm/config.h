// SPDX-License-Identifier: MIT
// One line describes a VM, another the monitor; the same words everywhere.
//   vm=tick mem=16M clock=guest idle=warp tick=hardware limit=10s -- the guest's own command line
// clock= takes rtc='s values, too: no value is in both sets, so each says by itself which of the two is meant.
//   log=com2 noise=7 report=off
// Pure text in, struct out. An unknown or contradictory word is refused with a sentence that names it and the nearest
// word that is known.
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "time/tickpolicy.h"
#include "time/vtime.h"
#include "vmm/base/types.h"

#define CONFIG_NAME_MAX    32
#define CONFIG_KERNEL_MAX  64
#define CONFIG_CMDLINE_MAX 2048

// How the guest is stopped for a deadline.
enum delivery_mode {
    DELIVERY_ALARM, // by the host's alarm, as exact as that is
    DELIVERY_EXACT, // the alarm comes earlier, and the rest is done one instruction at a time
};

// The furthest that margin= and alarm_error= reach, in cycles: 10 ms at 100 MHz, and less than any counter's width.
#define CONFIG_ALARM_MAX 1000000

struct vm_config {
    char name[CONFIG_NAME_MAX];     // vm=NAME, default "guest"
    char kernel[CONFIG_KERNEL_MAX]; // kernel=NAME: what the user calls the image; for sentences only
    uint64_t mem_bytes;             // mem=16M; default 64M, 1M..(2G), multiple of 4 KiB; K M G suffixes
    uint32_t vcpus;                 // vcpus=1; anything else is refused in this version
    enum clock_policy clock;        // clock=guest|guest+emu|wall, default guest
    enum idle_rule idle;            // idle=warp|real|freeze, default warp, with clock=wall real; wall allows only real
    enum tick_policy tick;          // tick=hardware|delay|catchup|merge|discard, default hardware, with wall catchup
    uint64_t limit_ms;              // limit=10s|500ms: the end after so much of its own V (time/limits.h); 0 = none
    int64_t rtc_offset_s;           // rtc=utc|variable:SECONDS: what the guest's RTC shows, beside UTC; default utc
    bool oracle;                    // oracle=on|off: hypercalls that show host figures; default on
    bool follow;                    // screen=off|follow: changed lines of its screen go to the console; default off
    bool lanes;                     // lanes=on|off: draw H/M/G at the end; default on
    enum delivery_mode delivery;   // delivery=alarm|exact: by the alarm, or step up to each deadline; default alarm
    uint32_t margin_cycles;         // margin=CYCLES: where the steps begin; 0 = as calibration found
    uint64_t counter_hz;            // counter_hz=HZ: cycles in a second of its clocks; default 0: as in the counter's
    bool bare;                      // hypervisor=kvm|none: none hides every sign of one; default kvm
    bool testdev;                   // testdev=off|on: devices/testdev.h, PC only; default off
    char cmdline[CONFIG_CMDLINE_MAX]; // everything after " -- "
};

enum card_wish { CARD_OFF, CARD_ON, CARD_ONLY };

struct monitor_config {
    uint8_t log_com;     // log=com1|com2: where the monitor's own lines go; default com1
    bool noise;          // noise=N given: host noise is injected,
    uint64_t noise_seed; // from this seed: random extra monitor work and random host interrupts
    int32_t alarm_error_cycles; // alarm_error=CYCLES: the alarm comes so much too late (+) or too early (-)
    bool report;         // report=on|off, default on
    bool screen;         // screen=off|on: console and log go to the host's screen, too; default off
    enum card_wish card; // card=off|on|only: the report card, before the VMs or instead of them; default off
    uint64_t results;    // results=ADDRESS and run=NUMBER: where the results of this run are kept (vmm/results.h); our
    uint64_t run;        // loader says it, default none
    bool counter_measured; // counter=said|measured: its rate is measured even if that takes seconds; default said
};

bool config_parse_vm(const char *line, struct vm_config *out, struct refusal *refusal);

// When the line is refused, the words before the refused one still hold: the refusal has to be logged somewhere.
bool config_parse_monitor(const char *line, struct monitor_config *out, struct refusal *refusal);

#endif
