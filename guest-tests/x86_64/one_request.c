// SPDX-License-Identifier: MIT
// A chip remembers one request, and nothing that was before it was set up. Timers tick while nobody takes them; then
// the guest changes what stands in their way and looks at once: what has passed is past, the next edge comes at its
// time.
// Whatever tick= says, because nobody but the guest itself has made anything late.
#include "guest-tests/lib/x86_64/devices.h"

#define IOAPIC       0xfec00000u
#define PIN_PIT      2u
#define PIN_HPET     20u
#define ENTRY_MASKED 0x10000u
#define ACTIVE_LOW   0x02000u
#define VECTOR_OLD   0x80u
#define VECTOR_NEW   0x91u

#define HPET         0xfed00000u
#define HPET_CONFIG  0x010u
#define HPET_COUNTER 0x0f0u
#define HPET_TIMER   0x120u // timer 1
#define HPET_COMPARE 0x128u
#define HPET_MS      10000u // ticks of its counter
#define T_PERIODIC   0x14cu // 32 bits, periodic, the comparator is meant, interrupts on

#define OCW3_IRR     0x0au
#define OCW3_POLL    0x0cu
#define MS           1193u // clocks of the PIT

static uint64_t us(uint64_t count)
{
    return count * (platform.counter_hz / 1000000);
}

static unsigned pic_irr(void)
{
    outb(0x20, OCW3_IRR);
    return inb(0x20);
}

static unsigned apic_irr(unsigned vector)
{
    return lapic_read(APIC_IRR + vector / 32 * 16) >> vector % 32 & 1;
}

static void route(unsigned pin, uint32_t low)
{
    write32(IOAPIC, 0x11 + 2 * pin);
    write32(IOAPIC + 0x10, lapic_read(APIC_ID) & 0xff000000);
    write32(IOAPIC, 0x10 + 2 * pin);
    write32(IOAPIC + 0x10, low);
}

static void take(struct trap *trap)
{
    (void)trap;
    lapic_write(APIC_EOI, 0);
}

// --- what has passed is past ----------------------------------------------------------------------------------------

static void test_initialisation(void)
{
    pic_init(0);
    uint64_t origin = pit_start(0, 2, 10 * MS);
    wait_until(pit_stamp(origin, 35 * MS));
    unsigned before = pic_irr() & 1;
    pic_init(0);
    unsigned at_once = pic_irr() & 1;
    wait_until(pit_stamp(origin, 40 * MS) + us(1));
    unsigned later = pic_irr() & 1;
    ok(before == 1, "three edges at a masked input are one request");
    ok(at_once == 0, "ICW1 forgets it, and none of the others comes after");
    ok(later == 1, "the next edge is a request again");
}

static void test_poll(void)
{
    pic_init(1);
    uint64_t origin = pit_start(0, 2, 10 * MS);
    wait_until(pit_stamp(origin, 35 * MS));
    outb(0x20, OCW3_POLL);
    unsigned polled = inb(0x20), at_once = pic_irr() & 1;
    outb(0x20, OCW3_POLL);
    unsigned again = inb(0x20);
    wait_until(pit_stamp(origin, 40 * MS) + us(1));
    ok(polled == 0x80 && !at_once && !again, "a poll takes one of three edges (0x%x), then none is there", polled);
    ok(pic_irr() & 1, "until the next");
    pic_eoi(0);
    pic_init(0);
}

// The pin gets another vector while the old one waits.
static void test_entry(const char *name, unsigned pin, uint32_t polarity, uint64_t due, uint64_t next)
{
    wait_until(due);
    unsigned waits = apic_irr(VECTOR_OLD);
    route(pin, polarity | VECTOR_NEW);
    unsigned at_once = apic_irr(VECTOR_NEW);
    wait_until(next - us(100));
    unsigned before = apic_irr(VECTOR_NEW);
    wait_until(next + us(2));
    ok(waits && !at_once && !before, "%s: a new vector for the pin brings no edge of the past", name);
    ok(apic_irr(VECTOR_NEW), "%s: the next edge comes to it", name);
    route(pin, ENTRY_MASKED);
    interrupts_on();
    wait_until(rdtsc() + 1000);
    interrupts_off();
}

