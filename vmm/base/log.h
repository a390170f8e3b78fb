// SPDX-License-Identifier: MIT
// The monitor's own lines: "[    0.123456][cpu0] subsystem: message". Seconds are those of the host counter since the
// loader's hand-over, dashes while its rate is not known yet.
#ifndef VMM_BASE_LOG_H
#define VMM_BASE_LOG_H

#include "time/units.h"
#include "vmm/base/remains.h"

// From where seconds are counted. Before this call they are counted from counter value 0.
void log_set_start(htime_t start);
void log_line(const char *subsystem, const char *text, ...) __attribute__((format(printf, 2, 3)));
void log_raw(const char *text, size_t size);

// What is logged from now on is kept there, too.
void log_keep(struct remains *remains);

#endif
