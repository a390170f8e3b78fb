// SPDX-License-Identifier: MIT
// The checker behind device_laws.h. Called by the device tests; owns no device and knows none of them. One run starts
// two equal twins and lets them live through the same random accesses, then compares all that a guest can see.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"

// V stops short of TIME_NEVER, as it does on a machine: nothing is ever due at that instant.
#define LAST_INSTANT (TIME_NEVER - 1)

struct object {
    _Alignas(64) uint8_t bytes[DEVICE_LAWS_OBJECT_MAX];
};

struct tried {
    uint64_t accesses, split_advances, deadlines, pure_reads;
};

struct run {
    const struct device_laws *laws;
    struct tried *tried;
    uint64_t seed;   // of this run: the seed of the laws plus the number of the run
    uint64_t random; // state of host_random()
    vtime_t now;
    struct object plain;  // gets the accesses only
    struct object pushed; // gets the accesses, and whatever must make no difference
    struct object copy;
};

void observation_add(struct observation *seen, uint64_t value)
{
    assert_true(seen->count < OBSERVATION_MAX);
    seen->value[seen->count++] = value;
}

static uint64_t below(struct run *run, uint64_t bound)
{
    return host_random_range(&run->random, 0, bound - 1);
}

static void advance(const struct device_laws *laws, void *device, vtime_t now)
{
    if (laws->ops->advance != NULL)
        laws->ops->advance(device, now);
}

static vtime_t next_deadline(const struct device_laws *laws, const void *device)
{
    return laws->ops->next_deadline != NULL ? laws->ops->next_deadline(device) : TIME_NEVER;
}

// Looks at a copy, so that looking changes nothing.
static void look(struct run *run, const struct object *device, struct observation *seen)
{
    const struct device_laws *laws = run->laws;
    memset(seen, 0, sizeof(*seen));
    run->copy = *device;
    advance(laws, run->copy.bytes, run->now);
    for (unsigned i = 0; laws->line && laws->line(run->copy.bytes, i); i++) {
        const struct irq_line *line = laws->line(run->copy.bytes, i);
        observation_add(seen, line->rises);
        observation_add(seen, line->level);
    }
    observation_add(seen, next_deadline(laws, run->copy.bytes));
    laws->observe(run->copy.bytes, run->now, seen);
}

static void assert_alike(struct run *run, const char *law)
{
    static struct observation a, b;
    look(run, &run->plain, &a);
    look(run, &run->pushed, &b);
    if (a.count == b.count && memcmp(a.value, b.value, a.count * sizeof(a.value[0])) == 0)
        return;
    size_t i = 0;
    while (i < a.count && i < b.count && a.value[i] == b.value[i])
        i++;
    fail_msg("%s: %s: observation %zu is %#llx, not %#llx, at V %llu (seed %llu)", run->laws->ops->name, law, i,
             (unsigned long long)b.value[i], (unsigned long long)a.value[i], (unsigned long long)run->now,
             (unsigned long long)run->seed);
}

// No step, a part of one clock, some clocks, very many clocks; every 512th some years.
static uint64_t random_step(struct run *run)
{
    uint64_t unit = run->laws->typical_step;
    if (below(run, 512) == 0)
        return host_random(&run->random) >> (10 + below(run, 20));
    switch (below(run, 6)) {
    case 0: return 0;
    case 1: return below(run, unit + 1);
    case 2: return below(run, unit * 8);
    case 3: return below(run, unit * 300);
    case 4: return unit * below(run, 16);
    default: return below(run, unit * 70000);
    }
}

// Law: advance(t1); advance(t2) equals advance(t2). Instants at and around a deadline are tried on purpose.
static void push_in_pieces(struct run *run, vtime_t until)
{
    const struct device_laws *laws = run->laws;
    vtime_t at = run->now;
    for (unsigned pieces = (unsigned)below(run, 4); pieces > 0; pieces--) {
        vtime_t deadline = next_deadline(laws, run->pushed.bytes);
        bool aim = deadline >= at && deadline <= until && below(run, 2) == 0;
        if (aim)
            at = deadline - (deadline > at ? below(run, 2) : 0);
        else
            at += until > at ? below(run, until - at) : 0;
        advance(laws, run->pushed.bytes, at);
        run->tried->split_advances++;
        assert_true(next_deadline(laws, run->pushed.bytes) > at);
    }
}

