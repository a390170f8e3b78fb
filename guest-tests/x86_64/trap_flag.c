// SPDX-License-Identifier: MIT
// Does the guest ever find a trap flag that it has not set, or miss a trap that it has asked for?
//
// Each sequence does something that shows RFLAGS, or loads them: PUSHF, POPF, IRET, SYSCALL, SYSRET, INT, INT3, INTO,
// exceptions, MOV SS, repeated strings, DR6; at both privileges, in 64-bit and 32-bit code, with a TF of its own and
// without. It is run three times: with no timer set; with a deadline so far after its end that a monitor which steps
// towards it (delivery=exact with a wide margin) steps through all of it; and with interrupts that come at each of its
// instructions in turn (interrupts=N: at no more than N of them). What it stored, its length in instructions and every
// trap on the way must be the same.
#include "guest-tests/lib/x86_64/devices.h"

#define TF         0x100u
#define CODE64     0x08
#define DATA       0x10
#define CODE32     0x28
#define USER_DATA  0x30
#define USER_CODE  0x38
#define STAR       (UINT64_C(0x2b) << 48 | UINT64_C(CODE64) << 32) // SYSRET: SS 0x33, CS 0x3b

// R9, and RDI from the first instruction on: eight words for results. R8: where to go on after a fault. A sequence
// ends with its own length, from the counter. "own" and "plain" set and clear TF.
__asm__(
    ".text\n"
    ".macro begin name\n .balign 16\n .globl \\name\n\\name:\n mov %r9,%rdi\n push %rbx\n push %rbp\n sti\n rdtsc\n"
    " shl $32,%rdx\n or %rdx,%rax\n mov %rax,%rbp\n xor %eax,%eax\n.endm\n"
    ".macro end\n rdtsc\n shl $32,%rdx\n or %rdx,%rax\n sub %rbp,%rax\n cli\n pop %rbp\n pop %rbx\n ret\n.endm\n"
    ".macro own\n pushfq\n orl $0x100,(%rsp)\n popfq\n.endm\n"
    ".macro plain\n pushfq\n andl $~0x100,(%rsp)\n popfq\n.endm\n"
    ".macro store n\n pop \\n*8(%rdi)\n.endm\n"
    ".macro fault text:vararg\n lea 771f(%rip),%r8\n \\text\n771:\n.endm\n"

    "begin pushes\n pushfq\n store 0\n pushfw\n popw 8(%rdi)\n std\n pushfq\n store 2\n cld\n pushfq\n pushfq\n"
    " store 3\n store 4\n end\n"

    "begin own_trap\n own\n nop\n pushfq\n store 0\n xor %eax,%eax\n plain\n nop\n pushfq\n store 1\n end\n"

    "begin own_16\n pushfw\n orw $0x100,(%rsp)\n popfw\n nop\n pushfw\n andw $0xfeff,(%rsp)\n popfw\n nop\n pushfq\n"
    " store 0\n end\n"

    ".macro iret_with flags:vararg\n mov %rsp,%rax\n mov %ss,%edx\n push %rdx\n push %rax\n pushfq\n \\flags\n"
    " push $8\n lea 772f(%rip),%rax\n push %rax\n iretq\n772:\n.endm\n"
    "begin irets\n iret_with nop\n nop\n iret_with orl $0x100,(%rsp)\n nop\n nop\n"
    " iret_with andl $~0x100,(%rsp)\n nop\n pushfq\n store 0\n end\n"

    "begin ints\n int $0x60\n nop\n int3\n nop\n own\n int $0x60\n nop\n int3\n nop\n plain\n end\n"

    ".macro faults\n fault ud2\n fault mov 0x7000000000000000,%rax\n fault mov 0x7000000000,%rax\n"
    " fault mov 0x6000000000,%rax\n"
    " mov $0xf3,%ecx\n"
    " fault mov %ecx,%ds\n xor %ecx,%ecx\n xor %edx,%edx\n fault div %ecx\n lea 1(%rdi),%rax\n.endm\n"
    "begin exceptions\n faults\n own\n faults\n plain\n end\n"

    ".macro do_syscall n\n lea 773f(%rip),%rax\n mov $0xc0000082,%ecx\n mov %rax,%rdx\n shr $32,%rdx\n wrmsr\n"
    " xor %r11d,%r11d\n syscall\n773: mov %r11,\\n*8(%rdi)\n pushfq\n store \\n+1\n.endm\n"
    ".macro mask value\n mov $0xc0000084,%ecx\n xor %edx,%edx\n mov $\\value,%eax\n wrmsr\n.endm\n"
    "begin syscalls\n mask 0x500\n do_syscall 0\n mask 0x400\n do_syscall 2\n mask 0x500\n own\n do_syscall 4\n plain\n"
    " mask 0x400\n own\n do_syscall 6\n plain\n mov $0xc0000084,%ecx\n rdmsr\n end\n"

    ".macro to_user flags\n lea 774f(%rip),%rcx\n mov $\\flags,%r11\n mov %rsp,%r10\n sysretq\n774:\n.endm\n"
    ".macro back\n lea 775f(%rip),%r8\n int $0x61\n775:\n.endm\n"
    "begin user_mode\n to_user 0x202\n mov %r11,32(%rdi)\n pushfq\n store 0\n nop\n fault int $0x62\n int $0x63\n"
    " int3\n"
    " fault cli\n pushfq\n orl $0x100,(%rsp)\n popfq\n nop\n int $0x63\n pushfq\n store 1\n back\n"
    " to_user 0x302\n mov %r11,40(%rdi)\n pushfq\n store 2\n nop\n back\n to_user 0x202\n nop\n back\n"
    " pushfq\n store 3\n end\n"

    "begin stack_loads\n mov %ss,%ecx\n mov %ecx,%ss\n nop\n mov %ecx,%ss\n pushfq\n store 0\n mov %ecx,%ss\n int3\n"
    " mov %ecx,%ss\n mov %ecx,%ss\n nop\n mov %ecx,%ss\n fault ud2\n mov %ecx,%ss\n rdtsc\n end\n"

    "begin strings\n mov %rdi,%rbx\n lea 32(%rdi),%rdi\n mov %rbx,%rsi\n movl $0x12345678,(%rbx)\n mov $21,%ecx\n"
    " rep movsb\n mov %rbx,%rdi\n own\n mov $5,%ecx\n mov %rdi,%rsi\n repe cmpsb\n plain\n mov %rcx,56(%rbx)\n"
    " mov %rbx,%rdi\n end\n"

    ".macro dr6 value n\n mov $\\value,%rax\n mov %rax,%db6\n nop\n mov %db6,%rcx\n mov %rcx,\\n*8(%rdi)\n.endm\n"
    "begin debug_status\n dr6 0xffff0ff0 0\n dr6 0xffff4ff0 1\n pushfq\n store 2\n mov %db6,%rcx\n mov %rcx,24(%rdi)\n"
    " dr6 0xffff0ff5 4\n own\n mov %db6,%rcx\n mov %rcx,40(%rdi)\n plain\n mov %db6,%rcx\n mov %rcx,48(%rdi)\n"
    " dr6 0xffff0ff0 7\n end\n"

    "begin trap_behind_exit\n dr6 0xffff0ff5 0\n own\n in $0x61,%al\n plain\n end\n"

    "begin compatibility\n push $0x28\n lea 776f(%rip),%rax\n push %rax\n lretq\n"
    " .code32\n776: pushf\n popl (%edi)\n pushfw\n popw 4(%edi)\n int $0x60\n mov $0x7fffffff,%eax\n into\n pushf\n"
    " orl $0x100,(%esp)\n popf\n nop\n pushf\n popl 8(%edi)\n pushf\n andl $~0x100,(%esp)\n popf\n nop\n"
    " ljmp $8,$777f\n .code64\n777: nop\n end\n"

    "begin overflow\n push $0x28\n lea 778f(%rip),%rax\n push %rax\n lretq\n"
    " .code32\n778: mov $0x7fffffff,%eax\n inc %eax\n into\n pushf\n popl (%edi)\n ljmp $8,$779f\n .code64\n779: nop\n"
    " end\n"

    "begin flags_and_halt\n cli\n sti\n cli\n pushfq\n store 0\n sti\n nop\n pushfq\n andl $~0x200,(%rsp)\n popfq\n"
    " pushfq\n orl $0x200,(%rsp)\n popfq\n cpuid\n mov $0xc0000080,%ecx\n rdmsr\n in $0x61,%al\n int $0x60\n end\n");

