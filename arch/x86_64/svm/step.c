// SPDX-License-Identifier: MIT
// One instruction of the guest, and no trace of it (APM 2, 13.1.4 for single steps, 15.12, 15.20 and 15.25 for the
// rest). SVM has no monitor trap flag, so the step is made with RFLAGS.TF and the #DB intercept, and the guest must
// never find a TF that it has not set:
//
//   What puts RFLAGS where the guest can read them. PUSHF and SYSCALL are repaired after the instruction. Exceptions
//   are all intercepted while TF is set and given to the guest with clean flags by the next entry. INT, INT3 and INTO,
//   which would leave TF behind at their handler, are turned into the event that they cause.
//   What loads RFLAGS. POPF and IRET bring the guest's own TF; SYSRET gets one with its R11, which is taken out again.
//   The step ends after them all the same, because the CPU looks at TF when an instruction begins; after SYSCALL and
//   SYSRET it looks again, which is why TF is kept out of SFMASK and put into R11.
//   DR6.BS, which our own #DB sets, and a #DB of the guest's own at the same boundary, which is its due.
//
// An event that waits to be delivered is a step of its own: the CPU delivers it as always, with the guest's own flags,
// in a view of the guest's memory where no page is executable; the fetch of the handler's first instruction ends it.
//
// What is left runs without TF, with the alarm after it, and is counted: task switches, which save RFLAGS in the TSS,
// INT in virtual-8086 mode, and a MOV SS or POP SS in front of one of the above, because nothing stops between the two.
#include "arch/x86_64/svm/svm.h"
#include "vmm/base/alloc.h"

#define RFLAGS_NT     (UINT64_C(1) << 14)
#define NPT_NO_CODE   (UINT64_C(1) << 63)
#define NPT_ENTRIES   512
#define GPR_R11       11

// Faults, and those traps that are no INT instruction: #DE #DB #BR #UD #NM #TS #NP #SS #GP #PF #MF #AC #XF.
#define STEP_EXCEPTIONS UINT32_C(0x000b7ce3)
#define HAS_ERROR       UINT32_C(0x00027c00)

enum method {
    BY_TF,         // nothing to repair
    BY_TF_PUSHF,
    BY_TF_LOADS_TF, // POPF, IRET
    BY_TF_SYSCALL,
    BY_TF_SYSRET,
    BY_TF_READS_DR6,
    BY_TF_WRITES_DR6,
    BY_EVENT, // INT, INT3, INTO
    BY_ALARM,
};

struct step {
    enum method method;
    struct insn insn; // of all methods but BY_TF and BY_ALARM
    uint64_t    rflags, dr6, sfmask, r11; // before
};

bool svm_step_init(struct vcpu *vcpu)
{
    hpa page = alloc_pages(1, 1);
    uint64_t *view = (uint64_t *)page.value;
    const uint64_t *root = (const uint64_t *)vcpu->vm->nested_root.value;
    for (unsigned i = 0; page.value != 0 && i < NPT_ENTRIES; i++)
        view[i] = root[i] != 0 ? root[i] | NPT_NO_CODE : 0;
    vcpu->arch->no_code_root = page.value;
    return page.value != 0;
}

void svm_step_free(struct vcpu *vcpu)
{
    if (vcpu->arch->no_code_root != 0)
        free_pages((hpa){ vcpu->arch->no_code_root }, 1);
}

// --- an event -------------------------------------------------------------------------------------------------------

// The other view has translations of its own, and the guest's INVLPG does not reach them: flushed at each use.
static void deliver_event(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint8_t flush = vmcb->tlb_control;
    vmcb->nested_cr3 = vcpu->arch->no_code_root;
    vmcb->asid = GUEST_NO_CODE_ASID;
    vmcb->tlb_control = svm_flush();
    vcpu->arch->vmcb_clean = 0;
    svm_enter(vcpu, slice, exit);
    vmcb->nested_cr3 = vcpu->vm->nested_root.value;
    vmcb->asid = GUEST_ASID;
    vmcb->tlb_control = flush;
    vcpu->arch->vmcb_clean = 0;
    slice->cost_cycles = switch_costs.total[exit->kind];
    if (exit->kind == EXIT_MMIO && exit->is_fetch && !exit->during_delivery) {
        exit->kind = EXIT_STEP;
        exit->during_delivery = true;
    }
}

// --- which instruction it is ----------------------------------------------------------------------------------------

static bool in_long_mode(const struct vcpu *vcpu)
{
    return (vcpu->arch->vmcb->efer & EFER_LMA) != 0;
}

static bool is_virtual_8086(const struct vcpu *vcpu)
{
    return (vcpu_regs((struct vcpu *)vcpu)->rflags & RFLAGS_VM) != 0;
}

