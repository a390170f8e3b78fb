// SPDX-License-Identifier: MIT
// Modes that no modern guest stays in, and flags where nobody sets them: each is legal, so that the guest goes on as on
// hardware, and the monitor sees exits out of every one of them. A word of the command line names the piece.
#include "guest-tests/lib/guest.h"

#define UD 6u
#define GP 13u
#define APIC_VERSION 0xfee00030u

// --- the trap flag across every kind of exit -------------------------------------------------------------------------

// R8: where to go on after a fault. "own" and "plain" set and clear TF; the latter is traced, too: 3 instructions.
__asm__(".text\n"
        ".macro own\n pushfq\n orl $0x100,(%rsp)\n popfq\n.endm\n"
        ".macro plain\n pushfq\n andl $~0x100,(%rsp)\n popfq\n.endm\n"
        ".macro fault text:vararg\n lea 771f(%rip),%r8\n \\text\n771:\n.endm\n"
        ".macro begin name\n .globl \\name\n\\name:\n push %rbx\n mov %ss,%r10d\n mov $0xfee00030,%r11d\n.endm\n"
        ".macro end\n plain\n cli\n pop %rbx\n ret\n.endm\n"
        "begin tf_sti\n own\n sti\n nop\n end\n"
        "begin tf_sti_cpuid\n xor %eax,%eax\n own\n sti\n cpuid\n end\n"
        "begin tf_sti_fault\n mov $0xbad,%ecx\n own\n sti\n fault rdmsr\n end\n"
        "begin tf_ss_cpuid\n xor %eax,%eax\n own\n mov %r10d,%ss\n cpuid\n end\n"
        "begin tf_ss_out\n own\n mov %r10d,%ss\n out %al,$0x80\n end\n"
        "begin tf_ss_fault\n mov $0xbad,%ecx\n lea 771f(%rip),%r8\n own\n mov %r10d,%ss\n rdmsr\n771: end\n"
        "begin tf_ss_mmio\n own\n mov %r10d,%ss\n mov (%r11),%eax\n end\n"
        "begin tf_msr\n mov $0x10,%ecx\n own\n rdmsr\n wrmsr\n end\n"
        "begin tf_mmio\n own\n mov (%r11),%eax\n testl $1,(%r11)\n end\n"
        "begin tf_string\n mov %r11,%rsi\n lea strings(%rip),%rdi\n mov $3,%ecx\n own\n rep movsl\n end\n"
        "begin tf_outs\n lea strings(%rip),%rsi\n mov $3,%ecx\n mov $0x80,%edx\n own\n rep outsb\n end\n"
        "begin tf_cr0\n mov %cr0,%rax\n mov %rax,%rcx\n bts $30,%rax\n own\n mov %rax,%cr0\n mov %rcx,%cr0\n end\n"
        "begin tf_cr8\n xor %eax,%eax\n own\n mov %rax,%cr8\n mov %cr8,%rax\n end\n"
        "begin tf_invd\n own\n wbinvd\n end\n"
        "begin tf_int1\n own\n fault .byte 0xf1\n end\n"
        "begin sti_fault\n mov $0xbad,%ecx\n sti\n fault rdmsr\n end\n"
        "begin ss_fault\n mov $0xbad,%ecx\n lea 771f(%rip),%r8\n mov %r10d,%ss\n rdmsr\n771: end\n"
        ".bss\n strings: .skip 64\n .text\n");

static unsigned debug_traps, faults;

static void count_debug(struct trap *trap)
{
    (void)trap;
    debug_traps++;
}

static void count_fault(struct trap *trap)
{
    faults++;
    trap->cpu->rip = trap->r8;
}

