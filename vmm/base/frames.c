// SPDX-License-Identifier: MIT
// The pure core of the frame allocator: a sorted list of free ranges (see alloc.h). No hardware, no global; the list is
// small because the monitor asks for few and large pieces. Callers own the struct.
#include "vmm/base/alloc.h"

#include <string.h>

#include "time/units.h"

static uint64_t page_down(uint64_t address)
{
    return address & ~(PAGE_SIZE - 1);
}

// The last partial page of the address space is never usable, so saturating below it is right.
static uint64_t page_up(uint64_t address)
{
    return address > UINT64_MAX - (PAGE_SIZE - 1) ? page_down(UINT64_MAX) : page_down(address + PAGE_SIZE - 1);
}

static void remove_at(struct frames *frames, uint32_t i)
{
    frames->count--;
    memmove(&frames->free[i], &frames->free[i + 1], (frames->count - i) * sizeof(frames->free[0]));
}

static bool insert_at(struct frames *frames, uint32_t i, struct frame_range range)
{
    if (frames->count == FRAME_RANGES_MAX)
        return false;
    memmove(&frames->free[i + 1], &frames->free[i], (frames->count - i) * sizeof(frames->free[0]));
    frames->free[i] = range;
    frames->count++;
    return true;
}

// Cuts [start, end) out of the list, page aligned already. False: a range would have to be split and the list is full.
static bool cut(struct frames *frames, uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < frames->count && frames->free[i].start < end;) {
        struct frame_range *range = &frames->free[i];
        if (range->end <= start) {
            i++;
            continue;
        }
        struct frame_range tail = { end, range->end };
        bool keeps_head = range->start < start, keeps_tail = tail.start < tail.end;
        if (keeps_head && keeps_tail && !insert_at(frames, i + 1, tail))
            return false;
        frames->free_bytes -= (range->end < end ? range->end : end) - (keeps_head ? start : range->start);
        if (keeps_head)
            range->end = start;
        else if (keeps_tail)
            range->start = end;
        else
            remove_at(frames, i);
        i += keeps_head || keeps_tail;
        if (keeps_tail && keeps_head)
            return true;
    }
    return true;
}

bool frames_reserve(struct frames *frames, uint64_t start, uint64_t end)
{
    return start >= end || cut(frames, page_down(start), page_up(end));
}

bool frames_add(struct frames *frames, uint64_t start, uint64_t end)
{
    start = page_up(start);
    end = page_down(end);
    if (start >= end)
        return true;
    uint32_t i = 0;
    while (i < frames->count && frames->free[i].end < start)
        i++;
    uint32_t first = i;
    struct frame_range merged = { start, end };
    uint64_t before = 0;
    for (; i < frames->count && frames->free[i].start <= end; i++) {
        merged.start = frames->free[i].start < merged.start ? frames->free[i].start : merged.start;
        merged.end = frames->free[i].end > merged.end ? frames->free[i].end : merged.end;
        before += frames->free[i].end - frames->free[i].start;
    }
    if (i == first) {
        if (!insert_at(frames, first, merged))
            return false;
    } else {
        frames->free[first] = merged;
        memmove(&frames->free[first + 1], &frames->free[i], (frames->count - i) * sizeof(frames->free[0]));
        frames->count -= i - first - 1;
    }
    frames->free_bytes += merged.end - merged.start - before;
    return true;
}

uint64_t frames_alloc(struct frames *frames, uint64_t count, uint64_t align_pages)
{
    if (count == 0 || count > UINT64_MAX / PAGE_SIZE || align_pages == 0 || align_pages > UINT64_MAX / PAGE_SIZE ||
        (align_pages & (align_pages - 1)) != 0)
        return 0;
    uint64_t size = count * PAGE_SIZE, mask = align_pages * PAGE_SIZE - 1;
    for (uint32_t i = 0; i < frames->count; i++) {
        struct frame_range range = frames->free[i];
        if (range.start > UINT64_MAX - mask)
            return 0;
        uint64_t start = (range.start + mask) & ~mask;
        if (start >= range.end || range.end - start < size)
            continue;
        if (!cut(frames, start, start + size))
            return 0;
        frames->used_bytes += size;
        return start;
    }
    return 0;
}

void frames_free(struct frames *frames, uint64_t start, uint64_t count)
{
    uint64_t size = count * PAGE_SIZE, free_before = frames->free_bytes;
    INVARIANT(start % PAGE_SIZE == 0 && size <= frames->used_bytes);
    frames->used_bytes -= size;
    if (!frames_add(frames, start, start + size))
        frames->lost_bytes += size;
    else
        INVARIANT(frames->free_bytes - free_before == size); // less, where some of it was free already
}
