// SPDX-License-Identifier: MIT
// The devices that know no time: debug exit and console, two resets, fw_cfg, PCI configuration; and the laws of
// the contract for all three, under accesses to every port they could claim.
#include "devices/debugexit.h"
#include "devices/fwcfg.h"
#include "devices/pcihost.h"
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/ports.h"

static void test_exit(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        uint8_t size;
        uint32_t value;
    } cases[] = { { 0xf4, 1, 0x21 }, { 0xf4, 2, 0x4321 }, { 0xf4, 4, 0x87654321 }, { 0xf7, 1, 0x21 } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct debugexit d;
        debugexit_init(&d);
        assert_int_equal(port_in(&debugexit_ops, &d, 0xf4, 1, 0), 0);
        assert_int_equal(d.request, REQUEST_NONE);
        port_out(&debugexit_ops, &d, cases[i].port, cases[i].size, 0x87654321, 0);
        assert_int_equal(d.request, REQUEST_EXIT);
        assert_int_equal(d.value, cases[i].value);
        port_out(&debugexit_ops, &d, 0xcf9, 1, 6, 0);
        assert_int_equal(d.request, REQUEST_EXIT); // the first one counts
        assert_int_equal(port_result(&debugexit_ops, &d, 0xf3, 1), IO_UNCLAIMED);
        assert_int_equal(port_result(&debugexit_ops, &d, 0xf8, 1), IO_UNCLAIMED);
    }
}

// The last of these writes resets, the ones before do not.
static void test_reset(void **state)
{
    (void)state;
    static const struct {
        uint16_t port;
        uint8_t count, value[6];
    } cases[] = {
        { 0xcf9, 4, { 0x00, 0x02, 0x0a, 0x06 } },            // 0 -> 1 of bit 2
        { 0x92, 4, { 0x02, 0x00, 0x02, 0x03 } },             // 0 -> 1 of bit 0
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct debugexit d;
        debugexit_init(&d);
        for (unsigned k = 0; k < cases[i].count; k++) {
            assert_int_equal(d.request, REQUEST_NONE);
            port_out(&debugexit_ops, &d, cases[i].port, 1, cases[i].value[k], 0);
        }
        assert_int_equal(d.request, REQUEST_RESET);
    }
    struct debugexit d;
    debugexit_init(&d);
    port_out(&debugexit_ops, &d, 0xcf9, 1, 6, 0);
    d.request = REQUEST_NONE;
    port_out(&debugexit_ops, &d, 0xcf9, 1, 6, 0); // no edge
    assert_int_equal(d.request, REQUEST_NONE);
    assert_int_equal(port_result(&debugexit_ops, &d, 0x64, 1), IO_UNCLAIMED);
    assert_int_equal(port_in(&debugexit_ops, &d, 0x92, 1, 0), 2);
    port_out(&debugexit_ops, &d, 0xcf9, 1, 0xf2, 0);
    assert_int_equal(port_in(&debugexit_ops, &d, 0xcf9, 1, 0), 2);
}

static void test_console(void **state)
{
    (void)state;
    struct debugexit d;
    uint8_t byte;
    debugexit_init(&d);
    assert_int_equal(port_in(&debugexit_ops, &d, 0xe9, 1, 0), 0xe9);
    assert_false(debugexit_take_char(&d, &byte));
    for (unsigned i = 0; i < 1000; i++) { // round the ring
        port_out(&debugexit_ops, &d, 0xe9, 1, i & 0xff, 0);
        port_out(&debugexit_ops, &d, 0xe9, 1, (i ^ 0x55) & 0xff, 0);
        assert_true(debugexit_take_char(&d, &byte));
        assert_int_equal(byte, i & 0xff);
        assert_true(debugexit_take_char(&d, &byte));
        assert_int_equal(byte, (i ^ 0x55) & 0xff);
        assert_false(debugexit_take_char(&d, &byte));
    }
    for (unsigned i = 0; i < 100; i++)
        port_out(&debugexit_ops, &d, 0xe9, 1, i, 0);
    for (unsigned i = 0; i < DEBUGEXIT_FIFO; i++) {
        assert_true(debugexit_take_char(&d, &byte));
        assert_int_equal(byte, i);
    }
    assert_false(debugexit_take_char(&d, &byte));
}

static uint64_t fwcfg_item(struct fwcfg *fw, uint16_t key, unsigned bytes)
{
    uint64_t value = 0;
    port_out(&fwcfg_ops, fw, 0x510, 2, key, 0);
    for (unsigned i = 0; i < bytes; i++)
        value |= port_in(&fwcfg_ops, fw, 0x511, 1, 0) << (8 * i);
    assert_int_equal(port_in(&fwcfg_ops, fw, 0x511, 1, 0), 0); // behind the end
    return value;
}

static void test_fwcfg(void **state)
{
    (void)state;
    struct fwcfg fw;
    fwcfg_init(&fw, UINT64_C(0x1223456789ab9000), 3);
    assert_int_equal(fwcfg_item(&fw, 0x00, 4), 'Q' | 'E' << 8 | 'M' << 16 | 'U' << 24);
    assert_int_equal(fwcfg_item(&fw, 0x01, 4), 1);
    assert_int_equal(fwcfg_item(&fw, 0x02, 8), 0);
    assert_int_equal(fwcfg_item(&fw, 0x03, 8), 0x1223456789ab9000);
    assert_int_equal(fwcfg_item(&fw, 0x05, 2), 3);
    assert_int_equal(fwcfg_item(&fw, 0x0f, 2), 3);
    assert_int_equal(fwcfg_item(&fw, 0x19, 4), 0);
    assert_int_equal(fwcfg_item(&fw, 0x05 | 0x4000, 2), 3);
    assert_int_equal(fwcfg_item(&fw, 0x8005 & 0x3fff, 2), 3);
    port_out(&fwcfg_ops, &fw, 0x510, 2, 3, 0);
    port_out(&fwcfg_ops, &fw, 0x511, 1, 0xff, 0); // data cannot be written
    assert_int_equal(port_in(&fwcfg_ops, &fw, 0x511, 1, 0), 0x00);
    assert_int_equal(port_in(&fwcfg_ops, &fw, 0x511, 1, 0), 0x90);
    assert_int_equal(port_result(&fwcfg_ops, &fw, 0x510, 1), IO_UNCLAIMED);
}

