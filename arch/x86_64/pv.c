// SPDX-License-Identifier: MIT
// The paravirtual clock's MSRs: where the guest wants its clock page, and what is written there. Layout and arithmetic
// are time/pvclock.c. Under a guest clock the pair {tsc, ns} is true for ever, so the page is written when the guest
// asks for it and when the guest itself moves its TSC, and at no other time.
#include "arch/x86_64/vendor.h"
#include "time/ratio.h"
#include "vmm/guestmem.h"
#include "vmm/report.h"

#define SYSTEM_TIME_ENABLE UINT64_C(1)
#define compiler_barrier() __asm__ volatile("" : : : "memory") // x86 keeps stores in order; the compiler must too

// The page in guest RAM, null when the address cannot hold it: not RAM, or across a page.
static void *page_pointer(const struct vcpu *vcpu, uint64_t address, uint64_t size)
{
    bool crosses = (address & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
    return crosses ? NULL : guest_pointer(vcpu->vm->ram, (gpa){ address }, size);
}

static void publish(struct vcpu *vcpu)
{
    struct pvclock_page *page =
        page_pointer(vcpu, vcpu->arch->pv.system_msr & ~SYSTEM_TIME_ENABLE, sizeof(struct pvclock_page));
    if (page == NULL)
        return;
    pvclock_write_begin(page);
    compiler_barrier();
    pvclock_write_body(page, &vcpu->arch->pv.anchor, PVCLOCK_TSC_STABLE);
    compiler_barrier();
    pvclock_write_end(page);
}

// The line the page shows: through V in nanoseconds, whole and fraction, at the guest's TSC of now.
static bool anchor_at_now(struct vcpu *vcpu)
{
    struct pvclock_anchor *anchor = &vcpu->arch->pv.anchor;
    uint64_t hz = vcpu->vm->vtime.hz;
    if (!pvclock_scale(hz, &anchor->scale))
        return false;
    unsigned __int128 product = (unsigned __int128)vcpu->vm->vtime.now * NS_PER_S;
    anchor->tsc = guest_tsc(vcpu);
    anchor->ns = (uint64_t)(product / hz);
    anchor->frac = (uint64_t)((product % hz << 64) / hz);
    return true;
}

// msr.rst, MSR_KVM_SYSTEM_TIME_NEW: bit 0 enables, the address is 4-byte aligned. An address that cannot hold the page
// is the guest's error: #GP, and what was published before stays.
bool pv_write_system_time(struct vcpu *vcpu, uint64_t value)
{
    if ((value & SYSTEM_TIME_ENABLE) != 0) {
        uint64_t address = value & ~SYSTEM_TIME_ENABLE;
        if ((address & 3) != 0 || page_pointer(vcpu, address, sizeof(struct pvclock_page)) == NULL ||
            !anchor_at_now(vcpu))
            return false;
    }
    vcpu->arch->pv.system_msr = value;
    if ((value & SYSTEM_TIME_ENABLE) != 0)
        publish(vcpu);
    return true;
}

// Filled once, by the write: seconds since 1970 at V = 0 of this VM.
bool pv_write_wall_clock(struct vcpu *vcpu, uint64_t value)
{
    struct pvclock_wall *wall = (value & 3) == 0 ? page_pointer(vcpu, value, sizeof(struct pvclock_wall)) : NULL;
    if (wall == NULL)
        return false;
    vcpu->arch->pv.wall_msr = value;
    wall->version = (wall->version + 1) | 1;
    compiler_barrier();
    wall->sec = (uint32_t)vcpu->vm->wall_start_s;
    wall->nsec = 0;
    compiler_barrier();
    wall->version++;
    return true;
}

void pv_tsc_moved(struct vcpu *vcpu, uint64_t delta)
{
    vcpu->arch->pv.anchor.tsc += delta;
    if ((vcpu->arch->pv.system_msr & SYSTEM_TIME_ENABLE) != 0)
        publish(vcpu);
}

unsigned arch_vcpu_clocks(struct vcpu *vcpu, struct clock_reading *out)
{
    unsigned count = 0;
    out[count++] = (struct clock_reading){ "TSC", vcpu->vm->vtime.hz, guest_tsc(vcpu) - vcpu->arch->tsc_adjust };
    uint64_t msr = vcpu->arch->pv.system_msr;
    const struct pvclock_page *page = page_pointer(vcpu, msr & ~SYSTEM_TIME_ENABLE, sizeof(*page));
    if ((msr & SYSTEM_TIME_ENABLE) != 0 && page != NULL)
        out[count++] = (struct clock_reading){ "pvclock", NS_PER_S, pvclock_eval_ns(page, guest_tsc(vcpu)) };
    return count;
}
