// SPDX-License-Identifier: MIT
// The 8259A pair: scenes from the data sheet, a second model made of lists under random operations, the contract's
// laws.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/pic_reference.h"
#include "tools/tests/native/pic_ports.h"

static void test_nesting(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    assert_false(pic_output(&pic));
    edge(&pic, 4);
    edge(&pic, 4); // one edge is one request until it is taken
    assert_true(pic_waiting(&pic, 4));
    assert_int_equal(pic_acknowledge(&pic), 0x34);
    assert_false(pic_waiting(&pic, 4));
    edge(&pic, 4);
    edge(&pic, 5);
    assert_false(pic_output(&pic)); // same and lower priority wait
    edge(&pic, 0);
    assert_int_equal(pic_acknowledge(&pic), 0x30);
    assert_int_equal(isr(&pic, 0x20), 0x11);
    out(&pic, 0x20, 0x20); // non-specific EOI ends the highest
    assert_int_equal(isr(&pic, 0x20), 0x10);
    out(&pic, 0x20, 0x64); // specific EOI of 4
    assert_int_equal(pic_acknowledge(&pic), 0x34);
    out(&pic, 0x21, 0x20);
    out(&pic, 0x20, 0x20);
    assert_false(pic_output(&pic)); // 5 is masked, and stays requested
    assert_int_equal(in(&pic, 0x20), 0x20);
    out(&pic, 0x21, 0);
    assert_int_equal(pic_acknowledge(&pic), 0x35);
}

static void test_cascade(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    edge(&pic, 12);
    edge(&pic, 3);
    assert_true(pic_waiting(&pic, 2));
    assert_int_equal(pic_acknowledge(&pic), 0x3c); // 8..15 come before 3
    assert_int_equal(isr(&pic, 0x20), 0x04);
    assert_int_equal(isr(&pic, 0xa0), 0x10);
    edge(&pic, 8);
    assert_true(pic_waiting(&pic, 2));
    assert_false(pic_output(&pic)); // fully nested: the slave is locked out by itself
    out(&pic, 0xa0, 0x20);
    out(&pic, 0x20, 0x20);
    assert_int_equal(pic_acknowledge(&pic), 0x38);
    start(&pic, 0x11, 0x01); // special fully nested
    edge(&pic, 12);
    assert_int_equal(pic_acknowledge(&pic), 0x3c);
    edge(&pic, 8);
    edge(&pic, 3);
    assert_int_equal(pic_acknowledge(&pic), 0x38);
    assert_false(pic_output(&pic)); // 3 stays locked out
    out(&pic, 0xa0, 0x20);
    assert_int_equal(isr(&pic, 0xa0), 0x10); // not empty: the handler sends the master no EOI yet
}

static void test_spurious_and_level(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    assert_int_equal(pic_acknowledge(&pic), 0x37);
    assert_int_equal(isr(&pic, 0x20), 0);
    out(&pic, 0x4d0, 0xff);
    out(&pic, 0x4d1, 0xff);
    assert_int_equal(port_in(&pic_ops, &pic, 0x4d0, 2, 0), 0xdef8); // 0, 1, 2, 8 and 13 are edges for ever
    pic_set_irq(&pic, 10, true);
    assert_int_equal(pic_acknowledge(&pic), 0x3a);
    out(&pic, 0xa0, 0x20);
    out(&pic, 0x20, 0x20);
    assert_int_equal(pic_acknowledge(&pic), 0x3a); // still high
    pic_set_irq(&pic, 10, false);
    out(&pic, 0xa0, 0x20);
    out(&pic, 0x20, 0x20);
    assert_false(pic_output(&pic));
    pic_set_irq(&pic, 10, true);
    pic_set_irq(&pic, 10, false);
    assert_int_equal(pic_acknowledge(&pic), 0x37); // gone again before INTA
    assert_int_equal(isr(&pic, 0xa0), 0);
}

