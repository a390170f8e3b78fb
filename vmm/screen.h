// SPDX-License-Identifier: MIT
// The guest's text screen on the host's console: drawn instead of the serial console while a person asks for it
// (Ctrl-] s), or its changed lines as text among the serial console's (screen=follow). Looking at it is the monitor's
// own work: the guest's memory is read, nothing of the guest's is stopped or changed.
#ifndef VMM_SCREEN_H
#define VMM_SCREEN_H

#include "time/units.h"

#define SCREEN_ROWS 60   // what is below is not shown, nor what is right of
#define SCREEN_COLUMNS 132
#define SCREEN_HELD 2048 // bytes of the serial console that are kept while the screen is shown: the last ones

struct screen {
    bool     active; // shown or followed
    bool     shown;
    bool     follow;
    htime_t  drawn_at;
    htime_t  followed_at;
    uint32_t drawn_cursor;
    uint64_t drawn[SCREEN_ROWS];    // a sum over each row as it was drawn last, 0: never
    uint64_t followed[SCREEN_ROWS]; // and as it was printed last
    uint32_t held_count;            // bytes that went to held[], which is used round and round
    uint8_t  held[SCREEN_HELD];
};

struct vm;

void screen_init(struct vm *vm);

// Shows it or hides it again. What the serial console printed meanwhile comes when it is hidden.
void screen_toggle(struct vm *vm);
void screen_hide(struct vm *vm);

// Draws and prints what has changed, if it is time for that.
void screen_poll(struct vm *vm);

// Bytes of the serial console while the screen is shown.
void screen_hold(struct screen *screen, const uint8_t *bytes, size_t count);

// The VM has ended: what has changed is printed now, and the console is the serial one's.
void screen_end(struct vm *vm);

#endif
