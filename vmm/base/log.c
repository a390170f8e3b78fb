// SPDX-License-Identifier: MIT
// Log lines to wherever the host's log goes. Called by everyone, also by panic; one line is one write, at most
// LOG_LINE_MAX bytes. Never allocates, never waits without a bound (arch_write()).
#include "vmm/base/log.h"

#include "arch/host.h"
#include "time/ratio.h"
#include "vmm/base/format.h"
#include "vmm/base/percpu.h"
#include "vmm/base/remains.h"

#define LOG_LINE_MAX 512

static htime_t log_start;
static struct remains *log_kept; // null: nowhere

void log_set_start(htime_t start)
{
    log_start = start;
}

void log_keep(struct remains *remains)
{
    log_kept = remains;
}

void log_raw(const char *text, size_t size)
{
    arch_write(ARCH_LOG, text, size);
    if (log_kept != NULL)
        remains_append(log_kept, text, size);
}

static size_t prefix(char *out, size_t size, const char *subsystem)
{
    uint64_t hz = arch_counter_hz();
    uint32_t cpu = this_cpu()->shared.index;
    if (hz == 0)
        return format(out, size, "[    -.------][cpu%u] %s: ", cpu, subsystem);
    uint64_t us = mul_div_floor(arch_counter_read() - log_start, 1000000, hz);
    return format(out, size, "[%5lu.%06lu][cpu%u] %s: ", us / 1000000, us % 1000000, cpu, subsystem);
}

void log_line(const char *subsystem, const char *text, ...)
{
    char line[LOG_LINE_MAX];
    size_t used = prefix(line, sizeof(line), subsystem);
    va_list arguments;
    va_start(arguments, text);
    used += format_v(line + used, sizeof(line) - used - 1, text, arguments); // one byte is kept for the newline
    va_end(arguments);
    line[used++] = '\n';
    log_raw(line, used);
}
