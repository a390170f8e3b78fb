// SPDX-License-Identifier: MIT
// The device tree reader: trees as QEMU, GRUB and a board with buses write them, each limit, every truncation and
// random damage. The tree stands in front of a page that cannot be touched: libfdt has no sanitizer of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "boot/arm64/dtb.h"
#include "tools/tests/native/arm64/dtb_writer.h"
#include "tools/tests/native/host.h"

#include <libfdt.h>
#include <stdio.h>
#include <sys/mman.h>

#define ROUNDS     20000
#define AREA_BYTES 65536u

static uint8_t *area; // AREA_BYTES, then a page that nobody may touch
static struct dtb dtb;
static struct refusal refusal;

static const uint8_t chance[SEED_BYTES + 1] = "the 32 bytes of chance of a tree";
static size_t chance_length = SEED_BYTES;

static void chosen(void)
{
    begin("chosen");
    string("bootargs", "log=com2");
    string("stdout-path", "/pl011@9000000:115200");
    bytes("rng-seed", chance, chance_length);
    MODULE(0x52000000, 0x300, PLAIN, "modules.cpio and=so on");
    MODULE(0x51000000, 0x200, RAMDISK, NULL);
    MODULE(0x50000000, 0x100, KERNEL, "vm=a mem=16M -- hello");
    end();
}

static void build_usual(void)
{
    begin_tree();
    psci("smc");
    memory("memory@40000000", 0x40000000, 0x20000000);
    DEVICE("pl011@9040000", "arm,pl011\0arm,primecell", 0x9040000);
    DEVICE("pl011@9000000", "arm,pl011\0arm,primecell", 0x9000000);
    DEVICE("pl031@9010000", "arm,pl031\0arm,primecell", 0x9010000);
    gic3();
    timer();
    pcie();
    chosen();
    end_tree();
}

// --- reading it ------------------------------------------------------------------------------------------------------

// The first `count` bytes of what was built, at the end of what may be touched. Everything that was found is looked at.
static bool read_copy(uint32_t count)
{
    uint32_t whole = (count + 7) & ~7u;
    uint8_t *at = area + AREA_BYTES - whole;
    memcpy(at, built, count);
    memset(at + count, 0, whole - count);
    refusal.text[0] = '\0';
    bool good = dtb_read(at, whole, &dtb, &refusal);
    assert_true(good == (refusal.text[0] == '\0'));
    assert_true(dtb.boot.module_count <= BOOT_MODULES_MAX && dtb.boot.memory_count <= BOOT_MEMORY_MAX);
    assert_true(dtb.text_used <= sizeof(dtb.text) && strlen(dtb.board.model) < sizeof(dtb.board.model));
    size_t length = strlen(dtb.boot.cmdline);
    for (uint32_t i = 0; i < dtb.boot.module_count; i++) {
        length += strlen(dtb.boot.modules[i].string);
        assert_true(i == 0 || dtb.boot.modules[i - 1].start.value <= dtb.boot.modules[i].start.value);
    }
    assert_true(length <= count + sizeof(dtb.text));
    return good;
}

static bool read_built(void)
{
    return read_copy(fdt_totalsize(built));
}

static void refused(const char *sentence)
{
    assert_false(read_built());
    assert_string_equal(refusal.text, sentence);
}

static void expect_range(unsigned index, uint64_t start, uint64_t stop, enum memory_type type)
{
    assert_int_equal(dtb.boot.memory[index].start, start);
    assert_int_equal(dtb.boot.memory[index].end, stop);
    assert_int_equal(dtb.boot.memory[index].type, type);
}

static void what_qemu_writes(void **state)
{
    (void)state;
    build_usual();
    assert_true(read_built());
    const struct board *b = &dtb.board;
    assert_string_equal(b->model, "linux,dummy-virt");
    assert_int_equal(b->gic_version, 3);
    assert_int_equal(b->gicd, 0x8000000);
    assert_int_equal(b->gicr, 0x80a0000);
    assert_int_equal(b->gicr_size, 0xf60000);
    assert_int_equal(b->gicc + b->gich + b->gicv, 0);
    assert_int_equal(b->maintenance_intid, 25);
    assert_int_equal(b->timer_el2_intid, 26);
    assert_int_equal(b->timer_virtual_intid, 27);
    assert_int_equal(b->timer_physical_intid, 30);
    assert_int_equal(b->uart, 0x9000000); // not the first one
    assert_int_equal(b->rtc, 0x9010000);
    assert_int_equal(b->ecam, UINT64_C(0x4010000000));
    assert_int_equal(b->ecam_size, 0x10000000);
    assert_int_equal(b->pci_io, 0x3eff0000);
    assert_int_equal(b->pci_io_size, 0x10000);
    assert_int_equal(b->psci, PSCI_SMC);
    assert_true(b->has_seed);
    assert_memory_equal(b->seed, chance, SEED_BYTES);

    assert_string_equal(dtb.boot.cmdline, "log=com2");
    assert_int_equal(dtb.boot.info_end - dtb.boot.info_start, fdt_totalsize(built));
    assert_int_equal(dtb.boot.memory_count, 2);
    expect_range(0, 0x40000000, 0x60000000, MEMORY_USABLE);
    expect_range(1, 0x44000000, 0x44001000, MEMORY_KEPT);
    assert_int_equal(dtb.boot.module_count, 3);
    assert_string_equal(dtb.boot.modules[0].string, "vm=a mem=16M -- hello");
    assert_int_equal(dtb.boot.modules[0].start.value, 0x50000000);
    assert_int_equal(dtb.boot.modules[0].size, 0x100);
    assert_string_equal(dtb.boot.modules[1].string, "module initrd");
    assert_int_equal(dtb.boot.modules[1].size, 0x200);
    assert_string_equal(dtb.boot.modules[2].string, "module modules.cpio and=so on");

    chance_length = SEED_BYTES - 1; // too little chance is none
    build_usual();
    assert_true(read_built());
    assert_false(dtb.board.has_seed);
    chance_length = SEED_BYTES;
}

