// SPDX-License-Identifier: MIT
// The local APIC's behaviour over time: priorities against a model of 256 flags, the tick path, the laws of the device
// contract, and nonsense. Its registers one by one are in test_lapic_regs.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "devices/lapic_regs.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"

static uint32_t mmio_read(struct lapic *l, uint32_t offset, vtime_t now)
{
    struct io_access io = { .offset = offset, .size = 4 };
    assert_int_equal(lapic_ops.access(l, &io, now), IO_OK);
    return (uint32_t)io.value;
}

static void mmio_write(struct lapic *l, uint32_t offset, uint32_t value, vtime_t now)
{
    struct io_access io = { .offset = offset, .value = value, .size = 4, .is_write = true };
    assert_int_equal(lapic_ops.access(l, &io, now), IO_OK);
}

// The model of SDM 3A 11.8: one flag per vector and register, every answer found by counting down from 255.
struct model {
    bool irr[256], isr[256], tmr[256], ended[256];
    bool enabled;
    unsigned tpr;
    uint64_t eois;
};

static int highest(const bool *flags)
{
    int vector = 255;
    while (vector >= 0 && !flags[vector])
        vector--;
    return vector;
}

static unsigned model_ppr(const struct model *m)
{
    int isr = highest(m->isr);
    unsigned isr_class = isr < 0 ? 0 : (unsigned)isr / 16;
    return m->tpr / 16 >= isr_class ? m->tpr : isr_class * 16;
}

static int model_pending(const struct model *m)
{
    int irr = highest(m->irr);
    return m->enabled && irr >= 0 && (unsigned)irr / 16 > model_ppr(m) / 16 ? irr : -1;
}

static void model_raise(struct model *m, unsigned vector, bool level)
{
    if (!m->enabled || vector < 16)
        return;
    m->irr[vector] = true;
    m->tmr[vector] = level;
}

static void model_eoi(struct model *m)
{
    int vector = highest(m->isr);
    m->eois++;
    if (vector < 0)
        return;
    m->isr[vector] = false;
    if (m->tmr[vector])
        m->ended[vector] = true;
}

struct machine {
    struct lapic lapic;
    struct model model;
    uint64_t random, accepted;
    bool x2apic;
};

// The same register by whichever door the mode has.
static void reg_write(struct machine *m, uint32_t offset, uint32_t value)
{
    if (m->x2apic)
        assert_true(lapic_write_msr(&m->lapic, X2APIC_MSR(offset), value, 0));
    else
        mmio_write(&m->lapic, offset, value, 0);
}

static uint32_t reg_read(struct machine *m, uint32_t offset)
{
    uint64_t value = 0;
    if (!m->x2apic)
        return mmio_read(&m->lapic, offset, 0);
    assert_true(lapic_read_msr(&m->lapic, X2APIC_MSR(offset), &value, 0));
    return (uint32_t)value;
}

static void accept_pending(struct machine *m)
{
    int vector = lapic_pending_vector(&m->lapic);
    if (vector < 0)
        return;
    m->accepted++;
    lapic_accept(&m->lapic, (unsigned)vector);
    m->model.irr[vector] = false;
    m->model.isr[vector] = true;
}

static void take_eoi(struct machine *m)
{
    uint8_t vector;
    while (lapic_take_eoi(&m->lapic, &vector)) {
        assert_true(m->model.ended[vector]);
        m->model.ended[vector] = false;
    }
    assert_int_equal(highest(m->model.ended), -1);
}

static void random_op(struct machine *m)
{
    unsigned vector = (unsigned)host_random_range(&m->random, 0, 255);
    bool flag = host_random(&m->random) & 1;
    switch (host_random_range(&m->random, 0, 15)) {
    case 0:
    case 1:
    case 2:
        lapic_raise(&m->lapic, vector, flag);
        model_raise(&m->model, vector, flag);
        break;
    case 3: // ICR: shorthand self, fixed
        reg_write(m, APIC_ICR, 1u << ICR_SHORTHAND_SHIFT | ICR_LEVEL_ASSERT | vector);
        model_raise(&m->model, vector, false);
        break;
    case 4:
    case 5:
    case 6:
    case 7: accept_pending(m); break;
    case 8:
    case 9:
    case 10:
    case 11:
        reg_write(m, APIC_EOI, 0);
        model_eoi(&m->model);
        break;
    case 12:
        reg_write(m, APIC_TPR, vector & (flag ? 0x3f : 0xff));
        m->model.tpr = vector & (flag ? 0x3f : 0xff);
        break;
    case 13:
        lapic_set_tpr(&m->lapic, flag ? 0 : vector & 0xf0);
        m->model.tpr = flag ? 0 : vector & 0xf0;
        break;
    case 14:
        m->model.enabled = vector > 30;
        reg_write(m, APIC_SVR, (m->model.enabled ? SVR_ENABLE : 0) | 0xff);
        break;
    default: take_eoi(m);
    }
}

