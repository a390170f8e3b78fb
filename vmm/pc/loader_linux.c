// SPDX-License-Identifier: MIT
// Linux for x86-64 by the 64-bit boot protocol: Documentation/arch/x86/boot.rst of the Linux sources, whose names the
// fields have here. The kernel goes to the address it prefers, the initrd as high as it may be, boot_params (the "zero
// page") and the command line low. Called by pc/loader.c. Pure; writes nothing before all has been checked.
#include "vmm/pc/kernels.h"
#include <string.h>

// The setup header: the same offsets in the file and in boot_params.
#define SETUP_SECTS        0x1f1u
#define SYSSIZE            0x1f4u // of the code behind the setup sectors, in paragraphs
#define BOOT_FLAG          0x1feu
#define HEADER_LENGTH      0x201u // the operand of a short jump at 0x200: the header ends that far behind 0x202
#define HEADER_MAGIC       0x202u
#define VERSION            0x206u
#define TYPE_OF_LOADER     0x210u
#define RAMDISK_IMAGE      0x218u
#define RAMDISK_SIZE       0x21cu
#define CMD_LINE_PTR       0x228u
#define INITRD_ADDR_MAX    0x22cu
#define KERNEL_ALIGNMENT   0x230u
#define RELOCATABLE_KERNEL 0x234u
#define XLOADFLAGS         0x236u
#define CMDLINE_SIZE       0x238u
#define PREF_ADDRESS       0x258u
#define INIT_SIZE          0x260u
#define HEADER_BYTES_2_12  0x268u // the file reaches at least that far under version 2.12

#define VERSION_2_12       0x20cu // the first with xloadflags
#define XLF_KERNEL_64      (1u << 0)
#define LOADER_UNDEFINED   0xff
#define SECTOR_BYTES       512u
#define PARAGRAPH          UINT64_C(16) // bytes
#define SETUP_SECTS_IF_0   4u
#define ENTRY_64           0x200u // the 64-bit entry, counted from where the kernel was loaded
#define ALIGNMENT_MAX      (1u << 30)

// What only boot_params has (Documentation/arch/x86/zero-page.rst).
#define SCREEN_INFO        0x000u // struct screen_info (include/uapi/linux/screen_info.h)
#define ACPI_RSDP_ADDR     0x070u
#define E820_ENTRIES       0x1e8u
#define HEADER_ROOM_END    0x290u // the setup header's place ends here
#define E820_TABLE         0x2d0u
#define E820_ENTRY_BYTES   20u
#define E820_RAM           1u
#define E820_RESERVED      2u

struct linux_kernel {
    uint64_t file_offset, bytes; // of the code behind the setup sectors
    uint64_t load, init_size;
    uint32_t initrd_addr_max, cmdline_size;
};

bool linux_is(const struct image *image)
{
    return image_has(image, BOOT_FLAG, VERSION + 2 - BOOT_FLAG) && image_16(image, BOOT_FLAG) == 0xaa55 &&
           memcmp(image->data + HEADER_MAGIC, "HdrS", 4) == 0;
}

static bool check_version(struct loading *l)
{
    const struct image *image = &l->input->kernel;
    unsigned version = image_16(image, VERSION);

    if (version < VERSION_2_12)
        return REFUSE(l, "%s is a Linux kernel with boot protocol %u.%02u; the 64-bit entry needs 2.12 (Linux 3.8)",
                      image->name, version >> 8, version & 0xff);
    if (!image_has(image, 0, HEADER_BYTES_2_12))
        return REFUSE(l, "%s is truncated: it ends inside the Linux setup header, after %lu bytes", image->name,
                      image->size);
    if ((image_16(image, XLOADFLAGS) & XLF_KERNEL_64) == 0)
        return REFUSE(l, "%s is a Linux kernel without a 64-bit entry; expected one for x86-64", image->name);
    return true;
}

