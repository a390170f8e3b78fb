// SPDX-License-Identifier: MIT
// Entry of the arm64 image: the header that QEMU's -kernel and U-Boot's booti read (Linux, Documentation/arch/arm64/
// booting), then the first instructions, at EL2 with the MMU off and the device tree's address in x0. The image runs
// where it was put: it applies its own relocations, all of them R_AARCH64_RELATIVE, before any C is called.
#include "arch/arm64/host/arm64.h"

#define R_AARCH64_RELATIVE 1027

        .section .text.entry, "ax"
        .globl  image_header
image_header:
        b       entry
        .long   0
        .quad   0                       // text_offset
        .long   image_size, 0           // bytes from here that are ours, BSS included
        .quad   0xa                     // little-endian, 4 KiB pages, anywhere in memory
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

        .type   entry, @function
entry:
        msr     daifset, #15
        mov     x19, x0
        mrs     x20, CurrentEL
        lsr     x20, x20, #2
        mov     x21, #0
        cmp     x20, #2
        b.ne    1f
        mrs     x21, cntpct_el0         // time since hand-over counts from here
        mov     x0, #HCR_RW             // E2H 0: the EL2 registers have their first layout from here on
        msr     hcr_el2, x0
        isb
        mov     x0, #(SCTLR_EL2_RES1 & 0xffff)
        movk    x0, #(SCTLR_EL2_RES1 >> 16), lsl #16
        orr     x0, x0, #SCTLR_I
        msr     sctlr_el2, x0
        isb

        // What the loader's caches may hold of our memory goes out before it is written past them.
1:      adrp    x22, image_start
        adrp    x23, image_end
        mrs     x0, ctr_el0
        ubfx    x0, x0, #16, #4         // DminLine, in words
        mov     x1, #4
        lsl     x1, x1, x0
        mov     x0, x22
2:      dc      civac, x0
        add     x0, x0, x1
        cmp     x0, x23
        b.lo    2b
        dsb     sy

        adrp    x0, bss_start           // page aligned, both
        adrp    x1, bss_end
3:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    3b

        adrp    x0, relocations_start
        add     x0, x0, :lo12:relocations_start
        adrp    x1, relocations_end
        add     x1, x1, :lo12:relocations_end
4:      cmp     x0, x1
        b.hs    5f
        ldp     x2, x3, [x0], #24       // where, what kind
        ldur    x4, [x0, #-8]           // what
        cmp     x3, #R_AARCH64_RELATIVE
        b.ne    halt                    // the linker script asserts that there are no others
        add     x4, x4, x22             // linked at 0
        str     x4, [x22, x2]
        b       4b

5:      dsb     sy
        ic      iallu
        dsb     sy
        isb
        adrp    x0, boot_stack_top
        mov     sp, x0
        mov     x29, #0                 // the frame pointer chain ends here
        mov     x30, #0
        cmp     x20, #2
        b.ne    6f
        mov     x0, x19
        bl      paging_early
        mov     x0, x19
        mov     x1, x21
        bl      boot_main
halt:   wfi
        b       halt
6:      mov     x0, x19
        mov     x1, x20
        bl      boot_refused
        b       halt
        .size   entry, . - entry

        .section .bss.page_aligned, "aw", @nobits
        .balign 4096
        // The boot CPU's stacks, each with its guard page below (cpu.c, paging.c).
        .globl  boot_stack_guard, boot_stack_top, panic_stack_guard, panic_stack_top
boot_stack_guard:
        .skip   4096
        .skip   8 * 4096
boot_stack_top:
panic_stack_guard:
        .skip   4096
        .skip   2 * 4096
panic_stack_top:
        .section .note.GNU-stack, "", @progbits
