// SPDX-License-Identifier: MIT
// Test Anything Protocol on the console, the first C code of a test, and the two ways to end one.
#include "guest-tests/lib/guest.h"
#include "guest-tests/lib/console.h"

static unsigned planned, done, failed;

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
