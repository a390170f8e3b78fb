// SPDX-License-Identifier: MIT
// Keeps the results of this run: see results.h. Called by boot/<a>/main.c, where a picture of the host's screen begins,
// and at a VM's end.
#include "vmm/results.h"

#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/config.h"

#define RECORDS_SEEN 30u
_Static_assert(LIVE_ROW_BYTES + RECORDS_SEEN * TRACE_TEXT_BYTES <= REMAINS_TEXT_BYTES, "they fit");

static struct remains results;

static bool set_aside(const struct bootinfo *info, uint64_t start)
{
    for (uint32_t i = 0; i < info->memory_count; i++) {
        const struct memory_range *range = &info->memory[i];
        if (range->type == MEMORY_KEPT && start >= range->start && start < range->end &&
            range->end - start >= REMAINS_BYTES)
            return start % PAGE_SIZE == 0 && range->end <= MEMORY_MAPPED_END;
    }
    return false;
}

void results_open(const struct bootinfo *info, remains_clean *clean)
{
    struct monitor_config config;
    if (!config_parse_monitor(info->cmdline, &config, &(struct refusal){ "" }) || config.results == 0)
        return; // vmm_main() will say what is not understood
    if (config.run == 0 || !set_aside(info, config.results)) {
        log_line("results", "not kept: the loader says that their place is %#lx, and has set no memory aside there",
                 config.results);
        return;
    }
    remains_begin(&results, (void *)config.results, config.run, clean);
    log_keep(&results);
    log_line("results", "kept over a reset at %#lx, run %lu", config.results, config.run);
}

void results_seen(const struct vm *vm, const char *row)
{
    static char text[REMAINS_TEXT_BYTES]; // not for the stack
    if (results.blocks == NULL)
        return;
    size_t used = format(text, sizeof(text), "%s\n", row);
    uint64_t kept = trace_kept(&vm->trace);
    for (uint64_t i = kept > RECORDS_SEEN ? kept - RECORDS_SEEN : 0; i < kept; i++) {
        used += trace_text(trace_get(&vm->trace, i), text + used, TRACE_TEXT_BYTES);
        text[used++] = '\n';
    }
    remains_snapshot(&results, text, used);
}
