// SPDX-License-Identifier: MIT
// ELF executables for x86 (System V gABI, chapters 4 and 5): checks everything in the headers against the file and the
// guest's memory, then copies the segments to their physical addresses. Called by pc/loader.c.
// Pure; writes nothing before the last segment has been checked.
#include "vmm/pc/kernels.h"
#include <string.h>

#define ELFCLASS32   1
#define ELFCLASS64   2
#define ELFDATA2LSB  1
#define ET_EXEC      2
#define ET_DYN       3 // static PIE: loaded where it was linked, it needs no relocation
#define EM_386       3
#define EM_X86_64    62
#define PT_LOAD      1
#define PT_INTERP    3
#define EHDR32_BYTES 52
#define EHDR64_BYTES 64
#define PHDR32_BYTES 32
#define PHDR64_BYTES 56

struct elf_segment {
    uint32_t type;
    uint64_t offset, filesz, vaddr, paddr, memsz;
};

static const struct machine_name {
    uint16_t machine;
    const char *name;
} machine_names[] = {
    { 8, "MIPS" },        { 20, "PowerPC" },  { 21, "64-bit PowerPC" }, { 22, "S/390" },
    { 40, "32-bit ARM" }, { 183, "AArch64" }, { 243, "RISC-V" },        { 258, "LoongArch" },
};

bool elf_is(const struct image *image)
{
    return image_has(image, 0, 4) && memcmp(image->data,
                                            "\x7f"
                                            "ELF",
                                            4) == 0;
}

static bool check_machine(struct loading *l, uint16_t machine)
{
    const char *name = "another machine";

    if (machine == EM_386 || machine == EM_X86_64)
        return true;
    for (size_t i = 0; i < sizeof(machine_names) / sizeof(machine_names[0]); i++) {
        if (machine_names[i].machine == machine)
            name = machine_names[i].name;
    }
    return REFUSE(l, "%s is for %s (ELF machine %u); expected x86 or x86-64", l->input->kernel.name, name, machine);
}

// e_ident: the bytes that say how to read all others.
static bool check_ident(struct loading *l)
{
    const struct image *image = &l->input->kernel;

    if (!image_has(image, 0, 20))
        return REFUSE(l, "%s is truncated: it ends inside the ELF header, after %lu bytes", image->name, image->size);
    if (image->data[5] != ELFDATA2LSB)
        return REFUSE(l, "%s is big-endian; expected little-endian x86", image->name);
    if (image->data[4] != ELFCLASS32 && image->data[4] != ELFCLASS64)
        return REFUSE(l, "%s is damaged: ELF class %u is neither 32-bit nor 64-bit", image->name, image->data[4]);
    return check_machine(l, image_16(image, 18));
}

bool elf_read(struct loading *l, struct elf *elf)
{
    const struct image *image = &l->input->kernel;

    if (!check_ident(l))
        return false;
    elf->is_64 = image->data[4] == ELFCLASS64;
    if (!image_has(image, 0, elf->is_64 ? EHDR64_BYTES : EHDR32_BYTES))
        return REFUSE(l, "%s is truncated: it ends inside the ELF header, after %lu bytes", image->name, image->size);
    unsigned type = image_16(image, 16);
    if (type != ET_EXEC && type != ET_DYN)
        return REFUSE(l, "%s is ELF of type %u, not a linked executable", image->name, type);
    elf->entry = elf->is_64 ? image_64(image, 24) : image_32(image, 24);
    elf->phoff = elf->is_64 ? image_64(image, 32) : image_32(image, 28);
    elf->phnum = image_16(image, elf->is_64 ? 56 : 44);
    elf->bytes_of_phdr = elf->is_64 ? PHDR64_BYTES : PHDR32_BYTES;
    unsigned phentsize = image_16(image, elf->is_64 ? 54 : 42);
    if (elf->phnum != 0 && phentsize != elf->bytes_of_phdr)
        return REFUSE(l, "%s is damaged: its program headers have %u bytes each, expected %u", image->name, phentsize,
                      elf->bytes_of_phdr);
    if (!image_has(image, elf->phoff, (uint64_t)elf->phnum * elf->bytes_of_phdr))
        return REFUSE(l, "%s is truncated: its %u program headers at offset %lu are not in its %lu bytes", image->name,
                      elf->phnum, elf->phoff, image->size);
    return true;
}

