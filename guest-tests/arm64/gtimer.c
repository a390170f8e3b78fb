// SPDX-License-Identifier: MIT
// The generic timer: does an interrupt of CNTV, of CNTP, ever come early, late, twice or not at all? M5, M6, M10, M11.
//
// A write of the compare value at stamp s asks for an interrupt at D. It is due where D is, or after the write when D
// has passed: at s + 1, and at s where the write exits, because an instruction that exits counts 0. In the same way
// what is read at s is the counter's value at s + 1, or at s. Under Escapement CNTV is the hardware's and CNTP exits.
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define ENABLE  1u
#define IMASK   2u
#define ISTATUS 4u
#define FAR     100000000u
#define SWEEP   60 // instructions around an unmasking

// uint64_t NAME_shot(uint64_t ahead): lets interrupts in, sets the compare value `ahead` of the stamp of its own write,
// which comes back, and spins until one has been recorded, for at most 20 million instructions.
__asm__(".pushsection .text\n"
        ".macro shot name\n"
        ".globl \\name\\()_shot\n"
        "\\name\\()_shot:\n"
        " adrp x12, record\n"
        " add x12, x12, :lo12:record\n"
        " ldr x13, [x12]\n"
        " movz x14, #0x40, lsl #16\n"
        " adrp x15, counter_self\n"
        " ldr x15, [x15, :lo12:counter_self]\n"
        " msr daifclr, #2\n"
        " mrs x9, cntvct_el0\n"
        " sub x9, x9, x15\n"
        " add x9, x9, #4\n"
        " add x10, x9, x0\n"
        " msr \\name\\()_cval_el0, x10\n"
        "1: ldr x11, [x12]\n"
        " cmp x11, x13\n"
        " b.ne 2f\n"
        " subs x14, x14, #1\n"
        " b.ne 1b\n"
        "2: msr daifset, #2\n"
        " mov x0, x9\n"
        " ret\n"
        ".endm\n"
        " shot cntv\n"
        " shot cntp\n"
        // Unmasks, 200 one-cycle instructions, masks: code for run_at().
        ".globl open_window\n"
        "open_window:\n"
        " msr daifclr, #2\n"
        " .rept 200\n nop\n .endr\n"
        " msr daifset, #2\n"
        " ret\n"
        ".popsection\n");
uint64_t cntv_shot(uint64_t ahead);
uint64_t cntp_shot(uint64_t ahead);
void open_window(void);

static const struct channel {
    const char *name;
    unsigned intid;
    bool exits; // under Escapement
    uint64_t never;
    uint64_t (*shot)(uint64_t ahead);
    uint64_t (*start)(uint64_t ahead);
    uint64_t (*write_tval)(uint64_t), (*write_cval)(uint64_t), (*write_ctl)(uint64_t);
    uint64_t (*read_tval)(uint64_t *), (*read_cval)(uint64_t *), (*read_ctl)(uint64_t *);
    uint64_t (*tval_at)(uint64_t stamp), (*ctl_at)(uint64_t stamp);
} channels[] = {
    { "CNTV", INTID_CNTV, false, CNTV_NEVER, cntv_shot, cntv_start, cntv_tval_write_stamp, cntv_cval_write_stamp,
      cntv_ctl_write_stamp, cntv_tval_read_stamp, cntv_cval_read_stamp, cntv_ctl_read_stamp, cntv_tval_read_at,
      cntv_ctl_read_at },
    { "CNTP", INTID_CNTP, true, UINT64_MAX, cntp_shot, cntp_start, cntp_tval_write_stamp, cntp_cval_write_stamp,
      cntp_ctl_write_stamp, cntp_tval_read_stamp, cntp_cval_read_stamp, cntp_ctl_read_stamp, cntp_tval_read_at,
      cntp_ctl_read_at },
};
#define CLAIMS 26 // of one channel

static void stop_virtual(void)
{
    write_sysreg(cntv_cval_el0, CNTV_NEVER);
}

static void stop_physical(void)
{
    write_sysreg(cntp_cval_el0, UINT64_MAX);
}

static uint64_t cost(const struct channel *channel)
{
    return channel->exits ? platform.exit_cost : 1;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void report(const struct channel *channel, const char *what, const struct spread *error, bool once)
{
    diag("M5 %s %s: %lu deadlines, error min=%ld max=%ld", channel->name, what, error->count, error->min, error->max);
    ok_exact(once, "%s %s: each came once", channel->name, what);
    ok_exact(error->min >= 0, "M6 %s %s: none early", channel->name, what);
    ok_counted(error->min == 0 && error->max == 0, "M5 %s %s: each at the first boundary that could take it",
               channel->name, what);
}

// Deadlines from 255 ticks in the past to `most` ahead.
static void test_shots(const struct channel *channel, const char *what, uint64_t rounds, uint64_t most)
{
    struct random random = { channel->intid };
    struct spread error = { 0 };
    bool once = true;
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t ahead = random_next(&random) % (most + 256) - 255, before = record.count;
        uint64_t write = channel->shot(ahead);
        once = once && record.count == before + 1;
        spread_add(&error, (int64_t)(record.stamp - later(write + cost(channel), write + ahead)));
    }
    report(channel, what, &error, once);
}

