// SPDX-License-Identifier: MIT
// Which barriers this processor needs: see barrier_plan.h.
#include "arch/arm64/barrier_plan.h"

#define NEEDED     0
#define NOT_NEEDED 1

struct barrier_plan barrier_plan(const struct barrier_facts *f)
{
    bool branches = f->csv2 < 1 && f->workaround_1 != NOT_NEEDED && f->workaround_3 != NOT_NEEDED;
    bool history = f->csv2 < 3 && f->ecbhb == 0 && f->workaround_3 != NOT_NEEDED;
    struct barrier_plan plan = { 0 };
    if ((branches || history) && f->workaround_3 == NEEDED)
        plan.call = SMCCC_WORKAROUND_3; // does what the other one does, too
    else if (branches && f->workaround_1 == NEEDED)
        plan.call = SMCCC_WORKAROUND_1;
    plan.clears_history = history && plan.call != SMCCC_WORKAROUND_3 && f->clrbhb != 0;
    plan.open = (branches && plan.call == 0) ||
                (history && plan.call != SMCCC_WORKAROUND_3 && !plan.clears_history);
    return plan;
}
