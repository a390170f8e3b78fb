// SPDX-License-Identifier: MIT
// The whole PC board through its buses: any accesses to ports, device memory and the APIC's MSRs, any passing of time,
// any acknowledging. After each no timer is overdue, the work was bounded, and every tick is handled, pending or
// dropped.
#include "tools/fuzz/board.h"

#include "tools/tests/native/x86_64/quiet_console.h"
#include "vmm/pc/wiring.h"

#define HZ      UINT64_C(1000000000)
#define RECORDS 96u // trace records that one operation may make

static struct vm vm;
static uint8_t low_ram[4096]; // all that the board itself writes

// --- what the board asks of the monitor ----------------------------------------------------------------------------

void vm_end(struct vm *of, enum vm_end end, uint32_t value, const char *reason)
{
    (void)of, (void)end, (void)value, (void)reason;
}

void vm_end_at_limit(struct vm *of)
{
    (void)of;
}

// --- a guest -------------------------------------------------------------------------------------------------------

static void access_port(struct input *input, bool is_write)
{
    struct io_access io = { .offset = (uint16_t)take(input, 2), .size = (uint8_t)(1u << take(input, 1) % 3),
                            .is_write = is_write };
    io.value = is_write ? take(input, io.size) : 0;
    machine_port(&vm, &io);
}

static void access_memory(struct input *input, bool is_write)
{
    static const uint64_t pages[] = { 0xfec00000, 0xfed00000, 0xfee00000, 0xb8000 };
    uint64_t where = take(input, 2);
    struct io_access io = { .size = (uint8_t)(1u << take(input, 1) % 4), .is_write = is_write };
    io.value = is_write ? take(input, io.size) : 0;
    machine_mmio(&vm, (gpa){ pages[where >> 14] + (where & 0xfff) }, &io);
}

static void access_msr(struct input *input, bool is_write)
{
    uint32_t msr = 0x800 + (uint32_t)take(input, 1);
    uint64_t value = is_write ? take(input, 8) : 0;
    if (is_write)
        lapic_write_msr(&vm.machine.lapic, msr, value, vm.vtime.now);
    else
        lapic_read_msr(&vm.machine.lapic, msr, &value, vm.vtime.now);
    machine_settle(&vm, DEVICE_LAPIC);
}

static void set_apic(struct input *input)
{
    uint64_t value = take(input, 5);
    if ((value & 1) != 0)
        lapic_base_write(&vm.machine.lapic, value & ~UINT64_C(1));
    else
        lapic_deadline_write(&vm.machine.lapic, vm.vtime.now + value, 0, vm.vtime.now);
    machine_settle(&vm, DEVICE_LAPIC);
}

static void cpu_takes(void)
{
    machine_take_nmi(&vm);
    if (machine_interrupt_pending(&vm))
        HOLDS(machine_acknowledge(&vm) < 256);
}

static void operate(struct input *input)
{
    uint64_t kind = take(input, 1);
    switch (kind >> 1 & 7) {
    case 0: access_port(input, kind & 1); break;
    case 1: access_memory(input, kind & 1); break;
    case 2: access_msr(input, kind & 1); break;
    case 3: set_apic(input); break;
    case 4: machine_console_input(&vm, (uint8_t)take(input, 1)); break;
    case 5: cpu_takes(); break;
    default: pass_time(&vm, vm.vtime.now + (take(input, 4) >> take(input, 1) % 32)); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    memset(&vm, 0, sizeof(vm));
    uint64_t words = take(&input, 1);
    vm.config.vcpus = 1;
    vm.config.tick = (enum tick_policy)(words % (TICK_DISCARD + 1));
    vm.config.testdev = words >> 7 & 1;
    vm.ram = (struct guest_ram){ .host = low_ram, .size = 16u << 20 };
    vm.vtime.hz = HZ;
    vm.limit = UINT64_MAX - 1;
    machine_init(&vm);
    while (input.left > 0) {
        uint64_t records = vm.trace.written;
        operate(&input);
        HOLDS(vm.trace.written - records <= RECORDS);
        check_timers(&vm);
    }
    return 0;
}