#define SEQUENCES(of)                                                                                                  \
    of(pushes) of(own_trap) of(own_16) of(irets) of(ints) of(exceptions) of(syscalls) of(user_mode) of(stack_loads)    \
        of(strings) of(debug_status) of(trap_behind_exit) of(compatibility) of(flags_and_halt)
#define DECLARE(name) void name(void);
SEQUENCES(DECLARE)
void overflow(void);
#define ROW(name) { #name, name, false },
static const struct sequence {
    const char *name;
    void (*code)(void);
    bool counted_wrong; // QEMU's TCG counts the rest of its block when an INTO traps
} sequences[] = { SEQUENCES(ROW){ "overflow", overflow, true } };

// One trap that the sequence itself causes, as the guest sees it.
struct seen {
    uint64_t vector, rip, cs, rflags, error, detail; // CR2 or DR6
};

#define SEEN_MAX 80
struct outcome {
    uint64_t    result[8], length, count;
    struct seen seen[SEEN_MAX];
};

static struct outcome *now;
static volatile uint64_t ticks, leaks;
static bool own_tf_used; // somewhere in the sequence that runs

static uint64_t read_dr6(void)
{
    uint64_t value;
    __asm__ volatile("mov %%db6, %0" : "=r"(value));
    return value;
}

static void note(struct trap *trap)
{
    struct seen *seen = &now->seen[now->count < SEEN_MAX ? now->count : SEEN_MAX - 1];
    now->count++;
    *seen = (struct seen){ trap->vector, trap->cpu->rip, trap->cpu->cs, trap->cpu->rflags, trap->error,
                           trap->vector == 14 ? read_cr2() : trap->vector == 1 ? read_dr6() : 0 };
    if (trap->vector == 1)
        __asm__ volatile("mov %0, %%db6" : : "r"(UINT64_C(0xffff0ff0)));
}

