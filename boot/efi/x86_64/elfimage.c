// SPDX-License-Identifier: MIT
// Reads the monitor's ELF file: see elfimage.h. Called by start.c, and by its native test with damaged files.
#include "boot/efi/x86_64/elfimage.h"

#include <elf.h>
#include <string.h>

#define IMAGE_END_MAX (UINT64_C(1) << 32) // it is entered in 32-bit mode

static const char *add_piece(const uint8_t *file, size_t size, const Elf64_Phdr *segment, struct elfimage *image)
{
    if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
        return NULL;
    if (image->count == ELFIMAGE_PIECES_MAX)
        return "it has too many segments";
    if (segment->p_offset > size || segment->p_filesz > size - segment->p_offset)
        return "it is cut short";
    if (segment->p_filesz > segment->p_memsz || segment->p_paddr >= IMAGE_END_MAX ||
        segment->p_memsz > IMAGE_END_MAX - segment->p_paddr)
        return "a segment does not lie below 4 GiB";
    image->pieces[image->count++] = (struct elfimage_piece){
        .to = segment->p_paddr,
        .from = (uintptr_t)file + segment->p_offset,
        .bytes = segment->p_filesz,
        .zeros = segment->p_memsz - segment->p_filesz,
    };
    uint64_t end = segment->p_paddr + segment->p_memsz;
    image->start = segment->p_paddr < image->start ? segment->p_paddr : image->start;
    image->end = end > image->end ? end : image->end;
    return NULL;
}

const char *elfimage_read(const uint8_t *file, size_t size, struct elfimage *image)
{
    Elf64_Ehdr header;
    *image = (struct elfimage){ .start = IMAGE_END_MAX };
    if (size < sizeof(header))
        return "it is cut short";
    memcpy(&header, file, sizeof(header));
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_machine != EM_X86_64 || header.e_phentsize != sizeof(Elf64_Phdr))
        return "it is not a 64-bit ELF file for x86-64";
    if (header.e_phoff > size || header.e_phnum > (size - header.e_phoff) / sizeof(Elf64_Phdr))
        return "it is cut short";
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, file + header.e_phoff + i * sizeof(segment), sizeof(segment));
        const char *wrong = add_piece(file, size, &segment, image);
        if (wrong != NULL)
            return wrong;
    }
    if (header.e_entry < image->start || header.e_entry >= image->end)
        return "its entry is in no segment";
    image->entry = (uint32_t)header.e_entry;
    return NULL;
}
