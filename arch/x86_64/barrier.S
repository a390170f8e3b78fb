// SPDX-License-Identifier: MIT
// What a processor has learned is forgotten: barrier_run(BARRIER_ bits in EDI), a C function that loses RAX, RCX and RDX
// alone. Branches come first, because until then a return of the monitor's own may be predicted by a guest's.

#define BUFFERS        1
#define L1D            2
#define RETURNS        4
#define BRANCHES       8
#define MSR_PRED_CMD   0x49
#define PRED_CMD_IBPB  1
#define MSR_FLUSH_CMD  0x10b
#define FLUSH_CMD_L1D  1
#define SELECTOR_DATA  0x10
#define RETURN_PAIRS   16              // the deepest stack of returns that is known has 32

        .text
        .globl  barrier_run
        .type   barrier_run, @function
barrier_run:
        xor     %edx, %edx
        test    $BRANCHES, %edi
        jz      .Lbranches_done
        mov     $MSR_PRED_CMD, %ecx
        mov     $PRED_CMD_IBPB, %eax
        wrmsr
.Lbranches_done:
        test    $RETURNS, %edi
        jz      .Lreturns_done
        mov     $RETURN_PAIRS, %ecx
.Lpair:
        call    .Lfirst
.Ltrap:                                // a return that is predicted by these calls stays here until it is found wrong
        pause
        lfence
        jmp     .Ltrap
.Lfirst:
        call    .Lsecond
        jmp     .Ltrap
.Lsecond:
        add     $16, %rsp
        dec     %ecx
        jnz     .Lpair
        lfence
.Lreturns_done:
        test    $L1D, %edi
        jz      .Lcache_done
        mov     $MSR_FLUSH_CMD, %ecx
        mov     $FLUSH_CMD_L1D, %eax
        wrmsr
.Lcache_done:
        test    $BUFFERS, %edi
        jz      .Ldone
        push    $SELECTOR_DATA
        verw    (%rsp)
        pop     %rdx
.Ldone:
        lfence                          // whatever a guest has taught of the jumps: nothing goes on before it
        ret
        .size   barrier_run, . - barrier_run
        .section .note.GNU-stack, "", @progbits
