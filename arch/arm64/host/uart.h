// SPDX-License-Identifier: MIT
// The host's PL011, polled: the console, and the log where there is no second port (host/pci.h). Every wait is
// bounded; without a UART bytes are swallowed.
#ifndef ARCH_ARM64_HOST_UART_H
#define ARCH_ARM64_HOST_UART_H

#include <stddef.h>
#include <stdint.h>

// Where one is where nothing else is known: QEMU's virt.
#define UART_OF_QEMU UINT64_C(0x09000000)

// Where it is, 0 for nowhere. Firmware has set its rate; that stays.
void hostuart_init(uint64_t base);

void hostuart_write(const uint8_t *bytes, size_t size);

// The next byte that came in, -1 when there is none. Never waits.
int hostuart_read(void);

// Waits, bounded, until everything written has left the chip.
void hostuart_flush(void);

#endif
