// SPDX-License-Identifier: MIT
// Nonsense said to devices and MSRs, one kind a run, named by a word of the command line: bad_guest.c's other half.
//
// The guest gets what hardware would give it or is ended with a record; the monitor goes on. tests.cfg has what is
// expected.
#include "guest-tests/lib/x86_64/devices.h"

#define GP 13u

static uint8_t buffer[3 * 4096] __attribute__((aligned(4096)));

// Ports that end the run or the console when written: those are meant to.
static bool spared_port(uint32_t port)
{
    return (port >= 0xf4 && port < 0xf8) || (port >= 0x3f8 && port < 0x400) || (port >= 0xcf8 && port < 0xd00) ||
           port == 0x92 || port == 0x64 || port == 0xe9 ||
           (port >= board.pm_event_port && port < board.pm_event_port + 8u) || port == 0xb2;
}

static void bad_all_ports(void)
{
    uint64_t sum = 0;
    plan(1);
    for (uint32_t port = 0; port < 0x10000; port++) {
        uint16_t p = (uint16_t)port;
        if (spared_port(port) || spared_port(port + 1) || spared_port(port + 3))
            continue;
        sum += inb(p) + inw(p) + inl(p);
        outb(p, 0xff);
        outw(p, 0xffff);
        outl(p, 0xffffffff);
        outb(p, 0);
        outl(p, 0);
    }
    diag("sum of everything read: 0x%lx", sum);
    pic_init(0);
    ok(true, "every port was read and written, in three sizes");
}

static uint64_t msr_value;

static void read_msr(uint64_t msr)
{
    msr_value = rdmsr((uint32_t)msr);
}

static void write_msr_back(uint64_t msr)
{
    wrmsr((uint32_t)msr, msr_value);
}

static void write_msr_ones(uint64_t msr)
{
    wrmsr((uint32_t)msr, UINT64_MAX);
}

static void write_msr_zero(uint64_t msr)
{
    wrmsr((uint32_t)msr, 0);
}

static void one_range(uint32_t first, uint32_t count, uint64_t counts[4])
{
    for (uint32_t msr = first; msr < first + count; msr++) {
        msr_value = 0;
        counts[0] += catch_trap(read_msr, msr).vector != TRAP_NONE;
        counts[1] += catch_trap(write_msr_back, msr).vector != TRAP_NONE;
        if (msr == MSR_APIC_BASE || msr == 0xc0000080)
            continue; // these have their own words
        counts[2] += catch_trap(write_msr_ones, msr).vector != TRAP_NONE;
        counts[3] += catch_trap(write_msr_zero, msr).vector != TRAP_NONE;
        catch_trap(write_msr_back, msr);
    }
}

static void bad_all_msrs(void)
{
    static const uint32_t ranges[][2] = { { 0, 0x1000 },         { 0x40000000, 0x100 }, { 0x4b564cf0, 0x40 },
                                          { 0xc0000000, 0x400 }, { 0xc0010000, 0x400 }, { 0xfffffff0, 0xf } };
    uint64_t counts[4] = { 0 };
    plan(2);
    for (unsigned i = 0; i < ARRAY_LENGTH(ranges); i++)
        one_range(ranges[i][0], ranges[i][1], counts);
    diag("faults: %lu reading, %lu writing back, %lu writing ones, %lu writing 0", counts[0], counts[1], counts[2],
         counts[3]);
    ok(true, "every MSR was read and written");
    if (platform.escapement)
        ok(counts[0] > 0x1000, "unknown MSRs fault when read");
    else
        skip("another emulator's choice", "unknown MSRs fault when read");
}

static void set_apic_base(uint64_t base)
{
    wrmsr(MSR_APIC_BASE, base);
}

static void bad_apic_over_itself(void)
{
    static const uint64_t bases[] = { 0x100000, 0x0, 0x1000, 0xfffffffffffff000, 0x00000000fec00000, 0x7ff000 };
    uint64_t old = rdmsr(MSR_APIC_BASE);
    plan(2);
    for (unsigned i = 0; i < ARRAY_LENGTH(bases); i++) {
        uint64_t base = bases[i] | (old & 0xfff);
        struct caught c = catch_trap(set_apic_base, base);
        uint64_t reads = rdmsr(MSR_APIC_BASE);
        set_apic_base(old);
        diag("APIC base 0x%lx: %s, reads back 0x%lx", base, c.vector == TRAP_NONE ? "accepted" : "faults", reads);
    }
    ok(rdmsr(MSR_APIC_BASE) == old, "the APIC is back at 0x%lx", old);
    lapic_init(false);
    ok(lapic_read(APIC_SVR) == 0x1ff, "and answers there");
}

