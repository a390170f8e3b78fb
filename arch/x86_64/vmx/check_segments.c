// SPDX-License-Identifier: MIT
// The rules a VMCS must keep for VM entry, third part: the guest's segment registers (SDM 3C 26.3.1.2).
#include "arch/x86_64/vmx/check.h"

enum { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS };

struct segment {
    uint32_t selector, limit, rights;
    uint64_t base;
    unsigned type, dpl, rpl;
    bool usable;
};

#define NAMES(s)                                                                                                       \
    {                                                                                                                  \
        "GUEST_" s "_SELECTOR", "GUEST_" s "_BASE", "GUEST_" s "_LIMIT", "GUEST_" s "_RIGHTS"                          \
    }
static const struct names {
    const char *selector, *base, *limit, *rights;
} names[SEGMENTS] = { NAMES("ES"), NAMES("CS"), NAMES("SS"),   NAMES("DS"),
                      NAMES("FS"), NAMES("GS"), NAMES("LDTR"), NAMES("TR") };

#define SELECTOR(n) VMCS_GUEST_ES_SELECTOR + 2 * (n), names[n].selector
#define BASE(n)     VMCS_GUEST_ES_BASE + 2 * (n), names[n].base
#define LIMIT(n)    VMCS_GUEST_ES_LIMIT + 2 * (n), names[n].limit
#define RIGHTS(n)   VMCS_GUEST_ES_RIGHTS + 2 * (n), names[n].rights

static struct segment segment(const struct vmx_walk *w, unsigned n)
{
    uint32_t rights = (uint32_t)vmx_walk_read(w, VMCS_GUEST_ES_RIGHTS + 2 * n);
    uint32_t selector = (uint32_t)vmx_walk_read(w, VMCS_GUEST_ES_SELECTOR + 2 * n);
    return (struct segment){
        .selector = selector,
        .limit = (uint32_t)vmx_walk_read(w, VMCS_GUEST_ES_LIMIT + 2 * n),
        .rights = rights,
        .base = vmx_walk_read(w, VMCS_GUEST_ES_BASE + 2 * n),
        .type = rights & RIGHTS_TYPE,
        .dpl = rights >> RIGHTS_DPL_SHIFT & 3,
        .rpl = selector & 3,
        .usable = !(rights & RIGHTS_UNUSABLE),
    };
}

static void check_virtual_8086(struct vmx_walk *w, const struct segment *s)
{
    for (unsigned n = ES; n <= GS; n++) {
        vmx_rule(w, s[n].base == s[n].selector << 4, BASE(n), "must be the selector * 16 in virtual-8086 mode");
        vmx_rule(w, s[n].limit == 0xffff, LIMIT(n), "must be FFFFh in virtual-8086 mode");
        vmx_rule(w, s[n].rights == 0xf3, RIGHTS(n), "must be F3h in virtual-8086 mode");
    }
}

// What holds for every segment that is usable, of either kind.
static void check_any(struct vmx_walk *w, const struct segment *s, unsigned n, bool code_or_data)
{
    bool is_code_or_data = s->rights & RIGHTS_CODE_DATA, granular = s->rights & RIGHTS_GRANULAR;
    vmx_rule(w, is_code_or_data == code_or_data, RIGHTS(n),
             code_or_data ? "S must be 1: code or data" : "S must be 0: a system segment");
    vmx_rule(w, s->rights & RIGHTS_PRESENT, RIGHTS(n), "P must be 1");
    vmx_rule_bits(w, s->rights & UINT32_C(0xfffe0f00), RIGHTS(n), "reserved bits must be 0");
    vmx_rule(w, !granular || (s->limit & 0xfff) == 0xfff, LIMIT(n), "bits 11:0 must be 1 while G is 1");
    vmx_rule(w, granular || s->limit >> 20 == 0, LIMIT(n), "bits 31:20 must be 0 while G is 0");
}

