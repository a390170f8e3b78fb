// SPDX-License-Identifier: MIT
// The whole arm64 board through its bus: any accesses to device memory and timers, any passing of time, any taking of
// interrupts, with either interrupt controller. After each no timer is overdue, and every tick is handled, pending or
// dropped.
#include "tools/fuzz/board.h"
#include "tools/tests/native/arm64/virt_fixture.h"

#define PASSES_MAX (UINT64_C(1) << 40) // cycles in one step

static void access_memory(struct input *input, bool is_write)
{
    static const uint64_t pages[] = { VIRT_GICD, VIRT_GICR, VIRT_GICR + 0x10000, VIRT_UART,
                                      VIRT_RTC,  VIRT_GICC, VIRT_GICD + 0x6000,  VIRT_STOLEN };
    uint64_t where = take(input, 2);
    uint8_t size = (uint8_t)(1u << take(input, 1) % 4);
    uint64_t value = is_write ? take(input, size) : 0;
    access(pages[where >> 13] + (where & 0xfff), size, is_write, &value);
}

static void access_timer(struct input *input, bool is_write)
{
    uint64_t which = take(input, 1);
    enum gtimer_register reg = (which >> 1 & 1) != 0 ? GTIMER_CTL : (which >> 2 & 1) != 0 ? GTIMER_CVAL : GTIMER_TVAL;
    if (is_write)
        machine_timer_write(&vm, GTIMER_PHYSICAL, reg, take(input, 8));
    else
        machine_timer_read(&vm, GTIMER_PHYSICAL, reg);
}

// The virtual timer is the hardware's while the guest runs, and the queue's while it is halted.
static void move_virtual(struct input *input)
{
    uint32_t control = (uint32_t)take(input, 1) & 3;
    uint64_t compare = START + vm.vtime.now + take(input, 4);
    machine_timer_halted(&vm, control, compare);
}

static void operate(struct input *input)
{
    uint64_t kind = take(input, 1);
    switch (kind >> 1 & 7) {
    case 0:
    case 1:
    case 2: access_memory(input, kind & 1); break;
    case 3: access_timer(input, kind & 1); break;
    case 4: machine_console_input(&vm, (uint8_t)take(input, 1)); break;
    case 5: HOLDS(deliver() < 1020); break;
    case 6: move_virtual(input); break;
    default: pass_time(&vm, vm.vtime.now + take(input, 5) % PASSES_MAX); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    fresh(2 + (take(&input, 1) & 1));
    while (input.left > 0 && vm.end == VM_RUNNING) {
        operate(&input);
        check_timers(&vm);
    }
    return 0;
}
