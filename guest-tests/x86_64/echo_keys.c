// SPDX-License-Identifier: MIT
// Shows each byte that is typed at it, as a number, until it gets an 'x': what reaches a guest of the keys of the
// person at its console? And is the counter ahead of the clock page's, after the pause that a person made?
#include "guest-tests/lib/x86_64/devices.h"

#define COM1          0x3f8
#define LINE_STATUS   5
#define DATA_READY    1
#define FLAG_STOPPED  2 // KVM's msr.rst

static struct pvclock page __attribute__((aligned(64)));

static uint8_t typed(void)
{
    while ((inb(COM1 + LINE_STATUS) & DATA_READY) == 0)
        ;
    return inb(COM1);
}

void test_main(void)
{
    if (pvclock_present())
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
    print("waiting for keys\n");
    uint64_t last = rdtsc();
    for (;;) {
        uint8_t byte = typed();
        uint64_t now = rdtsc();
        print("key %u, stopped %u, %s\n", byte, (page.flags & FLAG_STOPPED) != 0, now >= last ? "later" : "EARLIER");
        last = now;
        if (byte == 'x')
            exit_code(0x10);
    }
}
