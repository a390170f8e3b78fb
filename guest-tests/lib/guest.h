// SPDX-License-Identifier: MIT
// What every guest test may use: console, TAP, the platform it runs on, traps, and the few privileged instructions.
//
// A test is one file with test_main(). It prints a plan first, then one ok() a claim. Nothing here allocates, and every
// wait is bounded. Clock devices are in lib/devices.h; accesses at exact instruction stamps in lib/exact.h.
#ifndef GUEST_TESTS_LIB_GUEST_H
#define GUEST_TESTS_LIB_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define ARRAY_LENGTH(array)      (sizeof(array) / sizeof((array)[0]))

typedef unsigned __int128 u128;

void test_main(void);
void guest_start(void);

// Console and TAP (lib/console.c, lib/tap.c).
void print(const char *format, ...) PRINTF_LIKE(1, 2);
void plan(unsigned count);
bool ok(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
// A claim that holds only where one counter tick is one instruction and exits cost the guest nothing; elsewhere SKIP.
bool ok_exact(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
// A claim that holds wherever one counter tick is one instruction (Escapement's clock=guest, QEMU -icount shift=0).
bool ok_counted(bool passed, const char *format, ...) PRINTF_LIKE(2, 3);
void skip(const char *why, const char *format, ...) PRINTF_LIKE(2, 3);
void diag(const char *format, ...) PRINTF_LIKE(1, 2);
_Noreturn void finish(void);             // status 33 if every claim held, 35 if not
_Noreturn void exit_code(uint8_t value); // port 0xf4
_Noreturn void power_off(void);          // ACPI S5

// Where this kernel runs (lib/platform.c).
struct platform {
    char signature[13]; // CPUID 0x40000000
    bool escapement;
    bool exact;         // deterministic clock=guest: equalities hold
    bool counted;       // one counter tick is one instruction here
    bool oracle;        // the exit counters may be asked for
    uint64_t exit_cost; // what an exiting instruction adds to the guest's counter: 0 when exact, 1 on a counted machine
    int64_t read_bias;  // a stamp minus what RDMSR of the counter reads there: RDTSC may or may not count itself
    uint64_t tsc_hz, apic_hz;
    uint16_t pm_timer_port, pm_event_port, pm_control_port;
};
extern struct platform platform;
void platform_find(void);
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

// The hypercall instruction for a piece of assembly. It is AMD's, and platform_find() makes it the CPU's own: so every
// path has the same instructions on all makers' CPUs.
#define HYPERCALL "771:\tvmmcall\n\t.pushsection .hypercalls, \"a\"\n\t.quad 771b\n\t.popsection\n\t"

// Oracle hypercalls: only when platform.oracle.
#define ORACLE_EXITS      0u
#define ORACLE_HOST_CLOCK 2u
#define ORACLE_NOTHING    15u
uint64_t oracle(uint32_t question, uint64_t argument);

// Traps (lib/traps.c, lib/traps.S).
struct trap_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};
struct trap {
    struct trap_frame *cpu;
    uint64_t error;
    uint64_t stamp; // of the handler's first instruction
    uint64_t rbx, rcx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, rdx, rax;
};
typedef void (*trap_handler)(struct trap *trap);
void trap_set(unsigned vector, trap_handler handler);
void trap_set_raw(unsigned vector, void (*entry)(void), unsigned ist);
void trap_set_stack(unsigned vector, unsigned ist);
void trap_reset(unsigned vector); // back to "unexpected: end the test"

// A handler that notes the stamp of each arrival, and acknowledges it.
struct record {
    volatile uint64_t count, stamp, rip, previous_stamp, previous_rip;
};
extern struct record record;
void trap_record(unsigned vector, void (*acknowledge)(void));
bool wait_for_record(uint64_t count, uint64_t bound); // spins with interrupts on, one-tick instructions only
void traps_install(void);
void trap_dispatch(struct trap *trap);

// Runs body(argument) and reports the exception that ended it, TRAP_NONE if it returned.
#define TRAP_NONE 256u
struct caught {
    unsigned vector;
    uint64_t error, rip, cr2;
};
struct caught catch_trap(void (*body)(uint64_t), uint64_t argument);

// RDMSR and WRMSR that may fault: the exception's vector, TRAP_NONE if there was none. *value is kept where it faulted.
unsigned rdmsr_trap(uint32_t msr, uint64_t *value);
unsigned wrmsr_trap(uint32_t msr, uint64_t value);

// Exact ratios: floor and ceiling of a * b / c with a 128-bit product. The quotient must fit in 64 bits.
static inline uint64_t divide128(u128 a, uint64_t c)
{
    uint64_t quotient, remainder;
    __asm__("divq %4" : "=a"(quotient), "=d"(remainder) : "a"((uint64_t)a), "d"((uint64_t)(a >> 64)), "r"(c) : "cc");
    return quotient;
}

static inline uint64_t mul_div_floor(uint64_t a, uint64_t b, uint64_t c)
{
    return divide128((u128)a * b, c);
}

static inline uint64_t mul_div_ceil(uint64_t a, uint64_t b, uint64_t c)
{
    return divide128((u128)a * b + c - 1, c);
}

struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);

// The least, the greatest and the sum of a series.
struct spread {
    int64_t min, max, sum;
    uint64_t count;
};
void spread_add(struct spread *spread, int64_t value);

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return ((uint64_t)high << 32) | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

struct cpuid_result {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static inline uint32_t read32(uint64_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void write32(uint64_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

static inline void interrupts_off(void)
{
    __asm__ volatile("cli" : : : "memory");
}

// The NOP keeps the STI shadow away from whatever the compiler puts next.
static inline void interrupts_on(void)
{
    __asm__ volatile("sti\n\tnop" : : : "memory");
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

#endif
