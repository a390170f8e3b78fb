// SPDX-License-Identifier: MIT
// A guest's instruction of the system has an operand in memory that is not RAM: SMSW, MOV to and from segment
// registers, LTR, far jumps, and LMSW, whose operand may be in RAM as well. SDM 2, each of them; segment.c judges
// descriptors.
#include "arch/x86_64/insn/plan.h"
#include "arch/x86_64/guest/mmio.h"
#include "vmm/base/guestmem.h"

enum system { SYSTEM_NONE, STORE_MSW, LOAD_MSW, STORE_SELECTOR, LOAD_SELECTOR, LOAD_TASK, FAR_JUMP };

static enum system system_of(const struct insn *insn)
{
    unsigned reg = insn_extension(insn);
    if (!insn->is_memory || insn->encoding != INSN_LEGACY || (insn->prefixes & INSN_PREFIX_LOCK) != 0)
        return SYSTEM_NONE;
    switch (insn->map << 8 | insn->opcode) {
    case 0x08C: return reg <= INSN_GS ? STORE_SELECTOR : SYSTEM_NONE;
    case 0x08E: return reg <= INSN_GS && reg != INSN_CS ? LOAD_SELECTOR : SYSTEM_NONE;
    case 0x0FF: return reg == 5 ? FAR_JUMP : SYSTEM_NONE;
    case 0x100: return reg == 3 ? LOAD_TASK : SYSTEM_NONE;
    case 0x101: return reg == 4 ? STORE_MSW : reg == 6 ? LOAD_MSW : SYSTEM_NONE;
    default: return SYSTEM_NONE;
    }
}

static bool in_long_mode(struct vcpu *vcpu)
{
    return (vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) != 0;
}

static bool in_real_mode(struct vcpu *vcpu)
{
    return (vendor->get(vcpu, REGISTER_CR0) & CR0_PE) == 0 || (vcpu_regs(vcpu)->rflags & RFLAGS_VM) != 0;
}

static bool refuse(struct vcpu *vcpu, unsigned vector, uint16_t error)
{
    guest_fault(vcpu, vector, true, error);
    return false;
}

// The descriptor of a selector, and where it is; a TSS in long mode has two words. False: the guest has got the fault.
static bool read_descriptor(struct vcpu *vcpu, uint16_t selector, size_t bytes, uint64_t descriptor[2],
                            uint64_t *linear)
{
    struct guest_segment table;
    bool local = (selector & 4) != 0;
    uint64_t offset = selector & 0xfff8u;
    vendor->segment(vcpu, local ? SEGMENT_LDTR : SEGMENT_GDTR, &table, false);
    if ((local && (table.attributes & SEGMENT_PRESENT) == 0) || offset + bytes - 1 > table.limit)
        return refuse(vcpu, EXCEPTION_GP, selector & 0xfffcu);
    *linear = in_long_mode(vcpu) ? table.base + offset : (uint32_t)(table.base + offset);
    size_t read = guest_read_linear(vcpu, *linear, GUEST_TABLE_READ, descriptor, bytes);
    if (read != bytes)
        guest_page_fault(vcpu, *linear + read, GUEST_TABLE_READ);
    return read == bytes;
}

// The second half of a long mode TSS's descriptor: the base's end, and where a type would be five bits that are 0.
static bool task_is_whole(uint64_t high, uint64_t base)
{
    return (high >> 40 & 0x1f) == 0 && is_canonical(base);
}

static bool mark_descriptor(struct vcpu *vcpu, uint64_t linear, uint8_t rights)
{
    gpa address;
    uint8_t *at = guest_translate(vcpu, linear, GUEST_TABLE_WRITE, &address) ? guest_pointer(vcpu->vm->ram, address, 1)
                                                                             : NULL;
    if (at != NULL)
        *at = rights;
    else
        guest_page_fault(vcpu, linear, GUEST_TABLE_WRITE);
    return at != NULL;
}

// The segment of a selector that is not null, checked, and marked as the CPU marks it.
static bool find_segment(struct vcpu *vcpu, enum segment_use use, uint16_t selector, struct guest_segment *out)
{
    struct segment_rights rights = { (unsigned)vendor->get(vcpu, REGISTER_CPL), in_long_mode(vcpu) };
    uint64_t descriptor[2] = { 0 }, linear;
    bool task = use == SEGMENT_TASK;
    if (!read_descriptor(vcpu, selector, task && rights.long_mode ? 16 : 8, descriptor, &linear))
        return false;
    if (use == SEGMENT_CODE && segment_is_gate(descriptor[0], rights.long_mode)) {
        vm_kill(vcpu->vm, "a far jump at rip %#lx goes through a gate or to a task, with its operand in device memory",
                vcpu_regs(vcpu)->rip);
        return false;
    }
    unsigned vector = segment_refused(use, selector, descriptor[0], rights);
    if (vector != 0)
        return refuse(vcpu, vector, selector & 0xfffcu);
    *out = segment_of(selector, descriptor[0], descriptor[1]);
    if (task && rights.long_mode && !task_is_whole(descriptor[1], out->base))
        return refuse(vcpu, EXCEPTION_GP, selector & 0xfffcu);
    out->attributes |= task ? SEGMENT_BUSY : SEGMENT_ACCESSED;
    return (uint8_t)out->attributes == (uint8_t)(descriptor[0] >> 40) ||
           mark_descriptor(vcpu, linear + 5, (uint8_t)out->attributes);
}

