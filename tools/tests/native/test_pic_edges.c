// SPDX-License-Identifier: MIT
// Inputs of the 8259A pair that fall before they are acknowledged, that are up from the start, that LTIM would make
// levels; and what a poll says.
#include "tools/tests/native/device_laws.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/pic_ports.h"

// "The IR inputs must remain high until after the falling edge of the first INTA."
static void test_withdrawn_edge(void **state)
{
    (void)state;
    struct pic pic;
    static const unsigned inputs[] = { 0, 4, 8, 12 };
    for (unsigned i = 0; i < 4; i++) {
        unsigned irq = inputs[i];
        start(&pic, 0x01, 0x01);
        edge(&pic, irq);
        assert_true(pic_output(&pic) && pic_waiting(&pic, irq));
        pic_set_irq(&pic, irq, false);
        assert_false(pic_output(&pic) || pic_waiting(&pic, irq));
        assert_int_equal(in(&pic, 0x20) | in(&pic, 0xa0), 0);
        assert_int_equal(pic_acknowledge(&pic), 0x37);
        assert_int_equal(isr(&pic, 0x20) | isr(&pic, 0xa0), 0);
        pic_set_irq(&pic, irq, true);
        assert_int_equal(pic_acknowledge(&pic), 0x30 + irq);
        pic_set_irq(&pic, irq, false); // in service it stays
        assert_int_equal(isr(&pic, irq < 8 ? 0x20 : 0xa0), 1u << (irq & 7));
    }
}

// The PIIX has ELCR in place of LTIM.
static void test_ltim_is_ignored(void **state)
{
    (void)state;
    struct pic pic;
    start(&pic, 0x01, 0x01);
    pic_set_irq(&pic, 3, true);
    out(&pic, 0x20, 0x19);
    out(&pic, 0x21, 0x30);
    out(&pic, 0x21, 0x04);
    out(&pic, 0x21, 0x01);
    assert_false(pic_output(&pic)); // up already
    edge(&pic, 3);
    assert_int_equal(pic_acknowledge(&pic), 0x33);
    out(&pic, 0x20, 0x20);
    assert_false(pic_output(&pic)); // and no level
}

// Inputs that are up at power-up are no requests; a poll says so once.
static void test_start_and_poll(void **state)
{
    (void)state;
    struct pic pic;
    pic_init(&pic, 0x0101);
    assert_int_equal(in(&pic, 0x20) | in(&pic, 0xa0), 0);
    pic_set_irq(&pic, 0, true);
    assert_false(pic_waiting(&pic, 0));
    start(&pic, 0x01, 0x01);
    edge(&pic, 3);
    assert_false(pic_take_polled(&pic));
    out(&pic, 0x20, 0x0c);
    assert_int_equal(in(&pic, 0x20), 0x83);
    assert_true(pic_take_polled(&pic));
    assert_false(pic_take_polled(&pic));
    out(&pic, 0x20, 0x0c);
    assert_int_equal(in(&pic, 0x20), 0);
    assert_false(pic_take_polled(&pic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_withdrawn_edge),
        cmocka_unit_test(test_ltim_is_ignored),
        cmocka_unit_test(test_start_and_poll),
    };
    return cmocka_run_group_tests_name("pic_edges", tests, NULL, NULL);
}
