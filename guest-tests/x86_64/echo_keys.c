// SPDX-License-Identifier: MIT
// echo_keys on x86-64: COM1, and the flag of KVM's clock page.
#include "guest-tests/echo_keys.h"
#include "guest-tests/lib/x86_64/devices.h"

#define COM1         0x3f8
#define LINE_STATUS  5
#define DATA_READY   1
#define FLAG_STOPPED 2 // KVM's msr.rst

static struct pvclock page __attribute__((aligned(64)));

void keys_prepare(void)
{
    if (pvclock_present())
        wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
}

uint8_t key_typed(void)
{
    while ((inb(COM1 + LINE_STATUS) & DATA_READY) == 0)
        ;
    return inb(COM1);
}

bool keys_were_stopped(void)
{
    return (page.flags & FLAG_STOPPED) != 0;
}
