// SPDX-License-Identifier: MIT
// When the log names a guest that polls: a million accesses in less than 100 ms of V, once, with the port or the
// address of a read; and when it does not: fewer, slower, or writes alone. A guest on the short way is taken off it for
// the look, and put back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tests/native/host.h"
#include "vmm/base/log.h"
#include "vmm/polling.h"

#define HZ      UINT64_C(1000000000)
#define MILLION 1000000u
#define MS      (HZ / 1000)

static char     said[400];
static unsigned lines;

void log_line(const char *subsystem, const char *text, ...)
{
    va_list list;
    va_start(list, text);
    (void)subsystem;
    vsnprintf(said, sizeof(said), text, list);
    va_end(list);
    lines++;
}

static const struct exit PORT_READ = { .kind = EXIT_PORT, .port = 0x608 };
static const struct exit PORT_WRITE = { .kind = EXIT_PORT, .port = 0x80, .is_write = true };
static const struct exit MEMORY_READ = { .kind = EXIT_MMIO, .address = { 0xfed000f0 } };
static const struct exit ANSWERED = { .kind = EXIT_ANSWERED };

static struct vm *fresh(void)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    assert_non_null(vm);
    vm->vtime.hz = HZ;
    snprintf(vm->config.name, sizeof(vm->config.name), "poller");
    vm->vcpu.vm = vm;
    vm->vcpu.quick = true;
    lines = 0;
    said[0] = '\0';
    return vm;
}

// So many exits of a kind, and so much of V, later.
static void made(struct vm *vm, enum exit_kind kind, uint64_t exits, uint64_t v_cycles)
{
    vm->vcpu.stats.cost[kind].bucket[20] += exits;
    vm->vcpu.stats.exits += exits;
    vm->vtime.now += v_cycles;
}

static void test_port(void **state)
{
    (void)state;
    struct vm *vm = fresh();
    made(vm, EXIT_PORT, MILLION - 1, 7 * MS);
    polling_look(&vm->vcpu, &PORT_READ);
    assert_int_equal(lines, 0);
    made(vm, EXIT_PORT, 1, 0);
    polling_look(&vm->vcpu, &PORT_READ);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(said, "poller has made 1000000 accesses"));
    assert_non_null(strstr(said, "in 7000 us"));
    assert_non_null(strstr(said, "port 0x608"));
    assert_non_null(strstr(said, "clock=guest+emu"));
    made(vm, EXIT_PORT, 2 * MILLION, 0);
    polling_look(&vm->vcpu, &PORT_READ);
    assert_int_equal(lines, 1);
    free(vm);
}

static void test_memory_beside_ports(void **state)
{
    (void)state;
    struct vm *vm = fresh();
    made(vm, EXIT_PORT, MILLION / 2, 0);
    made(vm, EXIT_MMIO, MILLION / 2, 0);
    polling_look(&vm->vcpu, &MEMORY_READ);
    assert_int_equal(lines, 1);
    assert_non_null(strstr(said, "device memory at 0xfed000f0"));
    free(vm);
}

// As slow as on a real machine: no word, and the count begins anew, so a later rush is seen by itself.
static void test_slow_then_fast(void **state)
{
    (void)state;
    struct vm *vm = fresh();
    for (unsigned i = 0; i < 5; i++) {
        made(vm, EXIT_PORT, MILLION, 100 * MS);
        polling_look(&vm->vcpu, &PORT_READ);
        assert_int_equal(lines, 0);
    }
    made(vm, EXIT_PORT, MILLION, 100 * MS - 1);
    polling_look(&vm->vcpu, &PORT_READ);
    assert_int_equal(lines, 1);
    free(vm);
}

static void test_writes_alone(void **state)
{
    (void)state;
    struct vm *vm = fresh();
    vm->vcpu.quick = false; // by the word delivery=exact, say: it stays so
    for (unsigned i = 0; i < 5; i++) {
        made(vm, EXIT_PORT, MILLION, 0);
        polling_look(&vm->vcpu, &PORT_WRITE);
    }
    assert_int_equal(lines, 0);
    assert_false(vm->vcpu.quick);
    free(vm);
}

static void test_short_way(void **state)
{
    (void)state;
    struct vm *vm = fresh();
    made(vm, EXIT_PORT, MILLION, 0);
    polling_look(&vm->vcpu, &ANSWERED);
    assert_int_equal(lines, 0);
    assert_false(vm->vcpu.quick);
    polling_look(&vm->vcpu, &PORT_READ);
    assert_int_equal(lines, 1);
    assert_true(vm->vcpu.quick);
    free(vm);

    vm = fresh(); // it has stopped polling before a read was seen
    made(vm, EXIT_PORT, MILLION, 0);
    polling_look(&vm->vcpu, &ANSWERED);
    made(vm, EXIT_PORT, 0, 200 * MS);
    polling_look(&vm->vcpu, &ANSWERED);
    assert_int_equal(lines, 0);
    assert_true(vm->vcpu.quick);
    free(vm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port),         cmocka_unit_test(test_memory_beside_ports),
        cmocka_unit_test(test_slow_then_fast), cmocka_unit_test(test_writes_alone),
        cmocka_unit_test(test_short_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
