// SPDX-License-Identifier: MIT
// The GIC with list registers against a second model that has none: a guest that takes interrupts, nests them, ends
// them and writes registers at random must not see a difference, with sixteen list registers or with one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/vgic.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/vgic_reference.h"

#define TIMER 27u // a physical interrupt
#define DEPTH 64u

// The hardware: list registers, and what the CPU interface remembers.
static struct {
    struct vgic gic;
    struct vgic_lr lr[16];
    unsigned count, used, eoi_count;
    bool tell_no_pending, tell_eoi_count, ended_level;            // maintenance
    unsigned stack[DEPTH], stack_priority[DEPTH], depth, deepest; // acknowledged and not ended
    bool stack_group1[DEPTH];
    uint64_t overwritten; // their active bit, since they were acknowledged
    unsigned mask, patience;                                      // the longer its handlers take, the deeper they nest
    unsigned calm;                                                // the larger, the fewer interrupts at a time
    bool timer;
    bool nesting_only; // the guest does nothing that real nesting cannot
    bool ladder;       // only those that preempt are enabled
    uint64_t random;
} m;

static struct {
    uint64_t acknowledged, nested, left_out, refills, ended_unlisted;
} seen;

static uint64_t below(uint64_t bound)
{
    return host_random_range(&m.random, 0, bound - 1);
}

static void fold(void)
{
    if (m.tell_eoi_count || m.tell_no_pending)
        vgic_ended_unlisted(&m.gic, 0, m.tell_eoi_count ? m.eoi_count : 0);
    seen.ended_unlisted += m.tell_eoi_count ? m.eoi_count : 0;
    m.tell_no_pending = m.tell_eoi_count = m.ended_level = false;
    m.eoi_count = 0;
    for (unsigned i = 0; i < m.used; i++)
        vgic_put_back(&m.gic, 0, &m.lr[i]);
    vgic_folded(&m.gic, 0);
    m.used = 0;
    vgic_set_line(&m.gic, 0, TIMER, m.timer);
}

static void fill(void)
{
    while (m.used < m.count && vgic_take(&m.gic, 0, &m.lr[m.used]) >= 0)
        m.used++;
    assert_int_equal(vgic_pending(&m.gic, 0), vgic_left_active(&m.gic, 0) || vgic_left_pending(&m.gic, 0));
    vgic_settle(&m.gic, 0);
    m.tell_no_pending = vgic_left_pending(&m.gic, 0);
    m.tell_eoi_count = vgic_left_active(&m.gic, 0);
    seen.left_out += m.tell_no_pending || m.tell_eoi_count;
    seen.refills++;
}

static bool listed_pending(void)
{
    for (unsigned i = 0; i < m.used; i++)
        if (m.lr[i].pending && !m.lr[i].active)
            return true;
    return false;
}

// Before the guest goes on. Maintenance that asks for itself again would never let it.
static void enter(void)
{
    bool maintenance = m.ended_level || (m.tell_eoi_count && m.eoi_count) || (m.tell_no_pending && !listed_pending());
    if (maintenance || vgic_pending(&m.gic, 0)) {
        fold();
        fill();
        assert_false(m.tell_no_pending && !listed_pending());
    }
}

static unsigned running_priority(void)
{
    return m.depth == 0 ? 256 : m.stack_priority[m.depth - 1];
}

// The best pending interrupt in a list register, as ICH_LR<n> has it: pending and not active.
static struct vgic_lr *highest(void)
{
    struct vgic_lr *best = NULL;
    unsigned limit = m.mask < running_priority() ? m.mask : running_priority();
    for (unsigned i = 0; i < m.used; i++) {
        struct vgic_lr *lr = &m.lr[i];
        if (!lr->pending || lr->active || lr->priority >= limit)
            continue;
        if (best == NULL || lr->priority < best->priority ||
            (lr->priority == best->priority && lr->intid < best->intid))
            best = lr;
    }
    return best;
}

static void acknowledge(void)
{
    unsigned limit = m.mask < running_priority() ? m.mask : running_priority();
    unsigned expected = ref_vgic_highest(limit);
    struct vgic_lr *lr = highest();
    assert_int_equal(lr == NULL ? REF_NONE : lr->intid, expected);
    if (lr == NULL || m.depth == m.deepest)
        return;
    assert_int_equal(lr->priority, ref_vgic_priority(expected));
    lr->pending = false;
    lr->active = true;
    ref_vgic_acknowledge(expected);
    seen.acknowledged++;
    seen.nested += m.depth > 0;
    m.overwritten &= ~(UINT64_C(1) << lr->intid);
    m.stack_priority[m.depth] = lr->priority;
    m.stack_group1[m.depth] = lr->group1;
    m.stack[m.depth++] = lr->intid;
}