// SDM 3A 3.4.2: a null selector is for data, and as a stack's for 64-bit code that is not the user's.
static bool null_segment(struct vcpu *vcpu, unsigned reg, uint16_t selector, struct guest_segment *out)
{
    unsigned cpl = (unsigned)vendor->get(vcpu, REGISTER_CPL);
    bool stack = reg == INSN_SS;
    if (stack && (guest_code_bits(vcpu) != 64 || cpl == 3 || (selector & 3) != cpl))
        return refuse(vcpu, EXCEPTION_GP, 0);
    *out = (struct guest_segment){ .selector = selector, .attributes = (uint16_t)(stack ? cpl << 5 : 0) };
    return true;
}

// After it a stack pointer follows, so that a load of SS holds interrupts and traps back for one instruction.
static void load_selector(struct vcpu *vcpu, const struct insn *insn, uint16_t selector)
{
    unsigned reg = insn_extension(insn);
    struct guest_segment segment;
    if (in_real_mode(vcpu)) {
        vendor->segment(vcpu, reg, &segment, false);
        segment.selector = selector;
        segment.base = (uint64_t)selector << 4;
    } else if ((selector & 0xfffc) == 0 ? !null_segment(vcpu, reg, selector, &segment)
                                        : !find_segment(vcpu, reg == INSN_SS ? SEGMENT_STACK : SEGMENT_DATA, selector,
                                                        &segment)) {
        return;
    }
    if (reg == INSN_SS)
        vcpu_regs(vcpu)->rip = next_rip(insn, vcpu_regs(vcpu));
    else
        vcpu_skip(vcpu, insn->length);
    vcpu->arch->shadow = reg == INSN_SS;
    vendor->segment(vcpu, reg, &segment, true);
}

static void load_task(struct vcpu *vcpu, const struct insn *insn, uint16_t selector)
{
    struct guest_segment segment;
    if ((selector & 0xfffc) == 0 || vendor->get(vcpu, REGISTER_CPL) != 0) {
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
    } else if (find_segment(vcpu, SEGMENT_TASK, selector, &segment)) {
        vendor->segment(vcpu, SEGMENT_TR, &segment, true);
        vcpu_skip(vcpu, insn->length);
    }
}

static bool target_is_beyond(struct vcpu *vcpu, const struct guest_segment *code, uint64_t target)
{
    if (in_long_mode(vcpu) && (code->attributes & SEGMENT_LONG) != 0)
        return !is_canonical(target);
    return target > code->limit;
}

static void far_jump(struct vcpu *vcpu, uint16_t selector, uint64_t target)
{
    unsigned cpl = (unsigned)vendor->get(vcpu, REGISTER_CPL);
    struct guest_segment code;
    if (in_real_mode(vcpu)) {
        vendor->segment(vcpu, INSN_CS, &code, false);
        code.selector = selector;
        code.base = (uint64_t)selector << 4;
    } else if ((selector & 0xfffc) == 0) {
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
        return;
    } else if (!find_segment(vcpu, SEGMENT_CODE, selector, &code)) {
        return;
    } else {
        code.selector = (uint16_t)((selector & 0xfffc) | cpl);
    }
    if (target_is_beyond(vcpu, &code, target)) {
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
        return;
    }
    vendor->segment(vcpu, INSN_CS, &code, true);
    vcpu_jump(vcpu, target);
}

static void load_msw(struct vcpu *vcpu, const struct insn *insn, uint64_t value)
{
    if (guest_write_msw(vcpu, value))
        vcpu_skip(vcpu, insn->length);
    else
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
}

static uint64_t stored(struct vcpu *vcpu, enum system system, unsigned reg)
{
    struct guest_segment segment;
    if (system == STORE_MSW)
        return vendor->get(vcpu, REGISTER_CR0);
    vendor->segment(vcpu, reg, &segment, false);
    return segment.selector;
}

bool mmio_system(struct vcpu *vcpu, const struct insn *insn)
{
    enum system system = system_of(insn);
    bool writes = system == STORE_MSW || system == STORE_SELECTOR;
    unsigned offset_bytes = system == FAR_JUMP ? insn->operand_size : 0;
    struct operand_address at;
    uint8_t bytes[OPERAND_MAX_BYTES];
    uint64_t offset = 0;
    uint16_t value;
    if (system == SYSTEM_NONE)
        return false;
    uint64_t linear = guest_linear(vcpu, insn->segment, effective_address(insn, vcpu_regs(vcpu)));
    if (!operand_translate(vcpu, linear, offset_bytes + 2, writes ? GUEST_WRITE : GUEST_READ, &at))
        return true;
    if (writes) {
        value = (uint16_t)stored(vcpu, system, insn_extension(insn));
        operand_write(vcpu, &at, &value);
        vcpu_skip(vcpu, insn->length);
        return true;
    }
    operand_read(vcpu, &at, bytes);
    memcpy(&offset, bytes, offset_bytes);
    memcpy(&value, bytes + offset_bytes, sizeof(value));
    if (system == LOAD_MSW)
        load_msw(vcpu, insn, value);
    else if (system == LOAD_SELECTOR)
        load_selector(vcpu, insn, value);
    else if (system == LOAD_TASK)
        load_task(vcpu, insn, value);
    else
        far_jump(vcpu, value, offset);
    return true;
}
