// SPDX-License-Identifier: MIT
// The calls of a guest by owner (Arm DEN0028 version 1.1, sections 2.5 and 7): the architecture's, PSCI (psci.c),
// stolen time (pvtime.c), KVM's of the vendor's hypervisor range, which stock guests know, and the oracle's for test
// guests.
//
// A result of 32 bits is zero-extended and an error sign-extended, which the convention leaves open: a guest that looks
// at all of x0 finds -1 there, as it does with other hypervisors. The immediate of the instruction has no meaning.
#include "arch/arm64/guest/smccc.h"

#include "arch/arm64/guest/psci.h"
#include "arch/arm64/guest/pvtime.h"
#include "arch/arm64/guest/guest.h"
#include "time/pvclock.h"
#include "vmm/hypercall.h"

#define WORKAROUND_NO_NEED  UINT64_C(1)

// Vendor's hypervisor services, as Linux (arm-smccc.h) knows KVM's.
#define VENDOR_UID          0x8600ff01u
#define VENDOR_FEATURES     0x86000000u
#define VENDOR_PTP          0x86000001u
#define VENDOR_FEATURE_BITS UINT64_C(3) // bit n: call n of the two above
#define PTP_VIRTUAL         0u
#define PTP_PHYSICAL        1u

// Fast, 64 bits, vendor's hypervisor services: + n, a call of vmm/hypercall.c.
#define ORACLE_CALL         0xc6455300u

#define PFR0_CSV2(pfr0)     ((pfr0) >> 56 & 15)

// Firmware's workarounds. The monitor has none to offer, and says what the CPU says of itself: from CSV2 1 on it keeps
// branch predictors apart, from 3 on the branch history, too. ARCH_WORKAROUND_2 has no such field: where there is SSBS
// the guest has that. The SOC's identity is not the guest's to know.
static uint64_t workaround(uint32_t call)
{
    uint64_t csv2 = PFR0_CSV2(sysreg_read(id_aa64pfr0_el1));
    return csv2 >= (call == SMCCC_WORKAROUND_1 ? 1u : 3u) ? WORKAROUND_NO_NEED : SMCCC_NOT_SUPPORTED;
}

static uint64_t arch_features(const struct vcpu *vcpu, uint32_t call)
{
    switch (call) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES: return SMCCC_SUCCESS;
    case SMCCC_WORKAROUND_1:
    case SMCCC_WORKAROUND_3: return workaround(call);
    case PV_TIME_FEATURES: return vcpu->vm->config.bare ? SMCCC_NOT_SUPPORTED : SMCCC_SUCCESS;
    default: return SMCCC_NOT_SUPPORTED;
    }
}

static uint64_t architecture(const struct vcpu *vcpu, const uint64_t x[])
{
    switch ((uint32_t)x[0]) {
    case SMCCC_ARCH_FEATURES: return arch_features(vcpu, (uint32_t)x[1]);
    case SMCCC_WORKAROUND_1:
    case SMCCC_WORKAROUND_3: // allowed where it is not needed, and does nothing
        return workaround((uint32_t)x[0]) == WORKAROUND_NO_NEED ? SMCCC_SUCCESS : SMCCC_NOT_SUPPORTED;
    default: return SMCCC_NOT_SUPPORTED;
    }
}

static void high_and_low(uint64_t x[2], uint64_t value)
{
    x[0] = value >> 32;
    x[1] = (uint32_t)value;
}

// The wall clock and a counter at one instant, the exit of this call. Both counters of a guest show V.
static void clock_pairing(const struct vm *vm, uint64_t x[])
{
    if ((uint32_t)x[1] != PTP_VIRTUAL && (uint32_t)x[1] != PTP_PHYSICAL) {
        x[0] = SMCCC_NOT_SUPPORTED;
        return;
    }
    uint64_t counter = machine_counter_at(&vm->machine, vm->vtime.now);
    struct pvclock_pairing now = pvclock_pair(vm->wall_start_s, vm->vtime.now, vm->vtime.hz, counter);
    high_and_low(&x[0], (uint64_t)now.sec * NS_PER_S + (uint64_t)now.nsec);
    high_and_low(&x[2], now.tsc);
}

static void vendor(const struct vcpu *vcpu, uint64_t x[])
{
    uint32_t call = vcpu->vm->config.bare ? 0 : (uint32_t)x[0];
    switch (call) {
    case VENDOR_UID: // 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, as it lies in memory
        x[0] = 0xb66fb428;
        x[1] = 0xe911c52e;
        x[2] = 0x564bcaa9;
        x[3] = 0x743a004d;
        return;
    case VENDOR_FEATURES: // 128 bits
        x[0] = VENDOR_FEATURE_BITS;
        x[1] = x[2] = x[3] = 0;
        return;
    case VENDOR_PTP: clock_pairing(vcpu->vm, x); return;
    default: x[0] = SMCCC_NOT_SUPPORTED; return;
    }
}

static uint64_t stolen_time(struct vcpu *vcpu, const uint64_t x[])
{
    if (vcpu->vm->config.bare)
        return SMCCC_NOT_SUPPORTED;
    switch ((uint32_t)x[0]) {
    case PV_TIME_FEATURES: return pvtime_features((uint32_t)x[1]);
    case PV_TIME_ST: return pvtime_stolen_ipa(vcpu, &vcpu->arch->pvtime);
    default: return SMCCC_NOT_SUPPORTED;
    }
}

bool smccc_plain_call(struct vcpu *vcpu, uint64_t x[])
{
    if (hypercall_oracle(vcpu, (uint32_t)x[0] - ORACLE_CALL, x[1], &x[0]))
        return true;
    switch ((uint32_t)x[0]) {
    case SMCCC_VERSION: x[0] = SMCCC_VERSION_1_1; return true;
    case PSCI_VERSION: x[0] = PSCI_VERSION_1_1; return true;
    default: return false;
    }
}

// Bit 31: fast, bit 30: 64 bits, then the owner. There is no yielding call.
enum owner { OWNER_ARCHITECTURE = 0x80, OWNER_STANDARD = 0x84, OWNER_STANDARD64 = 0xc4, OWNER_STANDARD_HYP64 = 0xc5,
             OWNER_VENDOR_HYP = 0x86 };

void smccc_call(struct vcpu *vcpu)
{
    uint64_t *x = vcpu->arch->world.x;
    if (smccc_plain_call(vcpu, x))
        return;
    switch ((uint32_t)x[0] >> 24) {
    case OWNER_ARCHITECTURE: x[0] = architecture(vcpu, x); return;
    case OWNER_STANDARD:
    case OWNER_STANDARD64: x[0] = psci_call(vcpu, x); return;
    case OWNER_STANDARD_HYP64: x[0] = stolen_time(vcpu, x); return;
    case OWNER_VENDOR_HYP: vendor(vcpu, x); return;
    default: x[0] = SMCCC_NOT_SUPPORTED; return;
    }
}
