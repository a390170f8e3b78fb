// SPDX-License-Identifier: MIT
// The way into a guest test: the multiboot1 header, 32-bit protected mode, long mode, guest_start().
//
// A multiboot1 loader (QEMU -kernel, Escapement) leaves paging off and the information structure in EBX. The first 4
// GiB are mapped one to one by 2 MiB pages, the local APIC's page included, so that a test never thinks about paging.
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 3, -(0x1badb002 + 3)

        .text
        .code32
        .globl  start32
start32:
        cli
        cld
        mov     $boot_stack_end, %esp
        mov     %ebx, multiboot_info
        mov     %eax, multiboot_magic

        // PML4[0] -> PDPT, PDPT[0..3] -> four page directories of 512 pages of 2 MiB each.
        movl    $pdpt + 3, pml4
        mov     $4, %ecx
        mov     $pdpt, %edi
        mov     $page_dirs + 3, %eax
1:      mov     %eax, (%edi)
        add     $0x1000, %eax
        add     $8, %edi
        dec     %ecx
        jnz     1b
        mov     $page_dirs, %edi
        mov     $0x83, %eax
        mov     $2048, %ecx
2:      mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        dec     %ecx
        jnz     2b

        mov     $pml4, %eax
        mov     %eax, %cr3
        mov     %cr4, %eax
        or      $0x20, %eax                     // PAE
        mov     %eax, %cr4
        mov     $0xc0000080, %ecx               // EFER.LME
        rdmsr
        or      $0x100, %eax
        wrmsr
        mov     %cr0, %eax
        or      $0x80010001, %eax               // PG, WP, PE
        mov     %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $0x08, $start64

        .code64
start64:
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $boot_stack_end, %rsp

        // The task state segment's address, patched into its descriptor; IST1 is for #DF, IST2 for tests that lose
        // their stack.
        lea     tss(%rip), %rax
        mov     %ax, gdt_tss + 2
        shr     $16, %rax
        mov     %al, gdt_tss + 4
        mov     %ah, gdt_tss + 7
        lea     ist1_end(%rip), %rax
        mov     %rax, tss + 36
        lea     ist2_end(%rip), %rax
        mov     %rax, tss + 44
        movw    $104, tss + 102
        mov     $0x18, %eax
        ltr     %ax
        xor     %ebp, %ebp
        call    guest_start
3:      cli
        hlt
        jmp     3b

        .data
        .balign 16
        .globl  gdt, gdt_pointer
gdt:    .quad   0
        .quad   0x00af9b000000ffff              // 0x08: 64-bit code
        .quad   0x00cf93000000ffff              // 0x10: data
gdt_tss:
        .quad   0x0000890000000067, 0           // 0x18: available 64-bit TSS
gdt_pointer:
        .word   . - gdt - 1
        .quad   gdt
        .globl  multiboot_info, multiboot_magic
multiboot_info:
        .long   0
multiboot_magic:
        .long   0

        .bss
        .balign 4096
pml4:   .skip   4096
pdpt:   .skip   4096
        .globl  pml4, pdpt, page_dirs
page_dirs:
        .skip   4 * 4096
        .globl  tss
tss:    .skip   4096
ist1:   .skip   8192
ist1_end:
ist2:   .skip   8192
ist2_end:
boot_stack:
        .skip   32768
boot_stack_end:
        .section .note.GNU-stack, "", @progbits
