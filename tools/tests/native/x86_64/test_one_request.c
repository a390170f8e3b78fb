// SPDX-License-Identifier: MIT
// A chip remembers one request: the whole board, whose timers sleep while nobody would notice them, against the second
// 8254 and the second 8259 wired together and run cycle by cycle, under random guests. Each interrupt has to come at
// the same cycle, each read of a register to give the same bits, whatever the tick policy is called, because a guest's
// clock is never late.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "devices/lapic_regs.h"
#include "tools/tests/native/x86_64/quiet_console.h"
#include "tools/tests/native/host.h"
#include "tools/tests/native/pic_reference.h"
#include "tools/tests/native/pit_reference.h"
#include "vmm/pc/wiring.h"

#define HZ          UINT64_C(10000019) // eight or nine cycles a pulse
#define IOAPIC      0xfec00000u
#define LAPIC       0xfee00000u
#define MASKED      0x10000u
#define VECTOR_LINT 0x51u
#define VECTOR_PIN  0x52u
#define STEPS       1500u

static struct vm vm;
static uint64_t rng;

// --- what the board asks of the monitor -----------------------------------------------------------------------------

void vm_end(struct vm *of, enum vm_end end, uint32_t value, const char *reason)
{
    (void)of, (void)end, (void)value, (void)reason;
    fail_msg("ended");
}

void vm_end_at_limit(struct vm *of)
{
    (void)of;
    fail_msg("the end of V");
}

// --- the second board -----------------------------------------------------------------------------------------------

// Interrupts as the CPU took them, and what both were asked for.
struct taken {
    vtime_t at[STEPS * 4];
    unsigned vector[STEPS * 4], count, of_irq_0;
};

struct second {
    struct ref_pit_channel pit;
    uint32_t lint, pin; // LVT and entry
    bool out, output;   // of the 8254 and the 8259, a cycle ago
    bool irr[2], isr[2], nmi; // of VECTOR_LINT and VECTOR_PIN
    struct taken taken;
};

static struct second second;
static struct taken taken;
static vtime_t now;
static bool interrupts;

static void note(struct taken *list, unsigned vector)
{
    assert_true(list->count < STEPS * 4);
    list->at[list->count] = now;
    list->vector[list->count++] = vector;
}

static void message(uint32_t how)
{
    if (how & MASKED)
        return;
    if ((how >> 8 & 7) == DELIVERY_NMI)
        second.nmi = true;
    else if ((how >> 8 & 7) == DELIVERY_FIXED)
        second.irr[how & 1 ? 0 : 1] = true;
}

// Wires carry every change, in the order 8254, pin 2, 8259, LINT0.
static void second_wires(void)
{
    bool rises = second.pit.out && !second.out;
    second.out = second.pit.out;
    if (rises)
        message(second.pin);
    ref_pic_set_irq(0, second.pit.out);
    bool output = ref_pic_wants(0) >= 0;
    if (output && !second.output)
        message(second.lint);
    second.output = output;
}

static void second_takes(bool *open)
{
    if (second.nmi)
        note(&second.taken, 2);
    second.nmi = false;
    if (!*open)
        return;
    bool cycle = second.output && !(second.lint & MASKED) && (second.lint >> 8 & 7) == DELIVERY_EXTINT;
    bool in_service = second.isr[0] || second.isr[1];
    if (cycle) {
        note(&second.taken, ref_pic_acknowledge());
        second_wires();
    } else if ((second.irr[0] || second.irr[1]) && !in_service) {
        unsigned i = second.irr[1];
        second.irr[i] = false;
        second.isr[i] = true;
        note(&second.taken, i ? VECTOR_PIN : VECTOR_LINT);
    } else {
        return;
    }
    *open = false;
}

static void second_runs(vtime_t from, vtime_t to, bool *open)
{
    now = from;
    second_takes(open);
    for (vtime_t v = from; v < to; v++) {
        ref_pit_run(&second.pit, v, v + 1);
        now = v + 1;
        second_wires();
        second_takes(open);
    }
}

// --- ours, by deadlines ---------------------------------------------------------------------------------------------

static void ours_takes(bool *open)
{
    if (machine_take_nmi(&vm))
        note(&taken, 2);
    if (!*open || !machine_interrupt_pending(&vm))
        return;
    note(&taken, machine_acknowledge(&vm));
    *open = false;
}

static void ours_runs(vtime_t to, bool *open)
{
    ours_takes(open);
    while (timerq_next(&vm.machine.timers) <= to) {
        assert_true(timerq_next(&vm.machine.timers) > vm.vtime.now);
        now = vm.vtime.now = timerq_next(&vm.machine.timers);
        machine_run_timers(&vm);
        ours_takes(open);
    }
    now = vm.vtime.now = to;
    ours_takes(open); // the run loop looks at each exit
}

// --- random guests --------------------------------------------------------------------------------------------------

static uint32_t roll(uint32_t sides)
{
    return (uint32_t)host_random_range(&rng, 0, sides - 1);
}

static uint8_t port(uint16_t at, bool is_write, uint8_t value)
{
    struct io_access io = { .offset = at, .size = 1, .is_write = is_write, .value = value };
    machine_port(&vm, &io);
    return (uint8_t)io.value;
}

static void memory(uint64_t address, uint32_t value)
{
    struct io_access io = { .size = 4, .is_write = true, .value = value };
    machine_mmio(&vm, (gpa){ address }, &io);
}

static void pic_out(unsigned chip, bool odd, uint8_t value)
{
    port((uint16_t)((chip ? 0xa0 : 0x20) + odd), true, value);
    ref_pic_write(chip, odd, value);
    second_wires();
}

static void pic_in(unsigned chip, bool odd)
{
    assert_int_equal(port((uint16_t)((chip ? 0xa0 : 0x20) + odd), false, 0), ref_pic_read(chip, odd));
    second_wires();
}

