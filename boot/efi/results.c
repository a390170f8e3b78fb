// SPDX-License-Identifier: MIT
// The results of a run, over a reset: see results.h. Called by main.c. What a guest has arranged in memory is never
// written to the partition: it cannot know the number of a run, which running.txt alone has beside the monitor.
#include "boot/efi/results.h"

#include "boot/efi/choose.h"
#include "boot/efi/disk.h"
#include "boot/efi/memorymap.h"
#include "boot/efi/monitor.h"
#include "vmm/base/format.h"
#include "vmm/base/remains.h"

#define RUNNING_PATH  "/running.txt"
#define RESULTS_PATH  "/results.txt"
#define RUNNING_BYTES 512u
#define TEXT_BYTES    (REMAINS_BYTES + 512u)
#define PAGE_LINES    20u
#define PAGE_S        30u
#define ALIGNMENT     (UINT64_C(2) << 20)
#define CHANCE        100000u // so many runs could have begun in one second

static const char running_text[] = "A run of Escapement was started here. What it says is kept in memory, and becomes\n"
                                   "results.txt when this machine is reset and starts from this partition again.\n";
static const char place_format[] = "address=%lu run=%lu\n";

// --- where -----------------------------------------------------------------------------------------------------------

static uint64_t own; // the place of the run that begins; 0: none

// The start of the largest free piece, a little inside: the firmware takes its memory from the other end, and a guest
// wants as much as there is in one piece. It is looked for before anything is loaded, so that it is the same at each
// start as long as the firmware does the same.
static uint64_t choose_address(void)
{
    struct memorymap map;
    const EFI_MEMORY_DESCRIPTOR *range;
    uint64_t start = 0, bytes = 0;
    if (!memorymap_init(&map))
        return 0;
    for (UINTN i = 0; (range = memorymap_at(&map, i)) != NULL; i++) {
        uint64_t size = range->NumberOfPages * EFI_PAGE_SIZE;
        bool within = range->PhysicalStart < firmware_memory_end && size <= firmware_memory_end - range->PhysicalStart;
        if (range->Type == EfiConventionalMemory && within && size > bytes) {
            start = range->PhysicalStart;
            bytes = size;
        }
    }
    memorymap_free(&map);
    return bytes >= 4 * ALIGNMENT ? (start + 2 * ALIGNMENT - 1) & -ALIGNMENT : 0;
}

// The firmware's word that nobody uses this memory. What is in it stays.
static bool claim(uint64_t address)
{
    EFI_PHYSICAL_ADDRESS at = address;
    return address != 0 && address % EFI_PAGE_SIZE == 0 &&
           !EFI_ERROR(BS->AllocatePages(AllocateAddress, monitor_kept_type, EFI_SIZE_TO_PAGES(REMAINS_BYTES), &at));
}

// --- the run before --------------------------------------------------------------------------------------------------

// The decimal after `word`; 0 if there is none.
static uint64_t number_after(const char *text, const char *word)
{
    for (; *text != '\0'; text++) {
        const char *at = text, *w = word;
        uint64_t number = 0;
        while (*w != '\0' && *at == *w) {
            at++;
            w++;
        }
        if (*w != '\0')
            continue;
        for (; *at >= '0' && *at <= '9'; at++)
            number = number * 10 + (uint64_t)(*at - '0');
        return number;
    }
    return 0;
}

// False: no run was begun.
static bool read_running(struct results_place *place)
{
    struct file file;
    if (disk_read(RUNNING_PATH, RUNNING_BYTES, &file) != NULL)
        return false;
    const char *text = (const char *)(uintptr_t)file.address;
    *place = (struct results_place){ number_after(text, "address="), number_after(text, "run=") };
    firmware_free(file.address, file.size + 1);
    return true;
}

// A page without a key is the last: the machine may stand alone.
static void show_pages(const char *text)
{
    char line[200];
    for (unsigned lines = 1; *text != '\0'; lines++) {
        size_t used = 0;
        for (; *text != '\0' && *text != '\n'; text++) {
            if (used < sizeof(line) - 1)
                line[used++] = *text >= ' ' && *text <= '~' ? *text : '?';
        }
        line[used] = '\0';
        text += *text == '\n';
        Print((CHAR16 *)L"%a\n", line);
        if (lines % PAGE_LINES == 0 || *text == '\0') {
            Print((CHAR16 *)L"-- a key for the next page; Esc, or %d seconds, to go on --\n", PAGE_S);
            if (!choose_wait(PAGE_S))
                return;
        }
    }
}

