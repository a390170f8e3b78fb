// SPDX-License-Identifier: MIT
// One-to-one translation: memory is normal and cacheable, all other addresses below 512 GiB are device memory (DDI
// 0487, D8.3): blocks of 1 GiB, 39-bit addresses. One page can be had as normal memory at a second address.
#include "guest-tests/lib/guest.h"

#define GIB         (1ull << 30)
#define VALID_TABLE 3ull
#define VALID_BLOCK 1ull
#define VALID_PAGE  3ull
#define ACCESSED    (1ull << 10)
#define INNER       (3ull << 8)
#define NORMAL      (1ull << 2) // MAIR's second byte
#define NO_EXECUTE  (3ull << 53)
#define GUARDED     (1ull << 50)
#define EL0_WRITES  (1ull << 6)
#define USER_INDEX  3u   // where EL0 has all memory: below 4 GiB, for AArch32 too
#define USER_DEVICE 2u   // and where it has the devices
#define ALIAS_INDEX 511u // the last GiB of the 512

static uint64_t top[512] __attribute__((aligned(4096)));
static uint64_t alias_middle[512] __attribute__((aligned(4096)));
static uint64_t alias_pages[512] __attribute__((aligned(4096)));
static unsigned aliases;

// What was written with the caches off must not be hidden by a line that a cache has had since before.
static void forget_lines(const void *start, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 16)
        __asm__ volatile("dc ivac, %0" : : "r"((const char *)start + at) : "memory");
    __asm__ volatile("dsb sy" : : : "memory");
}

void mmu_on(void)
{
    uint64_t first = board.memory / GIB, last = (board.memory + board.memory_size - 1) / GIB;
    for (uint64_t i = 0; i < 512; i++) {
        bool memory = board.memory_size != 0 && i >= first && i <= last;
        top[i] = i * GIB | VALID_BLOCK | ACCESSED | INNER | (memory ? NORMAL : NO_EXECUTE);
    }
    top[ALIAS_INDEX] = (uint64_t)alias_middle | VALID_TABLE;
    alias_middle[0] = (uint64_t)alias_pages | VALID_TABLE;
    forget_lines(top, sizeof(top));
    forget_lines(alias_middle, sizeof(alias_middle));
    forget_lines(alias_pages, sizeof(alias_pages));

    uint64_t range = read_sysreg(id_aa64mmfr0_el1) & 15;
    write_sysreg(mair_el1, 0xff00);
    write_sysreg(tcr_el1, 25 | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 23 | (range > 5 ? 5 : range) << 32);
    write_sysreg(ttbr0_el1, (uint64_t)top);
    __asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tic iallu\n\tdsb sy\n\tisb" : : : "memory");
    write_sysreg(sctlr_el1, 0x30d00800 | 1 << 0 | 1 << 2 | 1 << 3 | 1 << 12); // M, C, SA, I, and what must be one
}

static void *map_alias(uint64_t page, uint64_t bits)
{
    alias_pages[aliases] = (page & ~4095ull) | VALID_PAGE | ACCESSED | INNER | NORMAL | bits;
    __asm__ volatile("dsb ishst\n\tisb" : : : "memory");
    return (void *)(ALIAS_INDEX * GIB + 4096ull * aliases++ + page % 4096);
}

void *mmu_map_normal(uint64_t page)
{
    return map_alias(page, NO_EXECUTE);
}

void *mmu_map_code(uint64_t page, bool guarded)
{
    return map_alias(page, guarded ? GUARDED : 0);
}

void mmu_map_user(void)
{
    uint64_t block = VALID_BLOCK | ACCESSED | INNER | EL0_WRITES;
    top[USER_INDEX] = board.memory / GIB * GIB | block | NORMAL;
    top[USER_DEVICE] = board.uart / GIB * GIB | block | NO_EXECUTE;
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" : : : "memory");
}

uint64_t mmu_user_address(const volatile void *address)
{
    return USER_INDEX * GIB + (uint64_t)address % GIB;
}

uint64_t mmu_user_device(uint64_t address)
{
    return USER_DEVICE * GIB + address % GIB;
}