static void any_pic(void)
{
    switch (roll(8)) {
    case 0: // the pair set up again
        for (unsigned chip = 0; chip < 2; chip++) {
            pic_out(chip, false, (uint8_t)(0x11 | roll(2) << 3));
            pic_out(chip, true, chip ? 0x38 : 0x30);
            pic_out(chip, true, chip ? 2 : 4);
            pic_out(chip, true, roll(4) ? 1 : 3);
        }
        break;
    case 1: pic_out(0, true, roll(2) ? 0xff : 0xfe); break;
    case 2:
        pic_out(0, false, 0x0c); // poll
        pic_in(0, roll(2));
        break;
    case 3:
        pic_out(0, false, (uint8_t)(0x0a | roll(2)));
        pic_in(0, false);
        break;
    case 4: pic_out(0, true, 0xfe); break;
    default: pic_out(0, false, 0x20); pic_in(0, false);
    }
}

static void any_pit(void)
{
    static const uint8_t modes[] = { 0, 2, 2, 2, 3, 3, 4, 1 };
    uint8_t word = (uint8_t)(0x10 | modes[roll(8)] << 1), count = (uint8_t)(roll(3) ? 2 + roll(60) : 2 + roll(5));
    port(0x43, true, word);
    ref_pit_control(&second.pit, word, now);
    second_wires();
    if (roll(8) == 0)
        return;
    port(0x40, true, count);
    ref_pit_write(&second.pit, count, now);
    second_wires();
}

// LINT0 as each of its delivery modes, pin 2 as fixed, NMI or masked.
static void any_route(void)
{
    static const uint32_t modes[] = { 0x700, 0x700, 0x700, 0x000, 0x400, 0x200, 0x500 };
    if (roll(2)) {
        second.lint = VECTOR_LINT | modes[roll(7)] | (roll(4) ? 0 : MASKED);
        memory(LAPIC + APIC_LVT_LINT0, second.lint);
    } else {
        second.pin = VECTOR_PIN | (roll(8) ? 0 : 0x400) | (roll(2) ? 0 : MASKED);
        memory(IOAPIC, 0x14);
        memory(IOAPIC + 0x10, second.pin);
    }
    second.output = ref_pic_wants(0) >= 0; // an unmasked pin that is up is no edge
}

static void end_of_interrupt(void)
{
    memory(LAPIC + APIC_EOI, 0);
    second.isr[0] = second.isr[1] = false;
}

static void any_operation(void)
{
    switch (roll(8)) {
    case 0: any_pit(); break;
    case 1:
    case 2: any_pic(); break;
    case 3: any_route(); break;
    case 4: end_of_interrupt(); break;
    default: interrupts = roll(3) != 0;
    }
}

// --- the run --------------------------------------------------------------------------------------------------------

static void assert_same(void)
{
    assert_int_equal(taken.count, second.taken.count);
    for (unsigned i = 0; i < taken.count; i++) {
        assert_int_equal(taken.vector[i], second.taken.vector[i]);
        if (taken.at[i] != second.taken.at[i])
            fail_msg("interrupt %u, vector %#x: at %llu, the second board's at %llu", i, taken.vector[i],
                     (unsigned long long)taken.at[i], (unsigned long long)second.taken.at[i]);
    }
}

static void start(enum tick_policy policy)
{
    static uint8_t low_ram[4096];
    memset(&vm, 0, sizeof(vm));
    vm.config.vcpus = 1;
    vm.config.tick = policy;
    vm.ram = (struct guest_ram){ .host = low_ram, .size = 16u << 20 };
    vm.vtime.hz = HZ;
    vm.limit = UINT64_MAX - 1;
    machine_init(&vm);
    memset(&second, 0, sizeof(second));
    memset(&taken, 0, sizeof(taken));
    ref_pit_init(&second.pit, HZ, true);
    second.out = second.pit.out;
    second.lint = 0x700;
    second.pin = MASKED;
    ref_pic_start();
    ref_pic_set_irq(0, second.out);
    now = 0;
    interrupts = false;
}

static void run(enum tick_policy policy)
{
    start(policy);
    for (unsigned chip = 0; chip < 2; chip++) {
        pic_out(chip, false, 0x11);
        pic_out(chip, true, chip ? 0x38 : 0x30);
        pic_out(chip, true, chip ? 2 : 4);
        pic_out(chip, true, 1);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        bool ours = interrupts, theirs = interrupts;
        vtime_t from = vm.vtime.now, to = from + roll(roll(8) ? 300 : 3000);
        ours_runs(to, &ours);
        second_runs(from, to, &theirs);
        assert_same();
        assert_int_equal(ours, theirs);
        interrupts = ours;
        any_operation();
    }
    machine_tick_reroute(&vm);
    const struct ticks *ticks = &vm.machine.pit_tick.ticks;
    assert_true(ticks->expired == ticks->injected + ticks->pending + ticks->dropped);
    assert_true(ticks->expired == second.pit.rises);
}

static void test_second_board(void **state)
{
    (void)state;
    uint64_t interrupts_taken = 0, rises = 0;
    for (unsigned seed = 0; seed < 12; seed++)
        for (enum tick_policy policy = TICK_HARDWARE; policy <= TICK_DISCARD; policy++) {
            rng = seed;
            run(policy);
            interrupts_taken += taken.count;
            rises += second.pit.rises;
        }
    assert_true(interrupts_taken > 10000);
    print_message("# board: %llu rises of OUT, %llu interrupts, each at the cycle of the second board's\n",
                  (unsigned long long)rises, (unsigned long long)interrupts_taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_board),
    };
    return cmocka_run_group_tests_name("one_request", tests, NULL, NULL);
}
