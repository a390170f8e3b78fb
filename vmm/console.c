// SPDX-License-Identifier: MIT
// What a guest prints and what is typed, between its UART and the machine's.
#include "vmm/console.h"

#include "arch/arch.h"
#include "vmm/vm.h"

static void flush(struct console *console)
{
    arch_write(ARCH_CONSOLE, console->bytes, console->count);
    console->count = 0;
}

void console_put(struct vm *vm, uint8_t byte)
{
    struct console *console = &vm->console;
    console->bytes[console->count++] = byte;
    if (byte == '\n' || console->count == CONSOLE_BUFFER)
        flush(console);
}

// The next typed byte into vm->input. False: there is none, or it is the monitor's.
static bool read_for_guest(struct vm *vm)
{
    int read;
    while (vm->keys.command == 0 && (read = arch_console_read()) >= 0) {
        uint8_t byte = (uint8_t)read;
        if (!keys_take(&vm->keys, &byte)) {
            vm->input = byte;
            return true;
        }
    }
    return false;
}

void console_poll(struct vm *vm)
{
    vm->console.polled = vm->vcpu.last_t1;
    if (vm->console.count != 0)
        flush(&vm->console);
    // One command at a time, so that those typed ahead are obeyed in their order.
    while (vm->keys.command == 0) {
        if (vm->input < 0 && !read_for_guest(vm))
            return;
        if (!machine_console_input(vm, (uint8_t)vm->input))
            return; // kept until the guest has read some
        vm->input = -1;
    }
}
