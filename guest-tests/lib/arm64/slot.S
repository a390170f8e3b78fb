// SPDX-License-Identifier: MIT
// Loads all registers, runs a few words that are written here, stores all registers: see slot.h.
        .arch   armv8-a+fp+simd

        // Every register, by `op`, which is ldr or str.
        .macro  registers op
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
        \op     x\n, [x29, #8 * \n]
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \op     q\n, [x29, #256 + 16 * \n]
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \op     q\n, [x29, #256 + 16 * \n]
        .endr
        .endm

        .text
slot_body:
        registers ldr
        .globl  slot_words
slot_words:
        nop
        nop
        nop
        nop
        nop
        registers str
        ret

        // void slot_run(uint64_t context): for catch_trap(), which keeps the registers that must be preserved.
        .globl  slot_run
slot_run:
        str     x30, [sp, #-16]!
        mov     x29, x0
        bl      slot_body
        ldr     x30, [sp], #16
        ret

        // void slot_enter(uint64_t frame): PC, SPSR, X29
        .globl  slot_enter, slot_at_el0
slot_enter:
        ldp     x1, x2, [x0]
        ldr     x29, [x0, #16]
        msr     elr_el1, x1
        msr     spsr_el1, x2
        eret
slot_at_el0:
        bl      slot_body
        svc     #0
        .section .note.GNU-stack, "", @progbits