// Only here can a far transfer switch tasks.
static bool tasks_exist(const struct vcpu *vcpu)
{
    return (vcpu->arch->vmcb->cr0 & CR0_PE) != 0 && !in_long_mode(vcpu) && !is_virtual_8086(vcpu);
}

static enum method method_of_one_byte(const struct vcpu *vcpu, const struct insn *insn, uint64_t rflags)
{
    unsigned group = insn->modrm >> 3 & 7;
    switch (insn->opcode) {
    case 0x9c: return BY_TF_PUSHF;
    case 0x9d: return BY_TF_LOADS_TF;
    case 0xcf: return (rflags & RFLAGS_NT) != 0 && tasks_exist(vcpu) ? BY_ALARM : BY_TF_LOADS_TF;
    case 0xce: return (rflags & RFLAGS_OF) == 0 || insn->bits == 64 ? BY_TF : BY_EVENT;
    case 0xcc:
    case 0xcd: return BY_EVENT;
    case 0x9a: // far CALL and JMP
    case 0xea: return tasks_exist(vcpu) ? BY_ALARM : BY_TF;
    case 0xff: return (group == 3 || group == 5) && tasks_exist(vcpu) ? BY_ALARM : BY_TF;
    default: return BY_TF;
    }
}

static enum method method_of_two_bytes(const struct vcpu *vcpu, const struct insn *insn)
{
    bool dr6 = insn_reg(insn) == 6 || insn_reg(insn) == 4;
    switch (insn->opcode) {
    case 0x05: return in_long_mode(vcpu) ? BY_TF_SYSCALL : BY_TF; // elsewhere it neither saves nor masks TF
    case 0x07: return in_long_mode(vcpu) ? BY_TF_SYSRET : BY_TF;
    case 0x21: return dr6 ? BY_TF_READS_DR6 : BY_TF;
    case 0x23: return dr6 ? BY_TF_WRITES_DR6 : BY_TF;
    default: return BY_TF;
    }
}

static enum method method_of(const struct vcpu *vcpu, const struct insn *insn, uint64_t rflags)
{
    if (insn->encoding != INSN_LEGACY)
        return BY_TF;
    return insn->map == INSN_MAP_ONE_BYTE ? method_of_one_byte(vcpu, insn, rflags)
           : insn->map == INSN_MAP_0F     ? method_of_two_bytes(vcpu, insn)
                                          : BY_TF;
}

// MOV SS and POP SS: the CPU does not stop after them, but after the next instruction.
static bool runs_on(const struct insn *insn)
{
    bool to_ss = insn->opcode == 0x17 || (insn->opcode == 0x8e && insn_reg(insn) == INSN_SS);
    return insn->encoding == INSN_LEGACY && insn->map == INSN_MAP_ONE_BYTE && to_ss;
}

// What cannot be read or decoded will fault, and faults are no trouble.
static struct step look(struct vcpu *vcpu)
{
    struct step step = { .method = BY_TF };
    uint8_t bytes[INSN_MAX_LENGTH];
    struct insn next;
    vcpu->arch->vmcb->rip = vcpu_regs(vcpu)->rip; // it is not about the instruction that has exited,
    vcpu->arch->vmcb->fetched_length = 0;         // whose bytes the CPU may have kept
    size_t count = guest_fetch(vcpu, bytes);
    unsigned bits = guest_code_bits(vcpu);
    uint64_t rflags = vcpu_regs(vcpu)->rflags;
    if (insn_decode(&step.insn, bytes, count, bits) != DECODE_OK)
        return step;
    step.method = method_of(vcpu, &step.insn, rflags);
    size_t length = step.insn.length;
    if (runs_on(&step.insn) && (insn_decode(&next, bytes + length, count - length, bits) != DECODE_OK ||
                                method_of(vcpu, &next, rflags) != BY_TF || runs_on(&next)))
        step.method = BY_ALARM;
    return step;
}

// --- INT, INT3, INTO ------------------------------------------------------------------------------------------------

static unsigned int_vector(const struct insn *insn)
{
    return insn->opcode == 0xcc ? 3 : insn->opcode == 0xce ? 4 : (uint8_t)insn->immediate;
}