// EOIR in EOImode 0, of the interrupt acknowledged last. The hardware ends it in a list register that has the priority
// and the group which it drops (IHI 0069, 12.2.10).
static void end(void)
{
    if (m.depth == 0)
        return;
    unsigned intid = m.stack[--m.depth];
    ref_vgic_end(intid);
    for (unsigned i = 0; i < m.used; i++)
        if (m.lr[i].intid == intid && (m.lr[i].pending || m.lr[i].active)) {
            assert_true(m.overwritten >> intid & 1 || (m.lr[i].priority == m.stack_priority[m.depth] &&
                                                       m.lr[i].group1 == m.stack_group1[m.depth]));
            if (m.lr[i].active)
                m.ended_level |= !m.lr[i].pending && (m.lr[i].tell_end || (m.lr[i].hw && m.timer));
            m.lr[i].active = false;
            return;
        }
    m.eoi_count++;
}

static struct io_access dist(uint64_t offset, unsigned size)
{
    return (struct io_access){ .offset = offset, .size = (uint8_t)size };
}

// One access on both sides. In a version 3 the frame of SGIs and PPIs is the redistributor's second.
static uint64_t both_access(enum ref_frame frame, uint64_t offset, unsigned size, bool write, uint64_t value)
{
    const struct device_ops *ops = frame == REF_DISTRIBUTOR ? &vgicd_ops : &vgicr_ops;
    struct io_access io = dist(offset + (frame == REF_REDISTRIBUTOR ? 0x10000 : 0), size);
    io.is_write = write;
    io.value = write ? value : UINT64_C(0x5555555555555555);
    assert_int_equal(ops->access(&m.gic, &io, 0), IO_OK);
    if (write)
        ref_vgic_write(frame, offset, size, value);
    else
        assert_int_equal(io.value, ref_vgic_read(frame, offset, size));
    return io.value;
}

static unsigned count_active(void)
{
    unsigned count = 0;
    for (unsigned intid = 0; intid < 64; intid++)
        count += ref_vgic_is_active(intid);
    return count;
}

static void write_register(void)
{
    static const uint16_t starts[] = { 0x80,  0x100, 0x100, 0x100, 0x180, 0x200, 0x280, 0x300,
                                       0x380, 0x380, 0x400, 0xc00, 0xf00, 0xf10, 0xf20, 0x6100 };
    uint64_t start = starts[below(sizeof(starts) / sizeof(starts[0]) - (m.gic.version == 2))];
    uint64_t value = host_random_edgy(&m.random);
    enum ref_frame frame = m.gic.version == 3 && below(2) ? REF_REDISTRIBUTOR : REF_DISTRIBUTOR;
    unsigned size = 4;
    uint64_t offset = start + 4 * below(2);
    if (start == 0x400) {
        size = below(2) ? 1 : 4;
        offset = start + (below(70) & ~(uint64_t)(size - 1));
    } else if (start == 0xf10 || start == 0xf20) {
        size = below(2) ? 1 : 4;
        offset = start + (below(16) & ~(uint64_t)(size - 1));
    } else if (start == 0x6100) {
        size = below(2) ? 8 : 4;
        offset = start + (below(256) & ~(uint64_t)(size - 1));
        value = below(3) ? 0 : below(2) ? UINT64_C(1) << 31 : value;
    } else if (start == 0xc00) {
        offset = start + 4 * below(5);
    }
    if (start == 0x100 && m.ladder)
        return;
    bool unnested = start == 0x300 || start == 0x380;
    if (start == 0x300)
        value = count_active() < 8 ? UINT64_C(1) << below(32) : 0;
    if ((start == 0x200 || start == 0xf00 || start == 0xf20) && below(m.calm) != 0)
        return;
    if (unnested && m.nesting_only)
        return;
    if (unnested)
        m.overwritten |= (value & UINT32_MAX) << (offset & 4 ? 32 : 0);
    fold();
    both_access(frame, offset, size, true, value);
}

static void write_control(void)
{
    fold();
    both_access(REF_DISTRIBUTOR, 0, 4, true, below(4) ? 3 : host_random(&m.random));
}

static void compare_registers(void)
{
    fold();
    for (unsigned frame = 0; frame < m.gic.version - 1; frame++) {
        for (uint64_t offset = 0x80; offset < 0xd00; offset += 4)
            if ((offset & 0x7f) < 12 || offset >= 0x400)
                both_access((enum ref_frame)frame, offset, 4, false, 0);
        for (uint64_t offset = 0x400; offset < 0x448; offset++)
            both_access((enum ref_frame)frame, offset, 1, false, 0);
    }
    for (uint64_t offset = 0xf00; offset < 0xf30; offset += 4)
        both_access(REF_DISTRIBUTOR, offset, 4, false, 0);
    both_access(REF_DISTRIBUTOR, 0, 4, false, 0);
    both_access(REF_DISTRIBUTOR, 4, 4, false, 0);
    for (uint64_t offset = 0x6100; m.gic.version == 3 && offset < 0x6200; offset += 8)
        both_access(REF_DISTRIBUTOR, offset, 8, false, 0);
    for (unsigned mask = 0; mask < 256; mask += 1 + (unsigned)below(60))
        assert_int_equal(vgic_signals(&m.gic, 0, (uint8_t)mask, 3), ref_vgic_highest(mask) != REF_NONE);
}

