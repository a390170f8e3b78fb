// SPDX-License-Identifier: MIT
// The host's screen, beside its serial port: what is written to the console and to the log. While no guest runs it is
// drawn as it comes; while one runs, only where the monitor stops anyway, ten times a second at most and in pieces that
// take 100 us at most, a millisecond apart.
#ifndef VMM_PICTURE_HOSTSCREEN_H
#define VMM_PICTURE_HOSTSCREEN_H

#include "vmm/base/bootinfo.h"

// What is written from now on is kept for the screen, if the loader left one that can be drawn on and that lies where
// no memory is and where this CPU can reach it; else a sentence says why it stays dark.
void hostscreen_open(const struct bootinfo *info, bool reachable);

// The pixels that are to be mapped, at their own addresses; null: none.
const struct boot_screen *hostscreen_memory(void);

// Its memory can be reached now: what was kept is drawn.
void hostscreen_show(void);

bool hostscreen_shown(void);
void hostscreen_write(const void *bytes, size_t count);

// Drawn as it comes, or when it is due: then hostscreen_begin() says whether a new picture begins, before the first of
// its pieces, and hostscreen_piece() draws the next.
void hostscreen_hold(bool held);
bool hostscreen_due(void);
bool hostscreen_begin(htime_t host_now);
void hostscreen_piece(htime_t host_now);

// The screen has this text from now on, what is written later, and the text as a QR code beside it, which no guest may
// have to wait for. False: it is as it was, *refusal says why.
bool hostscreen_code(const char *text, size_t length, struct refusal *refusal);
// The last sentence, when the host stays on for a person to read the screen.
void hostscreen_end(void);

// The last row, in inverse, from the next picture on.
void hostscreen_status(const char *text);

#endif
