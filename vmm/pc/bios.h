// SPDX-License-Identifier: MIT
// What a PC's firmware leaves below 1 MiB beside its tables: the BIOS data area, the extended one, a cleared text
// screen. For kernels that ask no firmware and look there for base memory, serial ports, the EBDA and the screen.
#ifndef VMM_PC_BIOS_H
#define VMM_PC_BIOS_H

#include "vmm/base/types.h"

#define GUEST_EBDA_BASE UINT64_C(0x9fc00) // the last KiB below 640 KiB: where base memory ends, in every map
#define GUEST_TEXT_BASE UINT64_C(0xb8000)
#define GUEST_TEXT_END  UINT64_C(0xc0000)

// ram.size must be at least 1 MiB.
void guest_bios_build(struct guest_ram ram);

// The interrupt vectors of real mode and what they lead to. Writes page zero and the top of the ROM, above the MP
// table.
void guest_rom_build(struct guest_ram ram);

// The count of the BIOS' clock: ticks of 65536 cycles of the 8254 since midnight, of `seconds` since 1970.
void guest_bios_set_clock(struct guest_ram ram, int64_t seconds);

#endif
