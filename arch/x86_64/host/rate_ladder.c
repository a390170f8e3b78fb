// SPDX-License-Identifier: MIT
// The ladder of sources of the counter's rate: see rate_ladder.h. Called by tsc.c and by the native tests.
#include "arch/x86_64/host/rate_ladder.h"

#include "time/ratio.h"

#define KHZ         UINT64_C(1000)
#define MHZ         UINT64_C(1000000)
#define CRYSTAL_PPM 50 // a crystal's usual tolerance
#define COARSE_PPM  10000

static uint64_t distance(uint64_t x, uint64_t y)
{
    return x > y ? x - y : y - x;
}

// Family and model of CPUID 1, EAX; SDM 2A, figure 3-6. The table is SDM 3B 18.7.3's (nominal core crystal clock
// frequency), and Denverton as Linux has it. Model 55h was sold with either crystal: the later line counts where the
// base frequency fits it better.
static const struct {
    uint32_t model, hz;
} crystals[] = {
    { 0x4e, 24000000 }, { 0x5e, 24000000 }, // Skylake
    { 0x8e, 24000000 }, { 0x9e, 24000000 }, // Kaby Lake
    { 0x5c, 19200000 },                     // Goldmont
    { 0x5f, 25000000 },                     // Denverton
    { 0x55, 25000000 }, { 0x55, 24000000 }, // Xeon Scalable; Xeon W and Core X
};

static uint64_t crystal_rate(struct leaf_15h leaf, uint64_t crystal_hz)
{
    return mul_div_floor(crystal_hz, leaf.ebx, leaf.eax);
}

// 0: the model is not in the table.
static uint64_t crystal_of_model(uint32_t signature, struct leaf_15h leaf, uint64_t base_hz)
{
    uint32_t family = signature >> 8 & 15, model = (signature >> 4 & 15) | (signature >> 12 & 0xf0);
    uint64_t best = 0;
    for (unsigned i = 0; family == 6 && i < sizeof(crystals) / sizeof(crystals[0]); i++) {
        uint64_t hz = crystals[i].hz;
        if (crystals[i].model != model)
            continue;
        if (best == 0 ||
            (base_hz != 0 && distance(crystal_rate(leaf, hz), base_hz) < distance(crystal_rate(leaf, best), base_hz)))
            best = hz;
    }
    return best;
}

struct rate_source rate_by_crystal(uint32_t signature, struct leaf_15h leaf, uint32_t base_mhz)
{
    if (leaf.eax == 0 || leaf.ebx == 0)
        return (struct rate_source){ .name = NULL };
    uint64_t crystal_hz = leaf.ecx != 0 ? leaf.ecx : crystal_of_model(signature, leaf, base_mhz * MHZ);
    uint64_t hz = crystal_rate(leaf, crystal_hz);
    if (hz == 0 || hz >= TIME_NEVER - 1)
        return (struct rate_source){ .name = NULL };
    return (struct rate_source){ .name = leaf.ecx != 0 ? "CPUID 15h" : "CPUID 15h, crystal by model",
                                 .rate = rate_widened((struct rate){ hz, hz }, CRYSTAL_PPM) };
}

struct rate_source rate_by_base(uint32_t base_mhz)
{
    uint64_t hz = base_mhz * MHZ;
    if (hz == 0)
        return (struct rate_source){ .name = NULL };
    return (struct rate_source){ .name = "CPUID 16h", .rate = { hz, hz }, .coarse = true };
}

struct rate_source rate_by_hypervisor(uint32_t khz)
{
    if (khz == 0)
        return (struct rate_source){ .name = NULL };
    return (struct rate_source){ .name = "CPUID 40000010h", .rate = { (khz - 1) * KHZ, (khz + 1) * KHZ } };
}

uint64_t rate_apart_ppm(struct rate a, struct rate b)
{
    uint64_t x = rate_middle(a), y = rate_middle(b);
    return y == 0 ? UINT64_MAX : mul_div_floor(time_add(distance(x, y), y / 2000000), 1000000, y);
}

static bool confirms(const struct rate_source *a, const struct rate_source *b)
{
    if (a->name == NULL || b->name == NULL || a->coarse)
        return false;
    return b->coarse ? rate_apart_ppm(a->rate, b->rate) <= COARSE_PPM : rate_agree(a->rate, b->rate);
}

static struct rate_choice confirmed(const struct rate_source *a, const struct rate_source *b)
{
    struct rate_choice choice = { .verdict = RATE_CONFIRMED, .a = a, .b = b };
    choice.hz = rate_choose(a->rate, b->coarse ? a->rate : b->rate, &choice.round);
    return choice;
}

struct rate_choice rate_decide(const struct rate_source *sources, unsigned count)
{
    struct rate_choice alone = { .verdict = RATE_UNKNOWN };
    unsigned present = 0;
    for (unsigned coarse = 0; coarse < 2; coarse++) {
        for (unsigned i = 0; i < count; i++) {
            for (unsigned j = 0; j < count; j++) {
                bool first = coarse || i < j;
                if (i != j && first && sources[j].coarse == coarse && confirms(&sources[i], &sources[j]))
                    return confirmed(&sources[i], &sources[j]);
            }
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (sources[i].name == NULL)
            continue;
        present++;
        alone.a = &sources[i];
    }
    if (present > 1)
        return (struct rate_choice){ .verdict = RATE_CONTRADICTED };
    if (present == 1) {
        alone.verdict = RATE_UNCONFIRMED;
        alone.hz = rate_choose(alone.a->rate, alone.a->rate, &alone.round);
    }
    return alone;
}

bool rate_contradicts(const struct rate_source *source, uint64_t hz)
{
    struct rate chosen = { hz, hz };
    if (source->name == NULL)
        return false;
    return source->coarse ? rate_apart_ppm(source->rate, chosen) > COARSE_PPM : !rate_agree(source->rate, chosen);
}
