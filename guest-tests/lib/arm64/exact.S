// SPDX-License-Identifier: MIT
// One access at a stamp that is known, or chosen, to the instruction; the counter is CNTVCT.
//
// The stamp of an instruction is the counter when it begins. On a machine where the counter advances by one an
// instruction it follows from counting: every path below has one length. An MRS of the counter counts itself there, so
// its own stamp is one less than what it reads; elsewhere counter_self is 0. *_stamp() says when the access was made;
// *_at() makes it at a stamp given in X0, which must lie at least 64 ahead (else they return with nothing done and X0
// all ones). Under Escapement an accessing instruction that exits costs nothing. There is no ISB on these paths: where
// one cycle is one instruction, nothing is reordered.
        .text

        // \to = the stamp of the instruction that follows. Five instructions; \scratch is lost.
        .macro  stamp_next to, scratch
        mrs     \to, cntvct_el0
        adrp    \scratch, counter_self
        ldr     \scratch, [\scratch, :lo12:counter_self]
        sub     \to, \to, \scratch
        add     \to, \to, #5
        .endm

        .globl  write32_stamp                   // uint64_t write32_stamp(uint64_t address, uint64_t value)
write32_stamp:
        stamp_next x9, x10
        str     w1, [x0]
        mov     x0, x9
        ret

        .globl  read32_stamp                    // uint64_t read32_stamp(uint64_t address, uint64_t *value)
read32_stamp:
        stamp_next x9, x10
        ldr     w0, [x0]
        str     x0, [x1]
        mov     x0, x9
        ret

        // uint64_t NAME_write_stamp(uint64_t value), uint64_t NAME_read_stamp(uint64_t *value): a system register.
        .macro  register name
        .globl  \name\()_write_stamp, \name\()_read_stamp, \name\()_read_at
\name\()_write_stamp:
        stamp_next x9, x10
        msr     \name\()_el0, x0
        mov     x0, x9
        ret
\name\()_read_stamp:
        stamp_next x9, x10
        mrs     x1, \name\()_el0
        str     x1, [x0]
        mov     x0, x9
        ret
\name\()_read_at:                               // uint64_t NAME_read_at(uint64_t stamp)
        until_x0
        mrs     x0, \name\()_el0
        ret
        .endm

        // Burns instructions so that the one after the macro has the stamp in X0. From the stamp S in X9 on the path is
        // 5 + 64 n + 2 + 3 + c instructions long with 64 n + c = X0 - S - 10. Clobbers X0, X9 to X11.
        // Where a cycle is no instruction the counter is looked at until it has come: then the stamp is the earliest.
        .macro  until_x0
        adrp    x9, stamps_counted
        ldr     x9, [x9, :lo12:stamps_counted]
        cbnz    x9, 5f
4:      isb
        mrs     x9, cntvct_el0
        cmp     x9, x0
        b.lo    4b
        b       9f
5:      stamp_next x9, x10
        sub     x0, x0, x9                      // S
        subs    x0, x0, #10
        b.mi    too_late
        and     x10, x0, #63
        lsr     x0, x0, #6
7:      subs    x0, x0, #1                      // 64 instructions a round, 2 when leaving
        b.mi    8f
        .rept   61
        nop
        .endr
        b       7b
8:      adr     x11, 9f
        sub     x11, x11, x10, lsl #2
        br      x11
        .rept   63
        nop
        .endr
9:
        .endm
too_late:
        mov     x0, #-1
        ret

        register cntv_tval
        register cntv_cval
        register cntv_ctl
        register cntp_tval
        register cntp_cval
        register cntp_ctl

        // uint64_t NAME_start(uint64_t ticks): the timer's compare value is its own write's stamp plus that many.
        .macro  start name
        .globl  \name\()_start
\name\()_start:
        stamp_next x9, x10
        add     x9, x9, #2
        add     x10, x9, x0
        msr     \name\()_cval_el0, x10
        mov     x0, x9
        ret
        .endm
        start   cntv
        start   cntp

        .globl  cntpct_read_stamp, cntpct_read_at
cntpct_read_stamp:                              // uint64_t cntpct_read_stamp(uint64_t *value)
        stamp_next x9, x10
        mrs     x1, cntpct_el0
        str     x1, [x0]
        mov     x0, x9
        ret
cntpct_read_at:                                 // uint64_t cntpct_read_at(uint64_t stamp)
        until_x0
        mrs     x0, cntpct_el0
        ret

        .globl  wait_until                      // uint64_t wait_until(uint64_t stamp): returns the stamp of its RET
wait_until:
        sub     x0, x0, #5
        until_x0
        stamp_next x0, x10
        ret

        .globl  read32_at                       // uint64_t read32_at(uint64_t stamp, uint64_t address)
read32_at:
        until_x0
        ldr     w0, [x1]
        ret

        // uint64_t run_at(uint64_t stamp, void (*code)(void), uint64_t argument): code's first instruction stands at
        // the stamp; it finds the argument in X9 and must preserve what the ABI says.
        .globl  run_at
run_at:
        sub     x0, x0, #2
        until_x0
        mov     x9, x2
        br      x1

        // uint64_t halt_until_interrupt(void): WFI with interrupts masked, which ends with a pending one all the same;
        // then they are let in. The stamp of the WFI comes back. No wake-up can be lost in this order.
        .globl  halt_until_interrupt
halt_until_interrupt:
        stamp_next x9, x10
        wfi
        msr     daifclr, #2
        msr     daifset, #2
        mov     x0, x9
        ret

        .data
        .balign 8
        .globl  stamps_counted, counter_self, handler_lead
stamps_counted:
        .quad   1                               // until it is found out (platform.c)
counter_self:
        .quad   0
handler_lead:                                   // for vectors.S
        .quad   0
        .section .note.GNU-stack, "", @progbits