static void version_2_and_hvc(void **state)
{
    (void)state;
    begin_tree();
    memory("memory", 0x80000000, 0x1000);
    gic2();
    timer();
    psci("hvc");
    end_tree();
    assert_true(read_built());
    assert_int_equal(dtb.board.gic_version, 2);
    assert_int_equal(dtb.board.gicd, 0x8000000);
    assert_int_equal(dtb.board.gicc, 0x8010000);
    assert_int_equal(dtb.board.gich, 0x8030000);
    assert_int_equal(dtb.board.gicv, 0x8040000);
    assert_int_equal(dtb.board.gicr + dtb.board.gicr_size, 0);
    assert_int_equal(dtb.board.maintenance_intid, 25);
    assert_int_equal(dtb.board.psci, PSCI_HVC);
    assert_int_equal(dtb.board.uart + dtb.board.rtc + dtb.board.ecam + dtb.board.pci_io, 0);
    assert_string_equal(dtb.boot.cmdline, "");
    assert_int_equal(dtb.boot.module_count, 0);
}

// Addresses of one cell behind two buses, of which the inner one moves them; one device that is off, one out of reach.
static void buses_and_status(void **state)
{
    (void)state;
    begin_tree();
    memory("memory", 0x80000000, 0x1000);
    begin("soc");
    bus_cells(1, 1);
    bytes("ranges", NULL, 0);
    begin("uart@100");
    COMPATIBLE("arm,pl011");
    string("status", "disabled");
    cells("reg", 2, 0x100, 0x1000);
    end();
    begin("bus");
    bus_cells(1, 1);
    cells("ranges", 6, 0x0, 0x7e000000, 0x100, 0x1000, 0x7f000000, 0x2000);
    begin("uart@1800");
    COMPATIBLE("arm,pl011");
    string("status", "okay");
    cells("reg", 2, 0x1800, 0x1000);
    end();
    begin("rtc@200");
    COMPATIBLE("arm,pl031");
    cells("reg", 2, 0x200, 0x1000);
    end();
    end();
    end();
    end_tree();
    assert_true(read_built());
    assert_int_equal(dtb.board.uart, 0x7f000800);
    assert_int_equal(dtb.board.rtc, 0);
    assert_int_equal(dtb.board.gic_version, 0);
}

static void reserved_memory(void **state)
{
    (void)state;
    begin_tree();
    memory("memory@0", 0x80000000, 0x10000000);
    memory("memory@1", 0xa0000000, 0x10000000);
    begin("reserved-memory");
    bus_cells(2, 2);
    bytes("ranges", NULL, 0);
    begin("secure@80000000");
    cells("reg", 4, 0, 0x80000000, 0, 0x10000);
    bytes("no-map", NULL, 0);
    end();
    begin("frame@80100000");
    cells("reg", 4, 0, 0x80100000, 0, 0x20000);
    end();
    end();
    end_tree();
    assert_true(read_built());
    assert_int_equal(dtb.boot.memory_count, 5);
    expect_range(0, 0x80000000, 0x90000000, MEMORY_USABLE);
    expect_range(1, 0xa0000000, 0xb0000000, MEMORY_USABLE);
    expect_range(2, 0x80000000, 0x80010000, MEMORY_RESERVED);
    expect_range(3, 0x80100000, 0x80120000, MEMORY_KEPT);
    expect_range(4, 0x44000000, 0x44001000, MEMORY_KEPT);
    assert_true(dtb_in_memory(&dtb.boot, 0x8fffffff, 1));
    assert_false(dtb_in_memory(&dtb.boot, 0x8fffffff, 2));
    assert_false(dtb_in_memory(&dtb.boot, 0x90000000, 0));
    assert_false(dtb_in_memory(&dtb.boot, 0xa0000001, UINT64_MAX));
}

