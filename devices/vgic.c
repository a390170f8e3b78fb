// SPDX-License-Identifier: MIT
// The GIC's core: the state of each interrupt, which of them is to be signalled (IHI 0069, 4.1.2), the way into a list
// register and back. Registers are in vgic_regs.c, vgicd.c and vgicr.c. Called by the bus through those, by the machine
// for lines and SGIs, by the architecture for list registers.
#include "devices/vgic_regs.h"

#define NONE UINT32_MAX

// ICC_SGI1R_EL1, 12.2.22.
#define SGIR_TARGETS     UINT64_C(0x000000000000ffff)
#define SGIR_AFFINITY    UINT64_C(0x00fff0ff00ff0000) // Aff3, range selector, Aff2, Aff1
#define SGIR_ALL_OTHERS  (UINT64_C(1) << 40)
#define SGIR_INTID_SHIFT 24

static unsigned bank_index(unsigned cpu, unsigned intid)
{
    HOT_INVARIANT(cpu < VGIC_CPUS && intid < VGIC_INTIDS);
    return intid < VGIC_FIRST_SPI ? cpu : BANK_SPIS;
}

static struct vgic_bank *bank_of(struct vgic *v, unsigned cpu, unsigned intid)
{
    return &v->bank[bank_index(cpu, intid)];
}

static uint32_t bit_of(unsigned intid)
{
    return UINT32_C(1) << (intid & 31);
}

// IHI 0048, 4.3.7: an edge is pending by its latch, a level by its input or by the latch that a write has set.
static uint32_t pending_of(const struct vgic_bank *bank)
{
    return bank->latch | (bank->level & ~bank->edge);
}

// The banks of one CPU: its own interrupts, 0, and the SPIs, 1.
static unsigned half_of(unsigned intid)
{
    return intid / 32;
}

static const struct vgic_bank *bank_at(const struct vgic *v, unsigned cpu, unsigned half)
{
    return &v->bank[half == 0 ? cpu : BANK_SPIS];
}

// What the distributor may forward to this CPU: pending, enabled, in an enabled group, and sent there.
static uint32_t deliverable_of(const struct vgic *v, unsigned cpu, unsigned half)
{
    return pending_of(bank_at(v, cpu, half)) & v->wanted[cpu][half];
}

// What ought to go into a list register: whatever can be signalled, and what the guest is going to deactivate. And what
// in one is no longer so: an edge has come after the one that is in there, or a level that the guest may not have
// acknowledged has gone.
static void update(struct vgic *v, unsigned cpu, unsigned half)
{
    const struct vgic_bank *bank = bank_at(v, cpu, half);
    uint32_t deliverable = deliverable_of(v, cpu, half);
    uint32_t unlisted = (deliverable | bank->active) & ~bank->listed;
    uint32_t edges = bank->listed & bank->edge & bank->latch & deliverable;
    uint32_t levels = bank->listed_pending & ~bank->edge & ~deliverable;
    v->ready[cpu][half] = unlisted | edges | levels;
}

void vgic_latched(struct vgic *v, unsigned cpu)
{
    update(v, cpu, 0);
}

// An SPI can go to any CPU, so each of them looks.
static void update_intid(struct vgic *v, unsigned cpu, unsigned intid)
{
    if (half_of(intid) == 0)
        update(v, cpu, 0);
    for (unsigned each = 0; half_of(intid) == 1 && each < VGIC_CPUS; each++)
        update(v, each, 1);
}

// GICD_CTLR enables each group as a whole.
static uint32_t in_enabled_groups(const struct vgic *v, const struct vgic_bank *bank)
{
    return (v->control & CONTROL_GROUP0 ? ~bank->group1 : 0) | (v->control & CONTROL_GROUP1 ? bank->group1 : 0);
}

