// SPDX-License-Identifier: MIT
// A VM and its vCPU: all state there is about one guest, nothing global.
#ifndef VMM_VM_H
#define VMM_VM_H

#include "time/ledger.h"
#include "time/progress.h"
#include "time/vtime.h"
#include "vmm/config.h"
#include "vmm/console.h"
#include "vmm/keys.h"
#include "vmm/machine.h"
#include "vmm/screen.h"
#include "vmm/show/live.h"
#include "vmm/show/stats.h"
#include "vmm/show/trace.h"
#include "vmm/base/types.h"

// How a VM ended, and with which status the runner leaves (README, exit status).
enum vm_end {
    VM_RUNNING,
    VM_EXITED,    // debug exit: status (value << 1) | 1
    VM_STATUS,    // power off, with a status of the guest's own: that value
    VM_POWER_OFF, // status 0
    VM_RESET,     // the guest asked for a reset: status 0, as an emulator told not to reboot does
    VM_LIMITED,   // it ran for its limit=: status 6
    VM_KILLED,    // the monitor ended it: status 2
};

struct arch_vcpu; // arch/<a>/vcpu.h

// Where the vCPU is on its way to the next deadline (vmm/delivery.c).
struct delivery {
    uint64_t margin_cycles; // so long before a deadline the steps begin; 0: never
    int32_t  error_cycles;  // of every alarm, on purpose
    vtime_t  deadline;      // that the slice is armed for; TIME_NEVER when it has come
    uint64_t steps;         // towards it
};

struct vcpu {
    struct vm        *vm;
    struct arch_vcpu *arch;
    uint32_t          index;
    bool              halted;
    bool              quick;        // the backend may answer exits by itself (vmm/quick.h)
    bool              quick_now;    // ... after the next entry: nothing is pending (vmm/event.c)
    bool              careful;      // vmm/delivery.c chooses the alarms
    bool              never_ahead;  // arch: V must not get ahead of the host's counter
    struct histogram *paid_by;      // cost[] of the exit whose handling is being paid for now
    htime_t           last_t1;      // when that exit happened; later by what has gone to other accounts since
    vtime_t           run_until;    // V at which the run loop is to look what is due
    uint32_t          early_alarms; // alarms in a row that gave the guest not one cycle
    uint64_t          alarm_doubt;  // arch: cycles by which an alarm may be off, as calibration found
    const struct switch_precision *switches; // arch: how well the world switch is known, by kind of exit
    const char       *no_step;      // arch: why no instruction can be run alone here; null: it can
    struct delivery   delivery;
    struct ledger     ledger;
    struct stats      stats;
};

struct noise {
    bool     on;
    uint64_t state;
};

// Where a guest that may be waiting by counting its accesses was last looked at (vmm/polling.c).
struct polling {
    htime_t  asked_at; // when exits alone had filled a slice
    uint64_t accesses;
    vtime_t  v;
    bool     watched; // kept off the short way until a read is seen
    bool     told;
};

// What every exit looks at comes first, and what is large last, where an instruction's offset no longer reaches.
struct vm {
    struct vtime      vtime;
    vtime_t           limit;        // V at which the VM is ended, at most LIMIT_V_CYCLES
    uint64_t          monitor_limit; // cycles of the host's counter that the monitor works for it at most
    // The longest slice (LIMIT_SLICE_NS), in cycles of V; compared with the host's counter, too, where about 10 ms will
    // do (a wait, a look at the console). The two have cycles of one length but where clock=wall scales the counter.
    uint64_t          slice_cycles;
    enum vm_end       end;
    uint32_t          exit_value;
    struct keys       keys;
    struct noise      noise;
    struct polling    polling;
    struct progress   progress;
    uint32_t          emulated_cycles[EXIT_KIND_COUNT]; // what the instruction would have cost (time/emucost.h)
    struct machine    machine;
    struct guest_ram  ram;
    hpa               nested_root; // of the tables from guest-physical addresses to the host's
    uint64_t          wall_start_s; // seconds since 1970 at V = 0
    struct console    console;
    struct screen     screen;
    struct live       live;
    char              end_reason[160];
    struct vm_config  config;
    struct vcpu       vcpu;
    struct trace      trace;
};

#define VM_PAGES ((sizeof(struct vm) + PAGE_SIZE - 1) / PAGE_SIZE)

// The guest asked for its end, in words for the record.
void vm_end(struct vm *vm, enum vm_end end, uint32_t value, const char *reason);

// The second of the three verbs: this VM ends, with a record; the monitor goes on. printf-like.
void vm_kill(struct vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

// V has come to vm->limit, or the monitor's work to vm->monitor_limit.
void vm_end_at_limit(struct vm *vm);
void vm_end_at_monitor_limit(struct vm *vm);

static inline void vm_trace(struct vm *vm, enum trace_kind kind, unsigned reason, htime_t host, uint64_t duration,
                            uint64_t arg)
{
    struct trace_record *record = &vm->trace.ring[vm->trace.written++ % TRACE_RECORDS];
    __asm__("" : "+r"(record)); // one address for all of it, which the compiler does not see by itself
    record->host = host;
    record->v = vm->vtime.now;
    record->duration = __builtin_expect(duration > UINT32_MAX, 0) ? UINT32_MAX : (uint32_t)duration;
    record->reason = (uint16_t)reason;
    record->vcpu = 0;
    record->kind = (uint8_t)kind;
    record->arg = arg;
}

#endif
