// SPDX-License-Identifier: MIT
// The report card's lines about a board of arm64: what its device tree says and what the monitor could use of it.
#include "arch/arm64/host/board.h"
#include "arch/host.h"
#include "vmm/base/bootinfo.h"
#include "vmm/base/card.h"

static void judge_memory(const struct bootinfo *info, struct card *card)
{
    uint64_t usable = 0;
    for (uint32_t i = 0; i < info->memory_count; i++)
        usable += info->memory[i].type == MEMORY_USABLE ? info->memory[i].end - info->memory[i].start : 0;
    card_line(card, info->memory_ignored != 0 ? CARD_WARN : CARD_PASS, "memory", "", "%lu MiB usable, %u ranges, %u more ignored",
              usable / MIB, info->memory_count, info->memory_ignored);
}

static void judge_parts(const struct board *b, struct card *card)
{
    bool gic = b->gic_version != 0 && (b->gic_version == 3 || b->gich != 0);
    card_line(card, gic ? CARD_PASS : CARD_FAIL, "interrupts", gic ? "" : "a GIC of version 2 or 3 with its virtual half is "
              "needed", "GIC version %u", b->gic_version);
    card_line(card, b->timer_el2_intid != 0 ? CARD_PASS : CARD_FAIL, "timers", "", "EL2 %u, virtual %u, physical %u (INTIDs)",
              b->timer_el2_intid, b->timer_virtual_intid, b->timer_physical_intid);
    card_line(card, b->uart != 0 ? CARD_PASS : CARD_WARN, "serial port", b->uart != 0 ? "" : "nothing can be logged",
              "%s", b->uart != 0 ? "PL011" : "no PL011 that the tree names");
    card_line(card, b->rtc != 0 ? CARD_PASS : CARD_WARN, "time of day", b->rtc != 0 ? "" : "guests begin in 1970", "%s",
              b->rtc != 0 ? "PL031" : "no PL031");
    card_line(card, b->psci != PSCI_NONE ? CARD_PASS : CARD_WARN, "firmware's calls", b->psci != PSCI_NONE ? "" : "the end "
              "of a run is a halt", "PSCI %s", b->psci == PSCI_SMC ? "by SMC" : b->psci == PSCI_HVC ? "by HVC" : "absent");
}

void arch_report_card(const struct bootinfo *info, struct card *card)
{
    const struct counter *counter = arch_counter();
    card_line(card, CARD_PASS, "start", "", "%s, by %s", board()->model, info->loader);
    judge_memory(info, card);
    judge_parts(board(), card);
    card_line(card, counter->not_believed[0] != '\0' ? CARD_WARN : CARD_PASS, "rate", "", "%lu Hz by %s%s%s", counter->hz,
              counter->origin, counter->not_believed[0] != '\0' ? "; not believed: " : "", counter->not_believed);
}
