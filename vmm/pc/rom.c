// SPDX-License-Identifier: MIT
// What answers INT in real mode, as machine code: enough for a kernel that asks the firmware a few questions on its way
// to protected mode and goes on when there is no answer. INT 10h says that there is a VGA in mode 3; everything else
// returns with CF set, "not supported" (IBM PS/2 and Personal Computer BIOS Interface Technical Reference, chapter 2);
// a hardware interrupt gets its EOI. Whoever enters at the reset vector resets the machine. Called when a VM is made.
// Pure.
#include "vmm/pc/bios.h"
#include "vmm/pc/tables.h"
#include "vmm/base/guestmem.h"

#define ROM_SEGMENT 0xf000u
#define ROM_BASE    0xf0000u
#define VECTORS     256
#define VIDEO       0x10 // the vector

// Where a PC's firmware has always had these.
#define AT_VIDEO    0xf065
#define AT_IRQ      0xfea5
#define AT_IRQ_HIGH 0xfeb0 // of the second 8259
#define AT_NONE     0xfee0
#define AT_IRET     0xff53
#define AT_RESET    0xfff0

static const uint8_t video[] = {
    0x80, 0xfc, 0x0f, 0x75, 0x06,             //    cmp $0x0f, %ah; jne 1f    which mode?
    0xb8, 0x03, 0x50, 0x30, 0xff, 0xcf,       //    mov $0x5003, %ax; xor %bh, %bh; iret
    0x80, 0xfc, 0x03, 0x75, 0x06,             // 1: cmp $0x03, %ah; jne 2f    where is the cursor?
    0xb9, 0x0e, 0x0d, 0x31, 0xd2, 0xcf,       //    mov $0x0d0e, %cx; xor %dx, %dx; iret
    0x3d, 0x00, 0x1a, 0x75, 0x06,             // 2: cmp $0x1a00, %ax; jne 3f  which adapter?
    0xb0, 0x1a, 0xbb, 0x08, 0x00, 0xcf,       //    mov $0x1a, %al; mov $8, %bx; iret
    0x3d, 0x30, 0x11, 0x75, 0x06,             // 3: cmp $0x1130, %ax; jne 4f  which font?
    0xb9, 0x10, 0x00, 0xb2, 0x18, 0xcf,       //    mov $16, %cx; mov $24, %dl; iret
    0x80, 0xfc, 0x12, 0x75, 0x0a,             // 4: cmp $0x12, %ah; jne 5f    how much memory has the adapter?
    0x80, 0xfb, 0x10, 0x75, 0x05,             //    cmp $0x10, %bl; jne 5f
    0xbb, 0x03, 0x00, 0x31, 0xc9, 0xcf,       //    mov $3, %bx; xor %cx, %cx; 5: iret
};
static const uint8_t none[] = { 0x55, 0x89, 0xe5, 0x80, 0x4e, 0x06, 0x01, 0x5d, 0xcf }; // CF, in the flags on the stack
static const uint8_t irq[] = { 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf };              // EOI to port 0x20
static const uint8_t irq_high[] = { 0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf };
static const uint8_t iret[] = { 0xcf };
static const uint8_t reset[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xf9 };            // 8042 command FE; hlt; again

static const struct {
    uint16_t       at;
    uint16_t       bytes;
    const uint8_t *code;
} pieces[] = {
    { AT_VIDEO, sizeof(video), video },          { AT_IRQ, sizeof(irq), irq },    { AT_NONE, sizeof(none), none },
    { AT_IRQ_HIGH, sizeof(irq_high), irq_high }, { AT_IRET, sizeof(iret), iret }, { AT_RESET, sizeof(reset), reset },
};

static uint16_t handler_of(unsigned vector)
{
    if (vector < 0x08)
        return AT_IRET; // the CPU's own
    if (vector < 0x10)
        return AT_IRQ;
    if (vector >= 0x70 && vector < 0x78)
        return AT_IRQ_HIGH;
    return vector == VIDEO ? AT_VIDEO : AT_NONE;
}

void guest_rom_build(struct guest_ram ram)
{
    uint8_t *low = guest_pointer(ram, (gpa){ 0 }, MIB);

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        memcpy(low + ROM_BASE + pieces[i].at, pieces[i].code, pieces[i].bytes);
    for (unsigned vector = 0; vector < VECTORS; vector++)
        put32(low + (size_t)vector * 4, ROM_SEGMENT << 16 | handler_of(vector));
}
