// SPDX-License-Identifier: MIT
// A second model of the 8259A pair, made of lists instead of bit arithmetic: priority is an array that is really
// rotated. test_pic.c holds devices/pic.c against it. It starts initialised as the test's start() does.
#ifndef TOOLS_TESTS_NATIVE_PIC_REFERENCE_H
#define TOOLS_TESTS_NATIVE_PIC_REFERENCE_H

#include <stdbool.h>

void ref_pic_start(void);
int ref_pic_wants(unsigned chip); // the input it asks for, -1 if none
unsigned ref_pic_acknowledge(void);
void ref_pic_write(unsigned chip, bool odd, unsigned value);
unsigned ref_pic_read(unsigned chip, bool odd);
void ref_pic_set_irq(unsigned irq, bool level);
void ref_pic_write_elcr(unsigned chip, unsigned value);

#endif
