// SPDX-License-Identifier: MIT
// Interrupts where they are least expected, one kind a run, named by a word of the command line: NMIs that wake, that
// meet a trap or an interrupt shadow, storms on vectors that do not exist, an 8259 without EOIs behind the IOAPIC.
#include "guest-tests/lib/x86_64/devices.h"

#define HPET         0xfed00000u
#define HPET_CONFIG  0x010u
#define HPET_COUNTER 0x0f0u
#define HPET_TIMER   0x120u // timer 1
#define HPET_COMPARE 0x128u
#define HPET_PIN     20u
#define T_INTERRUPT  0x004u
#define T_PERIODIC   0x008u
#define T_SET_VALUE  0x040u
#define T_32_BITS    0x100u

#define IOAPIC       0xfec00000u
#define DELIVER_NMI  0x00400u
#define DELIVER_EXTINT 0x00700u
#define ENTRY_MASKED 0x10000u
#define NMI          2u
#define ESR_RECEIVED 0x40u
#define TF           0x100u

static struct record nmis;

static void note_nmi(struct trap *trap)
{
    nmis.count++;
    nmis.stamp = trap->stamp;
    nmis.pc = trap->cpu->rip;
}

static void route(unsigned pin, uint32_t low)
{
    write32(IOAPIC, 0x11 + 2 * pin);
    write32(IOAPIC + 0x10, 0);
    write32(IOAPIC, 0x10 + 2 * pin);
    write32(IOAPIC + 0x10, low);
}

// Timer 1 as the source of NMIs, silent so far.
static void nmi_init(void)
{
    pic_init(0);
    lapic_init(false);
    trap_set(NMI, note_nmi);
    write32(HPET + HPET_TIMER, HPET_PIN << 9);
    write32(HPET + HPET_CONFIG, 1);
    route(HPET_PIN, DELIVER_NMI);
}

// One NMI, so many ticks of the HPET from now; the tick is a multiple of its period in V.
static void nmi_after(uint32_t ticks)
{
    write32(HPET + HPET_TIMER, HPET_PIN << 9 | T_INTERRUPT | T_32_BITS);
    write32(HPET + HPET_COMPARE, read32(HPET + HPET_COUNTER) + ticks);
}

// --- the words ------------------------------------------------------------------------------------------------------

static void nmi_wakes(void)
{
    plan(1);
    nmi_init();
    interrupts_off();
    nmi_after(1000);
    __asm__ volatile("hlt" : : : "memory");
    ok(nmis.count == 1, "an NMI wakes a CPU that is halted with interrupts off (%lu)", nmis.count);
}

static volatile uint64_t nmis_at_trap, traps;

static void single_step(struct trap *trap)
{
    if (traps++ == 0)
        nmis_at_trap = nmis.count;
    trap->cpu->rflags &= ~(uint64_t)TF;
}

// The write that sends the NMI is itself stepped: its #DB goes in first, and the NMI after it at once.
static void nmi_at_trap(void)
{
    plan(2);
    nmi_init();
    trap_set(1, single_step);
    __asm__ volatile("pushfq\n\torl %0, (%%rsp)\n\tpopfq\n\tmovl %1, (%2)\n\tnop"
                     :
                     : "i"(TF), "r"(0x44400), "r"(0xfee00300ul)
                     : "memory", "cc");
    ok(traps != 0 && nmis.count == 1, "one NMI, and the trap of its sender (%lu, %lu)", nmis.count, traps);
    ok_exact(nmis_at_trap == 1, "the NMI does not wait for the handler of the trap");
}


// SDM 3A 6.8.3: after MOV SS no NMI comes before the next instruction is over, which loads the stack pointer.
static __attribute__((noinline)) void change_stacks(uint64_t count)
{
    __asm__ volatile("mov %%ss, %%eax\n"
                     "1:\tdec %0\n\tjnz 1b\n"
                     ".rept 40\n\tmov %%eax, %%ss\n\tnop\n.endr\n"
                     : "+r"(count)
                     :
                     : "rax", "memory", "cc");
}

