// SPDX-License-Identifier: MIT
// Scenes from the manuals of the GIC for levels, edges, SGIs and routes on their way through a list register: one of
// them, and a guest that takes and ends what is in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/tests/native/vgic_registers.h"

static struct vgic_lr taken(struct vgic *v, unsigned intid)
{
    struct vgic_lr lr = { .intid = 1023 };
    assert_true(vgic_pending(v, 0));
    assert_int_equal(vgic_take(v, 0, &lr), intid);
    assert_int_equal(lr.intid, intid);
    return lr;
}

static void assert_silent(struct vgic *v)
{
    struct vgic_lr lr;
    assert_false(vgic_pending(v, 0));
    assert_int_equal(vgic_take(v, 0, &lr), -1);
}

static void back(struct vgic *v, struct vgic_lr lr, bool pending, bool active)
{
    lr.pending = pending;
    lr.active = active;
    vgic_put_back(v, 0, &lr);
    vgic_folded(v, 0);
}

static void test_level(void **state)
{
    (void)state;
    struct vgic v;
    for (unsigned version = 2; version <= 3; version++) {
        start(&v, version);
        vgic_set_line(&v, 0, UART, true);
        struct vgic_lr lr = taken(&v, UART);
        assert_true(lr.pending && !lr.active && lr.tell_end && !lr.hw && !lr.group1);
        assert_false(vgic_pending(&v, 0));
        vgic_set_line(&v, 0, UART, false);
        assert_true(vgic_pending(&v, 0)); // to be taken out again
        back(&v, lr, true, false);
        assert_silent(&v);
        vgic_set_line(&v, 0, UART, true);
        lr = taken(&v, UART);
        back(&v, lr, false, true); // acknowledged, and still high
        assert_int_equal(get(&v, D, ISPENDR + 4, 4), 2);
        assert_int_equal(get(&v, D, ISACTIVER + 4, 4), 2);
        lr = taken(&v, UART);
        assert_true(!lr.pending && lr.active && lr.tell_end);
        vgic_set_line(&v, 0, UART, false); // as its handler makes it
        assert_false(vgic_pending(&v, 0));
        vgic_set_line(&v, 0, UART, true);
        back(&v, lr, false, false); // ended: again
        lr = taken(&v, UART);
        assert_true(lr.pending && !lr.active);
        back(&v, lr, false, false);
        vgic_set_line(&v, 0, UART, false);
        assert_silent(&v);
    }
}

// ISPENDR makes a level-sensitive interrupt pending without its input, until it is acknowledged.
static void test_latch_of_level(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    put(&v, D, ISPENDR + 4, 4, 2);
    struct vgic_lr lr = taken(&v, UART);
    back(&v, lr, true, false);
    assert_int_equal(get(&v, D, ISPENDR + 4, 4), 2);
    lr = taken(&v, UART);
    back(&v, lr, false, true);
    assert_int_equal(get(&v, D, ISPENDR + 4, 4), 0);
    put(&v, D, ISPENDR + 4, 4, 2); // while it is active
    lr = taken(&v, UART);
    assert_true(lr.active && !lr.pending);
    back(&v, lr, false, false);
    lr = taken(&v, UART);
    assert_true(lr.pending);
    back(&v, lr, true, false);
    vgic_set_line(&v, 0, UART, true);
    put(&v, D, ICPENDR + 4, 4, 2); // takes the latch, not the level
    assert_int_equal(get(&v, D, ISPENDR + 4, 4), 2);
    vgic_set_line(&v, 0, UART, false);
    assert_silent(&v);
}