static void note_fault(struct trap *trap)
{
    note(trap);
    trap->cpu->rip = trap->r8;
}

// INT 0x61: ring 3 has had its turn. It goes on after it, in ring 0, on the stack it left.
static void leave_user(struct trap *trap)
{
    note(trap);
    trap->cpu->cs = CODE64;
    trap->cpu->ss = DATA;
    trap->cpu->rsp = trap->r10;
    trap->cpu->rflags &= ~(uint64_t)TF;
}

static void tick(struct trap *trap)
{
    ticks++;
    if (!own_tf_used && (trap->cpu->rflags & TF) != 0)
        leaks++;
    lapic_write(APIC_EOI, 0);
}

// Ring 3, 32-bit code, all pages the user's, gates that it may use.
static void open_to_users(void)
{
    static uint64_t table[8] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0, 0x00cf9b000000ffff,
                                 0x00cff3000000ffff, 0x00affb000000ffff };
    static uint8_t kernel_stack[8192] __attribute__((aligned(16)));
    extern uint64_t gdt[], page_dirs[];
    extern uint8_t tss[];
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = { sizeof(table) - 1, (uint64_t)table }, idtr;
    table[3] = gdt[3];
    table[4] = gdt[4];
    uint64_t cr3, *pml4, *pdpt, rsp0 = (uint64_t)(kernel_stack + sizeof(kernel_stack));
    __builtin_memcpy(tss + 4, &rsp0, sizeof(rsp0));
    __asm__ volatile("lgdt %1\n\tmov %%cr3, %0" : "=r"(cr3) : "m"(pointer));
    pml4 = (uint64_t *)cr3;
    pml4[0] |= 4;
    pdpt = (uint64_t *)(pml4[0] & ~UINT64_C(0xfff));
    for (unsigned i = 0; i < 4; i++)
        pdpt[i] |= 4;
    for (unsigned i = 0; i < 2048; i++)
        page_dirs[i] |= 4;
    __asm__ volatile("mov %0, %%cr3\n\tsidt %1" : : "r"(cr3), "m"(idtr) : "memory");
    static const uint8_t open[] = { 3, 4, 0x60, 0x61, 0x63 };
    for (unsigned i = 0; i < ARRAY_LENGTH(open); i++)
        ((uint8_t *)idtr.base)[open[i] * 16 + 5] = 0xee;
}

static void prepare(void)
{
    static const uint8_t traps[] = { 1, 3, 4, 0x60, 0x63 }, faults[] = { 0, 6, 13, 14 };
    for (unsigned i = 0; i < ARRAY_LENGTH(traps); i++)
        trap_set(traps[i], note);
    for (unsigned i = 0; i < ARRAY_LENGTH(faults); i++)
        trap_set(faults[i], note_fault);
    trap_set(0x61, leave_user);
    trap_set(VECTOR_TIMER, tick);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1);
    wrmsr(0xc0000081, STAR);
    open_to_users();
}

static void run(const struct sequence *sequence, struct outcome *outcome, uint64_t start)
{
    for (unsigned i = 0; i < sizeof(*outcome) / 8; i++)
        ((uint64_t *)outcome)[i] = 0;
    now = outcome;
    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(DATA)); // an IRET to ring 3 has emptied them
    outcome->length = run_at(start, sequence->code, (uint64_t)outcome->result);
}

