// SPDX-License-Identifier: MIT
// Small kernels built in memory for the loader's tests, and the checks that those tests share. The image is built in
// `image`, loaded from a copy of its exact size so that the sanitizer sees any read beyond it, into `ram`.
#ifndef TOOLS_TESTS_NATIVE_X86_64_GUEST_IMAGE_H
#define TOOLS_TESTS_NATIVE_X86_64_GUEST_IMAGE_H

#include "vmm/loader.h"

#define RAM_BYTES (4 * MIB)

extern struct guest_ram ram;
extern struct loader_input input; // filled by the test; .kernel by load()
extern struct entry_state entry;
extern struct refusal refusal;
extern uint8_t image[32768];
extern uint64_t image_bytes;

void put16(uint64_t at, uint16_t value); // into the image
void put32(uint64_t at, uint32_t value);
void put64(uint64_t at, uint64_t value);
uint32_t ram32(uint64_t at);
uint64_t ram64(uint64_t at);

bool load(void);
void accepted(void);
void refused(const char *sentence);
void assert_filled(uint64_t from, uint64_t to, uint8_t value); // every byte of [from, to) in ram

void mb_header(uint64_t at, uint32_t flags);
void phdr32(unsigned index, uint32_t offset, uint32_t paddr, uint32_t filesz, uint32_t memsz); // the last one
void phdr64(unsigned index, uint64_t offset, uint64_t paddr, uint64_t filesz, uint64_t memsz);

void fresh_image(void);
// At 1 MiB: 4 KiB of code, then 8 KiB of data of which 1 KiB is in the file. ELF32 has a multiboot1 header, ELF64 not.
void elf32_image(void);
void elf64_image(void);
// A flat image at 1 MiB whose multiboot1 header with address fields is 16 bytes inside.
void flat_image(void);
// A Linux kernel of 4 KiB behind 1 KiB of setup code, protocol 2.15, relocatable: prefers 2 MiB and runs in 64 KiB.
void linux_image(void);

#endif
