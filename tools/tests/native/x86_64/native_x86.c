// SPDX-License-Identifier: MIT
// The trampoline around one instruction executed on this host's CPU: load every register and the flags, execute, store
// them. Called by test_emulate*.c. While the instruction runs, rsp is the test's value: a signal that comes then needs
// another stack, and the host tests raise none but SIGFPE. An interrupt may come, too, and some of AMD's CPUs do not
// return from one to an rsp that is not canonical: Linux then makes a SIGSEGV of it.
#define _GNU_SOURCE // REG_RIP
#include "tools/tests/native/x86_64/native_x86.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE_FAULT 14 // its vector

struct native_arena *native_open(void)
{
    const int protection = PROT_READ | PROT_WRITE | PROT_EXEC, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;
    void *mapped = mmap(NULL, sizeof(struct native_arena), protection, flags, -1, 0);

    if (mapped == MAP_FAILED)
        return NULL;
    struct native_arena *arena = mapped;
    __asm__ volatile("fxsave64 %0" : "=m"(arena->vector_in));
    return arena;
}

void native_emit(struct native_code *code, unsigned count, uint64_t bytes)
{
    for (unsigned i = 0; i < count; i++)
        *code->at++ = (uint8_t)(bytes >> (8 * i));
}

static void emit_relative(struct native_code *code, const void *target)
{
    native_emit(code, 4, (uint64_t)((const uint8_t *)target - (code->at + 4)));
}

// MOV between a register and a fixed place: opcode 8B loads, 89 stores.
static void emit_move(struct native_code *code, unsigned opcode, unsigned reg, const void *place)
{
    native_emit(code, 1, 0x48 | (reg >> 3) << 2);
    native_emit(code, 1, opcode);
    native_emit(code, 1, 0x05 | (reg & 7) << 3);
    emit_relative(code, place);
}

// FXSAVE64 (extension 0) or FXRSTOR64 (1) of a fixed place.
static void emit_vector(struct native_code *code, unsigned extension, const struct fxsave_image *place)
{
    native_emit(code, 4, 0x05AE0F48 | extension << 27);
    emit_relative(code, place);
}

struct native_code native_begin(struct native_arena *arena)
{
    struct native_code code = { arena->code };

    native_emit(&code, 2, 0x5553); // push rbx, rbp, r12 to r15
    native_emit(&code, 8, 0x5741564155415441);
    emit_move(&code, 0x89, 4, &arena->host_rsp);
    emit_vector(&code, 0, &arena->host_vector);
    emit_vector(&code, 1, &arena->vector_in);
    native_emit(&code, 2, 0x35FF); // push in.rflags; popfq
    emit_relative(&code, &arena->in.rflags);
    native_emit(&code, 1, 0x9D);
    for (unsigned reg = 0; reg < 16; reg++)
        emit_move(&code, 0x8B, reg, &arena->in.gpr[reg]);
    return code;
}

void native_finish(struct native_arena *arena, struct native_code *code)
{
    for (unsigned reg = 0; reg < 16; reg++)
        emit_move(code, 0x89, reg, &arena->out.gpr[reg]);
    arena->way_out = code->at;
    emit_move(code, 0x8B, 4, &arena->host_rsp);
    native_emit(code, 3, 0x058F9C); // pushfq; pop out.rflags
    emit_relative(code, &arena->out.rflags);
    emit_vector(code, 0, &arena->vector_out);
    emit_vector(code, 1, &arena->host_vector);
    native_emit(code, 1, 0xFC);               // cld
    native_emit(code, 8, 0x5C415D415E415F41); // pop r15 to r12, rbp, rbx; ret
    native_emit(code, 3, 0xC35B5D);
}

// What runs now.
static struct {
    const uint8_t *way_out;
    unsigned length;
    uint64_t rsp; // the instruction's, when a division was refused
    volatile enum native_end end;
} running;

// The way back from the handler has an rsp that every CPU takes.
static void take_divide_error(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RIP] += running.length;
    running.rsp = (uint64_t)registers[REG_RSP];
    registers[REG_RSP] = 0;
    running.end = NATIVE_DIVIDE_ERROR;
}

// A page fault, or any with a canonical rsp, is the test's own, which fails with it.
static void take_lost_stack(int number, siginfo_t *info, void *context)
{
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (registers[REG_TRAPNO] == PAGE_FAULT || is_canonical((uint64_t)registers[REG_RSP])) {
        signal(number, SIG_DFL);
        return;
    }
    registers[REG_RIP] = (greg_t)running.way_out;
    registers[REG_RSP] = 0;
    running.end = NATIVE_INTERRUPTED;
}

static struct sigaction catch(int number, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK }, before;
    (void)sigaction(number, &action, &before);
    return before;
}

// On a stack of its own, because the instruction has rSP. At other times the signals are cmocka's.
static void run_caught(void (*run)(void))
{
    static uint8_t stack[65536];
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };

    (void)sigaltstack(&alternative, NULL);
    struct sigaction divide = catch(SIGFPE, take_divide_error), fault = catch(SIGSEGV, take_lost_stack);
    run();
    (void)sigaction(SIGFPE, &divide, NULL);
    (void)sigaction(SIGSEGV, &fault, NULL);
}

enum native_end native_run(struct native_arena *arena, unsigned length)
{
    void (*run)(void);
    const uint8_t *entry = arena->code;

    running.way_out = arena->way_out;
    running.length = length;
    running.end = NATIVE_EXECUTED;
    memcpy(&run, &entry, sizeof(run)); // ISO C has no cast from object to function
    run_caught(run);
    if (running.end == NATIVE_DIVIDE_ERROR)
        arena->out.gpr[4] = running.rsp;
    return running.end;
}
