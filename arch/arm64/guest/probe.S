// SPDX-License-Identifier: MIT
// The guest's own tables asked about an address (Arm ARM C5.4, AT S1E1R and its like). A walk may end where the bus has
// nothing, and that is no result but a data abort at EL2 (D8.15.4), whose cause is the guest's: exception.c goes on at
// guest_at_aborted when it was taken between guest_at_begin and guest_at_end.
        .text

// X0: address, W1: as EL0, W2: to be written. X0: PAR_EL1.
        .globl  guest_at, guest_at_begin
        .type   guest_at, @function
guest_at:
guest_at_begin:
        cbnz    w1, 2f
        cbnz    w2, 1f
        at      s1e1r, x0
        b       4f
1:      at      s1e1w, x0
        b       4f
2:      cbnz    w2, 3f
        at      s1e0r, x0
        b       4f
3:      at      s1e0w, x0
4:      isb
        mrs     x0, par_el1
        ret
        .globl  guest_at_end
guest_at_end:
        .size   guest_at, . - guest_at

        .globl  guest_at_aborted
        .type   guest_at_aborted, @function
guest_at_aborted:
        mov     x0, #(0x17 << 1 | 1)    // failed: an external abort on a walk, at level 3
        ret
        .size   guest_at_aborted, . - guest_at_aborted
        .section .note.GNU-stack, "", @progbits
