// SPDX-License-Identifier: MIT
// Which clocks are believed: machines as they are sold and as emulators make them, with what each of their clocks says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "arch/x86_64/host/rate_ladder.h"
#include "tools/tests/native/host.h"
#include "time/ratio.h"

enum { CRYSTAL, HPET, PM, PIT, HYPERVISOR, BASE, SOURCES }; // in tsc.c's order

#define SKYLAKE_CLIENT 0x506e3u
#define SKYLAKE_SERVER 0x50654u
#define GOLDMONT       0x506c9u
#define NEHALEM        0x106a5u

static struct rate_source sources[SOURCES];

static void nothing(void)
{
    memset(sources, 0, sizeof(sources));
}

// A measured clock: the truth as it sees it, +-ppm.
static void measured(unsigned source, uint64_t hz, uint64_t ppm)
{
    static const char *const names[] = { [HPET] = "HPET", [PM] = "PM timer", [PIT] = "PIT" };
    sources[source] = (struct rate_source){ .name = names[source], .rate = rate_widened((struct rate){ hz, hz }, ppm) };
}

static struct rate_choice decided(enum rate_verdict verdict, int a, int b, uint64_t hz)
{
    struct rate_choice choice = rate_decide(sources, SOURCES);
    assert_int_equal(choice.verdict, verdict);
    assert_ptr_equal(choice.a, a < 0 ? NULL : &sources[a]);
    assert_ptr_equal(choice.b, b < 0 ? NULL : &sources[b]);
    assert_int_equal(choice.hz, hz);
    return choice;
}

static void crystals(void **state)
{
    (void)state;
    struct rate_source source = rate_by_crystal(NEHALEM, (struct leaf_15h){ 2, 156, 38400000 }, 0);
    assert_string_equal(source.name, "CPUID 15h");
    assert_true(source.rate.low_hz < 2995200000 && source.rate.high_hz > 2995200000 && !source.coarse);
    assert_in_range(source.rate.high_hz - source.rate.low_hz, 299000, 300000); // 100 ppm wide

    source = rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ 2, 216, 0 }, 2600);
    assert_string_equal(source.name, "CPUID 15h, crystal by model");
    assert_true(source.rate.low_hz < 2592000000 && source.rate.high_hz > 2592000000);
    source = rate_by_crystal(GOLDMONT, (struct leaf_15h){ 3, 171, 0 }, 1100);
    assert_true(source.rate.low_hz < 1094400000 && source.rate.high_hz > 1094400000);
    // Model 55h: a server's 25 MHz, and a workstation's 24 MHz, by what is written on the box; 25 where nothing is.
    source = rate_by_crystal(SKYLAKE_SERVER, (struct leaf_15h){ 2, 168, 0 }, 2100);
    assert_true(source.rate.low_hz < 2100000000 && source.rate.high_hz > 2100000000);
    source = rate_by_crystal(SKYLAKE_SERVER, (struct leaf_15h){ 2, 300, 0 }, 3600);
    assert_true(source.rate.low_hz < 3600000000 && source.rate.high_hz > 3600000000);
    source = rate_by_crystal(SKYLAKE_SERVER, (struct leaf_15h){ 2, 168, 0 }, 0);
    assert_true(source.rate.low_hz < 2100000000 && source.rate.high_hz > 2100000000);

    assert_null(rate_by_crystal(NEHALEM, (struct leaf_15h){ 2, 216, 0 }, 2600).name);             // not in the table
    assert_null(rate_by_crystal(SKYLAKE_CLIENT ^ 0x300, (struct leaf_15h){ 2, 216, 0 }, 0).name); // another family
    assert_null(rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ 0, 216, 24000000 }, 0).name);
    assert_null(rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ 2, 0, 24000000 }, 0).name);
    assert_null(rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ UINT32_MAX, 1, 1 }, 0).name); // 0 Hz
    assert_null(rate_by_base(0).name);
    assert_null(rate_by_hypervisor(0).name);
    source = rate_by_hypervisor(2592000);
    assert_true(source.rate.low_hz == 2591999000 && source.rate.high_hz == 2592001000);
}

// A laptop of 2016: crystal by model, HPET on another crystal 20 ppm off; 16h is 0.3 % off and not asked.
static void a_real_laptop(void **state)
{
    (void)state;
    nothing();
    sources[CRYSTAL] = rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ 2, 216, 0 }, 2600);
    sources[BASE] = rate_by_base(2600);
    measured(HPET, 2592051840, 8);
    measured(PM, 2592049000, 40);
    measured(PIT, 2592060000, 90);
    struct rate_choice choice = rate_decide(sources, SOURCES);
    assert_ptr_equal(choice.a, &sources[CRYSTAL]);
    assert_ptr_equal(choice.b, &sources[HPET]);
    assert_in_range(choice.hz, 2592031000, 2592073000);
    assert_int_equal(rate_apart_ppm(choice.b->rate, choice.a->rate), 20);
    for (unsigned i = 0; i < SOURCES; i++)
        assert_false(rate_contradicts(&sources[i], choice.hz));
}

// No clock chips but the PIT, or none at all: what is left confirms.
static void fewer_clocks(void **state)
{
    (void)state;
    nothing();
    measured(PIT, 3000010000, 50);
    sources[BASE] = rate_by_base(3000);
    struct rate_choice choice = decided(RATE_CONFIRMED, PIT, BASE, 3000000000); // the one round value in the PIT's
    assert_true(choice.round);
    nothing();
    sources[CRYSTAL] = rate_by_crystal(SKYLAKE_CLIENT, (struct leaf_15h){ 2, 216, 24000000 }, 2600);
    sources[BASE] = rate_by_base(2600);
    decided(RATE_CONFIRMED, CRYSTAL, BASE, 2592000000);
    nothing();
    measured(PM, 2400000000, 20);
    decided(RATE_UNCONFIRMED, PM, -1, 2400000000);
    nothing();
    sources[BASE] = rate_by_base(2600);
    decided(RATE_UNCONFIRMED, BASE, -1, 2600000000);
    nothing();
    decided(RATE_UNKNOWN, -1, -1, 0);
}

