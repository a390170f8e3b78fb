// SPDX-License-Identifier: MIT
// What a world switch costs on this CPU, found out at boot with guests that do nothing: for each kind of exit the
// counter's t1 - t0 around an empty guest, the distance from t0 to the guest's first instruction, and the distance from
// arming the alarm to it. No constant is typed in anywhere. On a deterministic host every round gives the same
// number; on a real one the smallest is taken, so that time never runs backwards, and how the others lie is printed.
#include <string.h>

#include "arch/x86_64/host/apic.h"
#include "arch/x86_64/host/timer.h"
#include "arch/x86_64/vendor.h"
#include "time/ratio.h"
#include "vmm/base/format.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/base/spread.h"
#include "vmm/barevm.h"

struct switch_costs switch_costs = { .addresses_checked = true }; // until it is tried

#define CODE_GPA    0x1000u
#define CODE_PAGES  2
#define ALARM_TICKS 2000
#define NOP         0x90

struct probe {
    const struct vendor_ops *on; // null: the same instruction everywhere
    enum exit_kind           kind;
    uint8_t                  length;
    uint8_t                  code[5];
};

static const struct probe probes[] = {
    { NULL, EXIT_HALT, 1, { 0xf4 } },
    { NULL, EXIT_CPU_ID, 2, { 0x0f, 0xa2 } },
    { NULL, EXIT_PORT, 2, { 0xe6, 0x80 } },                     // out %al, $0x80
    { &svm_ops, EXIT_HYPERCALL, 3, { 0x0f, 0x01, 0xd9 } },    // vmmcall
    { &vmx_ops, EXIT_HYPERCALL, 3, { 0x0f, 0x01, 0xc1 } },    // vmcall
    { NULL, EXIT_SYSREG_READ, 2, { 0x0f, 0x32 } },
    { NULL, EXIT_SYSREG_WRITE, 2, { 0x0f, 0x30 } },
    { NULL, EXIT_MMIO, 5, { 0xa1, 0x00, 0x00, 0xe0, 0xfe } }, // mov 0xfee00000, %eax
    { &svm_ops, EXIT_FAULT, 3, { 0x0f, 0x01, 0xd8 } },        // vmrun: undefined for a guest
    { &vmx_ops, EXIT_FAULT, 3, { 0x0f, 0x01, 0xc2 } },        // vmlaunch: undefined too
};

// Kinds that no probe can cause are charged as the one they resemble: an intercepted instruction, or an interrupt.
static const struct { enum exit_kind kind, like; } alike[] = {
    { EXIT_PRIORITY, EXIT_HALT },
    { EXIT_DEBUG, EXIT_HALT },
    { EXIT_CONTROL, EXIT_HALT },
    { EXIT_IGNORED, EXIT_HALT }, // INVD: TCG checks the wrong intercept for it and never exits
    { EXIT_SHUTDOWN, EXIT_FAULT },
    { EXIT_UNKNOWN, EXIT_FAULT },
    { EXIT_NMI, EXIT_INTERRUPT },
};

static const uint8_t loop_for_ever[] = { 0xeb, 0xfe };

static void load_code(struct vcpu *vcpu, const uint8_t *code, size_t length)
{
    uint8_t *at = guest_pointer(vcpu->vm->ram, (gpa){ CODE_GPA }, CODE_PAGES * PAGE_SIZE);
    memset(at, NOP, CODE_PAGES * PAGE_SIZE);
    memcpy(at, code, length);
}

#define NO_ALARM UINT32_MAX // longer than any probe

// As what the alarm ends a slice.
static enum exit_kind alarm_kind(void)
{
    return vendor->alarm_unit_cycles() != 0 ? EXIT_ALARM : EXIT_INTERRUPT;
}

// One empty slice from the start of the code. alarm: its raw count.
static __attribute__((noinline)) struct exit run(struct vcpu *vcpu, uint64_t rip, uint64_t alarm, struct slice *slice)
{
    struct exit exit;
    vcpu_regs(vcpu)->rip = rip;
    vcpu->arch->world.v = 0;
    vcpu->arch->world.tsc_base = 0;
    vcpu->arch->world.tsc_mask = UINT64_MAX;
    vcpu->arch->world.alarm = alarm;
    vcpu->arch->event_queued = false;
    vendor_enter(vcpu, slice, &exit);
    arch_take_interrupts(NULL);
    return exit;
}

