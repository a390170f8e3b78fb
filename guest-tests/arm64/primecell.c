// SPDX-License-Identifier: MIT
// The PL031's alarms and the PL011's receive timeout (DDI 0224C, DDI 0183G) in ticks of the generic timer: is a second
// always counter_hz of them, and the timeout 32 bit times at every divisor? Each halt ends in the same way, so what the
// way from the wake-up to the handler's first instruction takes is the same for all.
#include "guest-tests/lib/arm64/gic.h"

#define RTCDR    0x000u
#define RTCMR    0x004u
#define RTCIMSC  0x010u
#define RTCICR   0x01cu

#define UARTDR   0x000u
#define UARTIBRD 0x024u
#define UARTFBRD 0x028u
#define UARTLCR  0x02cu
#define UARTCR   0x030u
#define UARTIMSC 0x038u
#define UARTCLK  24000000u
#define LCR_FIFO 0x70u  // and 8 bits
#define CR_LOOP  0x381u // what is sent is received
#define INT_RT   0x40u

static void wait_one(void)
{
    for (uint64_t count = record.count; record.count == count;) {
        wait_for_interrupt();
        interrupts_on();
        interrupts_off();
    }
}

static void end_alarm(void)
{
    write32(board.rtc + RTCICR, 1);
}

static uint64_t alarm_after(uint32_t seconds)
{
    write32(board.rtc + RTCMR, read32(board.rtc + RTCDR) + seconds);
    wait_one();
    return record.stamp;
}

static void test_alarms(void)
{
    static const uint8_t seconds[] = { 1, 1, 2, 1, 7, 1, 60, 1 };
    struct spread error = { 0 };
    trap_record(board.rtc_intid, end_alarm);
    gic_enable(board.rtc_intid, true);
    write32(board.rtc + RTCMR, read32(board.rtc + RTCDR) - 1);
    write32(board.rtc + RTCICR, 1);
    write32(board.rtc + RTCIMSC, 1);
    uint64_t last = alarm_after(1);
    for (unsigned i = 0; i < ARRAY_LENGTH(seconds); i++) {
        uint64_t stamp = alarm_after(seconds[i]);
        spread_add(&error, (int64_t)(stamp - last - seconds[i] * platform.counter_hz));
        last = stamp;
    }
    write32(board.rtc + RTCIMSC, 0);
    gic_enable(board.rtc_intid, false);
    ok(record.count == ARRAY_LENGTH(seconds) + 1, "PL031: every alarm came, once");
    ok_exact(error.min == 0 && error.max == 0, "PL031: its seconds are counter_hz ticks: off by %ld..%ld",
             (long)error.min, (long)error.max);
}

static void end_timeout(void)
{
    (void)read32(board.uart + UARTDR);
}

static uint64_t timeout_ticks(uint32_t divisor_64ths)
{
    write32(board.uart + UARTIBRD, divisor_64ths / 64);
    write32(board.uart + UARTFBRD, divisor_64ths % 64);
    write32(board.uart + UARTLCR, LCR_FIFO);
    uint64_t start = counter_read();
    write32(board.uart + UARTDR, 'x');
    wait_one();
    return record.stamp - start;
}

static void test_timeouts(void)
{
    static const uint32_t divisors[] = { 64, 65, 127, 833, 834, 10000, 4194240 };
    static const uint16_t kept[] = { UARTIBRD, UARTFBRD, UARTCR, UARTIMSC, UARTLCR };
    struct spread error = { 0 };
    uint32_t before[ARRAY_LENGTH(kept)];
    uint64_t count = record.count;
    for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
        before[i] = read32(board.uart + kept[i]);
    trap_record(board.uart_intid, end_timeout);
    gic_enable(board.uart_intid, true);
    write32(board.uart + UARTCR, CR_LOOP);
    write32(board.uart + UARTIMSC, INT_RT);
    for (unsigned i = 0; i < ARRAY_LENGTH(divisors); i++) {
        uint64_t due = mul_div_ceil(32 * 16 * (uint64_t)divisors[i], platform.counter_hz, 64 * (uint64_t)UARTCLK);
        spread_add(&error, (int64_t)(timeout_ticks(divisors[i]) - due));
    }
    gic_enable(board.uart_intid, false);
    for (unsigned i = 0; i < ARRAY_LENGTH(kept); i++)
        write32(board.uart + kept[i], before[i]);
    ok(record.count == count + ARRAY_LENGTH(divisors), "PL011: every receive timeout came, once");
    ok_exact(error.min == error.max, "PL011: each was 32 bit times after its byte: off by %ld more or less",
             (long)(error.max - error.min));
}

void test_main(void)
{
    plan(4);
    test_alarms();
    if (platform.escapement) {
        test_timeouts();
    } else { // QEMU's PL011 has no such interrupt
        skip("not under Escapement", "PL011: every receive timeout came, once");
        skip("not under Escapement", "PL011: each was 32 bit times after its byte");
    }
    finish();
}