static void check_code(struct vmx_walk *w, const struct segment *cs, const struct segment *ss)
{
    bool data = cs->type == 3, plain = cs->type == 9 || cs->type == 11, conforming = cs->type == 13 || cs->type == 15;
    vmx_rule(w, plain || conforming || (data && w->unrestricted), RIGHTS(CS),
             "type must be accessed code, or 3 in an unrestricted guest");
    vmx_rule(w, !data || cs->dpl == 0, RIGHTS(CS), "DPL must be 0 while the type is 3");
    vmx_rule(w, !plain || cs->dpl == ss->dpl, RIGHTS(CS), "DPL must be that of SS: not conforming");
    vmx_rule(w, !conforming || cs->dpl <= ss->dpl, RIGHTS(CS), "DPL must not exceed that of SS: conforming");
    vmx_rule_bits(w, cs->base >> 32 << 32, BASE(CS), "bits 63:32 must be 0");
    vmx_rule(w, !w->long_mode || !(cs->rights & RIGHTS_LONG) || !(cs->rights & RIGHTS_BIG), RIGHTS(CS),
             "D must be 0 in 64-bit code");
    check_any(w, cs, CS, true);
}

static void check_stack(struct vmx_walk *w, const struct segment *ss, const struct segment *cs)
{
    vmx_rule(w, w->unrestricted || ss->rpl == cs->rpl, SELECTOR(SS), "RPL must be that of CS");
    vmx_rule(w, w->unrestricted || ss->dpl == ss->rpl, RIGHTS(SS), "DPL must be the selector's RPL");
    vmx_rule(w, ss->dpl == 0 || (cs->type != 3 && !w->real_mode), RIGHTS(SS),
             "DPL must be 0 while CS has type 3 or CR0.PE is 0");
    if (ss->usable) {
        vmx_rule(w, ss->type == 3 || ss->type == 7, RIGHTS(SS), "type must be 3 or 7: writable data, accessed");
        vmx_rule_bits(w, ss->base >> 32 << 32, BASE(SS), "bits 63:32 must be 0");
        check_any(w, ss, SS, true);
    }
}

static void check_data(struct vmx_walk *w, const struct segment *s, unsigned n)
{
    if (n == FS || n == GS)
        vmx_rule_canonical(w, BASE(n));
    if (!s->usable)
        return;
    vmx_rule(w, s->type & 1, RIGHTS(n), "type must be accessed");
    vmx_rule(w, !(s->type & 8) || s->type & 2, RIGHTS(n), "type must be readable");
    vmx_rule(w, w->unrestricted || s->type > 11 || s->dpl >= s->rpl, RIGHTS(n),
             "DPL must not be below the selector's RPL");
    if (n == ES || n == DS)
        vmx_rule_bits(w, s->base >> 32 << 32, BASE(n), "bits 63:32 must be 0");
    check_any(w, s, n, true);
}

static void check_system(struct vmx_walk *w, const struct segment *tr, const struct segment *ldtr)
{
    vmx_rule(w, !(tr->selector & 4), SELECTOR(TR), "TI must be 0");
    vmx_rule_canonical(w, BASE(TR));
    vmx_rule(w, tr->usable, RIGHTS(TR), "must be usable");
    vmx_rule(w, tr->type == 11 || (tr->type == 3 && !w->long_mode), RIGHTS(TR),
             "type must be 11, a busy TSS; or 3, a 16-bit one, outside IA-32e mode");
    check_any(w, tr, TR, false);
    if (ldtr->usable) {
        vmx_rule(w, !(ldtr->selector & 4), SELECTOR(LDTR), "TI must be 0");
        vmx_rule_canonical(w, BASE(LDTR));
        vmx_rule(w, ldtr->type == 2, RIGHTS(LDTR), "type must be 2: LDT");
        check_any(w, ldtr, LDTR, false);
    }
}

void vmx_check_segments(struct vmx_walk *w)
{
    struct segment s[SEGMENTS];
    for (unsigned n = 0; n < SEGMENTS; n++)
        s[n] = segment(w, n);
    if (w->virtual_8086) {
        check_virtual_8086(w, s);
    } else {
        check_code(w, &s[CS], &s[SS]);
        check_stack(w, &s[SS], &s[CS]);
        check_data(w, &s[DS], DS);
        check_data(w, &s[ES], ES);
        check_data(w, &s[FS], FS);
        check_data(w, &s[GS], GS);
    }
    check_system(w, &s[TR], &s[LDTR]);
}
