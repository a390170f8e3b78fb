// SPDX-License-Identifier: MIT
// The status on a guest's console: which lines count, in any pieces, and what is left of numbers that are too large.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tests/native/host.h"
#include "vmm/show/statusline.h"

static struct statusline after(const char *text)
{
    struct statusline line = { 0 };
    while (*text != 0)
        statusline_byte(&line, (uint8_t)*text++);
    return line;
}

static void test_lines_that_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t status;
    } yes[] = {
        { "EXIT: STATUS=0\n", 0 },
        { "EXIT: STATUS=1\n", 1 },
        { "EXIT: STATUS=2\r\n", 2 },
        { "\rEXIT: STATUS=14\n", 14 },
        { "hello\n\nEXIT: STATUS=127\n", 127 },
        { "EXIT: STATUS=7\nEXIT: STATUS=\n", 7 },
        { "EXIT: STATUS=7\nEXIT: STATUS=9\nbye\n", 9 },
        { "EXIT: STATUS=255\n", 255 },
        { "EXIT: STATUS=256\n", 0 },
        { "EXIT: STATUS=99999999999999999999\n", 255 }, // 10^20 - 1
        { "EXIT: STATUS=000000000000000000000000000003\n", 3 },
    };
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        struct statusline line = after(yes[i].text);
        assert_true(line.known);
        assert_int_equal(line.status, yes[i].status);
    }
}

static void test_lines_that_do_not(void **state)
{
    (void)state;
    static const char *const no[] = {
        "",
        "\n\n",
        "EXIT: STATUS=1", // not complete
        "EXIT: STATUS=\n",
        "EXIT: STATUS=-1\n",
        "EXIT: STATUS=1 \n",
        "EXIT: STATUS= 1\n",
        "EXIT: STATUS=1x\n",
        " EXIT: STATUS=1\n",
        "it printed EXIT: STATUS=1\n",
        "EXIT: status=1\n",
        "EXIT:STATUS=1\n",
        "EXIEXIT: STATUS=1\n",
        "EXIT: STATUS\n=1\n",
    };
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(after(no[i]).known);
}

// Every status, after random bytes that end their line.
static void test_every_status(void **state)
{
    (void)state;
    uint64_t random = 83;
    for (unsigned status = 0; status < 1000; status++) {
        struct statusline line = { 0 };
        char text[32];
        for (unsigned i = 0; i < 500; i++)
            statusline_byte(&line, (uint8_t)host_random(&random));
        snprintf(text, sizeof(text), "\nEXIT: STATUS=%u\n", status);
        for (const char *at = text; *at != 0; at++)
            statusline_byte(&line, (uint8_t)*at);
        assert_true(line.known);
        assert_int_equal(line.status, status & 0xff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_that_count),
        cmocka_unit_test(test_lines_that_do_not),
        cmocka_unit_test(test_every_status),
    };
    return cmocka_run_group_tests_name("statusline", tests, NULL, NULL);
}