static void more_than_fits_is_counted(void **state)
{
    (void)state;
    begin_tree();
    begin("memory");
    string("device_type", "memory");
    fdt32_t reg[4 * (BOOT_MEMORY_MAX + 5)] = { 0 };
    for (uint32_t i = 0; i < BOOT_MEMORY_MAX + 5; i++) {
        reg[4 * i + 1] = cpu_to_fdt32(0x80000000 + i * 0x2000);
        reg[4 * i + 3] = cpu_to_fdt32(0x1000);
    }
    bytes("reg", reg, sizeof(reg));
    end();
    begin("chosen");
    for (uint32_t i = 0; i < BOOT_MODULES_MAX + 3; i++)
        MODULE(0x80000000 + i * 0x10, 0x10, KERNEL, "vm=x");
    end();
    end_tree();
    assert_true(read_built());
    assert_int_equal(dtb.boot.module_count, BOOT_MODULES_MAX);
    assert_int_equal(dtb.boot.modules_ignored, 3);
    assert_int_equal(dtb.boot.memory_count, BOOT_MEMORY_MAX);
    assert_int_equal(dtb.boot.memory_ignored, 6); // and the reservation block's
}

static void one_module(unsigned start, unsigned size, const char *bootargs)
{
    begin_tree();
    memory("memory", 0x80000000, 0x10000);
    begin("chosen");
    MODULE(start, size, PLAIN, bootargs);
    end();
    end_tree();
}

static void damage_has_a_sentence(void **state)
{
    (void)state;
    static char long_arguments[DTB_TEXT_BYTES];
    char sentence[200];
    begin_tree();
    end_tree();
    refused("the device tree names no memory: it has no node with device_type \"memory\"");
    one_module(0x80000000, 0x10001, "x");
    refused("the device tree has a module of 65537 bytes at 0x80000000, where no memory is");
    one_module(0x90000000, 0, "x");
    refused("the device tree has a module of 0 bytes at 0x90000000, where no memory is");
    memset(long_arguments, 'a', sizeof(long_arguments) - 1);
    one_module(0x80000000, 1, long_arguments);
    refused("the device tree has modules in /chosen with more than 4 KiB of arguments");
    long_arguments[DTB_TEXT_BYTES - sizeof("module ")] = '\0';
    one_module(0x80000000, 1, long_arguments);
    assert_true(read_built());

    begin_tree();
    memory("memory", 0x80000000, 0x10000);
    begin("chosen");
    begin("module");
    COMPATIBLE(KERNEL);
    end();
    end();
    end_tree();
    refused("the device tree has a module in /chosen that is nowhere: its reg is missing or too short");

    build_usual();
    fdt_set_magic(built, 0x12345678);
    uint32_t whole = fdt_totalsize(built);
    uint8_t *at = area + AREA_BYTES - ((whole + 7) & ~7u);
    snprintf(sentence, sizeof(sentence), "the device tree at %#lx is damaged: FDT_ERR_BADMAGIC", (unsigned long)at);
    refused(sentence);
    assert_false(dtb_read(NULL, 4096, &dtb, &refusal));
    assert_string_equal(refusal.text, "x0 is 0, where no device tree can be: the loader must put its address there, a "
                                      "multiple of 8");
    assert_false(dtb_read((const void *)(UINTPTR_MAX - 7), 4096, &dtb, &refusal));
    assert_false(dtb_read(area + 4, 4096, &dtb, &refusal));
}

static void every_truncation(void **state)
{
    (void)state;
    build_usual();
    uint32_t whole = fdt_totalsize(built);
    for (uint32_t cut = 0; cut < whole - 8; cut++) {
        assert_false(read_copy(cut)); // shorter than it claims
        fdt_set_totalsize(built, cut);
        assert_false(read_copy(cut)); // and claiming less: a block is outside
        fdt_set_totalsize(built, whole);
    }
}

static void random_damage(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned good = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        build_usual();
        uint32_t size = fdt_totalsize(built);
        for (uint64_t n = host_random_range(&seed, 1, 6); n > 0; n--) {
            uint32_t at = (uint32_t)host_random_range(&seed, 0, size - 4);
            fdt32_t value = cpu_to_fdt32((uint32_t)host_random_edgy(&seed));
            if ((host_random(&seed) & 1) != 0)
                memcpy(built + (at & ~3u), &value, sizeof(value));
            else
                built[at] = (uint8_t)host_random(&seed);
        }
        good += read_copy(size);
    }
    assert_true(good > 0 && good < ROUNDS);
    print_message("# %u damaged trees: %u refused, %u still sound\n", ROUNDS, ROUNDS - good, good);
}

int main(void)
{
    area = mmap(NULL, AREA_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || mprotect(area + AREA_BYTES, 4096, PROT_NONE) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_qemu_writes),          cmocka_unit_test(version_2_and_hvc),
        cmocka_unit_test(buses_and_status),          cmocka_unit_test(reserved_memory),
        cmocka_unit_test(more_than_fits_is_counted), cmocka_unit_test(damage_has_a_sentence),
        cmocka_unit_test(every_truncation),          cmocka_unit_test(random_damage),
    };
    return cmocka_run_group_tests_name("dtb", tests, NULL, NULL);
}
