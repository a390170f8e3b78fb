// SPDX-License-Identifier: MIT
// What every guest test may use, on each architecture: console, TAP, the platform, the command line, figures.
//
// A test is one file with test_main(). It prints a plan first, then one ok() a claim. Nothing here allocates, and every
// wait is bounded. Accesses at exact instruction stamps are in lib/exact.h, a timer in lib/timer.h; what only one
// architecture has (its instructions, traps and devices) is in lib/x86_64 and lib/arm64.
#ifndef GUEST_TESTS_LIB_GUEST_H
#define GUEST_TESTS_LIB_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define ARRAY_LENGTH(array)      (sizeof(array) / sizeof((array)[0]))

typedef unsigned __int128 u128;

void test_main(void);
void guest_start(void); // from start.S, with a stack

// Console and TAP (lib/console.c, lib/tap.c).
void print(const char *format, ...) PRINTF_LIKE(1, 2);
void plan(unsigned count);
void plan_exact(unsigned count); // every claim of this kernel is as ok_exact()
bool ok(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
// A claim that holds only where one cycle of the counter is one instruction and exits cost the guest nothing; elsewhere
// SKIP.
bool ok_exact(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
// A claim that holds wherever one cycle of the counter is one instruction (Escapement's clock=guest, QEMU -icount).
bool ok_counted(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
void skip(const char *why, const char *format, ...) PRINTF_LIKE(2, 3);
void diag(const char *format, ...) PRINTF_LIKE(1, 2);
_Noreturn void finish(void); // status 33 if every claim held, 35 if not

// Where this kernel runs (platform.c of the architecture).
struct platform {
    char signature[13]; // of the hypervisor: "KVMKVMKVM", empty if none is seen
    bool escapement;
    bool exact;          // deterministic clock=guest: equalities hold
    bool counted;        // one cycle of the counter is one instruction here
    bool oracle;         // the exit counters may be asked for
    uint64_t exit_cost;  // what an exiting instruction adds to the counter: 0 when exact, 1 on a counted machine
    int64_t read_bias;   // a stamp minus what a trapped read of the counter gives there
    uint64_t counter_hz; // TSC, CNTVCT
};
extern struct platform platform;
void platform_find(void);
void platform_describe(void);            // one comment line
void platform_start(void);               // console, traps, interrupt controller: all that must be before the first test
_Noreturn void exit_code(uint8_t value); // ends the machine with status (value << 1) | 1
_Noreturn void power_off(void);

// Command line (lib/words.c); the text itself is the architecture's to find.
const char *cmdline(void);
bool cmdline_word(const char *word);                               // is this word on the command line?
uint64_t cmdline_number(const char *name, uint64_t default_value); // name=123 or name=0x1f
bool text_equal(const char *a, const char *b, size_t length);

// One of several tests in a kernel, named by a word of the command line. No known word: a failure that lists them.
struct named_test {
    const char *word;
    void (*run)(void);
};
void run_named_test(const struct named_test *tests, size_t count);

// Oracle hypercalls: only when platform.oracle.
#define ORACLE_EXITS      0u
#define ORACLE_HOST_CLOCK 2u
#define ORACLE_NOTHING    15u
uint64_t oracle(uint32_t question, uint64_t argument);

// A handler that notes the stamp of each arrival at a vector or interrupt number, and acknowledges it (lib/record.c).
struct record {
    volatile uint64_t count, stamp, pc, previous_stamp, previous_pc;
};
extern struct record record;
void trap_record(unsigned number, void (*acknowledge)(void));
void record_arrival(uint64_t stamp, uint64_t pc, void (*acknowledge)(void));
bool wait_for_record(uint64_t count, uint64_t bound); // spins with interrupts on, one-cycle instructions only

// The series of the same numbers on every run; the least, the greatest and the sum of a series (lib/figures.c).
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);

struct spread {
    int64_t min, max, sum;
    uint64_t count;
};
void spread_add(struct spread *spread, int64_t value);

static inline uint32_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

// The architecture's instructions and traps: counter_read(), interrupts_on(), interrupts_off(), divide128(), more.
#include GUEST_ARCH_HEADER

// Exact ratios: floor and ceiling of a * b / c with a 128-bit product. The quotient must fit in 64 bits.
static inline uint64_t mul_div_floor(uint64_t a, uint64_t b, uint64_t c)
{
    return divide128((u128)a * b, c);
}

static inline uint64_t mul_div_ceil(uint64_t a, uint64_t b, uint64_t c)
{
    return divide128((u128)a * b + c - 1, c);
}

#endif
