// SPDX-License-Identifier: MIT
// arm64: the few privileged instructions that tests use, traps, firmware calls, and what the device tree says. Included
// by lib/guest.h.
#ifndef GUEST_TESTS_LIB_ARM64_ARM64_H
#define GUEST_TESTS_LIB_ARM64_ARM64_H

#include "guest-tests/lib/guest.h"

// What the device tree says of the machine (board.c). An address is 0 where there is no such device.
struct board {
    uint64_t dtb;
    uint64_t memory, memory_size;
    unsigned gic_version;
    uint64_t gicd, gicr, gicr_size, gicc;
    uint64_t uart, rtc;
    unsigned uart_intid, rtc_intid;
    bool psci_smc; // PSCI by SMC; else by HVC
    const char *bootargs;
};
extern struct board board;
extern uint64_t boot_dtb; // start.S
void board_find(void);

void mmu_on(void);
void *mmu_map_normal(uint64_t page); // one more mapping of that page as normal, cacheable memory
void *mmu_map_code(uint64_t page, bool guarded); // the same, executable; where branches go to landing pads (BTI) or not
void mmu_map_user(void);             // memory and devices once more, where EL0 may read and write them
uint64_t mmu_user_address(const volatile void *address); // of something in memory, for EL0
uint64_t mmu_user_device(uint64_t address);              // of a device's register, for EL0

#define read_sysreg(name)                                                                                              \
    ({                                                                                                                 \
        uint64_t value_;                                                                                               \
        __asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                                                \
        value_;                                                                                                        \
    })
#define write_sysreg(name, value) __asm__ volatile("msr " #name ", %x0\n\tisb" : : "rZ"((uint64_t)(value)) : "memory")

// Traps (traps.c, vectors.S). `kind` is the number of the vector: 4 synchronous, 5 IRQ, 6 FIQ, 7 SError, all from EL1.
struct trap {
    uint64_t x[31];
    uint64_t stamp; // of the handler's first instruction
    uint64_t pc, spsr, esr, far;
    uint64_t kind, sp;
};
typedef void (*trap_handler)(struct trap *trap);
void traps_install(void);
void trap_dispatch(struct trap *trap);
void trap_set(unsigned intid, trap_handler handler); // of an interrupt; NULL: back to "unexpected, end the test"

// Runs body(argument) and reports the exception that ended it, by its class (ESR bits 31:26), CLASS_NONE if it
// returned.
#define CLASS_UNKNOWN     0x00u // undefined instructions among them
#define CLASS_WFX         0x01u
#define CLASS_FETCH_ABORT 0x21u
#define CLASS_DATA_ABORT  0x25u
#define CLASS_SERROR      0x2fu
#define CLASS_NONE        0x100u
struct caught {
    unsigned class;
    uint64_t esr, pc, far, x1;
    uint64_t pan; // PSTATE.PAN in the handler, if catch_pan is set, on a CPU that has it
};
extern bool catch_pan;
struct caught catch_trap(void (*body)(uint64_t), uint64_t argument);

// SMC Calling Convention (smccc.S, calls.c): registers in and out; through the conduit that the device tree names, or
// one of the two. False where the instruction itself is undefined.
struct smccc {
    uint64_t x[18];
};
void smccc_hvc(struct smccc *registers);
void smccc_smc(struct smccc *registers);
bool smccc_by(bool smc, struct smccc *registers);
uint64_t firmware_call(uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3); // what came back in X0
#define NOT_SUPPORTED    ((uint64_t)-1)
#define SMCCC_VERSION    0x80000000u
#define SMCCC_FEATURES   0x80000001u
#define PSCI_VERSION     0x84000000u
#define PSCI_SYSTEM_OFF  0x84000008u
#define PSCI_FEATURES    0x8400000au
#define PV_TIME_FEATURES 0xc5000020u
#define PV_TIME_ST       0xc5000021u
#define KVM_FEATURES     0x86000000u
#define KVM_PTP          0x86000001u
#define VENDOR_UID       0x8600ff01u
#define ORACLE_CALL      0xc6455300u // + question

static inline uint64_t divide128(u128 a, uint64_t c)
{
    uint64_t rest = (uint64_t)(a >> 64) % c, quotient = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t carry = rest >> 63;
        rest = rest << 1 | (uint64_t)(a >> bit & 1);
        quotient <<= 1;
        if (carry || rest >= c) {
            rest -= c;
            quotient |= 1;
        }
    }
    return quotient;
}

static inline uint64_t counter_read(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
    return value;
}

static inline void interrupts_off(void)
{
    __asm__ volatile("msr daifset, #2" : : : "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

static inline uint8_t read8(uint64_t address)
{
    return *(volatile uint8_t *)address;
}

static inline uint64_t read64(uint64_t address)
{
    return *(volatile uint64_t *)address;
}

#endif
