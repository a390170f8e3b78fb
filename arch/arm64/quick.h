// SPDX-License-Identifier: MIT
// The short way of some exits: see quick.c.
#ifndef ARCH_ARM64_QUICK_H
#define ARCH_ARM64_QUICK_H

#include <stdbool.h>

struct vcpu;
struct world;

// Called by world.S alone, quick_sysreg() for a read: the world, when the exit is answered and the guest can go on;
// null: the long way.
struct world *quick_hypercall(struct world *world);
struct world *quick_firmware(struct world *world);
struct world *quick_access(struct world *world);
struct world *quick_sysreg(struct world *world);

#endif
