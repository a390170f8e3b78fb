// SPDX-License-Identifier: MIT
// Polled driver of an 8042 (IBM PS/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller).
// Called by the host's half of the seam when the screen is its console; keys.c knows what a key sends.
#include "arch/x86_64/host/keyboard.h"

#include "arch/x86_64/host/keys.h"
#include "arch/x86_64/host/x86.h"
#include "time/units.h"

#define DATA             0x60
#define STATUS           0x64
#define STATUS_OUTPUT    0x01 // a byte can be read
#define STATUS_INPUT     0x02 // the controller has not yet taken what was written
#define STATUS_MOUSE     0x20 // the byte is the auxiliary device's
#define STATUS_ABSENT    0xff
#define READ_CONFIG      0x20
#define WRITE_CONFIG     0x60
#define DISABLE_MOUSE    0xa7
#define DISABLE_KEYBOARD 0xad
#define ENABLE_KEYBOARD  0xae
#define CONFIG_IRQS      0x03
#define CONFIG_NO_CLOCK  0x10
#define CONFIG_TRANSLATE 0x40
#define SCAN             0xf4 // to the keyboard: send what is pressed
#define ACKNOWLEDGE      0xfa
// A keyboard answers within 20 ms. A port read takes about 1 us on a real machine, a hundred where firmware steps in,
// and one cycle on an emulated one: both limits must be passed.
#define POLLS_MAX        1000u
#define CYCLES_MAX       (1u << 26)
#define STALE_MAX        64u

static struct {
    bool            usable;
    struct hostkeys keys;
    uint8_t         bytes[HOSTKEYS_BYTES];
    unsigned        next, count;
} keyboard;

bool hostkeyboard_present(void)
{
    return x86_in8(STATUS) != STATUS_ABSENT;
}

bool hostkeyboard_usable(void)
{
    return keyboard.usable;
}

static bool wait_for(uint8_t mask, uint8_t value)
{
    htime_t start = x86_rdtsc();
    for (unsigned polls = 0; polls < POLLS_MAX || x86_rdtsc() - start < CYCLES_MAX; polls++) {
        if ((x86_in8(STATUS) & mask) == value)
            return true;
        x86_pause();
    }
    return false;
}

static bool send(uint16_t port, uint8_t byte)
{
    if (!wait_for(STATUS_INPUT, 0))
        return false;
    x86_out8(port, byte);
    return true;
}

static void drop_stale(void)
{
    for (unsigned i = 0; i < STALE_MAX && (x86_in8(STATUS) & STATUS_OUTPUT) != 0; i++)
        x86_in8(DATA);
}

static bool configure(void)
{
    // Nothing else may come between the question and the answer: not the release of the key that chose in the menu.
    if (!send(STATUS, DISABLE_KEYBOARD) || !send(STATUS, DISABLE_MOUSE))
        return false;
    drop_stale();
    if (!send(STATUS, READ_CONFIG) || !wait_for(STATUS_OUTPUT, STATUS_OUTPUT))
        return false;
    uint8_t config = x86_in8(DATA);
    config = (uint8_t)((config & ~(CONFIG_IRQS | CONFIG_NO_CLOCK)) | CONFIG_TRANSLATE);
    return send(STATUS, WRITE_CONFIG) && send(DATA, config) && send(STATUS, ENABLE_KEYBOARD) && send(DATA, SCAN);
}

void hostkeyboard_init(void)
{
    if (!hostkeyboard_present())
        return;
    keyboard.usable = configure();
}

static bool take_code(uint8_t *code)
{
    uint8_t status = x86_in8(STATUS);
    if (status == STATUS_ABSENT || (status & STATUS_OUTPUT) == 0)
        return false;
    *code = x86_in8(DATA);
    return (status & STATUS_MOUSE) == 0 && *code != ACKNOWLEDGE;
}

int hostkeyboard_read(void)
{
    uint8_t code;
    if (!keyboard.usable)
        return -1;
    if (keyboard.next == keyboard.count) {
        keyboard.next = 0;
        keyboard.count = take_code(&code) ? hostkeys_feed(&keyboard.keys, code, keyboard.bytes) : 0;
    }
    return keyboard.next < keyboard.count ? keyboard.bytes[keyboard.next++] : -1;
}
