// SPDX-License-Identifier: MIT
// A neutral exit: what happened in the guest, in words that are the same on every machine. arch/ fills it in,
// vmm/exit.c switches over `kind`; nothing above arch/ ever sees a VMCB field, a VMCS field or an ESR.
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

#include "vmm/types.h"

enum exit_kind {
    EXIT_INTERRUPT,  // a host interrupt arrived: the alarm, or other work of the machine
    EXIT_NMI,        // a host NMI
    EXIT_STEP,       // one instruction has run, as asked
    EXIT_WINDOW,     // the guest can take an interrupt now, as asked
    EXIT_IO,         // port access
    EXIT_MMIO,       // access to guest-physical memory that is not RAM
    EXIT_CPUID,      // CPUID
    EXIT_MSR_READ,   // RDMSR of an MSR that the monitor answers
    EXIT_MSR_WRITE,  // WRMSR
    EXIT_TPR,        // write of CR8
    EXIT_DEBUG,      // write of a debug register
    EXIT_CONTROL,    // write of another control register, or of a part of one, that is not the guest's own
    EXIT_HALT,       // HLT
    EXIT_HYPERCALL,  // VMMCALL, VMCALL
    EXIT_FAULT,      // an instruction or exception that is given back to the guest as a fault
    EXIT_IGNORED,    // an instruction that has no effect here (INVD), or bookkeeping of the hardware
    EXIT_SHUTDOWN,   // triple fault
    EXIT_ANSWERED,   // the backend has answered it by itself; look what else is to be done
    EXIT_UNKNOWN,    // hardware reported what this version does not know
    EXIT_KIND_COUNT
};

// "io", "cpuid", ...; for reports and records.
const char *exit_kind_name(enum exit_kind kind);

struct exit {
    enum exit_kind kind;
    uint32_t       hardware_reason; // as the hardware gave it, for records only
    uint8_t        insn_length;     // to step over; 0 when nothing has to be stepped over
    uint8_t        size;            // EXIT_IO: 1, 2, 4
    bool           is_write;        // EXIT_IO, EXIT_MMIO
    bool           is_string;       // EXIT_IO: INS/OUTS
    bool           is_repeated;     // EXIT_IO: REP prefix
    bool           is_fetch;        // EXIT_MMIO: instruction fetch
    bool           is_table_walk;   // EXIT_MMIO: the CPU was reading the guest's page tables
    bool           during_delivery; // the exit cut short the delivery of an event; EXIT_STEP: no instruction has run
    bool           booked;          // the backend has booked the slice: vcpu_account() was called
    uint16_t       port;            // EXIT_IO
    uint8_t        fault_vector;    // EXIT_FAULT
    bool           fault_has_error; // EXIT_FAULT
    uint32_t       fault_error;     // EXIT_FAULT
    gpa            address;         // EXIT_MMIO
    uint64_t       info;            // EXIT_UNKNOWN: as the hardware gave it, for records only
};

#endif
