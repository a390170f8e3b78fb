// SPDX-License-Identifier: MIT
// The life of a VM: from its configuration and images to its end, its report and its status.
#ifndef VMM_LIFE_H
#define VMM_LIFE_H

#include "vmm/vm.h"

// What one VM leaves to the runner: a status, and the cycles of the host that its ledger cannot account for (0).
struct vm_result {
    unsigned status;
    int64_t  gap_cycles;
};

// Runs one VM from its images to its end and prints its report.
struct loader_input;
struct vm_result vm_run(const struct vm_config *config, const struct monitor_config *monitor,
                        const struct loader_input *input);

#endif
