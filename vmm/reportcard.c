// SPDX-License-Identifier: MIT
// Prints the report card: see reportcard.h. Called by main.c. What is printed is kept, so that the QR code has the same
// bytes.
#include "vmm/reportcard.h"

#include <stdarg.h>
#include <string.h>

#include "arch/arch.h"
#include "vmm/base/card.h"
#include "vmm/base/format.h"
#include "vmm/base/log.h"
#include "vmm/picture/hostscreen.h"
#include "vmm/picture/qrcode.h"

#define LINE_BYTES 256

static struct {
    char   text[QRCODE_TEXT_MAX];
    size_t length; // of all that was printed, also beyond
} printed;

static void keep(const char *line, size_t length)
{
    if (printed.length + length <= sizeof(printed.text))
        memcpy(printed.text + printed.length, line, length);
    printed.length += length;
}

// A line without the time: on a photograph of the screen it is too long.
static __attribute__((format(printf, 1, 2))) void say(const char *text, ...)
{
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, text);
    size_t length = format_v(line, sizeof(line), text, arguments);
    va_end(arguments);
    log_raw(line, length);
    keep(line, length);
}

static void say_card_line(void *context, const struct card_line *line)
{
    static const char *const verdicts[] = { "PASS", "WARN", "FAIL" };
    (void)context;
    say("card: %s  %-16s %s\n", verdicts[line->verdict], line->what, line->found);
    if (line->advice[0] != '\0')
        say("card:                        %s\n", line->advice);
}

void reportcard_print(const struct bootinfo *info, bool can, const struct refusal *refusal)
{
    struct card card = { .out = say_card_line };
    card_line(&card, CARD_PASS, "monitor", "", "Escapement %s", ESCAPEMENT_VERSION);
    arch_report_card(info, &card);
    if (can)
        card_line(&card, CARD_PASS, "virtualization", "", "%s", arch_description());
    else
        card_line(&card, CARD_FAIL, "virtualization", refusal->text, "no virtual machine can run here");
    say("card: %u passed, %u to look at, %u failed\n", card.count[CARD_PASS], card.count[CARD_WARN],
        card.count[CARD_FAIL]);
}

void reportcard_show_code(void)
{
    struct refusal refusal = { "" };
    if (hostscreen_code(printed.text, printed.length, &refusal))
        log_line("card", "the QR code holds these %zu bytes", printed.length);
    else
        log_line("card", "no QR code: %s", refusal.text);
}