// The text of a run, with a zero after it; 0 bytes: nothing is valid.
static size_t compose(const struct results_place *place, char *text)
{
    static const char seen_text[] = "\nThe last that was seen while a guest ran:\n";
    size_t head = format(text, 200, "Escapement, run %lu: what the monitor said until the reset.\n\n", place->run);
    size_t snapshot_at, bytes = remains_read((void *)(uintptr_t)place->address, place->run, text + head, &snapshot_at);
    if (bytes == 0)
        return 0;
    char *snapshot = text + head + snapshot_at;
    size_t rest = bytes - snapshot_at;
    CopyMem(snapshot + sizeof(seen_text) - 1, snapshot, rest);
    CopyMem(snapshot, seen_text, sizeof(seen_text) - 1);
    snapshot[sizeof(seen_text) - 1 + rest] = '\0';
    return head + bytes + sizeof(seen_text) - 1;
}

// Without running.txt, on a medium that cannot be written, nothing says which run it was: what is shown is the place's.
static void collect(struct results_place *place, bool marked, char *text)
{
    if (!marked)
        place->run = remains_run((const void *)(uintptr_t)place->address);
    size_t bytes = place->run != 0 ? compose(place, text) : 0;
    if (bytes == 0 && marked)
        firmware_say("the firmware has cleared the memory that the last run's results were kept in, or the power was "
                     "off: they are lost", NULL);
    if (bytes == 0)
        return;
    const char *wrong = marked ? disk_write(RESULTS_PATH, text, bytes) : "it was begun without running.txt";
    if (wrong == NULL) {
        firmware_say("the results of the last run are now in results.txt, on the partition", NULL);
        return;
    }
    firmware_say(wrong, RESULTS_PATH);
    firmware_say("so the results of the last run are shown here:", NULL);
    show_pages(text);
}

void results_collect(void)
{
    struct results_place place = { 0, 0 };
    uint64_t address = choose_address(), text = firmware_pages(TEXT_BYTES);
    bool marked = read_running(&place);
    own = claim(address) ? address : 0;
    if (!marked)
        place.address = own;
    bool another = place.address != own && claim(place.address);
    if (text != 0 && place.address != 0 && (another || place.address == own)) {
        collect(&place, marked, (char *)(uintptr_t)text);
        disk_delete(RUNNING_PATH);
        SetMem((void *)(uintptr_t)place.address, REMAINS_BYTES, 0); // never a second time
    } else if (marked) {
        firmware_say("the firmware now uses the memory that the last run's results were kept in: they are lost", NULL);
        disk_delete(RUNNING_PATH);
    }
    if (another)
        firmware_free(place.address, REMAINS_BYTES);
    firmware_free(text, TEXT_BYTES);
}

// --- the run that begins ---------------------------------------------------------------------------------------------

// The time as a person writes it, then what nobody can guess.
static uint64_t run_number(void)
{
    EFI_TIME t;
    UINT64 counter = 0;
    if (EFI_ERROR(RT->GetTime(&t, NULL)))
        SetMem(&t, sizeof(t), 0);
    BS->GetNextMonotonicCount(&counter);
    uint64_t date = (t.Year * UINT64_C(100) + t.Month) * 100 + t.Day;
    uint64_t time = (t.Hour * UINT64_C(100) + t.Minute) * 100 + t.Second;
    return (date * 1000000 + time) * CHANCE + (monitor_counter() + counter) % (CHANCE - 1) + 1;
}

void results_prepare(struct results_place *place)
{
    char text[RUNNING_BYTES];
    *place = (struct results_place){ own, own != 0 ? run_number() : 0 };
    if (own == 0) {
        firmware_say("there is no memory for this run's results: a reset loses them", NULL);
        return;
    }
    size_t used = format(text, sizeof(text), "%s", running_text);
    used += format(text + used, sizeof(text) - used, place_format, place->address, place->run);
    const char *wrong = disk_write(RUNNING_PATH, text, used);
    if (wrong != NULL) {
        firmware_say(wrong, RUNNING_PATH);
        firmware_say("so the results of this run are shown after a reset, and not written here", NULL);
    }
}

void results_release(const struct results_place *place)
{
    if (place->run != 0)
        disk_delete(RUNNING_PATH);
}
