// SPDX-License-Identifier: MIT
// The end: for a broken promise of our own, never for anything a guest does. Prints what is needed to find the cause, a
// last line for programs, and ends the host.
#ifndef VMM_BASE_PANIC_H
#define VMM_BASE_PANIC_H

#include <stdint.h>

// The machine's statuses (arch_machine_exit) that are not one VM's alone.
#define STATUS_PANIC   4u  // the monitor itself failed
#define STATUS_REFUSED 8u  // a word or a device tree that cannot be honoured here
#define STATUS_LACKS   10u // the host has not what it needs

_Noreturn void panic(const char *text, ...) __attribute__((format(printf, 1, 2)));

// Called by panic after the backtrace to print the last trace records; only once, also when it fails itself.
void panic_set_trace_dump(void (*dump)(void));

// The build id of this image in hexadecimal digits, from the linker's note.
const char *build_id(void);

// --- for the architecture's exception path ---------------------------------------------------------------------------

// panic, with the registers of somebody else than the caller. print_state may be null.
struct panic_origin {
    uint64_t ip, sp, fp; // ip and sp 0: not known
    void (*print_state)(const void *state);
    const void *state;
};
_Noreturn void panic_from(const struct panic_origin *origin, const char *text);

#endif