// A compare value at the other end of time is in the past as well: the comparison is unsigned (DDI 0487, D11.2.4).
static void test_past_and_never(const struct channel *channel)
{
    static const uint64_t values[] = { 0, 1, 1u << 31, 0xffffffff };
    struct spread error = { 0 };
    uint64_t before = record.count;
    wait_until(counter_read() + 1000);
    for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
        uint64_t now = counter_read(), value = values[i] < now ? values[i] : 0;
        interrupts_on();
        uint64_t write = channel->write_cval(value);
        interrupts_off();
        spread_add(&error, (int64_t)(record.stamp - write - cost(channel)));
    }
    report(channel, "compare values long past", &error, record.count == before + ARRAY_LENGTH(values));
    before = record.count;
    interrupts_on();
    channel->write_cval(channel->never);
    wait_until(counter_read() + 10000);
    channel->write_cval(counter_read() + ((uint64_t)1 << 63));
    wait_until(counter_read() + 10000);
    interrupts_off();
    ok(record.count == before, "%s: a compare value at the end of time, or half of it ahead, never comes",
       channel->name);
    channel->write_cval(channel->never);
}

// TVAL is a signed view of 32 bits: written, it is added to the counter; read, it is what is left.
static void test_tval(const struct channel *channel)
{
    static const uint32_t values[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 12345678 };
    struct random random = { 77 };
    bool set = true, left = true;
    uint64_t wrong = 0, cval, value;
    channel->write_ctl(ENABLE | IMASK);
    for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
        uint64_t stamp = channel->write_tval(values[i]);
        channel->read_cval(&cval);
        set = set && cval == stamp + cost(channel) + (uint64_t)(int64_t)(int32_t)values[i];
        stamp = channel->read_tval(&value);
        left = left && value == (uint32_t)(cval - stamp - cost(channel));
    }
    ok_counted(set, "%s: TVAL's edges set the compare value to the tick", channel->name);
    ok_counted(left, "%s: and read back what is left, 32 bits of it", channel->name);
    for (unsigned i = 0; i < 100000; i++) {
        if (i % 100 == 0)
            channel->write_cval(cval = counter_read() + random_next(&random) % FAR);
        uint64_t stamp = channel->read_tval(&value);
        wrong += value != (uint32_t)(cval - stamp - cost(channel));
    }
    diag("M11 %s: 100000 reads of TVAL, %lu not what the model has", channel->name, wrong);
    ok_counted(wrong == 0, "M11 %s: every one of 100000 reads of TVAL exact", channel->name);
}

static void test_status(const struct channel *channel)
{
    bool edge = true;
    uint64_t value;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t due = channel->start(500 + i * 7) + 500 + i * 7;
        uint64_t before = channel->ctl_at(due - 1);
        edge = edge && (before & ISTATUS) == 0;
        due = channel->start(500 + i * 7) + 500 + i * 7;
        edge = edge && (channel->ctl_at(due) & ISTATUS) != 0;
    }
    ok_counted(edge, "%s: ISTATUS rises at the compare value, not a tick sooner or later", channel->name);
    channel->write_cval(0);
    channel->read_ctl(&value);
    ok(value == (ENABLE | IMASK | ISTATUS), "%s: ISTATUS does not ask for IMASK", channel->name);
    channel->write_ctl(~0ul & ~(uint64_t)ENABLE & ~(uint64_t)IMASK);
    channel->read_ctl(&value);
    ok((value & ~(uint64_t)ISTATUS) == 0, "%s: no other bit of CTL can be written", channel->name);
}

// The mask and the enable of the timer itself: the interrupt comes when both let it, and not before.
static void test_mask(const struct channel *channel)
{
    uint64_t before = record.count, write;
    channel->write_ctl(ENABLE | IMASK);
    channel->write_cval(0);
    interrupts_on();
    wait_until(counter_read() + 1000);
    bool held = record.count == before;
    write = channel->write_ctl(ENABLE);
    interrupts_off();
    ok(held && record.count == before + 1, "%s: held back by IMASK, it comes when that goes", channel->name);
    ok_counted(record.stamp == write + cost(channel), "%s: at the boundary behind the write", channel->name);
    channel->write_ctl(0);
    channel->write_cval(0);
    interrupts_on();
    wait_until(counter_read() + 1000);
    held = record.count == before + 1;
    write = channel->write_ctl(ENABLE);
    interrupts_off();
    ok(held && record.count == before + 2, "%s: not enabled it does not come, enabled it does", channel->name);
    ok_counted(record.stamp == write + cost(channel), "%s: at the boundary behind that write", channel->name);
}

