// SPDX-License-Identifier: MIT
// One trip into the guest and back, on SVM (APM 2, 15.5), between open_world() and close_world() of vendor.c. Nothing
// is decided here: load registers, set the alarm, sample t0, derive the guest's TSC offset from it, VMRUN; sample t1,
// save registers. Every path through this file executes the same instructions, so its cost is a constant, and the
// constant is calibrated at boot.
//
// The order at the entry matters: the alarm starts counting a fixed distance before the guest's first instruction, and
// t0 is the last thing sampled, so both distances (switch_costs.alarm and switch_costs.in, which calibrate.c finds) are
// constants too.

#define GPR(n)      ((n) * 8)
#define WORLD_VMCB       144
#define WORLD_V          160
#define WORLD_TSC_BASE   168
#define WORLD_TSC_MASK   176
#define WORLD_T0         184
#define WORLD_T1         192
#define WORLD_ALARM_MMIO 200
#define WORLD_ALARM      208
#define VMCB_TSC_OFFSET  0x50
#define MSR_X2APIC_TMICT 0x838

// From the last of the pushes, the world's address, to t1. RDX and RDI are saved before t1, RCX after it; RAX is in the
// VMCB.
.macro enter_guest
        mov     GPR(3)(%rdi), %rbx
        mov     GPR(5)(%rdi), %rbp
        mov     GPR(6)(%rdi), %rsi
        mov     GPR(8)(%rdi), %r8
        mov     GPR(9)(%rdi), %r9
        mov     GPR(10)(%rdi), %r10
        mov     GPR(11)(%rdi), %r11
        mov     GPR(12)(%rdi), %r12
        mov     GPR(13)(%rdi), %r13
        mov     GPR(14)(%rdi), %r14
        mov     GPR(15)(%rdi), %r15

        mov     WORLD_ALARM(%rdi), %rax
        mov     WORLD_ALARM_MMIO(%rdi), %rdx
        test    %rdx, %rdx
        jz      .Lx2apic\@
        mov     %eax, (%rdx)
.Lsample\@:
        mov     GPR(1)(%rdi), %rcx
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, WORLD_T0(%rdi)
        neg     %rax
        add     WORLD_V(%rdi), %rax
        and     WORLD_TSC_MASK(%rdi), %rax
        add     WORLD_TSC_BASE(%rdi), %rax
        mov     WORLD_VMCB(%rdi), %rdx
        mov     %rax, VMCB_TSC_OFFSET(%rdx)
        mov     %rdx, %rax
        mov     GPR(2)(%rdi), %rdx
        mov     GPR(7)(%rdi), %rdi
        vmrun   %rax

        // RAX and RSP are the host's again, everything else is the guest's.
        mov     (%rsp), %rax
        mov     %rdx, GPR(2)(%rax)
        mov     %rdi, GPR(7)(%rax)
        pop     %rdi
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, WORLD_T1(%rdi)
        mov     %rcx, GPR(1)(%rdi)

        .subsection 1
.Lx2apic\@:
        xor     %edx, %edx
        mov     $MSR_X2APIC_TMICT, %ecx
        wrmsr
        jmp     .Lsample\@
        .previous
.endm

        .text
        .globl  svm_world_switch_body
        .type   svm_world_switch_body, @function
svm_world_switch_body:                  // %rdi: struct world. Keeps %rbp and %rsp, every other register is lost
        push    %rbp
        push    %rdi
        enter_guest
.Lleft:
        mov     %rbx, GPR(3)(%rdi)
        mov     %rbp, GPR(5)(%rdi)
        mov     %rsi, GPR(6)(%rdi)
        mov     %r8, GPR(8)(%rdi)
        mov     %r9, GPR(9)(%rdi)
        mov     %r10, GPR(10)(%rdi)
        mov     %r11, GPR(11)(%rdi)
        mov     %r12, GPR(12)(%rdi)
        mov     %r13, GPR(13)(%rdi)
        mov     %r14, GPR(14)(%rdi)
        mov     %r15, GPR(15)(%rdi)
        pop     %rbp
        ret
        .size   svm_world_switch_body, . - svm_world_switch_body

// The same where the CPU asks for barriers (barrier.c): before t0, and after it nothing is loaded but what is the guest's
// own and the few words of the switch itself; after t1, and before it no branch is predicted.
        .globl  svm_world_switch_guarded
        .type   svm_world_switch_guarded, @function
svm_world_switch_guarded:
        push    %rbp
        push    %rdi
        movzbl  barrier_entry(%rip), %edi
        call    barrier_run
        mov     (%rsp), %rdi
        enter_guest
        push    %rdi
        movzbl  barrier_exit(%rip), %edi
        call    barrier_run
        pop     %rdi
        jmp     .Lleft
        .size   svm_world_switch_guarded, . - svm_world_switch_guarded
        .section .note.GNU-stack, "", @progbits
