// SPDX-License-Identifier: MIT
// What a guest's instruction asks of the architecture, and the guest's memory: the door of this room. Headers of their
// own have calls (smccc.h, psci.h, pvtime.h), system registers (sysreg.h, idregs.h) and traps (traps.h).
#ifndef ARCH_ARM64_GUEST_GUEST_H
#define ARCH_ARM64_GUEST_GUEST_H

#include "arch/arm64/vcpu.h"

// reset.c: the registers of EL1 and EL0 in the CPU as they are when a VM begins.
void guest_registers_reset(void);

// inject.c: the guest takes a synchronous exception at EL1, at its present instruction.
void guest_undefined(struct vcpu *vcpu);
void guest_exception(struct vcpu *vcpu, uint64_t esr);
void guest_external_abort(struct vcpu *vcpu, bool is_fetch, bool is_table_walk, uint64_t fault_address);
void guest_data_abort(struct vcpu *vcpu, unsigned fault, uint64_t fault_address); // DFSC

// mmio.c: one access to guest-physical memory that is not RAM.
void emulate_mmio(struct vcpu *vcpu, const struct exit *exit);
gpa  fault_gpa(uint64_t esr);

// What the guest's own tables say of an access, as PAR_EL1 has it. And where they take an address, as EL1 reads it;
// beyond all memory if nowhere.
#define PAR_FAILED     UINT64_C(1)
#define PAR_FAULT(par) ((unsigned)((par) >> 1) & 63) // as DFSC
#define PAR_STAGE_2    (UINT64_C(1) << 9)            // the tables are not in RAM
#define PAR_ADDRESS    UINT64_C(0x000ffffffffff000)
uint64_t guest_probe(uint64_t address, bool as_el0, bool is_write);
uint64_t guest_at(uint64_t address, bool as_el0, bool is_write); // probe.S: the same, PAR_EL1 is lost
gpa      guest_translate(uint64_t address);

// The bytes of `value`, `size` of them, the other way round.
static inline uint64_t bytes_turned(uint64_t value, unsigned size)
{
    return __builtin_bswap64(value) >> (64 - 8 * size);
}

// One access to a device with the value in the guest's order of bytes. False: nobody answered.
bool device_access(struct vcpu *vcpu, gpa address, struct io_access *io);

// undescribed.c: an access to a device by an instruction that the syndrome does not describe.
void emulate_undescribed(struct vcpu *vcpu, const struct exit *exit);

// fpu.S: the FPU as after reset; one of its registers, lower half first.
struct fpu_value {
    _Alignas(16) uint64_t half[2];
};
void fpu_reset(void);
void fpu_read(unsigned number, struct fpu_value *value);
void fpu_write(unsigned number, const struct fpu_value *value);

// stage2.c: the guest's memory map.
bool stage2_build(struct guest_ram ram, hpa *root);
bool stage2_map_page(hpa root, uint64_t ipa, hpa page, uint64_t attributes);
void stage2_free(hpa root);
void stage2_use(hpa root);

// What was loaded there, from one guest-physical address to another, is what the guest reads and executes. Where no
// RAM is nothing was.
void stage2_loaded(struct guest_ram ram, uint64_t start, uint64_t end);

#define STAGE2_DEVICE_RW UINT64_C(0x0000)
#define STAGE2_NORMAL_RO UINT64_C(0x0001)

#endif
