// SPDX-License-Identifier: MIT
// Which of the typed bytes are the monitor's. Pure.
#include "vmm/keys.h"

bool keys_take(struct keys *keys, uint8_t *byte)
{
    bool mine = keys->escaped || keys->paused;
    keys->escaped = *byte == KEY_ESCAPE && !keys->escaped;
    if (!mine || *byte == KEY_ESCAPE)
        return keys->escaped;
    if (*byte == ']' && !keys->paused) {
        *byte = KEY_ESCAPE;
        return false;
    }
    keys->command = *byte;
    return true;
}
