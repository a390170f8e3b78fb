// SPDX-License-Identifier: MIT
// One trip into the guest and back, on VMX (SDM 3C chapters 26 and 27). Nothing is decided here: load registers, sample
// t0, derive the guest's TSC offset and the alarm from it, enter; sample t1, save registers. Every path through this
// file from t0 to the guest executes the same instructions, so its cost is a constant, and the constant is calibrated at
// boot.
//
// The alarm is the VMX-preemption timer: it counts in the guest alone, once when bit `rate` of the counter changes, so
// its value is the difference of two such counts, the deadline's rounded up: never early. Where there is
// none the host's LAPIC timer takes its place, as in svm/world.S.

#define GPR(n)      ((n) * 8)
#define WORLD_V          160
#define WORLD_TSC_BASE   168
#define WORLD_TSC_MASK   176
#define WORLD_T0         184
#define WORLD_T1         192
#define WORLD_ALARM_MMIO 200
#define WORLD_ALARM      208
#define WORLD_HOST_RSP   216
#define WORLD_WAY_IN     224
#define WORLD_RATE       232
#define WORLD_LAUNCHED   240
#define WORLD_TIMER      241
#define WORLD_FAILED     242
#define WORLD_LOADED     248
#define WORLD_OFFSET     256
#define VMCS_TSC_OFFSET       0x2010
#define VMCS_PREEMPTION_TIMER 0x482e
#define VMCS_HOST_RSP         0x6c14
#define MSR_X2APIC_TMICT      0x838

// t1, and the registers that this takes: RAX and RDX are saved before it, RDI is pushed before and saved after it. RCX
// is saved here, too.
.macro sample_exit
        push    %rdi
        mov     8(%rsp), %rdi
        mov     %rax, GPR(0)(%rdi)
        mov     %rdx, GPR(2)(%rdi)
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, WORLD_T1(%rdi)
        pop     GPR(7)(%rdi)
        mov     %rcx, GPR(1)(%rdi)
.endm

        .text
        .globl  vmx_world_switch_body
        .type   vmx_world_switch_body, @function
vmx_world_switch_body:                  // %rdi: struct world. Keeps %rbp and %rsp, every other register is lost
        push    %rbp
        push    %rdi
.Lbegin:
        cmp     WORLD_HOST_RSP(%rdi), %rsp
        je      .Lstack_known
        mov     %rsp, WORLD_HOST_RSP(%rdi)
        mov     $VMCS_HOST_RSP, %eax
        vmwrite %rsp, %rax
.Lstack_known:
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
        cmpb    $0, WORLD_TIMER(%rdi)
        je      .Lhost_timer

        mov     WORLD_RATE(%rdi), %ecx
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, WORLD_T0(%rdi)
        mov     %rax, %rdx
        add     WORLD_WAY_IN(%rdi), %rdx        // the guest's first instruction
        mov     WORLD_ALARM(%rdi), %rbx         // 2^rate - 1 is in it
        add     %rdx, %rbx
        shr     %cl, %rdx
        shr     %cl, %rbx
        sub     %rdx, %rbx
        mov     %rbx, WORLD_LOADED(%rdi)
        mov     $VMCS_PREEMPTION_TIMER, %edx
        vmwrite %rbx, %rdx
.Lsampled:
        neg     %rax
        add     WORLD_V(%rdi), %rax
        and     WORLD_TSC_MASK(%rdi), %rax
        add     WORLD_TSC_BASE(%rdi), %rax
        mov     %rax, WORLD_OFFSET(%rdi)
        mov     $VMCS_TSC_OFFSET, %edx
        vmwrite %rax, %rdx
        cmpb    $0, WORLD_LAUNCHED(%rdi)
        mov     GPR(0)(%rdi), %rax
        mov     GPR(1)(%rdi), %rcx
        mov     GPR(2)(%rdi), %rdx
        mov     GPR(3)(%rdi), %rbx
        mov     GPR(7)(%rdi), %rdi
        je      .Llaunch
        vmresume
        jmp     .Lfailed
.Llaunch:
        vmlaunch

        // Neither went anywhere: back as from an exit, with a note.
.Lfailed:
        mov     (%rsp), %rdi
        movb    $1, WORLD_FAILED(%rdi)
        mov     GPR(7)(%rdi), %rdi

        .globl  vmx_world_exit
vmx_world_exit:                         // RSP is the host's again, every other register is the guest's
        sample_exit
.Lleft:
        pop     %rdi
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

.Lhost_timer:
        mov     WORLD_ALARM(%rdi), %rax
        mov     WORLD_ALARM_MMIO(%rdi), %rdx
        test    %rdx, %rdx
        jz      .Lx2apic
        mov     %eax, (%rdx)
        jmp     .Lsample
.Lx2apic:
        mov     $MSR_X2APIC_TMICT, %ecx         // EDX is 0
        wrmsr
.Lsample:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, WORLD_T0(%rdi)
        jmp     .Lsampled
        .size   vmx_world_switch_body, . - vmx_world_switch_body

// The same where the CPU asks for barriers (barrier.c): before t0, and after it nothing is loaded but what is the guest's
// own and the few words of the switch itself; after t1, and before it no branch is predicted.
        .globl  vmx_world_switch_guarded
        .type   vmx_world_switch_guarded, @function
vmx_world_switch_guarded:
        push    %rbp
        push    %rdi
        movzbl  barrier_entry(%rip), %edi
        call    barrier_run
        mov     (%rsp), %rdi
        jmp     .Lbegin
        .globl  vmx_world_exit_guarded
vmx_world_exit_guarded:
        sample_exit
        movzbl  barrier_exit(%rip), %edi
        call    barrier_run
        jmp     .Lleft
        .size   vmx_world_switch_guarded, . - vmx_world_switch_guarded
        .section .note.GNU-stack, "", @progbits
