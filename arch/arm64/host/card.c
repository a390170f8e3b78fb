// SPDX-License-Identifier: MIT
// The report card's lines about a board of arm64: what its device tree says and what the monitor could use of it.
#include "arch/arm64/host/board.h"
#include "arch/host.h"
#include "vmm/base/bootinfo.h"
#include "vmm/base/card.h"
#include "vmm/picture/hostscreen.h"

static void judge_memory(const struct bootinfo *info, struct card *card)
{
    uint64_t usable = 0;
    for (uint32_t i = 0; i < info->memory_count; i++)
        usable += info->memory[i].type == MEMORY_USABLE ? info->memory[i].end - info->memory[i].start : 0;
    card_line(card, card_warn_if(info->memory_ignored != 0), "memory", "what is ignored is not used",
              "%lu MiB usable; %u ranges, %u more ignored", usable / MIB, info->memory_count, info->memory_ignored);
}

// Nobody has to have one.
static void judge_screen(const struct boot_screen *s, struct card *card)
{
    if (s->kind == BOOT_SCREEN_NONE || !hostscreen_shown())
        card_line(card, CARD_PASS, "screen", "", "none that is used: text goes to the serial port alone");
    else
        card_line(card, CARD_PASS, "screen", "", "%u by %u pixels of %u bits, %u bytes a line, at %#lx", s->width,
                  s->height, s->bits, s->pitch, s->address);
}

static void judge_interrupts(const struct board *b, struct card *card)
{
    bool gic = b->gic_version == 3 || (b->gic_version == 2 && b->gich != 0);
    card_line(card, gic ? CARD_PASS : CARD_FAIL, "interrupts", "a GIC with its virtual half is needed",
              "GIC version %u", b->gic_version);
    card_line(card, b->timer_el2_intid != 0 ? CARD_PASS : CARD_FAIL, "timers", "the tree must have all four timers",
              "EL2 %u, virtual %u, physical %u (INTIDs)", b->timer_el2_intid, b->timer_virtual_intid,
              b->timer_physical_intid);
}

static void judge_devices(const struct board *b, struct card *card)
{
    const char *psci = b->psci == PSCI_SMC ? "PSCI by SMC" : b->psci == PSCI_HVC ? "PSCI by HVC" : "no PSCI";
    card_line(card, card_warn_if(b->uart == 0), "serial port", "nothing can be logged", "%s",
              b->uart != 0 ? "PL011" : "no PL011 that the tree names");
    card_line(card, card_warn_if(b->rtc == 0 && b->start_seconds == 0), "time of day", "guests begin in 1970", "%s",
              b->rtc != 0 ? "PL031" : b->start_seconds != 0 ? "the firmware's, and the counter since" : "no PL031");
    card_line(card, card_warn_if(b->psci == PSCI_NONE), "firmware's calls", "the end of a run is a halt", "%s", psci);
}

void arch_report_card(const struct bootinfo *info, struct card *card)
{
    const struct counter *counter = arch_counter();
    bool doubt = counter->not_believed[0] != '\0';
    card_line(card, CARD_PASS, "start", "", "%s, by %s", board()->model, info->loader);
    judge_screen(&info->screen, card);
    judge_memory(info, card);
    judge_interrupts(board(), card);
    judge_devices(board(), card);
    card_line(card, card_warn_if(doubt), "rate", "that clock is wrong, or stands", "%lu Hz by %s%s%s", counter->hz,
              counter->origin, doubt ? "; not believed: " : "", counter->not_believed);
}
