// SPDX-License-Identifier: MIT
// The console's inner side, for lib/ only.
#ifndef GUEST_TESTS_LIB_CONSOLE_H
#define GUEST_TESTS_LIB_CONSOLE_H

#include <stdarg.h>

void console_init(void);
void console_byte(char c); // polled, the wait is bounded
void vprint(const char *format, va_list *args);

#endif
