// SPDX-License-Identifier: MIT
// One bus access or MSR access at a stamp that is known, or chosen, to the instruction.
//
// The stamp of an instruction is what RDTSC would have read had it stood there. On a machine where the counter advances
// by one an instruction it follows from counting: every path below has one length. *_stamp() says when the access was
// made; *_at() makes it at a stamp given in RDI, which must lie at least 64 ahead (else they return with nothing done
// and RAX all ones). Under Escapement the accessing instruction itself costs nothing; its stamp is when it begins.
        .text

        // Returns in RAX the stamp of the instruction that follows; R = the value read, six instructions on.
        .macro  stamp_next a, d
        rdtsc                                   // R
        shl     $32, %rdx                       // R + 1
        or      %rdx, %rax                      // R + 2
        lea     6(%rax), %r8                    // R + 3
        mov     \a, %rax                        // R + 4
        mov     \d, %rdx                        // R + 5
        .endm

        .globl  outb_stamp                      // uint64_t outb_stamp(uint64_t port, uint64_t value)
outb_stamp:
        stamp_next %rsi, %rdi
        out     %al, %dx
        mov     %r8, %rax
        ret

        .globl  inb_stamp                       // uint64_t inb_stamp(uint64_t port, uint64_t *value)
inb_stamp:
        stamp_next $0, %rdi
        in      %dx, %al
        mov     %rax, (%rsi)
        mov     %r8, %rax
        ret

        .globl  inl_stamp                       // uint64_t inl_stamp(uint64_t port, uint64_t *value)
inl_stamp:
        stamp_next $0, %rdi
        in      %dx, %eax
        mov     %rax, (%rsi)
        mov     %r8, %rax
        ret

        .globl  write32_stamp                   // uint64_t write32_stamp(uint64_t address, uint64_t value)
write32_stamp:
        stamp_next %rsi, $0
        mov     %eax, (%rdi)
        mov     %r8, %rax
        ret

        .globl  read32_stamp                    // uint64_t read32_stamp(uint64_t address, uint64_t *value)
read32_stamp:
        stamp_next $0, $0
        mov     (%rdi), %eax
        mov     %rax, (%rsi)
        mov     %r8, %rax
        ret

        .globl  wrmsr_stamp                     // uint64_t wrmsr_stamp(uint64_t msr, uint64_t value)
wrmsr_stamp:
        mov     %edi, %ecx
        mov     %rsi, %r9
        shr     $32, %r9
        stamp_next %rsi, %r9
        wrmsr
        mov     %r8, %rax
        ret

        .globl  rdmsr_stamp                     // uint64_t rdmsr_stamp(uint64_t msr, uint64_t *value)
rdmsr_stamp:
        mov     %edi, %ecx
        stamp_next $0, $0
        rdmsr
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, (%rsi)
        mov     %r8, %rax
        ret

        // Burns instructions so that the one after the macro has the stamp in RDI. From RDTSC on the path is
        // 1 + 8 + 64 n + 2 + 3 + c instructions long with 64 n + c = RDI - R - 14. Clobbers RAX RCX RDX R8.
        // Where a cycle is no instruction the TSC is looked at until it has come: then the stamp is the earliest.
        .macro  until_rdi
        cmpb    $0, stamps_counted(%rip)
        jne     5f
4:      rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        cmp     %rdi, %rax
        jb      4b
        jmp     9f
5:      rdtsc                                   // R
        shl     $32, %rdx
        or      %rdx, %rax
        sub     %rax, %rdi
        sub     $14, %rdi
        js      too_late
        mov     %rdi, %rcx
        and     $63, %ecx
        shr     $6, %rdi
7:      dec     %rdi                            // 64 instructions a round, 2 when leaving
        js      8f
        .rept   61
        nop
        .endr
        jmp     7b
8:      lea     9f(%rip), %r8
        sub     %rcx, %r8
        jmp     *%r8
        .rept   63
        nop
        .endr
9:
        .endm
too_late:
        mov     $-1, %rax
        ret

        .data
        .globl  stamps_counted
stamps_counted:
        .byte   1                               // until it is found out (platform.c)
        .text

        .globl  wait_until                      // uint64_t wait_until(uint64_t stamp): returns the stamp of its RET
wait_until:
        until_rdi
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        ret

        // uint64_t inb_pair_at(uint64_t stamp, uint64_t port): reads twice, at `stamp` and (where an IN costs nothing)
        // at stamp + 1. First byte in bits 7:0, second in bits 15:8.
        .globl  inb_pair_at
inb_pair_at:
        mov     %rsi, %r10
        sub     $1, %rdi
        until_rdi
        mov     %r10, %rdx
        in      %dx, %al
        mov     %al, %ah
        in      %dx, %al
        xchg    %al, %ah
        movzwl  %ax, %eax
        ret

        .globl  inb_at                          // uint64_t inb_at(uint64_t stamp, uint64_t port)
inb_at:
        mov     %rsi, %r10
        sub     $1, %rdi
        until_rdi
        mov     %r10, %rdx
        in      %dx, %al
        movzbl  %al, %eax
        ret

        .globl  inl_at                          // uint64_t inl_at(uint64_t stamp, uint64_t port)
inl_at:
        mov     %rsi, %r10
        sub     $1, %rdi
        until_rdi
        mov     %r10, %rdx
        in      %dx, %eax
        ret

        // void inl_pair_at(uint64_t stamp, uint64_t port, uint32_t pair[2]): at `stamp` and one instruction later.
        .globl  inl_pair_at
inl_pair_at:
        mov     %rsi, %r10
        mov     %rdx, %r11
        sub     $1, %rdi
        until_rdi
        mov     %r10, %rdx
        in      %dx, %eax
        mov     %eax, %ecx
        in      %dx, %eax
        mov     %ecx, (%r11)
        mov     %eax, 4(%r11)
        ret

        .globl  outb_at                         // uint64_t outb_at(uint64_t stamp, uint64_t port, uint64_t value)
outb_at:
        mov     %rsi, %r10
        mov     %rdx, %r11
        sub     $2, %rdi
        until_rdi
        mov     %r10, %rdx
        mov     %r11, %rax
        out     %al, %dx
        ret

        .globl  read32_at                       // uint64_t read32_at(uint64_t stamp, uint64_t address)
read32_at:
        until_rdi
        mov     (%rsi), %eax
        ret

        .globl  rdmsr_at                        // uint64_t rdmsr_at(uint64_t stamp, uint64_t msr)
rdmsr_at:
        sub     $1, %rdi
        until_rdi
        mov     %esi, %ecx
        rdmsr
        shl     $32, %rdx
        or      %rdx, %rax
        ret

        // void run_at(uint64_t stamp, void (*code)(void), uint64_t argument): code's first instruction stands at the
        // stamp; it finds the argument in R9 and must preserve what the ABI says.
        .globl  run_at
run_at:
        mov     %rdx, %r9
        sub     $1, %rdi
        until_rdi
        jmp     *%rsi

        // uint64_t halt_until_interrupt(void): sti; hlt. The stamp of the STI comes back; the HLT's is one more.
        .globl  halt_until_interrupt
halt_until_interrupt:
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        add     $4, %rax
        sti
        hlt
        cli
        ret
        .section .note.GNU-stack, "", @progbits
