// SPDX-License-Identifier: MIT
// The MTRRs' reset values and what each of them refuses (SDM 3A 11.11.2): see mtrr.h. Called by msr.c.
#include "devices/mtrr.h"

#define TYPE_UC 0u
#define TYPE_WP 5u
#define TYPE_WB 6u

#define CAP_FIXED       (UINT64_C(1) << 8)
#define CAP_WC          (UINT64_C(1) << 10)
#define DEF_FIXED       (UINT64_C(1) << 10)
#define DEF_ENABLE      (UINT64_C(1) << 11)
#define DEF_LEGAL       (DEF_ENABLE | DEF_FIXED | 0xff)
#define MASK_VALID      (UINT64_C(1) << 11)
#define BASE_RESERVED   UINT64_C(0xf00)
#define MASK_RESERVED   UINT64_C(0x7ff)
#define MSR_VARIABLE    0x200u
#define EVERY_BYTE(n)   (UINT64_C(0x0101010101010101) * (n))
#define FIXED_VIDEO     2u // index of A0000h; C0000h and above follow it
#define FIXED_BIOS      3u
#define FOUR_GIB        (UINT64_C(1) << 32)

// 64 KiB, 16 KiB and 4 KiB a byte, from address 0 to 1 MiB.
static const uint32_t fixed_msr[MTRR_FIXED] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                                0x26b, 0x26c, 0x26d, 0x26e, 0x26f };

// 2 and 3 are reserved; 7 (UC-) exists in the PAT only.
static bool type_valid(uint64_t type)
{
    return type <= TYPE_WB && type != 2 && type != 3;
}

bool pat_valid(uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!type_valid(value >> shift & 0xff) && (value >> shift & 0xff) != 7)
            return false;
    }
    return true;
}

void mtrr_reset(struct mtrr *mtrr, uint64_t hole, unsigned address_bits)
{
    *mtrr = (struct mtrr){ .def_type = DEF_ENABLE | DEF_FIXED | TYPE_WB };
    for (unsigned i = 0; i < MTRR_FIXED; i++)
        mtrr->fixed[i] = EVERY_BYTE(i < FIXED_VIDEO ? TYPE_WB : i < FIXED_BIOS ? TYPE_UC : TYPE_WP);
    mtrr->variable[0] = hole | TYPE_UC;
    mtrr->variable[1] = ((UINT64_C(1) << address_bits) - (FOUR_GIB - hole)) | MASK_VALID;
}

// Its index, MTRR_FIXED when it is none.
static unsigned fixed_index(uint32_t msr)
{
    unsigned i = 0;
    while (i < MTRR_FIXED && fixed_msr[i] != msr)
        i++;
    return i;
}

bool mtrr_read(const struct mtrr *mtrr, uint32_t msr, uint64_t *value)
{
    if (msr == MSR_MTRR_CAP)
        *value = CAP_WC | CAP_FIXED | MTRR_VARIABLE;
    else if (msr == MSR_MTRR_DEF)
        *value = mtrr->def_type;
    else if (msr - MSR_VARIABLE < MTRR_VARIABLE * 2)
        *value = mtrr->variable[msr - MSR_VARIABLE];
    else if (fixed_index(msr) < MTRR_FIXED)
        *value = mtrr->fixed[fixed_index(msr)];
    else
        return false;
    return true;
}

static bool fixed_valid(uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        if (!type_valid(value >> shift & 0xff))
            return false;
    }
    return true;
}

static bool variable_valid(uint64_t value, bool is_mask, unsigned address_bits)
{
    if (value >> address_bits != 0)
        return false;
    return is_mask ? (value & MASK_RESERVED) == 0 : (value & BASE_RESERVED) == 0 && type_valid(value & 0xff);
}

bool mtrr_write(struct mtrr *mtrr, uint32_t msr, uint64_t value, unsigned address_bits)
{
    if (msr == MSR_MTRR_DEF) {
        if ((value & ~DEF_LEGAL) != 0 || !type_valid(value & 0xff))
            return false;
        mtrr->def_type = value;
    } else if (msr - MSR_VARIABLE < MTRR_VARIABLE * 2) {
        if (!variable_valid(value, (msr & 1) != 0, address_bits))
            return false;
        mtrr->variable[msr - MSR_VARIABLE] = value;
    } else {
        if (fixed_index(msr) == MTRR_FIXED || !fixed_valid(value))
            return false;
        mtrr->fixed[fixed_index(msr)] = value;
    }
    return true;
}