// What a series has found, for the log. One that is not the same each time is no steady host's.
static void judge(const struct spread *spread, const char *what, const char *unit)
{
    char text[SPREAD_TEXT_BYTES];
    switch_costs.steady &= spread_width(spread) == 0;
    spread_text(spread, unit, text, sizeof(text));
    log_line("calibrate", "%s: %s", what, text);
}

// A world switch's, less what the guest in it has executed by itself.
static void charge(enum exit_kind kind, const struct spread *spread, uint64_t own_cycles)
{
    char what[64];
    switch_costs.total[kind] = spread_min(spread) - own_cycles;
    switch_costs.precision[kind] = (struct switch_precision){ spread_bias(spread), spread_width(spread) };
    format(what, sizeof(what), "world switch, exit '%s'", exit_kind_name(kind));
    judge(spread, what, "cycles");
}

static bool measure(struct vcpu *vcpu, enum exit_kind expected, struct refusal *refusal)
{
    static struct spread spread;
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        if (expected == EXIT_INTERRUPT) // pending before the entry: the guest gets no instruction
            hostapic_write(APIC_COMMAND, APIC_COMMAND_SELF | VECTOR_ALARM);
        struct exit exit = run(vcpu, CODE_GPA, expected == EXIT_ALARM ? 0 : NO_ALARM, &slice);
        if (exit.kind != expected || vcpu_regs(vcpu)->rip != CODE_GPA)
            return REFUSAL(refusal, "calibration: an empty guest gave exit '%s' (hardware reason %#x) at rip %#lx "
                                    "instead of '%s'", exit_kind_name(exit.kind), exit.hardware_reason,
                           vcpu_regs(vcpu)->rip, exit_kind_name(expected));
        spread_add(&spread, slice.t1 - slice.t0);
    }
    charge(expected, &spread, 0);
    return true;
}

static void charge_alike(enum exit_kind kind, enum exit_kind like)
{
    switch_costs.total[kind] = switch_costs.total[like];
    switch_costs.precision[kind] = switch_costs.precision[like];
}

static bool measure_exits(struct vcpu *vcpu, struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (probes[i].on != NULL && probes[i].on != vendor)
            continue;
        load_code(vcpu, probes[i].code, probes[i].length);
        if (!measure(vcpu, probes[i].kind, refusal))
            return false;
    }
    load_code(vcpu, loop_for_ever, sizeof(loop_for_ever));
    vcpu_regs(vcpu)->rflags |= RFLAGS_IF; // see measure_alarm()
    if (!measure(vcpu, EXIT_INTERRUPT, refusal) || (alarm_kind() == EXIT_ALARM && !measure(vcpu, EXIT_ALARM, refusal)))
        return false;
    vendor->want_window(vcpu, true);
    bool ok = measure(vcpu, EXIT_WINDOW, refusal);
    vendor->want_window(vcpu, false);
    vcpu_regs(vcpu)->rflags &= ~RFLAGS_IF;
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
        charge_alike(alike[i].kind, alike[i].like);
    return ok;
}

