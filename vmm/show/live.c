// SPDX-License-Identifier: MIT
// Composes the row: see live.h. Called by console.c when a picture of the host's screen begins.
#include "vmm/show/live.h"

#include <string.h>

#include "time/ratio.h"
#include "vmm/base/format.h"

static const char letters[ACCOUNT_COUNT + 1] = "GMSIPH"; // as in enum account

static uint64_t sum_of(const uint64_t *cycles)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++)
        sum += cycles[i];
    return sum;
}

static unsigned largest(const uint64_t *of)
{
    unsigned most = 0;
    for (unsigned i = 1; i < ACCOUNT_COUNT; i++) {
        if (of[i] > of[most])
            most = i;
    }
    return most;
}

void live_bar(const uint64_t cycles[ACCOUNT_COUNT], char bar[LIVE_BAR + 1])
{
    uint64_t sum = sum_of(cycles), count[ACCOUNT_COUNT] = { 0 }, left[ACCOUNT_COUNT] = { 0 }, given = 0;
    for (unsigned i = 0; i < ACCOUNT_COUNT && sum != 0; i++) {
        count[i] = mul_div_floor(cycles[i], LIVE_BAR, sum);
        left[i] = cycles[i] - mul_div_floor(count[i], sum, LIVE_BAR);
        given += count[i];
    }
    for (; sum != 0 && given < LIVE_BAR; given++) {
        unsigned most = largest(left);
        count[most]++;
        left[most] = 0;
    }
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++) {
        memset(bar, letters[i], count[i]);
        bar += count[i];
    }
    *bar = '\0';
}

void live_row(struct live *live, const struct live_input *input, char row[LIVE_ROW_BYTES])
{
    uint64_t since[ACCOUNT_COUNT], sum = sum_of(input->total);
    char bar[LIVE_BAR + 1];
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++) {
        since[i] = input->total[i] - live->total[i];
        live->total[i] = input->total[i];
    }
    live_bar(since, bar);
    size_t used = format(row, LIVE_ROW_BYTES, "%s  V %lu.%06lu s ", input->name, input->v_us / 1000000,
                         input->v_us % 1000000);
    for (unsigned i = 0; i < ACCOUNT_COUNT; i++) {
        uint64_t permille = sum != 0 ? mul_div_floor(input->total[i], 1000, sum) : 0;
        if (input->total[i] != 0)
            used += format(row + used, LIVE_ROW_BYTES - used, " %c %lu.%lu%%", letters[i], permille / 10,
                           permille % 10);
    }
    format(row + used, LIVE_ROW_BYTES - used, "  %lu exits  %s", input->exits, bar);
}
