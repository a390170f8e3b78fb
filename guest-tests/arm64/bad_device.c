// SPDX-License-Identifier: MIT
// Accesses that no driver makes: every offset of the PL011 and the PL031 at every width, and instructions that a
// monitor cannot be told about by the syndrome. One piece of nonsense a run, named by a word of the command line.
//
// DDI 0487, D17.2.37: a data abort to EL2 describes loads and stores of one general register. Of pairs, vectors,
// write-back and atomics it says nothing: the guest gets its abort, the access is made, or the VM is ended with a
// record.
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/arm64/gic.h"

#define NOBODY   0x3f000000u
#define UARTCR   0x030u
#define UARTIBRD 0x024u
#define UARTFBRD 0x028u
#define UARTLCR  0x02cu
#define UARTIMSC 0x038u
#define UARTICR  0x044u
#define RTCLR    0x008u
#define RTCDR    0x000u
#define RTCMR    0x004u
#define RTCIMSC  0x010u

static bool still_exact(void)
{
    uint64_t target = counter_read() + 10000;
    return wait_until(target) == target || !platform.counted;
}

static void load8(uint64_t at)
{
    (void)*(volatile uint8_t *)at;
}

static void load16(uint64_t at)
{
    (void)*(volatile uint16_t *)at;
}

static void load32(uint64_t at)
{
    (void)*(volatile uint32_t *)at;
}

static void load64(uint64_t at)
{
    (void)*(volatile uint64_t *)at;
}

static uint64_t noise;

static void store8(uint64_t at)
{
    *(volatile uint8_t *)at = (uint8_t)noise;
}

static void store16(uint64_t at)
{
    *(volatile uint16_t *)at = (uint16_t)noise;
}

static void store32(uint64_t at)
{
    *(volatile uint32_t *)at = (uint32_t)noise;
}

static void store64(uint64_t at)
{
    *(volatile uint64_t *)at = noise;
}

static void (*const widths[])(uint64_t) = { load8, load16, load32, load64, store8, store16, store32, store64 };

// Every offset of one page at every width, unaligned ones too. How many were neither made nor an abort.
static unsigned sweep(uint64_t page, uint64_t step)
{
    struct random random = { page };
    unsigned strange = 0;
    for (uint64_t offset = 0; offset < 0x1000; offset += step) {
        for (unsigned i = 0; i < ARRAY_LENGTH(widths); i++) {
            noise = random_next(&random);
            unsigned class = catch_trap(widths[i], page + offset).class;
            strange += class != CLASS_NONE && class != CLASS_DATA_ABORT && class != CLASS_SERROR;
        }
    }
    return strange;
}

// The console's own registers: what is written to it is printed, so nothing is claimed before they are as they were.
static void bad_uart(void)
{
    static const uint32_t kept[] = { UARTIBRD, UARTFBRD, UARTLCR, UARTCR, UARTIMSC };
    uint32_t before[ARRAY_LENGTH(kept)];
    plan(2);
    for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
        before[i] = read32(board.uart + kept[i]);
    gic_enable(board.uart_intid, false);
    unsigned strange = sweep(board.uart + 4, 3); // not the data register
    write32(board.uart + UARTCR, 0);
    for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
        write32(board.uart + kept[i], before[i]);
    write32(board.uart + UARTICR, 0x7ff);
    print("\n");
    ok(strange == 0, "the PL011's registers, each at every width");
    ok(still_exact(), "the guest goes on");
}

static void bad_rtc(void)
{
    plan(3);
    unsigned strange = sweep(board.rtc, 1);
    write32(board.rtc + RTCIMSC, 0);
    write32(board.rtc + RTCLR, 1000);
    uint32_t now = read32(board.rtc + RTCDR);
    ok(strange == 0, "the PL031's registers, each at every width");
    ok(now >= 1000 && now <= 1001, "set, it goes on from there (%u)", now);
    ok(still_exact(), "the guest goes on");
}

// An interrupt of each device that is never acknowledged: the guest's handler takes it until it has had enough.
static volatile unsigned taken;

static void enough(struct trap *trap)
{
    (void)trap;
    if (++taken == 1000) {
        gic_enable(board.uart_intid, false);
        gic_enable(board.rtc_intid, false);
    }
}

