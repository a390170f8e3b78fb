// SPDX-License-Identifier: MIT
// Entry of the x86-64 image from a multiboot2 loader (specification 2.0, 3.3; GRUB is one) or a multiboot1 loader
// (specification 0.6.96, 3.2; QEMU's -kernel is one): 32-bit protected mode, no paging, EAX the loader's magic, EBX its
// information. Checks loader and CPU, maps the first 4 GiB 1:1 for the time being, enters long mode and calls
// boot_main(magic, information, counter at hand-over). paging.c replaces these page tables.

#include "boot/x86_64/magic.h"

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT1_HEADER_MAGIC 0x1badb002
#define MULTIBOOT1_FLAGS        0x00010003 // modules at page boundaries, memory map, the address fields are there
#define CR0_WP_PG   0x80010000
#define CR4_PAE     0x20
#define EFER        0xc0000080
#define EFER_LME_NX 0x900
#define PAGE_RW     0x3
#define PAGE_LARGE  0x83
#define COM1        0x3f8
#define DEBUG_EXIT  0xf4
#define BOCHS_PORT  0x8a00
#define BOCHS_STOP  0x8ae0
#define STATUS_PANIC 4

        .section .multiboot, "a"
        .balign 8
header:
        .long   MULTIBOOT2_HEADER_MAGIC, 0, header_end - header
        .long   -(MULTIBOOT2_HEADER_MAGIC + (header_end - header))
        // 3.1.5: information request: command line, modules, memory map required; loader name, RSDPs optional.
        .balign 8
1:      .word   1, 0
        .long   2f - 1b
        .long   1, 3, 6
2:      .balign 8
1:      .word   1, 1
        .long   2f - 1b
        .long   2, 14, 15
2:      .balign 8
        .word   6, 0                    // 3.1.12: modules at page boundaries
        .long   8
        .word   5, 1                    // 3.1.10: a screen of 32 bits a pixel, whatever its size, optional
        .long   20
        .long   0, 0, 32
        .balign 8
        .word   4, 0                    // 3.1.9: else text, which we have, too
        .long   12
        .long   2
        .balign 8
        .word   0, 0
        .long   8
header_end:

        // 3.1: for a loader that does not read 64-bit ELF. The image is in the file as it is in memory, without the bss.
        .balign 4
multiboot1_header:
        .long   MULTIBOOT1_HEADER_MAGIC, MULTIBOOT1_FLAGS, -(MULTIBOOT1_HEADER_MAGIC + MULTIBOOT1_FLAGS)
        .long   multiboot1_header, image_start, file_end, image_end, image_entry

        .section .text.entry, "ax"
        .code32
        .globl  image_entry
        .type   image_entry, @function
image_entry:
        mov     %eax, %esi
        rdtsc                           // time since hand-over counts from here
        cli
        cld
        mov     $boot_stack_top, %esp
        push    %edx
        push    %eax
        mov     %ebx, %ebp
        mov     $message_loader, %edi
        cmp     $MULTIBOOT2_LOADER_MAGIC, %esi
        je      1f
        cmp     $MULTIBOOT1_LOADER_MAGIC, %esi
        jne     refuse
1:

        mov     $message_cpu, %edi
        mov     $0x80000000, %eax
        cpuid
        cmp     $0x80000001, %eax
        jb      refuse
        mov     $0x80000001, %eax
        cpuid
        not     %edx
        test    $(1 << 29 | 1 << 20), %edx // long mode and no-execute pages
        jnz     refuse

        mov     $boot_pml4, %eax
        movl    $boot_pdpt + PAGE_RW, (%eax)
        mov     $boot_pdpt, %edi
        mov     $boot_directories + PAGE_RW, %eax
        mov     $4, %ecx
1:      mov     %eax, (%edi)
        add     $8, %edi
        add     $4096, %eax
        loop    1b
        mov     $boot_directories, %edi
        mov     $PAGE_LARGE, %eax
        mov     $2048, %ecx
