// SPDX-License-Identifier: MIT
// The exit kinds as words, for the report and for records. Pure; the order is enum exit_kind's, held by designators.
#include "vmm/base/exit.h"

static const char *const exit_names[EXIT_KIND_COUNT] = {
    [EXIT_INTERRUPT] = "interrupt",
    [EXIT_ALARM] = "alarm",
    [EXIT_NMI] = "nmi",
    [EXIT_STEP] = "step",
    [EXIT_WINDOW] = "window",
    [EXIT_PORT] = "port",
    [EXIT_MMIO] = "mmio",
    [EXIT_CPU_ID] = "cpu-id",
    [EXIT_SYSREG_READ] = "sysreg-read",
    [EXIT_SYSREG_WRITE] = "sysreg-write",
    [EXIT_PRIORITY] = "priority",
    [EXIT_DEBUG] = "debug",
    [EXIT_CONTROL] = "control",
    [EXIT_HALT] = "halt",
    [EXIT_HYPERCALL] = "hypercall",
    [EXIT_FIRMWARE] = "firmware",
    [EXIT_FAULT] = "fault",
    [EXIT_IGNORED] = "ignored",
    [EXIT_SHUTDOWN] = "shutdown",
    [EXIT_ANSWERED] = "answered",
    [EXIT_UNKNOWN] = "unknown",
};

const char *exit_kind_name(enum exit_kind kind)
{
    return (unsigned)kind < EXIT_KIND_COUNT ? exit_names[kind] : "invalid";
}
