// SPDX-License-Identifier: MIT
// What svm/vendor.c and svm/exit.c share.
#ifndef ARCH_X86_64_SVM_SVM_H
#define ARCH_X86_64_SVM_SVM_H

#include "arch/x86_64/quick.h"
#include "arch/x86_64/guest/guest.h"
#include "arch/x86_64/svm/vmcb.h"

bool svm_has_next_rip(void);
bool svm_has_decode_assists(void);
uint8_t svm_flush(void); // TLB_CONTROL_*: the least that flushes the translations of one ASID

// One VM runs at a time; its translations are flushed before the next one starts.
#define GUEST_ASID         1
#define GUEST_NO_CODE_ASID 2 // for its view without code (svm/step.c)

// The `count` bytes at CS:RIP, at most 15, as the guest's page tables map them now. Null: across the end of a page, not
// mapped, not in RAM, or in a kind of paging that guest_fetch() has to walk.
const uint8_t *svm_code(struct vcpu *vcpu, size_t count);

// The length of the instruction at CS:RIP, which exited as `opcode` (its bytes, first one lowest): compared first, the
// decoder is asked only when prefixes are in the way. 0: it cannot be fetched or decoded.
uint8_t svm_insn_length(struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length);

// Does 64-bit code at CS:RIP begin with these bytes? True is certain; false can also mean that svm_code() has not been
// here before.
bool svm_runs(const struct vcpu *vcpu, uint32_t opcode, unsigned opcode_length);

// Registers in the VMCB, as struct vendor_ops has them (svm/registers.c).
uint64_t svm_get(const struct vcpu *vcpu, enum guest_register reg);
void svm_set(struct vcpu *vcpu, enum guest_register reg, uint64_t value);
void svm_segment(struct vcpu *vcpu, unsigned reg, struct guest_segment *segment, bool set);

// The short way: answers the exit that has just come, and those after it, for as long as each is one of the few that
// can be answered at once. To be called when nothing was pending and nothing was being delivered.
enum quick_outcome svm_answer(struct vcpu *vcpu);

// Single steps (svm/step.c), and what they need for a VM with delivery=exact. False: out of memory.
void svm_step(struct vcpu *vcpu, struct slice *slice, struct exit *exit);
bool svm_step_init(struct vcpu *vcpu);
void svm_step_free(struct vcpu *vcpu);

// Turns the VMCB's exit into a neutral one, and keeps an event whose delivery the exit interrupted.
void svm_decode_exit(struct vcpu *vcpu, struct exit *exit);

// VMEXIT_INVALID (svm/fail.c): is it certain that the guest has run? Where it is not, the VM ends.
bool svm_guest_ran(const struct vcpu *vcpu);
__attribute__((noinline, cold)) void svm_entry_refused(struct vcpu *vcpu, struct slice *slice, struct exit *exit);

#endif
