// SPDX-License-Identifier: MIT
// System registers whose accesses trap (traps.h says which): what a guest reads there, and what its writes do.
#ifndef ARCH_ARM64_GUEST_SYSREG_H
#define ARCH_ARM64_GUEST_SYSREG_H

#include "arch/arm64/vcpu.h"

// A register by its encoding, as in the instruction.
#define SYSREG(op0, op1, crn, crm, op2) \
    ((uint32_t)(op0) << 14 | (uint32_t)(op1) << 11 | (uint32_t)(crn) << 7 | (uint32_t)(crm) << 3 | (uint32_t)(op2))
#define SYSREG_CRM(encoding) ((encoding) >> 3 & 15)
#define SYSREG_OP2(encoding) ((encoding) & 7)
#define SYSREG_CNTPCT        SYSREG(3, 3, 14, 0, 1)

// Of a trapped MSR or MRS (ESR_EL2's ISS of class 0x18): direction, CRm, Rt, CRn, op1, op2, op0. Register 31 is the
// zero register.
#define SYSREG_ISS_READ      1u
#define SYSREG_ISS_RT(iss)   ((unsigned)(iss) >> 5 & 31)
static inline uint32_t sysreg_of_iss(uint32_t iss)
{
    return SYSREG(iss >> 20 & 3, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7);
}

// Once, when virtualization is turned on: what the ID registers of every guest are.
void sysreg_init(unsigned gic_version);

// As after reset, the debug registers in the CPU too.
void debug_reset(struct debug_state *debug);

// MDSCR_EL1 in the CPU is the guest's again. For whoever has stepped it.
void debug_load(const struct debug_state *debug);

// The access that the syndrome tells of: MSR and MRS, or by an AArch32 application MCR, MRC, MCRR, MRRC of coprocessor
// 15. A read's value goes to its register; stepping over the instruction is the caller's. False: there is no such
// register, the instruction is undefined.
bool sysreg_trapped(struct vcpu *vcpu, uint64_t esr);

// Is it in the space of the ID registers (op0 3, op1 0, CRn 0, CRm 1 to 7), and what a guest reads there.
bool sysreg_is_id(uint32_t encoding);
uint64_t sysreg_id(uint32_t encoding);

// The syndrome of the exception that an undefined access gives the guest.
uint64_t sysreg_undefined(uint64_t esr);

// One access, and those of the debug registers, op0 2 (debugregs.c).
bool sysreg_access(struct vcpu *vcpu, uint32_t encoding, bool is_write, uint64_t *value);
bool debug_access(struct debug_state *debug, uint32_t encoding, bool is_write, uint64_t *value);

// The performance monitors (pmu.c): as after reset, and one access. False: there is no such register.
void guest_pmu_reset(struct vcpu *vcpu);
__attribute__((cold)) bool guest_pmu_access(struct vcpu *vcpu, uint32_t encoding, bool is_write, uint64_t *value);

#endif