// Is there a gate that lets the instruction through (APM 2, 8.7 to 8.9)? Without one it faults, as any instruction may.
static bool gate_is_open(struct vcpu *vcpu, unsigned vector)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    if ((vmcb->cr0 & CR0_PE) == 0)
        return vector * 4 + 3 <= vmcb->idtr.limit;
    unsigned size = in_long_mode(vcpu) ? 16 : 8, offset = vector * size;
    uint8_t access;
    uint64_t at = vmcb->idtr.base + offset + 5;
    if (offset + size - 1 > vmcb->idtr.limit ||
        guest_read_linear(vcpu, in_long_mode(vcpu) ? at : at & UINT32_MAX, GUEST_FETCHED, &access, 1) != 1)
        return false;
    unsigned type = access & 0x1f;
    bool is_gate = type == 0xe || type == 0xf || (!in_long_mode(vcpu) && (type == 5 || type == 6 || type == 7));
    return (access & 0x80) != 0 && is_gate && (access >> 5 & 3) >= vmcb->cpl;
}

// The event is what the instruction does, so the guest is charged the instruction, too. Where the CPU takes no next RIP
// from the VMCB, RIP goes ahead of the event, and back should its delivery be cut short.
static void step_int(struct vcpu *vcpu, const struct step *step, struct slice *slice, struct exit *exit)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    struct emulate_regs *regs = vcpu_regs(vcpu);
    uint64_t rip = regs->rip, next = rip + step->insn.length;
    if (step->insn.bits != 64)
        next &= UINT32_MAX;
    vmcb->next_rip = next;
    if (!svm_has_next_rip())
        regs->rip = next;
    regs->rflags &= ~RFLAGS_RF;
    vcpu->arch->shadow = false;
    vmcb->event_inj = EVENT_VALID | EVENT_TYPE_SOFTWARE | int_vector(&step->insn);
    deliver_event(vcpu, slice, exit);
    if (exit->kind == EXIT_STEP) {
        exit->during_delivery = false;
        slice->cost_cycles -= switch_costs.insn;
    } else if (exit->during_delivery) {
        regs->rip = rip;
    }
}

// --- everything else ------------------------------------------------------------------------------------------------

static void set_trap(struct vcpu *vcpu, const struct step *step)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    struct emulate_regs *regs = vcpu_regs(vcpu);
    vmcb->intercept_exception |= STEP_EXCEPTIONS;
    vmcb->dr6 &= ~DR6_BS;
    regs->rflags |= RFLAGS_TF;
    if (step->method == BY_TF_SYSCALL)
        vmcb->sfmask &= ~RFLAGS_TF;
    if (step->method == BY_TF_SYSRET)
        regs->gpr[GPR_R11] |= RFLAGS_TF;
    vcpu->arch->vmcb_clean = 0;
    vcpu->arch->world.alarm = 0;
}

static void put_flag(uint64_t *flags, uint64_t flag, bool set)
{
    *flags = set ? *flags | flag : *flags & ~flag;
}

// TF is bit 0 of the image's second byte. The instruction has just written there.
static void clear_pushed_tf(struct vcpu *vcpu)
{
    const struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t at = vcpu_regs(vcpu)->gpr[GPR_RSP] + 1;
    uint8_t byte;
    if (guest_code_bits(vcpu) != 64)
        at &= (vmcb->ss.attributes & SEGMENT_BIG) != 0 ? UINT32_MAX : UINT16_MAX;
    uint64_t linear = guest_linear(vcpu, INSN_SS, at);
    if (guest_read_linear(vcpu, linear, GUEST_FETCHED, &byte, 1) == 1) {
        byte &= 0xfe;
        guest_write_linear(vcpu, linear, &byte, 1);
    }
}

// The instruction has not run: everything as it was.
static void take_back(struct vcpu *vcpu, const struct step *step)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    struct emulate_regs *regs = vcpu_regs(vcpu);
    put_flag(&regs->rflags, RFLAGS_TF, (step->rflags & RFLAGS_TF) != 0);
    vmcb->dr6 |= step->dr6 & DR6_BS;
    vmcb->sfmask = step->sfmask;
    if (step->method == BY_TF_SYSRET)
        regs->gpr[GPR_R11] = step->r11;
}

// It has: the flags that it left, with the guest's own TF. True: the guest's own TF traps here.
static bool repair_flags(struct vcpu *vcpu, const struct step *step)
{
    struct emulate_regs *regs = vcpu_regs(vcpu);
    bool own = (step->rflags & RFLAGS_TF) != 0, stays = own;
    switch (step->method) {
    case BY_TF_LOADS_TF: return own;
    case BY_TF_SYSCALL:
        vcpu->arch->vmcb->sfmask = step->sfmask;
        put_flag(&regs->gpr[GPR_R11], RFLAGS_TF, own);
        own = stays = own && (step->sfmask & RFLAGS_TF) == 0;
        break;
    case BY_TF_SYSRET:
        regs->gpr[GPR_R11] = step->r11;
        own = stays = (step->r11 & RFLAGS_TF) != 0;
        break;
    case BY_TF_PUSHF:
        if (!own)
            clear_pushed_tf(vcpu);
        break;
    case BY_TF:
    case BY_TF_READS_DR6:
    case BY_TF_WRITES_DR6:
    case BY_EVENT:
    case BY_ALARM: break;
    }
    put_flag(&regs->rflags, RFLAGS_TF, stays);
    return own;
}

