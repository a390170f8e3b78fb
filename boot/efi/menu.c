// SPDX-License-Identifier: MIT
// Reads escapement.cfg: see menu.h. Called by main.c with the file, and natively by its test with damaged ones.
#include "boot/efi/menu.h"

#include <string.h>

struct reader {
    struct menu           *menu;
    struct menu_complaint *complaint;
    uint32_t               line;
    bool                   inside; // an entry's braces
    struct menu_entry     *entry;  // that they are of; null: one too many
};

static void complain(struct reader *reader, const char *what)
{
    if (reader->complaint->line == 0)
        *reader->complaint = (struct menu_complaint){ reader->line, what };
    if (reader->inside && reader->entry != NULL && reader->entry->wrong_line == 0)
        reader->entry->wrong_line = reader->line;
}

static bool is(const char *word, const char *other)
{
    size_t length = strlen(word);
    return length == strlen(other) && memcmp(word, other, length) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

// Takes a word or a string in quotes off *at, ends it with a null and returns it.
static char *take_word(char **at)
{
    char *word = skip_blanks(*at), quote = *word;
    bool quoted = quote == '"' || quote == '\'';
    if (quoted)
        word++;
    char *end = word;
    while (*end != '\0' && (quoted ? *end != quote : !is_blank(*end)))
        end++;
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

// The rest of the line without blanks around it.
static char *take_rest(char *at)
{
    at = skip_blanks(at);
    char *end = at + strlen(at);
    while (end > at && is_blank(end[-1]))
        end--;
    *end = '\0';
    return at;
}

// Digits at *at; UINT32_MAX: none, or too many.
static uint32_t take_number(const char **at)
{
    uint32_t number = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (number > 100000)
            return UINT32_MAX;
        number = number * 10 + (uint32_t)(**at - '0');
    }
    return *at == start ? UINT32_MAX : number;
}

static bool set_number(const char *value, uint32_t *out)
{
    uint32_t number = take_number(&value);
    if (number == UINT32_MAX || *value != '\0')
        return false;
    *out = number;
    return true;
}

// GRUB's gfxmode is a list; the first of it counts, and nothing of what follows WIDTHxHEIGHT.
static bool set_mode(struct menu *menu, const char *value)
{
    if (strlen(value) >= 4 && memcmp(value, "auto", 4) == 0 && (value[4] == '\0' || value[4] == ','))
        return true;
    uint32_t width = take_number(&value);
    if (width == UINT32_MAX || *value++ != 'x')
        return false;
    uint32_t height = take_number(&value);
    if (height == UINT32_MAX || (*value != '\0' && *value != ',' && *value != 'x'))
        return false;
    menu->width = width;
    menu->height = height;
    return true;
}

static void read_set(struct reader *reader, char *rest)
{
    char *name = take_word(&rest), *value = memchr(name, '=', strlen(name));
    bool known = value != NULL;
    if (known) {
        *value++ = '\0';
        value = take_word(&value);
        if (is(name, "timeout"))
            known = set_number(value, &reader->menu->timeout_s);
        else if (is(name, "default"))
            known = set_number(value, &reader->menu->chosen);
        else if (is(name, "gfxmode"))
            known = set_mode(reader->menu, value);
        else
            known = is(name, "gfxpayload"); // GRUB's alone
    }
    if (!known)
        complain(reader, "set knows timeout=SECONDS, default=NUMBER and gfxmode=WIDTHxHEIGHT");
}

static void end_entry(struct reader *reader)
{
    if (reader->entry != NULL && reader->entry->count == 0) {
        complain(reader, "the entry before this line starts nothing");
        reader->menu->entry_count--;
    }
    reader->inside = false;
    reader->entry = NULL;
}

static void begin_entry(struct reader *reader, char *rest)
{
    struct menu *menu = reader->menu;
    char *title = take_word(&rest);
    if (reader->inside) {
        complain(reader, "a menuentry inside an entry: is the } before it missing?");
        end_entry(reader);
    }
    reader->inside = true;
    if (menu->entry_count == MENU_ENTRIES_MAX) {
        complain(reader, "too many entries");
        return;
    }
    reader->entry = &menu->entries[menu->entry_count++];
    *reader->entry = (struct menu_entry){ title, menu->file_count, 0, 0 };
    if (*skip_blanks(rest) != '{')
        complain(reader, "menuentry wants a title in quotes and a {");
}

static void add_file(struct reader *reader, char *rest, bool is_monitor)
{
    struct menu *menu = reader->menu;
    struct menu_entry *entry = reader->entry;
    if (entry == NULL)
        return; // of an entry too many
    if (is_monitor != (entry->count == 0)) {
        complain(reader, "an entry has one multiboot2, and it comes first");
        return;
    }
    if (menu->file_count == MENU_FILES_MAX) {
        complain(reader, "too many files");
        return;
    }
    char *path = take_word(&rest);
    if (*path == '\0') {
        complain(reader, "the name of the file is missing");
        return;
    }
    menu->files[menu->file_count++] = (struct menu_file){ path, take_rest(rest) };
    entry->count++;
}

static void read_line(struct reader *reader, char *line)
{
    char *rest = line, *word = skip_blanks(line);
    if (*word == '\0' || *word == '#')
        return;
    word = take_word(&rest);
    if (is(word, "set"))
        read_set(reader, rest);
    else if (is(word, "menuentry"))
        begin_entry(reader, rest);
    else if (is(word, "}") && reader->inside)
        end_entry(reader);
    else if (reader->inside && is(word, "multiboot2"))
        add_file(reader, rest, true);
    else if (reader->inside && is(word, "module2"))
        add_file(reader, rest, false);
    else
        complain(reader, "not understood: set, menuentry, multiboot2, module2 and } are");
}

bool menu_parse(char *text, size_t size, struct menu *menu, struct menu_complaint *complaint)
{
    struct reader reader = { .menu = menu, .complaint = complaint };
    memset(menu, 0, sizeof(*menu));
    *complaint = (struct menu_complaint){ 0, "" };
    menu->timeout_s = 10;
    text[size] = '\0';
    for (char *line = text; line < text + size;) {
        char *end = memchr(line, '\n', (size_t)(text + size - line));
        if (end == NULL)
            end = text + size;
        *end = '\0';
        reader.line++;
        read_line(&reader, line);
        line = end + 1;
    }
    if (reader.inside) {
        complain(&reader, "the last entry has no }");
        end_entry(&reader);
    }
    if (menu->chosen >= menu->entry_count)
        menu->chosen = 0;
    return menu->entry_count != 0;
}
