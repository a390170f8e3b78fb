// SPDX-License-Identifier: MIT
// The results of this run, in memory that outlives a reset (vmm/base/remains.h): our loader has kept it free, says
// where it is by the words results= and run=, and writes what it finds there to its partition at the next start.
#ifndef VMM_RESULTS_H
#define VMM_RESULTS_H

#include "vmm/base/bootinfo.h"
#include "vmm/base/remains.h"
#include "vmm/vm.h"

// From now on what is logged is kept, too; `clean` writes the caches back. Nothing happens without those words; a place
// that is no memory set aside by the loader is refused with a line of the log.
void results_open(const struct bootinfo *info, remains_clean *clean);

// Where a VM stands: its accounts, and the last records of its trace.
void results_seen(const struct vm *vm, const char *row);

#endif
