// SPDX-License-Identifier: MIT
// Firmware calls: versions, features, and what every identifier of both conventions answers (DEN0022, DEN0028).
//
// A call that nobody defines is NOT_SUPPORTED, one that the features name is there, and none touches a register that
// the convention leaves to the caller.
#include "guest-tests/lib/timer.h"
#include "guest-tests/lib/arm64/gic.h"

#define SUCCESS            0
#define INVALID_PARAMETERS (-2)
#define ALREADY_ON         (-4)

#define FAST               0x80000000u
#define CALL64             0x40000000u
#define CPU_SUSPEND        0x84000001u
#define CPU_OFF            0x84000002u
#define CPU_ON             0x84000003u
#define AFFINITY_INFO      0x84000004u
#define MIGRATE_INFO_TYPE  0x84000006u
#define SYSTEM_RESET       0x84000009u
#define CALL_COUNT         0xff00u

static bool has_smc;

static int32_t call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    return (int32_t)firmware_call(function, x1, x2, x3);
}

static void test_versions(void)
{
    struct smccc by_hvc = { { PSCI_VERSION } }, by_smc = { { PSCI_VERSION } }, wide = { { PSCI_VERSION } };
    int32_t version = call(PSCI_VERSION, 0, 0, 0);
    ok(version >= 0x10000 && version < 0x20000, "PSCI %u.%u", (unsigned)version >> 16, (unsigned)version & 0xffff);
    bool hvc = smccc_by(false, &by_hvc);
    has_smc = smccc_by(true, &by_smc);
    if (hvc && has_smc)
        ok((int32_t)by_hvc.x[0] == version && (int32_t)by_smc.x[0] == version, "by HVC and by SMC the same");
    else
        skip("one conduit here", "by HVC and by SMC the same");
    wide.x[0] |= 0xdeadbeefull << 32;
    bool smccc = call(PSCI_FEATURES, SMCCC_VERSION, 0, 0) >= 0;
    if (smccc && smccc_by(board.psci_smc, &wide))
        ok((int32_t)wide.x[0] == version, "the identifier is in W0: the upper half of X0 is not looked at");
    else
        skip("QEMU's firmware looks at all of X0", "the identifier is in W0");
    version = smccc ? call(SMCCC_VERSION, 0, 0, 0) : 0;
    if (smccc || platform.signature[0]) {
        ok(version >= 0x10001, "SMCCC %u.%u, which PSCI's features announce", (unsigned)version >> 16,
           (unsigned)version & 0xffff);
        ok(call(SMCCC_FEATURES, SMCCC_VERSION, 0, 0) >= 0 && call(SMCCC_FEATURES, SMCCC_FEATURES, 0, 0) >= 0,
           "the two calls that it must have");
        ok(call(SMCCC_FEATURES, 0x80007777, 0, 0) == -1, "a call that is none has no features");
    } else {
        for (unsigned i = 0; i < 3; i++)
            skip("QEMU's firmware has no SMCCC_VERSION", "SMCCC");
    }
}

// DEN0022, 5.1: what PSCI 1.0 must have, as PSCI_FEATURES tells it.
static void test_features(void)
{
    static const uint32_t mandatory[] = {
        PSCI_VERSION,    CPU_SUSPEND,     CPU_SUSPEND | CALL64, CPU_OFF,
        CPU_ON,          CPU_ON | CALL64, AFFINITY_INFO,        AFFINITY_INFO | CALL64,
        PSCI_SYSTEM_OFF, SYSTEM_RESET,    PSCI_FEATURES
    };
    unsigned missing = 0, lying = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(mandatory); i++)
        missing += call(PSCI_FEATURES, mandatory[i], 0, 0) < 0;
    ok(missing == 0, "all that PSCI must have is there");
    for (uint32_t n = 0x20; n < 0x100; n++)
        lying += call(PSCI_FEATURES, PSCI_VERSION + n, 0, 0) != -1;
    ok(lying == 0, "of function numbers that are none PSCI_FEATURES says so");
    int32_t migrate = call(MIGRATE_INFO_TYPE, 0, 0, 0);
    ok(migrate == 2 || migrate == -1, "there is no trusted OS that could be migrated (%d)", migrate);
}

static void test_cpus(void)
{
    uint64_t self = read_sysreg(mpidr_el1) & 0xff00ffffff;
    ok(call(AFFINITY_INFO | CALL64, self, 0, 0) == 0, "this CPU is on");
    ok(call(AFFINITY_INFO | CALL64, 0x7f7f7f, 0, 0) == INVALID_PARAMETERS, "one that is not there has no state");
    ok(call(CPU_ON | CALL64, self, board.memory, 0) == ALREADY_ON, "this CPU cannot be switched on again");
    int32_t on = call(CPU_ON | CALL64, 0x7f7f7f, board.memory, 0);
    ok(on == INVALID_PARAMETERS, "nor one that is not there (%d)", on);
}

