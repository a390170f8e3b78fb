// SPDX-License-Identifier: MIT
// The local APIC of one vCPU, xAPIC and x2APIC (SDM 3A chapter 11; section numbers are of the 2023 edition).
//
// The monitor routes the MMIO page and the MSRs here, asks which vector is next, and says when the CPU took it.
// Timer expiries are only counted: the monitor applies the VM's tick policy and calls lapic_timer_deliver() per tick.
// This version has one APIC per VM: an IPI that does not reach its sender is counted in ipis_to_nobody.
// Everything the guest can write is checked here; nothing a guest writes can fail an INVARIANT.
#ifndef DEVICES_LAPIC_H
#define DEVICES_LAPIC_H

#include "devices/apicmessage.h"
#include "devices/device.h"
#include "devices/lapic_timer.h"

// 256 vectors, one bit each. `nonzero` has a bit per word that is not 0, so the empty set is seen at once and the
// highest member costs two bit scans.
struct vector_set {
    uint32_t word[8];
    uint32_t nonzero;
};

enum { LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT }; // the timer's LVT is in struct lapic_timer

#define LAPIC_DIRECT_NMI    1u
#define LAPIC_DIRECT_EXTINT 2u // from an IOAPIC: the CPU shall run an acknowledge cycle with the 8259

struct lapic {
    struct lapic_timer timer;
    uint64_t base; // IA32_APIC_BASE
    uint64_t eois;
    uint64_t ipis;           // ICR and SELF IPI writes with a legal vector
    uint64_t ipis_to_nobody; // of those, not delivered: another APIC's, or INIT, SIPI, SMI
    struct vector_set irr, isr;
    struct vector_set ended; // level-triggered vectors that were EOI'd and not yet taken by lapic_take_eoi()
    uint32_t tmr[8];         // set: the vector came level-triggered
    uint32_t id;             // x2APIC ID; the xAPIC register shows its low 8 bits
    uint32_t tpr, ldr, dfr, svr;
    uint32_t esr;    // what a read shows
    uint32_t errors; // logged since the last ESR write
    uint32_t icr_low, icr_high;
    uint32_t lvt[LVT_COUNT];
    uint8_t direct; // what waits for the CPU and has no vector here: LAPIC_DIRECT_...
    uint8_t lint_levels; // of the pins LINT0 and LINT1, a bit each
    uint8_t rerouted; // what it hears may have changed since somebody asked
    uint8_t reserved[5];
};

// The MMIO page. Answers in xAPIC mode only; otherwise IO_UNCLAIMED, as the page is then ordinary physical address
// space. Aligned 32-bit accesses are the architecture. Others are undefined on silicon; here a read of 1, 2 or 8 bytes
// sees that part of the register (bytes 4..15 of each 16 read 0), and a write of another size or alignment has no
// effect.
extern const struct device_ops lapic_ops;

// Power-up state: xAPIC at 0xfee00000, software-disabled, SVR 0xff, every LVT masked.
void lapic_init(struct lapic *lapic, uint32_t apic_id, bool bootstrap);

// What PC firmware leaves on the boot CPU (MultiProcessor Specification 1.4, 3.6.2.2, virtual wire mode): enabled with
// spurious vector 0x0f, LINT0 ExtINT so that the 8259 works, LINT1 NMI. For guests that are started without firmware.
void lapic_virtual_wire(struct lapic *lapic);

// MSRs 0x800..0x8ff. False means #GP: not in x2APIC mode, no such register, wrong direction, reserved bits.
bool lapic_read_msr(struct lapic *lapic, uint32_t msr, uint64_t *value, vtime_t now);
bool lapic_write_msr(struct lapic *lapic, uint32_t msr, uint64_t value, vtime_t now);