static uint64_t config(struct pcihost *host, uint32_t address, unsigned byte, uint8_t size)
{
    port_out(&pcihost_ops, host, 0xcf8, 4, address, 0);
    return port_in(&pcihost_ops, host, 0xcfc + byte, size, 0);
}

static void test_pci(void **state)
{
    (void)state;
    struct pcihost host;
    unsigned present = 0;
    pcihost_init(&host);
    assert_int_equal(config(&host, 0x80000000, 0, 4), 0x29c08086);
    assert_int_equal(config(&host, 0x80000000, 0, 2), 0x8086);
    assert_int_equal(config(&host, 0x80000000, 2, 2), 0x29c0);
    assert_int_equal(config(&host, 0x80000008, 3, 1), 0x06);
    assert_int_equal(config(&host, 0x8000f800, 0, 4), 0x29188086);
    assert_int_equal(config(&host, 0x8000f808, 2, 2), 0x0601);
    assert_int_equal(config(&host, 0x8000000c, 2, 1), 0);          // one function
    assert_int_equal(config(&host, 0x0000f800, 0, 4), 0xffffffff); // not enabled
    assert_int_equal(config(&host, 0x80000002, 3, 2), 0xff29);     // straddles the end of CONFIG_DATA
    assert_int_equal(port_in(&pcihost_ops, &host, 0xcf8, 4, 0), 0x80000000);
    port_out(&pcihost_ops, &host, 0xcfc, 4, 0, 0);
    assert_int_equal(config(&host, 0x80000000, 0, 4), 0x29c08086); // read-only
    for (uint32_t function = 0; function < 0x10000; function++)
        present += config(&host, 0x80000000 | function << 8, 0, 4) != 0xffffffff;
    assert_int_equal(present, 2);
    assert_int_equal(port_result(&pcihost_ops, &host, 0xcf8, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&pcihost_ops, &host, 0xcf9, 1), IO_UNCLAIMED);
    assert_int_equal(port_result(&pcihost_ops, &host, 0xd00, 4), IO_UNCLAIMED);
}

static void random_access(uint64_t *random, struct io_access *io)
{
    static const uint16_t ports[] = { 0xf4, 0xf7, 0xe9, 0x64, 0x92, 0xcf9, 0x510, 0x511, 0xcf8, 0xcfc, 0xcff, 0xcfb };
    uint64_t dice = host_random(random);
    io->offset = ports[dice % 12] + (dice & 0xf000 ? 0u : dice >> 16 & 3);
    io->is_write = dice & 0x800;
    io->value = dice >> 32;
    io->size = (uint8_t)(1 << (dice >> 8 & 7) % 3);
}

static void debugexit_start(void *device)
{
    debugexit_init(device);
}
static void fwcfg_start(void *device)
{
    fwcfg_init(device, 1 << 28, 1);
}
static void pcihost_start(void *device)
{
    pcihost_init(device);
}

static void debugexit_observe(void *device, vtime_t now, struct observation *seen)
{
    struct debugexit *d = device;
    uint8_t byte;
    observation_add(seen, d->request);
    observation_add(seen, d->value);
    observation_add(seen, port_in(&debugexit_ops, d, 0x92, 1, now));
    observation_add(seen, port_in(&debugexit_ops, d, 0xcf9, 1, now));
    while (debugexit_take_char(d, &byte))
        observation_add(seen, byte);
}

static void fwcfg_observe(void *device, vtime_t now, struct observation *seen)
{
    for (unsigned i = 0; i < 10; i++)
        observation_add(seen, port_in(&fwcfg_ops, device, 0x511, 1, now));
}

static void pcihost_observe(void *device, vtime_t now, struct observation *seen)
{
    observation_add(seen, port_in(&pcihost_ops, device, 0xcf8, 4, now));
    observation_add(seen, port_in(&pcihost_ops, device, 0xcfc, 4, now));
}

// Only the data port of fw_cfg steps by being read.
static bool laws_pure(const void *device, const struct io_access *io)
{
    (void)device;
    return io->offset != 0x511;
}

static void test_laws(void **state)
{
    (void)state;
    struct device_laws laws[] = {
        { .ops = &debugexit_ops,
          .object_size = sizeof(struct debugexit),
          .init = debugexit_start,
          .observe = debugexit_observe },
        { .ops = &fwcfg_ops, .object_size = sizeof(struct fwcfg), .init = fwcfg_start, .observe = fwcfg_observe },
        { .ops = &pcihost_ops,
          .object_size = sizeof(struct pcihost),
          .init = pcihost_start,
          .observe = pcihost_observe },
    };
    for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
        laws[i].random_access = random_access;
        laws[i].read_is_pure = laws_pure;
        laws[i].typical_step = 1000;
        laws[i].runs = 200;
        laws[i].steps = 200;
        laws[i].seed = 1;
        device_laws_check(&laws[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit),  cmocka_unit_test(test_reset), cmocka_unit_test(test_console),
        cmocka_unit_test(test_fwcfg), cmocka_unit_test(test_pci),   cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
