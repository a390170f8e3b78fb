// SPDX-License-Identifier: MIT
// The way into a guest test: the header of arm64's boot protocol (Linux: booting.rst), EL1, a stack, guest_start().
//
// The loader leaves the MMU off and the device tree's address in X0. The image says that it runs anywhere in memory.
        .section .image_header, "ax"
        .globl  image_start
image_start:
        b       start                           // code0, code1
        .long   0
        .quad   0                               // text_offset: from a 2 MiB boundary

        // guest.ld puts the length in memory here.
        .section .image_header.flags, "a"
        .quad   0xa                             // little endian, 4 KiB pages, anywhere
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

        .text
start:
        adrp    x9, image_start                 // the image is linked at 0: its address is what to add
        adrp    x1, bss_start
        add     x1, x1, :lo12:bss_start
        adrp    x2, image_end
1:      stp     xzr, xzr, [x1], #16
        cmp     x1, x2
        b.lo    1b

        // Each entry is place, kind (R_AARCH64_RELATIVE, 1027), addend: the ELF for the Arm 64-bit architecture, 5.7.
        adrp    x1, relocations_start
        add     x1, x1, :lo12:relocations_start
        adrp    x2, relocations_end
        add     x2, x2, :lo12:relocations_end
2:      cmp     x1, x2
        b.hs    3f
        ldp     x3, x4, [x1], #16
        ldr     x5, [x1], #8
        add     x5, x5, x9
        str     x5, [x3, x9]
        b       2b

3:      msr     spsel, #1
        msr     daifset, #0xf
        adrp    x1, boot_stack_end
        add     sp, x1, :lo12:boot_stack_end
        adrp    x1, boot_dtb
        str     x0, [x1, :lo12:boot_dtb]
        mov     x29, xzr
        bl      guest_start
4:      wfi
        b       4b

        .bss
        .balign 16
        .globl  boot_dtb
boot_dtb:
        .skip   16
boot_stack:
        .skip   32768
        .globl  boot_stack_end
boot_stack_end:
        .section .note.GNU-stack, "", @progbits