static bool same(const struct outcome *a, const struct outcome *b, bool with_length)
{
    bool equal = a->count == b->count && (!with_length || a->length == b->length);
    for (unsigned i = 0; i < 8; i++)
        equal &= a->result[i] == b->result[i];
    for (unsigned i = 0; i < SEEN_MAX; i++)
        for (unsigned k = 0; k < sizeof(struct seen) / 8; k++)
            equal &= ((const uint64_t *)&a->seen[i])[k] == ((const uint64_t *)&b->seen[i])[k];
    return equal;
}

static void explain(const struct outcome *expected, const struct outcome *found)
{
    for (unsigned i = 0; i < 8; i++)
        if (expected->result[i] != found->result[i])
            diag("result %u is 0x%lx, should be 0x%lx", i, found->result[i], expected->result[i]);
    for (unsigned i = 0; i < SEEN_MAX && i < found->count; i++) {
        const struct seen *f = &found->seen[i], *e = &expected->seen[i];
        if (f->rip != e->rip || f->vector != e->vector || f->rflags != e->rflags || f->detail != e->detail) {
            diag("trap %u is %lu at 0x%lx, flags 0x%lx, detail 0x%lx, error 0x%lx", i, f->vector, f->rip, f->rflags,
                 f->detail, f->error);
            diag("should be %lu at 0x%lx, flags 0x%lx, detail 0x%lx, error 0x%lx", e->vector, e->rip, e->rflags,
                 e->detail, e->error);
            break;
        }
    }
    diag("%lu traps and %lu instructions, should be %lu and %lu", found->count, found->length, expected->count,
         expected->length);
}

static uint64_t hash(const struct outcome *outcome)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (unsigned i = 0; i < sizeof(*outcome) / 8; i++)
        value = (value ^ ((const uint64_t *)outcome)[i]) * 0x100000001b3u;
    return value;
}

// A TF that nobody set, where the sequence shows its flags without one of its own: the quiet run is the oracle for the
// others, and this is the oracle for the quiet run.
static void test_sequence(const struct sequence *sequence)
{
    static struct outcome quiet, stepped, swept;
    run(sequence, &quiet, rdtsc() + platform.counter_hz / 10000);
    own_tf_used = false;
    for (unsigned i = 0; i < SEEN_MAX && i < quiet.count; i++)
        own_tf_used |= quiet.seen[i].vector == 1;
    lapic_write(APIC_TMICT, 400000);
    run(sequence, &stepped, rdtsc() + platform.counter_hz / 10000);
    lapic_timer_stop();
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    bool as_quiet = same(&quiet, &stepped, platform.counted && !sequence->counted_wrong);
    if (!as_quiet)
        explain(&quiet, &stepped);
    ok(as_quiet, "%s: the same with a deadline ahead", sequence->name);

    uint64_t bad = 0, before = ticks, most = cmdline_number("interrupts", platform.counted ? UINT64_MAX : 20);
    uint64_t stride = quiet.length / most + 1;
    for (uint64_t due = 0; due < quiet.length + 8 && bad == 0; due += stride) {
        uint64_t count = 3000 + due, origin = lapic_write_stamp(APIC_TMICT, (uint32_t)count);
        run(sequence, &swept, lapic_stamp(origin, count, 1) - due);
        bad += !same(&quiet, &swept, false);
        interrupts_on();
        interrupts_off();
    }
    if (bad != 0)
        explain(&quiet, &swept);
    diag("%s: %lu instructions, %lu traps, hash 0x%lx, %lu interrupts", sequence->name, quiet.length, quiet.count,
         hash(&quiet), ticks - before);
    ok(bad == 0 && quiet.count < SEEN_MAX, "%s: the same with an interrupt at each instruction", sequence->name);
}

// The instruction is the monitor's to do, and so is the trap: B0-B3 are that trap's alone (SDM 3B 17.2.3).
static void test_causes(void)
{
    static struct outcome found;
    run(&(struct sequence){ "", trap_behind_exit, false }, &found, rdtsc() + platform.counter_hz / 10000);
    if (!ok(found.count != 0 && found.seen[0].vector == 1 && found.seen[0].detail == 0xffff4ff0,
            "a trap behind an instruction that exits has no causes of an earlier one in DR6"))
        diag("%lu traps, the first is %lu with DR6 0x%lx", found.count, found.seen[0].vector, found.seen[0].detail);
}

void test_main(void)
{
    plan(2 * (unsigned)ARRAY_LENGTH(sequences) + 2);
    lapic_init(false);
    prepare();
    for (unsigned i = 0; i < ARRAY_LENGTH(sequences); i++)
        test_sequence(&sequences[i]);
    test_causes();
    ok(leaks == 0, "no interrupt was taken with a trap flag that nobody had set");
}