static void test_entries(void)
{
    route(PIN_PIT, VECTOR_OLD);
    uint64_t origin = pit_start(0, 2, 10 * MS);
    test_entry("PIT", PIN_PIT, 0, pit_stamp(origin, 35 * MS), pit_stamp(origin, 40 * MS));
    pit_start(0, 0, 0);

    route(PIN_HPET, ACTIVE_LOW | VECTOR_OLD);
    write32(HPET + HPET_CONFIG, 0);
    write32(HPET + HPET_COUNTER, 0);
    write32(HPET + HPET_COUNTER + 4, 0);
    write32(HPET + HPET_TIMER, PIN_HPET << 9 | T_PERIODIC);
    write32(HPET + HPET_COMPARE, 10 * HPET_MS);
    write32(HPET + HPET_COMPARE, 10 * HPET_MS);
    origin = write32_stamp(HPET + HPET_CONFIG, 1);
    test_entry("HPET", PIN_HPET, ACTIVE_LOW, origin + us(35000), origin + us(40000));
    write32(HPET + HPET_CONFIG, 0);
}

// --- one is remembered ----------------------------------------------------------------------------------------------

static volatile uint64_t taken, spurious, nmis;

static void count_apic(struct trap *trap)
{
    (void)trap;
    taken++;
    lapic_write(APIC_EOI, 0);
}

static void count_pic(struct trap *trap)
{
    (void)trap;
    taken++;
    pic_eoi(0);
}

static void count_spurious(struct trap *trap)
{
    (void)trap;
    spurious++;
}

static void count_nmi(struct trap *trap)
{
    (void)trap;
    nmis++;
}

// With interrupts on for so long: how many came?
static uint64_t come(uint64_t cycles)
{
    uint64_t end = rdtsc() + cycles; // the handlers' time counts, too
    taken = spurious = 0;
    interrupts_on();
    while (rdtsc() < end)
        ;
    interrupts_off();
    return taken;
}

static uint64_t start_apic(void)
{
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    return lapic_write_stamp(APIC_TMICT, (uint32_t)(board.apic_hz / 1000));
}

static void test_apic(void)
{
    uint64_t origin = start_apic();
    wait_until(origin + us(20500));
    lapic_write(APIC_LVTT, LVT_MASKED | LVT_PERIODIC | VECTOR_TIMER);
    uint64_t masked = come(us(5000));
    wait_until(origin + us(26400));
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    uint64_t unmasked = come(us(100)), next = come(us(1000));
    ok(masked == 1, "APIC: of 20 periods with interrupts off one comes, also when it is masked (%lu)", masked);
    ok(unmasked == 0 && next == 1, "none when it is unmasked, until the next period (%lu, %lu)", unmasked, next);
    lapic_write(APIC_TPR, 0xf0);
    origin = start_apic();
    come(us(20500));
    lapic_write(APIC_TPR, 0);
    uint64_t behind = come(us(100));
    ok(behind == 1, "of 20 periods behind the task priority one comes (%lu)", behind);
    lapic_timer_stop();
}

static volatile uint64_t slow; // the next one takes its time

static void count_slowly(struct trap *trap)
{
    taken++;
    if (slow != 0)
        wait_until(rdtsc() + us(5500));
    slow = 0;
    if (trap->vector == VECTOR_TIMER)
        lapic_write(APIC_EOI, 0);
    else
        pic_eoi(0);
}

static void test_slow_handler(void)
{
    trap_set(VECTOR_TIMER, count_slowly);
    trap_set(VECTOR_PIC, count_slowly);
    slow = 1;
    uint64_t origin = start_apic();
    wait_until(origin + us(900));
    uint64_t came = come(us(6000)); // at 1 ms, for 5.5 ms; one waits after it
    ok(came == 2, "APIC: five periods in a handler are one more interrupt (%lu)", came);
    lapic_timer_stop();
    pic_init(1);
    slow = 1;
    origin = pit_start(0, 2, MS);
    wait_until(pit_stamp(origin, MS) - us(100));
    came = come(us(6000));
    ok(came == 2, "PIT: five periods in a handler are one more interrupt (%lu)", came);
    pic_init(0);
    trap_set(VECTOR_TIMER, count_apic);
    trap_set(VECTOR_PIC, count_pic);
}

static void test_pic(void)
{
    pic_init(1);
    uint64_t origin = pit_start(0, 2, MS);
    wait_until(pit_stamp(origin, 20 * MS) + us(500));
    outb(0x21, 0xff);
    uint64_t masked = come(us(5000));
    outb(0x21, 0xfe);
    uint64_t unmasked = come(us(50)), next = come(us(1000));
    ok(masked == 0, "PIT: 20 periods with interrupts off, then masked: none comes (%lu)", masked);
    ok(unmasked == 1 && next == 1, "unmasked the one that the 8259 has, then the next (%lu, %lu)", unmasked, next);
    wait_until(rdtsc() + us(20000));
    pit_start(0, 2, 10 * MS);
    uint64_t anew = come(us(5000));
    ok(anew == 1, "started anew, the one that the 8259 has (%lu)", anew);
    wait_until(rdtsc() + us(20000));
    pit_start(0, 0, 10 * MS);
    uint64_t low = come(us(5000));
    ok(low == 0 && spurious == 0, "a control word that takes OUT down takes the request with it (%lu)", low);
    pic_init(0);
}

