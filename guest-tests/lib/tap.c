// SPDX-License-Identifier: MIT
// Test Anything Protocol on the console, the first C code of a test, and the two ways to end one.
#include "guest-tests/lib/guest.h"
#include "guest-tests/lib/console.h"

static unsigned planned, done, failed;
static bool all_exact;

void guest_start(void)
{
    platform_start();
    test_main();
    finish();
}

void plan(unsigned count)
{
    planned = count;
    print("TAP version 13\n1..%u\n", count);
    platform_describe();
}

void plan_exact(unsigned count)
{
    all_exact = true;
    plan(count);
}

static void claim(bool passed, const char *format, va_list *args)
{
    done++;
    failed += !passed;
    print("%sok %u - ", passed ? "" : "not ", done);
    vprint(format, args);
}

// Where a claim is not asked, it is a figure: what it was is said all the same.
static void figure(bool asked, bool met)
{
    print(asked ? "\n" : " # SKIP a figure here, not a claim: %s\n", met ? "met" : "not met");
}

bool ok(bool passed, const char *format, ...)
{
    bool asked = platform.exact || !all_exact;
    va_list args;
    va_start(args, format);
    claim(passed || !asked, format, &args);
    va_end(args);
    figure(asked, passed);
    return passed;
}

bool ok_exact(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    claim(passed || !platform.exact, format, &args);
    va_end(args);
    figure(platform.exact, passed);
    return passed;
}

bool ok_counted(bool passed, const char *format, ...)
{
    va_list args;
    bool asked = platform.exact || platform.counted;
    va_start(args, format);
    claim(passed || !asked, format, &args);
    va_end(args);
    figure(asked, passed);
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
