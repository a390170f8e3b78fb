// SPDX-License-Identifier: MIT
// The short way of some exits: see quick.c.
#ifndef ARCH_ARM64_QUICK_H
#define ARCH_ARM64_QUICK_H

#include <stdbool.h>

struct vcpu;
struct world;

// How far one exit was taken. QUICK_BOOKED: only its slice is booked.
enum quick_step { QUICK_NOT_TAKEN, QUICK_BOOKED, QUICK_TAKEN };

enum quick_step quick_hypercall(struct world *world);
enum quick_step quick_access(struct world *world);

bool quick_allowed(const struct vcpu *vcpu);

#endif
