// SPDX-License-Identifier: MIT
#include "vmm/console.h"

#include "arch/arch.h"
#include "vmm/vm.h"

static void flush(struct console *console)
{
    arch_console_write(console->bytes, console->count);
    console->count = 0;
}

void console_put(struct vm *vm, uint8_t byte)
{
    struct console *console = &vm->console;
    console->bytes[console->count++] = byte;
    if (byte == '\n' || console->count == CONSOLE_BUFFER)
        flush(console);
}

void console_poll(struct vm *vm)
{
    if (vm->console.count != 0)
        flush(&vm->console);
    while (vm->input < 0 ? (vm->input = arch_console_read()) >= 0 : true) {
        if (!machine_console_input(vm, (uint8_t)vm->input))
            return; // kept until the guest has read some
        vm->input = -1;
    }
}
