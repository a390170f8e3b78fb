// SPDX-License-Identifier: MIT
// Prints its command line and leaves with the value given as exit=N: does the runner carry both through?
#include "guest-tests/lib/guest.h"

void test_main(void)
{
    print("command line: %s\n", cmdline());
    exit_code((uint8_t)cmdline_number("exit", 0x10));
}
