// SPDX-License-Identifier: MIT
// The KVM clock page: enabling, the version protocol, M14 (what a read costs), M16 (never fast, < 0.5 ppb slow),
// disabling.
#include "guest-tests/lib/x86_64/devices.h"

#define CLAIMS 15u

static struct pvclock pages[2] __attribute__((aligned(64)));
static struct wall_clock wall __attribute__((aligned(64)));
#define page (pages[0])

// The reader on its own, so that it is measured as a caller meets it.
static __attribute__((noinline)) uint64_t read_clock(void)
{
    return pvclock_read(&page);
}

static __attribute__((noinline)) uint64_t read_nothing(void)
{
    __asm__ volatile("");
    return 0;
}

// RDTSC, call, RDTSC, less the same around an empty function.
static uint64_t cost_of(uint64_t (*function)(void))
{
    uint64_t start = rdtsc();
    __asm__ volatile("" : : : "memory");
    function();
    __asm__ volatile("" : : : "memory");
    return rdtsc() - start;
}

static void test_enable(void)
{
    uint64_t before = rdmsr(0x10);
    wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
    uint64_t after = rdmsr(0x10);
    ok(page.version != 0 && !(page.version & 1), "enabling fills the page; its version %u is even", page.version);
    ok(page.tsc_timestamp >= before && page.tsc_timestamp <= after, "its timestamp is the moment of the WRMSR");
    ok(page.flags & 1, "TSC_STABLE is set");
    ok(page.mul >= 1u << 31, "the multiplier 0x%08x, shift %d is normalised", page.mul, page.shift);
    ok(rdmsr(MSR_KVM_SYSTEM_TIME) == ((uint64_t)&page | 1), "the MSR reads back");
    uint64_t exact = mul_div_floor(page.tsc_timestamp, 1000000000, platform.counter_hz);
    diag("system_time %lu ns at TSC %lu, V in ns %lu", page.system_time, page.tsc_timestamp, exact);
    ok_exact(page.system_time == exact, "system_time is V in whole nanoseconds");
}

static void test_cost(void)
{
    struct spread spread = { 0 };
    uint64_t exits = platform.oracle ? oracle(ORACLE_EXITS, 0) : 0;
    for (unsigned i = 0; i < 1000; i++)
        spread_add(&spread, (int64_t)(cost_of(read_clock) - cost_of(read_nothing)));
    exits = platform.oracle ? oracle(ORACLE_EXITS, 0) - exits - 1 : 0;
    // The empty function shares call and return with the reader, so one instruction (its own) is added back: none is
    // left.
    diag("M14 pvclock read: %ld to %ld instructions, %lu exits in 1000 reads", spread.min, spread.max, exits);
    ok_counted(spread.max <= 30, "M14 a read takes at most 30 instructions");
    if (platform.oracle)
        ok(exits <= 1, "M14 a thousand reads cause no exit (%lu, the slice's own end allowed)", exits);
    else
        skip("no exit counter here", "M14 no exit");
}

static void acknowledge(void)
{
    lapic_write(APIC_EOI, 0);
}

// M16 over tens of seconds of V: halting, then comparing with the exact ratio.
static void test_rate(unsigned halts)
{
    uint64_t worst_fast = 0, last = 0;
    bool monotone = true;
    lapic_init(false);
    trap_record(VECTOR_TIMER, acknowledge);
    lapic_write(APIC_LVTT, VECTOR_TIMER);
    uint64_t tsc = 0, ns = 0, start_tsc = page.tsc_timestamp, start_ns = page.system_time;
    for (unsigned i = 0; i < halts; i++) {
        lapic_write(APIC_TMICT, 4000000000u);
        halt_until_interrupt();
        tsc = rdtsc();
        ns = pvclock_at(&page, tsc);
        uint64_t exact = start_ns + mul_div_floor(tsc - start_tsc, 1000000000, platform.counter_hz);
        worst_fast = ns > exact && ns - exact > worst_fast ? ns - exact : worst_fast;
        monotone = monotone && ns > last;
        last = ns;
    }
    uint64_t elapsed = mul_div_floor(tsc - start_tsc, 1000000000, platform.counter_hz);
    uint64_t slow = start_ns + elapsed - ns;
    diag("M16 after %lu ms: slow by %lu ns = %lu ppt, fast by at most %lu ns", elapsed / 1000000, slow,
         mul_div_floor(slow, 1000000000000, elapsed), worst_fast);
    ok(worst_fast == 0, "M16 the page's clock is never fast");
    ok((slow ? slow - 1 : 0) * 2000000000u <= elapsed, "M16 and slow by less than 0.5 ppb (and one rounded ns)");
    ok(monotone, "system time rises from read to read");
    ok(!(page.version & 1), "the version is even whenever the guest looks");
}

static void test_wall(void)
{
    wall = (struct wall_clock){ 0 };
    wrmsr(MSR_KVM_WALL_CLOCK, (uint64_t)&wall);
    // Not which second: that is when the host's boot loader had ended, and the console is compared with another's.
    diag("wall clock: version %u, %u ns into a second", wall.version, wall.nsec);
    ok(!(wall.version & 1) && wall.version && wall.sec > 946684800 && wall.nsec < 1000000000,
       "the wall clock's page is filled with a time after the year 2000");
}

static void test_move_and_disable(void)
{
    wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&pages[1] | 1);
    uint64_t tsc = rdtsc();
    uint64_t old = pvclock_at(&pages[0], tsc), new = pvclock_at(&pages[1], tsc);
    diag("the old page says %lu, the new one %lu", old, new);
    ok(new >= old && (new - old <= 1 || (new - old - 1) * 2000000000u <= old),
       "moving the page moves no clock (at most 1 ns, and the 0.5 ppb that the old one was slow)");
    wrmsr(MSR_KVM_SYSTEM_TIME, 0);
    page = (struct pvclock){ 0 };
    wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page); // bit 0 clear: still disabled
    ok(page.version == 0 && page.tsc_timestamp == 0, "a disabled page is not written");
}

void test_main(void)
{
    plan(CLAIMS);
    if (!pvclock_present()) {
        for (unsigned i = 0; i < CLAIMS; i++)
            skip("no clock page here", "pvclock %u", i);
        return;
    }
    test_enable();
    test_cost();
    test_rate(16);
    test_wall();
    test_move_and_disable();
}
