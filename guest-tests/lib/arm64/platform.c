// SPDX-License-Identifier: MIT
// Where the test runs: who answers the hypervisor's calls, how fast the counter is, the PL011 console, and the end.
#include "guest-tests/lib/console.h"
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/arm64/exact_regs.h"
#include "guest-tests/lib/arm64/gic.h"

#define UART_DR   0x000u
#define UART_FR   0x018u
#define UART_FULL (1u << 5)

struct platform platform;
extern uint64_t stamps_counted, counter_self, handler_lead; // exact.S

static const uint32_t kvm_uid[4] = { 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d }; // 28b46fb6-2ec5-11e9-...

// The firmware or the monitor has set the rate and the line's format.
void console_init(void) {}

void console_byte(char c)
{
    if (board.uart == 0)
        return;
    for (unsigned polls = 0; polls < 20000 && (read32(board.uart + UART_FR) & UART_FULL); polls++)
        ;
    write32(board.uart + UART_DR, (uint8_t)c);
}

const char *cmdline(void)
{
    return board.bootargs;
}

static bool is_kvm(void)
{
    struct smccc uid = { { VENDOR_UID } };
    if (!smccc_by(false, &uid))
        return false;
    for (unsigned i = 0; i < 4; i++)
        if ((uint32_t)uid.x[i] != kvm_uid[i])
            return false;
    return true;
}

// Is one cycle one instruction? Three straight lines of known length answer it.
static bool counts_instructions(void)
{
    uint64_t start = counter_read() + 1000;
    for (uint64_t i = 1; i <= 3; i++)
        if (wait_until(start + i * 10000) != start + i * 10000)
            return false;
    return true;
}

// What one read of the interrupt controller's distributor adds to the counter beside the instruction before it.
static uint64_t exit_cost(void)
{
    uint64_t before, after;
    __asm__ volatile("mrs %0, cntvct_el0\n\tldr %w1, [%2]\n\tmrs %1, cntvct_el0"
                     : "=&r"(before), "=&r"(after)
                     : "r"(board.gicd + GICD_TYPER)
                     : "memory");
    return after - before - 1;
}

// Escapement under a deterministic guest clock is where one cycle is one instruction and an exit costs none: so no
// table of names decides which claims are made. A run that is meant to be exact says so by the word `exact`, and has
// failed where it is not.
void platform_find(void)
{
    platform.counter_hz = read_sysreg(cntfrq_el0);
    if (is_kvm())
        for (unsigned i = 0; i < 9; i++)
            platform.signature[i] = "KVMKVMKVM"[i];
    platform.escapement = platform.signature[0] && oracle(ORACLE_NOTHING, 0) == 0;
    platform.oracle = platform.escapement && oracle(ORACLE_EXITS, 0) != NOT_SUPPORTED;
    platform.counted = counts_instructions();
    stamps_counted = counter_self = platform.counted;
    handler_lead = platform.counted ? 2 : 0;
    platform.exit_cost = platform.counted ? exit_cost() : 1;
    platform.exact = platform.counted && platform.exit_cost == 0;
    uint64_t counter, stamp = cntpct_read_stamp(&counter);
    platform.read_bias = (int64_t)(stamp - counter);
    if (cmdline_word("exact") && !platform.exact) {
        print("Bail out! This run is to be exact: a tick is %s an instruction, an exit costs %lu\n",
              platform.counted ? "" : "not", platform.exit_cost);
        exit_code(0x11);
    }
}

void platform_describe(void)
{
    diag("platform: %s, signature \"%s\", counter %lu Hz, GICv%u, MIDR %lx, %s",
         platform.escapement     ? "Escapement"
         : platform.signature[0] ? "another hypervisor"
                                 : "no hypervisor seen",
         platform.signature, platform.counter_hz, board.gic_version, read_sysreg(midr_el1),
         platform.exact     ? "exact"
         : platform.counted ? "one tick an instruction"
                            : "not exact");
}

void platform_start(void)
{
    board_find();
    mmu_on();
    traps_install();
    gic_init();
    platform_find();
}

void exit_code(uint8_t value)
{
    interrupts_off();
    print("EXIT: STATUS=%u\n", (value << 1 | 1) & 255);
    power_off();
}

void power_off(void)
{
    interrupts_off();
    firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        wait_for_interrupt();
}
