// SPDX-License-Identifier: MIT
// KVM's interface as Linux documents it (cpuid.rst, msr.rst, hypercalls.rst): feature bits, the wall clock by its old
// and its new number, the clock page's flags, stolen time, clock pairing, what was not announced.
#include "guest-tests/lib/x86_64/devices.h"

#define CLAIMS 37u

#define UD 6u
#define GP 13u

#define MSR_OLD_WALL_CLOCK  0x11u
#define MSR_OLD_SYSTEM_TIME 0x12u
#define MSR_STEAL_TIME      0x4b564d03u
#define MSR_TSC_ADJUST      0x3bu

#define HC_CLOCK_PAIRING 9u
#define HC_SEND_IPI      10u
#define KVM_EINVAL       22u
#define KVM_EPERM        1u
#define KVM_EFAULT       14u
#define KVM_EOPNOTSUPP   95u
#define KVM_ENOSYS       1000u
#define RAM_END          (16u << 20) // tests.cfg

static struct pvclock page __attribute__((aligned(64)));
static uint8_t        buffer[2 * 4096] __attribute__((aligned(4096)));

struct steal {
    uint64_t steal;
    uint32_t version, flags;
    uint8_t  preempted, pad8[3];
    uint32_t pad[11];
};

struct pairing {
    int64_t  sec, nsec;
    uint64_t tsc;
    uint32_t flags, pad[9];
};

static bool write_faults(uint32_t msr, uint64_t value)
{
    return wrmsr_trap(msr, value) == GP;
}

static bool read_faults(uint32_t msr)
{
    uint64_t value;
    return rdmsr_trap(msr, &value) == GP;
}

static uint64_t call(uint64_t number, uint64_t a0, uint64_t a1)
{
    uint64_t answer;
    __asm__ volatile(HYPERCALL : "=a"(answer) : "a"(number), "b"(a0), "c"(a1), "d"(0), "S"(0) : "memory");
    return answer;
}

static void fill(void *at, uint8_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)at)[i] = value;
}

static bool all(const void *at, uint8_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((const volatile uint8_t *)at)[i] != value)
            return false;
    return true;
}

static void test_leaves(void)
{
    struct cpuid_result top = cpuid(0x40000000, 0), features = cpuid(0x40000001, 0), timing = cpuid(0x40000010, 0);
    struct cpuid_result crystal = cpuid(0x15, 0), mhz = cpuid(0x16, 0);
    ok(top.eax == 0x40000010 && top.ebx == 0x4b4d564b && top.ecx == 0x564b4d56 && top.edx == 0x4d,
       "leaf 40000000h is KVM's and names the last leaf");
    ok(features.eax == (1u << 0 | 1u << 3 | 1u << 5 | 1u << 11 | 1u << 24) &&
           (features.ebx | features.ecx | features.edx) == 0,
       "CLOCKSOURCE, CLOCKSOURCE2, STEAL_TIME, PV_SEND_IPI and the stable bit are announced, and nothing else");
    bool empty = true;
    for (uint32_t leaf = 0x40000002; leaf < 0x40000010; leaf++)
        empty = empty && (cpuid(leaf, 0).eax | cpuid(leaf, 0).ebx | cpuid(leaf, 0).ecx | cpuid(leaf, 0).edx) == 0;
    ok(empty, "the leaves between are empty");
    ok(timing.eax == platform.counter_hz / 1000 && timing.ebx == timing.eax,
       "leaf 40000010h has the TSC's and the APIC timer's kHz");
    ok(crystal.eax != 0 && crystal.ebx == crystal.eax && crystal.ecx == platform.counter_hz,
       "leaf 15h has the TSC's rate, which the APIC timer counts too");
    uint64_t whole = platform.counter_hz % 1000000 == 0 ? platform.counter_hz / 1000000 : 0;
    ok(mhz.eax == whole, "leaf 16h has it in whole MHz");
}

static void test_not_announced(void)
{
    static const uint32_t msrs[] = { 0x4b564d02, 0x4b564d04, 0x4b564d05, 0x4b564d06, 0x4b564d07, 0x4b564d08 };
    unsigned faults = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(msrs); i++) {
        faults += read_faults(msrs[i]);
        faults += write_faults(msrs[i], 0);
        faults += write_faults(msrs[i], (uint64_t)buffer | 1);
    }
    ok(faults == 3 * ARRAY_LENGTH(msrs), "MSRs of async page faults, EOI, polling and migration: #GP (%u of %u)",
       faults, 3 * (unsigned)ARRAY_LENGTH(msrs));
}

