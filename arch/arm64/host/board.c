// SPDX-License-Identifier: MIT
// The one board there is: boot/arm64/early.c puts it here, everybody else reads it.
#include "arch/arm64/host/board.h"

static struct board the_board;

const struct board *board(void)
{
    return &the_board;
}

void board_set(const struct board *from)
{
    the_board = *from;
}

bool board_take_seed(uint8_t out[SEED_BYTES])
{
    if (the_board.has_seed)
        guest_seed_take(the_board.seed, out);
    return the_board.has_seed;
}
