// SPDX-License-Identifier: MIT
// The registers of the GIC, versions 2 and 3: what can be written, every offset at every width, the contract's laws.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/vgic_registers.h"

static void test_reset(void **state)
{
    (void)state;
    struct vgic v;
    for (unsigned version = 2; version <= 3; version++) {
        vgic_init(&v, version, 1);
        uint64_t size = version == 2 ? 0x1000 : 0x10000;
        for (uint64_t offset = 0; offset < size; offset += 4) {
            uint64_t expected = offset == CTLR && version == 3 ? 0x50 : 0; // ARE and DS
            expected = offset == TYPER ? (version == 2 ? 0x1 : 0x480001) : offset == 8 ? 0x4500043b : expected;
            expected = version == 2 && (offset == ISENABLER || offset == ICENABLER) ? 0xffff : expected;
            expected = version == 2 && offset == ICFGR ? 0xaaaaaaaa : expected;
            expected = version == 2 && offset >= ITARGETSR && offset < ITARGETSR + 32 ? 0x01010101 : expected;
            if (offset < size - 0x30)
                assert_int_equal(get(&v, D, offset, 4), expected);
        }
        assert_int_equal(get(&v, D, size - 0x18, 4), version << 4 | 0xb); // PIDR2
        assert_int_equal(get(&v, D, size - 0x30, 4), 0x44);
        assert_int_equal(get(&v, D, size - 0x04, 4), 0xb1);
        assert_false(vgic_pending(&v, 0));
    }
    for (uint64_t offset = 0; offset < 0x20000; offset += 4) {
        uint64_t expected = offset == 0x10000 + ICFGR ? 0xaaaaaaaa : offset == 4 ? 0x4500043b : offset == 8 ? 0x10 : 0;
        if (offset % 0x10000 < 0xffd0)
            assert_int_equal(get(&v, R, offset, 4), expected);
    }
    assert_int_equal(get(&v, R, 0xffe8, 4), 0x3b);
    assert_int_equal(get(&v, R, 0x1ffe8, 4), 0x3b);
    assert_int_equal(get(&v, R, 8, 8), 0x10); // the last one, CPU 0, affinity 0.0.0.0
    put(&v, R, 0x14, 4, UINT32_MAX);
    assert_int_equal(get(&v, R, 0x14, 4), 6); // asked to sleep: asleep
    put(&v, R, 0x14, 4, 4);
    assert_int_equal(get(&v, R, 0x14, 4), 0);
}

static void test_nobody(void **state)
{
    (void)state;
    struct vgic v;
    for (unsigned version = 2; version <= 3; version++) {
        vgic_init(&v, version, 1);
        struct io_access io = { .offset = version == 2 ? 0x1000 : 0x10000, .size = 4 };
        assert_int_equal(vgicd_ops.access(&v, &io, 0), IO_UNCLAIMED);
        io.offset = version == 2 ? 0 : 0x20000;
        assert_int_equal(vgicr_ops.access(&v, &io, 0), IO_UNCLAIMED);
        io.offset = UINT64_MAX;
        assert_int_equal(vgicd_ops.access(&v, &io, 0), IO_UNCLAIMED);
        assert_int_equal(vgicr_ops.access(&v, &io, 0), IO_UNCLAIMED);
    }
}

// The masks of what can be changed by writing ones, then by writing zeroes.
struct writable {
    unsigned version;
    const struct device_ops *ops;
    uint32_t offset, ones, zeroes; // as read afterwards
};

