// SPDX-License-Identifier: MIT
// Text in memory that outlives a reset of the machine: the monitor writes it, and our loader reads it when the machine
// starts again. The reset may come between any two stores; what is found valid afterwards is what was written. Pure.
//
// The memory is blocks of a page. Two of them take turns with the latest snapshot, the others are a ring with the log.
// A block is valid when its check is that of its run, its number and its text.
#ifndef VMM_BASE_REMAINS_H
#define VMM_BASE_REMAINS_H

#include <stddef.h>
#include <stdint.h>

#define REMAINS_BYTES      (256u * 1024)
#define REMAINS_TEXT_BYTES 4072u // of a block
#define REMAINS_BLOCKS     (REMAINS_BYTES / 4096)

struct remains_block {
    uint64_t run;    // one start of the monitor; never 0
    uint64_t number; // from 1 on
    uint64_t state;  // bytes used in bits 15:0, the check above: one store makes both valid
    char     text[REMAINS_TEXT_BYTES];
};
_Static_assert(sizeof(struct remains_block) == 4096, "a page");

// Makes sure that bytes are in memory, and not in a cache that a reset empties.
typedef void remains_clean(const void *start, uint64_t bytes);

struct remains {
    struct remains_block *blocks; // null: nothing is kept
    remains_clean        *clean;
    uint64_t              run, number, snapshots;
    uint64_t              check, checked; // of so many bytes of the log's block
};

// `memory` has REMAINS_BYTES and is a multiple of 8; all that it held is gone.
void remains_begin(struct remains *remains, void *memory, uint64_t run, remains_clean *clean);

void remains_append(struct remains *remains, const char *text, size_t size);
void remains_snapshot(struct remains *remains, const char *text, size_t size); // at most REMAINS_TEXT_BYTES of it

// The run of the first block that is valid; 0: none is.
uint64_t remains_run(const void *memory);

// What is valid of the log of that run, the latest part without a gap, then the latest snapshot: copied to `out`, which
// has REMAINS_BYTES. Returns the bytes of both; of them *snapshot_at is where the snapshot begins. 0: nothing is valid.
size_t remains_read(const void *memory, uint64_t run, char *out, size_t *snapshot_at);

#endif
