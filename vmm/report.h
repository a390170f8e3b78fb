// SPDX-License-Identifier: MIT
// What there is to say of one VM.
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include "vmm/show/report.h"
#include "vmm/vm.h"

// What a report is made from, with everything counted up to now.
void vm_report_input(struct vm *vm, struct report_input *out);

#endif