static void compare(struct machine *m)
{
    const struct model *model = &m->model;
    assert_int_equal(lapic_pending_vector(&m->lapic), model_pending(model));
    assert_int_equal(reg_read(m, APIC_PPR), model_ppr(model));
    assert_int_equal(reg_read(m, APIC_TPR), model->tpr);
    assert_int_equal(lapic_tpr(&m->lapic), model->tpr);
    assert_int_equal(m->lapic.eois, model->eois);
    for (unsigned word = 0; word < 8; word++) {
        uint32_t irr = 0, isr = 0, tmr = 0;
        for (unsigned bit = 0; bit < 32; bit++) {
            irr |= (uint32_t)model->irr[word * 32 + bit] << bit;
            isr |= (uint32_t)model->isr[word * 32 + bit] << bit;
            tmr |= (uint32_t)model->tmr[word * 32 + bit] << bit;
        }
        assert_int_equal(reg_read(m, APIC_IRR + 16 * word), irr);
        assert_int_equal(reg_read(m, APIC_ISR + 16 * word), isr);
        assert_int_equal(reg_read(m, APIC_TMR + 16 * word), tmr);
    }
}

static void test_priorities(void **state)
{
    (void)state;
    for (unsigned x2apic = 0; x2apic < 2; x2apic++) {
        struct machine m = { .random = 21 + x2apic, .x2apic = x2apic };
        lapic_init(&m.lapic, 3, true);
        if (x2apic)
            assert_true(lapic_base_write(&m.lapic, lapic_base_read(&m.lapic) | APIC_BASE_EXTD));
        for (unsigned i = 0; i < 100000; i++) {
            random_op(&m);
            compare(&m);
        }
        assert_true(m.accepted > 10000);
        print_message("# %s: 100000 operations, %llu accepted, 0 differences from the model\n",
                      x2apic ? "x2APIC" : "xAPIC", (unsigned long long)m.accepted);
    }
}

// From expiry to handler, and what stops it.
static void test_tick_path(void **state)
{
    (void)state;
    struct lapic l;
    lapic_init(&l, 0, true);
    mmio_write(&l, APIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | 0x40, 0); // software-disabled: stays masked
    assert_int_equal(mmio_read(&l, APIC_LVT_TIMER, 0), LAPIC_TIMER_PERIODIC | LAPIC_LVT_MASKED | 0x40);
    mmio_write(&l, APIC_SVR, SVR_ENABLE | 0xff, 0);
    mmio_write(&l, APIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | 0x40, 0);
    mmio_write(&l, APIC_TDCR, 0xb, 0);
    mmio_write(&l, APIC_TMICT, 1000, 0);
    assert_int_equal(lapic_timer_period(&l.timer), 1000);
    assert_int_equal(lapic_ops.next_deadline(&l), 1000);
    lapic_ops.advance(&l, 3500);
    assert_int_equal(lapic_take_timer_expiries(&l), 3);
    assert_int_equal(lapic_take_timer_expiries(&l), 0);
    assert_int_equal(lapic_pending_vector(&l), -1); // expiries are not interrupts yet

    assert_true(lapic_timer_vector_free(&l));
    lapic_timer_deliver(&l);
    assert_false(lapic_timer_vector_free(&l));
    assert_int_equal(lapic_pending_vector(&l), 0x40);
    lapic_accept(&l, 0x40);
    assert_true(lapic_timer_vector_free(&l)); // in service, one more can wait in the IRR
    lapic_timer_deliver(&l);
    assert_int_equal(lapic_pending_vector(&l), -1); // same class
    mmio_write(&l, APIC_EOI, 0, 3500);
    assert_int_equal(lapic_pending_vector(&l), 0x40);
    lapic_accept(&l, 0x40);
    mmio_write(&l, APIC_EOI, 0, 3500);

    mmio_write(&l, APIC_SVR, 0xff, 4000); // expiry at 4000 came first, then the mask
    assert_int_equal(lapic_take_timer_expiries(&l), 1);
    assert_false(lapic_timer_vector_free(&l));
    lapic_timer_deliver(&l);
    assert_int_equal(mmio_read(&l, APIC_IRR + 0x20, 4000), 0);
    lapic_ops.advance(&l, 9000);
    assert_int_equal(lapic_take_timer_expiries(&l), 0);

    mmio_write(&l, APIC_SVR, SVR_ENABLE | 0xff, 9000);
    mmio_write(&l, APIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | 0x0f,
               9000); // an illegal vector is an error, not an interrupt
    assert_true(lapic_timer_vector_free(&l));
    lapic_timer_deliver(&l);
    assert_int_equal(l.irr.nonzero, 0);
    assert_false(lapic_timer_vector_free(&l)); // and one is enough until it has been read
    mmio_write(&l, APIC_ESR, 0, 9000);
    assert_true(lapic_timer_vector_free(&l));
    assert_int_equal(mmio_read(&l, APIC_ESR, 9000), ESR_RECEIVE_ILLEGAL_VECTOR);

    // More expiries than 32 bits hold.
    mmio_write(&l, APIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | 0x40, 9000);
    mmio_write(&l, APIC_TMICT, 1, 9000);
    lapic_ops.advance(&l, 9000 + UINT64_C(0x200000005));
    assert_true(lapic_take_timer_expiries(&l) == UINT64_C(0x200000005));
    assert_true(lapic_take_timer_expiries(&l) == 0);
}

