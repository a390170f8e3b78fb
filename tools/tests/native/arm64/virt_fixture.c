// SPDX-License-Identifier: MIT
// The stub around the arm64 board, and what a test does with it: see virt_fixture.h. Called by test_machine_virt.c.
#include "tools/tests/native/arm64/virt_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/arm64/host/board.h"
#include "arch/arm64/host/gic.h"
#include "arch/arm64/host/timertrial.h"
#include "time/limits.h"

struct vm vm;
static unsigned gic_version = 3;
char printed[256];
size_t printed_count;

// --- what is around the machine -------------------------------------------------------------------------------------

unsigned hostgic_version(void)
{
    return gic_version;
}

bool leads = true;

bool timertrial_leads(void)
{
    return leads;
}

const struct board *board(void)
{
    static const struct board host = { .timer_virtual_intid = 27 };
    return &host;
}

void vm_end(struct vm *ended, enum vm_end end, uint32_t value, const char *reason)
{
    (void)reason;
    ended->end = end;
    ended->exit_value = value;
}

void vm_end_at_limit(struct vm *ended)
{
    ended->end = VM_KILLED;
}

void console_put(struct vm *from, uint8_t byte)
{
    (void)from;
    printed[printed_count++ % sizeof(printed)] = (char)byte;
}

void console_poll(struct vm *polled)
{
    (void)polled;
}

// --- helpers --------------------------------------------------------------------------------------------------------

void fresh(unsigned version)
{
    gic_version = version;
    memset(&vm, 0, sizeof(vm));
    memset(printed, 0, sizeof(printed));
    printed_count = 0;
    vm.vtime.hz = HZ;
    vm.config.vcpus = 1;
    vm.config.tick = TICK_CATCHUP;
    vm.limit = LIMIT_V_CYCLES;
    vm.wall_start_s = 1000;
    for (unsigned i = 0; i < STATS_TIMERS_MAX; i++)
        histogram_init(&vm.vcpu.stats.timer[i].lateness);
    machine_init(&vm);
}

bool access(uint64_t address, uint8_t size, bool is_write, uint64_t *value)
{
    struct io_access io = { .size = size, .is_write = is_write, .value = is_write ? *value : 0 };
    bool answered = machine_mmio(&vm, (gpa){ address }, &io);
    *value = io.value;
    return answered;
}

void put(uint64_t address, uint64_t value)
{
    assert_true(access(address, 4, true, &value));
}

uint64_t get(uint64_t address)
{
    uint64_t value = 0;
    assert_true(access(address, 4, false, &value));
    return value;
}

// Every interrupt of the board enabled, in group 1.
void open_gic(void)
{
    put(VIRT_GICD, 0x2);
    put(VIRT_GICD + 0x84, 0xffffffff);
    put(VIRT_GICD + 0x104, 0xffffffff);
    put(VIRT_GICR + 0x10080, 0xffffffff);
    put(VIRT_GICR + 0x10100, 0xffffffff);
}

// As the architecture does it: the best into a list register, and whose tick it was. 0: none. The guest then
// acknowledges and ends it.
unsigned deliver(void)
{
    struct vgic_lr lr;
    int intid = vgic_take(&vm.machine.gic, 0, &lr);
    machine_interrupts_listed(&vm);
    if (intid < 0)
        return 0;
    lr.pending = lr.active = false;
    vgic_put_back(&vm.machine.gic, 0, &lr);
    return (unsigned)intid;
}

void at(vtime_t now)
{
    vm.vtime.now = now;
    machine_run_timers(&vm);
    assert_true(timerq_next(&vm.machine.timers) > now);
}

void are_ticks(enum timer_id timer, uint64_t expired, uint64_t injected, uint64_t pending, uint64_t dropped)
{
    const struct ticks *ticks = &vm.machine.tick[timer].ticks;
    assert_int_equal(ticks->expired, expired);
    assert_int_equal(ticks->injected, injected);
    assert_int_equal(ticks->pending, pending);
    assert_int_equal(ticks->dropped, dropped);
}

uint64_t latest(enum timer_id timer)
{
    return vm.vcpu.stats.timer[timer].lateness.max;
}

// The guest's counter begins at 0, or where it is ahead of the host's.
int follow_host(void **state)
{
    (void)state;
    leads = false;
    return 0;
}

int lead_host(void **state)
{
    (void)state;
    leads = true;
    return 0;
}
