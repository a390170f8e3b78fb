// SPDX-License-Identifier: MIT
// Loading a guest's kernel: says what an image is, refuses what is foreign, hands the rest to loader_elf.c,
// loader_multiboot1.c and loader_linux.c, and keeps the list of guest memory that is taken. Called once when a VM is
// made. Pure: reads the images, writes guest memory, both bounds-checked. Nothing is written before the kernel has been
// checked completely.
#include "vmm/loader_image.h"
#include <string.h>

#define PTE_PRESENT_WRITE 3u        // SDM 3A 4.5: P, R/W
#define PTE_LARGE         (1u << 7) // PS: 2 MiB
#define LONG64_TABLES     6         // one PML4, one PDPT, four PDs: the first 4 GiB
#define LONG64_STACK      (4 * PAGE_SIZE)
#define LONG64_BYTES      (LONG64_TABLES * PAGE_SIZE + LONG64_STACK + sizeof(long64_gdt))

// SDM 3A 3.4.5: flat, at the selectors that Linux' boot protocol names: 0x10 code (64 bits), 0x18 data.
static const uint64_t long64_gdt[] = { 0, 0, UINT64_C(0x00af9b000000ffff), UINT64_C(0x00cf93000000ffff) };

// Kinds of files that people hand to a loader by mistake, by their first bytes.
static const struct foreign {
    const char *magic;
    uint8_t length;
    const char *sentence; // after the image's name
} foreigners[] = {
    { "\x1f\x8b", 2, "is gzip-compressed; unpack it first (gunzip)" },
    { "\xfd"
      "7zXZ",
      5, "is xz-compressed; unpack it first (unxz)" },
    { "\x28\xb5\x2f\xfd", 4, "is zstd-compressed; unpack it first (unzstd)" },
    { "BZh", 3, "is bzip2-compressed; unpack it first (bunzip2)" },
    { "#!", 2, "is a script, not a kernel" },
    { "!<arch>", 7, "is a library archive, not a kernel" },
    { "MZ", 2, "is a PE program (Windows, EFI); expected multiboot1, ELF64 or Linux bzImage" },
};

