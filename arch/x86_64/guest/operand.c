// SPDX-License-Identifier: MIT
// Operands of emulated instructions, wherever their bytes are (operand.h).
#include "arch/x86_64/guest/operand.h"

#include "arch/x86_64/guest/access.h"
#include "vmm/base/guestmem.h"

static bool translate_part(struct vcpu *vcpu, uint64_t linear, enum guest_access access, gpa *out)
{
    if (guest_translate(vcpu, linear, access, out))
        return true;
    guest_page_fault(vcpu, linear, access);
    return false;
}

// Outside 64-bit mode the address after the last is 0.
static uint64_t next_page(struct vcpu *vcpu, uint64_t linear)
{
    uint64_t next = (linear | (PAGE_SIZE - 1)) + 1;
    return guest_code_bits(vcpu) == 64 ? next : (uint32_t)next;
}

bool operand_translate(struct vcpu *vcpu, uint64_t linear, unsigned size, enum guest_access access,
                       struct operand_address *out)
{
    uint64_t left = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    out->first = (uint8_t)(size < left ? size : left);
    out->second = (uint8_t)(size - out->first);
    return translate_part(vcpu, linear, access, &out->physical) &&
           (out->second == 0 || translate_part(vcpu, next_page(vcpu, linear), access, &out->next));
}

bool operand_locate(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset, unsigned size,
                    enum guest_access access, struct operand_address *out)
{
    unsigned vector = guest_access_refused(vcpu, segment, offset, size, access == GUEST_WRITE);
    uint64_t linear = guest_linear(vcpu, segment, offset);
    if (vector == 0 && !operand_translate(vcpu, linear, size, access, out))
        return false;
    if (vector == 0 && (linear & (size - 1)) != 0 && guest_checks_alignment(vcpu))
        vector = EXCEPTION_AC;
    if (vector != 0)
        guest_fault(vcpu, vector, true, 0);
    return vector == 0;
}

// The largest access that a device knows and that has so many bytes or fewer.
static uint8_t device_bytes(unsigned left)
{
    return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

static void access_device(struct vcpu *vcpu, gpa at, uint8_t *bytes, unsigned count, bool is_write)
{
    for (unsigned done = 0; done < count && vcpu->vm->end == VM_RUNNING;) {
        struct io_access io = { .size = device_bytes(count - done), .is_write = is_write };
        if (is_write)
            memcpy(&io.value, bytes + done, io.size);
        machine_mmio(vcpu->vm, (gpa){ at.value + done }, &io);
        if (!is_write)
            memcpy(bytes + done, &io.value, io.size);
        done += io.size;
    }
}

static void access_part(struct vcpu *vcpu, gpa at, uint8_t *bytes, unsigned count, bool is_write)
{
    uint8_t *ram = guest_pointer(vcpu->vm->ram, at, count);
    if (ram == NULL)
        access_device(vcpu, at, bytes, count, is_write);
    else if (is_write)
        memcpy(ram, bytes, count);
    else
        memcpy(bytes, ram, count);
}

static void access_both(struct vcpu *vcpu, const struct operand_address *at, uint8_t *bytes, bool is_write)
{
    access_part(vcpu, at->physical, bytes, at->first, is_write);
    if (at->second != 0)
        access_part(vcpu, at->next, bytes + at->first, at->second, is_write);
}

void operand_read(struct vcpu *vcpu, const struct operand_address *at, void *out)
{
    memset(out, 0, (size_t)at->first + at->second);
    access_both(vcpu, at, out, false);
}

void operand_write(struct vcpu *vcpu, const struct operand_address *at, const void *in)
{
    uint8_t bytes[OPERAND_MAX_BYTES];
    memcpy(bytes, in, (size_t)at->first + at->second);
    access_both(vcpu, at, bytes, true);
}
