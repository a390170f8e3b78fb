// SPDX-License-Identifier: MIT
// A second model of the GIC for test_vgic_model.c: one struct an interrupt, every register worked out bit by bit, and a
// CPU interface of its own in which the guest acknowledges and ends interrupts directly. There are no list registers
// here: what the first model and its list registers together show a guest must be the same.
#ifndef TOOLS_TESTS_NATIVE_VGIC_REFERENCE_H
#define TOOLS_TESTS_NATIVE_VGIC_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#define REF_NONE 1023u

enum ref_frame { REF_DISTRIBUTOR, REF_REDISTRIBUTOR };

void ref_vgic_start(unsigned version);
void ref_vgic_line(unsigned intid, bool level);
void ref_vgic_sgi(uint64_t value, bool group0_only);

// One access of `size` bytes, aligned.
uint64_t ref_vgic_read(enum ref_frame frame, uint64_t offset, unsigned size);
void ref_vgic_write(enum ref_frame frame, uint64_t offset, unsigned size, uint64_t value);

// The highest pending interrupt above (below, as a number) this priority; REF_NONE.
unsigned ref_vgic_highest(unsigned priority);
void ref_vgic_acknowledge(unsigned intid);
void ref_vgic_end(unsigned intid);

bool ref_vgic_is_active(unsigned intid);
unsigned ref_vgic_priority(unsigned intid);

#endif
