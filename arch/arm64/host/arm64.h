// SPDX-License-Identifier: MIT
// The privileged instructions, and the register fields that more than one file needs, by their names in the manual.
// Nothing here decides anything. Source: Arm ARM (DDI 0487), chapter D17 of issue J; EL2 registers as they are with
// HCR_EL2.E2H 0, which is how the monitor always runs.
#ifndef ARCH_ARM64_HOST_ARM64_H
#define ARCH_ARM64_HOST_ARM64_H

// Also read by .S files: there a number has no type.
#ifdef __ASSEMBLER__
#define BIT(n) (1 << (n))
#else
#define BIT(n) (UINT64_C(1) << (n))
#endif

#define HCR_VM          BIT(0)
#define HCR_SWIO        BIT(1)
#define HCR_PTW         BIT(2)
#define HCR_FMO         BIT(3)
#define HCR_IMO         BIT(4)
#define HCR_AMO         BIT(5)
#define HCR_TWI         BIT(13)
#define HCR_TID1        BIT(16)
#define HCR_TID3        BIT(18)
#define HCR_TSC         BIT(19)
#define HCR_TIDCP       BIT(20)
#define HCR_TACR        BIT(21)
#define HCR_RW          BIT(31)
#define HCR_E2H         BIT(34)
#define HCR_TLOR        BIT(35)
#define HCR_TERR        BIT(36)
#define HCR_APK         BIT(40)
#define HCR_API         BIT(41)

#define SCTLR_EL2_RES1  0x30c50830
#define SCTLR_M         BIT(0)
#define SCTLR_C         BIT(2)
#define SCTLR_SA        BIT(3)
#define SCTLR_I         BIT(12)
#define SCTLR_WXN       BIT(19)

#define CPTR_EL2_RES1   0x32ff // TZ clear; RES1 too where there is no SVE
#define CPTR_TZ         BIT(8)
#define CPTR_TTA        BIT(20)
#define CPTR_TAM        BIT(30)

#define MDCR_TPMCR      BIT(5)
#define MDCR_TPM        BIT(6)
#define MDCR_TDA        BIT(9)
#define MDCR_TDOSA      BIT(10)
#define MDCR_TDRA       BIT(11)
#define MDCR_TPMS       BIT(14)
#define MDCR_TTRF       BIT(19)

#define CNT_ENABLE      BIT(0) // CNTx_CTL
#define CNT_IMASK       BIT(1)
#define CNT_ISTATUS     BIT(2)

// ESR_EL2.EC.
#define EC_UNKNOWN        0x00
#define EC_WFX            0x01
#define EC_CP15_32        0x03
#define EC_CP15_64        0x04
#define EC_CP14_32        0x05
#define EC_CP14_LS        0x06
#define EC_FP             0x07
#define EC_VMRS           0x08
#define EC_PAUTH          0x09
#define EC_LS64           0x0a
#define EC_CP14_64        0x0c
#define EC_BTI            0x0d
#define EC_ILLEGAL_STATE  0x0e
#define EC_SVC32          0x11
#define EC_HVC32          0x12
#define EC_SMC32          0x13
#define EC_SYSREG128      0x14
#define EC_SVC64          0x15
#define EC_HVC64          0x16
#define EC_SMC64          0x17
#define EC_SYSREG         0x18
#define EC_SVE            0x19
#define EC_SME            0x1d
#define EC_ERET           0x1a
#define EC_FPAC           0x1c
#define EC_INST_ABORT_LOW 0x20
#define EC_INST_ABORT     0x21
#define EC_PC_ALIGNMENT   0x22
#define EC_DATA_ABORT_LOW 0x24
#define EC_DATA_ABORT     0x25
#define EC_SP_ALIGNMENT   0x26
#define EC_FP32           0x28
#define EC_FP64           0x2c
#define EC_SERROR         0x2f
#define EC_BREAKPOINT_LOW 0x30
#define EC_BREAKPOINT     0x31
#define EC_STEP_LOW       0x32
#define EC_STEP           0x33
#define EC_WATCHPOINT_LOW 0x34
#define EC_WATCHPOINT     0x35
#define EC_BKPT32         0x38
#define EC_VECTOR32       0x3a
#define EC_BRK64          0x3c

#define ESR_EC_SHIFT    26
#define ESR_IL          BIT(25)

// ISS of a data abort.
#define ISS_ISV         BIT(24)
#define ISS_SAS_SHIFT   22
#define ISS_SSE         BIT(21)
#define ISS_SRT_SHIFT   16
#define ISS_SF          BIT(15)
#define ISS_EA          BIT(9)
#define ISS_CM          BIT(8)
#define ISS_S1PTW       BIT(7)
#define ISS_WNR         BIT(6)
#define ISS_FSC_MASK    0x3f

// Descriptors of translation tables that stage 1 and stage 2 share, D8.3.
#define PTE_VALID       1
#define PTE_TABLE       2 // at levels 0 to 2; a page at level 3
#define PTE_AF          BIT(10)
#define PTE_SH_INNER    (BIT(8) | BIT(9))

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

// By name, as an assembler that knows Armv8.0 and the GIC's registers spells it, or as S3_4_C12_C9_0.
#define sysreg_read(name)                                                      \
    ({                                                                         \
        uint64_t sysreg_value_;                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(sysreg_value_) : : "memory"); \
        sysreg_value_;                                                         \
    })
#define sysreg_write(name, value) __asm__ volatile("msr " #name ", %x0" : : "rZ"((uint64_t)(value)) : "memory")

#define ID_AA64ISAR0_RNDR (UINT64_C(15) << 60)

static inline void arm64_isb(void)
{
    __asm__ volatile("isb" : : : "memory");
}

static inline void arm64_wfi(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

static inline void arm64_yield(void)
{
    __asm__ volatile("yield" : : : "memory");
}

// The physical counter, not read before earlier instructions are done.
static inline uint64_t arm64_counter(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(value) : : "memory");
    return value;
}

// A number of the CPU's own chance (Arm ARM, RNDR); 0 where it has none, or none just now.
static inline uint64_t arm64_random(void)
{
    return (sysreg_read(id_aa64isar0_el1) & ID_AA64ISAR0_RNDR) != 0 ? sysreg_read(S3_3_C2_C4_0) : 0;
}

// Stops this CPU for good.
static inline _Noreturn void arm64_halt_forever(void)
{
    for (;;)
        __asm__ volatile("msr daifset, #15\n\twfi");
}

// --- registers in memory: one access of exactly this width, in a form whose abort has a syndrome ---------------------

static inline uint8_t mmio_read8(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint8_t)value;
}

static inline uint16_t mmio_read16(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint16_t)value;
}

static inline uint32_t mmio_read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t mmio_read64(uint64_t address)
{
    uint64_t value;
    __asm__ volatile("ldr %x0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write8(uint64_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline void mmio_write16(uint64_t address, uint16_t value)
{
    __asm__ volatile("strh %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "rZ"(value), "r"(address) : "memory");
}

#endif

#endif