// Laws: next_deadline > now after advance(now), and no interrupt output moves up before it.
static void check_deadline(struct run *run)
{
    const struct device_laws *laws = run->laws;
    run->copy = run->plain;
    advance(laws, run->copy.bytes, run->now);
    vtime_t deadline = next_deadline(laws, run->copy.bytes);
    if (deadline <= run->now)
        fail_msg("%s: deadline %llu is not after now %llu", laws->ops->name, (unsigned long long)deadline,
                 (unsigned long long)run->now);
    run->tried->deadlines++;
    if (!laws->line)
        return;
    static struct object before;
    before = run->copy;
    advance(laws, run->copy.bytes, deadline - 1);
    for (unsigned i = 0; laws->line(before.bytes, i); i++)
        if (laws->line(before.bytes, i)->rises != laws->line(run->copy.bytes, i)->rises)
            fail_msg("%s: line %u rises before the deadline %llu", laws->ops->name, i, (unsigned long long)deadline);
}

// Law: a read between two deadlines changes nothing but what the manual says.
static void push_a_pure_read(struct run *run, struct io_access io)
{
    const struct device_laws *laws = run->laws;
    io.is_write = false;
    io.value = 0;
    if (!laws->read_is_pure || !laws->read_is_pure(run->pushed.bytes, &io))
        return;
    laws->ops->access(run->pushed.bytes, &io, run->now);
    run->tried->pure_reads++;
    assert_alike(run, "a read changed what it must not");
}

static void same_access(struct run *run, struct io_access io)
{
    const struct device_ops *ops = run->laws->ops;
    struct io_access twin = io;
    enum io_result a = ops->access(run->plain.bytes, &io, run->now);
    enum io_result b = ops->access(run->pushed.bytes, &twin, run->now);
    if (a != b || io.value != twin.value)
        fail_msg("%s: %s at offset %#llx: %#llx, not %#llx (V %llu, seed %llu)", ops->name,
                 io.is_write ? "write" : "read", (unsigned long long)io.offset, (unsigned long long)twin.value,
                 (unsigned long long)io.value, (unsigned long long)run->now, (unsigned long long)run->seed);
    run->tried->accesses++;
}

static void same_stimulus(struct run *run)
{
    if (!run->laws->stimulate)
        return;
    uint64_t twin = run->random;
    run->laws->stimulate(run->plain.bytes, run->now, &run->random);
    run->laws->stimulate(run->pushed.bytes, run->now, &twin);
}

static void one_step(struct run *run)
{
    struct io_access io = { .size = 1 };
    run->laws->random_access(&run->random, &io);
    if (!io.is_write)
        io.value = 0;
    push_a_pure_read(run, io);
    same_access(run, io);
    assert_alike(run, "the twins differ after an access");
    check_deadline(run);
    if (below(run, 4) == 0)
        same_stimulus(run);

    uint64_t step = random_step(run);
    vtime_t until = step < LAST_INSTANT - run->now ? run->now + step : LAST_INSTANT;
    push_in_pieces(run, until);
    run->now = until;
    assert_alike(run, "advance in pieces is not advance at once");
}

void device_laws_check(const struct device_laws *laws)
{
    static struct run run;
    struct tried tried = { 0 };
    assert_true(laws->object_size <= DEVICE_LAWS_OBJECT_MAX);
    for (uint32_t i = 0; i < laws->runs; i++) {
        memset(&run, 0, sizeof(run));
        run.laws = laws;
        run.tried = &tried;
        run.seed = laws->seed + i;
        run.random = run.seed;
        laws->init(run.plain.bytes);
        run.pushed = run.plain;
        for (uint32_t step = 0; step < laws->steps; step++)
            one_step(&run);
    }
    print_message("# %s: laws: %llu accesses, %llu extra advances, %llu deadlines, %llu pure reads\n", laws->ops->name,
                  (unsigned long long)tried.accesses, (unsigned long long)tried.split_advances,
                  (unsigned long long)tried.deadlines, (unsigned long long)tried.pure_reads);
}
