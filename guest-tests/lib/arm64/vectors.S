// SPDX-License-Identifier: MIT
// EL1's exception vectors (DDI 0487, D1.3.1.5). Each entry reads the counter as its second instruction.
//
// So the stamp of a handler's first instruction is the value read minus 2, exactly, on a machine that counts
// instructions (exact.S says why it is not 1); elsewhere handler_lead is 0. trap_dispatch() in traps.c gets the frame,
// which is struct trap of arm64.h.
        .set    FRAME, 304
        .text
        .macro  entry kind
        .balign 128
        stp     x0, x1, [sp, #-FRAME]!
        mrs     x0, cntvct_el0
        mov     x1, #\kind
        b       trap_common
        .endm

        .balign 2048
        .globl  trap_vectors
trap_vectors:
        .irp    kind, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        entry   \kind
        .endr

trap_common:
        stp     x2, x3, [sp, #16]
        adrp    x2, handler_lead
        ldr     x2, [x2, :lo12:handler_lead]
        sub     x0, x0, x2
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        stp     x30, x0, [sp, #240]             // X30, stamp
        mrs     x2, elr_el1
        mrs     x3, spsr_el1
        stp     x2, x3, [sp, #256]
        mrs     x2, esr_el1
        mrs     x3, far_el1
        stp     x2, x3, [sp, #272]
        add     x2, sp, #FRAME
        stp     x1, x2, [sp, #288]              // kind, stack pointer
        mov     x0, sp
        bl      trap_dispatch
        ldp     x2, x3, [sp, #256]
        msr     elr_el1, x2
        msr     spsr_el1, x3
        ldr     x30, [sp, #240]
        ldp     x28, x29, [sp, #224]
        ldp     x26, x27, [sp, #208]
        ldp     x24, x25, [sp, #192]
        ldp     x22, x23, [sp, #176]
        ldp     x20, x21, [sp, #160]
        ldp     x18, x19, [sp, #144]
        ldp     x16, x17, [sp, #128]
        ldp     x14, x15, [sp, #112]
        ldp     x12, x13, [sp, #96]
        ldp     x10, x11, [sp, #80]
        ldp     x8, x9, [sp, #64]
        ldp     x6, x7, [sp, #48]
        ldp     x4, x5, [sp, #32]
        ldp     x2, x3, [sp, #16]
        ldp     x0, x1, [sp], #FRAME
        eret

        // void catch_call(void (*body)(uint64_t), uint64_t argument): body(argument); a trap that is caught continues at
        // catch_resume, which has the stack and the registers that must be preserved from before the call.
        .globl  catch_call, catch_resume
catch_call:
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        mov     x9, sp
        adrp    x10, catch_stack
        str     x9, [x10, :lo12:catch_stack]
        mov     x9, x0
        mov     x0, x1
        blr     x9
catch_resume:
        adrp    x10, catch_stack
        ldr     x9, [x10, :lo12:catch_stack]
        mov     sp, x9
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

        .bss
        .balign 8
catch_stack:
        .skip   8
        .section .note.GNU-stack, "", @progbits