static void test_rotation(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    out(&pic, 0x20, 0xc5); // set priority: 5 lowest, 6 highest
    edge(&pic, 5);
    edge(&pic, 0);
    edge(&pic, 6);
    assert_int_equal(pic_acknowledge(&pic), 0x36);
    out(&pic, 0x20, 0xa0); // rotate on non-specific EOI: 6 lowest
    assert_int_equal(pic_acknowledge(&pic), 0x30);
    out(&pic, 0x20, 0xe4); // rotate on specific EOI of 4, which is not in service: 4 lowest, 5 highest
    assert_int_equal(pic_acknowledge(&pic), 0x35);
    start(&pic, 0x03, 0x01); // automatic EOI
    out(&pic, 0x20, 0x80);   // with rotation
    edge(&pic, 1);
    edge(&pic, 3);
    assert_int_equal(pic_acknowledge(&pic), 0x31);
    edge(&pic, 1);
    assert_int_equal(pic_acknowledge(&pic), 0x33);
    out(&pic, 0x20, 0x00); // without
    assert_int_equal(pic_acknowledge(&pic), 0x31);
    edge(&pic, 1);
    edge(&pic, 4);
    assert_int_equal(pic_acknowledge(&pic), 0x34); // 3 is still the lowest
    assert_int_equal(isr(&pic, 0x20), 0);
}

static void test_special_mask_and_poll(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    edge(&pic, 3);
    assert_int_equal(pic_acknowledge(&pic), 0x33);
    out(&pic, 0x21, 0x08);
    edge(&pic, 6);
    assert_false(pic_output(&pic));
    out(&pic, 0x20, 0x68); // set special mask mode: 3 is masked and blocks nobody
    assert_int_equal(pic_acknowledge(&pic), 0x36);
    out(&pic, 0x20, 0x20); // a non-specific EOI passes 3 over
    assert_int_equal(isr(&pic, 0x20), 0x08);
    out(&pic, 0x20, 0x08); // ESMM = 0: no change
    edge(&pic, 7);
    assert_true(pic_output(&pic));
    out(&pic, 0x20, 0x48); // reset special mask mode
    assert_false(pic_output(&pic));
    out(&pic, 0x20, 0x63);
    out(&pic, 0x20, 0x0c); // poll
    assert_int_equal(in(&pic, 0x21), 0x87);
    assert_int_equal(in(&pic, 0x20), 0); // an ordinary read of IRR again
    assert_int_equal(isr(&pic, 0x20), 0x80);
    out(&pic, 0xa0, 0x0c);
    assert_int_equal(in(&pic, 0xa0), 0);
}

// While the words of an initialisation are missing nothing is requested, and old edges are forgotten.
static void test_initialisation(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    edge(&pic, 1);
    out(&pic, 0x20, 0x12); // single, no ICW4
    edge(&pic, 2);        // not an input
    edge(&pic, 5);
    assert_false(pic_output(&pic));
    out(&pic, 0x21, 0x50);
    assert_int_equal(pic_acknowledge(&pic), 0x55);
    assert_int_equal(pic_acknowledge(&pic), 0x57); // IRQ 1 is gone
    edge(&pic, 9);
    assert_int_equal(pic_acknowledge(&pic), 0x52); // no cascade in a single chip
    assert_int_equal(port_result(&pic_ops, &pic, 0x22, 1), IO_UNCLAIMED);
}

static void random_step(struct pic *pic, uint64_t *random, uint64_t *vectors)
{
    uint64_t dice = host_random(random);
    unsigned chip = dice & 1, irq = dice >> 8 & 15;
    uint64_t port = chip ? 0xa0 : 0x20;
    uint8_t value = (uint8_t)(dice >> 16);
    if (dice >> 24 & 15 && value & 16)
        value &= 0xef; // few initialisations
    switch (dice >> 32 & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        pic_set_irq(pic, irq, value & 1);
        ref_pic_set_irq(irq, value & 1);
        break;
    case 5:
        out(pic, 0x4d0 + chip, value);
        ref_pic_write_elcr(chip, value);
        break;
    case 6:
    case 7:
        value &= (uint8_t)(dice >> 40); // few masks
        out(pic, port + 1, value);
        ref_pic_write(chip, true, value);
        break;
    case 8:
    case 9:
    case 10:
        out(pic, port, value);
        ref_pic_write(chip, false, value);
        break;
    case 11:
        out(pic, port, 0x20);
        ref_pic_write(chip, false, 0x20);
        break;
    case 12: assert_int_equal(in(pic, port + irq % 2), ref_pic_read(chip, irq % 2)); break;
    default:
        if (pic_output(pic) || irq == 0) {
            assert_int_equal(pic_acknowledge(pic), ref_pic_acknowledge());
            ++*vectors;
        }
    }
}

