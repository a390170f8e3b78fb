// SPDX-License-Identifier: MIT
// What devices refuse, what nobody answers, and random words of the whole space of loads and stores on the registers of
// the interrupt controller and the PL031: whatever they are, they are done, or end in an exception of EL1, and the
// guest is whole afterwards. seed=N and rounds=N choose what is done.
#include "guest-tests/lib/exact.h"
#include "guest-tests/lib/arm64/gic.h"
#include "guest-tests/lib/arm64/slot.h"

#define FAULT_OF(caught) ((caught).esr & 0x3f)
#define EXTERNAL         0x10u
#define UNALIGNED        0x21u
#define UNSUPPORTED      0x35u
#define NOBODY           0x3f000000u

static struct random noise;

static uint64_t below(uint64_t bound)
{
    return random_next(&noise) % bound;
}

// --- what is refused ------------------------------------------------------------------------------------------------

static struct caught run_word(uint32_t word, uint64_t x1)
{
    struct slot_context context;
    context_fill(&context, &noise);
    context.x[1] = x1;
    slot_set(&word, 1);
    return catch_trap(slot_run, (uint64_t)&context);
}

// The base is as it was.
static bool faults(uint32_t word, uint64_t base, uint64_t at, unsigned fault)
{
    struct caught caught = run_word(word, base);
    bool as_wanted = caught.class == CLASS_DATA_ABORT && FAULT_OF(caught) == fault && caught.far == at;
    if (!as_wanted || caught.x1 != base)
        diag("0x%x: class 0x%x, ESR 0x%lx, FAR 0x%lx, base 0x%lx", word, caught.class, caught.esr, caught.far,
             caught.x1);
    return as_wanted && caught.x1 == base;
}

static void test_refused(void)
{
    uint64_t at = board.rtc + 0x40;
    bool atomics = (read_sysreg(id_aa64isar0_el1) >> 20 & 15) != 0;
    bool post = faults(0xa8c11423, NOBODY, NOBODY, EXTERNAL) && faults(0x3cc10423, NOBODY, NOBODY, EXTERNAL);
    bool pre = faults(0xb8004c23, NOBODY, NOBODY + 4, EXTERNAL) && faults(0xad810420, NOBODY, NOBODY + 32, EXTERNAL);
    ok(post && pre, "nobody answers: an external abort, and nothing is written back");
    ok(faults(0x885f7c23, at, at, UNSUPPORTED) && faults(0xc87f1423, at, at, UNSUPPORTED),
       "exclusives have the fault of memory without them");
    ok(!atomics || (faults(0xb8250023, at, at, UNSUPPORTED) && faults(0x88a57c23, at, at, UNSUPPORTED)),
       "so have atomic operations and compare-and-swap%s", atomics ? "" : ", which this CPU does not have");
    ok(faults(0xd50b7421, at, at, UNALIGNED), "DC ZVA has an alignment fault");
}

// --- random words ---------------------------------------------------------------------------------------------------

// Bits 27 and 25 say that it is a load or store. The base is X1, an index X2; X29 to X31 are the test's own. Left out
// is what ends the VM: single lanes of the FPU's structures, and two small spaces of CPUs newer than any here.
static uint32_t any_word(void)
{
    for (;;) {
        uint32_t word = ((uint32_t)random_next(&noise) & ~(1u << 25 | 31 << 5)) | 1u << 27 | 1 << 5;
        bool is_pair = (word >> 28 & 3) == 2, is_exclusive = (word >> 28 & 3) == 0;
        if (is_exclusive || (word & 0x31200000) == 0x30200000) // a third register
            word = (word & ~(31u << 16)) | 2 << 16;
        bool structure = (word & 0x3d000000) == 0x0d000000, newer = (word & 0x2f000000) == 0x09000000;
        bool literal = (word & 0x3b000000) == 0x18000000, keys = (word & 0xff200400) == 0xf8200400;
        bool first_kept = (word & 31) < 29, second_kept = (word >> 10 & 31) < 29;
        if (!structure && !newer && !literal && !keys && first_kept && (second_kept || (!is_pair && !is_exclusive)))
            return word;
    }
}

static uint64_t any_base(void)
{
    const uint64_t pages[] = { board.gicd, gic_bank(0), board.rtc };
    return pages[below(ARRAY_LENGTH(pages))] + 0x400 + 16 * below(0x7f);
}

static void test_words(uint64_t rounds)
{
    unsigned done = 0, undefined = 0, aborts = 0, other = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        struct slot_context context;
        uint32_t word = any_word();
        context_fill(&context, &noise);
        context.x[1] = any_base();
        context.x[2] = 16 * below(8);
        slot_set(&word, 1);
        struct caught caught = catch_trap(slot_run, (uint64_t)&context);
        done += caught.class == CLASS_NONE;
        undefined += caught.class == CLASS_UNKNOWN;
        aborts += caught.class == CLASS_DATA_ABORT;
        if (caught.class != CLASS_NONE && caught.class != CLASS_UNKNOWN && caught.class != CLASS_DATA_ABORT)
            if (other++ == 0)
                diag("0x%x at 0x%lx: class 0x%x", word, context.x[1], caught.class);
    }
    ok(other == 0 && done != 0 && undefined != 0 && aborts != 0,
       "%lu words: %u were done, %u are undefined, %u were data aborts, %u something else", rounds, done, undefined,
       aborts, other);
}

void test_main(void)
{
    noise.state = cmdline_number("seed", 1);
    plan(6);
    write_sysreg(cpacr_el1, 3u << 20);
    test_refused();
    test_words(cmdline_number("rounds", 20000));
    gic_init();
    uint64_t target = counter_read() + 10000;
    ok_counted(wait_until(target) == target, "the guest goes on");
    finish();
}
