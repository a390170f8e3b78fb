// SPDX-License-Identifier: MIT
// KVM's paravirtual interface (Linux: msr.rst, hypercalls.rst): where the guest wants its clock page, its wall clock
// and its stolen time, what is written there, and the hypercalls. Layout and arithmetic are time/pvclock.c and
// time/steal.c. Under a guest clock the pair {tsc, ns} is true for ever, so the page is written when the guest asks for
// it and when the guest itself moves its TSC, and at no other time.
#include "arch/x86_64/guest/guest.h"
#include "time/ratio.h"
#include "time/steal.h"
#include "vmm/base/guestmem.h"
#include "vmm/show/report.h"
#include "vmm/hypercall.h"

#define PAGE_ENABLE    UINT64_C(1) // of the system time's and the stolen time's MSR
#define STEAL_RESERVED UINT64_C(0x3e)
#define compiler_barrier() __asm__ volatile("" : : : "memory") // x86 keeps stores in order; the compiler must too

// The page in guest RAM, null when the address cannot hold it: not RAM, or across a page.
static void *page_pointer(const struct vcpu *vcpu, uint64_t address, uint64_t size)
{
    bool crosses = (address & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
    return crosses ? NULL : guest_pointer(vcpu->vm->ram, (gpa){ address }, size);
}

// Nothing where the guest wants no page, where it wants it cannot be, or where V's rate has no scale.
static void publish(struct vcpu *vcpu, uint8_t flags)
{
    const struct pvclock_state *pv = &vcpu->arch->pv;
    if ((pv->system_msr & PAGE_ENABLE) == 0 || pv->anchor.scale.mul == 0)
        return;
    struct pvclock_page *page = page_pointer(vcpu, pv->system_msr & ~PAGE_ENABLE, sizeof(*page));
    if (page == NULL)
        return;
    pvclock_write_begin(page);
    compiler_barrier();
    pvclock_write_body(page, &pv->anchor, (uint8_t)(PVCLOCK_TSC_STABLE | flags));
    compiler_barrier();
    pvclock_write_end(page);
}

// The line the page shows: through V in nanoseconds, whole and fraction, at the guest's TSC of now.
static void anchor_at_now(struct vcpu *vcpu)
{
    struct pvclock_anchor *anchor = &vcpu->arch->pv.anchor;
    uint64_t hz = vcpu->vm->vtime.hz;
    unsigned __int128 product = (unsigned __int128)vcpu->vm->vtime.now * NS_PER_S;
    anchor->tsc = guest_tsc(vcpu);
    anchor->ns = (uint64_t)(product / hz);
    anchor->frac = (uint64_t)((product % hz << 64) / hz);
}

void pv_init(struct vcpu *vcpu)
{
    (void)pvclock_scale(vcpu->vm->vtime.hz, &vcpu->arch->pv.anchor.scale); // 0 where there is none
}

// msr.rst, MSR_KVM_SYSTEM_TIME_NEW. As with KVM, the write itself never fails: an address that cannot hold the page
// shows no clock. The alignment that msr.rst asks for makes no difference here.
void pv_write_system_time(struct vcpu *vcpu, uint64_t value)
{
    vcpu->arch->pv.system_msr = value;
    if ((value & PAGE_ENABLE) == 0)
        return;
    anchor_at_now(vcpu);
    publish(vcpu, 0);
}

// Filled once, by the write: seconds since 1970 at V = 0 of this VM. It may cross a page.
void pv_write_wall_clock(struct vcpu *vcpu, uint64_t value)
{
    vcpu->arch->pv.wall_msr = value;
    struct pvclock_wall *wall = guest_pointer(vcpu->vm->ram, (gpa){ value }, sizeof(*wall));
    if (wall == NULL)
        return;
    wall->version = (wall->version + 1) | 1;
    compiler_barrier();
    wall->sec = (uint32_t)vcpu->vm->wall_start_s;
    wall->nsec = 0;
    compiler_barrier();
    wall->version++;
}

// msr.rst, MSR_KVM_STEAL_TIME: 64-byte aligned; bits 5:1 give #GP. A VM has a CPU of its own, so nothing is stolen from
// it, and one writing serves for ever.
bool pv_write_steal_time(struct vcpu *vcpu, uint64_t value)
{
    if ((value & STEAL_RESERVED) != 0)
        return false;
    vcpu->arch->pv.steal_msr = value;
    struct steal_page *page = page_pointer(vcpu, value & ~PAGE_ENABLE, sizeof(*page));
    if ((value & PAGE_ENABLE) == 0 || page == NULL)
        return true;
    steal_write_begin(page);
    compiler_barrier();
    steal_write_body(page, 0);
    compiler_barrier();
    steal_write_end(page);
    return true;
}

void arch_vcpu_was_paused(struct vcpu *vcpu)
{
    publish(vcpu, PVCLOCK_GUEST_STOPPED);
}

void pv_tsc_moved(struct vcpu *vcpu, uint64_t delta)
{
    vcpu->arch->pv.anchor.tsc += delta;
    publish(vcpu, 0);
}

unsigned arch_vcpu_clocks(struct vcpu *vcpu, struct clock_reading *out)
{
    unsigned count = 0;
    out[count++] = (struct clock_reading){ "TSC", vcpu->vm->vtime.hz, guest_tsc(vcpu) - vcpu->arch->tsc_adjust };
    uint64_t msr = vcpu->arch->pv.system_msr;
    const struct pvclock_page *page = page_pointer(vcpu, msr & ~PAGE_ENABLE, sizeof(*page));
    if ((msr & PAGE_ENABLE) != 0 && page != NULL)
        out[count++] = (struct clock_reading){ "pvclock", NS_PER_S, pvclock_eval_ns(page, guest_tsc(vcpu)) };
    return count;
}

#define HC_VAPIC_POLL_IRQ 1u // "poll for interrupts": the exit was all it wanted
#define HC_CLOCK_PAIRING  9u
#define HC_SEND_IPI       10u
#define SEND_IPI_REFUSED  0x000c0800u // the ICR's own ways to say whom: shorthand, logical
#define CLOCK_PAIRING_WALLCLOCK 0u

// Linux kvm_para.h.
enum kvm_error { KVM_EPERM = 1, KVM_EFAULT = 14, KVM_EINVAL = 22, KVM_EOPNOTSUPP = 95, KVM_ENOSYS = 1000 };

static uint64_t error_value(enum kvm_error error)
{
    return 0 - (uint64_t)error;
}

// V, the wall clock and the guest's TSC are those of one instant: the hypercall's exit.
static uint64_t clock_pairing(struct vcpu *vcpu, uint64_t address, uint64_t type)
{
    const struct vm *vm = vcpu->vm;
    if (type != CLOCK_PAIRING_WALLCLOCK)
        return error_value(KVM_EOPNOTSUPP);
    struct pvclock_pairing *pairing = guest_pointer(vm->ram, (gpa){ address }, sizeof(*pairing));
    if (pairing == NULL)
        return error_value(KVM_EFAULT);
    *pairing = pvclock_pair(vm->wall_start_s, vm->vtime.now, vm->vtime.hz, guest_tsc(vcpu));
    return 0;
}

// KVM's hypercalls.rst, KVM_HC_SEND_IPI: two registers of bits, which name the APIC IDs from RDX on; RSI is the ICR's
// low half. Returns to how many CPUs it went. There is one.
static uint64_t send_ipi(struct vcpu *vcpu, uint64_t mask)
{
    const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
    struct lapic *lapic = &vcpu->vm->machine.lapic;
    uint64_t bits[2] = { gpr[GPR_RBX] & mask, gpr[GPR_RCX] & mask };
    uint32_t first = (uint32_t)gpr[GPR_RDX], icr = (uint32_t)gpr[GPR_RSI];
    unsigned width = mask == UINT64_MAX ? 64 : 32;
    if ((icr & SEND_IPI_REFUSED) != 0)
        return error_value(KVM_EINVAL);
    if (lapic->id < first || lapic->id - first >= 2 * width)
        return 0;
    uint32_t index = lapic->id - first;
    struct apic_message message = {
        .vector = (uint8_t)icr,
        .delivery = icr >> 8 & 7,
        .destination = (uint8_t)lapic->id,
    };
    bool legal = message.delivery == DELIVERY_NMI || message.vector >= 16;
    bool named = (bits[index / width] >> index % width & 1) != 0 && message.delivery != DELIVERY_EXTINT && legal;
    if (!named || !lapic_would_take(lapic, &message))
        return 0;
    lapic_receive(lapic, &message);
    machine_settle(vcpu->vm, DEVICE_LAPIC);
    return 1;
}

// Outside 64-bit code a register has 32 bits.
static uint64_t register_mask(const struct vcpu *vcpu)
{
    return vendor->get(vcpu, REGISTER_CS_BITS) == 64 ? UINT64_MAX : UINT32_MAX;
}

// The number and the arguments as the width of the guest's code has them.
static __attribute__((noinline)) uint64_t kvm_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    uint64_t mask = register_mask(vcpu);
    switch (number & mask) {
    case HC_VAPIC_POLL_IRQ: return 0;
    case HC_CLOCK_PAIRING:
        return clock_pairing(vcpu, argument & mask, vcpu_regs(vcpu)->gpr[GPR_RCX] & mask) & mask;
    case HC_SEND_IPI: return send_ipi(vcpu, mask) & mask;
    default: return error_value(KVM_ENOSYS);
    }
}

uint64_t guest_hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    uint64_t result;
    if (vendor->get(vcpu, REGISTER_CPL) != 0)
        return error_value(KVM_EPERM) & register_mask(vcpu);
    if (hypercall_oracle(vcpu, (uint32_t)number - HYPERCALL_ORACLE, argument, &result))
        return result;
    return kvm_hypercall(vcpu, number, argument);
}
