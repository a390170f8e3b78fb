// SPDX-License-Identifier: MIT
// The words that describe a VM and the monitor: text in, struct out. vmm/main.c calls it once a line, before a VM
// exists. Pure. A line is refused as a whole, with one sentence; nothing is guessed and nothing is ignored.
//
// Every word has a row in a table; parse_line() reads a line against a table into an array of values with the same
// indices, and the two public functions move those values into their structs and check what belongs together.
#include "vmm/config.h"
#include "vmm/config_value.h"
#include "vmm/base/format.h"
#include <string.h>

struct value {
    bool given;
    uint64_t number;
    struct text text;
};

enum {
    VM_NAME, VM_KERNEL, VM_MEM, VM_VCPUS, VM_CLOCK, VM_IDLE, VM_TICK, VM_LIMIT, VM_RTC, VM_ORACLE, VM_LANES,
    VM_HYPERVISOR, VM_DELIVERY, VM_MARGIN, VM_COUNTER_HZ, VM_TESTDEV, VM_SCREEN,
    VM_WORDS
};
enum {
    MONITOR_LOG, MONITOR_NOISE, MONITOR_ALARM_ERROR, MONITOR_REPORT, MONITOR_COUNTER, MONITOR_SCREEN, MONITOR_CARD,
    MONITOR_RESULTS, MONITOR_RUN,
    MONITOR_WORDS
};
#define WORDS_MAX  VM_WORDS
#define COUNTER_HZ_MIN UINT64_C(10000000)
#define COUNTER_HZ_MAX UINT64_C(10000000000)

// The choices stand in the order of their enums in time/.
static const struct word vm_words[VM_WORDS] = {
    [VM_NAME] = { "vm", WORD_NAME, "1 to 31 letters, digits, _ or -" },
    [VM_KERNEL] = { "kernel", WORD_TEXT, "1 to 63 printable characters" },
    [VM_MEM] = { "mem", WORD_SIZE, "1M to 2G in steps of 4K, such as 64M" },
    [VM_VCPUS] = { "vcpus", WORD_NUMBER, "1" },
    [VM_CLOCK] = { "clock", WORD_CHOICE, "guest|guest+emu|wall" },
    [VM_IDLE] = { "idle", WORD_CHOICE, "warp|real|freeze" },
    [VM_TICK] = { "tick", WORD_CHOICE, "hardware|delay|catchup|merge|discard" },
    [VM_LIMIT] = { "limit", WORD_DURATION, "a time such as 10s or 500ms, or 0 for none" },
    [VM_RTC] = { "rtc", WORD_OFFSET, "utc|localtime|variable:SECONDS" },
    [VM_ORACLE] = { "oracle", WORD_CHOICE, "off|on" },
    [VM_LANES] = { "lanes", WORD_CHOICE, "off|on" },
    [VM_HYPERVISOR] = { "hypervisor", WORD_CHOICE, "kvm|none" },
    [VM_DELIVERY] = { "delivery", WORD_CHOICE, "alarm|exact" },
    [VM_MARGIN] = { "margin", WORD_NUMBER, "1 to 1000000 cycles" },
    [VM_SCREEN] = { "screen", WORD_CHOICE, "off|follow" },
    [VM_COUNTER_HZ] = { "counter_hz", WORD_NUMBER, "10000000 to 10000000000 in steps of 1000" },
    [VM_TESTDEV] = { "testdev", WORD_CHOICE, "off|on" },
};

