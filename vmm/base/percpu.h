// SPDX-License-Identifier: MIT
// State of one physical CPU. CPUs are indexed by their place in this table, never by what the hardware calls them. The
// first part may be read by other CPUs, the rest belongs to its own CPU alone.
#ifndef VMM_BASE_PERCPU_H
#define VMM_BASE_PERCPU_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_CPUS 16

// What a host interrupt handler does: count and say EOI. Readers on other CPUs see whole values that only grow.
struct cpu_shared {
    uint32_t index;       // place in cpus[]
    uint32_t hardware_id; // what the hardware calls it: an APIC id, a part of MPIDR
    bool     online;
    uint64_t alarms;      // host timer interrupts taken
    uint64_t spurious;    // interrupts that nobody sent
    uint64_t nmis;
    uint64_t unexpected;  // external interrupts on a vector without an owner
};

struct vm;

struct cpu {
    struct cpu_shared shared;
    struct vm        *running;   // whose vCPU this CPU runs, for the record of a panic; null outside vm_run()
    uint64_t          host_area; // where the architecture keeps what an entry into a guest needs of this CPU
    bool              panicking;
};

extern struct cpu cpus[MAX_CPUS];

// The CPU that runs this code.
struct cpu *this_cpu(void);

#endif
