// SPDX-License-Identifier: MIT
// Work for the monitor without end, and no instruction of the guest's own: each of these has to be ended by it, with a
// record, though the guest's clock stands still. A word of the command line names the piece; tests.cfg says how the VM
// ends.
#include "guest-tests/lib/guest.h"

#define GP      13u
#define NOBODY  0xd0000000u // guest-physical: no device, no memory
#define NO_PORT 0x80u

static void rep_outs(void)
{
    uint64_t left = UINT64_MAX, from = 0x1000;
    __asm__ volatile("rep outsb" : "+c"(left), "+S"(from) : "d"(NO_PORT) : "memory");
}

// ESI wraps at 4 GiB, where nothing is any more, and goes on.
static void rep_outs_32(void)
{
    uint64_t left = UINT32_MAX, from = 0xffffff00;
    __asm__ volatile("addr32 rep outsb" : "+c"(left), "+S"(from) : "d"(NO_PORT) : "memory");
}

static void rep_ins(void)
{
    uint64_t left = UINT64_MAX, to = NOBODY;
    __asm__ volatile("rep insb" : "+c"(left), "+D"(to) : "d"(NO_PORT) : "memory");
}

static void rep_stos(void)
{
    uint64_t left = UINT32_MAX, to = NOBODY;
    __asm__ volatile("rep stosb" : "+c"(left), "+D"(to) : "a"(0) : "memory");
}

// The handler's first instruction faults as the first one did; its stack begins anew each time.
void fault_again(void);
__asm__(".text\n.globl fault_again\nfault_again: rdmsr\n");

static void fault(void)
{
    trap_set_raw(GP, fault_again, 2);
    __asm__ volatile("mov $0xbadbad, %%ecx\n\trdmsr" : : : "rax", "rcx", "rdx");
}

// Never so much at a time that its clock would be said to stand, and hardly an instruction that the monitor does not
// carry out.
static void outs_again(void)
{
    for (;;) {
        uint64_t left = 100000, from = 0x1000;
        __asm__ volatile("rep outsb" : "+c"(left), "+S"(from) : "d"(NO_PORT) : "memory");
    }
}

#define ENDLESS(name, text)                                                                                            \
    static void endless_##name(void)                                                                                   \
    {                                                                                                                  \
        plan(1);                                                                                                       \
        diag(text);                                                                                                    \
        interrupts_off();                                                                                              \
        name();                                                                                                        \
        ok(false, "still here");                                                                                       \
    }
ENDLESS(rep_outs, "2^64 - 1 times OUTSB")
ENDLESS(rep_outs_32, "2^32 - 1 times OUTSB, ESI wraps")
ENDLESS(rep_ins, "2^64 - 1 times INSB, into nothing")
ENDLESS(rep_stos, "2^32 - 1 times STOSB into nothing")
ENDLESS(outs_again, "100000 times OUTSB and a jump, for ever")
ENDLESS(fault, "a fault whose handler begins with the same fault")

static const struct named_test words[] = {
    { "rep-outs", endless_rep_outs }, { "rep-outs-32", endless_rep_outs_32 }, { "rep-ins", endless_rep_ins },
    { "rep-stos", endless_rep_stos }, { "outs-again", endless_outs_again },
    { "fault", endless_fault },
};

void test_main(void)
{
    run_named_test(words, ARRAY_LENGTH(words));
}
