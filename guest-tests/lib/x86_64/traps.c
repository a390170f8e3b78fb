// SPDX-License-Identifier: MIT
// The interrupt descriptor table and the handler table; an exception nobody asked for ends the test as failed.
#include "guest-tests/lib/guest.h"

struct gate {
    uint16_t offset0, selector;
    uint8_t ist, type;
    uint16_t offset1;
    uint32_t offset2, reserved;
};

struct pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern void (*const trap_stubs[256])(void);

static struct gate idt[256] __attribute__((aligned(16)));
static trap_handler handlers[256];

// SDM 3A 6.14.1: a 64-bit interrupt gate, present, DPL 0.
void trap_set_raw(unsigned vector, void (*entry)(void), unsigned ist)
{
    uint64_t address = (uint64_t)entry;
    idt[vector] = (struct gate){
        .offset0 = (uint16_t)address,
        .selector = 0x08,
        .ist = (uint8_t)ist,
        .type = 0x8e,
        .offset1 = (uint16_t)(address >> 16),
        .offset2 = (uint32_t)(address >> 32),
    };
}

void trap_set(unsigned vector, trap_handler handler)
{
    handlers[vector] = handler;
    trap_set_raw(vector, trap_stubs[vector], idt[vector].ist);
}

void trap_set_stack(unsigned vector, unsigned ist)
{
    idt[vector].ist = (uint8_t)ist;
}

static void unexpected(struct trap *trap)
{
    ok(false, "unexpected trap %lu, error 0x%lx, RIP 0x%lx, CR2 0x%lx, RSP 0x%lx", trap->vector, trap->error,
       trap->cpu->rip, read_cr2(), trap->cpu->rsp);
    finish();
}

void trap_reset(unsigned vector)
{
    trap_set(vector, unexpected);
}

void traps_install(void)
{
    struct pointer pointer = { sizeof(idt) - 1, (uint64_t)idt };
    for (unsigned vector = 0; vector < 256; vector++)
        trap_reset(vector);
    trap_set_stack(8, 1);
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_dispatch(struct trap *trap)
{
    handlers[trap->vector](trap);
}

static void (*acknowledge_record)(void);

static void record_handler(struct trap *trap)
{
    record_arrival(trap->stamp, trap->cpu->rip, acknowledge_record);
}

void trap_record(unsigned vector, void (*acknowledge)(void))
{
    acknowledge_record = acknowledge;
    trap_set(vector, record_handler);
}

// catch_trap: the handler sends the CPU back to the point after the body with the stack it had there.
static struct caught caught;
static volatile bool catching;
static uint64_t resume_rip, resume_rsp, resume_rbp;

static void catch_handler(struct trap *trap)
{
    if (!catching)
        unexpected(trap);
    catching = false;
    caught = (struct caught){ (unsigned)trap->vector, trap->error, trap->cpu->rip, read_cr2() };
    trap->cpu->rip = resume_rip;
    trap->cpu->rsp = resume_rsp;
    trap->cpu->cs = 0x08;
    trap->cpu->ss = 0x10;
    trap->cpu->rflags = 0x2;
    trap->rbp = resume_rbp;
}

__attribute__((noinline)) struct caught catch_trap(void (*body)(uint64_t), uint64_t argument)
{
    for (unsigned vector = 0; vector < 32; vector++)
        trap_set(vector, catch_handler);
    caught = (struct caught){ .vector = TRAP_NONE };
    catching = true;
    __asm__ volatile("lea 1f(%%rip), %%rax\n\t"
                     "mov %%rax, %[rip]\n\t"
                     "mov %%rsp, %[rsp]\n\t"
                     "mov %%rbp, %[rbp]\n\t"
                     "call *%[body]\n"
                     "1:"
                     : [rip] "=m"(resume_rip), [rsp] "=m"(resume_rsp), [rbp] "=m"(resume_rbp), "+D"(argument)
                     : [body] "r"(body)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
    catching = false;
    for (unsigned vector = 0; vector < 32; vector++)
        trap_reset(vector);
    trap_set_stack(8, 1);
    return caught;
}

static uint32_t access_msr;
static uint64_t access_value;

static void read_msr(uint64_t unused)
{
    (void)unused;
    access_value = rdmsr(access_msr);
}

static void write_msr(uint64_t value)
{
    wrmsr(access_msr, value);
}

unsigned rdmsr_trap(uint32_t msr, uint64_t *value)
{
    access_msr = msr;
    unsigned vector = catch_trap(read_msr, 0).vector;
    if (vector == TRAP_NONE)
        *value = access_value;
    return vector;
}

unsigned wrmsr_trap(uint32_t msr, uint64_t value)
{
    access_msr = msr;
    return catch_trap(write_msr, value).vector;
}