// Where the kernel will run: init_size describes a relocatable kernel from its preferred address on even if it is
// loaded lower, so it is loaded just there.
static bool find_place(struct loading *l, struct linux_kernel *kernel)
{
    const struct image *image = &l->input->kernel;
    uint64_t align = image_32(image, KERNEL_ALIGNMENT);

    if (align == 0 || (align & (align - 1)) != 0 || align > ALIGNMENT_MAX)
        return REFUSE(l, "%s is damaged: its kernel_alignment is 0x%lx, not a power of two", image->name, align);
    kernel->load = image_64(image, PREF_ADDRESS);
    if (image->data[RELOCATABLE_KERNEL] != 0 && kernel->load <= l->ram.size)
        kernel->load = (kernel->load + align - 1) & ~(align - 1);
    kernel->init_size = image_32(image, INIT_SIZE);
    if (kernel->bytes > kernel->init_size)
        return REFUSE(l, "%s is damaged: it has %lu bytes to load but claims to run in %lu (init_size)", image->name,
                      kernel->bytes, kernel->init_size);
    return loader_take_segment(l, kernel->load, kernel->init_size);
}

static bool read_header(struct loading *l, struct linux_kernel *kernel)
{
    const struct image *image = &l->input->kernel;

    if (!check_version(l))
        return false;
    uint64_t sectors = image->data[SETUP_SECTS] != 0 ? image->data[SETUP_SECTS] : SETUP_SECTS_IF_0;
    kernel->file_offset = (sectors + 1) * SECTOR_BYTES;
    kernel->bytes = PARAGRAPH * image_32(image, SYSSIZE);
    kernel->initrd_addr_max = image_32(image, INITRD_ADDR_MAX);
    kernel->cmdline_size = image_32(image, CMDLINE_SIZE);
    if (kernel->bytes <= ENTRY_64)
        return REFUSE(l, "%s is damaged: its header says that %lu bytes follow the setup code", image->name,
                      kernel->bytes);
    uint64_t end = kernel->file_offset + kernel->bytes;
    if (end >= image->size + PARAGRAPH)
        return REFUSE(l, "%s is truncated: its header says %lu bytes, the file has %lu", image->name, end, image->size);
    if (end > image->size) // the code ends inside its last paragraph; what follows it is zero in any case
        kernel->bytes = image->size - kernel->file_offset;
    return find_place(l, kernel);
}

// As high as initrd_addr_max and the memory allow: what the kernel unpacks itself into is below.
static bool place_initrd(struct loading *l, const struct linux_kernel *kernel, uint64_t bytes, uint64_t *at)
{
    uint64_t kernel_end = kernel->load + kernel->init_size, limit = kernel->initrd_addr_max + UINT64_C(1);

    *at = 0;
    if (bytes == 0)
        return true;
    if (limit > l->ram.size)
        limit = l->ram.size;
    if (bytes <= limit)
        *at = (limit - bytes) & ~(PAGE_SIZE - 1);
    if (*at < kernel_end)
        return REFUSE(l, "the initrd has %lu KiB and does not fit between the kernel's end at %lu KiB and %lu KiB "
                         "(mem=)",
                      (bytes + KIB - 1) / KIB, kernel_end / KIB, limit / KIB);
    if (loader_place(l, bytes, PAGE_SIZE, *at) != *at)
        return REFUSE(l, "the initrd has %lu KiB and would lie over the BIOS area below %lu KiB",
                      (bytes + KIB - 1) / KIB, limit / KIB);
    return true;
}

