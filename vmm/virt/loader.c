// SPDX-License-Identifier: MIT
// Kernels for an arm64 guest: Linux' Image (Documentation/arch/arm64/booting.rst of the Linux sources, whose names the
// fields have here), and flat images without a header, which go where QEMU's -kernel puts them. Places the kernel, the
// initrd and the device tree, and leaves writing the tree to virt/dtb.c. Called once when a VM is made. Pure: reads
// the images, writes guest memory, both bounds-checked; nothing is written before all has been checked.
#include "vmm/virt/dtb.h"
#include "vmm/loader_image.h"
#include <string.h>

#define TEXT_OFFSET 0x08u
#define IMAGE_SIZE  0x10u
#define FLAGS       0x18u
#define MAGIC       0x38u
#define HEADER_END  0x40u

#define FLAG_BIG_ENDIAN UINT64_C(1)

// Where Linux' images for other machines have their magic numbers.
#define BZIMAGE_MAGIC 0x202u
#define ZIMAGE_MAGIC  0x024u

// An image without a header: here, 512 KiB into RAM. Nobody says how much it uses behind its last byte.
#define FLAT_OFFSET UINT64_C(0x80000)
#define FLAT_ROOM   MIB

#define HIGH_OFFSET_MAX (128 * MIB) // initrd and tree: in the middle of RAM, but no further up than this
#define TREE_ALIGN      (2 * MIB)   // Linux maps it by blocks of this size

static bool is_linux(const struct image *image)
{
    return image_has(image, 0, HEADER_END) && memcmp(image->data + MAGIC, "ARM\x64", 4) == 0;
}

static bool check_header(struct loading *l)
{
    const struct image *image = &l->input->kernel;
    uint64_t offset = image_64(image, TEXT_OFFSET), size = image_64(image, IMAGE_SIZE);

    if ((image_64(image, FLAGS) & FLAG_BIG_ENDIAN) != 0)
        return REFUSE(l, "%s is a big-endian kernel; expected a little-endian one", image->name);
    if (size == 0)
        return REFUSE(l, "%s does not say how much memory it needs (image_size is 0); expected Linux 3.17 or later",
                      image->name);
    if (size < image->size)
        return REFUSE(l, "%s is damaged: it has %lu bytes but claims to need %lu (image_size)", image->name,
                      image->size, size);
    if (offset % 4 != 0)
        return REFUSE(l, "%s is damaged: its text_offset is 0x%lx, where no instruction can be", image->name, offset);
    return true;
}

// What is no arm64 kernel for certain. Anything else may be a flat image.
static bool check_foreign(struct loading *l)
{
    const struct image *image = &l->input->kernel;

    if (!loader_refuse_foreign(l))
        return false;
    if (image_has(image, 0, 8) && memcmp(image->data, "MZ", 2) == 0 && memcmp(image->data + 4, "zimg", 4) == 0)
        return REFUSE(l, "%s is a compressed EFI kernel (zboot); take the Image that is inside", image->name);
    if (image_has(image, BZIMAGE_MAGIC, 4) && memcmp(image->data + BZIMAGE_MAGIC, "HdrS", 4) == 0)
        return REFUSE(l, "%s is a Linux bzImage for x86: expected an Image for arm64", image->name);
    if (image_has(image, 0, 2) && memcmp(image->data, "MZ", 2) == 0)
        return REFUSE(l, "%s is a PE program (Windows, EFI); expected a Linux Image or a flat image", image->name);
    if (image_has(image, 0, 4) && memcmp(image->data, "\177ELF", 4) == 0)
        return REFUSE(l, "%s is an ELF file; make a flat image of it (objcopy -O binary)", image->name);
    if (image_has(image, ZIMAGE_MAGIC, 4) && image_32(image, ZIMAGE_MAGIC) == 0x016f2818u)
        return REFUSE(l, "%s is a Linux zImage for 32-bit Arm: expected an Image for arm64", image->name);
    return true;
}

// Initrd and tree: in the middle of RAM, as QEMU does it; right behind the kernel where that does not do.
static bool place_rest(struct loading *l, uint64_t behind, struct entry_state *out)
{
    uint64_t half = l->ram.size / 2 < HIGH_OFFSET_MAX ? l->ram.size / 2 : HIGH_OFFSET_MAX;
    uint64_t bytes = loader_initrd_bytes(l->input), high = l->ram.base + half > behind ? l->ram.base + half : behind;

    if (bytes != 0) {
        out->initrd_start = loader_place(l, bytes, PAGE_SIZE, high);
        if (out->initrd_start == 0)
            out->initrd_start = loader_place(l, bytes, PAGE_SIZE, behind);
        if (out->initrd_start == 0)
            return REFUSE(l, "the initrd has %lu KiB and does not fit behind the kernel, which ends at %lu KiB of "
                             "%lu KiB (mem=)",
                          (bytes + KIB - 1) / KIB, (behind - l->ram.base) / KIB, l->ram.size / KIB);
        out->initrd_end = out->initrd_start + bytes;
    }
    out->x0 = loader_place(l, GUEST_DTB_BYTES, TREE_ALIGN, out->initrd_end > high ? out->initrd_end : high);
    if (out->x0 == 0)
        out->x0 = loader_place(l, GUEST_DTB_BYTES, PAGE_SIZE, behind);
    if (out->x0 == 0)
        return REFUSE(l, "no %lu KiB of guest memory are left for the device tree; give the VM more (mem=)",
                      GUEST_DTB_BYTES / KIB);
    return true;
}

bool loader_load(const struct loader_input *input, struct guest_ram ram, struct entry_state *out,
                 struct refusal *refusal)
{
    struct loading l = { .input = input, .ram = ram, .refusal = refusal };
    const struct image *image = &input->kernel;
    bool has_header = is_linux(image);

    memset(out, 0, sizeof(*out));
    if (!loader_begin(&l) || !(has_header ? check_header(&l) : check_foreign(&l)))
        return false;
    uint64_t start = ram.base + (has_header ? image_64(image, TEXT_OFFSET) : FLAT_OFFSET);
    uint64_t size = has_header ? image_64(image, IMAGE_SIZE) : image->size;
    if (!loader_take_segment(&l, start, size) || !place_rest(&l, start + size + (has_header ? 0 : FLAT_ROOM), out))
        return false;
    memcpy(loader_memory(&l, start, image->size), image->data, image->size);
    loader_copy_initrd(&l, out->initrd_start);
    out->mode = ENTRY_EL1;
    out->pc = start;
    out->kernel_end = start + image->size;
    out->tree_end = out->x0 + GUEST_DTB_BYTES;
    out->format = has_header ? "Linux Image for arm64" : "flat image";
    return true;
}