static const struct writable writables[] = {
    { 2, D, CTLR, 0x3, 0 },
    { 3, D, CTLR, 0x53, 0x50 },
    { 2, D, TYPER, 0x1, 0x1 },
    { 2, D, IGROUPR, 0xffffffff, 0 },
    { 2, D, IGROUPR + 4, 0xffffffff, 0 },
    { 2, D, IGROUPR + 8, 0, 0 },
    { 3, D, IGROUPR, 0, 0 },
    { 3, D, IGROUPR + 4, 0xffffffff, 0 },
    { 3, R, SGI_FRAME + IGROUPR, 0xffffffff, 0 },
    { 3, R, SGI_FRAME + IGROUPR + 4, 0, 0 },
    { 3, R, IGROUPR, 0, 0 },
    { 2, D, ISENABLER, 0xffffffff, 0xffffffff },
    { 3, D, ISENABLER, 0, 0 },
    { 3, R, SGI_FRAME + ISENABLER, 0xffffffff, 0xffffffff },
    { 2, D, ICENABLER, 0xffff, 0xffff },
    { 2, D, ISPENDR, 0xffff0000, 0xffff0000 },
    { 3, R, SGI_FRAME + ISPENDR, 0xffffffff, 0xffffffff },
    { 3, D, ISPENDR + 4, 0xffffffff, 0xffffffff },
    { 3, D, ISPENDR + 8, 0, 0 },
    { 2, D, ISACTIVER, 0xffffffff, 0xffffffff },
    { 3, D, ISACTIVER + 4, 0xffffffff, 0xffffffff },
    { 2, D, IPRIORITYR + 60, 0xf8f8f8f8, 0 },
    { 2, D, IPRIORITYR + 64, 0, 0 },
    { 3, D, IPRIORITYR + 28, 0, 0 },
    { 3, R, SGI_FRAME + IPRIORITYR + 28, 0xf8f8f8f8, 0 },
    { 3, R, SGI_FRAME + IPRIORITYR + 32, 0, 0 },
    { 2, D, ITARGETSR, 0x01010101, 0x01010101 },
    { 2, D, ITARGETSR + 32, 0x01010101, 0 },
    { 2, D, ITARGETSR + 64, 0, 0 },
    { 3, D, ITARGETSR + 32, 0, 0 },
    { 2, D, ICFGR, 0xaaaaaaaa, 0xaaaaaaaa },
    { 2, D, ICFGR + 4, 0, 0 },
    { 2, D, ICFGR + 8, 0xaaaaaaaa, 0 },
    { 2, D, ICFGR + 12, 0xaaaaaaaa, 0 },
    { 2, D, ICFGR + 16, 0, 0 },
    { 3, D, ICFGR, 0, 0 },
    { 3, R, SGI_FRAME + ICFGR, 0xaaaaaaaa, 0xaaaaaaaa },
    { 3, R, SGI_FRAME + ICFGR + 4, 0, 0 },
    { 3, D, IROUTER, 0, 0 },
    { 3, D, IROUTER + 8 * 31, 0, 0 },
    { 3, D, IROUTER + 8 * 32, 0x80ffffff, 0 },
    { 3, D, IROUTER + 8 * 32 + 4, 0, 0 },
    { 3, D, IROUTER + 8 * 63, 0x80ffffff, 0 },
    { 3, D, IROUTER + 8 * 64, 0, 0 },
    { 2, D, SPENDSGIR, 0x01010101, 0x01010101 },
    { 2, D, CPENDSGIR, 0, 0 },
    { 3, D, SPENDSGIR, 0, 0 },
    { 3, R, 0x14, 0x6, 0 },
    { 2, D, 0xd00, 0, 0 },
    { 3, R, SGI_FRAME + 0xd00, 0, 0 },
    { 3, R, SGI_FRAME + 0xe00, 0, 0 },
};

static void test_writable(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(writables) / sizeof(writables[0]); i++) {
        const struct writable *w = &writables[i];
        struct vgic v;
        vgic_init(&v, w->version, 1);
        put(&v, w->ops, w->offset, 4, UINT64_MAX);
        uint64_t ones = get(&v, w->ops, w->offset, 4);
        put(&v, w->ops, w->offset, 4, 0);
        uint64_t zeroes = get(&v, w->ops, w->offset, 4);
        if (ones != w->ones || zeroes != w->zeroes)
            fail_msg("version %u, %s %#x: %#llx, %#llx", w->version, w->ops->name, w->offset, (unsigned long long)ones,
                     (unsigned long long)zeroes);
    }
}

static void test_set_and_clear(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = { { ISENABLER, ICENABLER }, { ISPENDR, ICPENDR }, { ISACTIVER, ICACTIVER } };
    struct vgic v;
    vgic_init(&v, 3, 1);
    for (unsigned i = 0; i < 3; i++) {
        put(&v, D, pairs[i][0] + 4, 4, 0xf0f01234);
        put(&v, D, pairs[i][0] + 4, 4, 0x00000003);
        put(&v, D, pairs[i][1] + 4, 4, 0xf0000001);
        assert_int_equal(get(&v, D, pairs[i][0] + 4, 4), 0x00f01236);
        assert_int_equal(get(&v, D, pairs[i][1] + 4, 4), 0x00f01236);
    }
    for (unsigned i = 0; i < 64; i++)
        put(&v, D, IPRIORITYR + i, 1, 0xff - i);
    assert_int_equal(get(&v, D, IPRIORITYR + 31, 1), 0);
    assert_int_equal(get(&v, D, IPRIORITYR + 33, 1), 0xd8);
    assert_int_equal(get(&v, D, IPRIORITYR + 36, 4), 0xd8d8d8d8);
    put(&v, D, IROUTER + 8 * 50, 8, UINT64_MAX);
    assert_int_equal(get(&v, D, IROUTER + 8 * 50, 8), 0x80ffffff);
}

