// SPDX-License-Identifier: MIT
// The arm64 board alone, on this computer: one VM, with a stub for what is around it.
#ifndef TOOLS_TESTS_NATIVE_ARM64_VIRT_FIXTURE_H
#define TOOLS_TESTS_NATIVE_ARM64_VIRT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/vm.h"

#define HZ    UINT64_C(62500000)
#define START vm.machine.counter_start

extern struct vm vm;
extern bool leads; // the answer of timertrial_leads()
extern char printed[256];
extern size_t printed_count; // bytes that the console was given, the last 256 of them in `printed`

void fresh(unsigned version); // a new board with that GIC

// An access to the board's memory; put and get are of 4 bytes, and somebody has to answer.
bool access(uint64_t address, uint8_t size, bool is_write, uint64_t *value);
void put(uint64_t address, uint64_t value);
uint64_t get(uint64_t address);
void open_gic(void);

unsigned deliver(void);
void at(vtime_t now); // V goes there, and the timers that are due run
void are_ticks(enum timer_id timer, uint64_t expired, uint64_t injected, uint64_t pending, uint64_t dropped);
uint64_t latest(enum timer_id timer); // greatest lateness, cycles

// Set-up and tear-down of a test where a guest's counter may not be ahead of the host's.
int follow_host(void **state);
int lead_host(void **state);

#endif
