// SPDX-License-Identifier: MIT
// MOV to CR0 and CR4, LMSW, CLTS, and XSETBV, where the hardware leaves them to the monitor: VMX does for every XSETBV
// and for bits of the two registers that are not the guest's to set, SVM for every write of them, because it knows the
// host's features and not which of them the guest was told of, and QEMU's TCG takes a CR0 that no CPU takes.
// SDM 3A 2.5, 4.4.1, 9.8.5; SDM 1 13.3; APM 2, 3.1.3.
#include "arch/x86_64/insn/plan.h"
#include "arch/x86_64/guest/mmio.h"
#include "arch/x86_64/guest/guest.h"
#include "vmm/base/guestmem.h"

#define CR0_ALL (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

#define MSW_WRITABLE UINT64_C(0xf)

// Behind 0F; 01 is XSETBV or, with an extension of 6, LMSW.
enum { OPCODE_01 = 0x01, OPCODE_CLTS = 0x06, OPCODE_MOV = 0x22 };

#define PDPTE_PRESENT  UINT64_C(1)
#define PDPTE_RESERVED UINT64_C(0x1e6)

// Up to OSXMMEXCPT every guest has all of them but MCE, and VME and PVI, which QEMU's CPU has not got; the others come
// with a CPUID bit, of leaf 1 or leaf 7.
#define CR4_ALWAYS UINT64_C(0x7bc)

uint64_t guest_cr4_bits(struct vcpu *vcpu)
{
    static const struct {
        uint8_t leaf, reg, bit; // reg: 1 EBX, 2 ECX, 3 EDX
        uint8_t cr4;
    } features[] = {
        { 1, 3, 1, 0 },   // VME
        { 1, 3, 1, 1 },   // VME: PVI
        { 1, 2, 26, 18 }, // XSAVE: OSXSAVE
        { 7, 1, 0, 16 },  // FSGSBASE
        { 7, 1, 7, 20 },  // SMEP
        { 7, 1, 20, 21 }, // SMAP
        { 7, 2, 2, 11 },  // UMIP
        { 7, 2, 3, 22 },  // PKU: PKE
    };
    uint64_t bits = CR4_ALWAYS;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        struct cpuid_result leaf = guest_cpuid(vcpu, features[i].leaf, 0);
        uint32_t reg = features[i].reg == 1 ? leaf.ebx : features[i].reg == 2 ? leaf.ecx : leaf.edx;
        bits |= (uint64_t)(reg >> features[i].bit & 1) << features[i].cr4;
    }
    return bits;
}

// Where CR3 says they are. Null: not in RAM.
static const uint64_t *pdptes_at_cr3(struct vcpu *vcpu)
{
    return guest_pointer(vcpu->vm->ram, (gpa){ vendor->get(vcpu, REGISTER_CR3) & 0xffffffe0u }, 32);
}

const uint64_t *guest_pdptes(struct vcpu *vcpu)
{
    const uint64_t paging = CR0_PG | CR0_PE;
    bool pae = (vendor->get(vcpu, REGISTER_CR0) & paging) == paging &&
               (vendor->get(vcpu, REGISTER_CR4) & CR4_PAE) != 0 &&
               (vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) == 0;
    return pae ? pdptes_at_cr3(vcpu) : NULL;
}

// SDM 3A 4.4.1: reserved bits in a present entry refuse the MOV that would load it.
static bool pdptes_valid(struct vcpu *vcpu)
{
    const uint64_t *entries = pdptes_at_cr3(vcpu);
    uint64_t reserved = PDPTE_RESERVED | ~((UINT64_C(1) << guest_address_bits()) - 1);
    for (unsigned i = 0; entries != NULL && i < 4; i++) {
        if ((entries[i] & PDPTE_PRESENT) != 0 && (entries[i] & reserved) != 0)
            return false;
    }
    return entries != NULL;
}

// SDM 3A 9.8.5 and 2, MOV to control registers: long mode comes on neither under a code segment for 64 bits nor with a
// 16-bit task.
static bool long_mode_may_begin(struct vcpu *vcpu)
{
    struct guest_segment code, task;
    vendor->segment(vcpu, INSN_CS, &code, false);
    vendor->segment(vcpu, SEGMENT_TR, &task, false);
    return (code.attributes & SEGMENT_LONG) == 0 && (task.attributes & SEGMENT_TYPE) != SEGMENT_TASK16;
}

