// SPDX-License-Identifier: MIT
// The clocks of a PC: TSC, PM timer, HPET.
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/io.h>
#include <sys/mman.h>

#define PM1_PORT   0x604
#define PM1_SLEEP  0x2000 // SLP_EN, and 0 as SLP_TYP
#define PM_PORT    0x608
#define PM_HZ      3579545u
#define PM_BITS    24
#define HPET_BASE  0xfed00000
#define FS_PER_S   UINT64_C(1000000000000000)

static const volatile uint64_t *hpet; // its registers, null if there is none

uint64_t cpu_counter(void)
{
    return __builtin_ia32_rdtsc();
}

static uint64_t pm_timer(void)
{
    return inl(PM_PORT);
}

static uint64_t hpet_counter(void)
{
    return hpet[0xf0 / 8];
}

// Where ACPI says that it is, as memory: /dev/hpet is only there for a timer that Linux has no use for itself.
static uint64_t open_hpet(void)
{
    int file = open("/dev/mem", O_RDONLY | O_CLOEXEC);
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, HPET_BASE);

    if (page == MAP_FAILED)
        return 0;
    hpet = page;
    uint64_t period_fs = hpet[0] >> 32;
    return period_fs != 0 ? FS_PER_S / period_fs : 0;
}

unsigned find_clocks(struct clock *clocks, unsigned max)
{
    uint64_t hpet_hz = open_hpet();

    if (max < 3 || iopl(3) != 0) {
        printf("fail ports may be read\n");
        return 0;
    }
    clocks[0] = (struct clock){ .name = "TSC", .read = cpu_counter, .bits = 64 };
    clocks[1] = (struct clock){ .name = "PM timer", .read = pm_timer, .hz = PM_HZ, .bits = PM_BITS };
    if (hpet_hz == 0) {
        printf("fail the HPET may be read\n");
        return 2;
    }
    clocks[2] = (struct clock){ .name = "HPET", .read = hpet_counter, .hz = hpet_hz, .bits = 64 };
    return 3;
}

// By the chipset's register, the same in QEMU's PC and in a VM: the kernel's own way would be part of the measurement.
int machine_stop(void)
{
    if (iopl(3) != 0)
        return 1;
    outw(PM1_SLEEP, PM1_PORT);
    return 1; // still here
}
