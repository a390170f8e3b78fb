// SPDX-License-Identifier: MIT
// Interrupts go to their handlers, exceptions to who waits for one; what nobody asked for ends the test as failed.
#include "guest-tests/lib/arm64/gic.h"

#define INTERRUPTS 256u
#define KIND_IRQ   1u // of kind % 4

extern const char trap_vectors[], catch_resume[]; // vectors.S
void catch_call(void (*body)(uint64_t), uint64_t argument);

static trap_handler handlers[INTERRUPTS];
static void (*acknowledge_record[INTERRUPTS])(void);

static struct caught caught;
bool catch_pan;
static volatile bool catching;

void traps_install(void)
{
    write_sysreg(vbar_el1, (uint64_t)trap_vectors);
}

static void unexpected(const struct trap *trap)
{
    catching = false;
    ok(false, "unexpected trap: vector %lu, ESR 0x%lx, PC 0x%lx, FAR 0x%lx, SP 0x%lx, X30 0x%lx", trap->kind, trap->esr,
       trap->pc, trap->far, trap->sp, trap->x[30]);
    finish();
}

// SPSR: EL1h, all masked.
static void resume(struct trap *trap)
{
    catching = false;
    caught = (struct caught){ (unsigned)(trap->esr >> 26), trap->esr, trap->pc, trap->far, trap->x[1], 0 };
    if (catch_pan)
        caught.pan = read_sysreg(S3_0_C4_C2_3);
    if (trap->kind % 4 == 3)
        caught.class = CLASS_SERROR;
    trap->pc = (uint64_t)catch_resume;
    trap->spsr = 0x3c5;
}

static void interrupt(struct trap *trap)
{
    unsigned intid = gic_acknowledge();
    if (intid >= GIC_SPURIOUS)
        return;
    if (intid >= INTERRUPTS || !handlers[intid])
        ok(false, "unexpected interrupt %u at PC 0x%lx", intid, trap->pc);
    if (intid >= INTERRUPTS || !handlers[intid])
        finish();
    handlers[intid](trap);
    gic_end(intid);
}

void trap_dispatch(struct trap *trap)
{
    if (trap->kind % 4 == KIND_IRQ)
        interrupt(trap);
    else if (catching)
        resume(trap);
    else
        unexpected(trap);
}

void trap_set(unsigned intid, trap_handler handler)
{
    handlers[intid] = handler;
}

static unsigned recorded;

static void record_handler(struct trap *trap)
{
    record_arrival(trap->stamp, trap->pc, acknowledge_record[recorded]);
}

void trap_record(unsigned number, void (*acknowledge)(void))
{
    recorded = number;
    acknowledge_record[number] = acknowledge;
    trap_set(number, record_handler);
}

struct caught catch_trap(void (*body)(uint64_t), uint64_t argument)
{
    caught = (struct caught){ .class = CLASS_NONE };
    catching = true;
    catch_call(body, argument);
    catching = false;
    return caught;
}
