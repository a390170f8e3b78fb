// SPDX-License-Identifier: MIT
// The FPU's registers, which are the guest's and stay in the CPU. As after reset: each VM starts with zeros, whatever
// the one before it left there. And one of them read or written, for an instruction that is emulated. The only file of
// the monitor that touches them.
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

// X0: number, X1: 16 bytes, aligned. Two instructions for each register.
.macro transfer name, insn
        .globl  \name
        .type   \name, @function
\name:
        adr     x2, 1f
        add     x2, x2, x0, lsl #3
        br      x2
1:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        \insn   q\n, [x1]
        ret
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        \insn   q\n, [x1]
        ret
        .endr
        .size   \name, . - \name
.endm
        transfer fpu_read, str
        transfer fpu_write, ldr
        .section .note.GNU-stack, "", @progbits
