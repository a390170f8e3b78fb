// SPDX-License-Identifier: MIT
// What a world switch costs on this CPU, found out at boot with guests that do nothing: for each kind of exit the
// counter's t1 - t0 around an empty guest, the distance from t0 to the guest's first instruction, and how long a slice
// is for an alarm of a given length. No constant is typed in anywhere. On a deterministic host every round gives the
// same number; on a real one the smallest is taken, so that time never runs backwards, and how the others lie is
// printed.
#include <string.h>

#include "arch/arm64/host/gic.h"
#include "arch/arm64/meter.h"
#include "arch/arm64/guest/guest.h"
#include "vmm/base/format.h"
#include "vmm/base/guestmem.h"
#include "vmm/base/log.h"
#include "vmm/base/spread.h"
#include "vmm/barevm.h"

struct switch_costs switch_costs;

#define RAM_PAGES     1
#define LAST_INSN     (RAM_PAGES * PAGE_SIZE - INSN_LENGTH)
#define ALARM_CYCLES  2000
#define NO_ALARM      (UINT64_C(1) << 32) // longer than any probe
#define NOBODY        UINT64_C(0x1000)    // guest-physical: no RAM, and the GIC's and other pages are above

static const struct probe {
    enum exit_kind kind;
    uint32_t       code;
} probes[] = {
    { EXIT_HALT, 0xd503207f },         // wfi
    { EXIT_HYPERCALL, 0xd4000002 },    // hvc #0
    { EXIT_FIRMWARE, 0xd4000003 },     // smc #0
    { EXIT_CPU_ID, 0xd5380400 },       // mrs x0, id_aa64pfr0_el1
    { EXIT_SYSREG_READ, 0xd53be020 },  // mrs x0, cntpct_el0
    { EXIT_SYSREG_WRITE, 0xd51be220 }, // msr cntp_ctl_el0, x0
    { EXIT_MMIO, 0xb9400020 },         // ldr w0, [x1]
};
#define INSN_BRANCH_SELF  0x14000000u
#define INSN_READ_COUNTER 0xd53be040u // mrs x0, cntvct_el0
#define INSN_READ_AGAIN   0xd53be041u // mrs x1, cntvct_el0
#define INSN_HVC          0xd4000002u

// Kinds that no probe can cause are charged as the one they resemble: a trapped instruction, or an interrupt.
static const struct { enum exit_kind kind, like; } alike[] = {
    { EXIT_IGNORED, EXIT_HALT },
    { EXIT_FAULT, EXIT_CPU_ID },
    { EXIT_UNKNOWN, EXIT_CPU_ID },
    { EXIT_NMI, EXIT_INTERRUPT },
};

static void load_code(struct vcpu *vcpu, uint64_t at, const uint32_t *code, size_t count)
{
    size_t bytes = count * sizeof(*code);
    memcpy(guest_pointer(vcpu->vm->ram, (gpa){ vcpu->vm->ram.base + at }, bytes), code, bytes);
    stage2_loaded(vcpu->vm->ram, vcpu->vm->ram.base, vcpu->vm->ram.base + vcpu->vm->ram.size);
}

// A probe is the last instruction of its page, with nothing behind it: when a read of a system register traps, QEMU's
// TCG (7.2) has counted what follows it in the page already, and counts it again later.
static void load_probe(struct vcpu *vcpu, uint32_t code)
{
    load_code(vcpu, LAST_INSN, &code, 1);
}

// One slice from an instruction of the RAM on, with V 0 at t0.
static __attribute__((noinline)) struct exit run(struct vcpu *vcpu, uint64_t at, uint64_t alarm, struct slice *slice)
{
    struct exit exit;
    struct world *world = &vcpu->arch->world;
    world->pc = vcpu->vm->ram.base + at;
    world->x[1] = NOBODY;
    world->v = 0;
    world->counter_base = 0;
    world->counter_mask = UINT64_MAX;
    world->alarm = alarm;
    world_switch(world);
    decode_exit(vcpu, &exit);
    slice->t0 = world->t0;
    slice->t1 = world->t1;
    arch_take_interrupts(NULL);
    return exit;
}

static void say(const struct spread *spread, const char *what)
{
    char text[SPREAD_TEXT_BYTES];
    spread_text(spread, "cycles", text, sizeof(text));
    log_line("calibrate", "%s: %s", what, text);
}

static void charge(enum exit_kind kind, const struct spread *spread)
{
    char what[64];
    switch_costs.total[kind] = spread_min(spread);
    switch_costs.precision[kind] = (struct switch_precision){ spread_bias(spread), spread_width(spread) };
    format(what, sizeof(what), "world switch, exit '%s'", exit_kind_name(kind));
    say(spread, what);
}

