// SPDX-License-Identifier: MIT
// The status that a guest without a debug-exit device leaves on its console: a line `EXIT: STATUS=n`, after which it
// powers the host off. Watches the bytes as they go out. Pure.
#ifndef VMM_SHOW_STATUSLINE_H
#define VMM_SHOW_STATUSLINE_H

#include <stdbool.h>
#include <stdint.h>

struct statusline {
    uint32_t matched; // characters of this line so far that are as they must be; past the text: digits
    uint32_t number;  // of this line
    uint32_t status;  // of the last complete line
    bool     known;   // there was one
    bool     foreign; // this line is another
};

void statusline_byte(struct statusline *line, uint8_t byte);

#endif
