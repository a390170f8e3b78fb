// SPDX-License-Identifier: MIT
// Enters an image by Linux' boot protocol (Documentation/arch/arm64/booting.rst): exceptions masked, MMU and data cache
// off, the image and its device tree in memory and in no cache. Called by start.c at EL2, under the firmware's 1:1 map.

        .text
        .globl  enter_monitor
        .type   enter_monitor, @function
enter_monitor:
        msr     daifset, #15
        mrs     x3, ctr_el0
        ubfx    x3, x3, #16, #4         // DminLine, in words
        mov     x4, #4
        lsl     x4, x4, x3
        sub     x5, x4, #1
1:      ldp     x6, x7, [x0], #16
        cmp     x6, x7
        b.hs    3f
        bic     x6, x6, x5
2:      dc      civac, x6
        add     x6, x6, x4
        cmp     x6, x7
        b.lo    2b
        b       1b

3:      adr     x6, enter_monitor       // what is fetched from here on is fetched past the data cache
        adr     x7, end
        bic     x6, x6, x5
4:      dc      cvac, x6
        add     x6, x6, x4
        cmp     x6, x7
        b.lo    4b
        dsb     sy
        mrs     x6, sctlr_el2           // these bits have their places whether HCR_EL2.E2H is set or not
        bic     x6, x6, #1 << 0         // M
        bic     x6, x6, #1 << 2         // C
        msr     sctlr_el2, x6
        isb
        ic      iallu
        dsb     sy
        isb
        mov     x4, x1
        mov     x0, x2
        mov     x1, #0
        mov     x2, #0
        mov     x3, #0
        br      x4
end:
        .size   enter_monitor, . - enter_monitor
        .section .note.GNU-stack, "", @progbits