static void laws_init(void *device)
{
    lapic_init(device, 5, true);
    lapic_virtual_wire(device);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    static const uint32_t often[] = { APIC_LVT_TIMER, APIC_TMICT, APIC_TMCCT, APIC_TDCR, APIC_SVR, APIC_EOI, APIC_ICR };
    bool timer = host_random_range(random, 0, 3) != 0;
    io->offset = timer ? often[host_random_range(random, 0, 6)] : host_random_range(random, 0, 0x3f) << 4;
    io->size = 4;
    io->is_write = host_random(random) & 1;
    io->value = host_random_range(random, 0, 1) ? host_random_range(random, 0, 0x7ffff) : host_random_edgy(random);
    if (io->offset == APIC_SVR && host_random_range(random, 0, 7))
        io->value |= SVR_ENABLE;
}

static void laws_stimulate(void *device, vtime_t now, uint64_t *random)
{
    uint64_t choice = host_random_range(random, 0, 3), value = host_random(random);
    switch (choice) {
    case 0: lapic_deadline_write(device, now + value % 100000, 0, now); break;
    case 1: lapic_tsc_moved(device, value % 1000, now); break;
    case 2: lapic_raise(device, (unsigned)(value & 0xff), value & 0x100); break;
    default: lapic_lint(device, value >> 1 & 1, value & 1);
    }
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct lapic *l = device;
    observation_add(seen, l->timer.expired);
    observation_add(seen, lapic_deadline_read(l));
    observation_add(seen, (uint64_t)lapic_pending_vector(l));
    observation_add(seen, lapic_timer_period(&l->timer));
    observation_add(seen, lapic_take_nmi(l));
    for (uint32_t offset = 0; offset < 0x400; offset += 16)
        observation_add(seen, mmio_read(l, offset, now));
}

static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    uint32_t index = (uint32_t)io->offset >> 4; // reserved registers log an error when read
    return (index >= 0x8 && index <= 0x28) || (index >= 0x30 && index <= 0x39) || index == 0x3e;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &lapic_ops,
        .object_size = sizeof(struct lapic),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_stimulate,
        .observe = laws_observe,
        .read_is_pure = laws_pure,
        .typical_step = 64,
        .runs = 25,
        .steps = 2000,
        .seed = 22,
    };
    device_laws_check(&laws);
}

// Any access, any MSR, any base: the sanitizers and these bounds are the assertions.
static void test_nonsense(void **state)
{
    (void)state;
    uint64_t random = 23, vtime = 0;
    struct lapic l;
    uint8_t vector;
    lapic_init(&l, 0xffffffff, true);
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t value = host_random_edgy(&random);
        struct io_access io = { .offset = host_random_edgy(&random), .value = value, .is_write = value >> 7 & 1 };
        io.size = (uint8_t)(1u << host_random_range(&random, 0, 3));
        vtime = vtime + (value >> 40) < vtime ? vtime : vtime + (value >> 40);
        if (lapic_mmio_enabled(&l))
            assert_int_equal(lapic_ops.access(&l, &io, vtime), IO_OK);
        uint32_t msr = 0x800 + (uint32_t)host_random_range(&random, 0, 0xff);
        bool readable = lapic_read_msr(&l, msr, &value, vtime);
        assert_true(!readable || (lapic_in_x2apic(&l) && msr < 0x840));
        lapic_write_msr(&l, msr, host_random_edgy(&random) & (i & 1 ? 0xff : UINT64_MAX), vtime);
        lapic_deadline_write(&l, host_random_edgy(&random), value, vtime);
        if (i % 64 == 0)
            lapic_base_write(&l, (host_random(&random) & 0xd00) | 0xfee00000);
        int pending = lapic_pending_vector(&l);
        if (pending >= 0)
            lapic_accept(&l, (unsigned)pending);
        lapic_take_eoi(&l, &vector);
        lapic_ops.advance(&l, vtime);
        assert_true(lapic_ops.next_deadline(&l) > vtime);
        assert_true(pending < 0 || pending >= 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_tick_path),
        cmocka_unit_test(test_laws),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}