// DR6 as the guest should see it. True: one of its own breakpoints was hit.
static bool repair_dr6(struct vcpu *vcpu, const struct step *step, bool own_trap)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint64_t *gpr = &vcpu_regs(vcpu)->gpr[insn_rm(&step->insn)], before = step->dr6, hits = 0;
    for (unsigned i = 0; i < 4; i++)
        if ((vmcb->dr7 >> (2 * i) & 3) != 0)
            hits |= vmcb->dr6 & UINT64_C(1) << i;
    if (step->method == BY_TF_READS_DR6)
        *gpr |= before & DR6_BS;
    if (step->method == BY_TF_WRITES_DR6)
        before = (vmcb->dr6 & ~(DR6_BS | DR6_CAUSES)) | (*gpr & (DR6_BS | DR6_CAUSES));
    vmcb->dr6 = hits != 0 || own_trap ? (before & ~DR6_CAUSES) | hits | (own_trap ? DR6_BS : 0) : before;
    return hits != 0;
}

// The instruction has faulted. The guest gets what it would have got without the intercept: that is the next step.
static void give_back_exception(struct vcpu *vcpu, unsigned vector)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    if (vector == EXCEPTION_PF)
        vmcb->cr2 = vmcb->exit_info2; // APM 2, 15.12.15: the intercepted one has not written it
    if (switch_costs.faults_set_rf)
        vcpu_regs(vcpu)->rflags |= RFLAGS_RF;
    svm_ops.inject(vcpu, (struct guest_event){ .type = EVENT_EXCEPTION,
                                               .vector = (uint8_t)vector,
                                               .has_error = (HAS_ERROR >> vector & 1) != 0,
                                               .error = (uint32_t)vmcb->exit_info1 });
}

static void step_with_tf(struct vcpu *vcpu, struct step *step, struct slice *slice, struct exit *exit)
{
    struct vmcb *vmcb = vcpu->arch->vmcb;
    uint32_t exceptions = vmcb->intercept_exception;
    step->rflags = vcpu_regs(vcpu)->rflags;
    step->r11 = vcpu_regs(vcpu)->gpr[GPR_R11];
    step->dr6 = vmcb->dr6;
    step->sfmask = vmcb->sfmask;
    set_trap(vcpu, step);
    svm_enter(vcpu, slice, exit);
    vmcb->intercept_exception = exceptions;
    vcpu->arch->vmcb_clean = 0;
    uint64_t vector = vmcb->exit_code - SVM_EXIT_EXCEPTION;
    if (vector == EXCEPTION_DB && (vmcb->dr6 & DR6_BS) != 0) {
        bool own_trap = repair_flags(vcpu, step);
        bool hit = repair_dr6(vcpu, step, own_trap);
        exit->kind = own_trap || hit ? EXIT_FAULT : EXIT_STEP;
        slice->cost_cycles = switch_costs.total[EXIT_STEP];
        return;
    }
    take_back(vcpu, step);
    slice->cost_cycles = switch_costs.total[exit->kind];
    if (vector < 32 && (STEP_EXCEPTIONS & ~exceptions) >> vector & 1) {
        give_back_exception(vcpu, (unsigned)vector);
        slice->cost_cycles = switch_costs.total[EXIT_FAULT];
        exit->kind = EXIT_STEP;
        exit->during_delivery = true;
    }
}

static void run_by_alarm(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    vcpu->stats.delivery.unstepped++;
    vcpu_set_slice(vcpu, 1);
    svm_enter(vcpu, slice, exit);
    slice->cost_cycles = switch_costs.total[exit->kind];
}

__attribute__((cold)) void svm_step(struct vcpu *vcpu, struct slice *slice, struct exit *exit)
{
    vcpu->arch->world.alarm = 0;
    if (vcpu->arch->event_queued) {
        deliver_event(vcpu, slice, exit);
        return;
    }
    struct step step = look(vcpu);
    if (step.method == BY_EVENT && is_virtual_8086(vcpu))
        step.method = BY_ALARM;
    if (step.method == BY_EVENT && gate_is_open(vcpu, int_vector(&step.insn)))
        step_int(vcpu, &step, slice, exit);
    else if (step.method == BY_ALARM)
        run_by_alarm(vcpu, slice, exit);
    else
        step_with_tf(vcpu, &step, slice, exit);
}