static struct elf_segment segment_at(const struct image *image, const struct elf *elf, unsigned index)
{
    uint64_t at = elf->phoff + (uint64_t)index * elf->bytes_of_phdr;

    if (elf->is_64)
        return (struct elf_segment){
            .type = image_32(image, at),
            .offset = image_64(image, at + 8),
            .vaddr = image_64(image, at + 16),
            .paddr = image_64(image, at + 24),
            .filesz = image_64(image, at + 32),
            .memsz = image_64(image, at + 40),
        };
    return (struct elf_segment){
        .type = image_32(image, at),
        .offset = image_32(image, at + 4),
        .vaddr = image_32(image, at + 8),
        .paddr = image_32(image, at + 12),
        .filesz = image_32(image, at + 16),
        .memsz = image_32(image, at + 20),
    };
}

static bool is_loaded(const struct elf_segment *segment)
{
    return segment->type == PT_LOAD && (segment->memsz != 0 || segment->filesz != 0);
}

static bool check_segment(struct loading *l, const struct elf_segment *segment, unsigned index)
{
    const struct image *image = &l->input->kernel;

    if (segment->type == PT_INTERP)
        return REFUSE(l, "%s is a program for an operating system (it asks for an interpreter), not a kernel",
                      image->name);
    if (!is_loaded(segment))
        return true;
    if (segment->filesz > segment->memsz)
        return REFUSE(l, "%s is damaged: segment %u has %lu bytes in the file but only %lu in memory", image->name,
                      index, segment->filesz, segment->memsz);
    if (!image_has(image, segment->offset, segment->filesz))
        return REFUSE(l, "%s is truncated: segment %u has %lu bytes at offset %lu, the file has %lu", image->name,
                      index, segment->filesz, segment->offset, image->size);
    return loader_take_segment(l, segment->paddr, segment->memsz);
}

// The entry as a guest-physical address. Normally e_entry is one; kernels that are linked high give a virtual address,
// which goes through the segment that holds it.
static bool find_entry(struct loading *l, const struct elf *elf, uint64_t *entry)
{
    const struct image *image = &l->input->kernel;

    *entry = elf->entry;
    if (loader_in_kernel(l, *entry))
        return true;
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct elf_segment segment = segment_at(image, elf, i);
        if (is_loaded(&segment) && elf->entry >= segment.vaddr && elf->entry - segment.vaddr < segment.memsz) {
            *entry = segment.paddr + (elf->entry - segment.vaddr);
            return true;
        }
    }
    return REFUSE(l, "%s is damaged: its entry 0x%lx is outside of what it loads", image->name, elf->entry);
}

bool elf_load(struct loading *l, const struct elf *elf, uint64_t *entry)
{
    const struct image *image = &l->input->kernel;

    for (unsigned i = 0; i < elf->phnum; i++) {
        struct elf_segment segment = segment_at(image, elf, i);
        if (!check_segment(l, &segment, i))
            return false;
    }
    if (l->kernel_end == l->kernel_first)
        return REFUSE(l, "%s has no segment to load", image->name);
    if (!find_entry(l, elf, entry))
        return false;
    for (unsigned i = 0; i < elf->phnum; i++) {
        struct elf_segment segment = segment_at(image, elf, i);
        if (!is_loaded(&segment))
            continue;
        uint8_t *at = loader_memory(l, segment.paddr, segment.memsz);
        memcpy(at, image->data + segment.offset, segment.filesz);
        memset(at + segment.filesz, 0, segment.memsz - segment.filesz);
    }
    return true;
}
