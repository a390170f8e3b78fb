// SPDX-License-Identifier: MIT
// The EL2 exception vectors (Arm ARM D1.3.1). From a lower exception level: an exit of the guest, world.S. From EL2
// itself: our own fault, since interrupts and SErrors are masked here always, but for one; the registers go to
// exception.c.
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/exception.h"

        .macro  vector target
        .balign 128
        b       \target
        .endm

        // The stack may be what is broken, so the record goes to one of its own. Until then two registers that only a
        // running guest needs hold x0 and the old stack pointer: no guest will run before they are written again.
        .macro  own_vector number
        .balign 128
        msr     cnthp_cval_el2, x0
        mov     x0, sp
        msr     cntvoff_el2, x0
        adrp    x0, panic_stack_top
        mov     sp, x0
        sub     sp, sp, #TRAP_FRAME_BYTES
        mov     x0, #\number
        str     x0, [sp, #TRAP_FRAME_VECTOR]
        b       own_exception
        .endm

        .macro  vectors name, exited
        .balign 2048
        .globl  \name
        .type   \name, @function
\name:
        own_vector 0                    // with SP_EL0: sync, IRQ, FIQ, SError
        own_vector 1
        own_vector 2
        own_vector 3
        own_vector 4                    // with SP_EL2
        own_vector 5
        own_vector 6
        own_vector 7
        vector  \exited\()_sync       // lower level, AArch64
        vector  \exited\()_irq
        vector  \exited\()_fiq
        vector  \exited\()_serror
        vector  \exited\()_sync       // lower level, AArch32
        vector  \exited\()_irq
        vector  \exited\()_fiq
        vector  \exited\()_serror
        .balign 128
        .size   \name, . - \name
        .endm

        .text
        vectors exception_vectors, world_exited
        vectors exception_vectors_guarded, world_guarded // barrier.c chooses it

        .type   own_exception, @function
own_exception:
        mrs     x0, cnthp_cval_el2
        stp     x0, x1, [sp, #0]
        stp     x2, x3, [sp, #16]
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
        mrs     x0, cntvoff_el2
        stp     x30, x0, [sp, #TRAP_FRAME_LR]
        mrs     x0, elr_el2
        mrs     x1, spsr_el2
        stp     x0, x1, [sp, #TRAP_FRAME_ELR]
        mrs     x0, esr_el2
        mrs     x1, far_el2
        stp     x0, x1, [sp, #TRAP_FRAME_ESR]
        mov     x0, sp
        mov     x29, #0
        mov     x30, #0
        bl      exception_taken
        ldp     x18, x19, [sp, #144]    // it comes back to go on after a call, which keeps no others
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldp     x30, x1, [sp, #TRAP_FRAME_LR]
        mov     sp, x1
        eret
        .size   own_exception, . - own_exception
        .section .note.GNU-stack, "", @progbits