#define SEQUENCES(what)                                                                                                \
    what(tf_sti, 4, 0) what(tf_sti_cpuid, 4, 0) what(tf_sti_fault, 4, 1) what(tf_ss_cpuid, 4, 0) what(tf_ss_out, 4, 0) \
    what(tf_ss_fault, 3, 1) what(tf_ss_mmio, 4, 0) what(tf_msr, 5, 0) what(tf_mmio, 5, 0) what(tf_string, 6, 0)        \
    what(tf_outs, 6, 0) what(tf_cr0, 5, 0) what(tf_cr8, 5, 0) what(tf_invd, 4, 0)                  \
    what(sti_fault, 0, 1) what(ss_fault, 0, 1)
void tf_int1(void);
#define DECLARE(name, traps, faulted) void name(void);
#define HAS_STI(name) ((name)[3] == 's' && (name)[4] == 't' && (name)[5] == 'i')
#define ROW(name, traps, faulted) { #name, name, traps, faulted, HAS_STI(#name) },
SEQUENCES(DECLARE)

static const struct {
    const char *name;
    void (*run)(void);
    unsigned traps, faults;
    bool sti; // with TF: one more trap where it comes at once
} sequences[] = { SEQUENCES(ROW) };

// Does the trap after STI come at once, as processors have it, or with the next one, as QEMU's TCG?
static unsigned trap_behind_sti(void)
{
    debug_traps = 0;
    tf_sti();
    return debug_traps == 5;
}

static void trap_flags(void)
{
    plan(ARRAY_LENGTH(sequences) + 1);
    trap_set(1, count_debug);
    trap_set(GP, count_fault);
    trap_set(UD, count_fault);
    tf_int1();
    ok((debug_traps == 5 && faults == 0) || (debug_traps == 4 && faults == 1),
       "INT1 gives one #DB, or #UD where it is none: %u traps, %u faults", debug_traps, faults);
    unsigned behind_sti = trap_behind_sti();
    for (unsigned i = 0; i < ARRAY_LENGTH(sequences); i++) {
        debug_traps = faults = 0;
        sequences[i].run();
        unsigned expected = sequences[i].traps + (sequences[i].sti ? behind_sti : 0);
        ok(debug_traps == expected && faults == sequences[i].faults, "%s: %u traps, %u faults",
           sequences[i].name, debug_traps, faults);
    }
}

// --- out of long mode and back ---------------------------------------------------------------------------------------

