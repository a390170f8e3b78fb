// SPDX-License-Identifier: MIT
// The lanes H, M, G (and I): a window of the trace as a drawing, one column a fixed number of host cycles. Called by
// report.c through lanes_draw(). Pure; reads the trace only.
//
// A guest slice, a wait and other work of the host have records with a start and a duration; whatever lies between
// them is the monitor's. A guest slice is drawn from t0 for the cycles that the guest itself executed, so the cost of
// the world switch shows as the monitor's. Of all windows tried the one with the most to see is drawn: many changes of
// owner, many owners, an injected interrupt.
#include "vmm/show/lanes.h"
#include "vmm/base/format.h"
#include <string.h>

#define WINDOW_RECORDS_MAX 400 // a window with more in it is a smear, not a picture
#define CANDIDATES_MAX     160
#define CANDIDATE_LEAD     6   // records before an interesting one where a window may start
#define LEAD_COLUMNS       20u // of a first span that is longer
#define SCALES_MAX         24
#define LABEL_BYTES        4
#define LINE_BYTES         (LABEL_BYTES + LANES_COLUMNS + 1)

enum lane { LANE_HOST, LANE_MONITOR, LANE_GUEST, LANE_IDLE, LANE_COUNT };
static const char lane_letters[LANE_COUNT + 1] = "HMGI";

struct lane_span {
    uint64_t start, end;
    enum lane lane;
};

// A window and what is in it; also the pen that draws it from left to right.
struct picture {
    uint64_t start;
    uint64_t column_cycles;
    uint64_t at;                // drawn up to here
    uint64_t owned[LANE_COUNT]; // cycles of each owner in the column under the pen
    uint32_t columns;           // finished
    uint8_t lane[LANES_COLUMNS];
    bool due[LANES_COLUMNS], injected[LANES_COLUMNS];
};

static uint64_t window_end(const struct picture *picture)
{
    return picture->start + picture->column_cycles * LANES_COLUMNS;
}

// The span that record i describes; false for records that mark a moment.
static bool span_read(const struct trace *trace, uint64_t i, struct lane_span *span)
{
    const struct trace_record *record = trace_get(trace, i), *next = trace_get(trace, i + 1);

    switch ((enum trace_kind)record->kind) {
    case TRACE_GUEST: span->lane = LANE_GUEST; break;
    case TRACE_IDLE: span->lane = LANE_IDLE; break;
    case TRACE_HOST: span->lane = LANE_HOST; break;
    case TRACE_WARP:
    case TRACE_DUE:
    case TRACE_INJECT:
    default: return false;
    }
    span->start = record->host;
    span->end = record->host + record->duration;
    // A saturated duration says "longer than this": the next record tells how long.
    if (record->duration == UINT32_MAX && next && next->host > span->end)
        span->end = next->host;
    return true;
}

static void finish_column(struct picture *picture)
{
    unsigned owner = 0;

    for (unsigned lane = 1; lane < LANE_COUNT; lane++) {
        if (picture->owned[lane] > picture->owned[owner])
            owner = lane;
    }
    picture->lane[picture->columns++] = (uint8_t)owner;
    memset(picture->owned, 0, sizeof(picture->owned));
}

// Moves the pen to `to`, all cycles up to there owned by `lane`. Stops at the right edge.
static void draw_to(struct picture *picture, uint64_t to, enum lane lane)
{
    while (picture->at < to && picture->columns < LANES_COLUMNS) {
        uint64_t edge = picture->start + picture->column_cycles * (picture->columns + 1);
        uint64_t stop = to < edge ? to : edge;
        picture->owned[lane] += stop - picture->at;
        picture->at = stop;
        if (stop == edge)
            finish_column(picture);
    }
}

static void mark(struct picture *picture, const struct trace_record *record)
{
    if (record->host < picture->start || record->host >= window_end(picture))
        return;
    uint64_t column = (record->host - picture->start) / picture->column_cycles;
    picture->due[column] |= record->kind == TRACE_DUE;
    picture->injected[column] |= record->kind == TRACE_INJECT;
}

// Draws the window that begins with record `first`, a span; of a long span only its last columns. False when the trace
// ends before the window does, or when too much happens in it.
static bool draw_window(const struct trace *trace, uint64_t first, uint64_t column_cycles, struct picture *picture)
{
    uint64_t kept = trace_kept(trace);
    struct lane_span span;

    memset(picture, 0, sizeof(*picture));
    picture->column_cycles = column_cycles;
    span_read(trace, first, &span);
    picture->start = span.start;
    if (span.end > span.start && span.end - span.start > LEAD_COLUMNS * column_cycles)
        picture->start = span.end - LEAD_COLUMNS * column_cycles;
    picture->at = picture->start;
    for (uint64_t i = first; i < kept && i < first + WINDOW_RECORDS_MAX; i++) {
        const struct trace_record *record = trace_get(trace, i);
        mark(picture, record);
        if (span_read(trace, i, &span)) {
            draw_to(picture, span.start, LANE_MONITOR);
            draw_to(picture, span.end, span.lane);
        }
        if (picture->columns == LANES_COLUMNS && record->host >= window_end(picture))
            return true;
    }
    return picture->columns == LANES_COLUMNS && first + WINDOW_RECORDS_MAX > kept;
}