// --- an output is a level -------------------------------------------------------------------------------------------

// A square wave of 10 ms: the request is there in its upper half, unless it was taken.
static void test_wave(void)
{
    unsigned high = 0, low = 0;
    pic_init(0);
    uint64_t origin = pit_start(0, 3, 10 * MS);
    for (unsigned k = 1; k <= 5; k++) {
        wait_until(pit_stamp(origin, k * 10 * MS) + us(1));
        high += pic_irr() & 1;
        wait_until(pit_stamp(origin, k * 10 * MS + 5 * MS) - us(5));
        high += pic_irr() & 1;
        wait_until(pit_stamp(origin, k * 10 * MS + 5 * MS) + us(1));
        low += pic_irr() & 1;
        wait_until(pit_stamp(origin, (k + 1) * 10 * MS) - us(5));
        low += pic_irr() & 1;
    }
    ok(high == 10 && low == 0, "who polls the IRR sees the wave (%u of 10, %u of 0)", high, low);
    pic_init(1);
    origin = pit_start(0, 3, 10 * MS);
    wait_until(pit_stamp(origin, 26 * MS));
    uint64_t gone = come(us(1000));
    ok(gone == 0 && spurious == 0, "a request that was withdrawn is none (%lu, %lu spurious)", gone, spurious);
    wait_until(pit_stamp(origin, 29 * MS));
    uint64_t next = come(us(2000));
    ok(next == 1, "the next comes (%lu)", next);
    pic_init(0);
    pit_start(0, 0, 0);
}

// The 8259 at LINT0 without an acknowledge cycle: its output follows OUT, and each edge counts.
static void test_lint0(void)
{
    pic_init(1);
    lapic_write(APIC_LINT0, VECTOR_OLD);
    trap_set(VECTOR_OLD, count_apic);
    uint64_t origin = pit_start(0, 2, MS);
    come(us(100)); // OUT went up with the mode
    wait_until(pit_stamp(origin, MS) - us(100));
    uint64_t fixed = come(us(5000)), back = taken;
    wait_until(pit_stamp(origin, 20 * MS) + us(500));
    uint64_t one = come(us(100));
    lapic_write(APIC_LINT0, LVT_MASKED | VECTOR_OLD);
    uint64_t masked = come(us(3000));
    lapic_write(APIC_LINT0, VECTOR_OLD);
    uint64_t unmasked = come(us(100));
    nmis = 0;
    lapic_write(APIC_LINT0, 0x400);
    wait_until(rdtsc() + us(5000));
    lapic_write(APIC_LINT0, 0x200);
    uint64_t each = nmis;
    nmis = 0;
    uint64_t smi = come(us(2000));
    lapic_write(APIC_LINT0, 0x500);
    uint64_t init = come(us(2000));
    // Said at last: on a clock on which printing takes time, a period in between would be one that nobody took.
    ok(fixed == 5 && back == 5, "LINT0 as a vector: an interrupt each period (%lu of 5)", fixed);
    ok(one == 1, "of those that nobody took one is remembered (%lu)", one);
    ok(masked == 0 && unmasked == 0, "masked none, and none after (%lu, %lu)", masked, unmasked);
    ok(each == 5, "LINT0 as NMI: one each period (%lu of 5)", each);
    ok(smi == 0 && init == 0 && nmis == 0, "LINT0 as SMI and INIT: nothing (%lu, %lu, %lu)", smi, init, nmis);
    pit_start(0, 0, 0);
    pic_init(0);
    lapic_write(APIC_LINT0, 0x700);
}

void test_main(void)
{
    plan_exact(3 + 2 + 4 + 3 + 2 + 4 + 3 + 5);
    lapic_init(false);
    trap_set(2, count_nmi);
    trap_set(VECTOR_OLD, take);
    trap_set(VECTOR_NEW, take);
    trap_set(VECTOR_TIMER, count_apic);
    trap_set(VECTOR_PIC, count_pic);
    trap_set(VECTOR_PIC + 7, count_spurious);
    trap_set(VECTOR_SPURIOUS, count_spurious);
    test_initialisation();
    test_poll();
    test_entries();
    test_apic();
    test_slow_handler();
    test_pic();
    test_wave();
    test_lint0();
}