// An odd version, as junk may have it, is repaired; each write counts two; only the 12 bytes are written.
static bool wall_is_right(uint32_t msr, volatile struct wall_clock *wall, struct wall_clock *out)
{
    fill((void *)(uint64_t)wall, 0xa5, sizeof(*wall) + 4);
    wrmsr(msr, (uint64_t)wall);
    uint32_t first = wall->version;
    wrmsr(msr, (uint64_t)wall);
    *out = (struct wall_clock){ wall->version, wall->sec, wall->nsec };
    return first % 2 == 0 && wall->version == first + 2 && wall->nsec < 1000000000 && rdmsr(msr) == (uint64_t)wall &&
           all((uint8_t *)(uint64_t)wall + sizeof(*wall), 0xa5, 4);
}

static struct wall_clock test_wall(void)
{
    struct wall_clock new, old, crossing;
    bool right = wall_is_right(MSR_KVM_WALL_CLOCK, (void *)buffer, &new);
    right = wall_is_right(MSR_OLD_WALL_CLOCK, (void *)(buffer + 64), &old) && right;
    ok(right, "the wall clock is filled by the write, version even, nothing beside it");
    ok(new.sec == old.sec && new.nsec == old.nsec && rdmsr(MSR_KVM_WALL_CLOCK) == rdmsr(MSR_OLD_WALL_CLOCK),
       "MSR 11h is the same as 4b564d00h");
    ok(wall_is_right(MSR_KVM_WALL_CLOCK, (void *)(buffer + 4096 - 6), &crossing) && crossing.sec == new.sec,
       "it may cross a page");
    ok(!write_faults(MSR_KVM_WALL_CLOCK, RAM_END - 4) && !write_faults(MSR_KVM_WALL_CLOCK, UINT64_C(1) << 50),
       "an address that holds no wall clock is taken, without effect");
    return new;
}

static void test_clock_page(void)
{
    fill(&page, 0, sizeof(page));
    wrmsr(MSR_OLD_SYSTEM_TIME, (uint64_t)&page | 1);
    ok(page.version == 2 && page.mul != 0 && rdmsr(MSR_KVM_SYSTEM_TIME) == ((uint64_t)&page | 1),
       "MSR 12h is the same as 4b564d01h");
    ok(page.flags == 1 && page.pad0 == 0 && page.pad[0] == 0 && page.pad[1] == 0,
       "stable, and not stopped: nobody has paused this guest");
    page.flags |= 2;
    page.version |= 1;
    wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
    ok(page.flags == 3 && page.version % 2 == 0, "GUEST_STOPPED stays until the guest takes it, an odd version not");
    wrmsr(MSR_TSC_ADJUST, 1000000);
    uint64_t tsc = rdtsc();
    uint64_t expected = mul_div_floor(tsc - 1000000, 1000000000, platform.counter_hz);
    ok_exact(page.version % 2 == 0 && page.flags == 3 && pvclock_at(&page, tsc) == expected,
             "moving the TSC moves no clock: the page is written again");
    wrmsr(MSR_TSC_ADJUST, 0);
    page.flags &= 1;
    uint8_t *split = buffer + 4096 - 16;
    fill(split, 0x5a, 32);
    ok(!write_faults(MSR_KVM_SYSTEM_TIME, (uint64_t)split | 1) && all(split, 0x5a, 32),
       "a page across a page boundary is taken, without effect");
    wrmsr(MSR_KVM_SYSTEM_TIME, (uint64_t)&page | 1);
}

static void test_steal(void)
{
    struct steal *steal = (struct steal *)(buffer + 128);
    unsigned refused = 0;
    for (unsigned bit = 1; bit <= 5; bit++)
        for (unsigned enable = 0; enable < 2; enable++)
            refused += write_faults(MSR_STEAL_TIME, (uint64_t)steal | enable | 1u << bit);
    ok(refused == 10 && rdmsr(MSR_STEAL_TIME) == 0, "bits 5 to 1 of the stolen time's MSR: #GP (%u of 10)", refused);
    fill(buffer, 0xff, 512);
    wrmsr(MSR_STEAL_TIME, (uint64_t)steal);
    ok(all(buffer, 0xff, 512), "disabled, it writes nothing");
    wrmsr(MSR_STEAL_TIME, (uint64_t)steal | 1);
    ok(rdmsr(MSR_STEAL_TIME) == ((uint64_t)steal | 1) && steal->version % 2 == 0, "enabled, its version is even (%u)",
       steal->version);
    ok(steal->steal == 0 && steal->flags == 0 && steal->preempted == 0, "nothing is stolen, no flag, not preempted");
    ok(all(buffer, 0xff, 128) && all(buffer + 128 + 20, 0xff, 512 - 148), "nothing is written beside it");
    uint32_t version = steal->version;
    wrmsr(MSR_STEAL_TIME, (uint64_t)steal | 1);
    ok(steal->version == version + 2, "enabling again counts two");
    ok(!write_faults(MSR_STEAL_TIME, UINT64_C(1) << 50 | 1), "an address that holds no page is taken, without effect");
    wrmsr(MSR_STEAL_TIME, 0);
}

