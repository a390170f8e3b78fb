// SPDX-License-Identifier: MIT
// See dtb_writer.h.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tools/tests/native/arm64/dtb_writer.h"

#include <libfdt.h>
#include <stdio.h>

uint8_t built[TREE_BYTES];

#define OK(call) assert_int_equal(call, 0)

void cells(const char *name, unsigned count, ...)
{
    fdt32_t value[32];
    va_list arguments;
    va_start(arguments, count);
    for (unsigned i = 0; i < count; i++)
        value[i] = cpu_to_fdt32(va_arg(arguments, unsigned));
    va_end(arguments);
    bytes(name, value, 4 * count);
}

void bytes(const char *name, const void *value, size_t size)
{
    OK(fdt_property(built, name, value, (int)size));
}

void string(const char *name, const char *value)
{
    bytes(name, value, strlen(value) + 1);
}

void begin(const char *name)
{
    OK(fdt_begin_node(built, name));
}

void end(void)
{
    OK(fdt_end_node(built));
}

void bus_cells(unsigned address, unsigned size)
{
    cells("#address-cells", 1, address);
    cells("#size-cells", 1, size);
}

void begin_tree(void)
{
    OK(fdt_create(built, sizeof(built)));
    OK(fdt_add_reservemap_entry(built, 0x44000000, 0x1000));
    OK(fdt_finish_reservemap(built));
    begin("");
    string("model", "linux,dummy-virt");
    bus_cells(2, 2);
}

void end_tree(void)
{
    end();
    OK(fdt_finish(built));
}

void memory(const char *name, unsigned start, unsigned size)
{
    begin(name);
    OK(fdt_property_string(built, "device_type", "memory"));
    cells("reg", 4, 0, start, 0, size);
    end();
}

void timer(void)
{
    begin("timer");
    COMPATIBLE("arm,armv8-timer\0arm,armv7-timer");
    cells("interrupts", 12, 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4);
    end();
}

void gic3(void)
{
    begin("intc@8000000");
    COMPATIBLE("arm,gic-v3");
    cells("reg", 8, 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0xf60000);
    cells("interrupts", 3, 1, 9, 4);
    cells("#interrupt-cells", 1, 3);
    end();
}

void gic2(void)
{
    begin("intc@8000000");
    COMPATIBLE("arm,cortex-a15-gic");
    cells("reg", 16, 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000, 0, 0x8030000, 0, 0x10000, 0, 0x8040000, 0,
          0x10000);
    cells("interrupts", 3, 1, 9, 4);
    cells("#interrupt-cells", 1, 3);
    end();
}

void device(const char *name, const char *compatible, size_t size, unsigned low)
{
    begin(name);
    bytes("compatible", compatible, size);
    cells("reg", 4, 0, low, 0, 0x1000);
    end();
}

void pcie(void)
{
    begin("pcie@10000000");
    COMPATIBLE("pci-host-ecam-generic");
    bus_cells(3, 2);
    cells("reg", 4, 0x40, 0x10000000, 0, 0x10000000);
    cells("bus-range", 2, 0, 0xff);
    cells("ranges", 21, 0x2000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000, 0x1000000, 0, 0, 0, 0x3eff0000, 0,
          0x10000, 0x3000000, 0x80, 0, 0x80, 0, 0x80, 0);
    end();
}

void psci(const char *method)
{
    begin("psci");
    COMPATIBLE("arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    string("method", method);
    end();
}

void module(unsigned start, unsigned size, const char *compatible, size_t length, const char *bootargs)
{
    char name[32];
    snprintf(name, sizeof(name), "module@%#x", start);
    begin(name);
    bytes("compatible", compatible, length);
    cells("reg", 4, 0, start, 0, size);
    if (bootargs != NULL)
        string("bootargs", bootargs);
    end();
}
