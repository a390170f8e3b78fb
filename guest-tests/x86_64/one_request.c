// SPDX-License-Identifier: MIT
// A chip remembers one request, and nothing that was before it was set up. Timers tick while nobody takes them; then
// the guest changes what stands in their way and looks at once: what has passed is past, the next edge comes at its
// time.
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

void test_main(void)
{
    plan(3 + 2 + 4);
    lapic_init(false);
    trap_set(VECTOR_OLD, take);
    trap_set(VECTOR_NEW, take);
    test_initialisation();
    test_poll();
    test_entries();
}
