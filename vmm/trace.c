// SPDX-License-Identifier: MIT
// Starting and reading the trace ring. Writing is inline in the header because every slice does it. Pure; the reader is
// report.c (lanes, hash) and the panic screen. Never changes a record.
#include "vmm/trace.h"
#include <string.h>

#define FNV_OFFSET_BASIS UINT64_C(0xcbf29ce484222325) // of FNV-1a, 64 bit

void trace_init(struct trace *trace)
{
    memset(trace, 0, sizeof(*trace));
    trace->hash = FNV_OFFSET_BASIS;
}

uint64_t trace_kept(const struct trace *trace)
{
    return trace->written < TRACE_RECORDS ? trace->written : TRACE_RECORDS;
}

const struct trace_record *trace_get(const struct trace *trace, uint64_t i)
{
    uint64_t kept = trace_kept(trace);

    return i < kept ? &trace->ring[(trace->written - kept + i) % TRACE_RECORDS] : NULL;
}
