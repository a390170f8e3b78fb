// SPDX-License-Identifier: MIT
// One trip into the guest and back, at EL2 (Arm ARM D1.10): sample t0, derive CNTVOFF_EL2 and the alarm from it, load
// registers, ERET; sample t1, save registers. From t0 to the ERET and from the vector to t1 every path executes the
// same instructions, so its cost is a constant for each kind of exit, and the constant is calibrated at boot. One thing
// is decided here: a hypercall, a call of the firmware, an access to device memory or a read of a system register goes to
// quick.c with half the registers saved, and may go back into the guest at once.
//
// The guest's EL1 registers, its SP_EL0 and SP_EL1 and all of the FPU stay in the CPU: nothing of the monitor uses
// them.

#define WORLD_PC           248
#define WORLD_V            264
#define WORLD_COUNTER_BASE 272
#define WORLD_COUNTER_MASK 280
#define WORLD_ALARM        288
#define WORLD_T0           296
#define WORLD_T1           304
#define WORLD_VECTOR       312
#define WORLD_ESR          320
#define WORLD_QUICK        328

// The frame of world_switch_body: X29 and X30, the world, X19 to X22.
#define FRAME              64
#define FRAME_WORLD        16
#define FRAME_KEPT         32

#define EC_SHIFT           26
#define EC_HVC64           0x16
#define EC_SMC64           0x17
#define EC_SYSREG          0x18
#define ISS_READ_BIT       0           // of an MSR or MRS
#define EC_DATA_ABORT_LOW  0x24

// X0: struct world. The last of the way in, the same for every entry; X2 to X18, X30, X0 and X1 are the guest's after
// it.
.macro enter
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
        ldr     x18, [x0, #144]
        ldr     x30, [x0, #240]
        ldp     x0, x1, [x0]
        eret
.endm

        .text
        .globl  world_switch_body
        .type   world_switch_body, @function
world_switch_body:                     // X0: struct world. Keeps X0, X19 to X22, X29 and SP, other registers are lost
        stp     x29, x30, [sp, #-FRAME]!
        str     x0, [sp, #FRAME_WORLD]
        stp     x19, x20, [sp, #FRAME_KEPT]
        stp     x21, x22, [sp, #FRAME_KEPT + 16]
        ldp     x1, x2, [x0, #WORLD_PC]
        msr     elr_el2, x1
        msr     spsr_el2, x2
        ldp     x19, x20, [x0, #152]
        ldp     x21, x22, [x0, #168]
        ldp     x23, x24, [x0, #184]
        ldp     x25, x26, [x0, #200]
        ldp     x27, x28, [x0, #216]
        ldr     x29, [x0, #232]
        enter

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
world_left_\name:
        stp     x4, x5, [x0, #32]
        stp     x6, x7, [x0, #48]
        stp     x8, x9, [x0, #64]
        stp     x10, x11, [x0, #80]
        stp     x12, x13, [x0, #96]
        stp     x14, x15, [x0, #112]
        stp     x16, x17, [x0, #128]
        str     x18, [x0, #144]
        str     x30, [x0, #240]
        ldp     x3, x4, [sp], #16
        stp     x3, x4, [x0]
        mov     x2, #\vector
.endm

// The same where the CPU asks for barriers (barrier.c): after t1, and before it no branch is predicted. CLRBHB, which is
// no instruction where it is not known; firmware's workaround takes X0 to X3 (DEN0028 2.6).
.macro guarded name
        .globl  world_guarded_\name
        .type   world_guarded_\name, @function
world_guarded_\name:
        stp     x0, x1, [sp, #-16]!
        mrs     x1, cntpct_el0
        ldr     x0, [sp, #16 + FRAME_WORLD]
        str     x1, [x0, #WORLD_T1]
        stp     x2, x3, [x0, #16]
        hint    #22
        isb
        adrp    x0, barrier_call
        ldr     w0, [x0, #:lo12:barrier_call]
        cbz     w0, 1f
        smc     #0
1:      dsb     nsh                     // whatever a guest has taught of the branch: nothing goes on before it
        isb
        ldr     x0, [sp, #16 + FRAME_WORLD]
        b       world_left_\name
        .size   world_guarded_\name, . - world_guarded_\name
.endm
        guarded sync
        guarded irq
        guarded fiq
        guarded serror

        exited  sync, 0
        mrs     x3, esr_el2
        lsr     w4, w3, #EC_SHIFT
        ldr     x1, [x0, #WORLD_QUICK]
        stp     x2, x3, [x0, #WORLD_VECTOR]
        cbz     x1, leave_stored

// What may be answered on the way. X19 to X29 still hold what is the guest's: C keeps them.
        cmp     w4, #EC_HVC64
        b.ne    not_a_hypercall
        bl      quick_hypercall
after_quick:                           // X0: the world, to go back into; null: the long way
        cbz     x0, not_quick
        enter
not_quick:
        ldr     x0, [sp, #FRAME_WORLD]
        b       leave_stored
not_a_hypercall:
        cmp     w4, #EC_DATA_ABORT_LOW
        b.ne    not_an_access
        bl      quick_access
        b       after_quick
not_an_access:
        cmp     w4, #EC_SYSREG
        b.ne    not_a_sysreg
        tbz     w3, #ISS_READ_BIT, leave_stored
        bl      quick_sysreg
        b       after_quick
not_a_sysreg:
        cmp     w4, #EC_SMC64
        b.ne    leave_stored
        bl      quick_firmware
        b       after_quick
        .size   world_exited_sync, . - world_exited_sync

        exited  irq, 1
        b       leave
        .size   world_exited_irq, . - world_exited_irq
        exited  fiq, 2
        b       leave
        .size   world_exited_fiq, . - world_exited_fiq
        exited  serror, 3
        .size   world_exited_serror, . - world_exited_serror
leave:
        mrs     x3, esr_el2
        stp     x2, x3, [x0, #WORLD_VECTOR]
leave_stored:
        stp     x19, x20, [x0, #152]
        stp     x21, x22, [x0, #168]
        stp     x23, x24, [x0, #184]
        stp     x25, x26, [x0, #200]
        stp     x27, x28, [x0, #216]
        str     x29, [x0, #232]
        mrs     x5, elr_el2
        mrs     x6, spsr_el2
        stp     x5, x6, [x0, #WORLD_PC]
        ldp     x19, x20, [sp, #FRAME_KEPT]
        ldp     x21, x22, [sp, #FRAME_KEPT + 16]
        ldp     x29, x30, [sp], #FRAME
        ret
        .size   world_switch_body, . - world_switch_body
        .section .note.GNU-stack, "", @progbits
