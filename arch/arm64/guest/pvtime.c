// SPDX-License-Identifier: MIT
// The page of stolen time (Arm DEN0057A; layout and arithmetic are time/stolen_time.c). It is the monitor's memory,
// mapped read-only, so that a guest can neither forge it nor have anything written by naming an address.
#include "arch/arm64/guest/pvtime.h"

#include "arch/arm64/guest/smccc.h"
#include "arch/arm64/host/cache.h"
#include "vmm/base/alloc.h"

bool pvtime_init(struct pvtime *pvtime)
{
    *pvtime = (struct pvtime){ .page = alloc_clear_page() }; // revision 0, attributes 0, nothing stolen
    if (pvtime->page.value == 0)
        return false;
    cache_to_memory((void *)pvtime->page.value, PAGE_SIZE);
    return true;
}

void pvtime_free(struct pvtime *pvtime)
{
    if (pvtime->page.value != 0)
        free_pages(pvtime->page, 1);
    pvtime->page.value = 0;
}

uint64_t pvtime_features(uint32_t call)
{
    return call == PV_TIME_FEATURES || call == PV_TIME_ST ? SMCCC_SUCCESS : SMCCC_NOT_SUPPORTED;
}

uint64_t pvtime_stolen_ipa(struct vcpu *vcpu, struct pvtime *pvtime)
{
    stolen_time_wanted(&pvtime->stolen, vcpu->ledger.total[ACCOUNT_STOLEN]);
    return PVTIME_IPA;
}

void pvtime_publish(struct vcpu *vcpu, struct pvtime *pvtime)
{
    struct stolen_page *page = (struct stolen_page *)pvtime->page.value;
    stolen_time_write(&pvtime->stolen, page, vcpu->ledger.total[ACCOUNT_STOLEN], arch_counter_hz());
    cache_to_memory(page, sizeof(*page));
}
