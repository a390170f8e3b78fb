// SPDX-License-Identifier: MIT
// Every bound on what a guest can ask of the clock, side by side.
#ifndef TIME_LIMITS_H
#define TIME_LIMITS_H

// The most expiries of one periodic timer that are replayed one by one when V jumps; the count beyond is arithmetic.
#define LIMIT_EXPIRIES_PER_ADVANCE 64

// The shortest time between two alarms that one VM can cause. A shorter guest period still expires exactly (law 4), its
// ticks follow the VM's tick policy, but the host is not interrupted more often than this.
#define LIMIT_ALARM_NS 2000

// The longest the guest runs without the monitor looking at its console: bounds input latency, not accuracy.
#define LIMIT_SLICE_NS 10000000

#endif