// How much there is to see. A run is a stretch of columns with one owner; runs of a single column flicker and count
// against the picture, and more than a dozen runs are too many to follow.
static int score(const struct picture *picture)
{
    bool present[LANE_COUNT] = { false };
    int runs = 0, flicker = 0, lanes = 0, due = 0, injected = 0;

    for (unsigned c = 0, length = 0; c < LANES_COLUMNS; c++) {
        length++;
        due |= picture->due[c];
        injected |= picture->injected[c];
        if (c + 1 < LANES_COLUMNS && picture->lane[c + 1] == picture->lane[c])
            continue;
        runs++;
        flicker += length == 1;
        present[picture->lane[c]] |= length > 1;
        length = 0;
    }
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        lanes += present[lane];
    return 8 * lanes + 2 * (runs <= 12 ? runs : 24 - runs) - 2 * flicker + 5 * injected + 3 * due;
}

// Column widths 1, 2, 5, 10, 20, 50, ... cycles.
static uint64_t scale_at(unsigned index)
{
    static const uint64_t steps[3] = { 1, 2, 5 };
    uint64_t scale = steps[index % 3];

    for (; index >= 3; index -= 3)
        scale *= 10;
    return scale;
}

static bool is_interesting(const struct trace_record *record)
{
    return record && (record->kind == TRACE_HOST || record->kind == TRACE_INJECT || record->kind == TRACE_IDLE);
}

// Tries windows that begin at record `first`, in all scales; keeps the best in *first_best and *scale_best.
static void try_start(const struct trace *trace, uint64_t first, struct picture *work, int *best, uint64_t *first_best,
                      uint64_t *scale_best)
{
    for (unsigned s = 0; s < SCALES_MAX; s++) {
        if (!draw_window(trace, first, scale_at(s), work))
            continue;
        int points = score(work);
        if (points >= *best) {
            *best = points;
            *first_best = first;
            *scale_best = scale_at(s);
        }
    }
}

// The best window, drawn. Starts are spread over the whole trace and, while the allowance lasts, lie shortly before
// what is rare. Later windows win ties.
static bool choose_window(const struct trace *trace, struct picture *picture)
{
    uint64_t kept = trace_kept(trace), stride = kept / (CANDIDATES_MAX / 2) + 1, first = 0, scale = 0;
    unsigned rare_left = CANDIDATES_MAX / 2;
    struct lane_span span;
    int best = -1000;

    for (uint64_t i = 0; i < kept; i++) {
        bool rare = rare_left > 0 && is_interesting(trace_get(trace, i + CANDIDATE_LEAD));
        if ((i % stride != 0 && !rare) || !span_read(trace, i, &span))
            continue;
        rare_left -= rare;
        try_start(trace, i, picture, &best, &first, &scale);
    }
    return scale != 0 && draw_window(trace, first, scale, picture);
}

// Is one of the columns' cells `what`: an owner, or a mark?
static bool has(const void *cells, uint8_t what)
{
    return memchr(cells, what, LANES_COLUMNS) != NULL;
}

// A row "  X ....": the letter where the cell is `what`, and nothing after the last of them.
static void draw_row(const void *cells, uint8_t what, char letter, void (*out)(void *ctx, const char *line), void *ctx)
{
    const uint8_t *cell = cells;
    char line[LINE_BYTES];
    size_t end = LABEL_BYTES - 1;

    memset(line, ' ', sizeof(line));
    line[LABEL_BYTES - 2] = letter;
    for (unsigned c = 0; c < LANES_COLUMNS; c++) {
        if (cell[c] != what)
            continue;
        line[LABEL_BYTES + c] = letter;
        end = LABEL_BYTES + c + 1;
    }
    line[end] = '\0';
    out(ctx, line);
}

static void ruler(char line[LINE_BYTES])
{
    memset(line, ' ', LABEL_BYTES);
    for (unsigned c = 0; c < LANES_COLUMNS; c++)
        line[LABEL_BYTES + c] = c % 10 == 0 ? '|' : '-';
    line[LINE_BYTES - 1] = '\0';
}

static void draw_rows(const struct picture *picture, void (*out)(void *ctx, const char *line), void *ctx)
{
    char line[LINE_BYTES];

    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        if (lane != LANE_IDLE || has(picture->lane, LANE_IDLE))
            draw_row(picture->lane, (uint8_t)lane, lane_letters[lane], out, ctx);
    }
    ruler(line);
    out(ctx, line);
    if (has(picture->due, true))
        draw_row(picture->due, true, '^', out, ctx);
    if (has(picture->injected, true))
        draw_row(picture->injected, true, '!', out, ctx);
}

void lanes_draw(const struct trace *trace, void (*out)(void *ctx, const char *line), void *ctx)
{
    struct picture picture;
    char line[LINE_BYTES];

    if (!choose_window(trace, &picture)) {
        out(ctx, "lanes: the trace is too short to draw");
        return;
    }
    format(line, sizeof(line), "lanes: one column = %lu cycles, from counter %lu to %lu", picture.column_cycles,
           picture.start, window_end(&picture));
    out(ctx, line);
    draw_rows(&picture, out, ctx);
    out(ctx, "    H  other work of the host        M  the monitor working for this guest");
    out(ctx, has(picture.lane, LANE_IDLE)
                 ? "    G  the guest itself              I  the guest halted, the host waits"
                 : "    G  the guest itself");
    if (has(picture.due, true) || has(picture.injected, true))
        out(ctx, "    ^  a timer came due              !  an interrupt was injected");
}
