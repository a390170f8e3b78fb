// SPDX-License-Identifier: MIT
// The local APIC's timer. Called by lapic.c and lapic_regs.c with `now`; owns struct lapic_timer and nothing else.
// It counts expiries and never delivers one: which of them become interrupts is the VM's tick policy.
#include "devices/lapic_timer.h"
#include "time/ratio.h"

#define TDCR_BITS 0x0bu // SDM 3A figure 11-10: bits 3, 1 and 0

static uint32_t mode_of(uint32_t lvt)
{
    return lvt & LAPIC_TIMER_MODE;
}

// One-shot and periodic count down from TMICT; the other two encodings do not.
static bool mode_counts(uint32_t lvt)
{
    return mode_of(lvt) == LAPIC_TIMER_ONE_SHOT || mode_of(lvt) == LAPIC_TIMER_PERIODIC;
}

// Encodings 0..7 (bits 3,1,0) divide by 2, 4, 8, 16, 32, 64, 128, 1.
static uint32_t divider_shift(uint32_t tdcr)
{
    uint32_t code = (tdcr & 3) | ((tdcr & 8) >> 1);
    return (code + 1) & 7;
}

static void disarm(struct lapic_timer *timer)
{
    timer->expiry = TIME_NEVER;
    timer->deadline_tsc = 0;
}

// The guest programs the timer anew: whatever expired before and was not taken belongs to a past it has left.
static void restart(struct lapic_timer *timer)
{
    disarm(timer);
    timer->stale = timer->expired;
    timer->restarted = 1;
}

// TDCR 0 divides by 2 (figure 11-10).
void lapic_timer_reset(struct lapic_timer *timer)
{
    *timer = (struct lapic_timer){ .expiry = TIME_NEVER, .lvt = LAPIC_LVT_MASKED, .shift = divider_shift(0) };
}

// The timer's input clock is V itself and the divider a power of two, so a period is a whole number of cycles: nothing
// is rounded, at no rate.
uint64_t lapic_timer_period(const struct lapic_timer *timer)
{
    return mode_of(timer->lvt) == LAPIC_TIMER_PERIODIC ? (uint64_t)timer->initial << timer->shift : 0;
}

// However many periods have passed, one division counts them. A masked timer counts on, and its expiries are nobody's.
void lapic_timer_advance(struct lapic_timer *timer, vtime_t now)
{
    if (now < timer->expiry || timer->expiry == TIME_NEVER)
        return;

    uint64_t count = 1;
    uint64_t period = lapic_timer_period(timer);
    if (period != 0) {
        count += (now - timer->expiry) / period;
        vtime_t last = timer->expiry + (count - 1) * period; // <= now
        timer->expiry = time_add(last, period);
    } else {
        disarm(timer);
    }
    if (!(timer->lvt & LAPIC_LVT_MASKED))
        timer->expired += count;
}

vtime_t lapic_timer_next(const struct lapic_timer *timer)
{
    // A masked count has no effect but TMCCT, which is computed when read. A masked deadline clears its MSR.
    if ((timer->lvt & LAPIC_LVT_MASKED) && mode_counts(timer->lvt))
        return TIME_NEVER;
    return timer->expiry;
}

// SDM 3A 11.5.4.1: to TSC-deadline mode and back the timer is disarmed. Between one-shot and periodic the count goes
// on, and the new mode decides what comes at its end.
void lapic_timer_write_lvt(struct lapic_timer *timer, uint32_t value, vtime_t now)
{
    lapic_timer_advance(timer, now);
    if (mode_of(value) != mode_of(timer->lvt) && !(mode_counts(value) && mode_counts(timer->lvt))) {
        restart(timer);
        timer->initial = 0;
    }
    timer->lvt = value;
}

// 11.5.4: each write starts the count anew, and 0 stops it.
void lapic_timer_write_initial(struct lapic_timer *timer, uint32_t count, vtime_t now)
{
    lapic_timer_advance(timer, now);
    if (!mode_counts(timer->lvt))
        return; // SDM 3A 11.5.4.1: ignored in TSC-deadline mode
    restart(timer);
    timer->initial = count;
    timer->expiry = count == 0 ? TIME_NEVER : time_add(now, (uint64_t)count << timer->shift);
}

// The manual does not say what becomes of a count that runs. Here what is left of it goes on in the new unit; the part
// of a unit that had passed begins again.
void lapic_timer_write_divide(struct lapic_timer *timer, uint32_t value, vtime_t now)
{
    lapic_timer_advance(timer, now);
    uint32_t count = lapic_timer_current(timer, now);
    uint32_t shift = divider_shift(value);
    timer->divide = value & TDCR_BITS;
    if (shift != timer->shift && count != 0)
        timer->expiry = time_add(now, (uint64_t)count << shift);
    timer->shift = shift;
}

// What TMCCT shows between two advances is computed, not stored: a periodic count as if it had been reloaded by now.
uint32_t lapic_timer_current(const struct lapic_timer *timer, vtime_t now)
{
    if (!mode_counts(timer->lvt) || timer->expiry == TIME_NEVER)
        return 0;
    uint64_t left;
    if (now < timer->expiry) {
        left = timer->expiry - now;
    } else {
        uint64_t period = lapic_timer_period(timer);
        if (period == 0)
            return 0;
        left = period - (now - timer->expiry) % period;
    }
    // TMICT - floor(elapsed / divider) is ceil(left / divider): the count drops when a whole unit has passed.
    return (uint32_t)((left + (UINT64_C(1) << timer->shift) - 1) >> timer->shift);
}

// The deadline is on the guest's TSC, which is V + adjust and runs at V's rate, so its distance there is its distance
// in V. One that is past fires at once (11.5.4.1).
static void arm_deadline(struct lapic_timer *timer, uint64_t guest_tsc, uint64_t tsc_adjust, vtime_t now)
{
    uint64_t tsc_now = now + tsc_adjust;
    timer->deadline_tsc = guest_tsc;
    timer->expiry = guest_tsc <= tsc_now ? now : time_add(now, guest_tsc - tsc_now);
    lapic_timer_advance(timer, now);
}

void lapic_timer_write_deadline(struct lapic_timer *timer, uint64_t guest_tsc, uint64_t tsc_adjust, vtime_t now)
{
    lapic_timer_advance(timer, now);
    if (mode_of(timer->lvt) != LAPIC_TIMER_TSC_DEADLINE)
        return; // SDM 3A 11.5.4.1: writes are ignored in the other modes
    restart(timer);
    if (guest_tsc != 0)
        arm_deadline(timer, guest_tsc, tsc_adjust, now);
}

// The MSR keeps its value when the guest moves its TSC: the moment that it means is another one.
void lapic_timer_tsc_moved(struct lapic_timer *timer, uint64_t tsc_adjust, vtime_t now)
{
    lapic_timer_advance(timer, now);
    if (timer->deadline_tsc != 0)
        arm_deadline(timer, timer->deadline_tsc, tsc_adjust, now);
}
