// SPDX-License-Identifier: MIT
// echo_keys on arm64: the PL011. There is no clock page that could say anything.
#include "guest-tests/echo_keys.h"

#define UARTDR     0x000u
#define UARTFR     0x018u
#define FIFO_EMPTY (1u << 4)

void keys_prepare(void) {}

uint8_t key_typed(void)
{
    while (read32(board.uart + UARTFR) & FIFO_EMPTY)
        ;
    return (uint8_t)read32(board.uart + UARTDR);
}

bool keys_were_stopped(void)
{
    return false;
}