// Which accesses have an effect or show something: all others read 0 and change nothing.
static bool is_known(unsigned version, const struct device_ops *ops, uint64_t offset, unsigned size)
{
    uint64_t frame = version == 2 ? 0x1000 : 0x10000, inside = offset % frame;
    bool bytes = inside >= IPRIORITYR && inside < IPRIORITYR + 64;
    bytes = bytes || (version == 2 && inside >= ITARGETSR && inside < ITARGETSR + 64);
    bytes = bytes || (version == 2 && inside >= CPENDSGIR && inside < 0xf30);
    bool wide = version == 3 && ops == D && inside >= IROUTER + 8 * 32 && inside < IROUTER + 8 * 64;
    wide = wide || (ops == R && offset == 8);
    return offset % size == 0 && (size == 4 || (size == 1 && bytes) || (size == 8 && wide));
}

static void every_offset(unsigned version, const struct device_ops *ops, uint64_t size_of_frames)
{
    struct vgic v, before;
    vgic_init(&v, version, 1);
    uint64_t random = version;
    for (unsigned i = 0; i < 0x400; i += 4) {
        put(&v, D, 0x80 + i, 4, host_random(&random));
        put(&v, D, 0x400 + i, 4, host_random(&random));
    }
    before = v;
    for (uint64_t offset = 0; offset < size_of_frames; offset++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            uint64_t value = get(&v, ops, offset, size);
            assert_memory_equal(&v, &before, sizeof(v));
            put(&v, ops, offset, size, host_random(&random));
            if (!is_known(version, ops, offset, size)) {
                assert_int_equal(value, 0);
                assert_memory_equal(&v, &before, sizeof(v));
            }
            v = before;
        }
}

static void test_every_offset(void **state)
{
    (void)state;
    every_offset(2, D, 0x1000);
    every_offset(3, D, 0x10000);
    every_offset(3, R, 0x20000);
}

// --- the contract's laws --------------------------------------------------------------------------------------------

static void laws_init_v2(void *device)
{
    start(device, 2);
}

static void laws_init_v3(void *device)
{
    start(device, 3);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    *io = (struct io_access){ .size = (uint8_t)(1u << host_random_range(random, 0, 3)) };
    io->offset = host_random_range(random, 0, 1) ? host_random_range(random, 0, 0xfff) : host_random(random) & 0x1ffff;
    io->is_write = host_random(random) & 1;
    io->value = host_random_edgy(random);
}

static void laws_lines(void *device, vtime_t now, uint64_t *random)
{
    (void)now;
    vgic_set_line(device, 0, (unsigned)host_random_range(random, 16, 63), host_random(random) & 1);
    vgic_sgi(device, 0, host_random_edgy(random));
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    struct vgic *v = device;
    (void)now;
    for (uint64_t offset = 0; offset < 0xd00; offset += 4)
        if (offset < 0x400 ? (offset & 0x7f) < 8 : (offset & 0x3ff) < 0x40)
            observation_add(seen, get(v, D, offset, 4));
    for (uint64_t offset = 0x80; offset < 0x500 && v->version == 3; offset += 4)
        observation_add(seen, get(v, R, SGI_FRAME + offset, 4));
    struct vgic_lr lr;
    while (vgic_take(v, 0, &lr) >= 0)
        observation_add(seen, lr.intid + (lr.pending ? 0x400u : 0) + (lr.active ? 0x800u : 0));
}

static bool every_read_is_pure(const void *device, const struct io_access *io)
{
    (void)device, (void)io;
    return true;
}

static void check_laws(const struct device_ops *ops, void (*init)(void *))
{
    const struct device_laws laws = {
        .ops = ops,
        .object_size = sizeof(struct vgic),
        .init = init,
        .random_access = laws_access,
        .stimulate = laws_lines,
        .observe = laws_observe,
        .read_is_pure = every_read_is_pure,
        .typical_step = 1000,
        .runs = 60,
        .steps = 100,
        .seed = 3,
    };
    device_laws_check(&laws);
}

static void test_laws(void **state)
{
    (void)state;
    check_laws(D, laws_init_v2);
    check_laws(D, laws_init_v3);
    check_laws(R, laws_init_v3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset),         cmocka_unit_test(test_nobody),       cmocka_unit_test(test_writable),
        cmocka_unit_test(test_set_and_clear), cmocka_unit_test(test_every_offset), cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("vgic_registers", tests, NULL, NULL);
}