static volatile uint64_t storm_ticks;

static void storm_tick(struct trap *trap)
{
    storm_ticks++;
    if (trap->vector == VECTOR_TIMER)
        lapic_write(APIC_EOI, 0);
    else
        pic_eoi(0);
    if (storm_ticks > 5000) {
        ok(true, "%lu interrupts of a storm that never stops", storm_ticks);
        finish();
    }
}

static void bad_storm(void)
{
    plan(1);
    lapic_init(false);
    pic_init(1);
    trap_set(VECTOR_TIMER, storm_tick);
    trap_set(VECTOR_PIC, storm_tick);
    trap_set(VECTOR_PIC + 7, storm_tick);
    lapic_write(APIC_LVTT, LVT_PERIODIC | VECTOR_TIMER);
    lapic_write(APIC_TMICT, 1);
    pit_start(0, 2, 2);
    for (;;)
        interrupts_on();
}

static void bad_pvclock(uint64_t address, const char *what)
{
    struct caught c = catch_trap(write_msr_back, (msr_value = address, MSR_KVM_SYSTEM_TIME));
    diag("clock page at 0x%lx (%s): %s", address, what,
         c.vector == GP          ? "#GP"
         : c.vector == TRAP_NONE ? "accepted"
                                 : "other");
    ok(c.vector == GP || c.vector == TRAP_NONE, "a clock page that is %s: #GP or nothing", what);
    msr_value = address & ~UINT64_C(1);
    c = catch_trap(write_msr_back, MSR_KVM_WALL_CLOCK);
    ok(c.vector == GP || c.vector == TRAP_NONE, "the wall clock there: #GP or nothing");
    wait_until(rdtsc() + 100000);
}

static void bad_pvclock_unmapped(void)
{
    plan(4);
    bad_pvclock(0x7fffff000001, "in no memory");
    bad_pvclock(0xfffffffffffffffd, "at the end of all addresses");
}

static void bad_pvclock_unaligned(void)
{
    plan(4);
    bad_pvclock((uint64_t)buffer + 3, "unaligned by two");
    bad_pvclock(0xfee00001, "the APIC's page");
}

static void bad_pvclock_crossing(void)
{
    plan(4);
    bad_pvclock(((uint64_t)buffer + 4096 - 16) | 1, "across two pages");
    bad_pvclock((16u << 20) - 15, "across the end of memory");
}

static volatile unsigned timer_ticks;

static void count_tick(struct trap *trap)
{
    (void)trap;
    timer_ticks++;
    lapic_write(APIC_EOI, 0);
}

// A timer of minutes, then one of a microsecond. A monitor that delays ticks by the old period would go through all of
// the short ones in between, one after the other.
static void bad_period_change(void)
{
    plan(1);
    pic_init(0);
    lapic_init(false);
    trap_set(VECTOR_TIMER, count_tick);
    lapic_divide(128);
    lapic_write(APIC_LVTT, VECTOR_TIMER | LVT_PERIODIC);
    lapic_write(APIC_TMICT, 1000000000);
    halt_until_interrupt();
    lapic_divide(1);
    lapic_write(APIC_TMICT, 1000);
    uint64_t start = rdtsc();
    halt_until_interrupt();
    uint64_t waited = rdtsc() - start;
    lapic_timer_stop();
    ok(timer_ticks == 2 && waited < 10000, "the second period counts from its start (%u ticks, the last after %lu)",
       timer_ticks, waited);
}

// A deadline as late as the clock goes: a halted guest is taken there at once. What follows must not wrap.
static void bad_end_of_time(void)
{
    plan(1);
    lapic_init(false);
    pic_init(0);
    pit_start(0, 2, 1000);
    trap_set(VECTOR_TIMER, count_tick);
    lapic_write(APIC_LVTT, VECTOR_TIMER | LVT_DEADLINE);
    wrmsr(MSR_DEADLINE, (UINT64_C(1) << 62) - 100);
    halt_until_interrupt();
    diag("the guest's clock is at 0x%lx", rdtsc());
    wait_until(rdtsc() + 100000);
    ok(false, "still here");
}

static const struct named_test words[] = {
    { "all-ports", bad_all_ports },
    { "all-msrs", bad_all_msrs },
    { "apic-over-itself", bad_apic_over_itself },
    { "storm", bad_storm },
    { "pvclock-unmapped", bad_pvclock_unmapped },
    { "pvclock-unaligned", bad_pvclock_unaligned },
    { "pvclock-crossing", bad_pvclock_crossing },
    { "period-change", bad_period_change },
    { "end-of-time", bad_end_of_time },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
