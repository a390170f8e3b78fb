// SPDX-License-Identifier: MIT
// A line of the report card for each thing a PC may lack: see card.h. Called by facts.c, and by the native test with
// every row.
#include "arch/x86_64/host/card.h"

#define MONITOR_NEEDS (64 * MIB) // and a small guest

static void judge_start(const struct pc_facts *f, struct card *card)
{
    card_line(card, CARD_PASS, "start", "", "%s, by %s", f->is_uefi ? "UEFI" : "BIOS", f->loader);
    card_line(card, CARD_PASS, "processor", "", "%s%s", f->brand[0] != '\0' ? f->brand : "it does not say its name",
              f->gib_pages ? "" : "; no pages of 1 GiB, 2 MiB are used");
    if (f->hypervisor[0] != '\0')
        card_line(card, CARD_WARN, "below us", "figures of time are those of an emulator or of that hypervisor",
                  "not the bare machine: \"%s\"", f->hypervisor);
}

static void judge_screen(const struct pc_facts *f, struct card *card)
{
    const struct boot_screen *s = &f->screen;
    if (s->kind == BOOT_SCREEN_NONE || !f->screen_shown)
        card_line(card, CARD_WARN, "screen",
                  "text goes to the serial port alone; screen=on, or set gfxmode=1024x768, may help", "%s",
                  s->kind == BOOT_SCREEN_NONE ? "none that the loader knows" : "not used");
    else if (s->kind == BOOT_SCREEN_TEXT)
        card_line(card, CARD_PASS, "screen", "", "text mode, %u by %u characters", s->width, s->height);
    else
        card_line(card, CARD_PASS, "screen", "", "%u by %u pixels of %u bits, %u bytes a line, at %#lx%s", s->width,
                  s->height, s->bits, s->pitch, s->address, s->red.at < s->blue.at ? ", blue above red" : "");
}

static void judge_ports(const struct pc_facts *f, struct card *card)
{
    if (f->com1)
        card_line(card, CARD_PASS, "serial port", "", "COM1%s", f->com2 ? " and COM2" : "");
    else
        card_line(card, CARD_WARN, "serial port", "nothing can be logged by another computer",
                  f->com2 ? "no COM1; COM2 is there, log=com2 uses it" : "none at 0x3f8 and 0x2f8");
    if (f->keyboard_controller && (f->keyboard_usable || !f->screen_shown))
        card_line(card, CARD_PASS, "keyboard", "", "a controller (8042) answers");
    else if (f->keyboard_controller)
        card_line(card, CARD_WARN, "keyboard", "choose in the menu; USB legacy support in the setup may help",
                  "a controller (8042) is there, but takes no commands");
    else
        card_line(card, CARD_WARN, "keyboard", "choose in the menu; what is chosen runs by itself",
                  "no controller (8042): none after the menu");
}

static void judge_memory(const struct pc_facts *f, struct card *card)
{
    bool enough = f->usable_bytes >= MONITOR_NEEDS;
    enum card_verdict verdict = enough ? card_warn_if((f->overlaps | f->ranges_ignored) != 0) : CARD_FAIL;
    const char *advice = enough ? "where ranges disagree, memory is left alone" : "no guest has room";
    card_line(card, verdict, "memory", advice,
              "%lu MiB usable, %lu above 4 GiB; %u ranges, %u overlap, %u more ignored",
              f->usable_bytes / MIB, f->above_4gib_bytes / MIB, f->ranges, f->overlaps, f->ranges_ignored);
}

