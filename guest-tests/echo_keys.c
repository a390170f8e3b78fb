// SPDX-License-Identifier: MIT
// Shows each byte that is typed at it, as a number, until it gets an 'x': what reaches a guest of the keys of the
// person at its console? And is the counter ahead of the clock page's, after the pause that a person made? With `deaf`
// on its command line it never reads a byte.
#include "guest-tests/echo_keys.h"

void test_main(void)
{
    keys_prepare();
    print("waiting for keys\n");
    while (cmdline_word("deaf"))
        continue;
    uint64_t last = counter_read();
    for (;;) {
        uint8_t byte = key_typed();
        uint64_t now = counter_read();
        print("key %u, stopped %u, %s\n", byte, keys_were_stopped(), now >= last ? "later" : "EARLIER");
        last = now;
        if (byte == 'x')
            exit_code(0x10);
    }
}