// A step cannot be empty: the one here is a NOP, whose own cost is what a guest with one more of them takes longer. On
// a CPU that does not stop after it (VMX without the monitor trap flag, or Bochs, which announces one that never acts)
// there are no steps.
static void measure_step(struct vcpu *vcpu)
{
    static const uint8_t nop_hlt[] = { NOP, 0xf4 };
    static struct spread longer, step;
    struct exit exit = { .kind = EXIT_STEP };
    load_code(vcpu, nop_hlt, sizeof(nop_hlt));
    spread_start(&longer);
    for (spread_start(&step); spread_wants_more(&step) && exit.kind == EXIT_STEP;) {
        struct slice slice;
        run(vcpu, CODE_GPA, NO_ALARM, &slice);
        spread_add(&longer, slice.t1 - slice.t0);
        vcpu_regs(vcpu)->rip = CODE_GPA;
        vendor->step(vcpu, &slice, &exit);
        spread_add(&step, slice.t1 - slice.t0);
    }
    switch_costs.steps = exit.kind == EXIT_STEP && vcpu_regs(vcpu)->rip == CODE_GPA + 1;
    if (!switch_costs.steps) {
        log_line("calibrate", "no single steps: one gave exit '%s' (hardware reason %#x) at rip %#lx",
                 exit_kind_name(exit.kind), exit.hardware_reason, vcpu_regs(vcpu)->rip);
        return;
    }
    uint64_t halt = switch_costs.total[EXIT_HALT];
    uint64_t longer_by = spread_min(&longer) - halt;
    switch_costs.insn = spread_min(&longer) > halt && longer_by < spread_min(&step) ? longer_by : 0;
    charge(EXIT_STEP, &step, switch_costs.insn);
    if (vendor == &svm_ops) // every write of CR0 and CR4 exits, which VMX leaves to the guest: there it costs the same
        switch_costs.total[EXIT_CONTROL] -= switch_costs.insn;
    log_line("calibrate", "of a step's cycles %lu are the instruction's own", switch_costs.insn);
}

// The guest reads the TSC as its first instruction, with an offset of -t0: what it reads is the distance.
static void measure_entry(struct vcpu *vcpu)
{
    static const uint8_t rdtsc_hlt[] = { 0x0f, 0x31, 0xf4 };
    load_code(vcpu, rdtsc_hlt, sizeof(rdtsc_hlt));
    static struct spread spread;
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        run(vcpu, CODE_GPA, NO_ALARM, &slice);
        const uint64_t *gpr = vcpu_regs(vcpu)->gpr;
        spread_add(&spread, gpr[GPR_RDX] << 32 | (uint32_t)gpr[GPR_RAX]);
    }
    switch_costs.in = spread_min(&spread);
    judge(&spread, "from t0 to the guest's first instruction", "cycles");
}

// The guest runs until the alarm ends it: what it did not get of ALARM_TICKS was the way in.
static void measure_alarm(struct vcpu *vcpu, struct ratio alarm_ratio)
{
    load_code(vcpu, loop_for_ever, sizeof(loop_for_ever));
    static struct spread spread;
    vcpu_regs(vcpu)->rflags |= RFLAGS_IF; // Bochs holds host interrupts back from a guest that was entered without
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        run(vcpu, CODE_GPA, ALARM_TICKS, &slice);
        int64_t ran_cycles = (int64_t)(slice.t1 - slice.t0 - switch_costs.total[alarm_kind()]);
        uint64_t ran = ran_cycles > 0 ? ratio_floor(alarm_ratio, (uint64_t)ran_cycles) : 0;
        spread_add(&spread, ran < ALARM_TICKS ? ALARM_TICKS - ran : 0);
    }
    vcpu_regs(vcpu)->rflags &= ~RFLAGS_IF;
    switch_costs.alarm = spread_min(&spread);
    struct ratio cycles_per_tick = ratio_make(alarm_ratio.den, alarm_ratio.num);
    switch_costs.alarm_doubt = ratio_ceil(cycles_per_tick, 1 + spread_width(&spread)) + vendor->alarm_unit_cycles() +
                               switch_costs.total[alarm_kind()];
    judge(&spread, "from arming the alarm to the guest's first instruction", "ticks");
}

// STI; CPUID exits inside STI's shadow. Resumed after the CPUID with the shadow still set and an interrupt wanted, the
// next exit must come one instruction later. QEMU's TCG loses the shadow (seen in 7.2) and comes at once.
static void probe_shadow(struct vcpu *vcpu)
{
    static const uint8_t sti_cpuid_nop_hlt[] = { 0xfb, 0x0f, 0xa2, NOP, 0xf4 };
    load_code(vcpu, sti_cpuid_nop_hlt, sizeof(sti_cpuid_nop_hlt));
    struct slice slice;
    switch_costs.shadow_honoured = true;
    run(vcpu, CODE_GPA, NO_ALARM, &slice);
    vendor->want_window(vcpu, true);
    struct exit exit = run(vcpu, CODE_GPA + 3, NO_ALARM, &slice);
    switch_costs.shadow_honoured = exit.kind == EXIT_WINDOW && vcpu_regs(vcpu)->rip == CODE_GPA + 4;
    vendor->want_window(vcpu, false);
    log_line("calibrate", "an entry keeps the interrupt shadow: %s", switch_costs.shadow_honoured ? "yes" : "no");
}

