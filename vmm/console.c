// SPDX-License-Identifier: MIT
// What a guest prints and what is typed, between its UART or its keyboard and the host's serial port.
//
// The monitor's keys must be found whatever the guest does. So what is typed is read ahead into a buffer; when that is
// full it waits outside, as before a guest that is slow. A guest that goes on leaving it there is deaf: then what is
// typed is read and lost, but for the monitor's keys.
#include "vmm/console.h"

#include "arch/arch.h"
#include "time/ratio.h"
#include "vmm/account.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/results.h"
#include "vmm/vm.h"

#define READ_AT_ONCE 64 // bytes a poll: input that never ends must not keep the monitor
#define DEAF_SLICES  25 // for so long, 250 ms, and
#define DEAF_TAKEN   64 // fewer bytes taken in it
#define KEY_SLICES   2  // after an Escape that begins no sequence

static uint64_t written; // bytes, by all VMs until now

uint64_t console_written(void)
{
    return written;
}

void console_write(const void *bytes, size_t count)
{
    arch_write(ARCH_CONSOLE, bytes, count);
    written += count;
}

static void flush(struct vm *vm)
{
    struct console *console = &vm->console;
    if (vm->screen.shown)
        screen_hold(&vm->screen, console->bytes, console->count);
    else
        console_write(console->bytes, console->count);
    console->count = 0;
}

void console_put(struct vm *vm, uint8_t byte)
{
    struct console *console = &vm->console;
    console->last = byte;
    console->bytes[console->count++] = byte;
    if (byte == '\n' || console->count == CONSOLE_BUFFER)
        flush(vm);
}

// --- what is typed --------------------------------------------------------------------------------------------------

static struct typed *destination(struct vm *vm)
{
    return &vm->console.typed[vm->screen.shown ? TYPED_FOR_KEYBOARD : TYPED_FOR_UART];
}

// Of a full buffer: has the guest left it so for long?
static bool deaf(const struct vm *vm, struct typed *typed)
{
    htime_t host_now = vm->console.polled;
    if (typed->since == 0 || typed->taken >= DEAF_TAKEN) {
        typed->since = host_now;
        typed->taken = 0;
    }
    return host_now - typed->since >= DEAF_SLICES * vm->slice_cycles;
}

static void keep(struct typed *typed, uint8_t byte)
{
    if (typed->count == CONSOLE_TYPED)
        return;
    typed->bytes[(typed->first + typed->count) % CONSOLE_TYPED] = byte;
    typed->count++;
}

static void drop_first(struct typed *typed)
{
    typed->first = (uint16_t)((typed->first + 1) % CONSOLE_TYPED);
    typed->count--;
    typed->taken++;
}

// One command at a time, so that those typed ahead are obeyed in their order.
static void read_typed(struct vm *vm)
{
    for (unsigned i = 0; i < READ_AT_ONCE && vm->keys.command == 0; i++) {
        struct typed *typed = destination(vm);
        if (typed->count == CONSOLE_TYPED && !deaf(vm, typed))
            return;
        int read = arch_console_read();
        if (read < 0)
            return;
        uint8_t byte = (uint8_t)read;
        if (!keys_take(&vm->keys, &byte))
            keep(typed, byte);
    }
}

static void give_to_uart(struct vm *vm)
{
    struct typed *typed = &vm->console.typed[TYPED_FOR_UART];
    while (typed->count != 0 && machine_console_input(vm, typed->bytes[typed->first]))
        drop_first(typed);
}

// The keys that the next byte makes, if any has been typed or waited for long enough.
static bool next_keys(struct vm *vm)
{
    struct console *console = &vm->console;
    struct typed *typed = &console->typed[TYPED_FOR_KEYBOARD];
    if (typed->count != 0) {
        console->keys = (uint8_t)typing_feed(&console->typing, typed->bytes[typed->first], console->key);
        console->typed_at = console->polled;
        drop_first(typed);
        return true;
    }
    if (!typing_waits(&console->typing) || console->polled - console->typed_at < KEY_SLICES * vm->slice_cycles)
        return false;
    console->keys = (uint8_t)typing_flush(&console->typing, console->key);
    return true;
}

static __attribute__((noinline)) void give_to_keyboard(struct vm *vm)
{
    struct console *console = &vm->console;
    while (console->keys != 0 || next_keys(vm)) {
        if (console->keys == 0)
            continue;
        if (!machine_key_input(vm, &console->key[0]))
            return;
        console->key[0] = console->key[1];
        console->keys--;
    }
}

void console_live_row(struct vm *vm)
{
    const struct vcpu *vcpu = &vm->vcpu;
    char row[LIVE_ROW_BYTES];
    const struct live_input input = { .name = vm->config.name, .exits = vcpu->stats.exits, .total = vcpu->ledger.total,
                                      .v_us = mul_div_floor(vm->vtime.now, 1000000, vm->vtime.hz) };
    live_row(&vm->live, &input, row);
    hostscreen_status(row);
    results_seen(vm, row);
}

// Drawing the host's screen is no work for the guest.
static __attribute__((noinline)) void draw_host_screen(struct vcpu *vcpu)
{
    enum account before = (enum account)vcpu->ledger.open; // in a pause it is that
    htime_t start = arch_counter_read();
    ledger_turn(&vcpu->ledger, ACCOUNT_HOST, start);
    if (hostscreen_begin(start))
        console_live_row(vcpu->vm);
    hostscreen_piece(arch_counter_read());
    vcpu_host_worked(vcpu, before, start, arch_counter_read());
}

void console_poll(struct vm *vm)
{
    vm->console.polled = vm->vcpu.last_t1;
    if (vm->console.count != 0)
        flush(vm);
    read_typed(vm);
    give_to_uart(vm);
    if (vm->screen.active)
        screen_poll(vm);
    if (vm->screen.shown)
        give_to_keyboard(vm);
    if (hostscreen_due())
        draw_host_screen(&vm->vcpu);
}
