// SPDX-License-Identifier: MIT
// The second 8259A pair of pic_reference.h. Used by test_pic.c only. There is one of it, so it is a global.
#include "tools/tests/native/pic_reference.h"

#include <string.h>

struct model {
    bool irr[8], isr[8], imr[8], pin[8], elcr[8];
    unsigned order[8];         // highest first
    unsigned base, icw4, left; // left: words of an initialisation to come, in `words`
    unsigned words[3];
    bool single, smm, read_isr, poll, rotate;
};

static struct model model[2];

int ref_pic_wants(unsigned chip)
{
    struct model *m = &model[chip];
    for (unsigned i = 0; i < 8 && m->left == 0; i++) {
        unsigned n = m->order[i];
        bool request = m->elcr[n] ? m->pin[n] : m->irr[n];
        if (chip == 0 && n == 2)
            request = ref_pic_wants(1) >= 0;
        bool served = m->isr[n] && !(m->smm && m->imr[n]);
        if (request && !m->imr[n] && (!served || (chip == 0 && n == 2 && m->icw4 & 16)))
            return (int)n;
        if (served)
            return -1;
    }
    return -1;
}

static void model_lowest(struct model *m, unsigned n)
{
    while (m->order[7] != n) {
        unsigned first = m->order[0];
        memmove(m->order, m->order + 1, 7 * sizeof(first));
        m->order[7] = first;
    }
}

static int model_take(unsigned chip)
{
    struct model *m = &model[chip];
    int n = ref_pic_wants(chip);
    if (n < 0)
        return -1;
    m->irr[n] = false;
    if (!(m->icw4 & 2))
        m->isr[n] = true;
    else if (m->rotate)
        model_lowest(m, (unsigned)n);
    return n;
}

unsigned ref_pic_acknowledge(void)
{
    int n = model_take(0);
    if (n == 2 && !model[0].single && model[0].words[1] & 4) {
        n = model_take(1);
        return model[1].base + (n < 0 ? 7 : (unsigned)n);
    }
    return model[0].base + (n < 0 ? 7 : (unsigned)n);
}

static void model_ocw2(struct model *m, unsigned value)
{
    int n = -1;
    if ((value >> 5) == 0 || (value >> 5) == 4)
        m->rotate = (value >> 5) == 4;
    for (unsigned i = 0; i < 8 && ((value >> 5) == 1 || (value >> 5) == 5); i++)
        if (n < 0 && m->isr[m->order[i]] && !(m->smm && m->imr[m->order[i]]))
            n = (int)m->order[i];
    if ((value >> 5) == 3 || (value >> 5) >= 6)
        n = value & 7;
    if (n >= 0 && value & 0x20)
        m->isr[n] = false;
    if (n >= 0 && (value >> 5) >= 5)
        model_lowest(m, (unsigned)n);
}

static void model_icw1(struct model *m, unsigned value)
{
    struct model old = *m;
    *m = (struct model){ .single = value & 2, .base = old.base };
    memcpy(m->pin, old.pin, sizeof(m->pin));
    memcpy(m->elcr, old.elcr, sizeof(m->elcr));
    memcpy(m->words, old.words, sizeof(m->words));
    m->icw4 = value & 1 ? old.icw4 : 0;
    m->left = 1u + !m->single + (value & 1);
    m->words[2] = value & 1; // ICW4 will come
    for (unsigned i = 0; i < 8; i++)
        m->order[i] = i;
}

void ref_pic_write(unsigned chip, bool odd, unsigned value)
{
    struct model *m = &model[chip];
    bool last_is_icw4 = m->words[2];
    if (odd && m->left > 0) {
        unsigned done = 1u + !m->single + last_is_icw4 - m->left--;
        if (done == 0)
            m->base = value & ~7u;
        else if (done == 1 && !m->single)
            m->words[1] = value;
        else
            m->icw4 = value;
    } else if (odd) {
        for (unsigned i = 0; i < 8; i++)
            m->imr[i] = value >> i & 1;
    } else if (value & 16) {
        model_icw1(m, value);
    } else if (value & 8) {
        m->smm = value & 0x40 ? value & 0x20 : m->smm;
        m->read_isr = value & 2 ? value & 1 : m->read_isr;
        m->poll = value & 4;
    } else {
        model_ocw2(m, value);
    }
}

unsigned ref_pic_read(unsigned chip, bool odd)
{
    struct model *m = &model[chip];
    unsigned value = 0;
    if (m->poll) {
        int n = model_take(chip);
        m->poll = false;
        return n < 0 ? 0 : 0x80 + (unsigned)n;
    }
    for (unsigned i = 0; i < 8; i++) {
        bool request = m->elcr[i] ? m->pin[i] : m->irr[i];
        if (chip == 0 && i == 2)
            request = ref_pic_wants(1) >= 0;
        value |= (unsigned)(odd ? m->imr[i] : m->read_isr ? m->isr[i] : request) << i;
    }
    return value;
}

void ref_pic_set_irq(unsigned irq, bool level)
{
    struct model *m = &model[irq / 8];
    if (irq == 2)
        return;
    if (level && !m->pin[irq % 8] && !m->elcr[irq % 8])
        m->irr[irq % 8] = true;
    if (!level)
        m->irr[irq % 8] = false; // the request latch is transparent: it shows an edge while the pin is up
    m->pin[irq % 8] = level;
}

void ref_pic_write_elcr(unsigned chip, unsigned value)
{
    for (unsigned i = 0; i < 8; i++) {
        bool fixed = chip == 0 ? i < 3 : i == 0 || i == 5;
        model[chip].elcr[i] = value >> i & 1 && !fixed;
        if (model[chip].elcr[i])
            model[chip].irr[i] = false;
    }
}

// The same initialisation as start(), by the model's own ports.
void ref_pic_start(void)
{
    static const unsigned words[2][4] = { { 0x11, 0x30, 0x04, 0x01 }, { 0x11, 0x38, 0x02, 0x01 } };
    memset(model, 0, sizeof(model));
    for (unsigned chip = 0; chip < 2; chip++)
        for (unsigned i = 0; i < 4; i++)
            ref_pic_write(chip, i > 0, words[chip][i]);
}
