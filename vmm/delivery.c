// SPDX-License-Identifier: MIT
// How the guest is stopped for its next deadline, where that is more than setting the alarm:
//
//   delivery=exact   the alarm comes `margin` cycles early, and from there the guest goes on one instruction at a time
//                    up to the first boundary where V has reached the deadline. However wrong the alarm is, as long as
//                    it is wrong by less than the margin, the deadline is met at that boundary: never early, never late
//   alarm_error=N    the alarm is wrong on purpose, so that the host's own exactness hides nothing
//   noise=SEED       random work of the host between the slices, random interrupts inside them (noise.c)
//
// With any of them the vCPU is run "with care": its alarms are chosen here, and every deadline that its slices were
// armed for is compared with the V at which it was found to have come. A step is a slice like any other, booked with
// its own calibrated cost, so V is as exact after it as ever.
#include "vmm/delivery.h"

#include "vmm/account.h"
#include "vmm/noise.h"

void delivery_init(struct vcpu *vcpu, const struct monitor_config *monitor)
{
    struct vm *vm = vcpu->vm;
    bool exact = vm->config.delivery == DELIVERY_EXACT;
    vm->noise = (struct noise){ .on = monitor->noise, .state = monitor->noise_seed };
    vcpu->delivery = (struct delivery){
        .margin_cycles = !exact ? 0 : vm->config.margin_cycles != 0 ? vm->config.margin_cycles : vcpu->alarm_doubt,
        .error_cycles = monitor->alarm_error_cycles,
        .deadline = TIME_NEVER,
    };
    histogram_init(&vcpu->stats.delivery.lateness);
    histogram_init(&vcpu->stats.delivery.steps);
    vcpu->careful = exact || monitor->noise || monitor->alarm_error_cycles != 0;
    vcpu->quick = !vcpu->careful && vm->config.clock != CLOCK_GUEST_EMU; // it adds no E to V
}

// An alarm cannot come before it is set: one that should, for its error, comes after half of its time.
static uint64_t wrong_on_purpose(uint64_t cycles, int32_t error_cycles)
{
    uint64_t early = error_cycles < 0 ? (uint64_t)-(int64_t)error_cycles : 0;
    if (early == 0)
        return cycles + (uint64_t)error_cycles;
    return cycles > early ? cycles - early : (cycles + 1) / 2;
}

// Steps are bounded: each takes the guest a cycle further, or a step's calibrated cost is wrong on this host, and then
// the alarm has to do for what is left.
static bool steps_begin(const struct delivery *delivery, uint64_t left)
{
    return left <= delivery->margin_cycles && delivery->steps < delivery->margin_cycles;
}

uint64_t delivery_alarm(struct vcpu *vcpu, uint64_t cycles)
{
    struct vm *vm = vcpu->vm;
    struct delivery *delivery = &vcpu->delivery;
    if (vm->noise.on)
        noise_work(vcpu);
    vtime_t deadline = timerq_next(&vm->machine.timers);
    uint64_t left = deadline - vm->vtime.now;
    if (deadline != delivery->deadline) {
        delivery->deadline = deadline;
        delivery->steps = 0;
    }
    if (steps_begin(delivery, left))
        return ARCH_ONE_STEP;
    uint64_t early = left - delivery->margin_cycles;
    if (left > delivery->margin_cycles && early < cycles)
        cycles = early;
    cycles = wrong_on_purpose(cycles, delivery->error_cycles);
    return vm->noise.on ? noise_alarm(vm, cycles) : cycles;
}

void delivery_reached(struct vcpu *vcpu)
{
    struct delivery *delivery = &vcpu->delivery;
    vtime_t now = vcpu->vm->vtime.now;
    if (now < delivery->deadline)
        return; // nothing is due, or what the guest has set in the meantime
    histogram_add(&vcpu->stats.delivery.lateness, now - delivery->deadline);
    histogram_add(&vcpu->stats.delivery.steps, delivery->steps);
    delivery->deadline = TIME_NEVER;
    delivery->steps = 0;
}