// Every clock of one instant: the pairing's TSC through the clock page, plus the wall clock, is the pairing's time.
static void test_pairing(struct wall_clock wall)
{
    struct pairing *pair = (struct pairing *)(buffer + 1024);
    uint64_t wrong = 0, outside = 0, apart = 0;
    for (unsigned i = 0; i < 1000; i++) {
        fill(pair, 0xcc, sizeof(*pair) + 8);
        uint64_t before = rdtsc(), answer = call(HC_CLOCK_PAIRING, (uint64_t)pair, 0), after = rdtsc();
        outside += answer != 0 || pair->tsc < before || pair->tsc > after;
        uint64_t by_page = wall.sec * UINT64_C(1000000000) + wall.nsec + pvclock_at(&page, pair->tsc);
        uint64_t by_pair = (uint64_t)pair->sec * 1000000000 + (uint64_t)pair->nsec;
        wrong += by_page != by_pair;
        apart += by_page > by_pair || by_pair - by_page > 1;
    }
    ok(outside == 0, "clock pairing answers with a TSC between two of ours");
    ok_exact(wrong == 0, "its time is the wall clock plus the clock page at that TSC (%lu of 1000 not)", wrong);
    ok(apart == 0, "which at any rate of the TSC is behind by the fraction that the page cuts off, no more");
    ok(pair->flags == 0 && all(pair->pad, 0, sizeof(pair->pad)) && all(pair + 1, 0xcc, 8), "flags 0, 64 bytes written");
    ok(call(HC_CLOCK_PAIRING, (uint64_t)pair, 1) == -(uint64_t)KVM_EOPNOTSUPP, "another clock type: -KVM_EOPNOTSUPP");
    ok(call(HC_CLOCK_PAIRING, UINT64_C(1) << 50, 0) == -(uint64_t)KVM_EFAULT &&
           call(HC_CLOCK_PAIRING, RAM_END - 63, 0) == -(uint64_t)KVM_EFAULT &&
           call(HC_CLOCK_PAIRING, UINT64_MAX - 7, 0) == -(uint64_t)KVM_EFAULT,
       "an address outside RAM: -KVM_EFAULT");
    ok(call(HC_CLOCK_PAIRING, RAM_END - 64, 0) == 0, "the last 64 bytes of RAM will do");
}

static void test_numbers(void)
{
    static const uint64_t unknown[] = { 0, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, UINT32_MAX, UINT64_C(1) << 32 | 9 };
    unsigned right = 0;
    for (unsigned i = 0; i < ARRAY_LENGTH(unknown); i++)
        right += call(unknown[i], (uint64_t)buffer, 0) == -(uint64_t)KVM_ENOSYS;
    ok(right == ARRAY_LENGTH(unknown), "hypercalls of features that are not announced: -KVM_ENOSYS (%u of %u)", right,
       (unsigned)ARRAY_LENGTH(unknown));
    ok(call(1, 0, 0) == 0, "VAPIC_POLL_IRQ: 0");
}

static uint64_t send_ipi(uint64_t low, uint64_t high, uint64_t first, uint64_t icr)
{
    uint64_t answer;
    __asm__ volatile(HYPERCALL
                     : "=a"(answer)
                     : "a"(HC_SEND_IPI), "b"(low), "c"(high), "d"(first), "S"(icr)
                     : "memory");
    return answer;
}

static volatile unsigned ipis_taken;

static void take_ipi(struct trap *trap)
{
    (void)trap;
    ipis_taken++;
    lapic_write(APIC_EOI, 0);
}

