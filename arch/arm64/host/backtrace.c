// SPDX-License-Identifier: MIT
// Backtraces. The chain of frame records (AAPCS64 6.4.6) is walked only while it stays inside a known stack and climbs;
// the names come from the table that tools/symbols links into the image. Called by vmm/base/panic.c.
#include "arch/host.h"
#include "arch/arm64/host/cpu.h"
#include "vmm/base/log.h"

#define FRAMES_MAX  32
#define INSTRUCTION 4

// tools/symbols: sorted by address, from the image's first byte on; empty in the first of the two links.
struct symbol {
    uint32_t address;
    uint32_t name; // offset in symbol_names
};
extern const struct symbol symbol_table[];
extern const uint32_t symbol_count;
extern const char symbol_names[];

extern const char image_start[], text_start[], text_end[]; // boot/arm64/linker.ld

static bool in_text(uint64_t address)
{
    return address >= (uintptr_t)text_start && address < (uintptr_t)text_end;
}

// The function that holds `address`; null when unknown.
static const struct symbol *symbol_of(uint64_t address)
{
    uint64_t place = address - (uintptr_t)image_start;
    if (symbol_count == 0 || !in_text(address) || place < symbol_table[0].address)
        return NULL;
    uint32_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (symbol_table[middle].address <= place)
            low = middle;
        else
            high = middle;
    }
    return &symbol_table[low];
}

// A return address may lie behind its function when the call was the last instruction (_Noreturn callees): the name is
// looked up one instruction before.
static void print_line(unsigned number, uint64_t address, unsigned back)
{
    const struct symbol *symbol = symbol_of(address - back);
    if (symbol != NULL)
        log_line("panic", "#%-2u %#010lx %s+%#lx", number, address, symbol_names + symbol->name,
                 address - (uintptr_t)image_start - symbol->address);
    else
        log_line("panic", "#%-2u %#010lx %s", number, address, in_text(address) ? "?" : "outside the text");
}

// A function without a frame record of its own has its return address in the link register only. One that has a record
// finds there what its last callee returned to, or what the record says too.
static bool is_callers(uint64_t link, uint64_t ip, uint64_t fp)
{
    bool recorded = fp % 8 == 0 && host_stack_contains(fp, 16) && ((const uint64_t *)fp)[1] == link;
    return in_text(link) && !recorded && symbol_of(link - INSTRUCTION) != symbol_of(ip);
}

// sp: where exception.c keeps the link register.
void arch_backtrace(uint64_t ip, uint64_t sp, uint64_t fp)
{
    unsigned number = 0;
    if (ip != 0)
        print_line(number++, ip, 0);
    if (sp % 8 == 0 && host_stack_contains(sp, 8) && is_callers(*(const uint64_t *)sp, ip, fp))
        print_line(number++, *(const uint64_t *)sp, INSTRUCTION);
    while (number < FRAMES_MAX && fp % 8 == 0 && host_stack_contains(fp, 16)) {
        uint64_t caller_fp = ((const uint64_t *)fp)[0], return_address = ((const uint64_t *)fp)[1];
        if (return_address != 0)
            print_line(number++, return_address, INSTRUCTION);
        if (caller_fp <= fp)
            break;
        fp = caller_fp;
    }
}