// SDM 3A 9.8.5: paging comes on in long mode if LME is set, and then needs PAE; it does not go off under 64-bit code.
static bool paging_allowed(struct vcpu *vcpu, uint64_t value, uint64_t efer)
{
    bool pae = (vendor->get(vcpu, REGISTER_CR4) & CR4_PAE) != 0;
    if ((value & CR0_PG) == 0)
        return guest_code_bits(vcpu) != 64;
    if ((efer & EFER_LME) != 0)
        return pae && ((efer & EFER_LMA) != 0 || long_mode_may_begin(vcpu));
    return !pae || guest_cpu_is_amd() || pdptes_valid(vcpu); // AMD's load the top entries when they are used
}

bool guest_write_cr0(struct vcpu *vcpu, uint64_t value)
{
    uint64_t efer = vendor->get(vcpu, REGISTER_EFER);
    bool paging = (value & CR0_PG) != 0;
    bool needs_pe = paging && (value & CR0_PE) == 0, needs_cd = (value & CR0_NW) != 0 && (value & CR0_CD) == 0;
    if (value >> 32 != 0 || needs_pe || needs_cd || !paging_allowed(vcpu, value, efer))
        return false;
    vendor->set(vcpu, REGISTER_EFER, paging && (efer & EFER_LME) != 0 ? efer | EFER_LMA : efer & ~EFER_LMA);
    vendor->set(vcpu, REGISTER_CR0, (value & CR0_ALL) | CR0_ET);
    return true;
}

// PE is set by it and never cleared.
bool guest_write_msw(struct vcpu *vcpu, uint64_t value)
{
    uint64_t cr0 = vendor->get(vcpu, REGISTER_CR0);
    return vendor->get(vcpu, REGISTER_CPL) == 0 &&
           guest_write_cr0(vcpu, (cr0 & ~(MSW_WRITABLE & ~CR0_PE)) | (value & MSW_WRITABLE));
}

// SDM 3A 4.1.2: long mode needs PAE. What Intel's CPUs check when PAE paging comes on, AMD's do not, and on VMX a MOV
// that could be right does not exit.
static bool write_cr4(struct vcpu *vcpu, uint64_t value)
{
    bool long_mode = (vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) != 0;
    if ((value & ~guest_cr4_bits(vcpu)) != 0 || (long_mode && (value & CR4_PAE) == 0))
        return false;
    vendor->set(vcpu, REGISTER_CR4, value);
    return true;
}

// SDM 1 13.3: x87 is always there, AVX needs SSE, the three parts of AVX-512 come together and need AVX.
static bool write_xcr0(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
    struct cpuid_result components = guest_cpuid(vcpu, 0xd, 0);
    uint64_t avx512 = value & XCR0_AVX512;
    bool avx_alone = (value & (XCR0_SSE | XCR0_AVX)) == XCR0_AVX;
    bool part_of_avx512 = avx512 != 0 && (avx512 != XCR0_AVX512 || (value & XCR0_AVX) == 0);
    if (index != 0 || (value & ~((uint64_t)components.edx << 32 | components.eax)) != 0 || (value & XCR0_X87) == 0 ||
        avx_alone || part_of_avx512 || vendor->get(vcpu, REGISTER_CPL) != 0)
        return false;
    x86_xsetbv(0, value);
    return true;
}

static bool execute(struct vcpu *vcpu, const struct insn *insn)
{
    const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    if (insn->opcode == OPCODE_CLTS)
        return guest_write_cr0(vcpu, vendor->get(vcpu, REGISTER_CR0) & ~CR0_TS);
    if (insn->opcode == OPCODE_01 && insn_extension(insn) == 6)
        return guest_write_msw(vcpu, gpr[insn_rm(insn)]);
    if (insn->opcode == OPCODE_01)
        return write_xcr0(vcpu, (uint32_t)gpr[GPR_RCX], gpr[GPR_RDX] << 32 | (uint32_t)gpr[GPR_RAX]);
    uint64_t value = gpr[insn_rm(insn)];
    if (guest_code_bits(vcpu) != 64)
        value &= UINT32_MAX;
    return insn_reg(insn) == 0 ? guest_write_cr0(vcpu, value) : write_cr4(vcpu, value);
}

void emulate_control(struct vcpu *vcpu, const struct exit *exit)
{
    (void)exit;
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn insn;
    bool known = insn_decode(&insn, bytes, guest_fetch(vcpu, bytes), guest_code_bits(vcpu)) == DECODE_OK &&
                 insn.map == INSN_MAP_0F &&
                 (insn.opcode == OPCODE_MOV || insn.opcode == OPCODE_01 || insn.opcode == OPCODE_CLTS);
    if (!known)
        vm_kill(vcpu->vm, "the instruction that writes a control register at rip %#lx cannot be read",
                vcpu_regs(vcpu)->rip);
    else if (insn.is_memory) // LMSW
        mmio_system(vcpu, &insn);
    else if (execute(vcpu, &insn))
        vcpu_skip(vcpu, insn.length);
    else
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
}
