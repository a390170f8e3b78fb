// SPDX-License-Identifier: MIT
// A guest that waits by counting reads of a port or of a device: under clock=guest an exit takes none of its time, so
// it waits for ever, as it seems. Nothing is changed for it; the log says what it does and which clock suits it.
#include "vmm/polling.h"

#include "time/ratio.h"
#include "vmm/base/log.h"

// So many accesses of the cheapest kind, EMUCOST_MEMORY (time/emucost.h), take so long on a real machine. A guest
// that has made them in less of V was faster than any machine lets it be.
#define ACCESSES_LOOKED_AT 1000000u
#define ACCESSES_TAKE_MS   100u

static void tell(struct vcpu *vcpu, const struct exit *exit, uint64_t accesses, uint64_t took_us)
{
    bool is_port = exit->kind == EXIT_PORT;
    uint64_t where = is_port ? exit->port : exit->address.value;
    log_line("vm", "%s has made %lu accesses to ports and devices in %lu us of its time, now a read of %s %#lx: "
             "if it waits by counting them, clock=guest+emu lets each take its time",
             vcpu->vm->config.name, accesses, took_us, is_port ? "port" : "device memory at", where);
    vcpu->vm->polling.told = true;
}

// What is answered on the short way is not seen here: the guest is kept off it until a read has been seen.
static void watch(struct vcpu *vcpu, bool watched)
{
    if (vcpu->vm->polling.watched == watched || (watched && !vcpu->quick))
        return;
    vcpu->vm->polling.watched = watched;
    vcpu->quick = !watched;
}

// Called now and then while the guest exits; what is counted was counted for the report anyway.
void polling_look(struct vcpu *vcpu, const struct exit *exit)
{
    struct vm *vm = vcpu->vm;
    if (vm->polling.told || vcpu->stats.exits - vm->polling.accesses < ACCESSES_LOOKED_AT) // no more than exits
        return;
    uint64_t accesses = histogram_count(&vcpu->stats.cost[EXIT_PORT]) + histogram_count(&vcpu->stats.cost[EXIT_MMIO]);
    uint64_t made = accesses - vm->polling.accesses, took = vm->vtime.now - vm->polling.v;
    if (made < ACCESSES_LOOKED_AT)
        return;
    bool in_no_time = took < mul_div_ceil(ACCESSES_TAKE_MS, vm->vtime.hz, 1000);
    bool reads = (exit->kind == EXIT_PORT || exit->kind == EXIT_MMIO) && !exit->is_write;
    watch(vcpu, in_no_time && !reads);
    if (in_no_time && !reads)
        return;
    if (in_no_time)
        tell(vcpu, exit, made, mul_div_floor(took, 1000000, vm->vtime.hz));
    vm->polling.accesses = accesses;
    vm->polling.v = vm->vtime.now;
}