static const struct word monitor_words[MONITOR_WORDS] = {
    [MONITOR_LOG] = { "log", WORD_CHOICE, "com1|com2" },
    [MONITOR_NOISE] = { "noise", WORD_NUMBER, "a whole number, the seed" },
    [MONITOR_ALARM_ERROR] = { "alarm_error", WORD_SIGNED, "-1000000 to 1000000 cycles" },
    [MONITOR_REPORT] = { "report", WORD_CHOICE, "off|on" },
    [MONITOR_COUNTER] = { "counter", WORD_CHOICE, "said|measured" },
    [MONITOR_SCREEN] = { "screen", WORD_CHOICE, "off|on" },
    [MONITOR_CARD] = { "card", WORD_CHOICE, "off|on|only" },
    [MONITOR_RESULTS] = { "results", WORD_NUMBER, "an address, which our loader says" },
    [MONITOR_RUN] = { "run", WORD_NUMBER, "a number, which our loader says" },
};

struct vocabulary {
    const struct word *words;
    size_t count;
    const char *owner; // "a VM", "the monitor": whose words they are
};

static const struct vocabulary vm_vocabulary = { vm_words, VM_WORDS, "a VM" };
static const struct vocabulary monitor_vocabulary = { monitor_words, MONITOR_WORDS, "the monitor" };

// What the counter is called on a PC.
#define COUNTER_HZ_ALIAS "tsc_hz"

static const struct word *find_word(const struct vocabulary *vocabulary, struct text name)
{
    if (vocabulary == &vm_vocabulary && text_is(name, COUNTER_HZ_ALIAS))
        return &vm_words[VM_COUNTER_HZ];
    for (size_t i = 0; i < vocabulary->count; i++) {
        if (text_is(name, vocabulary->words[i].name))
            return &vocabulary->words[i];
    }
    return NULL;
}

// The word whose values this one takes, too, and gives to it; or null.
static const struct word *others(const struct word *word)
{
    return word == &vm_words[VM_CLOCK] ? &vm_words[VM_RTC] : NULL;
}

static bool refuse_unknown(struct text name, const struct vocabulary *own, struct refusal *refusal)
{
    const struct vocabulary *other = own == &vm_vocabulary ? &monitor_vocabulary : &vm_vocabulary;
    const char *nearest = own->words[0].name;

    if (find_word(other, name))
        return REFUSAL(refusal, "\"%s\" is a word for %s, not for %s", text_quote(name).text, other->owner, own->owner);
    for (size_t i = 1; i < own->count; i++) {
        if (text_distance(name, own->words[i].name) < text_distance(name, nearest))
            nearest = own->words[i].name;
    }
    return REFUSAL(refusal, "unknown word \"%s\"; the nearest known word is \"%s\"", text_quote(name).text, nearest);
}

static bool refuse_value(const struct word *word, struct text text, struct refusal *refusal)
{
    return REFUSAL(refusal, "%s=%s is not possible; allowed: %s%s%s", word->name, text_quote(text).text, word->allowed,
                   others(word) ? "|" : "", others(word) ? others(word)->allowed : "");
}

// One "name=value" of the line into its place.
static bool parse_word(struct text text, const struct vocabulary *vocabulary, struct value *values,
                       struct refusal *refusal)
{
    struct text name = text_until(text, '=');
    const struct word *word = find_word(vocabulary, name);

    if (!word)
        return refuse_unknown(name, vocabulary, refusal);
    if (name.length == text.length)
        return REFUSAL(refusal, "\"%s\" has no value; write %s=VALUE, allowed: %s%s%s", word->name, word->name,
                       word->allowed, others(word) ? "|" : "", others(word) ? others(word)->allowed : "");
    struct text right = { text.at + name.length + 1, text.length - name.length - 1 };
    uint64_t number;
    if (others(word) && value_parse(others(word), right, &number))
        word = others(word);
    struct value *value = &values[word - vocabulary->words];
    struct value old = *value;
    *value = (struct value){ .given = true, .text = right };
    if (!value_parse(word, right, &value->number))
        return refuse_value(word, right, refusal);
    if (old.given && !text_equal(old.text, right))
        return REFUSAL(refusal, "%s is given twice: %s=%s and %s=%s", word->name, word->name, text_quote(old.text).text,
                       word->name, text_quote(right).text);
    return true;
}