1:      mov     %eax, (%edi)
        add     $8, %edi
        add     $0x200000, %eax
        loop    1b

        mov     $CR4_PAE, %eax          // and no more: a loader may have left LA57 set, which makes five levels of four
        mov     %eax, %cr4
        mov     $boot_pml4, %eax
        mov     %eax, %cr3
        mov     $EFER, %ecx
        rdmsr
        or      $EFER_LME_NX, %eax
        wrmsr
        mov     %cr0, %eax
        or      $CR0_WP_PG, %eax
        mov     %eax, %cr0
        lgdt    boot_gdt_pointer
        pop     %eax
        pop     %edx
        ljmp    $8, $entry_64

        // EDI: a sentence. Says it on COM1, leaves an emulator by its debug exit, stops.
refuse:
        mov     $COM1 + 3, %dx          // 8 bits a character, whatever firmware left
        mov     $3, %al
        out     %al, %dx
0:      mov     (%edi), %bl
        inc     %edi
        test    %bl, %bl
        jz      2f
        mov     $10000, %ecx
        mov     $COM1 + 5, %dx
1:      in      %dx, %al
        test    $0x20, %al
        loopz   1b
        mov     %bl, %al
        mov     $COM1, %dx
        out     %al, %dx
        jmp     0b
2:      mov     $1000000, %ecx          // arch/x86_64/host/poweroff.c: let the text out, end QEMU, end Bochs
        mov     $COM1 + 5, %dx
1:      in      %dx, %al
        test    $0x40, %al
        loopz   1b
        mov     $STATUS_PANIC, %eax
        mov     $DEBUG_EXIT, %dx
        out     %eax, %dx
        mov     $BOCHS_PORT, %dx
        mov     $BOCHS_PORT, %ax
        out     %ax, %dx
        mov     $BOCHS_STOP, %ax
        out     %ax, %dx
3:      cli
        hlt
        jmp     3b
        .size   image_entry, . - image_entry

        .code64
        .type   entry_64, @function
entry_64:
        mov     $16, %ecx
        mov     %ecx, %ds
        mov     %ecx, %es
        mov     %ecx, %ss
        xor     %ecx, %ecx
        mov     %ecx, %fs
        mov     %ecx, %gs
        mov     $boot_stack_top, %rsp
        shl     $32, %rdx
        mov     %eax, %eax
        or      %rax, %rdx
        mov     %esi, %edi
        mov     %ebp, %esi
        xor     %ebp, %ebp              // the frame pointer chain ends here
        call    boot_main
1:      cli
        hlt
        jmp     1b
        .size   entry_64, . - entry_64

        .section .rodata
message_loader:
        .asciz  "escapement: not started by a multiboot loader; use GRUB's multiboot2 command, QEMU's -kernel, or tools/run\n"
message_cpu:
        .asciz  "escapement: this CPU has no 64-bit mode with no-execute pages\n"
        .balign 8
boot_gdt:
        .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_pointer:
        .word   boot_gdt_pointer - boot_gdt - 1
        .long   boot_gdt

        .section .bss.page_aligned, "aw", @nobits
        .balign 4096
boot_pml4:
        .skip   4096
boot_pdpt:
        .skip   4096
boot_directories:
        .skip   4 * 4096
        // Each stack of the boot CPU with its guard page below (host/cpu.c, paging.c).
        .globl  boot_stack_guard, boot_stack_top, nmi_stack_guard, nmi_stack_top
        .globl  double_fault_stack_guard, double_fault_stack_top, machine_check_stack_guard, machine_check_stack_top
boot_stack_guard:
        .skip   4096
        .skip   8 * 4096
boot_stack_top:
nmi_stack_guard:
        .skip   4096
        .skip   2 * 4096
nmi_stack_top:
double_fault_stack_guard:
        .skip   4096
        .skip   2 * 4096
double_fault_stack_top:
machine_check_stack_guard:
        .skip   4096
        .skip   2 * 4096
machine_check_stack_top:
        .section .note.GNU-stack, "", @progbits