static void change_line(void)
{
    unsigned intid = (unsigned)host_random_range(&m.random, 16, 63);
    bool level = below(m.calm) == 0;
    if (intid == TIMER) {
        fold();
        m.timer = level;
    }
    vgic_set_line(&m.gic, 0, intid, level);
    ref_vgic_line(intid, level);
}

static void send_sgi(void)
{
    if (below(m.calm) > 1)
        return;
    uint64_t value = below(16) << 24 | (below(3) != 0);
    if (below(8) == 0)
        value |= host_random_edgy(&m.random);
    bool group0 = below(3) == 0;
    if (group0)
        vgic_sgi_group0(&m.gic, 0, value);
    else
        vgic_sgi(&m.gic, 0, value);
    ref_vgic_sgi(value, group0);
}

// One more that preempts the running one by a little: how deep nesting comes about.
static void preempt(void)
{
    uint64_t intid = host_random_range(&m.random, 32, 63), running = running_priority();
    if (running < 16 || ref_vgic_is_active((unsigned)intid))
        return;
    fold();
    both_access(REF_DISTRIBUTOR, 0x400 + intid, 1, true, running - 8 * (1 + below(2)));
    both_access(REF_DISTRIBUTOR, 0x104, 4, true, UINT64_C(1) << (intid - 32));
    both_access(REF_DISTRIBUTOR, 0x204, 4, true, UINT64_C(1) << (intid - 32));
}

static void one_operation(void)
{
    switch (below(16)) {
    case 0:
    case 1:
    case 2: change_line(); break;
    case 3: send_sgi(); break;
    case 4:
    case 5: write_register(); break;
    case 6: m.mask = below(3) ? 255 : (unsigned)below(256); break;
    case 7:
        if (below(4) == 0)
            write_control();
        else if (below(m.calm) != 0)
            preempt();
        break;
    case 8:
        if (below(8) == 0)
            compare_registers();
        break;
    case 9:
    case 10:
    case 11:
        for (unsigned n = below(m.patience) == 0 ? 1 + (unsigned)below(8) : 0; n > 0; n--) {
            end();
            enter();
        }
        break;
    default: acknowledge(); break;
    }
}

// Many enabled at random, or none but those that preempt().
static void start(unsigned version, unsigned count, bool nesting_only, bool ladder)
{
    uint64_t random = m.random;
    m = (typeof(m)){ .count = count,
                     .mask = 255,
                     .nesting_only = nesting_only,
                     .ladder = ladder,
                     .deepest = nesting_only ? DEPTH : 7,
                     .random = random };
    vgic_init(&m.gic, version, 1);
    vgic_set_hw(&m.gic, 0, TIMER, TIMER);
    ref_vgic_start(version);
    both_access(REF_DISTRIBUTOR, 0, 4, true, 3);
    for (unsigned frame = 0; frame < version - 1; frame++)
        for (uint64_t i = 0; i < 64; i++) {
            both_access((enum ref_frame)frame, 0x400 + i, 1, true, host_random(&m.random));
            if (!ladder)
                both_access((enum ref_frame)frame, 0x100 + i / 32 * 4, 4, true, host_random(&m.random));
        }
}

static void run(unsigned version, unsigned count, bool nesting_only, unsigned runs)
{
    for (unsigned i = 0; i < runs; i++) {
        start(version, count, nesting_only, i % 2 != 0);
        m.patience = 1u << below(6);
        m.calm = 2u << below(5);
        for (unsigned step = 0; step < 600; step++) {
            enter();
            one_operation();
        }
        compare_registers();
    }
}

static void say(unsigned count)
{
    print_message("# %u list registers: %llu acknowledged, %llu of them nested; %llu fills, %llu left some out; %llu "
                  "ended unlisted\n",
                  count, (unsigned long long)seen.acknowledged, (unsigned long long)seen.nested,
                  (unsigned long long)seen.refills, (unsigned long long)seen.left_out,
                  (unsigned long long)seen.ended_unlisted);
    assert_true(seen.acknowledged > 5000 && seen.nested > 1000);
    seen = (typeof(seen)){ 0 };
}

// Never too few list registers: whatever a guest writes.
static void test_plenty(void **state)
{
    (void)state;
    m.random = 69;
    run(2, 16, false, 200);
    run(3, 16, false, 200);
    say(16);
}

static void test_few(void **state)
{
    (void)state;
    m.random = 48;
    for (unsigned count = 1; count <= 4; count++) {
        run(2, count, true, 200);
        run(3, count, true, 200);
        assert_true(seen.left_out > 1000 && (count > 2 || seen.ended_unlisted > 100));
        say(count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plenty),
        cmocka_unit_test(test_few),
    };
    return cmocka_run_group_tests_name("vgic_model", tests, NULL, NULL);
}