// A standby state is like WFI: it ends with an interrupt, and no sooner.
static void test_suspend(void)
{
    timer_init();
    uint64_t before = record.count, due = timer_stamp(timer_start(100000), 100000);
    int32_t result = call(CPU_SUSPEND, 0, 0, 0);
    uint64_t ended = counter_read();
    interrupts_on();
    interrupts_off();
    ok(result == SUCCESS && ended >= due && record.count == before + 1,
       "standby ends with the timer's interrupt (%d, %ld ticks late)", result, (int64_t)(ended - due));
    timer_stop();
}

// What a call may change is X0 to X3 (SMCCC 1.1). Bare firmware may be older and change X4 to X17.
static unsigned spoiled;

static uint64_t careful_call(uint32_t function, bool smc)
{
    struct smccc registers;
    for (unsigned i = 0; i < 18; i++)
        registers.x[i] = 0x5a5a5a5a00000000u + i * 0x1111;
    registers.x[0] = function;
    if (!smccc_by(smc, &registers))
        return NOT_SUPPORTED;
    for (unsigned i = 4; i < 18; i++)
        spoiled += registers.x[i] != 0x5a5a5a5a00000000u + i * 0x1111;
    return registers.x[0];
}

// Those that end the machine, stop the CPU or halt it; and what is known, which may answer anything.
static bool defined(uint32_t function)
{
    uint32_t number = function & 0xffff, owner = function >> 24 & 63;
    if (!(function & FAST))
        return false;
    switch (owner) {
    case 0: return number <= 2 || number == 0x3fff || (number & 0xfff0) == 0x7ff0 || number >= 0x8000;
    case 4: return number <= 0x1f || number >= CALL_COUNT;
    case 5: return (number >= 0x20 && number <= 0x22) || number >= CALL_COUNT;
    case 6: return number <= 0x40 || (number >= 0x5300 && number <= 0x530f) || number >= CALL_COUNT;
    default: return number >= CALL_COUNT;
    }
}

static void sweep(bool smc)
{
    unsigned answered = 0, asked = 0;
    uint32_t first = 0;
    spoiled = 0;
    for (uint32_t top = 0; top < 256; top++) {
        for (uint32_t i = 0; i < 0x240; i++) {
            uint32_t function = top << 24 | (i < 0x140 ? i : 0xff00 + i - 0x140);
            if (defined(function))
                continue;
            asked++;
            bool unknown = (int32_t)careful_call(function, smc) == -1;
            if (!unknown && answered++ == 0)
                first = function;
        }
    }
    ok(answered == 0, "%s: %u identifiers that nobody defines, each NOT_SUPPORTED (%u not, first 0x%x)",
       smc ? "SMC" : "HVC", asked, answered, first);
    if (platform.signature[0])
        ok(spoiled == 0, "%s: no call touched X4 to X17", smc ? "SMC" : "HVC");
    else
        skip("firmware may be older than SMCCC 1.1", "no call touched X4 to X17");
}

static void skip_sweep(void)
{
    skip("no such conduit here", "identifiers that nobody defines");
    skip("no such conduit here", "no call touched X4 to X17");
}

static uint64_t immediate_result;

static void hvc_with_immediate(uint64_t unused)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;
    (void)unused;
    __asm__ volatile("hvc #0x1234" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    immediate_result = x0;
}

// DEN0028, 2.9: the immediate must be 0. What another one does is not said, but that the guest goes on is.
static void test_immediate(void)
{
    catch_trap(hvc_with_immediate, 0);
    ok(call(PSCI_VERSION, 0, 0, 0) >= 0x10000, "an HVC with another immediate is survived (0x%lx)", immediate_result);
}

// The hypervisor's own calls: there for a guest that may know of it.
static void test_vendor(void)
{
    struct smccc features = { { KVM_FEATURES, ~0ull, ~0ull, ~0ull } }; // 128 bits come back
    if (!platform.signature[0]) {
        ok(call(VENDOR_UID, 0, 0, 0) == -1, "nobody says that he is a hypervisor");
        skip("no hypervisor seen", "its features");
        return;
    }
    bool made = smccc_by(false, &features);
    ok(made && (features.x[0] & 1), "the hypervisor's UID is KVM's; its features have themselves (0x%lx)",
       features.x[0]);
    ok(made && (features.x[0] >> 2) == 0 && (features.x[1] | features.x[2] | features.x[3]) == 0,
       "and beside the pairing of clocks nothing");
}

void test_main(void)
{
    plan(6 + 3 + 4 + 1 + 4 + 1 + 2);
    test_versions();
    test_features();
    test_cpus();
    test_suspend();
    if (board.psci_smc)
        skip_sweep();
    else
        sweep(false);
    if (has_smc)
        sweep(true);
    else
        skip_sweep();
    test_immediate();
    test_vendor();
}
