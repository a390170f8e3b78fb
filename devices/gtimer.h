// SPDX-License-Identifier: MIT
// One CPU's generic timer as EL1 sees it (Arm ARM DDI 0487, D11.2): the physical and the virtual channel, both on the
// counter V. All of it is three registers a channel; time itself is no state here.
//
// The condition of a channel is CNT >= CVAL, as unsigned numbers: a compare value does not wrap. The line is up while
// the channel is enabled, not masked, and its condition holds; it falls by itself when the guest moves CVAL.
#ifndef DEVICES_GTIMER_H
#define DEVICES_GTIMER_H

#include "time/units.h"

enum gtimer_channel_id { GTIMER_PHYSICAL, GTIMER_VIRTUAL, GTIMER_CHANNELS };
enum gtimer_register { GTIMER_CTL, GTIMER_CVAL, GTIMER_TVAL };

#define GTIMER_CTL_ENABLE  1u
#define GTIMER_CTL_IMASK   2u
#define GTIMER_CTL_ISTATUS 4u // read-only: the condition, of an enabled channel

struct gtimer {
    struct gtimer_channel {
        uint64_t cval;
        uint32_t ctl; // ENABLE and IMASK
        uint32_t reserved;
    } channel[GTIMER_CHANNELS];
};

void     gtimer_init(struct gtimer *timer);
uint64_t gtimer_read(const struct gtimer *timer, unsigned channel, enum gtimer_register reg, vtime_t now);
void     gtimer_write(struct gtimer *timer, unsigned channel, enum gtimer_register reg, uint64_t value, vtime_t now);

// The level of the channel's interrupt.
bool gtimer_line(const struct gtimer *timer, unsigned channel, vtime_t now);

// When the line rises by itself. TIME_NEVER: it is up, or only the guest can make it rise.
vtime_t gtimer_deadline(const struct gtimer *timer, unsigned channel, vtime_t now);

#endif