static void test_edge(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 2);
    vgic_set_line(&v, 0, EDGE, true);
    vgic_set_line(&v, 0, EDGE, false);
    struct vgic_lr lr = taken(&v, EDGE);
    assert_true(lr.pending && !lr.tell_end);
    assert_false(vgic_pending(&v, 0));
    vgic_set_line(&v, 0, EDGE, true); // one more: did the guest take the first?
    assert_true(vgic_pending(&v, 0));
    back(&v, lr, true, false); // no: they are one
    lr = taken(&v, EDGE);
    assert_false(vgic_pending(&v, 0));
    vgic_set_line(&v, 0, EDGE, false);
    vgic_set_line(&v, 0, EDGE, true);
    back(&v, lr, false, true); // yes: pending and active
    assert_int_equal(get(&v, D, ISPENDR + 4, 4), 1u << (EDGE - 32));
    lr = taken(&v, EDGE);
    assert_true(lr.pending && lr.active);
    back(&v, lr, true, false);
    put(&v, D, ICPENDR + 4, 4, UINT32_MAX);
    assert_silent(&v); // a high input is no edge
    put(&v, D, ISPENDR + 4, 4, 1u << (EDGE - 32));
    lr = taken(&v, EDGE);
    back(&v, lr, false, false);
    assert_silent(&v);
}

static void test_disabled(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    put(&v, D, ICENABLER + 4, 4, UINT32_MAX);
    vgic_set_line(&v, 0, UART, true);
    vgic_set_line(&v, 0, EDGE, true);
    vgic_set_line(&v, 0, EDGE, false);
    assert_silent(&v);
    assert_int_equal(get(&v, D, ISPENDR + 4, 4), 2 | 1u << (EDGE - 32)); // pending all the same
    assert_true(vgic_is_live(&v, 0, EDGE));
    put(&v, D, ISENABLER + 4, 4, UINT32_MAX);
    struct vgic_lr first = taken(&v, UART), second = taken(&v, EDGE);
    back(&v, first, false, true);
    back(&v, second, false, true);
    put(&v, D, ICENABLER + 4, 4, UINT32_MAX); // an active one is to be ended, enabled or not
    first = taken(&v, UART);
    second = taken(&v, EDGE);
    assert_true(first.active && second.active && !second.pending);
    back(&v, first, false, true);
    back(&v, second, false, false);
    put(&v, D, ICACTIVER + 4, 4, 2);
    assert_silent(&v);
    assert_false(vgic_is_live(&v, 0, EDGE));
    put(&v, D, ISENABLER + 4, 4, UINT32_MAX);
    put(&v, D, CTLR, 4, 2); // group 1 alone
    assert_silent(&v);
    put(&v, D, IGROUPR + 4, 4, 2);
    first = taken(&v, UART);
    assert_true(first.group1);
}

static void test_order(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    for (unsigned intid = 32; intid < 64; intid++) {
        put(&v, D, IPRIORITYR + intid, 1, intid < 48 ? 0x80 : 0x40);
        vgic_set_line(&v, 0, intid, intid != EDGE);
    }
    assert_true(vgic_signals(&v, 0, 0x48, 3) && vgic_signals(&v, 0, 0x48, 1));
    assert_false(vgic_signals(&v, 0, 0x40, 3) || vgic_signals(&v, 0, 0xff, 2));
    struct vgic_lr lr[3] = { taken(&v, 48), taken(&v, 49), taken(&v, 50) };
    assert_true(vgic_pending(&v, 0) && vgic_left_pending(&v, 0) && !vgic_left_active(&v, 0));
    vgic_settle(&v, 0);
    assert_false(vgic_pending(&v, 0));
    back(&v, lr[0], false, true);
    assert_true(vgic_pending(&v, 0) && vgic_left_active(&v, 0));
    back(&v, lr[1], false, true);
    back(&v, lr[2], true, false);
    lr[0] = taken(&v, 50); // the best one that can be taken, then what is active, then the others
    lr[1] = taken(&v, 48);
    vgic_ended_unlisted(&v, 0, 40); // 49, and nobody else is left
    assert_false(vgic_left_active(&v, 0));
    back(&v, lr[0], false, false);
    back(&v, lr[1], false, false);
    for (unsigned intid = 48; intid < 64; intid++)
        lr[0] = taken(&v, intid);
    lr[0] = taken(&v, 32);
}