// All words up to " -- " or the end. *behind is what follows it, or null.
static bool parse_line(const char *line, const struct vocabulary *vocabulary, struct value *values, const char **behind,
                       struct refusal *refusal)
{
    *behind = NULL;
    for (;;) {
        while (text_blank(*line))
            line++;
        if (*line == '\0')
            return true;
        struct text text = { line, 0 };
        while (line[text.length] != '\0' && !text_blank(line[text.length]))
            text.length++;
        line += text.length;
        if (text_is(text, "--")) {
            *behind = *line == '\0' ? line : line + 1;
            return true;
        }
        if (!parse_word(text, vocabulary, values, refusal))
            return false;
    }
}

static uint64_t number_or(const struct value *value, uint64_t otherwise)
{
    return value->given ? value->number : otherwise;
}

// Guests may be told their rate in kHz, too.
static bool counter_hz_possible(const struct value *value)
{
    uint64_t hz = value->number;
    return !value->given || (hz >= COUNTER_HZ_MIN && hz <= COUNTER_HZ_MAX && hz % 1000 == 0);
}

// What each word allows by itself was checked; here is what only the numbers' ranges and other words decide.
static bool check_vm(const struct value *values, struct refusal *refusal)
{
    uint64_t mem = number_or(&values[VM_MEM], 64 * MIB);
    uint64_t clock = number_or(&values[VM_CLOCK], CLOCK_GUEST);
    const char *idle = values[VM_IDLE].number == IDLE_WARP ? "warp" : "freeze";

    if (mem < MIB || mem > 2 * GIB || mem % PAGE_SIZE != 0)
        return refuse_value(&vm_words[VM_MEM], values[VM_MEM].text, refusal);
    if (!counter_hz_possible(&values[VM_COUNTER_HZ]))
        return refuse_value(&vm_words[VM_COUNTER_HZ], values[VM_COUNTER_HZ].text, refusal);
    if (number_or(&values[VM_VCPUS], 1) != 1)
        return refuse_value(&vm_words[VM_VCPUS], values[VM_VCPUS].text, refusal);
    if (values[VM_RTC].given && text_is(values[VM_RTC].text, "localtime"))
        return REFUSAL(refusal, "rtc=localtime: this host does not know its zone; write rtc=variable:SECONDS, the "
                                "distance from UTC, as tools/run does");
    if (clock == CLOCK_WALL && values[VM_IDLE].given && values[VM_IDLE].number != IDLE_REAL)
        return REFUSAL(refusal, "clock=wall and idle=%s contradict each other: a wall clock neither jumps nor stops; "
                                "write idle=real", idle);
    return true;
}

// What the words say about how a deadline is met.
static bool check_delivery(const struct value *values, struct refusal *refusal)
{
    uint64_t margin = number_or(&values[VM_MARGIN], 1);
    bool exact = values[VM_DELIVERY].number == DELIVERY_EXACT;

    if (margin == 0 || margin > CONFIG_ALARM_MAX)
        return refuse_value(&vm_words[VM_MARGIN], values[VM_MARGIN].text, refusal);
    if (values[VM_MARGIN].given && !exact)
        return REFUSAL(refusal, "margin= says where the single steps of delivery=exact begin: write delivery=exact, "
                                "too");
    if (exact && values[VM_CLOCK].number == CLOCK_WALL)
        return REFUSAL(refusal, "clock=wall and delivery=exact contradict each other: a wall clock goes on while the "
                                "monitor steps the guest; write delivery=alarm");
    return true;
}

static bool copy_cmdline(const char *behind, struct vm_config *out, struct refusal *refusal)
{
    struct text text = { behind, 0 };

    while (text_blank(*text.at))
        text.at++;
    text.length = strlen(text.at);
    while (text.length > 0 && text_blank(text.at[text.length - 1]))
        text.length--;
    if (text.length >= sizeof(out->cmdline))
        return REFUSAL(refusal, "the guest's command line has %lu characters; at most %lu fit", text.length,
                       sizeof(out->cmdline) - 1);
    text_copy(out->cmdline, text);
    return true;
}