// UD2, delivered in the guest to a handler that halts: has the image of EFLAGS RF set, as SDM 3B 17.3.1.1 has it for a
// fault? QEMU's TCG (7.2) leaves it clear.
static void probe_fault_flags(struct vcpu *vcpu)
{
    static const uint8_t ud2_hlt[] = { 0x0f, 0x0b, 0xf4 };
    static const uint64_t code_descriptor = UINT64_C(0x00cf9b000000ffff), gate = UINT64_C(0x00008e0000080000);
    uint8_t *ram = guest_pointer(vcpu->vm->ram, (gpa){ 0 }, CODE_GPA);
    uint64_t to_hlt = gate | (CODE_GPA + 2);
    uint32_t eflags;
    load_code(vcpu, ud2_hlt, sizeof(ud2_hlt));
    memcpy(ram + 8, &code_descriptor, sizeof(code_descriptor)); // GDT and IDT are at 0
    memcpy(ram + 8 * EXCEPTION_UD, &to_hlt, sizeof(to_hlt));
    vcpu_regs(vcpu)->gpr[GPR_RSP] = CODE_GPA;
    struct slice slice;
    run(vcpu, CODE_GPA, NO_ALARM, &slice);
    memcpy(&eflags, ram + CODE_GPA - sizeof(eflags), sizeof(eflags));
    switch_costs.faults_set_rf = (eflags & RFLAGS_RF) != 0;
}

// WRMSR of LSTAR with bits 63 and 62 unlike: #GP, which ends a guest without handlers (SDM 2B, WRMSR; APM 2, 1.1.3).
// QEMU's TCG (7.2 and 10) takes the value, and the HLT comes.
static void probe_addresses(struct vcpu *vcpu)
{
    static const uint8_t wrmsr_hlt[] = { 0x0f, 0x30, 0xf4 };
    load_code(vcpu, wrmsr_hlt, sizeof(wrmsr_hlt));
    vcpu_regs(vcpu)->gpr[GPR_RCX] = MSR_LSTAR;
    vcpu_regs(vcpu)->gpr[GPR_RDX] = 0x80000000;
    struct slice slice;
    switch_costs.addresses_checked = run(vcpu, CODE_GPA, NO_ALARM, &slice).kind != EXIT_HALT;
    log_line("calibrate", "a guest's FS_BASE, LSTAR and others are checked by the CPU: %s",
             switch_costs.addresses_checked ? "yes" : "no");
}

static bool calibrate(struct vm *vm, struct refusal *refusal)
{
    struct entry_state entry = { .mode = ENTRY_PROTECTED32, .pc = CODE_GPA };
    switch_costs.steady = true; // until a series says otherwise
    lapic_init(&vm->machine.lapic, 0, true);
    vm->vcpu.vm = vm;
    if (!arch_vcpu_init(&vm->vcpu, &entry))
        return false;
    bool ok = measure_exits(&vm->vcpu, refusal);
    if (ok) {
        measure_step(&vm->vcpu);
        measure_entry(&vm->vcpu);
        bool own_timer = vendor->alarm_unit_cycles() != 0; // set in cycles of the counter
        measure_alarm(&vm->vcpu, ratio_make(own_timer ? arch_counter_hz() : hosttimer_hz(), arch_counter_hz()));
        probe_shadow(&vm->vcpu);
        probe_fault_flags(&vm->vcpu);
        probe_addresses(&vm->vcpu);
    }
    arch_vcpu_free(&vm->vcpu);
    return ok;
}

bool calibrate_world_switch(struct refusal *refusal)
{
    format(refusal->text, sizeof(refusal->text), "too little memory to calibrate the world switch");
    return vm_with_bare_ram(1 + CODE_PAGES, calibrate, refusal);
}
