// SPDX-License-Identifier: MIT
// The local APIC's register file, seen through the MMIO page (xAPIC) or MSRs 0x800.. (x2APIC), and its device_ops.
// One table says who may touch which register in which mode and which bits exist; two switches hold the effects.
// In xAPIC mode reserved bits are dropped and an unknown register sets the ESR; in x2APIC mode both are #GP.
#include "devices/lapic_regs.h"

// Who may: X xAPIC, N x2APIC (the "new" one), R read, W write.
enum { XR = 1, XW = 2, NR = 4, NW = 8, R_ = XR | NR, W_ = XW | NW, RW = R_ | W_ };

struct rule {
    uint8_t may;
    uint32_t bits; // that a write may set; read-only bits a write may carry are removed by the register itself
};

#define RULE(offset, ...)  [(offset) >> 4] = { __VA_ARGS__ }
#define RULE8(offset, ...) [(offset) >> 4 ...((offset) >> 4) + 7] = { __VA_ARGS__ }

#define LVT_STATUS         0x1000u // delivery status, read-only: sending takes no time here
#define LVT_REMOTE_IRR     0x4000u // read-only

// SDM 3A table 11-1, and table 11-6 for x2APIC mode: APR, remote read and DFR are not there, the LDR follows from the
// ID and is read-only, ICR is one register of 64 bits, SELF IPI is new. LINT0 and LINT1 alone have a polarity and a
// trigger mode, the timer alone a mode (figure 11-8).
static const struct rule rules[64] = {
    RULE(APIC_ID, R_, 0),
    RULE(APIC_VERSION, R_, 0),
    RULE(APIC_TPR, RW, 0xff),
    RULE(APIC_APR, XR, 0),
    RULE(APIC_PPR, R_, 0),
    RULE(APIC_EOI, W_, 0), // of any value on the page, of 0 alone by the MSR
    RULE(APIC_RRD, XR, 0),
    RULE(APIC_LDR, R_ | XW, 0xff000000),
    RULE(APIC_DFR, XR | XW, 0xf0000000),
    RULE(APIC_SVR, RW, 0x3ff), // with focus processor checking, which decides nothing here
    RULE8(APIC_ISR, R_, 0),
    RULE8(APIC_TMR, R_, 0),
    RULE8(APIC_IRR, R_, 0),
    RULE(APIC_ESR, RW, 0), // a write takes no value: it shows what was logged, and begins a new log
    RULE(APIC_ICR, RW, 0x000ccfff), // without delivery status, which is always idle
    RULE(APIC_ICR_HIGH, XR | XW, 0xff000000),
    RULE(APIC_LVT_TIMER, RW, 0x700ff | LVT_STATUS), // no delivery mode: it is always fixed
    RULE(APIC_LVT_THERMAL, RW, 0x107ff | LVT_STATUS),
    RULE(APIC_LVT_PERF, RW, 0x107ff | LVT_STATUS),
    RULE(APIC_LVT_LINT0, RW, 0x1a7ff | LVT_STATUS | LVT_REMOTE_IRR),
    RULE(APIC_LVT_LINT1, RW, 0x1a7ff | LVT_STATUS | LVT_REMOTE_IRR),
    RULE(APIC_LVT_ERROR, RW, 0x100ff | LVT_STATUS),
    RULE(APIC_TMICT, RW, 0xffffffff),
    RULE(APIC_TMCCT, R_, 0),
    RULE(APIC_TDCR, RW, 0x0b), // bit 2 is 0
    RULE(APIC_SELF_IPI, NW, 0xff),
};

// Arbitration priority of the parts that had one (SDM 3A 11.6.2.4).
static uint32_t arbitration_priority(const struct lapic *lapic)
{
    uint32_t tpr = lapic->tpr & 0xf0;
    uint32_t irr = lapic->irr.nonzero ? vector_set_highest(&lapic->irr) & 0xf0 : 0;
    uint32_t isr = lapic->isr.nonzero ? vector_set_highest(&lapic->isr) & 0xf0 : 0;
    if (tpr >= irr && tpr > isr)
        return lapic->tpr;
    return (tpr & isr) > irr ? tpr & isr : irr;
}

