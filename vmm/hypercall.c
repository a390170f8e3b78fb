// SPDX-License-Identifier: MIT
// The oracle: hypercalls that let a test guest see figures of the host's, to judge its own clocks by. Each architecture
// asks here first; the calls that a stock guest knows are its own, and so is the answer to an unknown number, which is
// what a VM with oracle=off gets for these.
#include "vmm/hypercall.h"

enum oracle { ORACLE_EXITS, ORACLE_EXITS_OF_KIND, ORACLE_HOST_COUNTER, ORACLE_NOTHING = 15 };

// A call, so that the answers that need no figure of the host's stay on the short way.
static __attribute__((noinline)) bool count_exits(const struct vcpu *vcpu, uint32_t call, uint64_t kind,
                                                  uint64_t *result)
{
    if (call == ORACLE_EXITS)
        *result = vcpu->stats.exits;
    else if (kind < EXIT_KIND_COUNT)
        *result = histogram_count(&vcpu->stats.cost[kind]);
    return call == ORACLE_EXITS || kind < EXIT_KIND_COUNT;
}

bool hypercall_oracle(struct vcpu *vcpu, uint32_t call, uint64_t argument, uint64_t *result)
{
    if (!vcpu->vm->config.oracle)
        return false;
    switch (call) {
    case ORACLE_EXITS:
    case ORACLE_EXITS_OF_KIND: return count_exits(vcpu, call, argument, result);
    case ORACLE_HOST_COUNTER: *result = vcpu->last_t1; return true;
    case ORACLE_NOTHING: *result = 0; return true;
    default: return false;
    }
}
