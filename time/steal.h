// SPDX-License-Identifier: MIT
// The page in which a guest finds how long its vCPU was runnable and did not run (Linux kvm_para.h, msr.rst). Same
// version protocol as the clock page: the caller's memory barrier goes between the steps.
#ifndef TIME_STEAL_H
#define TIME_STEAL_H

#include "time/units.h"

// 64 bytes, 64-byte aligned, little endian.
struct steal_page {
    uint64_t steal_ns;
    uint32_t version; // odd while being written
    uint32_t flags;   // none is defined
    uint8_t  preempted; // not 0: the vCPU waits for a CPU now
    uint8_t  pad8[3];
    uint32_t pad[11];
};
_Static_assert(sizeof(struct steal_page) == 64, "kvm_para.h: struct kvm_steal_time");

void steal_write_begin(struct steal_page *page);
void steal_write_body(struct steal_page *page, uint64_t steal_ns); // of a vCPU that is about to run
void steal_write_end(struct steal_page *page);

#endif