// Bochs: its TSC counts instructions, its CPUID tells of a 4 GHz processor. HPET and PM timer are right.
static void an_emulator_whose_cpuid_is_another_processors(void **state)
{
    (void)state;
    nothing();
    sources[CRYSTAL] = rate_by_crystal(SKYLAKE_SERVER, (struct leaf_15h){ 2, 320, 0 }, 4000);
    sources[BASE] = rate_by_base(4000);
    sources[HPET] = (struct rate_source){ .name = "HPET", .rate = { 99995701, 100004301 } };
    sources[PM] = (struct rate_source){ .name = "PM timer", .rate = { 99994284, 100005683 } };
    sources[PIT] = (struct rate_source){ .name = "PIT", .rate = { 99993492, 100004893 } };
    struct rate_choice choice = decided(RATE_CONFIRMED, HPET, PM, 100000000);
    assert_true(choice.round);
    assert_true(rate_contradicts(&sources[CRYSTAL], choice.hz) && rate_contradicts(&sources[BASE], choice.hz));
    assert_false(rate_contradicts(&sources[PIT], choice.hz) || rate_contradicts(&sources[HYPERVISOR], choice.hz));
    assert_int_equal(rate_apart_ppm(sources[BASE].rate, (struct rate){ choice.hz, choice.hz }), 39000000);
    // With one clock alone against it nothing is decided: two must agree.
    nothing();
    sources[CRYSTAL] = rate_by_crystal(SKYLAKE_SERVER, (struct leaf_15h){ 2, 320, 0 }, 4000);
    measured(HPET, 100000000, 40);
    decided(RATE_CONTRADICTED, -1, -1, 0);
    // ... but a third decides, on whichever side it is.
    measured(PIT, 100000000, 100);
    decided(RATE_CONFIRMED, HPET, PIT, 100000000);
    sources[PIT].name = NULL;
    sources[BASE] = rate_by_base(4000);
    decided(RATE_CONFIRMED, CRYSTAL, BASE, 4000000000);
}

// A clock that runs wrong by 1000 ppm or more is outvoted, wherever it stands.
static void one_wrong_clock_is_outvoted(void **state)
{
    (void)state;
    uint64_t seed = 15;
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t hz = host_random_range(&seed, 500000000, 6000000000);
        unsigned wrong = (unsigned)host_random_range(&seed, HPET, PIT);
        uint64_t error = host_random_range(&seed, 1300, 900000);
        nothing();
        for (unsigned i = HPET; i <= PIT; i++)
            measured(i, hz - 20000 + host_random_range(&seed, 0, 40000), 60);
        uint64_t wrong_hz = round % 2 ? hz + mul_div_floor(hz, error, 1000000) : hz - mul_div_floor(hz, error, 1000000);
        measured(wrong, wrong_hz, 60);
        struct rate_choice choice = rate_decide(sources, SOURCES);
        assert_int_equal(choice.verdict, RATE_CONFIRMED);
        assert_true(choice.a != &sources[wrong] && choice.b != &sources[wrong]);
        assert_true(rate_contradicts(&sources[wrong], choice.hz));
        assert_true(rate_apart_ppm((struct rate){ choice.hz, choice.hz }, (struct rate){ hz, hz }) <= 120);
    }
}

// The coarse one confirms to 1 %, never gives the number, and never outvotes two that agree.
static void the_round_figure_is_the_last(void **state)
{
    (void)state;
    nothing();
    measured(HPET, 2592000000, 10);
    measured(PIT, 1000000000, 10);
    sources[BASE] = rate_by_base(2600);
    decided(RATE_CONFIRMED, HPET, BASE, 2592000000);
    sources[BASE] = rate_by_base(2618); // 9931 ppm
    decided(RATE_CONFIRMED, HPET, BASE, 2592000000);
    sources[BASE] = rate_by_base(2619); // 10309 ppm
    decided(RATE_CONTRADICTED, -1, -1, 0);
    measured(PM, 1000000000, 10);
    decided(RATE_CONFIRMED, PM, PIT, 1000000000);
}

static void distances(void **state)
{
    (void)state;
    struct rate million = { 1000000, 1000000 }, zero = { 0, 0 };
    assert_int_equal(rate_apart_ppm(million, million), 0);
    assert_int_equal(rate_apart_ppm((struct rate){ 1000007, 1000007 }, million), 7);
    assert_int_equal(rate_apart_ppm((struct rate){ 999993, 999993 }, million), 7);
    assert_int_equal(rate_apart_ppm((struct rate){ 1000000499, 1000000499 }, (struct rate){ 1000000000, 1000000000 }),
                     0);
    assert_int_equal(rate_apart_ppm((struct rate){ 1000000500, 1000000500 }, (struct rate){ 1000000000, 1000000000 }),
                     1);
    assert_int_equal(rate_apart_ppm(zero, million), 1000000);
    assert_int_equal(rate_apart_ppm(million, zero), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crystals),
        cmocka_unit_test(a_real_laptop),
        cmocka_unit_test(fewer_clocks),
        cmocka_unit_test(an_emulator_whose_cpuid_is_another_processors),
        cmocka_unit_test(one_wrong_clock_is_outvoted),
        cmocka_unit_test(the_round_figure_is_the_last),
        cmocka_unit_test(distances),
    };
    return cmocka_run_group_tests_name("rate_ladder", tests, NULL, NULL);
}
