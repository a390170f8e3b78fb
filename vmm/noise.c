// SPDX-License-Identifier: MIT
// Host noise on purpose: random extra work of the host between the guest's slices, and host interrupts at random
// places inside them. Under clock=guest nothing of it may reach the guest (law 9), and the test for that is this file.
#include "vmm/noise.h"

#include "vmm/account.h"

#define NOISE_WORK_MAX  4096 // rounds of a short loop
#define NOISE_SLICE_MAX 8192 // cycles until a host interrupt

// splitmix64: every seed gives a different, repeatable sequence.
static uint64_t noise_next(struct noise *noise)
{
    uint64_t z = noise->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void noise_work(struct vcpu *vcpu)
{
    uint64_t random = noise_next(&vcpu->vm->noise);
    if (random % 8 != 0)
        return;
    htime_t start = arch_counter_read();
    ledger_turn(&vcpu->ledger, ACCOUNT_HOST, start);
    for (uint64_t i = (random >> 8) % NOISE_WORK_MAX; i != 0; i--)
        __asm__ volatile("" : : : "memory");
    vcpu_host_worked(vcpu, ACCOUNT_MONITOR, start, arch_counter_read());
}

uint64_t noise_alarm(struct vm *vm, uint64_t alarm_cycles)
{
    uint64_t random = noise_next(&vm->noise);
    uint64_t sooner = 1 + (random >> 8) % NOISE_SLICE_MAX;
    return random % 4 == 0 && sooner < alarm_cycles ? sooner : alarm_cycles;
}
