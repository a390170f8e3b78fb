// SPDX-License-Identifier: MIT
// Which barriers this processor needs: see barrier_plan.h. Two directions, and the way sideways:
//
// In: the guest may read by MDS, TAA, RFDS, TSA, or stale data of the fill buffers what the buffers hold of the
// monitor's work, by L1TF what the first cache holds. A CPU that has one of these says so: it offers the remedy, and
// does not say that it has no need of it.
//
// Out: branches that the guest has trained may be what the monitor's are predicted by. A CPU that keeps them apart by
// itself is told to, once (enhanced IBRS, automatic IBRS). Where it does not, or not the branch history (BHI) or the
// stack of returns (SRSO), all predictions are dropped at each exit.
//
// Sideways: what is done once for each VM costs little, so it is all that the CPU offers.
#include "arch/x86_64/barrier_plan.h"
#include "vmm/base/format.h"

#define EBX7_RTM           (1u << 11)
#define EDX7_MD_CLEAR      (1u << 10)
#define EDX7_IBRS_IBPB     (1u << 26)
#define EDX7_L1D_FLUSH     (1u << 28)
#define EDX72_BHI_CTRL     (1u << 4)
#define EBX88_IBPB         (1u << 12)
#define EAX821_VERW_CLEAR  (1u << 5)
#define EAX821_AUTO_IBRS   (1u << 8)
#define EAX821_SRSO_NO     (1u << 29)
#define ECX821_TSA_NO      (3u << 1) // store queue, first cache

#define CAP_RDCL_NO        (UINT64_C(1) << 0)
#define CAP_IBRS_ALL       (UINT64_C(1) << 1)
#define CAP_SKIP_L1D_FLUSH (UINT64_C(1) << 3)
#define CAP_MDS_NO         (UINT64_C(1) << 5)
#define CAP_TAA_NO         (UINT64_C(1) << 8)
#define CAP_STALE_NO       (UINT64_C(7) << 13) // SBDR and SSDP, FBSDP, PSDP
#define CAP_FB_CLEAR       (UINT64_C(1) << 17)
#define CAP_BHI_NO         (UINT64_C(1) << 20)
#define CAP_PBRSB_NO       (UINT64_C(1) << 24)
#define CAP_RFDS_NO        (UINT64_C(1) << 27)
#define CAP_RFDS_CLEAR     (UINT64_C(1) << 28)

static bool verw_clears(const struct barrier_facts *f)
{
    return f->svm ? (f->leaf821_eax & EAX821_VERW_CLEAR) != 0
                  : (f->leaf7_edx & EDX7_MD_CLEAR) != 0 ||
                        (f->arch_capabilities & (CAP_FB_CLEAR | CAP_RFDS_CLEAR)) != 0;
}

static bool buffers_leak(const struct barrier_facts *f)
{
    uint64_t cap = f->arch_capabilities;
    if (f->svm)
        return (f->leaf821_ecx & ECX821_TSA_NO) != ECX821_TSA_NO;
    bool mds = (cap & CAP_MDS_NO) == 0, taa = (f->leaf7_ebx & EBX7_RTM) != 0 && (cap & CAP_TAA_NO) == 0;
    return ((f->leaf7_edx & EDX7_MD_CLEAR) != 0 && (mds || taa)) ||
           ((cap & CAP_FB_CLEAR) != 0 && (cap & CAP_STALE_NO) != CAP_STALE_NO) ||
           (cap & (CAP_RFDS_CLEAR | CAP_RFDS_NO)) == CAP_RFDS_CLEAR;
}

static bool cache_leaks(const struct barrier_facts *f)
{
    return !f->svm && (f->arch_capabilities & (CAP_RDCL_NO | CAP_SKIP_L1D_FLUSH)) == 0;
}

// The processor keeps the guest's branches from the monitor's by itself, with what is on for good.
static bool branches_kept_apart(const struct barrier_facts *f, unsigned always)
{
    if (f->svm)
        return always != 0 && (f->leaf821_eax & EAX821_SRSO_NO) != 0;
    return always != 0 && ((always & BARRIER_BHI_DIS_S) != 0 || (f->arch_capabilities & CAP_BHI_NO) != 0);
}

static unsigned on_for_good(const struct barrier_facts *f)
{
    if (f->svm)
        return (f->leaf821_eax & EAX821_AUTO_IBRS) != 0 ? BARRIER_AUTO_IBRS : 0;
    if ((f->arch_capabilities & CAP_IBRS_ALL) == 0 || (f->leaf7_edx & EDX7_IBRS_IBPB) == 0)
        return 0;
    return BARRIER_IBRS | ((f->leaf7_2_edx & EDX72_BHI_CTRL) != 0 ? BARRIER_BHI_DIS_S : 0);
}

struct barrier_plan barrier_plan(const struct barrier_facts *f)
{
    bool ibpb = f->svm ? (f->leaf88_ebx & EBX88_IBPB) != 0 : (f->leaf7_edx & EDX7_IBRS_IBPB) != 0;
    unsigned offered = BARRIER_RETURNS | (verw_clears(f) ? BARRIER_BUFFERS : 0) | (ibpb ? BARRIER_BRANCHES : 0) |
                       ((f->leaf7_edx & EDX7_L1D_FLUSH) != 0 ? BARRIER_L1D : 0);
    unsigned leaks = (buffers_leak(f) ? BARRIER_BUFFERS : 0) | (cache_leaks(f) ? BARRIER_L1D : 0);
    unsigned always = on_for_good(f), exit = 0;
    if (!branches_kept_apart(f, always))
        exit = ibpb ? BARRIER_RETURNS | BARRIER_BRANCHES : 0;
    else if (!f->svm && (f->arch_capabilities & CAP_PBRSB_NO) == 0)
        exit = BARRIER_RETURNS;
    return (struct barrier_plan){ (uint8_t)always, (uint8_t)(offered & leaks), (uint8_t)exit, (uint8_t)offered };
}

void barrier_plan_text(const struct barrier_plan *plan, char text[BARRIER_TEXT_SIZE])
{
    static const char *const when[] = { "always", ", at each entry", ", at each exit", ", between VMs" };
    static const char *const names[] = { "VERW", "L1D", "returns", "IBPB", "IBRS", "BHI_DIS_S", "AutoIBRS" };
    const uint8_t parts[] = { plan->always, plan->entry, plan->exit, plan->between };
    size_t length = 0;
    for (unsigned i = 0; i < sizeof(parts); i++) {
        length += format(text + length, BARRIER_TEXT_SIZE - length, "%s%s", when[i], parts[i] == 0 ? " nothing" : "");
        for (unsigned n = 0; parts[i] >> n != 0; n++)
            if ((parts[i] >> n & 1) != 0)
                length += format(text + length, BARRIER_TEXT_SIZE - length, " %s", names[n]);
    }
}
