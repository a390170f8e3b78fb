// SPDX-License-Identifier: MIT
// What VGA's text mode has besides its cells.
#ifndef ARCH_X86_64_HOST_TEXT_H
#define ARCH_X86_64_HOST_TEXT_H

// It would go on blinking where the loader left it.
void hosttext_hide_cursor(void);

#endif
