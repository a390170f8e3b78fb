// SPDX-License-Identifier: MIT
// The lanes: a drawing in text of who had the processor, from the trace ring. Called by report.c. Pure: reads the
// trace, hands out lines of at most 100 characters.
#ifndef VMM_SHOW_LANES_H
#define VMM_SHOW_LANES_H

#include "vmm/show/trace.h"

#define LANES_COLUMNS 96u

// Draws the window of the trace that shows most. Each letter is the owner of most cycles of its column's interval.
void lanes_draw(const struct trace *trace, void (*out)(void *ctx, const char *line), void *ctx);

#endif
