// SPDX-License-Identifier: MIT
// See statusline.h. A line counts when it is complete and holds nothing else; the last such line counts. Numbers above
// 255 are cut to their low byte, as the status of a process is.
#include "vmm/show/statusline.h"

static const char text[] = "EXIT: STATUS=";
#define TEXT_LENGTH (sizeof(text) - 1)

static void end_of_line(struct statusline *line)
{
    if (!line->foreign && line->matched > TEXT_LENGTH) {
        line->status = line->number;
        line->known = true;
    }
    line->matched = line->number = 0;
    line->foreign = false;
}

void statusline_byte(struct statusline *line, uint8_t byte)
{
    bool digit = byte >= '0' && byte <= '9';
    if (byte == '\n') {
        end_of_line(line);
    } else if (byte == '\r' || line->foreign) {
        return; // terminals want it at an end, some guests send it at a beginning
    } else if (line->matched < TEXT_LENGTH ? byte == (uint8_t)text[line->matched] : digit) {
        line->number = digit ? (line->number * 10 + byte - '0') & 0xff : 0;
        line->matched += line->matched <= TEXT_LENGTH;
    } else {
        line->foreign = true;
    }
}
