// SPDX-License-Identifier: MIT
// Blocks of text that outlive a reset: see remains.h. Called by vmm/results.c and by the loader (boot/efi/results.c).
#include "vmm/base/remains.h"

#include <string.h>

#include "vmm/base/fnv.h"

#define SNAPSHOTS  2u
#define LOG_BLOCKS (REMAINS_BLOCKS - SNAPSHOTS)
#define USED_BITS  16

static uint64_t check_more(uint64_t check, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        check = fnv_add(check, at[i]);
    return check;
}

static uint64_t check_start(uint64_t run, uint64_t number)
{
    const uint64_t head[] = { run, number };
    return check_more(FNV_START, head, sizeof(head));
}

// The upper bits of a product depend on all the lower ones.
static uint64_t state_of(uint64_t check, uint64_t used)
{
    return check >> USED_BITS << USED_BITS | used;
}

static struct remains_block *log_block(const struct remains *remains, uint64_t number)
{
    return &remains->blocks[SNAPSHOTS + number % LOG_BLOCKS];
}

// The order of these stores is what the other end relies on.
static void store(struct remains *remains, uint64_t *to, uint64_t value)
{
    *(volatile uint64_t *)to = value;
    remains->clean(to, sizeof(*to));
}

static void begin_block(struct remains *remains, struct remains_block *block, uint64_t number)
{
    store(remains, &block->state, 0);
    store(remains, &block->run, remains->run);
    store(remains, &block->number, number);
}

// The number comes last: until then an exception that has something to say, too, finds the block before full.
static void begin_log_block(struct remains *remains)
{
    uint64_t number = remains->number + 1;
    begin_block(remains, log_block(remains, number), number);
    remains->number = number;
    remains->checked = UINT64_MAX;
}

// The check of the block's text until now: that of the last time, unless an exception came between and wrote, too.
static uint64_t check_of(const struct remains *remains, const struct remains_block *block, size_t used)
{
    if (remains->checked == used)
        return remains->check;
    return check_more(check_start(remains->run, remains->number), block->text, used);
}

void remains_begin(struct remains *remains, void *memory, uint64_t run, remains_clean *clean)
{
    *remains = (struct remains){ .blocks = memory, .clean = clean, .run = run };
    memset(memory, 0, REMAINS_BYTES);
    clean(memory, REMAINS_BYTES);
    begin_log_block(remains);
}

void remains_append(struct remains *remains, const char *text, size_t size)
{
    while (size != 0 && remains->blocks != NULL) {
        struct remains_block *block = log_block(remains, remains->number);
        size_t used = block->state & 0xffff, room = REMAINS_TEXT_BYTES - used, some = size < room ? size : room;
        if (room == 0) {
            begin_log_block(remains);
            continue;
        }
        memcpy(block->text + used, text, some);
        remains->clean(block->text + used, some);
        uint64_t check = check_more(check_of(remains, block, used), text, some);
        store(remains, &block->state, state_of(check, used + some));
        remains->check = check;
        remains->checked = used + some;
        text += some;
        size -= some;
    }
}

void remains_snapshot(struct remains *remains, const char *text, size_t size)
{
    if (remains->blocks == NULL)
        return;
    uint64_t number = ++remains->snapshots;
    struct remains_block *block = &remains->blocks[number % SNAPSHOTS];
    size_t some = size < REMAINS_TEXT_BYTES ? size : REMAINS_TEXT_BYTES;
    begin_block(remains, block, number);
    memcpy(block->text, text, some);
    remains->clean(block->text, some);
    store(remains, &block->state, state_of(check_more(check_start(remains->run, number), text, some), some));
}

// One of `count` blocks that take turns.
static const struct remains_block *block_of(const struct remains_block *blocks, uint32_t count, uint64_t number)
{
    return &blocks[number % count];
}

// Its bytes; 0 when it is not valid, or has none.
static size_t valid_bytes(const struct remains_block *block, uint64_t run, uint64_t number)
{
    size_t used = block->state & 0xffff;
    if (block->run != run || block->number != number || number == 0 || used > REMAINS_TEXT_BYTES)
        return 0;
    return state_of(check_more(check_start(run, number), block->text, used), used) == block->state ? used : 0;
}

// The highest number of a block that is valid and stands in its place; 0: there is none.
static uint64_t latest(const struct remains_block *blocks, uint32_t count, uint64_t run)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (blocks[i].number > number && blocks[i].number % count == i &&
            valid_bytes(&blocks[i], run, blocks[i].number) != 0)
            number = blocks[i].number;
    }
    return number;
}

uint64_t remains_run(const void *memory)
{
    const struct remains_block *blocks = memory;
    for (uint32_t i = 0; i < REMAINS_BLOCKS; i++) {
        if (blocks[i].run != 0 && valid_bytes(&blocks[i], blocks[i].run, blocks[i].number) != 0)
            return blocks[i].run;
    }
    return 0;
}

static size_t copy(const struct remains_block *block, uint64_t run, uint64_t number, char *out)
{
    size_t bytes = valid_bytes(block, run, number);
    memcpy(out, block->text, bytes);
    return bytes;
}

size_t remains_read(const void *memory, uint64_t run, char *out, size_t *snapshot_at)
{
    const struct remains_block *snapshots = memory, *log = snapshots + SNAPSHOTS;
    uint64_t last = latest(log, LOG_BLOCKS, run), count = last != 0, seen = latest(snapshots, SNAPSHOTS, run);
    size_t done = 0;
    while (count < LOG_BLOCKS && count < last &&
           valid_bytes(block_of(log, LOG_BLOCKS, last - count), run, last - count) != 0)
        count++;
    for (; count != 0; count--)
        done += copy(block_of(log, LOG_BLOCKS, last - count + 1), run, last - count + 1, out + done);
    *snapshot_at = done;
    return done + copy(block_of(snapshots, SNAPSHOTS, seen), run, seen, out + done);
}
