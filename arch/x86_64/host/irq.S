// SPDX-License-Identifier: MIT
// The 256 entries of the interrupt table: each brings the stack to one shape (struct trap_frame, idt.h), saves the
// general registers and calls trap_handle(). The host never runs user code, so there is no SWAPGS and no stack switch
// but the IST's.

        // Exceptions that push an error code: SDM 3A 6.15.
#define ERROR_CODE_VECTORS (1 << 8 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 17 | 1 << 21 | 1 << 29 | \
                            1 << 30)

        .text
        .globl  trap_stubs
        .balign 16
trap_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     (vector > 31) || !((ERROR_CODE_VECTORS >> (vector & 31)) & 1)
        push    $0
        .endif
        push    $vector
        jmp     trap_common
        .set    vector, vector + 1
        .endr

        .type   trap_common, @function
trap_common:
        push    %rax
        push    %rcx
        push    %rdx
        push    %rbx
        push    %rbp
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        cld
        mov     %rsp, %rdi
        call    trap_handle
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rbp
        pop     %rbx
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $16, %rsp
        iretq
        .size   trap_common, . - trap_common
        .section .note.GNU-stack, "", @progbits
