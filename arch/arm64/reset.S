// SPDX-License-Identifier: MIT
// The FPU as after reset: each VM starts with zeros, whatever the one before it left there. The only file of the
// monitor that touches it.
        .arch   armv8-a+fp+simd
        .text
        .globl  fpu_reset
        .type   fpu_reset, @function
fpu_reset:
        msr     fpcr, xzr
        msr     fpsr, xzr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        movi    v\n\().2d, #0
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        movi    v\n\().2d, #0
        .endr
        ret
        .size   fpu_reset, . - fpu_reset
        .section .note.GNU-stack, "", @progbits