static void nmi_in_shadow(void)
{
    uint64_t wrong = 0, came = 0;
    plan(2);
    nmi_init();
    for (unsigned i = 0; i < 60; i++) {
        nmis = (struct record){ 0 };
        nmi_after(40);
        change_stacks(1500 + i * 13);
        wait_until(rdtsc() + 10000);
        const uint8_t *before = (const uint8_t *)nmis.pc - 2;
        came += nmis.count == 1;
        wrong += nmis.count == 1 && before[0] == 0x8e && before[1] == 0xd0;
    }
    ok(came == 60, "an NMI each time (%lu of 60)", came);
    ok_exact(wrong == 0, "none between MOV SS and the instruction behind it (%lu)", wrong);
}

static volatile uint64_t lines[8];

static void note_line(struct trap *trap)
{
    lines[trap->vector & 7]++;
}

// The 8259 at pin 0 of the IOAPIC as an edge, with automatic EOI: two of its lines rise, and each acknowledge cycle
// drops its output and, while there is a request, raises it again.
static void extint_edges(void)
{
    plan(1);
    lapic_init(false);
    lapic_write(APIC_LINT0, LVT_MASKED);
    outb(0x20, 0x11);
    outb(0x21, VECTOR_PIC);
    outb(0x21, 0x04);
    outb(0x21, 0x03);
    outb(0x21, 0xff & ~0x11);
    for (unsigned i = 0; i < 8; i++)
        trap_set(VECTOR_PIC + i, note_line);
    route(0, DELIVER_EXTINT);
    pit_start(0, 0, 100);
    wait_until(rdtsc() + 200000);
    outb(0x3f9, 2); // the transmitter is empty: line 4
    outb(0x3fc, 0x0b);
    interrupts_on();
    wait_until(rdtsc() + 10000);
    interrupts_off();
    outb(0x3f9, 0);
    ok(lines[0] == 1 && lines[4] == 1, "both lines came (%lu, %lu)", lines[0], lines[4]);
}

// Vectors 0 to 15 come to nothing but a bit of the ESR, at any rate. Here a tick per cycle of the guest.
static void illegal_vector(void)
{
    plan(3);
    pic_init(0);
    lapic_init(false);
    lapic_divide(1);
    lapic_write(APIC_LVTT, LVT_PERIODIC | 5);
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    lapic_write(APIC_TMICT, 1);
    wait_until(rdtsc() + 100000);
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits : 0;
    lapic_write(APIC_ESR, 0);
    ok(lapic_read(APIC_ESR) & ESR_RECEIVED, "the APIC has noted an illegal vector");
    wait_until(rdtsc() + 1000);
    lapic_write(APIC_ESR, 0);
    ok(lapic_read(APIC_ESR) & ESR_RECEIVED, "and the next one, once it was asked");
    lapic_timer_stop();
    ok(exits < 100, "and the guest ran meanwhile (%lu exits)", exits);
}

// SDM 3A 11.5.4.1: the MSR reads 0 once the deadline has passed, whatever becomes of the interrupt.
static void masked_deadline(void)
{
    plan(2);
    pic_init(0);
    lapic_init(false);
    lapic_write(APIC_LVTT, LVT_DEADLINE | LVT_MASKED | VECTOR_TIMER);
    wrmsr(MSR_DEADLINE, rdtsc() + 10000);
    ok(rdmsr(MSR_DEADLINE) != 0, "a deadline to come reads back");
    wait_until(rdtsc() + 20000);
    ok(rdmsr(MSR_DEADLINE) == 0, "a masked one that has passed reads 0 (0x%lx)", rdmsr(MSR_DEADLINE));
}

// NMIs as fast as they can be made: the CPU takes one at a time, and what it interrupts goes on.
static void nmi_storm(void)
{
    plan(1);
    nmi_init();
    write32(HPET + HPET_TIMER, HPET_PIN << 9 | T_INTERRUPT | T_PERIODIC | T_SET_VALUE | T_32_BITS);
    write32(HPET + HPET_COMPARE, read32(HPET + HPET_COUNTER) + 10);
    write32(HPET + HPET_COMPARE, 1);
    wait_until(rdtsc() + 1000000);
    write32(HPET + HPET_TIMER, HPET_PIN << 9);
    ok(nmis.count > 100, "a million cycles under a storm of NMIs (%lu)", nmis.count);
}

static const struct named_test words[] = {
    { "nmi-wakes", nmi_wakes },
    { "nmi-at-trap", nmi_at_trap },
    { "nmi-in-shadow", nmi_in_shadow },
    { "nmi-storm", nmi_storm },
    { "extint-edges", extint_edges },
    { "illegal-vector", illegal_vector },
    { "masked-deadline", masked_deadline },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