static void bad_levels(void)
{
    plan(3);
    trap_set(board.uart_intid, enough);
    trap_set(board.rtc_intid, enough);
    write32(board.uart + UARTIMSC, 1u << 5); // transmit
    gic_enable(board.uart_intid, true);
    interrupts_on();
    print("# printed with the transmit interrupt on\n");
    for (unsigned spins = 0; spins < 1000000 && taken < 1000; spins++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    write32(board.uart + UARTIMSC, 0);
    write32(board.uart + UARTICR, 0x7ff);
    ok(taken >= 1000, "the PL011's line stays high: %u interrupts", taken);
    taken = 0;
    write32(board.rtc + RTCIMSC, 1);
    write32(board.rtc + RTCMR, read32(board.rtc + RTCDR) + 1);
    gic_enable(board.rtc_intid, true);
    interrupts_on();
    for (unsigned spins = 0; spins < 100000000 && taken < 1000; spins++)
        __asm__ volatile("" : : : "memory");
    interrupts_off();
    ok(taken >= 1000, "the PL031's alarm stays: %u interrupts", taken);
    ok(still_exact(), "the guest goes on");
}

// Code that does one odd access to X0, for each instruction that the syndrome does not describe.
#define ODD(name, text)                                                                                                \
    static void odd_##name(uint64_t at)                                                                                \
    {                                                                                                                  \
        register uint64_t x0 __asm__("x0") = at;                                                                       \
        __asm__ volatile(".arch armv8.1-a+fp+simd\n\t" text : "+r"(x0) : : "x1", "x2", "x3", "memory", "cc");          \
    }

ODD(ldp, "ldp x1, x2, [x0]")
ODD(stp, "stp x1, x2, [x0]")
ODD(ldp_writeback, "ldp w1, w2, [x0], #8")
ODD(ldr_writeback, "ldr w1, [x0], #4")
ODD(str_writeback, "str w1, [x0, #4]!")
ODD(ldr_vector, "ldr q0, [x0]")
ODD(str_vector, "str d0, [x0]")
ODD(ld1, "ld1 {v0.16b}, [x0]")
ODD(ld1_lane, "ld1 {v0.s}[1], [x0]")
ODD(exclusive, "ldxr w1, [x0]\n\tstxr w2, w1, [x0]")
ODD(acquire, "ldar w1, [x0]\n\tstlr w1, [x0]")
ODD(atomic, "ldadd w1, w2, [x0]")
ODD(swap, "swp x1, x2, [x0]")
ODD(zva, "dc zva, x0")
ODD(prefetch, "prfm pldl1keep, [x0]\n\tprfm pstl1keep, [x0]")
ODD(clean, "dc cvac, x0\n\tdc civac, x0")
ODD(signed_load, "ldrsb x1, [x0]\n\tldrsw x2, [x0]")
ODD(zero_store, "str xzr, [x0]\n\tstrb wzr, [x0, #1]")

static const struct {
    const char *name;
    void (*access)(uint64_t at);
} odd[] = {
    { "ldp", odd_ldp },
    { "stp", odd_stp },
    { "ldp-writeback", odd_ldp_writeback },
    { "ldr-writeback", odd_ldr_writeback },
    { "str-writeback", odd_str_writeback },
    { "ldr-vector", odd_ldr_vector },
    { "str-vector", odd_str_vector },
    { "ld1", odd_ld1 },
    { "ld1-lane", odd_ld1_lane },
    { "exclusive", odd_exclusive },
    { "acquire", odd_acquire },
    { "atomic", odd_atomic },
    { "swap", odd_swap },
    { "zva", odd_zva },
    { "prefetch", odd_prefetch },
    { "clean", odd_clean },
    { "signed", odd_signed_load },
    { "zero", odd_zero_store },
};

// At the device's register, at the last bytes of its page, at nobody: the word `at=` says which.
static void bad_odd(void)
{
    const uint64_t places[] = { board.gicd + GICD_IPRIORITYR + 0x20, board.uart + 0xff8, NOBODY, board.rtc + 0x7fd };
    uint64_t at = places[cmdline_number("at", 0) % ARRAY_LENGTH(places)];
    plan(1);
    write_sysreg(S3_0_C1_C0_2, 3u << 20); // CPACR_EL1.FPEN
    for (unsigned i = 0; i < ARRAY_LENGTH(odd); i++) {
        if (cmdline_word("odd") || cmdline_word(odd[i].name)) {
            struct caught caught = catch_trap(odd[i].access, at);
            diag("%s at 0x%lx: class 0x%x", odd[i].name, at, caught.class);
        }
    }
    ok(still_exact(), "the guest goes on");
}

// A device through TTBR1, by a pair, while TTBR0's tables are where the CPU interface of a GICv2 is: the code runs on
// from the TLB, and only who looks its address up in the tables gets there. The VM may be ended.
static void bad_tables(void)
{
    uint64_t tcr = read_sysreg(tcr_el1), ttbr0 = read_sysreg(ttbr0_el1), high = 0xffffff8000000000ull + board.rtc;
    uint64_t tables = board.gic_version == 2 ? board.gicc : NOBODY;
    plan(2);
    write_sysreg(ttbr1_el1, ttbr0);
    write_sysreg(tcr_el1, (tcr & ~(1ull << 23)) | 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ull << 30); // EPD1 clear
    ok(read32(high + 0xfe0) == 0x31, "a device through TTBR1");
    __asm__ volatile("isb\n\tmsr ttbr0_el1, %1\n\tisb\n\tldp w1, w2, [%0]\n\tmsr ttbr0_el1, %2\n\tisb"
                     :
                     : "r"(high), "r"(tables), "r"(ttbr0)
                     : "x1", "x2", "memory");
    ok(still_exact(), "the guest goes on");
}

static const struct named_test tests[] = {
    { "tables", bad_tables },
    { "uart", bad_uart },
    { "rtc", bad_rtc },
    { "levels", bad_levels },
};

void test_main(void)
{
    if (cmdline_word("odd") || cmdline_number("at", 99) != 99)
        bad_odd();
    else
        run_named_test(tests, ARRAY_LENGTH(tests));
}
