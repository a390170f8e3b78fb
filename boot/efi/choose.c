// SPDX-License-Identifier: MIT
// Shows the menu and waits (UEFI 2.10, 12.3 and 12.4): see choose.h. Called by main.c.
#include "boot/efi/choose.h"

#define TICK_100NS    1000000 // the count-down is looked at every 100 ms
#define TICKS_A_S     10
#define ROWS_AROUND   5 // title, help and count-down
#define ROWS_DEFAULT  25
#define COLUMNS_MAX   76
#define GREY_ON_BLACK (EFI_LIGHTGRAY | EFI_BACKGROUND_BLACK)
#define BLACK_ON_GREY (EFI_BLACK | EFI_BACKGROUND_LIGHTGRAY)

struct view {
    uint32_t first, rows, chosen;
};

// A key, or false after a tick without one.
static bool wait_key(EFI_INPUT_KEY *key)
{
    EFI_EVENT tick;
    EFI_EVENT events[2] = { ST->ConIn->WaitForKey };
    UINTN which = 1;
    if (EFI_ERROR(BS->CreateEvent(EVT_TIMER, 0, NULL, NULL, &tick)))
        return false;
    events[1] = tick;
    BS->SetTimer(tick, TimerRelative, TICK_100NS);
    BS->WaitForEvent(2, events, &which);
    BS->CloseEvent(tick);
    return which == 0 && !EFI_ERROR(ST->ConIn->ReadKeyStroke(ST->ConIn, key));
}

bool choose_wait(uint32_t seconds)
{
    EFI_INPUT_KEY key;
    for (uint32_t ticks = seconds * TICKS_A_S; ticks != 0; ticks--) {
        if (wait_key(&key))
            return key.ScanCode != SCAN_ESC;
    }
    return false;
}

static void draw_entry(const struct menu *menu, const struct view *view, uint32_t i)
{
    char title[COLUMNS_MAX + 1];
    unsigned used = 0;
    for (const char *from = menu->entries[i].title; *from != '\0' && used < COLUMNS_MAX; from++)
        title[used++] = *from;
    title[used] = '\0';
    ST->ConOut->SetAttribute(ST->ConOut, i == view->chosen ? BLACK_ON_GREY : GREY_ON_BLACK);
    Print((CHAR16 *)L" %c %a\n", i == view->chosen ? L'>' : L' ', title);
}

static void draw(const struct menu *menu, struct view *view)
{
    if (view->chosen < view->first)
        view->first = view->chosen;
    if (view->chosen >= view->first + view->rows)
        view->first = view->chosen - view->rows + 1;
    ST->ConOut->SetAttribute(ST->ConOut, GREY_ON_BLACK);
    ST->ConOut->ClearScreen(ST->ConOut);
    Print((CHAR16 *)L" Escapement: %d entries; arrows choose, Enter starts\n\n", menu->entry_count);
    for (uint32_t i = view->first; i < menu->entry_count && i < view->first + view->rows; i++)
        draw_entry(menu, view, i);
    ST->ConOut->SetAttribute(ST->ConOut, GREY_ON_BLACK);
    Print((CHAR16 *)L"\n");
}

// True when the key starts the entry.
static bool obey(const struct menu *menu, struct view *view, const EFI_INPUT_KEY *key)
{
    uint32_t last = menu->entry_count - 1;
    if (key->UnicodeChar == CHAR_CARRIAGE_RETURN || key->UnicodeChar == CHAR_LINEFEED)
        return true;
    switch (key->ScanCode) {
    case SCAN_UP: view->chosen -= view->chosen != 0; break;
    case SCAN_DOWN: view->chosen += view->chosen != last; break;
    case SCAN_PAGE_UP: view->chosen -= view->chosen < view->rows ? view->chosen : view->rows; break;
    case SCAN_PAGE_DOWN: view->chosen += last - view->chosen < view->rows ? last - view->chosen : view->rows; break;
    case SCAN_HOME: view->chosen = 0; break;
    case SCAN_END: view->chosen = last; break;
    default: break;
    }
    return false;
}

static uint32_t console_rows(void)
{
    UINTN columns = 0, rows = 0;
    if (EFI_ERROR(ST->ConOut->QueryMode(ST->ConOut, (UINTN)ST->ConOut->Mode->Mode, &columns, &rows)) ||
        rows <= ROWS_AROUND)
        rows = ROWS_DEFAULT;
    return (uint32_t)rows - ROWS_AROUND;
}

uint32_t choose_entry(const struct menu *menu, uint32_t timeout_s)
{
    struct view view = { .rows = console_rows(), .chosen = menu->chosen };
    uint32_t ticks = timeout_s * TICKS_A_S;
    bool counting = true;
    EFI_INPUT_KEY key;
    draw(menu, &view);
    while (!counting || ticks != 0) {
        if (counting && ticks % TICKS_A_S == 0)
            Print((CHAR16 *)L"\r started by itself in %d s ", ticks / TICKS_A_S);
        if (wait_key(&key)) {
            counting = false;
            if (obey(menu, &view, &key))
                break;
            draw(menu, &view);
        }
        ticks -= counting;
    }
    Print((CHAR16 *)L"\n");
    return view.chosen;
}