// LOW is where the 16-bit part is copied to, with the same offsets in real mode and in the 16-bit segment. EBP: where
// to go on after a fault of the 32-bit part; ESI counts those. `stage` says how far it got.
__asm__(".set LOW, 0x70000\n"
        ".macro stage n\n movb $\\n,stage_reached\n.endm\n"
        ".macro exits\n xor %eax,%eax\n cpuid\n out %al,$0x80\n in $0x80,%al\n mov $0xbadbad,%ecx\n.endm\n"
        ".macro may_fault text:vararg\n mov $772f,%ebp\n \\text\n772:\n.endm\n"
        ".globl leave_long_mode\nleave_long_mode:\n"
        " push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n pushfq\n cli\n"
        " mov %rsp,saved_rsp\n mov %cr3,%rax\n mov %rax,saved_cr3\n mov %cr4,%rax\n mov %rax,saved_cr4\n"
        " mov %cr0,%rax\n mov %rax,saved_cr0\n sidt saved_idtr\n lgdt mode_gdtr\n lidt idtr32\n xor %esi,%esi\n"
        " push $0x28\n lea compat(%rip),%rax\n push %rax\n lretq\n"
        " .code32\ncompat: stage 1\n exits\n mov $0x10,%eax\n mov %eax,%ss\n mov %eax,%ds\n mov %eax,%es\n"
        " mov saved_cr0,%eax\n btr $31,%eax\n mov %eax,%cr0\n stage 2\n exits\n may_fault rdmsr\n"
        " mov $0xc0000080,%ecx\n rdmsr\n btr $8,%eax\n wrmsr\n stage 3\n exits\n"
        // Odd descriptors: expand-down, conforming code, code with L set; a 16-bit stack.
        " mov $0x40,%eax\n mov %eax,%gs\n mov $0x48,%eax\n mov %eax,%fs\n exits\n mov %fs:0xfee00030,%eax\n"
        " mov $0x50,%eax\n mov %eax,%fs\n exits\n mov %fs:0xfee00030,%eax\n ljmp $0x50,$1f\n1: exits\n"
        " ljmp $0x48,$1f\n1: exits\n ljmp $0x28,$1f\n1: stage 4\n"
        " mov %esp,%edi\n mov $0x38,%eax\n mov %eax,%ss\n mov $0x7f00,%esp\n push $0x1234\n exits\n"
        " mov $0x10,%eax\n mov %eax,%ss\n mov %edi,%esp\n stage 5\n"
        // 32-bit paging by 4 MiB pages.
        " mov $0x10,%eax\n mov %eax,%cr4\n mov $page_table,%eax\n mov %eax,%cr3\n mov %cr0,%eax\n bts $31,%eax\n"
        " mov %eax,%cr0\n stage 6\n exits\n mov 0xfee00030,%eax\n mov %cr0,%eax\n bts $30,%eax\n mov %eax,%cr0\n"
        " exits\n btr $30,%eax\n mov %cr0,%eax\n btr $30,%eax\n btr $31,%eax\n mov %eax,%cr0\n stage 7\n"
        // PAE paging; what MOV refuses with #GP on Intel, for reserved bits in entries that are not used, AMD takes.
        " mov $0x20,%eax\n mov %eax,%cr4\n mov $pae_bad,%eax\n mov %eax,%cr3\n"
        " mov %cr0,%eax\n bts $31,%eax\n may_fault mov %eax,%cr0\n"
        " mov %cr0,%eax\n btr $31,%eax\n mov %eax,%cr0\n stage 8\n"
        " mov $pae_good,%eax\n mov %eax,%cr3\n mov %cr0,%eax\n bts $31,%eax\n bts $30,%eax\n mov %eax,%cr0\n"
        " stage 9\n exits\n mov 0xfee00030,%eax\n mov %cr0,%eax\n btr $30,%eax\n mov %eax,%cr0\n exits\n"
        " mov $pae_bad,%eax\n may_fault mov %eax,%cr3\n mov $pae_good,%eax\n mov %eax,%cr3\n stage 10\n"
        " movl $0x1e7,pae_good+8\n mov %cr0,%eax\n bts $30,%eax\n may_fault mov %eax,%cr0\n"
        " mov %cr4,%eax\n bts $7,%eax\n may_fault mov %eax,%cr4\n movl $0,pae_good+8\n"
        " mov %cr0,%eax\n btr $30,%eax\n mov %eax,%cr0\n btr $31,%eax\n mov %eax,%cr0\n stage 11\n"
        " mov %esi,gp_faults\n xor %eax,%eax\n mov %eax,%cr4\n"
        // 16-bit protected mode, real mode; FS keeps its 4 GiB.
        " cld\n mov $low_start,%esi\n mov $LOW,%edi\n mov $(low_end - low_start + 3)/4,%ecx\n rep movsl\n"
        " mov %esp,%edi\n mov $0x10,%eax\n mov %eax,%fs\n ljmp $0x30,$0\n"
        " .code16\nlow_start: exits\n mov $0x38,%ax\n mov %ax,%ss\n mov %ax,%ds\n mov %ax,%es\n mov $0x7f00,%esp\n"
        " exits\n mov %cr0,%eax\n btr $0,%eax\n mov %eax,%cr0\n ljmp $LOW>>4,$(1f - low_start)\n"
        "1: mov %cs,%ax\n mov %ax,%ds\n mov %ax,%es\n mov %ax,%ss\n exits\n addr32 mov %fs:0xfee00030,%eax\n"
        " lidtl %cs:(ivt_pointer - low_start)\n xor %esi,%esi\n"
        " int $5\n int3\n .byte 0xf1\n nop\n mov $0x7fffffff,%eax\n inc %eax\n into\n"
        " ud2\n2: mov $0xbadbad,%ecx\n rdmsr\n2:"
        " pushf\n orw $0x100,(%esp)\n popf\n nop\n cpuid\n out %al,$0x80\n pushf\n andw $0xfeff,(%esp)\n popf\n"
        " sti\n cpuid\n cli\n smsw %ax\n bts $3,%ax\n lmsw %ax\n clts\n"
        " mov %cr0,%eax\n bts $30,%eax\n mov %eax,%cr0\n exits\n btr $30,%eax\n mov %cr0,%eax\n btr $30,%eax\n"
        " bts $0,%ax\n mov %eax,%cr0\n ljmpl $0x28,$back\n"
        // UD2 and RDMSR have two bytes, and INT1 with NOP.
        "real_fault: add $0x100,%si\n mov %sp,%bp\n addw $2,(%bp)\n iret\n"
        "real_trap: inc %si\n iret\n"
        " .balign 4\nivt_pointer: .word 14*4-1\n .long LOW + (ivt - low_start)\n"
        "ivt: .rept 6\n .word real_trap - low_start, LOW>>4\n .endr\n .word real_fault - low_start, LOW>>4\n"
        " .rept 6\n .word real_trap - low_start, LOW>>4\n .endr\n .word real_fault - low_start, LOW>>4\n"
        "low_end:\n"
        " .code32\nback: mov $0x10,%eax\n mov %eax,%ds\n mov %eax,%es\n mov %eax,%ss\n mov %edi,%esp\n stage 12\n"
        " mov %esi,real_events\n"
        " mov saved_cr4,%eax\n mov %eax,%cr4\n mov saved_cr3,%eax\n mov %eax,%cr3\n mov $0xc0000080,%ecx\n rdmsr\n"
        " bts $8,%eax\n wrmsr\n mov saved_cr0,%eax\n mov %eax,%cr0\n stage 13\n exits\n ljmp $8,$3f\n"
        " .code64\n3: mov saved_rsp,%rsp\n lgdt gdt_pointer\n lidt saved_idtr\n xor %eax,%eax\n mov %eax,%fs\n"
        " mov %eax,%gs\n popfq\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
        " .code32\nfault32: inc %esi\n mov %ebp,4(%esp)\n add $4,%esp\n iret\n .code64\n"
        ".data\n .balign 8\nmode_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0, 0x00cf9b000000ffff\n"
        " .quad 0x00009b070000ffff, 0x000093070000ffff, 0x00cf97000000ffff, 0x00cf9f000000ffff, 0x00ef9b000000ffff\n"
        "mode_gdtr: .word . - mode_gdt - 1\n .quad mode_gdt\n"
        "idtr32: .word 14*8-1\n .quad idt32\n"
        ".globl idt32\n .balign 8\nidt32: .skip 14*8\n"
        ".bss\n .balign 4096\n.globl page_table, pae_bad, pae_good, pae_dirs\npage_table: .skip 4096\n"
        "pae_dirs: .skip 8192\npae_bad: .skip 32\npae_good: .skip 32\n"
        "saved_rsp: .skip 8\nsaved_cr3: .skip 8\nsaved_cr4: .skip 8\nsaved_cr0: .skip 8\nsaved_idtr: .skip 16\n"
        ".globl stage_reached, gp_faults, real_events\nstage_reached: .skip 4\ngp_faults: .skip 4\n"
        "real_events: .skip 4\n .text\n");

