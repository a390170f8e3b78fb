// SPDX-License-Identifier: MIT
// The PL031's counter and registers (DDI 0224C, chapter 3). Called by the bus with V. Nothing happens here between two
// accesses but the match, and that is arithmetic on how far the counter has come.
#include "devices/pl031.h"
#include "devices/wordwise.h"
#include "time/ratio.h"

enum {
    RTCDR = 0x000,
    RTCMR = 0x004,
    RTCLR = 0x008,
    RTCCR = 0x00c,
    RTCIMSC = 0x010,
    RTCRIS = 0x014,
    RTCMIS = 0x018,
    RTCICR = 0x01c,
    ID_FIRST = 0xfe0, // RTCPeriphID0..3, RTCPCellID0..3, a byte each
};

static const uint8_t id_bytes[8] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint32_t shown(const struct pl031 *rtc)
{
    return (uint32_t)rtc->ticks + rtc->offset;
}

// Seconds until the counter equals the match register again.
static uint64_t match_distance(const struct pl031 *rtc)
{
    uint32_t distance = rtc->match - shown(rtc);
    return distance != 0 ? distance : UINT64_C(1) << 32;
}

static void update_line(struct pl031 *rtc)
{
    irq_line_set(&rtc->irq, rtc->raised & rtc->enabled);
}

static void pl031_advance(void *device, vtime_t now)
{
    struct pl031 *rtc = device;
    uint64_t ticks = now / rtc->guest_hz;
    HOT_INVARIANT(ticks >= rtc->ticks);
    if (ticks - rtc->ticks >= match_distance(rtc))
        rtc->raised = 1;
    rtc->ticks = ticks;
    update_line(rtc);
}

// A match that is masked, or raised already, is found when somebody looks.
static vtime_t pl031_next_deadline(const void *device)
{
    const struct pl031 *rtc = device;
    if (!rtc->enabled || rtc->raised)
        return TIME_NEVER;
    return mul_div_ceil(rtc->ticks + match_distance(rtc), rtc->guest_hz, 1);
}

static uint32_t read_register(const struct pl031 *rtc, uint64_t offset)
{
    switch (offset) {
    case RTCDR: return shown(rtc);
    case RTCMR: return rtc->match;
    case RTCLR: return rtc->load;
    case RTCCR: return 1;
    case RTCIMSC: return rtc->enabled;
    case RTCRIS: return rtc->raised;
    case RTCMIS: return rtc->raised & rtc->enabled;
    default: return offset >= ID_FIRST && offset < PL031_SIZE ? id_bytes[(offset - ID_FIRST) / 4] : 0;
    }
}

static void write_register(struct pl031 *rtc, uint64_t offset, uint32_t value)
{
    bool matched = shown(rtc) == rtc->match;
    switch (offset) {
    case RTCMR: rtc->match = value; break;
    case RTCLR:
        rtc->load = value;
        rtc->offset = value - (uint32_t)rtc->ticks;
        break;
    case RTCIMSC: rtc->enabled = value & 1; break;
    case RTCICR: rtc->raised &= (uint8_t)~value; break;
    default: break; // read-only, or nothing there
    }
    if (!matched && shown(rtc) == rtc->match)
        rtc->raised = 1;
    update_line(rtc);
}

static uint32_t pl031_cycle(void *device, uint64_t offset, bool is_write, uint32_t value, vtime_t now)
{
    (void)now;
    if (!is_write)
        return read_register(device, offset);
    write_register(device, offset, value);
    return 0;
}

static enum io_result pl031_access(void *device, struct io_access *io, vtime_t now)
{
    pl031_advance(device, now);
    return wordwise_access(device, io, now, pl031_cycle);
}

const struct device_ops pl031_ops = {
    .name = "pl031",
    .access = pl031_access,
    .advance = pl031_advance,
    .next_deadline = pl031_next_deadline,
};

void pl031_init(struct pl031 *rtc, uint64_t guest_hz, uint64_t unix_seconds)
{
    HOT_INVARIANT(guest_hz > 0);
    *rtc = (struct pl031){ .guest_hz = guest_hz, .offset = (uint32_t)unix_seconds, .load = (uint32_t)unix_seconds };
}
