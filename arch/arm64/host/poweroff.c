// SPDX-License-Identifier: MIT
// The end of the host: PSCI SYSTEM_OFF (DEN0022F 5.1.11) by the conduit that the device tree names. Stops for good when
// there is none, and when a person is to read the screen first. Called at the end of a run and by panic. No arm64 host
// has a place for a status but the log's last line.
#include "arch/host.h"
#include "arch/arm64/host/arm64.h"
#include "arch/arm64/host/board.h"
#include "arch/arm64/host/pci.h"
#include "arch/arm64/host/uart.h"
#include "arch/arm64/host/firmware.h"
#include "vmm/picture/hostscreen.h"

// A timer that is due ends each WFI at once, although nobody takes its interrupt.
static void stop_timers(void)
{
    sysreg_write(cnthp_ctl_el2, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    arm64_isb();
}

_Noreturn void arch_machine_exit(unsigned status)
{
    (void)status;
    hostuart_flush();
    hostpci_flush();
    if (hostscreen_shown()) {
        hostscreen_end();
        stop_timers();
        arm64_halt_forever();
    }
    register uint64_t function __asm__("x0") = PSCI_SYSTEM_OFF;
    switch (board()->psci) {
    case PSCI_SMC: __asm__ volatile("smc #0" : "+r"(function) : : "memory"); break;
    case PSCI_HVC: __asm__ volatile("hvc #0" : "+r"(function) : : "memory"); break;
    case PSCI_NONE: break;
    }
    arm64_halt_forever();
}
