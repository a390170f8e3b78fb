// SPDX-License-Identifier: MIT
// One trip into the guest and back, at EL2 (Arm ARM D1.10). Nothing is decided here: sample t0, derive CNTVOFF_EL2 and
// the alarm from it, load registers, ERET; sample t1, save registers. Every path through this file executes the same
// instructions, so its cost is a constant for each vector, and the constant is calibrated at boot.
//
// The guest's EL1 registers, its SP_EL0 and SP_EL1 and all of the FPU stay in the CPU: nothing of the monitor uses them.

#define WORLD_PC           248
#define WORLD_V            264
#define WORLD_COUNTER_BASE 272
#define WORLD_COUNTER_MASK 280
#define WORLD_ALARM        288
#define WORLD_T0           296
#define WORLD_T1           304
#define WORLD_VECTOR       312
#define WORLD_ESR          320
#define FRAME_WORLD        16          // in the frame of world_switch_body, behind X29 and X30

        .text
        .globl  world_switch_body
        .type   world_switch_body, @function
world_switch_body:                     // X0: struct world. Keeps X0, X29 and SP, every other register is lost
        stp     x29, x30, [sp, #-32]!
        str     x0, [sp, #FRAME_WORLD]
        mov     x29, sp
        ldp     x1, x2, [x0, #WORLD_PC]
        msr     elr_el2, x1
        msr     spsr_el2, x2
        ldp     x3, x4, [x0, #WORLD_V]
        ldp     x5, x6, [x0, #WORLD_COUNTER_MASK]
        isb                            // the counter is not read before this (Arm ARM D11.2.2)
        mrs     x1, cntpct_el0
        sub     x3, x1, x3
        and     x3, x3, x5
        sub     x3, x3, x4
        msr     cntvoff_el2, x3        // the guest's counter continues from V
        add     x6, x1, x6
        msr     cnthp_cval_el2, x6     // the alarm
        str     x1, [x0, #WORLD_T0]
        ldp     x2, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x7, [x0, #48]
        ldp     x8, x9, [x0, #64]
        ldp     x10, x11, [x0, #80]
        ldp     x12, x13, [x0, #96]
        ldp     x14, x15, [x0, #112]
        ldp     x16, x17, [x0, #128]
        ldp     x18, x19, [x0, #144]
        ldp     x20, x21, [x0, #160]
        ldp     x22, x23, [x0, #176]
        ldp     x24, x25, [x0, #192]
        ldp     x26, x27, [x0, #208]
        ldp     x28, x29, [x0, #224]
        ldr     x30, [x0, #240]
        ldp     x0, x1, [x0]
        eret

// The vectors of an exit (vectors.S) come here, with every general register the guest's. The exception itself has
// synchronised the context, so the counter is not read too early.
.macro exited name, vector
        .globl  world_exited_\name
        .type   world_exited_\name, @function
world_exited_\name:
        stp     x0, x1, [sp, #-16]!
        mrs     x1, cntpct_el0
        ldr     x0, [sp, #16 + FRAME_WORLD]
        str     x1, [x0, #WORLD_T1]
        stp     x2, x3, [x0, #16]
        mov     x2, #\vector
        b       save
        .size   world_exited_\name, . - world_exited_\name
.endm

        exited  irq, 1
        exited  fiq, 2
        exited  serror, 3
        exited  sync, 0
save:
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        stp     x18, x19, [x0, #144]
        stp     x20, x21, [x0, #160]
        stp     x22, x23, [x0, #176]
        stp     x24, x25, [x0, #192]
        stp     x26, x27, [x0, #208]
        stp     x28, x29, [x0, #224]
        str     x30, [x0, #240]
        ldp     x3, x4, [sp], #16
        stp     x3, x4, [x0]
        mrs     x5, elr_el2
        mrs     x6, spsr_el2
        stp     x5, x6, [x0, #WORLD_PC]
        mrs     x7, esr_el2
        stp     x2, x7, [x0, #WORLD_VECTOR]
        ldp     x29, x30, [sp], #32
        ret
        .size   world_switch_body, . - world_switch_body
        .section .note.GNU-stack, "", @progbits