// ISR, TMR and IRR are eight registers each, 16 bytes apart, 32 vectors in each.
static uint32_t read_register(const struct lapic *lapic, uint32_t offset, vtime_t now)
{
    bool x2apic = lapic_in_x2apic(lapic);
    if (offset >= APIC_ISR && offset < APIC_TMR)
        return lapic->isr.word[(offset - APIC_ISR) >> 4];
    if (offset >= APIC_TMR && offset < APIC_IRR)
        return lapic->tmr[(offset - APIC_TMR) >> 4];
    if (offset >= APIC_IRR && offset < APIC_ESR)
        return lapic->irr.word[(offset - APIC_IRR) >> 4];
    if (offset >= APIC_LVT_THERMAL && offset <= APIC_LVT_ERROR)
        return lapic->lvt[(offset - APIC_LVT_THERMAL) >> 4];

    switch (offset) {
    case APIC_ID: return x2apic ? lapic->id : lapic->id << 24;
    // no CMCI, no suppression of EOI broadcasts: software finds it out here (11.4.8)
    case APIC_VERSION: return APIC_VERSION_VALUE;
    case APIC_TPR: return lapic->tpr;
    case APIC_APR: return arbitration_priority(lapic);
    case APIC_PPR: return lapic_ppr(lapic);
    case APIC_LDR: return x2apic ? lapic_x2apic_ldr(lapic->id) : lapic->ldr;
    case APIC_DFR: return lapic->dfr;
    case APIC_SVR: return lapic->svr;
    case APIC_ESR: return lapic->esr;
    case APIC_ICR: return lapic->icr_low;
    case APIC_ICR_HIGH: return lapic->icr_high;
    case APIC_LVT_TIMER: return lapic->timer.lvt;
    case APIC_TMICT: return lapic->timer.initial;
    case APIC_TMCCT: return lapic_timer_current(&lapic->timer, now);
    case APIC_TDCR: return lapic->timer.divide;
    default: return 0; // remote read: nobody ever answered one
    }
}

// SDM 3A 11.4.7.2: a software-disabled APIC masks every LVT, and they stay masked until they are written again.
static void write_svr(struct lapic *lapic, uint32_t value, vtime_t now)
{
    lapic->svr = value;
    lapic->rerouted = true;
    if (lapic_software_enabled(lapic))
        return;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        lapic->lvt[i] |= LAPIC_LVT_MASKED;
    lapic_timer_write_lvt(&lapic->timer, lapic->timer.lvt | LAPIC_LVT_MASKED, now);
}

// Delivery status and Remote IRR are the APIC's to say. While it is disabled by software an LVT that is written stays
// masked (11.4.7.2). LINT0 leads to the 8259: another value may let in what stood there.
static void write_lvt(struct lapic *lapic, uint32_t offset, uint32_t value, vtime_t now)
{
    value &= ~(LVT_STATUS | LVT_REMOTE_IRR);
    if (!lapic_software_enabled(lapic))
        value |= LAPIC_LVT_MASKED;
    if (offset == APIC_LVT_TIMER)
        lapic_timer_write_lvt(&lapic->timer, value, now);
    else
        lapic->lvt[(offset - APIC_LVT_THERMAL) >> 4] = value;
    lapic->rerouted |= offset == APIC_LVT_LINT0;
}

// The ICR's low half is the one that sends (11.6.1); the high half is written before it and does nothing by itself. A
// new LDR or DFR changes which messages are meant for this APIC.
static void write_register(struct lapic *lapic, uint32_t offset, uint32_t value, vtime_t now)
{
    if (offset >= APIC_LVT_TIMER && offset <= APIC_LVT_ERROR) {
        write_lvt(lapic, offset, value, now);
        return;
    }
    switch (offset) {
    case APIC_TPR: lapic->tpr = value; break;
    case APIC_EOI: lapic_end_of_interrupt(lapic); break;
    case APIC_LDR:
        lapic->ldr = value;
        lapic->rerouted = true;
        break;
    case APIC_DFR:
        // the lower bits are all ones for ever (figure 11-14)
        lapic->dfr = value | 0x0fffffff;
        lapic->rerouted = true;
        break;
    case APIC_SVR: write_svr(lapic, value, now); break;
    case APIC_ESR:
        lapic_timer_advance(&lapic->timer, now); // the past is counted before the log is free again
        lapic->esr = lapic->errors;
        lapic->rerouted |= (lapic->errors & ESR_RECEIVE_ILLEGAL_VECTOR) != 0; // the next one is heard again
        lapic->errors = 0;
        break;
    case APIC_ICR:
        lapic->icr_low = value;
        lapic_send_ipi(lapic);
        break;
    case APIC_ICR_HIGH: lapic->icr_high = value; break;
    case APIC_TMICT: lapic_timer_write_initial(&lapic->timer, value, now); break;
    case APIC_TDCR: lapic_timer_write_divide(&lapic->timer, value, now); break;
    case APIC_SELF_IPI: lapic_self_ipi(lapic, (uint8_t)value); break;
    default: break;
    }
}

