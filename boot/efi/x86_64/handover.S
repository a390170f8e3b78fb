// SPDX-License-Identifier: MIT
// Copies the pieces of the image, leaves long mode as firmware has set it up, whatever its page tables are (four levels
// or five), and enters the image as multiboot2 wants it (specification 2.0, 3.3): 32-bit protected mode, paging off,
// flat segments, interrupts off. Copied below 4 GiB by start.c and called there with RDI at struct handover.

#include "boot/efi/x86_64/handover.h"
#include "boot/x86_64/magic.h"

#define CR0_PE_ET 0x11
#define EFER      0xc0000080
#define EFER_LME  0x100
#define CODE_32   8
#define DATA      16

        .text
        .globl  handover_start, handover_end
handover_start:
        cli
        cld
        lea     handover_start(%rip), %rsp // the page before the code is the stack
        mov     %rdi, %rdx
        mov     %cr4, %rax              // CET first, which WP cannot be cleared under; firmware's own code is read-only
        and     $~(1 << 23), %rax
        mov     %rax, %cr4
        mov     %cr0, %rax
        and     $~(1 << 16), %rax
        mov     %rax, %cr0
        mov     HANDOVER_COUNT(%rdx), %r8d
        lea     HANDOVER_PIECES(%rdx), %r9
1:      test    %r8d, %r8d
        jz      2f
        mov     (%r9), %rdi
        mov     8(%r9), %rsi
        mov     16(%r9), %rcx
        rep movsb
        mov     24(%r9), %rcx
        xor     %eax, %eax
        rep stosb
        add     $32, %r9
        dec     %r8d
        jmp     1b

2:      mov     HANDOVER_ENTRY(%rdx), %edi
        mov     HANDOVER_INFO(%rdx), %ebx
        mov     HANDOVER_MAGIC(%rdx), %esi
        // What must be off before paging is: PCIDE (SDM 3A 4.10.1), with no context chosen. LA57 stays until it is.
        mov     %cr3, %rax
        and     $~0xfff, %rax
        mov     %rax, %cr3
        mov     %cr4, %rax
        and     $~(1 << 17), %rax
        mov     %rax, %cr4
        lea     table(%rip), %rax
        mov     %rax, table_pointer + 2(%rip)
        lgdt    table_pointer(%rip)
        lea     3f(%rip), %rax
        push    $CODE_32
        push    %rax
        lretq

        .code32
3:      mov     $DATA, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $CR0_PE_ET, %eax
        mov     %eax, %cr0
        mov     $EFER, %ecx
        rdmsr
        and     $~EFER_LME, %eax
        wrmsr
        xor     %eax, %eax
        mov     %eax, %cr4
        mov     %esi, %eax
        jmp     *%edi

        .balign 8
table:
        .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
table_pointer:
        .word   table_pointer - table - 1
        .quad   0
handover_end:
        .section .note.GNU-stack, "", @progbits
