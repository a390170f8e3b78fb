// SPDX-License-Identifier: MIT
// The trace: a ring of fixed 32-byte records, one for each guest slice and each event worth seeing. Both clocks are in
// every record. The ring keeps the last TRACE_RECORDS.
#ifndef VMM_SHOW_TRACE_H
#define VMM_SHOW_TRACE_H

#include "time/units.h"
#include "vmm/base/types.h"

enum trace_kind {
    TRACE_GUEST = 1, // a guest slice: host = t0, duration = G, reason = exit kind that ended it, arg = t1 - t0
    TRACE_IDLE,      // host waited with the halted guest: host = start, duration
    TRACE_WARP,      // V jumped from arg to v while the guest was halted
    TRACE_HOST,      // other work of the host: host = start, duration
    TRACE_DUE,       // a timer expired: reason = timer number, arg = deadline
    TRACE_INJECT,    // an interrupt was injected: reason = vector, arg = deadline it belongs to, or 0
};

struct trace_record {
    uint64_t host;     // host counter
    uint64_t v;        // V at the end of the record
    uint32_t duration; // cycles, saturated
    uint16_t reason;
    uint8_t  vcpu;
    uint8_t  kind;     // enum trace_kind
    uint64_t arg;
};
_Static_assert(sizeof(struct trace_record) == 32, "fixed format, readable with xxd");

#define TRACE_RECORDS    4096
#define TRACE_TEXT_BYTES 128u // of a record in words

struct trace {
    uint64_t            written; // ever
    struct trace_record ring[TRACE_RECORDS];
};

void trace_init(struct trace *trace);

const char *trace_kind_name(enum trace_kind kind);

// A record in words, without a newline; how many bytes, as format() counts them.
size_t trace_text(const struct trace_record *record, char *out, size_t size);

// The i-th oldest record still kept, i < trace_kept(); null otherwise.
uint64_t                   trace_kept(const struct trace *trace);
const struct trace_record *trace_get(const struct trace *trace, uint64_t i);

// A fingerprint of every record that is kept and of how many were ever written: FNV-1a over their words.
uint64_t trace_hash(const struct trace *trace);

#endif
