// SPDX-License-Identifier: MIT
// The host's own serial ports, polled. COM1 is the console of the guest; the log goes to COM1 or, when told, to
// COM2. Every wait is bounded; a port without a UART swallows what it is given.
#ifndef ARCH_X86_64_HOST_SERIAL_H
#define ARCH_X86_64_HOST_SERIAL_H

#include <stdbool.h>
#include <stddef.h>

enum { HOSTSERIAL_COM1, HOSTSERIAL_COM2, HOSTSERIAL_PORTS };

void hostserial_init(void);
bool hostserial_present(unsigned port_index); // a UART answers there, and has not died since
void hostserial_set_log(unsigned port_index); // where hostserial_log_port() points; COM1 at first
unsigned hostserial_log_port(void);

void hostserial_write(unsigned port_index, const char *bytes, size_t size);

// The next byte that came in on COM1, -1 when there is none. Never waits.
int hostserial_read(void);

// Waits, bounded, until everything written has left the chip.
void hostserial_flush(void);

#endif