// What the settings let through is kept for each CPU, so that a line that moves costs two words and no search.
void vgic_changed(struct vgic *v)
{
    const struct vgic_bank *spis = &v->bank[BANK_SPIS];
    for (unsigned cpu = 0; cpu < v->cpus; cpu++) {
        const struct vgic_bank *own = &v->bank[cpu];
        v->wanted[cpu][0] = own->enabled & in_enabled_groups(v, own);
        v->wanted[cpu][1] = spis->enabled & in_enabled_groups(v, spis) & v->routed[cpu];
        update(v, cpu, 0);
        update(v, cpu, 1);
    }
}

// Begins with the values as they are. The write that is the reason then changes the next ones, and so do those after
// it.
void vgic_defer(struct vgic_bank *bank, uint32_t bits)
{
    for (uint32_t new = bits & bank->active & ~bank->deferred; new != 0; new &= new - 1) {
        unsigned index = (unsigned)__builtin_ctz(new);
        bank->next_priority[index] = bank->priority[index];
        bank->next_group1 = (bank->next_group1 & ~bit_of(index)) | (bank->group1 & bit_of(index));
        bank->deferred |= bit_of(index);
    }
}

// Called wherever an interrupt stops being active: the new values count from its next time on.
void vgic_defer_no_more(struct vgic_bank *bank)
{
    uint32_t ended = bank->deferred & ~bank->active;
    bank->group1 = (bank->group1 & ~ended) | (bank->next_group1 & ended);
    bank->deferred &= ~ended;
    for (; ended != 0; ended &= ended - 1) {
        unsigned index = (unsigned)__builtin_ctz(ended);
        bank->priority[index] = bank->next_priority[index];
    }
}

// After reset all groups and PPIs are off. SGIs are edges; a GICv2 may have them enabled for good, and this one does, a
// GICv3 has them disabled (GICR_ISENABLER0). Every SPI goes to CPU 0, whose affinity is 0.
void vgic_init(struct vgic *v, unsigned version, unsigned cpus)
{
    HOT_INVARIANT((version == 2 || version == 3) && cpus >= 1 && cpus <= VGIC_CPUS);
    *v = (struct vgic){ .version = version, .cpus = cpus };
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        v->bank[cpu].edge = SGIS;
        v->bank[cpu].enabled = version == 2 ? SGIS : 0;
    }
    v->routed[0] = UINT32_MAX;
}

// A level is looked at where it counts; of an edge-triggered input each rise is latched here.
void vgic_set_line(struct vgic *v, unsigned cpu, unsigned intid, bool level)
{
    HOT_INVARIANT(intid >= VGIC_FIRST_PPI);
    struct vgic_bank *bank = bank_of(v, cpu, intid);
    uint32_t bit = bit_of(intid);
    if (level == ((bank->level & bit) != 0))
        return;
    bank->level ^= bit;
    bank->latch |= bank->level & bank->edge & bit;
    update_intid(v, cpu, intid);
}

void vgic_set_hw(struct vgic *v, unsigned cpu, unsigned intid, unsigned hw_intid)
{
    HOT_INVARIANT(intid >= VGIC_FIRST_PPI && intid < VGIC_FIRST_SPI && hw_intid < 1020);
    bank_of(v, cpu, intid)->hw |= bit_of(intid);
    bank_of(v, cpu, intid)->hw_intid[intid & 31] = (uint16_t)hw_intid;
}

// The affinities here are 0.0.0.n, with one range of 16: whoever names another names nobody.
static void send_sgi(struct vgic *v, unsigned from_cpu, uint64_t value, bool group0_only)
{
    uint32_t bit = UINT32_C(1) << ((value >> SGIR_INTID_SHIFT) & 15);
    for (unsigned cpu = 0; cpu < v->cpus; cpu++) {
        bool meant = value & SGIR_ALL_OTHERS ? cpu != from_cpu
                                             : (value & SGIR_AFFINITY) == 0 && (value & SGIR_TARGETS) >> cpu & 1;
        if (meant && !(group0_only && vgic_group1(&v->bank[cpu]) & bit))
            v->bank[cpu].latch |= bit;
        update(v, cpu, 0);
    }
}