bool config_parse_vm(const char *line, struct vm_config *out, struct refusal *refusal)
{
    struct value values[WORDS_MAX] = { { .given = false } };
    const char *behind;

    memset(out, 0, sizeof(*out));
    if (!parse_line(line, &vm_vocabulary, values, &behind, refusal) || !check_vm(values, refusal) ||
        !check_delivery(values, refusal))
        return false;
    text_copy(out->name, values[VM_NAME].given ? values[VM_NAME].text : (struct text){ "guest", 5 });
    if (values[VM_KERNEL].given)
        text_copy(out->kernel, values[VM_KERNEL].text);
    out->mem_bytes = number_or(&values[VM_MEM], 64 * MIB);
    out->vcpus = 1;
    out->clock = (enum clock_policy)number_or(&values[VM_CLOCK], CLOCK_GUEST);
    out->idle = (enum idle_rule)number_or(&values[VM_IDLE], out->clock == CLOCK_WALL ? IDLE_REAL : IDLE_WARP);
    out->tick = (enum tick_policy)number_or(&values[VM_TICK], out->clock == CLOCK_WALL ? TICK_CATCHUP : TICK_HARDWARE);
    out->limit_ms = number_or(&values[VM_LIMIT], 0);
    out->rtc_offset_s = (int64_t)number_or(&values[VM_RTC], 0);
    out->oracle = number_or(&values[VM_ORACLE], 1) != 0;
    out->follow = number_or(&values[VM_SCREEN], 0) != 0;
    out->lanes = number_or(&values[VM_LANES], 1) != 0;
    out->delivery = (enum delivery_mode)number_or(&values[VM_DELIVERY], DELIVERY_ALARM);
    out->margin_cycles = (uint32_t)number_or(&values[VM_MARGIN], 0);
    out->bare = number_or(&values[VM_HYPERVISOR], 0) != 0;
    out->testdev = number_or(&values[VM_TESTDEV], 0) != 0;
    out->counter_hz = number_or(&values[VM_COUNTER_HZ], 0);
    return behind == NULL || copy_cmdline(behind, out, refusal);
}

bool config_parse_monitor(const char *line, struct monitor_config *out, struct refusal *refusal)
{
    struct value values[WORDS_MAX] = { { .given = false } };
    const char *behind = NULL;

    memset(out, 0, sizeof(*out));
    bool understood = parse_line(line, &monitor_vocabulary, values, &behind, refusal);
    if (behind != NULL)
        understood = REFUSAL(refusal, "\" -- \" belongs to a VM's line, not to the monitor's");
    int64_t error = (int64_t)number_or(&values[MONITOR_ALARM_ERROR], 0);
    if (error < -CONFIG_ALARM_MAX || error > CONFIG_ALARM_MAX) {
        understood = refuse_value(&monitor_words[MONITOR_ALARM_ERROR], values[MONITOR_ALARM_ERROR].text, refusal);
        error = 0;
    }
    out->log_com = (uint8_t)(1 + number_or(&values[MONITOR_LOG], 0));
    out->noise = values[MONITOR_NOISE].given;
    out->alarm_error_cycles = (int32_t)error;
    out->noise_seed = values[MONITOR_NOISE].number;
    out->counter_measured = number_or(&values[MONITOR_COUNTER], 0) != 0;
    out->card = (enum card_wish)number_or(&values[MONITOR_CARD], CARD_OFF);
    out->screen = number_or(&values[MONITOR_SCREEN], 0) != 0;
    out->results = number_or(&values[MONITOR_RESULTS], 0);
    out->run = number_or(&values[MONITOR_RUN], 0);
    out->report = number_or(&values[MONITOR_REPORT], 1) != 0;
    return understood;
}
