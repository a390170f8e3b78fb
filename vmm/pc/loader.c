// SPDX-License-Identifier: MIT
// Loading a PC's kernel: says what an image is, refuses what is foreign, hands the rest to loader_elf.c,
// loader_multiboot1.c and loader_linux.c. Called once when a VM is made. Pure: reads the images, writes guest memory,
// both bounds-checked. Nothing is written before the kernel has been checked completely.
#include "vmm/pc/kernels.h"
#include <string.h>

static bool is_arm64_linux(const struct image *image)
{
    return image_has(image, 0x38, 4) && memcmp(image->data + 0x38, "ARM\x64", 4) == 0;
}

// Multiboot2 3.1.1: magic, architecture, length, checksum, 8-byte aligned in the first 32 KiB.
static bool has_multiboot2(const struct image *image)
{
    for (uint64_t at = 0; at + 16 <= 32768 && image_has(image, at, 16); at += 8) {
        if (image_32(image, at) == 0xe85250d6u &&
            image_32(image, at) + image_32(image, at + 4) + image_32(image, at + 8) + image_32(image, at + 12) == 0)
            return true;
    }
    return false;
}

// The image has no multiboot1 header and is no ELF: say what it is instead.
static bool refuse_foreign(struct loading *l)
{
    const struct image *image = &l->input->kernel;

    if (is_arm64_linux(image))
        return REFUSE(l, "%s is an arm64 Linux image: expected multiboot1, ELF64 or Linux bzImage for x86",
                      image->name);
    if (image_has(image, 0, 2) && memcmp(image->data, "MZ", 2) == 0)
        return REFUSE(l, "%s is a PE program (Windows, EFI); expected multiboot1, ELF64 or Linux bzImage", image->name);
    if (has_multiboot2(image))
        return REFUSE(l, "%s has a multiboot2 header: expected multiboot1, ELF64 or Linux bzImage", image->name);
    if (!loader_refuse_foreign(l))
        return false;
    return REFUSE(l, "%s has no known format: no multiboot1 header in its first 8 KiB, and it is not ELF", image->name);
}

static bool load_kernel(struct loading *l, struct entry_state *out)
{
    const struct image *image = &l->input->kernel;
    struct multiboot1_header header = { 0 };
    struct elf elf;
    enum multiboot1_search search = multiboot1_find(image, &header);

    out->mode = ENTRY_PROTECTED32;
    if (search == MULTIBOOT1_FOUND && !multiboot1_check(l, &header))
        return false;
    if (search == MULTIBOOT1_FOUND && (header.flags & MULTIBOOT1_ADDRESS_FIELDS)) {
        out->format = "multiboot1 with address fields";
        return multiboot1_load_fields(l, &header, &out->pc);
    }
    if (!elf_is(image) && search == MULTIBOOT1_NONE)
        return refuse_foreign(l);
    if (elf_is(image) && !elf_read(l, &elf))
        return false;
    if (search == MULTIBOOT1_DAMAGED)
        return REFUSE(l, "%s has a multiboot1 header with a wrong checksum at offset %lu", image->name, header.offset);
    if (!elf_is(image))
        return REFUSE(l, "%s has a multiboot1 header without address fields, but is not ELF", image->name);
    if (search == MULTIBOOT1_FOUND) {
        out->format = elf.is_64 ? "multiboot1 ELF64" : "multiboot1 ELF32";
        return elf_load(l, &elf, &out->pc);
    }
    if (has_multiboot2(image))
        return REFUSE(l, "%s has a multiboot2 header: expected multiboot1, ELF64 or Linux bzImage", image->name);
    if (!elf.is_64)
        return REFUSE(l, "%s is a 32-bit ELF without a multiboot1 header in its first 8 KiB", image->name);
    out->format = "ELF64";
    return elf_load(l, &elf, &out->pc) && loader_enter_long64(l, out);
}

bool loader_load(const struct loader_input *input, struct guest_ram ram, struct entry_state *out,
                 struct refusal *refusal)
{
    struct loading l = { .input = input, .ram = ram, .refusal = refusal };

    memset(out, 0, sizeof(*out));
    if (ram.size < HIGH_RAM)
        return REFUSE(&l, "the VM has %lu KiB of memory; a PC needs at least 1024 KiB", ram.size / KIB);
    loader_take(&l, 0, PAGE_SIZE, "page zero; link it at 1 MiB or above");
    loader_take(&l, LOW_RAM_END, HIGH_RAM, "the BIOS area 0x9fc00-0xfffff");
    if (!loader_begin(&l))
        return false;
    if (linux_is(&input->kernel))
        return linux_load(&l, out);
    if (!load_kernel(&l, out) || !multiboot1_inform(&l, &out->rbx))
        return false;
    out->rax = MULTIBOOT1_BOOT_MAGIC;
    out->rdi = out->rbx;
    return true;
}