// A hypercall leaves the PC after itself.
static bool measure(struct vcpu *vcpu, enum exit_kind expected, uint64_t alarm, struct refusal *refusal)
{
    static struct spread spread, counted;
    uint64_t pc = vcpu->vm->ram.base + LAST_INSN + (expected == EXIT_HYPERCALL ? INSN_LENGTH : 0);
    spread_start(&counted);
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        uint64_t counts = meter_counts();
        struct exit exit = run(vcpu, LAST_INSN, alarm, &slice);
        spread_add(&counted, meter_counts() - counts);
        if (exit.kind != expected || vcpu->arch->world.pc != pc)
            return REFUSAL(refusal, "calibration: an empty guest gave exit '%s' (class %#x, syndrome %#lx) at pc %#lx "
                                    "instead of '%s'", exit_kind_name(exit.kind), exit.hardware_reason, exit.info,
                           vcpu->arch->world.pc, exit_kind_name(expected));
        spread_add(&spread, slice.t1 - slice.t0);
    }
    charge(expected, &spread);
    switch_costs.counted[expected] = spread_min(&counted);
    return true;
}

static void alike_costs(enum exit_kind kind, enum exit_kind like)
{
    switch_costs.total[kind] = switch_costs.total[like];
    switch_costs.precision[kind] = switch_costs.precision[like];
    switch_costs.counted[kind] = switch_costs.counted[like];
}

static bool measure_exits(struct vcpu *vcpu, struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        load_probe(vcpu, probes[i].code);
        if (!measure(vcpu, probes[i].kind, NO_ALARM, refusal))
            return false;
    }
    load_probe(vcpu, INSN_BRANCH_SELF);
    if (!measure(vcpu, EXIT_INTERRUPT, 0, refusal)) // the alarm is there at the entry: the guest gets no instruction
        return false;
    for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
        alike_costs(alike[i].kind, alike[i].like);
    return true;
}

// The guest reads its counter as its first instruction, with V 0 at t0: what it reads is the distance, less what a read
// counts of itself, which is what a second one is ahead. So V is the counter when an instruction begins: the value that
// the timers of the hardware compare.
static void measure_entry(struct vcpu *vcpu)
{
    static const uint32_t code[] = { INSN_READ_COUNTER, INSN_READ_AGAIN, INSN_HVC };
    static struct spread spread, itself;
    load_code(vcpu, 0, code, sizeof(code) / sizeof(code[0]));
    spread_start(&itself);
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        run(vcpu, 0, NO_ALARM, &slice);
        spread_add(&spread, vcpu->arch->world.x[0]);
        spread_add(&itself, vcpu->arch->world.x[1] - vcpu->arch->world.x[0]);
    }
    switch_costs.in = spread_min(&spread) - spread_min(&itself);
    say(&spread, "from t0 to what the guest's first instruction reads");
}

// The guest runs until the alarm ends it: what it did not get of ALARM_CYCLES was the way in.
static void measure_alarm(struct vcpu *vcpu)
{
    static const uint32_t loop_for_ever = INSN_BRANCH_SELF;
    static struct spread spread;
    load_code(vcpu, 0, &loop_for_ever, 1);
    for (spread_start(&spread); spread_wants_more(&spread);) {
        struct slice slice;
        run(vcpu, 0, ALARM_CYCLES, &slice);
        int64_t ran = (int64_t)(slice.t1 - slice.t0 - switch_costs.total[EXIT_INTERRUPT]);
        spread_add(&spread, ran < 0 ? ALARM_CYCLES : ran < ALARM_CYCLES ? (uint64_t)(ALARM_CYCLES - ran) : 0);
    }
    switch_costs.alarm = spread_min(&spread);
    switch_costs.alarm_doubt = 1 + spread_width(&spread) + switch_costs.total[EXIT_INTERRUPT];
    say(&spread, "from t0 to an alarm's first cycle for the guest");
}

// The way in is part of the switch: it cannot have been longer. Were it left so, the guest would read its counter lower
// than before the exit.
__attribute__((noinline, cold)) void slice_was_short(struct vcpu *vcpu, uint64_t elapsed)
{
    if (elapsed >= vcpu->arch->way_in)
        return;
    vcpu->arch->way_in = elapsed;
    vcpu->arch->counter_planned = false;
    vcpu->arch->entry_plain = false;
}

static bool calibrate(struct vm *vm, struct refusal *refusal)
{
    struct entry_state entry = { .mode = ENTRY_EL1, .pc = vm->ram.base };
    vm->vcpu.vm = vm;
    vgic_init(&vm->machine.gic, hostgic_version(), 1);
    if (!arch_vcpu_init(&vm->vcpu, &entry))
        return false;
    bool ok = measure_exits(&vm->vcpu, refusal);
    if (ok) {
        measure_entry(&vm->vcpu);
        measure_alarm(&vm->vcpu);
    }
    arch_vcpu_free(&vm->vcpu);
    return ok;
}

bool calibrate_world_switch(struct refusal *refusal)
{
    format(refusal->text, sizeof(refusal->text), "too little memory to calibrate the world switch");
    return vm_with_bare_ram(RAM_PAGES, calibrate, refusal);
}
