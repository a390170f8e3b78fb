// SPDX-License-Identifier: MIT
// Where the test runs: who answers CPUID, how fast the clocks are, where the ACPI ports are, and the command line.
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/x86_64/exact_io.h"

#define LEAF_SIGNATURE  0x40000000u
#define LEAF_TIMING     0x40000010u
#define LEAF_ESCAPEMENT 0x40000100u
#define PM_TIMER_HZ     3579545u

struct platform platform;
struct board board;

extern uint32_t multiboot_info, multiboot_magic;
extern uint8_t stamps_counted; // exact.S
extern const uint64_t hypercalls_start[], hypercalls_end[]; // guest.ld: addresses

static void copy_signature(char *to, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t words[3] = { b, c, d };
    for (unsigned i = 0; i < 12; i++)
        to[i] = (char)(words[i / 4] >> (8 * (i % 4)));
    to[12] = 0;
}

static void find_hypervisor(void)
{
    char name[13];
    struct cpuid_result r;
    if (!(cpuid(1, 0).ecx & 1u << 31))
        return;
    r = cpuid(LEAF_SIGNATURE, 0);
    copy_signature(platform.signature, r.ebx, r.ecx, r.edx);
    r = cpuid(LEAF_ESCAPEMENT, 0);
    copy_signature(name, r.ebx, r.ecx, r.edx);
    platform.escapement = text_equal(name, "Escapement\0", 12);
    if (!platform.escapement)
        return;
    r = cpuid(LEAF_ESCAPEMENT + 1, 0);
    platform.exact = r.eax & 1;
    platform.oracle = r.eax & 2;
    platform.counter_hz = (uint64_t)r.ecx << 32 | r.ebx;
    r = cpuid(0x15, 0); // the crystal that the APIC timer counts, in Hz; the generic leaf has kHz only
    board.apic_hz = r.ecx != 0 ? r.ecx : (uint64_t)cpuid(LEAF_TIMING, 0).ebx * 1000;
}

// Is one cycle one instruction? Three straight lines of known length answer it.
static bool counts_instructions(void)
{
    uint64_t start = rdtsc() + 1000;
    for (uint64_t i = 1; i <= 3; i++)
        if (wait_until(start + i * 10000) != start + i * 10000)
            return false;
    return true;
}

// ACPI tables: the RSDP lies in the BIOS area on a 16-byte boundary (ACPI 6.5, 5.2.5.1); the FADT has the PM ports.
static const char *find_rsdp(void)
{
    for (uint64_t a = 0xe0000; a < 0x100000; a += 16)
        if (text_equal((const char *)a, "RSD PTR ", 8))
            return (const char *)a;
    return NULL;
}

static uint32_t load32(const char *p)
{
    return (uint32_t)(uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8 | (uint32_t)(uint8_t)p[2] << 16 |
           (uint32_t)(uint8_t)p[3] << 24;
}

static void find_acpi_ports(void)
{
    const char *rsdp = find_rsdp();
    board.pm_event_port = 0x600;
    board.pm_control_port = 0x604;
    board.pm_timer_port = 0x608;
    if (!rsdp)
        return;
    const char *rsdt = (const char *)(uint64_t)load32(rsdp + 16);
    if (!text_equal(rsdt, "RSDT", 4))
        return;
    for (uint32_t at = 36; at + 4 <= load32(rsdt + 4) && at < 4096; at += 4) {
        const char *table = (const char *)(uint64_t)load32(rsdt + at);
        if (!text_equal(table, "FACP", 4))
            continue;
        board.pm_event_port = (uint16_t)load32(table + 56);
        board.pm_control_port = (uint16_t)load32(table + 64);
        board.pm_timer_port = (uint16_t)load32(table + 76);
    }
}

// Against the PM timer, ten milliseconds, at most 100 million polls.
static uint64_t measure_tsc_hz(void)
{
    uint32_t start = inl(board.pm_timer_port);
    uint64_t t0 = rdtsc();
    for (uint64_t polls = 0; polls < 100000000; polls++) {
        uint32_t ticks = (inl(board.pm_timer_port) - start) & 0xffffff;
        if (ticks >= PM_TIMER_HZ / 100)
            return mul_div_floor(rdtsc() - t0, PM_TIMER_HZ, ticks);
    }
    return 1000000000;
}

// VMMCALL and VMCALL have three bytes, and differ in the last. SDM 2C, APM 3: each is #UD on the other maker's CPUs. No
// branch depends on the maker, so that a kernel's clock reads the same on both.
static void choose_hypercall(void)
{
    uint32_t ecx = cpuid(0, 0).ecx;
    uint8_t amd = (uint8_t)((ecx == 0x444d4163) | (ecx == 0x656e6975)); // AuthenticAMD, HygonGenuine
    uint8_t last = (uint8_t)(0xc1 + amd * (0xd9 - 0xc1));
    for (const uint64_t *at = hypercalls_start; at < hypercalls_end; at++)
        *(volatile uint8_t *)(*at + 2) = last;
    cpuid(0, 0); // SDM 3A 8.1.3: serialises, so that the changed code is fetched
}

// SDM 3A 18.7.3: leaf 15h has the crystal's Hz and the TSC's ratio to it.
static uint64_t announced_tsc_hz(void)
{
    struct cpuid_result r = { 0 };
    if (cpuid(0, 0).eax >= 0x15)
        r = cpuid(0x15, 0);
    return r.eax != 0 ? mul_div_floor(r.ecx, r.ebx, r.eax) : 0;
}

void platform_find(void)
{
    choose_hypercall();
    find_acpi_ports();
    find_hypervisor();
    platform.counted = counts_instructions();
    stamps_counted = platform.counted;
    platform.exit_cost = platform.exact ? 0 : 1;
    uint64_t counter, stamp = rdmsr_stamp(0x10, &counter);
    platform.read_bias = (int64_t)(stamp - counter);
    if (platform.counter_hz == 0)
        platform.counter_hz = announced_tsc_hz();
    if (platform.counter_hz == 0)
        platform.counter_hz = platform.counted ? 1000000000 : measure_tsc_hz();
    if (board.apic_hz == 0)
        board.apic_hz = 1000000000;
}

void platform_describe(void)
{
    diag("platform: %s, signature \"%s\", TSC %lu Hz, APIC %lu Hz, %s",
         platform.escapement     ? "Escapement"
         : platform.signature[0] ? "another emulator"
                                 : "no hypervisor seen",
         platform.signature, platform.counter_hz, board.apic_hz,
         platform.exact     ? "exact"
         : platform.counted ? "one tick an instruction"
                            : "not exact");
}

uint64_t oracle(uint32_t question, uint64_t argument)
{
    uint64_t answer;
    __asm__ volatile(HYPERCALL : "=a"(answer) : "a"(0x45534300u + question), "b"(argument) : "memory");
    return answer;
}

// Multiboot 0.6.96, 3.3: flags bit 2 says that the command line's address is at offset 16.
const char *cmdline(void)
{
    const char *info = (const char *)(uint64_t)multiboot_info;
    if (multiboot_magic != 0x2badb002 || !(load32(info) & 4))
        return "";
    return (const char *)(uint64_t)load32(info + 16);
}
