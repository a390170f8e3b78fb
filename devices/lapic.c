// SPDX-License-Identifier: MIT
// The local APIC's core: reset, IA32_APIC_BASE, which interrupt is next, its acceptance and its end, errors, LINT pins.
// Registers are in lapic_regs.c, outgoing messages in lapic_ipi.c, incoming ones in lapic_message.c, the timer in
// lapic_timer.c.
#include "devices/lapic_regs.h"

#define APIC_BASE_DEFAULT UINT64_C(0xfee00000)

static bool vector_set_has(const struct vector_set *set, unsigned vector)
{
    return (set->word[vector >> 5] >> (vector & 31)) & 1;
}

static void vector_set_add(struct vector_set *set, unsigned vector)
{
    set->word[vector >> 5] |= 1u << (vector & 31);
    set->nonzero |= 1u << (vector >> 5);
}

static void vector_set_remove(struct vector_set *set, unsigned vector)
{
    set->word[vector >> 5] &= ~(1u << (vector & 31));
    if (set->word[vector >> 5] == 0)
        set->nonzero &= ~(1u << (vector >> 5));
}

unsigned vector_set_highest(const struct vector_set *set)
{
    unsigned word = 31u ^ (unsigned)__builtin_clz(set->nonzero); // xor, not minus: one BSR is left of it
    return word * 32 | (31u ^ (unsigned)__builtin_clz(set->word[word]));
}

bool lapic_vector_waiting(const struct lapic *lapic, unsigned vector)
{
    return vector < 16 ? (lapic->errors & ESR_RECEIVE_ILLEGAL_VECTOR) != 0 : vector_set_has(&lapic->irr, vector);
}

// SDM 3A 11.4.7.1: every LVT is masked, the APIC is off by software, SVR is FFh, the DFR is all ones. Where the page
// is, the ID and the levels of the pins are not the registers' and stay. What this APIC hears may be less than before.
void lapic_reset(struct lapic *lapic)
{
    struct lapic old = *lapic;
    *lapic = (struct lapic){
        .base = old.base,
        .id = old.id,
        .eois = old.eois,
        .ipis = old.ipis,
        .ipis_to_nobody = old.ipis_to_nobody,
        .lint_levels = old.lint_levels,
        .rerouted = true,
        .dfr = UINT32_MAX,
        .svr = 0xff,
    };
    for (unsigned i = 0; i < LVT_COUNT; i++)
        lapic->lvt[i] = LAPIC_LVT_MASKED;
    lapic_timer_reset(&lapic->timer);
}

// 11.4.4: on after power-up, in xAPIC mode, at the usual address.
void lapic_init(struct lapic *lapic, uint32_t apic_id, bool bootstrap)
{
    *lapic = (struct lapic){ .id = apic_id };
    lapic->base = APIC_BASE_DEFAULT | APIC_BASE_EN | (bootstrap ? APIC_BASE_BSP : 0);
    lapic_reset(lapic);
}

void lapic_virtual_wire(struct lapic *lapic)
{
    lapic->svr = SVR_ENABLE | 0x0f;
    lapic->lvt[LVT_LINT0] = DELIVERY_EXTINT << DELIVERY_SHIFT;
    lapic->lvt[LVT_LINT1] = DELIVERY_NMI << DELIVERY_SHIFT;
}

uint64_t lapic_base_read(const struct lapic *lapic)
{
    return lapic->base;
}
uint64_t lapic_mmio_base(const struct lapic *lapic)
{
    return lapic->base & APIC_BASE_ADDR;
}