// 11.12.1.2: an MSR for each 16 bytes of the page. ICR alone has 64 bits.
bool lapic_read_msr(struct lapic *lapic, uint32_t msr, uint64_t *value, vtime_t now)
{
    uint32_t index = msr - 0x800;
    if (!lapic_in_x2apic(lapic) || index >= 64 || !(rules[index].may & NR))
        return false;
    *value = read_register(lapic, index << 4, now);
    if (msr == X2APIC_MSR(APIC_ICR))
        *value |= (uint64_t)lapic->icr_high << 32;
    return true;
}

// 11.12.1.3: a reserved bit that is set is #GP here, where the page drops it; an EOI takes no value but 0.
bool lapic_write_msr(struct lapic *lapic, uint32_t msr, uint64_t value, vtime_t now)
{
    if (!lapic_in_x2apic(lapic))
        return false;
    if (msr == X2APIC_MSR(APIC_EOI)) { // by far the most frequent write
        if (value == 0)
            lapic_end_of_interrupt(lapic);
        return value == 0;
    }

    uint32_t index = msr - 0x800;
    if (index >= 64 || !(rules[index].may & NW))
        return false;
    uint64_t legal = rules[index].bits | (msr == X2APIC_MSR(APIC_ICR) ? UINT64_C(0xffffffff00000000) : 0);
    // Nobody but ICR has an upper half: in it there is the destination, 32 bits of it (11.12.9).
    if (value & ~legal)
        return false;
    if (msr == X2APIC_MSR(APIC_ICR))
        lapic->icr_high = (uint32_t)(value >> 32);
    write_register(lapic, index << 4, (uint32_t)value, now);
    return true;
}

// The low `size` bytes at `byte` of a 16-byte slot whose first four hold the register.
static uint64_t slice(uint32_t value, unsigned byte, unsigned size)
{
    uint64_t rest = byte < 4 ? (uint64_t)value >> (8 * byte) : 0;
    return size >= 8 ? rest : rest & ((UINT64_C(1) << (8 * size)) - 1);
}

// The page has 4 KiB, its registers end at 3FFh. What is above or between them is no register (rules[0] allows
// nothing): reads give 0, and the ESR keeps "illegal register address" (11.5.3).
static enum io_result lapic_access(void *device, struct io_access *io, vtime_t now)
{
    struct lapic *lapic = device;
    uint32_t offset = (uint32_t)io->offset & 0xfff;
    if (!lapic_mmio_enabled(lapic))
        return IO_UNCLAIMED;
    if (offset == APIC_EOI && io->is_write && io->size == 4) {
        lapic_end_of_interrupt(lapic);
        return IO_OK;
    }

    const struct rule *rule = offset < 0x400 ? &rules[offset >> 4] : &rules[0];
    if (!(rule->may & (XR | XW)))
        lapic_log_error(lapic, ESR_ILLEGAL_REGISTER);
    if (!io->is_write)
        io->value = rule->may & XR ? slice(read_register(lapic, offset & 0xff0, now), offset & 15, io->size) : 0;
    else if ((rule->may & XW) && io->size == 4 && (offset & 15) == 0)
        write_register(lapic, offset, (uint32_t)io->value & rule->bits, now);
    return IO_OK;
}

static void lapic_advance(void *device, vtime_t now)
{
    lapic_timer_advance(&((struct lapic *)device)->timer, now);
}

static vtime_t lapic_next_deadline(const void *device)
{
    return lapic_timer_next(&((const struct lapic *)device)->timer);
}

const struct device_ops lapic_ops = {
    .name = "lapic",
    .access = lapic_access,
    .advance = lapic_advance,
    .next_deadline = lapic_next_deadline,
};