// An input is open if a request there, with nothing else about, gets to the pin.
static void check_open(const struct pic *pic, unsigned irq)
{
    struct pic lonely = *pic;
    for (unsigned i = 0; i < 2; i++)
        lonely.chip[i].irr = lonely.chip[i].isr = lonely.chip[i].lines = 0;
    pic_set_irq(&lonely, irq, true);
    assert_int_equal(pic_open(pic, irq), pic_output(&lonely));
}

static void test_model(void **state)
{
    (void)state;
    uint64_t vectors = 0, steps = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        struct pic pic;
        uint64_t random = seed;
        start(&pic, 0x01, 0x01);
        ref_pic_start();
        for (unsigned i = 0; i < 300; i++, steps++) {
            random_step(&pic, &random, &vectors);
            assert_int_equal(pic_output(&pic), ref_pic_wants(0) >= 0);
            check_open(&pic, i & 15);
        }
    }
    assert_true(vectors > 10000);
    print_message("# pic: %llu random operations and %llu vectors equal to the second model\n",
                  (unsigned long long)steps, (unsigned long long)vectors);
}

static void laws_init(void *device)
{
    start(device, 0x01, 0x01);
}

static void laws_access(uint64_t *random, struct io_access *io)
{
    static const uint16_t ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
    uint64_t dice = host_random(random);
    io->offset = ports[dice % 6];
    io->is_write = dice & 0x100;
    io->value = dice >> 32 & 0xffff;
    io->size = (uint8_t)(dice & 0xf000 ? 1 : 2);
}

static void laws_pins(void *device, vtime_t now, uint64_t *random)
{
    (void)now;
    uint64_t dice = host_random(random);
    pic_set_irq(device, dice >> 8 & 31, dice & 1);
    if (dice >> 16 & 1)
        pic_acknowledge(device);
}

static void laws_observe(void *device, vtime_t now, struct observation *seen)
{
    static const uint16_t ports[] = { 0x20, 0xa0, 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
    (void)now;
    observation_add(seen, pic_output(device));
    for (unsigned i = 0; i < 8; i++)
        observation_add(seen, in(device, ports[i]));
    observation_add(seen, isr(device, 0x20) * 256u + isr(device, 0xa0));
    for (unsigned i = 0; i < 4; i++)
        observation_add(seen, pic_acknowledge(device));
}

// Everything but the read that a poll command turns into an acknowledge.
static bool laws_pure(const void *device, const struct io_access *io)
{
    const struct pic *pic = device;
    (void)io;
    return !pic->chip[0].poll && !pic->chip[1].poll;
}

static void test_laws(void **state)
{
    (void)state;
    const struct device_laws laws = {
        .ops = &pic_ops,
        .object_size = sizeof(struct pic),
        .init = laws_init,
        .random_access = laws_access,
        .stimulate = laws_pins,
        .observe = laws_observe,
        .read_is_pure = laws_pure,
        .typical_step = 1000,
        .runs = 300,
        .steps = 200,
        .seed = 1,
    };
    device_laws_check(&laws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_cascade),
        cmocka_unit_test(test_spurious_and_level),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_special_mask_and_poll),
        cmocka_unit_test(test_initialisation),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_laws),
    };
    return cmocka_run_group_tests_name("pic", tests, NULL, NULL);
}
