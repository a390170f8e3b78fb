// SPDX-License-Identifier: MIT
// Hypercalls. KVM's, that a stock guest knows, are the architecture's (arch/x86_64/pv.c). The oracle's let a test guest
// see figures of the host's, to judge its own clocks by. A VM with oracle=off gets the same answer as for any unknown
// number.
#include "arch/arch.h"
#include "vmm/vm.h"

#define HYPERCALL_ORACLE   0x45534300u // "ESC\0" + n
#define HYPERCALL_ENOSYS   ((uint64_t)-1000) // KVM_ENOSYS, what a guest that probes expects

enum oracle { ORACLE_EXITS, ORACLE_EXITS_OF_KIND, ORACLE_HOST_COUNTER, ORACLE_NOTHING = 15 };

static __attribute__((noinline)) uint64_t of_the_architecture(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    uint64_t result;
    return arch_hypercall(vcpu, number, argument, &result) ? result : HYPERCALL_ENOSYS;
}

uint64_t hypercall(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    uint32_t call = (uint32_t)number;
    if ((call & ~15u) != HYPERCALL_ORACLE || !vcpu->vm->config.oracle)
        return of_the_architecture(vcpu, number, argument);
    switch (call & 15u) {
    case ORACLE_EXITS: return vcpu->stats.exits;
    case ORACLE_EXITS_OF_KIND:
        return argument < EXIT_KIND_COUNT ? histogram_count(&vcpu->stats.cost[argument]) : HYPERCALL_ENOSYS;
    case ORACLE_HOST_COUNTER: return vcpu->last_t1;
    case ORACLE_NOTHING: return 0;
    default: return HYPERCALL_ENOSYS;
    }
}
