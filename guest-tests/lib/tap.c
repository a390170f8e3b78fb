// SPDX-License-Identifier: MIT
// Test Anything Protocol on the console, the first C code of a test, and the two ways to end one.
#include "guest-tests/lib/console.h"
#include "guest-tests/lib/devices.h"

static unsigned planned, done, failed;

void guest_start(void)
{
    console_init();
    traps_install();
    platform_find();
    pic_init(0); // a PC's firmware leaves IRQ 0 open, on a vector that means double fault here
    test_main();
    finish();
}

void plan(unsigned count)
{
    planned = count;
    print("TAP version 13\n1..%u\n", count);
    diag("platform: %s, signature \"%s\", TSC %lu Hz, APIC %lu Hz, %s",
         platform.escapement     ? "Escapement"
         : platform.signature[0] ? "another emulator"
                                 : "no hypervisor seen",
         platform.signature, platform.tsc_hz, platform.apic_hz,
         platform.exact     ? "exact"
         : platform.counted ? "one tick an instruction"
                            : "not exact");
}

static void claim(bool passed, const char *format, va_list *args)
{
    done++;
    failed += !passed;
    print("%sok %u - ", passed ? "" : "not ", done);
    vprint(format, args);
}

bool ok(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    claim(passed, format, &args);
    va_end(args);
    print("\n");
    return passed;
}

bool ok_exact(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    claim(passed || !platform.exact, format, &args);
    va_end(args);
    print(platform.exact ? "\n" : " # SKIP not exact here\n");
    return passed;
}

bool ok_counted(bool passed, const char *format, ...)
{
    va_list args;
    bool asked = platform.exact || platform.counted;
    va_start(args, format);
    claim(passed || !asked, format, &args);
    va_end(args);
    print(asked ? "\n" : " # SKIP not exact here\n");
    return passed;
}

void skip(const char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    claim(true, format, &args);
    va_end(args);
    print(" # SKIP %s\n", why);
}

void diag(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("# ");
    vprint(format, &args);
    print("\n");
    va_end(args);
}

void finish(void)
{
    interrupts_off();
    if (done != planned)
        diag("planned %u claims, made %u", planned, done);
    exit_code(failed == 0 && done == planned ? 0x10 : 0x11);
}

void exit_code(uint8_t value)
{
    interrupts_off();
    outb(0xf4, value);
    for (;;) // nobody answers at 0xf4: real hardware, or QEMU without isa-debug-exit
        __asm__ volatile("hlt");
}

// PM1a_CNT: SLP_TYPa in bits 12:10, SLP_EN bit 13 (ACPI 6.5, 4.8.3.2.1). The type for S5 is in the DSDT as AML;
// 0 and 5 cover QEMU, Escapement and most boards.
void power_off(void)
{
    interrupts_off();
    outw(platform.pm_control_port, (uint16_t)(1u << 13));
    outw(platform.pm_control_port, (uint16_t)(1u << 13 | 5u << 10));
    for (;;)
        __asm__ volatile("hlt");
}

void run_named_test(const struct named_test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (cmdline_word(tests[i].word)) {
            tests[i].run();
            return;
        }
    }
    plan(1);
    ok(false, "which one? one of:");
    for (size_t i = 0; i < count; i++)
        diag("  %s", tests[i].word);
}
