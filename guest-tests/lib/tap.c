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

// A claim that is not asked here is a figure: what it was is said all the same.
static void judge(bool asked, bool passed, const char *format, va_list *args)
{
    claim(passed || !asked, format, args);
    print(asked ? "\n" : " # SKIP a figure here, not a claim: %s\n", passed ? "met" : "not met");
}

bool ok(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    judge(platform.exact || !all_exact, passed, format, &args);
    va_end(args);
    return passed;
}

bool ok_exact(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    judge(platform.exact, passed, format, &args);
    va_end(args);
    return passed;
}

bool ok_counted(bool passed, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    judge(platform.exact || platform.counted, passed, format, &args);
    va_end(args);
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