// A physical interrupt keeps its level until somebody says what has become of it.
static void test_hw(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    vgic_set_line(&v, 0, TIMER, true);
    struct vgic_lr lr = taken(&v, TIMER);
    assert_true(lr.hw && !lr.tell_end && lr.hw_intid == 30 && lr.pending);
    back(&v, lr, false, false);
    assert_true(vgic_is_live(&v, 0, TIMER));
    vgic_set_line(&v, 0, TIMER, false);
    assert_false(vgic_is_live(&v, 0, TIMER));
    assert_silent(&v);
    put(&v, R, SGI_FRAME + ISACTIVER, 4, 1u << TIMER);
    lr = taken(&v, TIMER);
    assert_true(lr.hw && lr.active && !lr.pending);
}

// The CPU interface knows the end of an interrupt by the group and the priority that it was acknowledged with. What
// is changed meanwhile counts from the next time.
static void test_changed_while_active(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    put(&v, D, IPRIORITYR + UART, 1, 0x80);
    put(&v, D, IPRIORITYR + EDGE, 1, 0x80);
    vgic_set_line(&v, 0, UART, true);
    vgic_set_line(&v, 0, EDGE, true);
    struct vgic_lr level = taken(&v, UART), edge = taken(&v, EDGE);
    back(&v, level, false, true);
    back(&v, edge, false, true);
    put(&v, D, IPRIORITYR + UART, 1, 0xf0);
    put(&v, D, IPRIORITYR + EDGE, 1, 0x40);
    put(&v, D, IGROUPR + 4, 4, UINT32_MAX);
    put(&v, D, ISPENDR + 4, 4, 1u << (EDGE - 32));
    put(&v, D, ISACTIVER + 4, 4, 2 | 1u << (EDGE - 32)); // they are
    level = taken(&v, UART);
    edge = taken(&v, EDGE);
    assert_true(level.active && !level.pending && level.tell_end && level.priority == 0x80 && !level.group1);
    assert_true(edge.active && !edge.pending && edge.tell_end && edge.priority == 0x80 && !edge.group1);
    back(&v, level, false, false);
    back(&v, edge, false, false);
    edge = taken(&v, EDGE);
    level = taken(&v, UART);
    assert_true(edge.pending && !edge.active && edge.priority == 0x40 && edge.group1);
    assert_true(level.pending && !level.active && level.priority == 0xf0 && level.group1);
    back(&v, edge, false, true);
    put(&v, D, ISPENDR + 4, 4, 1u << (EDGE - 32)); // nothing has changed: it waits in there
    edge = taken(&v, EDGE);
    assert_true(edge.pending && edge.active && !edge.tell_end);
}

// Without a list register they end in the order of what they were acknowledged with.
static void test_changed_unlisted(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    for (unsigned i = 0; i < 2; i++) {
        put(&v, D, IPRIORITYR + 48 + i, 1, 0x80 - 0x40 * i);
        put(&v, D, ISPENDR + 4, 4, UINT32_C(1) << (16 + i));
        back(&v, taken(&v, 48 + i), false, true);
        put(&v, D, IPRIORITYR + 48 + i, 1, 0x40 + 0x40 * i);
    }
    vgic_ended_unlisted(&v, 0, 1);
    assert_int_equal(get(&v, D, ISACTIVER + 4, 4), UINT32_C(1) << 16);
}

static void test_deactivate(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    put(&v, D, ISACTIVER + 4, 4, 6);
    vgic_deactivate(&v, 0, UART);
    vgic_deactivate(&v, 0, UART + 64); // no such interrupt
    vgic_deactivate(&v, 0, UINT64_MAX);
    vgic_deactivate(&v, 0, EDGE); // not active
    assert_int_equal(get(&v, D, ISACTIVER + 4, 4), 4);
    taken(&v, UART + 1);
    assert_silent(&v);
}

