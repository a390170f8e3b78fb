// SPDX-License-Identifier: MIT
// Memory types as a guest's MSRs hold them: the MTRRs (SDM 3A 11.11) and the rules that they share with the PAT. The
// values are kept and checked, and change nothing: nested paging decides, and all guest RAM is write-back. Pure.
#ifndef DEVICES_MTRR_H
#define DEVICES_MTRR_H

#include <stdbool.h>
#include <stdint.h>

#define MTRR_VARIABLE 8u
#define MTRR_FIXED    11u
#define MSR_MTRR_CAP  0xfeu
#define MSR_MTRR_DEF  0x2ffu

struct mtrr {
    uint64_t def_type;
    uint64_t fixed[MTRR_FIXED];
    uint64_t variable[MTRR_VARIABLE * 2]; // base, mask, base, mask ...
};

// As firmware leaves them for an operating system: on, RAM write-back, video memory and everything from `hole` to 4 GiB
// uncached, the BIOS area write-protected. `hole` is a multiple of 4 KiB whose distance to 4 GiB is a power of two.
void mtrr_reset(struct mtrr *mtrr, uint64_t hole, unsigned address_bits);

// False: there is no such MTRR, or it cannot hold the value; the guest gets #GP. MTRRcap can only be read.
bool mtrr_read(const struct mtrr *mtrr, uint32_t msr, uint64_t *value);
bool mtrr_write(struct mtrr *mtrr, uint32_t msr, uint64_t value, unsigned address_bits);

// SDM 3A 11.12.2: each byte is a memory type 0, 1, 4, 5, 6 or 7.
bool pat_valid(uint64_t value);

#endif