static bool check_cmdline(struct loading *l, const struct linux_kernel *kernel)
{
    uint64_t length = strlen(l->input->cmdline);

    if (length > kernel->cmdline_size)
        return REFUSE(l, "the command line has %lu characters; %s takes at most %u", length, l->input->kernel.name,
                      kernel->cmdline_size);
    return true;
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

// The map a PC's firmware gives. What is not named (the holes of APICs and HPET) is not RAM.
static void write_e820(uint8_t *zero_page, uint64_t ram_end)
{
    const struct {
        uint64_t start, end;
        uint32_t type;
    } map[] = {
        { 0, LOW_RAM_END, E820_RAM },
        { LOW_RAM_END, ROM_START, E820_RESERVED },
        { GUEST_ACPI_BASE, HIGH_RAM, E820_RESERVED }, // the tables, as firmware in ROM has them
        { HIGH_RAM, ram_end, E820_RAM },
    };
    uint8_t count = 0;

    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
        uint8_t *entry = zero_page + E820_TABLE + (size_t)count * E820_ENTRY_BYTES;
        if (map[i].start == map[i].end)
            continue;
        put(entry, map[i].start, 8);
        put(entry + 8, map[i].end - map[i].start, 8);
        put(entry + 16, map[i].type, 4);
        count++;
    }
    zero_page[E820_ENTRIES] = count;
}

// The text screen as vmm/pc/bios.c leaves it: the cursor at home in mode 3, 80 by 25, characters of 16 lines, a VGA.
static void write_screen_info(uint8_t *info)
{
    info[0x06] = 3;
    info[0x07] = 80;
    info[0x0e] = 25;
    info[0x0f] = 1;
    info[0x10] = 16;
}

// "64-bit BOOT PROTOCOL": all zero, the setup header as the file has it, then what the loader knows.
static void write_zero_page(struct loading *l, uint8_t *zero_page, uint64_t cmdline, uint64_t initrd)
{
    const struct image *image = &l->input->kernel;
    uint64_t end = HEADER_MAGIC + (uint64_t)image->data[HEADER_LENGTH];

    if (end > HEADER_ROOM_END)
        end = HEADER_ROOM_END;
    if (end > image->size)
        end = image->size;
    memset(zero_page, 0, PAGE_SIZE);
    memcpy(zero_page + SETUP_SECTS, image->data + SETUP_SECTS, end - SETUP_SECTS);
    write_screen_info(zero_page + SCREEN_INFO);
    zero_page[TYPE_OF_LOADER] = LOADER_UNDEFINED;
    put(zero_page + CMD_LINE_PTR, cmdline, 4);
    put(zero_page + RAMDISK_IMAGE, initrd, 4);
    put(zero_page + RAMDISK_SIZE, loader_initrd_bytes(l->input), 4);
    put(zero_page + ACPI_RSDP_ADDR, GUEST_ACPI_BASE, 8);
    write_e820(zero_page, l->ram.size);
}

static void copy_images(struct loading *l, const struct linux_kernel *kernel, uint64_t initrd)
{
    const struct loader_input *input = l->input;
    uint8_t *at = loader_memory(l, kernel->load, kernel->init_size);

    memcpy(at, input->kernel.data + kernel->file_offset, kernel->bytes);
    memset(at + kernel->bytes, 0, kernel->init_size - kernel->bytes);
    loader_copy_initrd(l, initrd);
}

bool linux_load(struct loading *l, struct entry_state *out)
{
    struct linux_kernel kernel;
    uint64_t initrd, cmdline_bytes = strlen(l->input->cmdline) + 1;

    if (!read_header(l, &kernel) || !check_cmdline(l, &kernel) ||
        !place_initrd(l, &kernel, loader_initrd_bytes(l->input), &initrd) || !loader_enter_long64(l, out))
        return false;
    uint64_t zero_page = loader_place(l, PAGE_SIZE + cmdline_bytes, PAGE_SIZE, LOADER_OWN_LOW);
    if (zero_page == 0)
        return REFUSE(l, "no %lu bytes of guest memory are left for boot_params; give the VM more (mem=)",
                      PAGE_SIZE + cmdline_bytes);
    copy_images(l, &kernel, initrd);
    uint8_t *params = loader_memory(l, zero_page, PAGE_SIZE + cmdline_bytes);
    write_zero_page(l, params, zero_page + PAGE_SIZE, initrd);
    memcpy(params + PAGE_SIZE, l->input->cmdline, cmdline_bytes);
    out->format = "Linux bzImage";
    out->pc = kernel.load + ENTRY_64;
    out->rsi = zero_page;
    return true;
}