extern uint32_t page_table[1024], stage_reached, gp_faults, real_events;
extern uint64_t pae_bad[4], pae_good[4], pae_dirs[1024], idt32[14];
void leave_long_mode(void);
void fault32(void);

// The first 4 MiB, and what is around the APIC.
static void make_tables(void)
{
    uint64_t handler = (uint64_t)fault32;
    page_table[0] = 0x83;
    page_table[0xfee00000u >> 22] = 0xfec00083;
    pae_dirs[0] = 0x83;
    pae_dirs[1] = 0x200083;
    pae_dirs[512 + (0xfee00000u >> 21 & 511)] = 0xfee00083;
    pae_good[0] = pae_bad[0] = (uint64_t)pae_dirs | 1;
    pae_good[3] = (uint64_t)&pae_dirs[512] | 1;
    pae_bad[1] = 0xfffffffffffff1e7;
    idt32[GP] = (handler & 0xffff) | 0x28u << 16 | UINT64_C(0x8e00) << 32 | handler >> 16 << 48;
}

static void excursion(void)
{
    plan(4);
    make_tables();
    leave_long_mode();
    ok(stage_reached == 13, "through compatibility mode, three kinds of paging and real mode (stage %u)",
       stage_reached);
    // RDMSR; then each load of PAE's top entries: with paging, CR3, CR0.CD, CR4.PGE.
    ok(gp_faults == 5 || gp_faults == 1, "reserved bits in unused top entries of PAE paging: #GP %u times of 4",
       gp_faults - 1);
    ok(real_events == 0x20a || real_events == 0x309,
       "real mode: INT, INT3, INT1, INTO, 6 traps, UD2 and RDMSR (0x%x)", real_events);
    ok(rdmsr(0xc0000080) >> 8 == 5, "long mode is on again");
}

