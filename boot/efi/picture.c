// SPDX-License-Identifier: MIT
// Finds the framebuffer: see picture.h. Called by main.c, before the memory map is taken.
#include "boot/efi/picture.h"

static bool drawable(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode)
{
    return mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor ||
           mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor || mode->PixelFormat == PixelBitMask;
}

// Of the modes that can be drawn on, the one asked for.
static bool find_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, uint32_t width, uint32_t height, uint32_t *found)
{
    for (uint32_t i = 0; i < gop->Mode->MaxMode; i++) {
        EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
        UINTN size;
        if (EFI_ERROR(gop->QueryMode(gop, i, &size, &mode)))
            continue;
        bool fits = drawable(mode) && mode->HorizontalResolution == width && mode->VerticalResolution == height;
        BS->FreePool(mode);
        if (fits) {
            *found = i;
            return true;
        }
    }
    return false;
}

static struct boot_field field_of(uint32_t mask)
{
    uint32_t at = mask != 0 ? (uint32_t)__builtin_ctz(mask) : 0;
    return (struct boot_field){ (uint8_t)at, mask != 0 ? (uint8_t)(32 - (uint32_t)__builtin_clz(mask) - at) : 0 };
}

static void describe(const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *gop_mode, struct boot_screen *out)
{
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = gop_mode->Info;
    EFI_PIXEL_BITMASK masks = mode->PixelInformation;
    if (mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor)
        masks = (EFI_PIXEL_BITMASK){ 0xff, 0xff00, 0xff0000, 0xff000000 };
    else if (mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor)
        masks = (EFI_PIXEL_BITMASK){ 0xff0000, 0xff00, 0xff, 0xff000000 };
    uint32_t all = masks.RedMask | masks.GreenMask | masks.BlueMask | masks.ReservedMask;
    uint32_t bits = 8; // of a pixel: whole bytes that hold every mask
    while (bits < 32 && all >> bits != 0)
        bits += 8;
    *out = (struct boot_screen){
        .kind = BOOT_SCREEN_PIXELS,
        .address = gop_mode->FrameBufferBase,
        .width = mode->HorizontalResolution,
        .height = mode->VerticalResolution,
        .pitch = mode->PixelsPerScanLine * (bits / 8),
        .bits = bits,
        .red = field_of(masks.RedMask),
        .green = field_of(masks.GreenMask),
        .blue = field_of(masks.BlueMask),
    };
}

// With several heads the firmware may show one more that stands for all, and has no pixels of its own.
static EFI_GRAPHICS_OUTPUT_PROTOCOL *find_screen(void)
{
    EFI_GUID identity = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *found = NULL, *gop;
    EFI_HANDLE *handles;
    UINTN count;
    if (EFI_ERROR(BS->LocateHandleBuffer(ByProtocol, &identity, NULL, &count, &handles)))
        return NULL;
    for (UINTN i = 0; i < count; i++) {
        if (EFI_ERROR(BS->HandleProtocol(handles[i], &identity, (void **)&gop)))
            continue;
        if (found == NULL || (!drawable(found->Mode->Info) && drawable(gop->Mode->Info)))
            found = gop;
    }
    BS->FreePool(handles);
    return found;
}

const char *picture_set(uint32_t width, uint32_t height, struct boot_screen *out)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = find_screen();
    const char *why = NULL;
    uint32_t mode;
    *out = (struct boot_screen){ .kind = BOOT_SCREEN_NONE };
    if (gop == NULL)
        return "the firmware shows no screen (no Graphics Output Protocol): see the serial port";
    if (width != 0 && !find_mode(gop, width, height, &mode))
        why = "the screen has no mode as gfxmode says; it stays as it was";
    else if (width != 0 && mode != gop->Mode->Mode && EFI_ERROR(gop->SetMode(gop, mode)))
        why = "the firmware could not set the mode that gfxmode says";
    if (!drawable(gop->Mode->Info) || gop->Mode->FrameBufferBase == 0)
        return "the screen's pixels cannot be written to in this mode: see the serial port";
    describe(gop->Mode, out);
    return why;
}
