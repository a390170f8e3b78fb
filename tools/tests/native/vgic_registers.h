// SPDX-License-Identifier: MIT
// The registers of a GIC by name, and how a test reads and writes them.
#ifndef TOOLS_TESTS_NATIVE_VGIC_REGISTERS_H
#define TOOLS_TESTS_NATIVE_VGIC_REGISTERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "devices/vgic.h"

#define D          &vgicd_ops
#define R          &vgicr_ops
#define SGI_FRAME  0x10000u // of the redistributor

#define CTLR       0x000u
#define TYPER      0x004u
#define IGROUPR    0x080u
#define ISENABLER  0x100u
#define ICENABLER  0x180u
#define ISPENDR    0x200u
#define ICPENDR    0x280u
#define ISACTIVER  0x300u
#define ICACTIVER  0x380u
#define IPRIORITYR 0x400u
#define ITARGETSR  0x800u
#define ICFGR      0xc00u
#define SGIR       0xf00u
#define CPENDSGIR  0xf10u
#define SPENDSGIR  0xf20u
#define IROUTER    0x6000u

#define UART       33u
#define EDGE       40u
#define TIMER      27u

static inline uint64_t get(struct vgic *v, const struct device_ops *ops, uint64_t offset, unsigned size)
{
    struct io_access io = { .offset = offset, .value = UINT64_C(0xa5a5a5a5a5a5a5a5), .size = (uint8_t)size };
    assert_int_equal(ops->access(v, &io, 0), IO_OK);
    return io.value;
}

static inline void put(struct vgic *v, const struct device_ops *ops, uint64_t offset, unsigned size, uint64_t value)
{
    struct io_access io = { .offset = offset, .value = value, .size = (uint8_t)size, .is_write = true };
    assert_int_equal(ops->access(v, &io, 0), IO_OK);
}

// Everything enabled, one interrupt edge-triggered, one of the hardware.
static inline void start(struct vgic *v, unsigned version)
{
    vgic_init(v, version, 1);
    vgic_set_hw(v, 0, TIMER, 30);
    put(v, D, CTLR, 4, 3);
    put(v, D, ISENABLER + 4, 4, UINT32_MAX);
    if (version == 3)
        put(v, R, SGI_FRAME + ISENABLER, 4, UINT32_MAX);
    else
        put(v, D, ISENABLER, 4, UINT32_MAX);
    put(v, D, ICFGR + 8, 4, 2u << 2 * (EDGE - 32));
}

#endif