static void judge_acpi(const struct acpi_info *acpi, struct card *card)
{
    uint32_t enabled = 0, highest = 0;
    for (uint32_t i = 0; i < acpi->cpu_count; i++) {
        enabled += acpi->cpus[i].enabled;
        if (acpi->cpus[i].enabled && acpi->cpus[i].apic_id > highest)
            highest = acpi->cpus[i].apic_id;
    }
    if (acpi->tables == 0) {
        card_line(card, CARD_WARN, "ACPI", "turn ACPI on in the setup",
                  "no tables: no HPET, no PM timer, no power-off");
        return;
    }
    card_line(card, card_warn_if(acpi->bad_tables != 0), "ACPI", "they are not used; a newer firmware may be better",
              "%u tables, %u damaged", acpi->tables, acpi->bad_tables);
    if (enabled != 0)
        card_line(card, CARD_PASS, "processors", "", "%u, APIC ids up to %u%s; one is used", enabled, highest,
                  highest >= enabled ? ", with gaps" : "");
}

static void judge_time(const struct pc_facts *f, struct card *card)
{
    card_line(card, card_warn_if(!f->invariant_tsc), "counter",
              "its rate may change with the processor's: turn power saving off in the setup", "TSC, %s",
              f->invariant_tsc ? "invariant" : "not said to be invariant");
    if (f->tsc_adjust != 0)
        card_line(card, CARD_WARN, "firmware's hand", "it is not undone; compare processors with care",
                  "the firmware moved the TSC by %ld", (int64_t)f->tsc_adjust);
    if (f->counter_hz == 0)
        card_line(card, CARD_FAIL, "rate", "turn HPET on in the setup", "no clock tells the counter's rate");
    else
        card_line(card, card_warn_if(f->not_believed[0] != '\0'), "rate",
                  "nothing to do: that clock is wrong or stands, the others agree", "%lu Hz by %s%s%s", f->counter_hz,
                  f->counter_origin, f->not_believed[0] != '\0' ? "; not believed: " : "", f->not_believed);
    card_line(card, card_warn_if(f->acpi.hpet_address == 0 && f->acpi.pm_timer_port == 0), "other clocks",
              "nothing can confirm the counter but the PIT",
              "HPET %s, PM timer %s, alarm by %s, %s", f->acpi.hpet_address != 0 ? "yes" : "no",
              f->acpi.pm_timer_port != 0 ? "yes" : "no", f->deadline_timer ? "TSC deadline" : "LAPIC count",
              f->x2apic ? "x2APIC" : "xAPIC");
    card_line(card, card_warn_if(f->gaps != 0), "firmware's time",
              f->hypervisor[0] != '\0' ? "what is below us, or its host, takes time"
                                       : "system management mode takes time: fewer USB and fan features may help",
              "watched for %lu us: %lu gaps of more than 10 us, the longest %lu us", f->looked_us, f->gaps,
              f->longest_gap_us);
}

static void judge_others(const struct pc_facts *f, struct card *card)
{
    card_line(card, card_warn_if(f->bus_masters != 0), "bus masters",
              "they were left on by the firmware; network boot off in the setup leaves fewer",
              "%u devices may still write to memory", f->bus_masters);
    if (f->acpi.tables != 0)
        card_line(card, card_warn_if(f->acpi.pm1a_control == 0), "power-off", "the end of a run is a reset", "%s",
                  f->acpi.pm1a_control != 0 ? "by ACPI" : "by the switch");
}

uint32_t card_overlaps(const struct bootinfo *info)
{
    uint32_t overlaps = 0;
    for (uint32_t i = 0; i < info->memory_count; i++) {
        for (uint32_t k = i + 1; k < info->memory_count; k++) {
            const struct memory_range *a = &info->memory[i], *b = &info->memory[k];
            uint64_t start = a->start > b->start ? a->start : b->start, end = a->end < b->end ? a->end : b->end;
            overlaps += a->type != b->type && start < end && end > MIB;
        }
    }
    return overlaps;
}

void card_judge_pc(const struct pc_facts *facts, struct card *card)
{
    judge_start(facts, card);
    judge_screen(facts, card);
    judge_ports(facts, card);
    judge_memory(facts, card);
    judge_acpi(&facts->acpi, card);
    judge_time(facts, card);
    judge_others(facts, card);
}
