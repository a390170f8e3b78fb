// SPDX-License-Identifier: MIT
// A trace filled by hand, as vm_trace() fills a VM's.
#ifndef TOOLS_TESTS_NATIVE_RECORDS_H
#define TOOLS_TESTS_NATIVE_RECORDS_H

#include "vmm/show/trace.h"

static inline void trace_put(struct trace *trace, struct trace_record record)
{
    trace->ring[trace->written++ % TRACE_RECORDS] = record;
}

#endif
