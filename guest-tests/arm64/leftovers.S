// SPDX-License-Identifier: MIT
// The vectors as they are, and the end of the kernel that leaves noise behind: see leftovers.c.
        .arch   armv8-a+fp+simd

        // void vectors_read(uint64_t to[64])
        .text
        .globl  vectors_read
vectors_read:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        str     q\n, [x0, #16 * \n]
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        str     q\n, [x0, #16 * \n]
        .endr
        ret

        // _Noreturn void leave_noise(uint64_t noise): what a kernel stands on while it runs, then off by PSCI
        .globl  leave_noise
leave_noise:
        mov     x1, #0x0800
        movk    x1, #0x30d0, lsl #16
        msr     sctlr_el1, x1           // the MMU off: addresses are the same
        isb
        .irp    register, ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1, vbar_el1, tpidr_el0, tpidrro_el0, tpidr_el1
        msr     \register, x0
        .endr
        .irp    register, contextidr_el1, afsr0_el1, afsr1_el1, esr_el1, far_el1, par_el1, elr_el1, spsr_el1, sp_el0
        msr     \register, x0
        .endr
        .irp    register, csselr_el1, cntkctl_el1, fpcr, fpsr
        msr     \register, x0
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        dup     v\n\().2d, x0
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        dup     v\n\().2d, x0
        .endr
        mov     sp, x0
        .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
        mov     x\n, x0
        .endr
        mov     x29, x0
        mov     x30, x0
        mov     w0, #0x0008             // SYSTEM_OFF
        movk    w0, #0x8400, lsl #16
        hvc     #0
1:      b       1b
        .section .note.GNU-stack, "", @progbits
