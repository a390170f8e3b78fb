// SPDX-License-Identifier: MIT
// 256 interrupt entry stubs. Each one reads the counter as its third instruction.
//
// "push, push, rdtsc" stands first in every stub, so that the stamp of a handler's first instruction is the value read
// minus 2, exactly, on a machine that counts instructions. trap_dispatch() in traps.c gets the rest.
        .text
        .altmacro
        .macro  stub vector
trap_stub_\vector:
        push    %rax
        push    %rdx
        rdtsc
        push    $\vector
        .if     (\vector == 8) || ((\vector >= 10) && (\vector <= 14)) || (\vector == 17) || \
                (\vector == 21) || (\vector == 29) || (\vector == 30)
        jmp     trap_with_error
        .else
        jmp     trap_without_error
        .endif
        .endm
        .set    v, 0
        .rept   256
        stub    %v
        .set    v, v + 1
        .endr

        // On the stack now: vector, rdx, rax, then what the CPU pushed. The frame that trap_dispatch() gets is
        // struct trap of guest.h: general registers, vector, stamp, error code, pointer to the CPU's part.
        .macro  common error_bytes
        shl     $32, %rdx
        or      %rdx, %rax
        push    %r15
        push    %r14
        push    %r13
        push    %r12
        push    %r11
        push    %r10
        push    %r9
        push    %r8
        push    %rbp
        push    %rdi
        push    %rsi
        push    %rcx
        push    %rbx
        sub     $2, %rax
        push    %rax                            // stamp of the stub's first instruction
        .if     \error_bytes
        pushq   16*8+8(%rsp)
        lea     17*8+8+8(%rsp), %rax
        .else
        pushq   $0
        lea     16*8+8+8(%rsp), %rax
        .endif
        push    %rax                            // where the CPU's RIP, CS, RFLAGS, RSP, SS are
        mov     %rsp, %rdi
        cld
        call    trap_dispatch
        add     $24, %rsp
        pop     %rbx
        pop     %rcx
        pop     %rsi
        pop     %rdi
        pop     %rbp
        pop     %r8
        pop     %r9
        pop     %r10
        pop     %r11
        pop     %r12
        pop     %r13
        pop     %r14
        pop     %r15
        add     $8, %rsp                        // the vector
        pop     %rdx
        pop     %rax
        .if     \error_bytes
        add     $8, %rsp
        .endif
        iretq
        .endm
trap_without_error:
        common  0
trap_with_error:
        common  8

        .section .rodata
        .balign 8
        .globl  trap_stubs
        .macro  address vector
        .quad   trap_stub_\vector
        .endm
trap_stubs:
        .set    v, 0
        .rept   256
        address %v
        .set    v, v + 1
        .endr
        .section .note.GNU-stack, "", @progbits