// IA32_APIC_BASE (SDM 3A 11.12.5): false means #GP for reserved bits and for the transitions that figure 11-27 lacks.
// Disabling puts every register back to power-up state.
uint64_t lapic_base_read(const struct lapic *lapic);
bool lapic_base_write(struct lapic *lapic, uint64_t value);
uint64_t lapic_mmio_base(const struct lapic *lapic);
bool lapic_mmio_enabled(const struct lapic *lapic);

#define APIC_BASE_EXTD             UINT64_C(0x400)
static inline bool lapic_in_x2apic(const struct lapic *lapic)
{
    return (lapic->base & APIC_BASE_EXTD) != 0;
}

// IA32_TSC_DEADLINE. The read shows the state at the last advance() or write: advance to `now` before it.
uint64_t lapic_deadline_read(const struct lapic *lapic);
void lapic_deadline_write(struct lapic *lapic, uint64_t guest_tsc, uint64_t tsc_adjust, vtime_t now);
void lapic_tsc_moved(struct lapic *lapic, uint64_t tsc_adjust, vtime_t now);

// Unmasked expiries since the last call.
uint64_t lapic_take_timer_expiries(struct lapic *lapic);

// Has the guest reprogrammed the timer since the last call? *stale: expiries from before that, taken with this call.
bool lapic_take_timer_restart(struct lapic *lapic, uint64_t *stale);

// Does an interrupt with the timer's vector wait in the IRR, an illegal one in the ESR's log? And can a tick be
// delivered now: none waits, and the LVTT is not masked.
bool lapic_timer_waiting(const struct lapic *lapic);
bool lapic_timer_vector_free(const struct lapic *lapic);
void lapic_timer_deliver(struct lapic *lapic);

// The vector the CPU would take now if its interrupt flag is set, or -1. lapic_accept() is the CPU taking it.
int lapic_pending_vector(const struct lapic *lapic);

// Do TPR and what is in service let this vector past (SDM 3A 11.8.3.1)?
bool lapic_lets_in(const struct lapic *lapic, unsigned vector);
void lapic_accept(struct lapic *lapic, unsigned vector);

// A vector arrived. A software-disabled APIC drops it (SDM 3A 11.4.7.2).
void lapic_raise(struct lapic *lapic, unsigned vector, bool level);

// A message is on the bus, whoever it is for. lapic_would_take(): would it come to something here, as the registers are
// now, and be it a bit of the ESR? lapic_is_waiting(): something like it has come and the CPU has not taken it.
void lapic_receive(struct lapic *lapic, const struct apic_message *message);
bool lapic_would_take(const struct lapic *lapic, const struct apic_message *message);
bool lapic_is_waiting(const struct lapic *lapic, const struct apic_message *message);

// Has a register been written since the last call that decides what this APIC hears, from LINT0 or from messages?
bool lapic_take_rerouted(struct lapic *lapic);
bool lapic_take_eoi(struct lapic *lapic, uint8_t *vector); // a level-triggered vector ended: for the IOAPIC

// The two pins LINT0 (n = 0) and LINT1. NMI and fixed delivery come by a rising edge, whatever LVT bit 15 says; SMI and
// INIT have no receiver here. ExtINT is for LINT0 alone, and a level: the 8259 reaches the CPU as long as its output is
// up and LINT0 an unmasked ExtINT, or the APIC globally disabled.
void lapic_lint(struct lapic *lapic, unsigned n, bool level);
bool lapic_accepts_extint(const struct lapic *lapic);

// What an edge of a LINT pin comes to; false: nothing. lapic_lint_follow(): its level is another, without an edge.
bool lapic_lint_message(const struct lapic *lapic, unsigned n, struct apic_message *message);
void lapic_lint_follow(struct lapic *lapic, unsigned n, bool level);

bool lapic_take_nmi(struct lapic *lapic);
bool lapic_take_extint(struct lapic *lapic);

uint8_t lapic_tpr(const struct lapic *lapic); // CR8 is TPR >> 4
void lapic_set_tpr(struct lapic *lapic, uint8_t tpr);

#endif