uint16_t image_16(const struct image *image, uint64_t offset)
{
    uint16_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

uint32_t image_32(const struct image *image, uint64_t offset)
{
    uint32_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

uint64_t image_64(const struct image *image, uint64_t offset)
{
    uint64_t value;

    memcpy(&value, image->data + offset, sizeof(value));
    return value;
}

bool image_has(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset;
}

static bool overlaps(struct span a, uint64_t start, uint64_t end)
{
    return start < a.end && a.start < end;
}

static void take(struct loading *l, uint64_t start, uint64_t end)
{
    l->taken[l->taken_count++] = (struct span){ start, end };
}

bool loader_take_segment(struct loading *l, uint64_t start, uint64_t size)
{
    const char *name = l->input->kernel.name;
    uint64_t end, mem = l->ram.size;

    if (__builtin_add_overflow(start, size, &end) || end > mem) {
        if (start < mem && size <= UINT64_MAX - start)
            return REFUSE(l, "%s needs %lu KiB of guest memory, but the VM has %lu KiB (mem=)", name,
                          (unsigned long)((end - 1) / KIB + 1), (unsigned long)(mem / KIB));
        return REFUSE(l, "%s wants %lu KiB at 0x%lx, but the VM has %lu KiB (mem=)", name,
                      (unsigned long)(size / KIB + (size % KIB != 0)), (unsigned long)start,
                      (unsigned long)(mem / KIB));
    }
    if (start < PAGE_SIZE)
        return REFUSE(l, "%s wants to be loaded over page zero (segment at 0x%lx); link it at 1 MiB or above", name,
                      (unsigned long)start);
    if (overlaps((struct span){ LOW_RAM_END, HIGH_RAM }, start, end))
        return REFUSE(l, "%s wants to be loaded at 0x%lx-0x%lx, over the BIOS area 0x9fc00-0xfffff", name,
                      (unsigned long)start, (unsigned long)(end - 1));
    for (unsigned i = l->kernel_first; i < l->kernel_end; i++) {
        if (overlaps(l->taken[i], start, end))
            return REFUSE(l, "%s is damaged: its segments at 0x%lx and 0x%lx overlap", name,
                          (unsigned long)l->taken[i].start, (unsigned long)start);
    }
    if (l->kernel_end - l->kernel_first == LOADER_SEGMENTS_MAX)
        return REFUSE(l, "%s has more than %u segments to load", name, LOADER_SEGMENTS_MAX);
    take(l, start, end);
    l->kernel_end = l->taken_count;
    return true;
}

bool loader_in_kernel(const struct loading *l, uint64_t address)
{
    for (unsigned i = l->kernel_first; i < l->kernel_end; i++) {
        if (address >= l->taken[i].start && address < l->taken[i].end)
            return true;
    }
    return false;
}

uint64_t loader_place(struct loading *l, uint64_t size, uint64_t align, uint64_t from)
{
    uint64_t at = (from + align - 1) & ~(align - 1);

    // Each pass that hits a taken span moves beyond it for good, so there are at most taken_count of them.
    for (unsigned i = 0; i < l->taken_count;) {
        if (at >= l->ram.size || size > l->ram.size - at)
            return 0;
        if (overlaps(l->taken[i], at, at + size)) {
            at = (l->taken[i].end + align - 1) & ~(align - 1);
            i = 0;
        } else {
            i++;
        }
    }
    if (at >= l->ram.size || size > l->ram.size - at || l->taken_count == LOADER_SPANS_MAX)
        return 0;
    take(l, at, at + size);
    return at;
}

static bool is_arm64_linux(const struct image *image)
{
    return image_has(image, 0x38, 4) && memcmp(image->data + 0x38, "ARM\x64", 4) == 0;
}

static bool is_text(const struct image *image)
{
    uint64_t looked_at = image->size < 512 ? image->size : 512;

    for (uint64_t i = 0; i < looked_at; i++) {
        uint8_t byte = image->data[i];
        if (byte != '\t' && byte != '\n' && byte != '\r' && (byte < ' ' || byte > '~'))
            return false;
    }
    return true;
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

    if (image->size == 0)
        return REFUSE(l, "%s is empty", image->name);
    if (is_arm64_linux(image))
        return REFUSE(l, "%s is an arm64 Linux image: expected multiboot1, ELF64 or Linux bzImage for x86",
                      image->name);
    for (size_t i = 0; i < sizeof(foreigners) / sizeof(foreigners[0]); i++) {
        if (image_has(image, 0, foreigners[i].length) &&
            memcmp(image->data, foreigners[i].magic, foreigners[i].length) == 0)
            return REFUSE(l, "%s %s", image->name, foreigners[i].sentence);
    }
    if (has_multiboot2(image))
        return REFUSE(l, "%s has a multiboot2 header: expected multiboot1, ELF64 or Linux bzImage", image->name);
    if (is_text(image))
        return REFUSE(l, "%s is a text file, not a kernel", image->name);
    return REFUSE(l, "%s has no known format: no multiboot1 header in its first 8 KiB, and it is not ELF", image->name);
}

// Page tables that map the first 4 GiB onto themselves in 2 MiB pages, a stack and a GDT; what ENTRY_LONG64 promises.
bool loader_enter_long64(struct loading *l, struct entry_state *out)
{
    uint64_t tables = loader_place(l, LONG64_BYTES, PAGE_SIZE, LOADER_OWN_LOW);
    uint64_t *entry = (uint64_t *)(void *)(l->ram.host + tables);

    if (tables == 0)
        return REFUSE(l, "no %lu KiB of guest memory are left for page tables; give the VM more (mem=)",
                      (unsigned long)(LONG64_BYTES / KIB));
    memset(entry, 0, LONG64_TABLES * PAGE_SIZE);
    entry[0] = (tables + PAGE_SIZE) | PTE_PRESENT_WRITE;
    for (uint64_t i = 0; i < 4; i++)
        entry[512 + i] = (tables + (2 + i) * PAGE_SIZE) | PTE_PRESENT_WRITE;
    for (uint64_t i = 0; i < UINT64_C(4) * 512; i++)
        entry[1024 + i] = (i * 2 * MIB) | PTE_PRESENT_WRITE | PTE_LARGE;
    out->mode = ENTRY_LONG64;
    out->cr3 = tables;
    out->rsp = tables + LONG64_TABLES * PAGE_SIZE + LONG64_STACK;
    out->gdt = out->rsp;
    out->gdt_limit = sizeof(long64_gdt) - 1;
    memcpy(l->ram.host + out->gdt, long64_gdt, sizeof(long64_gdt));
    return true;
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
        return REFUSE(l, "%s has a multiboot1 header with a wrong checksum at offset %lu", image->name,
                      (unsigned long)header.offset);
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
        return REFUSE(&l, "the VM has %lu KiB of memory; a PC needs at least 1024 KiB",
                      (unsigned long)(ram.size / KIB));
    if (input->module_count > LOADER_MODULES_MAX)
        return REFUSE(&l, "%u modules are given; at most %u are possible", input->module_count, LOADER_MODULES_MAX);
    take(&l, 0, PAGE_SIZE);
    take(&l, LOW_RAM_END, HIGH_RAM);
    l.kernel_first = l.kernel_end = l.taken_count;
    if (linux_is(&input->kernel))
        return linux_load(&l, out);
    if (!load_kernel(&l, out) || !multiboot1_inform(&l, &out->rbx))
        return false;
    out->rax = MULTIBOOT1_BOOT_MAGIC;
    out->rdi = out->rbx;
    return true;
}