static void test_sgis_v2(void **state)
{
    (void)state;
    static const struct {
        uint32_t value;
        bool sent;
    } writes[] = { { 0x00010005, true }, { 0x00020005, false }, { 0x00ff8005, true }, { 0x01ff0005, false },
                   { 0x02000005, true }, { 0x03ff0005, false }, { 0x00000005, false } };
    struct vgic v;
    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        start(&v, 2);
        put(&v, D, SGIR, 4, writes[i].value);
        assert_int_equal(get(&v, D, ISPENDR, 4), writes[i].sent ? 0x20 : 0);
        assert_int_equal(get(&v, D, SPENDSGIR + 4, 4), writes[i].sent ? 0x100 : 0);
        assert_int_equal(vgic_pending(&v, 0), writes[i].sent);
    }
    put(&v, D, SPENDSGIR + 7, 1, 0xff);
    assert_int_equal(get(&v, D, CPENDSGIR + 7, 1), 1);
    put(&v, D, ICPENDR, 4, UINT32_MAX); // not by this register
    struct vgic_lr lr = taken(&v, 7);
    assert_true(lr.pending && !lr.tell_end && lr.source_cpu == 0);
    back(&v, lr, true, false);
    put(&v, D, CPENDSGIR + 7, 1, 0xfe);
    assert_int_equal(get(&v, D, ISPENDR, 4), 0x80);
    put(&v, D, CPENDSGIR + 4, 4, 0x01000000);
    assert_silent(&v);
}

static void test_sgis_v3(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        bool sent;
    } writes[] = {
        { 0x03000001, true },
        { 0x03000002, false },
        { 0x0300ffff, true },
        { 0x03010001, false },
        { UINT64_C(1) << 32 | 0x03000001, false },
        { UINT64_C(1) << 48 | 0x03000001, false },
        { UINT64_C(1) << 44 | 0x03000001, false },
        { UINT64_C(1) << 40 | 0x03000001, false },
        { UINT64_C(0xff000e) << 40 | 0x03000001, true },
    };
    struct vgic v;
    for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        start(&v, 3);
        vgic_sgi(&v, 0, writes[i].value);
        assert_int_equal(get(&v, R, SGI_FRAME + ISPENDR, 4), writes[i].sent ? 8 : 0);
        assert_int_equal(vgic_pending(&v, 0), writes[i].sent);
    }
    start(&v, 3);
    put(&v, R, SGI_FRAME + IGROUPR, 4, 1u << 4);
    vgic_sgi_group0(&v, 0, 0x04000001); // it is in group 1
    assert_silent(&v);
    vgic_sgi_group0(&v, 0, 0x05000001);
    vgic_sgi(&v, 0, 0x04000001);
    struct vgic_lr a = taken(&v, 4), b = taken(&v, 5);
    assert_true(a.group1 && !b.group1);
    put(&v, D, SGIR, 4, 0x02000006); // with affinity routing there is none
    put(&v, D, SPENDSGIR, 4, UINT32_MAX);
    assert_silent(&v);
}

static void test_routes(void **state)
{
    (void)state;
    struct vgic v;
    start(&v, 3);
    vgic_set_line(&v, 0, UART, true);
    put(&v, D, IROUTER + 8 * UART, 8, 1); // nobody's affinity
    assert_silent(&v);
    put(&v, D, IROUTER + 8 * UART, 8, UINT64_C(1) << 31); // any CPU
    back(&v, taken(&v, UART), true, false);
    put(&v, D, IROUTER + 8 * UART, 4, 0x10000);
    assert_silent(&v);
    put(&v, D, IROUTER + 8 * UART, 8, UINT64_C(0xff) << 32); // there is no Aff3
    taken(&v, UART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level),      cmocka_unit_test(test_latch_of_level), cmocka_unit_test(test_edge),
        cmocka_unit_test(test_disabled),   cmocka_unit_test(test_order),          cmocka_unit_test(test_hw),
        cmocka_unit_test(test_deactivate), cmocka_unit_test(test_sgis_v2),        cmocka_unit_test(test_sgis_v3),
        cmocka_unit_test(test_routes),     cmocka_unit_test(test_changed_while_active),
        cmocka_unit_test(test_changed_unlisted),
    };
    return cmocka_run_group_tests_name("vgic", tests, NULL, NULL);
}
