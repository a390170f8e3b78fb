// SPDX-License-Identifier: MIT
// The stolen time's page: its layout, and the version protocol from every kind of start.
#include "time/steal.h"
#include "tools/tests/native/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

_Static_assert(offsetof(struct steal_page, version) == 8, "kvm_para.h");
_Static_assert(offsetof(struct steal_page, flags) == 12, "kvm_para.h");
_Static_assert(offsetof(struct steal_page, preempted) == 16, "kvm_para.h");

static void write_page(struct steal_page *page, uint64_t steal_ns)
{
    uint32_t start = page->version;
    steal_write_begin(page);
    assert_true((page->version & 1) == 1 && page->version != start);
    steal_write_body(page, steal_ns);
    assert_true((page->version & 1) == 1);
    steal_write_end(page);
    assert_true((page->version & 1) == 0 && page->version != start);
}

static void test_version(void **state)
{
    (void)state;
    static const uint32_t starts[] = { 0, 1, 2, 0x7fffffff, 0xfffffffe, 0xffffffff };
    for (unsigned i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct steal_page page;
        memset(&page, 0xff, sizeof page);
        page.version = starts[i];
        write_page(&page, 1234567890123);
        assert_true(page.steal_ns == 1234567890123 && page.flags == 0 && page.preempted == 0);
        uint32_t first = page.version;
        write_page(&page, UINT64_MAX);
        assert_true(page.steal_ns == UINT64_MAX && page.version == first + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_version) };
    return cmocka_run_group_tests_name("steal", tests, NULL, NULL);
}
