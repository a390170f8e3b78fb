// SPDX-License-Identifier: MIT
// Addresses that must not be mixed up: what a guest calls physical (gpa) and what the host calls physical (hpa).
#ifndef VMM_BASE_TYPES_H
#define VMM_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { uint64_t value; } gpa;
typedef struct { uint64_t value; } hpa;

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define PAGE_SIZE UINT64_C(4096)

// A sentence for a person: what was found, what was expected. Filled by whoever refuses something.
struct refusal {
    char text[200];
};

// A blob that the boot loader put into memory.
struct image {
    const uint8_t *data;
    uint64_t       size;
    const char    *name; // how the user called it, for sentences
};

// The guest's physical memory: guest addresses base..base + size map 1:1 onto host[0..size), which only guestmem.h
// looks into, and onto as many bytes of the host's from `frames` on.
struct guest_ram {
    uint8_t *host;
    uint64_t size;
    uint64_t base; // 0 on a PC
    hpa      frames;
};

#endif
