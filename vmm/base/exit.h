// SPDX-License-Identifier: MIT
// A neutral exit: what happened in the guest, in words that are the same on every host. arch/ fills it in,
// vmm/exit.c switches over `kind`; nothing above arch/ ever sees what the hardware itself reports.
#ifndef VMM_BASE_EXIT_H
#define VMM_BASE_EXIT_H

#include "vmm/base/types.h"

enum exit_kind {
    EXIT_INTERRUPT,    // a host interrupt arrived: the alarm where that is one, or other work of the host
    EXIT_ALARM,        // the alarm, where it is no interrupt: the world switch has a timer of its own
    EXIT_NMI,          // a host NMI, or what else of the host's is no interrupt: x86's SMI, INIT, machine check
    EXIT_STEP,         // one instruction has run, as asked
    EXIT_WINDOW,       // the guest can take an interrupt now, as asked
    EXIT_PORT,         // access to a port, where the architecture has them
    EXIT_MMIO,         // access to guest-physical memory that is not RAM
    EXIT_CPU_ID,       // the guest asks what its CPU is
    EXIT_SYSREG_READ,  // read of a system register that the monitor answers
    EXIT_SYSREG_WRITE, // write of one
    EXIT_PRIORITY,     // change of the priority below which interrupts are held back
    EXIT_DEBUG,        // access to a debug register
    EXIT_CONTROL,      // write of a control register, or of a part of one, that is not the guest's own
    EXIT_HALT,         // the guest waits for an interrupt
    EXIT_HYPERCALL,    // a call of the monitor
    EXIT_FIRMWARE,     // a call of its machine's firmware, where that is the monitor's to answer
    EXIT_FAULT,        // an instruction or exception that is given back to the guest as a fault
    EXIT_IGNORED,      // an instruction that has no effect here, or bookkeeping of the hardware
    EXIT_SHUTDOWN,     // the guest's CPU gave up: a triple fault
    EXIT_ANSWERED,     // the backend has answered it by itself; look what else is to be done
    EXIT_UNKNOWN,      // hardware reported what this version does not know
    EXIT_KIND_COUNT
};

// "port", "cpu-id", ...; for reports and records.
const char *exit_kind_name(enum exit_kind kind);

struct exit {
    enum exit_kind kind;
    uint32_t       hardware_reason; // as the hardware gave it, for records only
    uint8_t        insn_length;     // to step over; 0 when nothing has to be stepped over
    uint8_t        size;            // EXIT_PORT: 1, 2, 4
    bool           is_write;        // EXIT_PORT, EXIT_MMIO
    bool           is_string;       // EXIT_PORT: x86 moves to or from memory (INS, OUTS)
    bool           is_repeated;     // EXIT_PORT: ... as often as its prefix says
    bool           is_fetch;        // EXIT_MMIO: instruction fetch
    bool           is_table_walk;   // EXIT_MMIO: the CPU was walking the guest's page tables
    bool           during_delivery; // the exit cut short the delivery of an event; EXIT_STEP: no instruction has run
    bool           booked;          // the backend has booked the slice: vcpu_account() was called
    uint16_t       port;            // EXIT_PORT: x86 alone
    uint8_t        fault_vector;    // EXIT_FAULT: the number that x86's exceptions have
    bool           fault_has_error; // EXIT_FAULT
    uint32_t       fault_error;     // EXIT_FAULT: what the exception tells the guest beside
    gpa            address;         // EXIT_MMIO
    uint64_t       info;            // EXIT_UNKNOWN: as the hardware gave it, for records only
};

#endif
