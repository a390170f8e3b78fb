// SPDX-License-Identifier: MIT
// Panic: registers when an exception was the cause, a backtrace with names, the build, the last trace records, the
// final line for programs, the end of the host. Called for our own broken promises only. A panic inside panic goes
// straight to the end; nothing here allocates or waits without a bound.
#include "vmm/base/panic.h"

#include "arch/host.h"
#include "time/units.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/base/percpu.h"

extern const uint8_t build_id_start[], build_id_end[]; // linker.ld

#define NOTE_HEADER 16 // ELF note: three words, then "GNU"

static void (*trace_dump)(void);

void panic_set_trace_dump(void (*dump)(void))
{
    trace_dump = dump;
}

const char *build_id(void)
{
    static char text[41];
    size_t used = 0, size = (uintptr_t)build_id_end - (uintptr_t)build_id_start;
    if (size <= NOTE_HEADER)
        return "unknown";
    for (size_t i = NOTE_HEADER; i < size && used + 3 <= sizeof(text); i++)
        used += format(text + used, sizeof(text) - used, "%02x", build_id_start[i]);
    return text;
}

static _Noreturn void end(void)
{
    static const char last[] = "ESCAPEMENT-END status=4 reason=panic\n";
    _Static_assert(STATUS_PANIC == 4, "the line above");
    log_raw(last, sizeof(last) - 1);
    arch_machine_exit(STATUS_PANIC);
}

_Noreturn void panic_from(const struct panic_origin *origin, const char *text)
{
    struct cpu *cpu = this_cpu();
    if (cpu->panicking) {
        log_line("panic", "again, while reporting the first: %s at %#lx", text, origin->ip);
        end();
    }
    cpu->panicking = true;
    log_line("panic", "%s", text);
    if (origin->print_state != NULL)
        origin->print_state(origin->state);
    arch_backtrace(origin->ip, origin->sp, origin->fp);
    log_line("panic", "build %s", build_id());
    if (trace_dump != NULL)
        trace_dump();
    end();
}

_Noreturn void panic(const char *text, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, text);
    format_v(message, sizeof(message), text, arguments);
    va_end(arguments);
    struct panic_origin origin = { .ip = 0, .fp = (uintptr_t)__builtin_frame_address(0) };
    panic_from(&origin, message);
}

_Noreturn void invariant_failed(const char *expression, const char *file, int line)
{
    panic("invariant failed: %s (%s:%d)", expression, file, line);
}