void vgic_sgi(struct vgic *v, unsigned from_cpu, uint64_t icc_sgi1r)
{
    send_sgi(v, from_cpu, icc_sgi1r, false);
}

void vgic_sgi_group0(struct vgic *v, unsigned from_cpu, uint64_t icc_sgi0r)
{
    send_sgi(v, from_cpu, icc_sgi0r, true);
}

// A lower number is a higher priority.
// Of two sets, interrupts of this CPU and SPIs, the one with the highest priority, of those the lowest number; NONE.
static unsigned best_of(const struct vgic *v, unsigned cpu, uint32_t own, uint32_t spis)
{
    unsigned best = NONE, best_priority = NONE;
    for (uint64_t set = own | (uint64_t)spis << 32; set != 0; set &= set - 1) {
        unsigned intid = (unsigned)__builtin_ctzll(set);
        const struct vgic_bank *bank = &v->bank[bank_index(cpu, intid)];
        if (bank->priority[intid & 31] < best_priority) {
            best = intid;
            best_priority = bank->priority[intid & 31];
        }
    }
    return best;
}

// What can be taken next matters most, then what the guest is going to end, then what comes after it.
static unsigned best_to_list(const struct vgic *v, unsigned cpu)
{
    const struct vgic_bank *own = &v->bank[cpu], *spis = &v->bank[BANK_SPIS];
    uint32_t own_set = v->ready[cpu][0] & ~own->listed, spi_set = v->ready[cpu][1] & ~spis->listed;
    uint64_t set = own_set | (uint64_t)spi_set << 32;
    if ((set & (set - 1)) == 0) // mostly
        return set == 0 ? NONE : (unsigned)__builtin_ctzll(set);
    unsigned pending = best_of(v, cpu, own_set & ~own->active, spi_set & ~spis->active);
    if (pending != NONE && !(own->listed_pending | spis->listed_pending))
        return pending;
    unsigned active = best_of(v, cpu, own_set & own->active, spi_set & spis->active);
    return active != NONE ? active : pending;
}

// Lends an interrupt to a list register. From here on the CPU interface alone knows what the guest does with it, so
// what is written here is what the guest will find there.
int vgic_take(struct vgic *v, unsigned cpu, struct vgic_lr *out)
{
    unsigned intid = best_to_list(v, cpu);
    if (intid == NONE)
        return -1;
    struct vgic_bank *bank = bank_of(v, cpu, intid);
    uint32_t bit = bit_of(intid);
    // A level that is high while its interrupt is active is looked at again at the end; an edge waits in there, unless
    // it will come with another group or priority.
    uint32_t stays = bank->edge & ~bank->deferred, held = bank->active & ~stays;
    bool apart = !(stays & bit), active = bank->active & bit;
    bool pending = pending_of(bank) & v->wanted[cpu][half_of(intid)] & ~held & bit;
    out->intid = intid;
    out->hw_intid = bank->hw_intid[intid & 31];
    out->priority = bank->priority[intid & 31];
    out->source_cpu = 0;
    out->group1 = bank->group1 & bit;
    out->pending = pending;
    out->active = active;
    // Such an end is told by a maintenance interrupt. Of a hardware interrupt the CPU deactivates the physical one, and
    // whoever drives the line says anew what it is.
    out->tell_end = apart && !(bank->hw & bit);
    out->hw = bank->hw & bit;
    bank->listed |= bit;
    // a level in there that falls before it is acknowledged is taken out again: update()
    if (pending && !active)
        bank->listed_pending |= bit;
    // the edge is in there now; a level's latch ends with the acknowledgement: vgic_put_back()
    if (pending && !apart)
        bank->latch &= ~bit;
    v->ready[cpu][half_of(intid)] &= ~bit;
    return (int)intid;
}

void vgic_settle(struct vgic *v, unsigned cpu)
{
    v->ready[cpu][0] = v->ready[cpu][1] = 0;
}

