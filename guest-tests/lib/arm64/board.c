// SPDX-License-Identifier: MIT
// What the flattened device tree says (Devicetree Specification 0.4, 5): one walk, every node looked at when it is
// whole.
//
// Addresses and sizes of what is of interest here have two cells each, as on every machine that these kernels meet.
#include "guest-tests/lib/guest.h"

#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROPERTY   3u
#define NOP        4u
#define DEPTH_MAX  16u
#define SPI_FIRST  32u

struct board board;

// The properties of one node, until it is closed.
struct node {
    const char *name;
    const uint8_t *reg, *interrupts;
    const char *compatible, *type, *method;
    uint32_t reg_length, interrupts_length, compatible_length;
};

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t big64(const uint8_t *p)
{
    return (uint64_t)big32(p) << 32 | big32(p + 4);
}

static bool same(const char *a, const char *b)
{
    size_t i = 0;
    while (a[i] && a[i] == b[i])
        i++;
    return a[i] == b[i];
}

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

// `compatible` is a list of texts, each with its zero.
static bool is(const struct node *node, const char *what)
{
    for (uint32_t at = 0; node->compatible && at < node->compatible_length;) {
        if (same(node->compatible + at, what))
            return true;
        at += (uint32_t)length_of(node->compatible + at) + 1;
    }
    return false;
}

static uint64_t address(const struct node *node, unsigned range)
{
    return node->reg_length >= (range + 1) * 16 ? big64(node->reg + range * 16) : 0;
}

static uint64_t size(const struct node *node, unsigned range)
{
    return node->reg_length >= (range + 1) * 16 ? big64(node->reg + range * 16 + 8) : 0;
}

// The GIC's binding: kind (0 is SPI), number, trigger.
static unsigned intid(const struct node *node)
{
    return node->interrupts_length >= 12 ? SPI_FIRST + big32(node->interrupts + 4) : 0;
}

static void look_at(const struct node *node)
{
    if (node->type && same(node->type, "memory") && board.memory_size == 0) {
        board.memory = address(node, 0);
        board.memory_size = size(node, 0);
    }
    if (is(node, "arm,psci-0.2") || is(node, "arm,psci-1.0"))
        board.psci_smc = node->method && same(node->method, "smc");
    if (is(node, "arm,pl011") && board.uart == 0) {
        board.uart = address(node, 0);
        board.uart_intid = intid(node);
    }
    if (is(node, "arm,pl031") && board.rtc == 0) {
        board.rtc = address(node, 0);
        board.rtc_intid = intid(node);
    }
    if (is(node, "arm,gic-v3")) {
        board.gic_version = 3;
        board.gicd = address(node, 0);
        board.gicr = address(node, 1);
        board.gicr_size = size(node, 1);
    }
    if (is(node, "arm,cortex-a15-gic") || is(node, "arm,gic-400")) {
        board.gic_version = 2;
        board.gicd = address(node, 0);
        board.gicc = address(node, 1);
    }
}

static void property(struct node *node, const char *name, const uint8_t *value, uint32_t length)
{
    if (same(name, "reg")) {
        node->reg = value;
        node->reg_length = length;
    } else if (same(name, "interrupts")) {
        node->interrupts = value;
        node->interrupts_length = length;
    } else if (same(name, "compatible")) {
        node->compatible = (const char *)value;
        node->compatible_length = length;
    } else if (same(name, "device_type")) {
        node->type = (const char *)value;
    } else if (same(name, "method")) {
        node->method = (const char *)value;
    } else if (same(name, "bootargs") && same(node->name, "chosen")) {
        board.bootargs = (const char *)value;
    }
}

static void walk(const uint8_t *p, const uint8_t *end, const char *strings)
{
    static struct node nodes[DEPTH_MAX];
    unsigned depth = 0;
    while (p + 4 <= end) {
        uint32_t token = big32(p);
        p += 4;
        if (token == BEGIN_NODE && depth < DEPTH_MAX) {
            nodes[depth++] = (struct node){ .name = (const char *)p };
            p += (length_of((const char *)p) + 4) & ~3ul;
        } else if (token == PROPERTY && depth > 0) {
            property(&nodes[depth - 1], strings + big32(p + 4), p + 8, big32(p));
            p += 8 + ((big32(p) + 3) & ~3u);
        } else if (token == END_NODE && depth > 0) {
            look_at(&nodes[--depth]);
        } else if (token != NOP) {
            return;
        }
    }
}

void board_find(void)
{
    const uint8_t *dtb = (const uint8_t *)boot_dtb;
    board.dtb = boot_dtb;
    board.bootargs = "";
    if (boot_dtb != 0 && boot_dtb % 8 == 0 && big32(dtb) == 0xd00dfeed)
        walk(dtb + big32(dtb + 8), dtb + big32(dtb + 4), (const char *)dtb + big32(dtb + 12));
}