// --- every bit of the control registers ------------------------------------------------------------------------------

#define REGISTER(name)                                                                                                 \
    static void write_##name(uint64_t value)                                                                           \
    {                                                                                                                  \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                                                \
    }                                                                                                                  \
    static uint64_t read_##name(void)                                                                                  \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                                         \
        return value;                                                                                                  \
    }
REGISTER(cr0)
REGISTER(cr4)

static void write_efer(uint64_t value)
{
    wrmsr(0xc0000080, value);
}

static uint64_t read_efer(void)
{
    return rdmsr(0xc0000080);
}

static void write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0) : "memory");
}

static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

// Turns over one bit at a time; what is taken reads back as written, but for bits that nobody can change, and is put
// back. `must_fault`: no CPU takes these.
static void every_bit(const char *name, void (*write)(uint64_t), uint64_t (*read)(void), uint64_t must_fault,
                      uint64_t fixed)
{
    uint64_t old = read(), taken = 0, other = 0, differs = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t bit = UINT64_C(1) << i;
        struct caught c = catch_trap(write, old ^ bit);
        if (c.vector == TRAP_NONE) {
            cpuid(0, 0); // an exit in that state
            differs |= read() != (old ^ bit) ? bit : 0;
            taken |= bit;
            write(old);
        } else if (c.vector != GP) {
            other |= bit;
        }
    }
    diag("%s 0x%lx: taken 0x%lx, of these not kept 0x%lx", name, old, taken, differs);
    ok((taken & must_fault) == 0 && other == 0, "%s: #GP for each bit that is reserved", name);
    ok((differs & ~fixed) == 0 && read() == old, "%s: each bit that is taken is kept, and put back", name);
}

static void control_bits(void)
{
    const uint64_t high = UINT64_C(0xffffffff00000000);
    bool xsave = (cpuid(1, 0).ecx & 1u << 26) != 0;
    plan(8);
    every_bit("CR0", write_cr0, read_cr0, high | 0xa0000001, 0x1ffaffd0); // PG, NW without CD, PE
    every_bit("CR4", write_cr4, read_cr4, high | 0xfe00e020, 0);
    every_bit("EFER", write_efer, read_efer, ~UINT64_C(0xffff) | 0x1fe, 0x400);
    if (!xsave) {
        skip("no XSAVE", "XCR0");
        skip("no XSAVE", "XCR0");
        return;
    }
    write_cr4(read_cr4() | 1u << 18);
    every_bit("XCR0", write_xcr0, read_xcr0, UINT64_C(0x7ffffffffff80001), 0);
}

static const struct named_test words[] = {
    { "trap-flags", trap_flags },
    { "excursion", excursion },
    { "control-bits", control_bits },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