// hypercalls.rst, KVM_HC_SEND_IPI: this CPU has APIC ID 0.
static void test_send_ipi(void)
{
    const uint64_t vector = 0x60, everybody = UINT64_MAX;
    pic_init(0xff);
    lapic_init(false);
    trap_set((unsigned)vector, take_ipi);
    __asm__ volatile("sti");
    ok(send_ipi(1, 0, 0, vector) == 1 && ipis_taken == 1, "SEND_IPI to APIC ID 0: one CPU, one interrupt");
    ok(send_ipi(~1ul, everybody, 0, vector) == 0 && send_ipi(everybody, everybody, 1, vector) == 0 &&
           send_ipi(everybody, everybody, UINT32_MAX, vector) == 0 && ipis_taken == 1,
       "to other IDs: nobody");
    ok(send_ipi(1, 0, 0, vector | 1u << 11) == -(uint64_t)KVM_EINVAL &&
           send_ipi(1, 0, 0, vector | 1u << 18) == -(uint64_t)KVM_EINVAL && send_ipi(1, 0, 0, 5) == 0 &&
           ipis_taken == 1,
       "a logical destination or a shorthand: -KVM_EINVAL; an illegal vector goes nowhere");
    __asm__ volatile("cli");
    trap_reset((unsigned)vector);
}

// Ring 3: own segments, all pages the user's, a hypercall, and back by the UD2 after it.
extern const uint8_t user_code[], user_back[];
extern uint64_t      user_stack;
void enter_user(uint64_t number, uint64_t argument);
__asm__(".pushsection .text\n"
        "enter_user:\n\tpush %rbx\n\tpush %rbp\n\tmov %rsp, user_stack\n\tmov %rdi, %rax\n\tmov %rsi, %rbx\n\t"
        "mov %rsp, %rdx\n\tpush $0x33\n\tpush %rdx\n\tpushf\n\tpush $0x2b\n\tpush $user_code\n\tiretq\n"
        "user_code:\n\txor %ecx, %ecx\n\t" HYPERCALL "ud2\n"
        "user_back:\n\tmov $0x10, %eax\n\tmov %eax, %ds\n\tmov %eax, %es\n\tpop %rbp\n\tpop %rbx\n\tret\n"
        ".popsection\n.pushsection .bss\n.balign 8\nuser_stack: .quad 0\n.popsection");

static uint64_t user_answer;

static void leave_user(struct trap *trap)
{
    user_answer = trap->rax;
    *trap->cpu = (struct trap_frame){ (uint64_t)user_back, 0x08, 2, user_stack, 0x10 };
}

static void prepare_user(void)
{
    static uint64_t gdt[8];
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer;
    __asm__ volatile("sgdt %0" : "=m"(pointer));
    for (unsigned i = 0; i < 5 && i * 8 < pointer.limit + 1u; i++)
        gdt[i] = ((const uint64_t *)pointer.base)[i];
    gdt[5] = 0x00affb000000ffff;
    gdt[6] = 0x00cff3000000ffff;
    pointer.base = (uint64_t)gdt;
    pointer.limit = sizeof(gdt) - 1;
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    uint64_t cr3, *table;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    for (table = (uint64_t *)(cr3 & ~0xffful); table != NULL;) { // PML4, PDPT, first page directory
        uint64_t first = table[0];
        for (unsigned i = 0; i < 512; i++)
            table[i] |= (table[i] & 1) << 2;
        table = (first & 0x80) != 0 ? NULL : (uint64_t *)(first & ~0xffful);
    }
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static void test_user_mode(void)
{
    struct pairing *pair = (struct pairing *)(buffer + 1024);
    prepare_user();
    trap_set(UD, leave_user);
    trap_set_stack(UD, 2);
    fill(pair, 0xcc, sizeof(*pair));
    enter_user(HC_CLOCK_PAIRING, (uint64_t)pair);
    ok(user_answer == -(uint64_t)KVM_EPERM && all(pair, 0xcc, sizeof(*pair)), "from ring 3: -KVM_EPERM");
    enter_user(0x4553430f, 0);
    ok(user_answer == -(uint64_t)KVM_EPERM, "the oracle too");
    trap_reset(UD);
}

void test_main(void)
{
    plan(CLAIMS);
    if (!platform.escapement) {
        for (unsigned i = 0; i < CLAIMS; i++)
            skip("this is not Escapement", "KVM's interface %u", i);
        return;
    }
    test_leaves();
    test_not_announced();
    struct wall_clock wall = test_wall();
    test_clock_page();
    test_steal();
    test_pairing(wall);
    test_numbers();
    test_send_ipi();
    test_user_mode();
}
