// SPDX-License-Identifier: MIT
// The life of a VM: memory, image, machine, run, report, and everything given back.
#include "vmm/life.h"

#include <string.h>

#include "arch/arch.h"
#include "time/limits.h"
#include "time/ratio.h"
#include "vmm/base/alloc.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/panic.h"
#include "vmm/base/percpu.h"
#include "vmm/delivery.h"
#include "vmm/exit.h"
#include "vmm/base/guestmem.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/report.h"
#include "vmm/run.h"

#define STATUS_KILLED  2u // also for an image that cannot be run
#define STATUS_LIMITED 6u

static unsigned exit_status(const struct vm *vm)
{
    switch (vm->end) {
    case VM_EXITED: return ((vm->exit_value << 1) | 1) & 0xff; // as isa-debug-exit does
    case VM_STATUS: return vm->exit_value & 0xff;
    case VM_POWER_OFF:
    case VM_RESET: return 0;
    case VM_LIMITED: return STATUS_LIMITED;
    case VM_KILLED: return STATUS_KILLED;
    case VM_RUNNING: break;
    }
    return STATUS_KILLED;
}

static void line_out(void *context, const char *line)
{
    (void)context;
    log_raw(line, strlen(line));
    log_raw("\n", 1);
}

static void print_report(struct vm *vm)
{
    struct report_input input;
    ledger_turn(&vm->vcpu.ledger, ACCOUNT_HOST, arch_counter_read()); // printing is no work for the guest
    vm_report_input(vm, &input);
    report_print(&input, line_out, NULL);
}

// How many cycles a second of V has, and by what the counter is multiplied to make them: clock=wall only. The guest
// clocks count executed cycles, so there another rate is another length of the second, which any host can do.
static bool plan_clocks(struct vm *vm, struct refusal *refusal)
{
    const struct counter *counter = arch_counter();
    struct vtime *vt = &vm->vtime;
    vt->hz = vm->config.counter_hz != 0 ? vm->config.counter_hz : counter->hz;
    if (counter->fixed_for_guest && vt->hz != counter->hz)
        return REFUSAL(refusal, "counter_hz=%lu: a guest on this host reads its counter's rate from the hardware, "
                                "which says %lu Hz; leave the word out", vt->hz, counter->hz);
    if (vm->config.clock != CLOCK_WALL || vt->hz == counter->hz ||
        counterscale_make(vt->hz, counter->hz, counter->scaling, &vt->scale))
        return true;
    return REFUSAL(refusal, "counter_hz=%lu with clock=wall: this CPU %s its counter's %lu Hz%s", vt->hz,
                   counter->scaling.bits == 0 ? "cannot scale" : "cannot scale so far from", counter->hz,
                   "; leave the word out, or use clock=guest, which needs no scaling");
}

static void start_clocks(struct vm *vm)
{
    struct vcpu *vcpu = &vm->vcpu;
    struct vtime *vt = &vm->vtime;
    uint64_t hz = vt->hz;
    vm->wall_start_s = arch_wall_seconds();
    htime_t host_now = arch_counter_read();
    vtime_start(vt, vm->config.clock, vm->config.idle, hz, vt->scale, host_now);
    exit_price(vm);
    vm->limit = vm->config.limit_ms == 0 ? LIMIT_V_CYCLES : mul_div_ceil(vm->config.limit_ms, hz, 1000);
    if (vm->limit > LIMIT_V_CYCLES)
        vm->limit = LIMIT_V_CYCLES;
    vm->monitor_limit = UINT64_MAX;
    if (vm->limit < LIMIT_V_CYCLES)
        vm->monitor_limit = mul_div_ceil(vm->config.limit_ms, arch_counter_hz() * LIMIT_MONITOR_TIMES, 1000);
    vm->slice_cycles = mul_div_floor(LIMIT_SLICE_NS, vt->scale.multiplier != 0 ? hz : arch_counter_hz(), NS_PER_S);
    ledger_open(&vcpu->ledger, ACCOUNT_MONITOR, host_now);
    vcpu->last_t1 = host_now;
    vcpu->paid_by = &vcpu->stats.cost[EXIT_IGNORED]; // the first entry's cost is nobody's exit
}

