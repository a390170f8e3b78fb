// SPDX-License-Identifier: MIT
// Every bound on what a guest can ask of the clock, side by side.
//
// There is no shortest period and no longest list here, because none is needed. A timer whose interrupt is on its line
// is not looked at again before the guest takes that interrupt (vmm/pc/tick.c), expiries are counted by one
// division however many they are (devices/), and each VM has a fixed number of timers. So a period of one cycle costs
// the host one exit per interrupt that the guest really takes, like any other instruction that exits, and the tick that
// is due comes at its exact time all the same.
#ifndef TIME_LIMITS_H
#define TIME_LIMITS_H

// The longest the guest runs without the monitor looking at its console: bounds input latency, not accuracy.
#define LIMIT_SLICE_NS 10000000

// A VM ends when the monitor has worked for it so many cycles of the host's counter, and its guest has not executed one
// instruction meanwhile (time/progress.h): 45 ms at 3 GHz. A megabyte by one REP OUTSB takes half of it.
#define LIMIT_NO_PROGRESS_CYCLES (UINT64_C(1) << 27)

// A VM that has a limit= ends, too, when the monitor has worked for it so many times as long: a guest whose
// instructions are nearly all carried out by the monitor uses nearly no time of its own. Of a loop of accesses to a
// device that is some hundred times; of one that only prints on a PC's own UART, which takes 87 us a byte, it can be
// more.
#define LIMIT_MONITOR_TIMES 1000

// The end of a VM's clock, in cycles: 146 years at 1 GHz. A guest can write a deadline of any size, and a halted one is
// taken to its deadline at once; so a deadline from here on never comes, and a VM that gets here all the same is ended.
// Before it no sum of two times wraps.
#define LIMIT_V_CYCLES (UINT64_C(1) << 62)

#endif