// What is active and in no list register is ended all the same: the CPU counts it (EOIcount), or says its number.
bool vgic_left_active(const struct vgic *v, unsigned cpu)
{
    const struct vgic_bank *own = &v->bank[cpu], *spis = &v->bank[BANK_SPIS];
    return (own->active & ~own->listed) | (spis->active & ~spis->listed);
}

bool vgic_left_pending(const struct vgic *v, unsigned cpu)
{
    const struct vgic_bank *own = &v->bank[cpu], *spis = &v->bank[BANK_SPIS];
    return (deliverable_of(v, cpu, 0) & ~own->active & ~own->listed) |
           (deliverable_of(v, cpu, 1) & ~spis->active & ~spis->listed);
}

// What the hardware has left. Active is as the guest made it; an edge that is still pending in there is pending again
// here.
void vgic_put_back(struct vgic *v, unsigned cpu, const struct vgic_lr *lr)
{
    struct vgic_bank *bank = bank_of(v, cpu, lr->intid);
    uint32_t bit = bit_of(lr->intid);
    HOT_INVARIANT(bank->listed & bit);
    bank->active = lr->active ? bank->active | bit : bank->active & ~bit;
    if (bank->edge & bit)
        bank->latch |= lr->pending ? bit : 0;
    else if (!lr->pending)
        bank->latch &= ~(bank->listed_pending & bit); // acknowledged: IHI 0048, 4.3.7
    bank->listed &= ~bit;
    bank->listed_pending &= ~bit;
    update_intid(v, cpu, lr->intid);
}

__attribute__((noinline, cold)) void vgic_folded_deferred(struct vgic *v, unsigned cpu)
{
    vgic_defer_no_more(&v->bank[cpu]);
    vgic_defer_no_more(&v->bank[BANK_SPIS]);
    v->deferring = v->bank[cpu].deferred | v->bank[BANK_SPIS].deferred;
    vgic_changed(v);
}

// Handlers nest, so that the last one begun ends first, and that is the one with the highest priority.
void vgic_ended_unlisted(struct vgic *v, unsigned cpu, unsigned count)
{
    const struct vgic_bank *own = &v->bank[cpu], *spis = &v->bank[BANK_SPIS];
    for (; count > 0; count--) {
        unsigned intid = best_of(v, cpu, own->active & ~own->listed, spis->active & ~spis->listed);
        if (intid == NONE)
            break;
        bank_of(v, cpu, intid)->active &= ~bit_of(intid);
        vgic_defer_no_more(bank_of(v, cpu, intid));
    }
    vgic_changed(v);
}

// By the guest's write of ICC_DIR or GICC_DIR, with any number in it.
void vgic_deactivate(struct vgic *v, unsigned cpu, uint64_t intid)
{
    if (intid >= VGIC_INTIDS)
        return;
    bank_of(v, cpu, (unsigned)intid)->active &= ~bit_of((unsigned)intid);
    vgic_defer_no_more(bank_of(v, cpu, (unsigned)intid));
    vgic_changed(v);
}

bool vgic_is_live(const struct vgic *v, unsigned cpu, unsigned intid)
{
    const struct vgic_bank *bank = &v->bank[bank_index(cpu, intid)];
    return (pending_of(bank) | bank->active) & bit_of(intid);
}

// As the CPU interface decides: a lower number is a higher priority, and it has to be below the mask, not at it.
bool vgic_signals(const struct vgic *v, unsigned cpu, uint8_t priority_mask, uint32_t groups)
{
    uint32_t set[2];
    for (unsigned half = 0; half < 2; half++) {
        const struct vgic_bank *bank = bank_at(v, cpu, half);
        uint32_t enabled = (groups & 1 ? ~bank->group1 : 0) | (groups & 2 ? bank->group1 : 0);
        set[half] = deliverable_of(v, cpu, half) & enabled & ~bank->active & ~bank->listed;
    }
    unsigned best = best_of(v, cpu, set[0], set[1]);
    return best != NONE && bank_at(v, cpu, half_of(best))->priority[best & 31] < priority_mask;
}