static void init_stats(struct vm *vm)
{
    trace_init(&vm->trace);
    for (unsigned kind = 0; kind < EXIT_KIND_COUNT; kind++)
        histogram_init(&vm->vcpu.stats.cost[kind]);
    for (unsigned id = 0; id < STATS_TIMERS_MAX; id++)
        histogram_init(&vm->vcpu.stats.timer[id].lateness);
}

static unsigned refuse(const struct vm *vm, unsigned status, const char *text)
{
    log_line("vm", "%s is refused: %s", vm->config.name, text);
    return status;
}

#define PANIC_RECORDS 32

// The last records of the trace, for a panic: what the guest and the monitor did until then.
static void dump_trace(void)
{
    if (this_cpu()->running == NULL)
        return;
    const struct trace *trace = &this_cpu()->running->trace;
    uint64_t kept = trace_kept(trace);
    for (uint64_t i = kept > PANIC_RECORDS ? kept - PANIC_RECORDS : 0; i < kept; i++) {
        char text[TRACE_TEXT_BYTES];
        trace_text(trace_get(trace, i), text, sizeof(text));
        log_line("trace", "%s", text);
    }
}

// From memory to the end, once the VM's own struct is there. What is allocated here is freed here.
static unsigned build_and_run(struct vm *vm, const struct monitor_config *monitor, const struct loader_input *input)
{
    struct refusal refusal = { "" };
    struct entry_state entry;
    if (!plan_clocks(vm, &refusal))
        return refuse(vm, STATUS_LACKS, refusal.text);
    if (!machine_load(vm, input, &entry, &refusal))
        return refuse(vm, STATUS_KILLED, refusal.text);
    if (!arch_vm_init(vm))
        return refuse(vm, STATUS_LACKS, "too little memory for its nested page tables");
    vm->vcpu.vm = vm;
    if (!arch_vcpu_init(&vm->vcpu, &entry)) {
        arch_vm_free(vm);
        return refuse(vm, STATUS_LACKS, "too little memory for its vCPU");
    }
    if (vm->config.delivery == DELIVERY_EXACT && vm->vcpu.no_step != NULL) {
        arch_vcpu_free(&vm->vcpu);
        arch_vm_free(vm);
        return refuse(vm, STATUS_REFUSED, vm->vcpu.no_step);
    }
    init_stats(vm);
    hostscreen_hold(true);
    arch_forget_guest();
    start_clocks(vm);
    delivery_init(&vm->vcpu, monitor);
    this_cpu()->running = vm;
    panic_set_trace_dump(dump_trace);
    machine_init(vm);
    log_line("vm", "%s starts: %s, %lu MiB, entry %#lx", vm->config.name, entry.format, vm->ram.size / MIB, entry.pc);
    vcpu_run(&vm->vcpu);
    console_poll(vm);
    screen_end(vm);
    log_line("vm", "%s ended: %s", vm->config.name, vm->end_reason);
    if (monitor->report)
        print_report(vm);
    console_live_row(vm);
    hostscreen_hold(false);
    this_cpu()->running = NULL;
    arch_vcpu_free(&vm->vcpu);
    arch_vm_free(vm);
    return exit_status(vm);
}

struct vm_result vm_run(const struct vm_config *config, const struct monitor_config *monitor,
                        const struct loader_input *input)
{
    hpa vm_at = alloc_pages(VM_PAGES, 1);
    if (vm_at.value == 0) {
        log_line("vm", "%s is refused: too little memory for its state", config->name);
        return (struct vm_result){ STATUS_LACKS, 0 };
    }
    struct vm *vm = (struct vm *)vm_at.value;
    memset(vm, 0, sizeof(*vm));
    vm->config = *config;
    screen_init(vm);
    struct vm_result result = { STATUS_LACKS, 0 };
    if (guestmem_open(&vm->ram, config->mem_bytes, MACHINE_RAM_BASE)) {
        result.status = build_and_run(vm, monitor, input);
        result.gap_cycles = ledger_gap(&vm->vcpu.ledger, vm->vcpu.ledger.since);
    } else {
        log_line("vm", "%s is refused: mem=%luM asked for, %lu MiB free on this host, less in one piece "
                 "from a multiple of 2 MiB on, or too little for page tables",
                 config->name, config->mem_bytes / MIB, alloc_free_bytes() / MIB);
    }
    guestmem_close(&vm->ram);
    free_pages(vm_at, VM_PAGES);
    return result;
}