// In x2APIC mode the registers are MSRs alone, and the page is ordinary address space (11.12.2).
bool lapic_mmio_enabled(const struct lapic *lapic)
{
    return (lapic->base & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EN;
}

// 11.12.5: what the mode may become depends on what it is; each refusal is an arrow that figure 11-27 has not got. A
// write that keeps the mode can still move the page.
bool lapic_base_write(struct lapic *lapic, uint64_t value)
{
    const uint64_t mode_bits = APIC_BASE_EN | APIC_BASE_EXTD;
    if (value & ~(APIC_BASE_ADDR | APIC_BASE_BSP | mode_bits))
        return false;

    uint64_t from = lapic->base & mode_bits, to = value & mode_bits;
    if (to == APIC_BASE_EXTD)
        return false; // x2APIC without the APIC is no state
    if (from == 0 && to == mode_bits)
        return false; // out of disabled only by way of xAPIC
    if (from == mode_bits && to == APIC_BASE_EN)
        return false; // out of x2APIC only by way of disabled
    lapic->base = value;
    if (from == to)
        return true;
    lapic->rerouted = true;

    // 11.4.3: what was in the registers is lost with the APIC.
    if (to == 0)
        lapic_reset(lapic);
    else if (to == mode_bits)
        lapic->icr_low = lapic->icr_high = 0; // the two registers become one of another shape
    return true;
}

uint64_t lapic_deadline_read(const struct lapic *lapic)
{
    return lapic->timer.deadline_tsc;
}

void lapic_deadline_write(struct lapic *lapic, uint64_t guest_tsc, uint64_t tsc_adjust, vtime_t now)
{
    lapic_timer_write_deadline(&lapic->timer, guest_tsc, tsc_adjust, now);
}

void lapic_tsc_moved(struct lapic *lapic, uint64_t tsc_adjust, vtime_t now)
{
    lapic_timer_tsc_moved(&lapic->timer, tsc_adjust, now);
}

uint64_t lapic_take_timer_expiries(struct lapic *lapic)
{
    uint64_t expired = lapic->timer.expired;
    lapic->timer.expired = lapic->timer.stale = 0;
    return expired;
}

// Expiries from before the guest's last write of the timer stand apart: they are ticks of a programming that is over,
// and no policy may keep them for the new one.
bool lapic_take_timer_restart(struct lapic *lapic, uint64_t *stale)
{
    bool restarted = lapic->timer.restarted != 0;
    *stale = lapic->timer.stale;
    lapic->timer.expired -= *stale;
    lapic->timer.restarted = 0;
    lapic->timer.stale = 0;
    return restarted;
}

// One tick can wait in the IRR while another is in service; a further one would be lost in the same bit (11.8.4). So
// whoever delivers ticks asks first whether there is room.
bool lapic_timer_waiting(const struct lapic *lapic)
{
    return lapic_vector_waiting(lapic, lapic->timer.lvt & 0xff);
}

bool lapic_timer_vector_free(const struct lapic *lapic)
{
    return !(lapic->timer.lvt & LAPIC_LVT_MASKED) && !lapic_timer_waiting(lapic);
}

// The guest may have masked the LVTT since the tick was counted.
void lapic_timer_deliver(struct lapic *lapic)
{
    if (!(lapic->timer.lvt & LAPIC_LVT_MASKED))
        lapic_raise(lapic, lapic->timer.lvt & 0xff, false);
}

// SDM 3A 11.8.3.1: the higher class of TPR and the interrupt in service.
uint32_t lapic_ppr(const struct lapic *lapic)
{
    // The sub-class is the TPR's where its class is at least as high; where both are the same the manual lets the CPU
    // choose between that and 0.
    uint32_t in_service = lapic->isr.nonzero ? vector_set_highest(&lapic->isr) & 0xf0 : 0;
    return (lapic->tpr & 0xf0) >= in_service ? lapic->tpr : in_service;
}

// Whole classes of sixteen are compared: a vector of the class that is in service waits, too.
bool lapic_lets_in(const struct lapic *lapic, unsigned vector)
{
    return (vector & 0xf0) > (lapic_ppr(lapic) & 0xf0);
}

// 11.4.7.2: what is pending when the APIC is disabled by software is held, not lost.
int lapic_pending_vector(const struct lapic *lapic)
{
    if (lapic->irr.nonzero == 0 || !lapic_software_enabled(lapic))
        return -1;
    unsigned vector = vector_set_highest(&lapic->irr);
    return lapic_lets_in(lapic, vector) ? (int)vector : -1;
}

// 11.8.4: the CPU takes the highest request, which goes from IRR to ISR. Its bit in the TMR stays, for the EOI.
void lapic_accept(struct lapic *lapic, unsigned vector)
{
    HOT_INVARIANT(vector < 256 && vector_set_has(&lapic->irr, vector));
    vector_set_remove(&lapic->irr, vector);
    vector_set_add(&lapic->isr, vector);
}

// 11.8.5: an EOI names nobody. It ends the highest interrupt in service, whichever the handler meant, and nothing where
// none is. Of a level-triggered one the IOAPICs hear, because their pin keeps Remote IRR until then.
void lapic_end_of_interrupt(struct lapic *lapic)
{
    lapic->eois++;
    if (lapic->isr.nonzero == 0)
        return;
    unsigned vector = vector_set_highest(&lapic->isr);
    vector_set_remove(&lapic->isr, vector);
    if ((lapic->tmr[vector >> 5] >> (vector & 31)) & 1)
        vector_set_add(&lapic->ended, vector);
}

// One after the other, for the IOAPICs: several can have ended since the last look.
bool lapic_take_eoi(struct lapic *lapic, uint8_t *vector)
{
    if (lapic->ended.nonzero == 0)
        return false;
    *vector = (uint8_t)vector_set_highest(&lapic->ended);
    vector_set_remove(&lapic->ended, *vector);
    return true;
}

// 11.8.4: the TMR says how the request came that is in the IRR now; of two with one vector the later one decides.
static void request(struct lapic *lapic, unsigned vector, bool level)
{
    uint32_t bit = 1u << (vector & 31);
    vector_set_add(&lapic->irr, vector);
    if (level)
        lapic->tmr[vector >> 5] |= bit;
    else
        lapic->tmr[vector >> 5] &= ~bit;
}

// 11.5.2: vectors 0 to 15 are illegal. Of such a message the ESR keeps a bit, and the CPU sees nothing.
void lapic_raise(struct lapic *lapic, unsigned vector, bool level)
{
    HOT_INVARIANT(vector < 256);
    if (!lapic_software_enabled(lapic))
        return;
    if (vector < 16)
        lapic_log_error(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
    else
        request(lapic, vector, level);
}

// SDM 3A 11.5.3: the first error after an ESR write raises the error interrupt, later ones only set their bit.
void lapic_log_error(struct lapic *lapic, uint32_t esr_bits)
{
    bool armed = lapic->errors == 0;
    uint32_t lvt = lapic->lvt[LVT_ERROR];
    lapic->errors |= esr_bits;
    if (!armed || (lvt & LAPIC_LVT_MASKED))
        return;
    if ((lvt & 0xff) < 16)
        // an error interrupt that is itself an error ends here
        lapic->errors |= ESR_RECEIVE_ILLEGAL_VECTOR;
    else
        request(lapic, lvt & 0xff, false);
}

// 11.4.3: with the APIC globally disabled the 8259 is wired to the CPU's INTR pin. Disabling by software needs no look
// here: it masks LINT0, as every LVT (11.4.7.2).
bool lapic_accepts_extint(const struct lapic *lapic)
{
    if (!(lapic->base & APIC_BASE_EN))
        return true;
    uint32_t lvt = lapic->lvt[LVT_LINT0];
    return !(lvt & LAPIC_LVT_MASKED) && delivery_of(lvt) == DELIVERY_EXTINT;
}

// With the APIC globally disabled LINT0 is the CPU's INTR pin and LINT1 its NMI pin (SDM 3A 11.4.3).
bool lapic_lint_message(const struct lapic *lapic, unsigned n, struct apic_message *message)
{
    bool disabled = !(lapic->base & APIC_BASE_EN);
    uint32_t lvt = lapic->lvt[LVT_LINT0 + n];
    *message = (struct apic_message){ .vector = (uint8_t)lvt, .delivery = (uint8_t)delivery_of(lvt) };
    if (disabled)
        message->delivery = n == 0 ? DELIVERY_EXTINT : DELIVERY_NMI;
    return (disabled || !(lvt & LAPIC_LVT_MASKED)) &&
           (message->delivery == DELIVERY_NMI || message->delivery == DELIVERY_FIXED);
}

// The level is kept while the LVT is masked, too: a line that was up all the time makes no edge when it is unmasked.
void lapic_lint_follow(struct lapic *lapic, unsigned n, bool level)
{
    uint8_t bit = (uint8_t)(1u << n);
    lapic->lint_levels = (uint8_t)(level ? lapic->lint_levels | bit : lapic->lint_levels & ~bit);
}

void lapic_lint(struct lapic *lapic, unsigned n, bool level)
{
    struct apic_message message;
    bool rises = level && !(lapic->lint_levels >> n & 1);
    lapic_lint_follow(lapic, n, level);
    if (!rises || !lapic_lint_message(lapic, n, &message))
        return;
    if (message.delivery == DELIVERY_NMI)
        lapic->direct |= LAPIC_DIRECT_NMI;
    else
        lapic_raise(lapic, message.vector, false);
}

// NMI and ExtINT have no vector in the IRR: they go past the priorities, straight to the CPU (11.5.1).
static bool take_direct(struct lapic *lapic, uint8_t which)
{
    bool pending = lapic->direct & which;
    lapic->direct &= (uint8_t)~which;
    return pending;
}

bool lapic_take_nmi(struct lapic *lapic)
{
    return take_direct(lapic, LAPIC_DIRECT_NMI);
}

bool lapic_take_extint(struct lapic *lapic)
{
    return take_direct(lapic, LAPIC_DIRECT_EXTINT);
}

// Asked after each access: does the board have to look at every line anew?
bool lapic_take_rerouted(struct lapic *lapic)
{
    bool rerouted = lapic->rerouted;
    lapic->rerouted = false;
    return rerouted;
}

uint8_t lapic_tpr(const struct lapic *lapic)
{
    return (uint8_t)lapic->tpr;
}
// CR8 is bits 7:4 of this register (11.8.6), so a MOV to CR8 comes here, too.
void lapic_set_tpr(struct lapic *lapic, uint8_t tpr)
{
    lapic->tpr = tpr;
}
