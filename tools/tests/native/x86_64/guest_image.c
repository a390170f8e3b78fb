// SPDX-License-Identifier: MIT
// Small kernels built in memory for the loader's tests. What each function does stands in the header.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/x86_64/guest_image.h"

struct guest_ram ram;
struct loader_input input;
struct entry_state entry;
struct refusal refusal;
uint8_t image[32768]; // the image under construction
uint64_t image_bytes;

void put16(uint64_t at, uint16_t value)
{
    memcpy(image + at, &value, 2);
}
void put32(uint64_t at, uint32_t value)
{
    memcpy(image + at, &value, 4);
}
void put64(uint64_t at, uint64_t value)
{
    memcpy(image + at, &value, 8);
}

uint32_t ram32(uint64_t at)
{
    uint32_t value;

    assert_true(at + 4 <= ram.size);
    memcpy(&value, ram.host + at, 4);
    return value;
}

uint64_t ram64(uint64_t at)
{
    return ram32(at) | (uint64_t)ram32(at + 4) << 32;
}

bool load(void)
{
    uint8_t *exact = malloc(image_bytes);

    memcpy(exact, image, image_bytes);
    input.kernel = (struct image){ exact, image_bytes, "k.elf" };
    memset(&refusal, 0, sizeof(refusal));
    bool ok = loader_load(&input, ram, &entry, &refusal);
    free(exact);
    assert_int_equal(ok, refusal.text[0] == '\0');
    return ok;
}

void refused(const char *sentence)
{
    assert_false(load());
    assert_string_equal(refusal.text, sentence);
}

void accepted(void)
{
    if (!load())
        fail_msg("refused: %s", refusal.text);
}

void mb_header(uint64_t at, uint32_t flags)
{
    put32(at, 0x1badb002);
    put32(at + 4, flags);
    put32(at + 8, 0u - 0x1badb002u - flags);
}

void phdr32(unsigned index, uint32_t offset, uint32_t paddr, uint32_t filesz, uint32_t memsz)
{
    uint64_t at = 52 + 32 * (uint64_t)index;

    put32(at, 1);
    put32(at + 4, offset);
    put32(at + 8, paddr);
    put32(at + 12, paddr);
    put32(at + 16, filesz);
    put32(at + 20, memsz);
    put16(44, (uint16_t)(index + 1));
}

void phdr64(unsigned index, uint64_t offset, uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
    uint64_t at = 64 + 56 * (uint64_t)index;

    put32(at, 1);
    put64(at + 8, offset);
    put64(at + 16, paddr);
    put64(at + 24, paddr);
    put64(at + 32, filesz);
    put64(at + 40, memsz);
    put16(56, (uint16_t)(index + 1));
}

void fresh_image(void)
{
    memset(image, 0x90, sizeof(image));
    memset(image, 0, 4096);
    image_bytes = 16384;
    memset(ram.host, 0xcc, ram.size);
    memset(&input, 0, sizeof(input));
    input.cmdline = "";
}

static void elf_ident(uint8_t class, uint16_t machine)
{
    memcpy(image,
           "\x7f"
           "ELF",
           4);
    image[4] = class;
    image[5] = 1;
    image[6] = 1;
    put16(16, 2);
    put16(18, machine);
    put32(20, 1);
}

void elf32_image(void)
{
    fresh_image();
    elf_ident(1, 3);
    put32(24, 0x100020);
    put32(28, 52);
    put16(40, 52);
    put16(42, 32);
    phdr32(0, 0x1000, 0x100000, 0x1000, 0x1000);
    phdr32(1, 0x2000, 0x101000, 0x400, 0x2000);
    mb_header(0x1000, 3);
}

void elf64_image(void)
{
    fresh_image();
    elf_ident(2, 62);
    put64(24, 0x100020);
    put64(32, 64);
    put16(52, 64);
    put16(54, 56);
    phdr64(0, 0x1000, 0x100000, 0x1000, 0x1000);
    phdr64(1, 0x2000, 0x101000, 0x400, 0x2000);
}

void flat_image(void)
{
    fresh_image();
    memset(image, 0x90, 4096);
    image_bytes = 8192;
    mb_header(16, 0x10003);
    put32(28, 0x100010);
    put32(32, 0x100000);
    put32(36, 0x101800);
    put32(40, 0x104000);
    put32(44, 0x100040);
}

void linux_image(void)
{
    fresh_image();
    image_bytes = 1024 + 4096;
    for (uint64_t at = 1024; at < image_bytes; at++)
        image[at] = (uint8_t)(at * 7 + (at >> 8));
    image[0x1f1] = 1;
    put32(0x1f4, 4096 / 16);
    put16(0x1fe, 0xaa55);
    put16(0x200, 0x6aeb); // a short jump over the header, to 0x26c
    memcpy(image + 0x202, "HdrS", 4);
    put16(0x206, 0x20f);
    image[0x211] = 1;           // loadflags: loaded high
    put32(0x22c, 0x7fffffff);   // initrd_addr_max
    put32(0x230, 0x200000);     // kernel_alignment
    image[0x234] = 1;           // relocatable
    put16(0x236, 0x3f);         // xloadflags
    put32(0x238, 2047);         // cmdline_size
    put64(0x258, 0x200000);     // pref_address
    put32(0x260, 0x10000);      // init_size
    put32(0x268, 0x12345678);   // kernel_info_offset, the last field of the header
}

void assert_filled(uint64_t from, uint64_t to, uint8_t value)
{
    for (uint64_t at = from; at < to; at++) {
        if (ram.host[at] != value)
            fail_msg("byte 0x%lx is 0x%02x, not 0x%02x", (unsigned long)at, ram.host[at], value);
    }
}