// Its line is a level: an interrupt that was not taken goes away with it.
static void test_level(const struct channel *channel)
{
    uint64_t before = record.count;
    channel->start(100);
    wait_until(counter_read() + 1000);
    bool pending = gic_is_pending(channel->intid);
    channel->write_cval(channel->never);
    __asm__ volatile("isb");
    bool gone = !gic_is_pending(channel->intid);
    interrupts_on();
    interrupts_off();
    ok(pending, "%s: due with interrupts masked, it is pending", channel->name);
    ok(gone && record.count == before, "%s: and gone when its deadline is moved away", channel->name);
    gic_enable(channel->intid, false);
    channel->start(100);
    interrupts_on();
    wait_until(counter_read() + 1000);
    bool held = record.count == before;
    gic_enable(channel->intid, true);
    wait_until(counter_read() + 100);
    interrupts_off();
    ok(held && record.count == before + 1, "%s: held back by the distributor, it comes when that lets it",
       channel->name);
}

// M10: the deadline is swept over the instruction that lets interrupts in.
static void test_window(const struct channel *channel)
{
    struct spread error = { 0 };
    bool once = true;
    for (int64_t ahead = -SWEEP; ahead <= SWEEP; ahead++) {
        uint64_t before = record.count;
        uint64_t due = channel->start(5000) + 5000, window = due - (uint64_t)ahead;
        run_at(window, open_window, 0);
        once = once && record.count == before + 1;
        spread_add(&error, (int64_t)(record.stamp - later(due, window + 1)));
    }
    report(channel, "around the end of the mask", &error, once);
}

static void test_channel(const struct channel *channel, uint64_t rounds)
{
    trap_record(channel->intid, channel->intid == INTID_CNTV ? stop_virtual : stop_physical);
    gic_enable(channel->intid, true);
    channel->write_cval(channel->never);
    channel->write_ctl(ENABLE);
    test_shots(channel, "near", rounds, 300);
    test_shots(channel, "within 50000 ticks", rounds / 10, 50000);
    test_past_and_never(channel);
    test_tval(channel);
    test_status(channel);
    test_mask(channel);
    test_level(channel);
    test_window(channel);
    channel->write_ctl(0);
    gic_enable(channel->intid, false);
}

// Two timers due at one stamp: by priority, whatever their numbers are.
static unsigned order[2], arrived;

static void note_virtual(struct trap *trap)
{
    (void)trap;
    order[arrived++ % 2] = INTID_CNTV;
    stop_virtual();
}

static void note_physical(struct trap *trap)
{
    (void)trap;
    order[arrived++ % 2] = INTID_CNTP;
    stop_physical();
}

static bool both_due(unsigned first)
{
    gic_priority(INTID_CNTV, first == INTID_CNTV ? 0x60 : 0xa0);
    gic_priority(INTID_CNTP, first == INTID_CNTP ? 0x60 : 0xa0);
    arrived = 0;
    uint64_t due = counter_read() + 2000;
    write_sysreg(cntv_cval_el0, due);
    write_sysreg(cntp_cval_el0, due);
    interrupts_on();
    wait_until(due + 10000);
    interrupts_off();
    return arrived == 2 && order[0] == first && order[1] != first;
}

static void test_both(void)
{
    trap_set(INTID_CNTV, note_virtual);
    trap_set(INTID_CNTP, note_physical);
    gic_enable(INTID_CNTV, true);
    gic_enable(INTID_CNTP, true);
    write_sysreg(cntv_ctl_el0, ENABLE);
    write_sysreg(cntp_ctl_el0, ENABLE);
    ok_exact(both_due(INTID_CNTV), "both due at one tick: CNTV first where its priority says so");
    ok_exact(both_due(INTID_CNTP), "both due at one tick: CNTP first where its priority says so");
}

// CNTPCT and CNTVCT are one clock.
static void test_counters(void)
{
    bool same = true, rising = true;
    uint64_t last = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value, stamp = cntpct_read_stamp(&value);
        same = same && value == stamp + platform.exit_cost;
        rising = rising && value >= last && value <= counter_read();
        last = value;
    }
    ok_counted(same, "M11 CNTPCT reads its own stamp, to the tick");
    ok(rising, "the two counters never pass each other backwards");
}

void test_main(void)
{
    uint64_t rounds = cmdline_number("rounds", 20000);
    plan(2 + 2 * CLAIMS + 2);
    test_counters();
    for (unsigned i = 0; i < ARRAY_LENGTH(channels); i++)
        test_channel(&channels[i], rounds);
    test_both();
}
