// SPDX-License-Identifier: MIT
// Starting and reading the trace ring. Writing is vm_trace() in vm.h, inline because every slice does it. Pure; the
// reader is report.c (lanes, hash) and the panic screen. Never changes a record.
#include "vmm/show/trace.h"

#include <string.h>

#include "vmm/base/exit.h"
#include "vmm/base/fnv.h"
#include "vmm/base/format.h"

void trace_init(struct trace *trace)
{
    memset(trace, 0, sizeof(*trace));
}

const char *trace_kind_name(enum trace_kind kind)
{
    switch (kind) {
    case TRACE_GUEST: return "guest";
    case TRACE_IDLE: return "idle";
    case TRACE_WARP: return "warp";
    case TRACE_HOST: return "host";
    case TRACE_DUE: return "due";
    case TRACE_INJECT: return "inject";
    }
    return "?";
}

size_t trace_text(const struct trace_record *r, char *out, size_t size)
{
    bool slice = r->kind == TRACE_GUEST;
    return format(out, size, "host %lu  v %lu  %s %u%s%s  duration %u  arg %lu", r->host, r->v,
                  trace_kind_name((enum trace_kind)r->kind), r->reason, slice ? " " : "",
                  slice ? exit_kind_name((enum exit_kind)r->reason) : "", r->duration, r->arg);
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

uint64_t trace_hash(const struct trace *trace)
{
    uint64_t hash = fnv_add(FNV_START, trace->written);

    for (uint64_t i = 0; i < trace_kept(trace); i++) {
        uint64_t words[sizeof(struct trace_record) / 8];
        memcpy(words, trace_get(trace, i), sizeof(words));
        for (unsigned w = 0; w < sizeof(words) / 8; w++)
            hash = fnv_add(hash, words[w]);
    }
    return hash;
}
