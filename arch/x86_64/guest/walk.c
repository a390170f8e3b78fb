// SPDX-License-Identifier: MIT
// The guest's own page tables, walked by us: from a linear address to guest-physical, for fetching the instruction that
// exited and for string I/O. All of it reads guest memory, which can hold anything: each step is bounds-checked and the
// walk has at most four of them. SDM 3A, chapter 4 (32-bit, PAE, 4-level; 5-level paging is not offered to guests).
#include "arch/x86_64/guest/guest.h"
#include "vmm/base/guestmem.h"

#define PTE_WRITABLE UINT64_C(0x02)
#define PTE_USER     UINT64_C(0x04)
#define PTE_ACCESSED UINT64_C(0x20)
#define PTE_DIRTY    UINT64_C(0x40) // of the last entry
#define PTE_KEY_SHIFT 59

struct walk {
    uint64_t need, mark; // in: what every entry on the way must have, and what it gets (SDM 3A 4.8)
    bool     user;       // out: it is a page of the user's: every entry has that bit
    unsigned key;        // out: its protection key
    gpa      address;    // out
};

static bool walk_32bit(struct guest_ram ram, uint64_t cr3, uint64_t cr4, uint64_t linear, struct walk *walk)
{
    uint32_t *pde = guest_pointer(ram, (gpa){ (cr3 & 0xfffff000u) + ((linear >> 22) & 1023) * 4 }, 4);
    if (pde == NULL || (*pde & walk->need) != walk->need)
        return false;
    walk->user = (*pde & PTE_USER) != 0;
    if ((*pde & PTE_LARGE) != 0 && (cr4 & CR4_PSE) != 0) {
        *pde |= (uint32_t)walk->mark;
        // PSE-36 (SDM 3A table 4-4): bits 20:13 are address bits 39:32
        walk->address.value = (*pde & 0xffc00000u) | (uint64_t)((*pde >> 13) & 0xff) << 32 | (linear & 0x3fffff);
        return true;
    }
    *pde |= (uint32_t)(walk->mark & PTE_ACCESSED);
    uint32_t *pte = guest_pointer(ram, (gpa){ (*pde & 0xfffff000u) + ((linear >> 12) & 1023) * 4 }, 4);
    if (pte == NULL || (*pte & walk->need) != walk->need)
        return false;
    *pte |= (uint32_t)walk->mark;
    walk->user = walk->user && (*pte & PTE_USER) != 0;
    walk->address.value = (*pte & 0xfffff000u) | (linear & 0xfff);
    return true;
}

// PAE and 4-level paging: `level` tables of 64-bit entries, the first at `table`.
static bool walk_64bit(struct guest_ram ram, uint64_t table, unsigned level, uint64_t linear, struct walk *walk)
{
    walk->user = true;
    for (unsigned shift = 12 + 9 * (level - 1);; shift -= 9) {
        uint64_t index = level == 3 && shift == 30 ? (linear >> 30) & 3 : (linear >> shift) & 511;
        uint64_t *entry = guest_pointer(ram, (gpa){ table + index * 8 }, 8);
        bool bare = level == 3 && shift == 30; // PAE's top level has none of these bits
        uint64_t wanted = bare ? PTE_PRESENT : walk->need;
        if (entry == NULL || (*entry & wanted) != wanted)
            return false;
        bool large = (*entry & PTE_LARGE) != 0 && (shift == 21 || (shift == 30 && level == 4));
        walk->user = walk->user && (bare || (*entry & PTE_USER) != 0);
        if (!bare)
            *entry |= walk->mark & (shift == 12 || large ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED);
        if (shift == 12 || large) {
            uint64_t offset_mask = (UINT64_C(1) << shift) - 1;
            walk->key = *entry >> PTE_KEY_SHIFT & 15;
            walk->address.value = (*entry & PTE_ADDRESS & ~offset_mask) | (linear & offset_mask);
            return true;
        }
        table = *entry & PTE_ADDRESS;
    }
}

static bool is_write(enum guest_access access)
{
    return access == GUEST_WRITE || access == GUEST_TABLE_WRITE;
}

static bool is_implicit(enum guest_access access)
{
    return access == GUEST_TABLE_READ || access == GUEST_TABLE_WRITE;
}

static bool is_user(struct vcpu *vcpu, enum guest_access access)
{
    return !is_implicit(access) && vendor->get(vcpu, REGISTER_CPL) == 3;
}

static bool writes_are_checked(struct vcpu *vcpu, enum guest_access access)
{
    return is_user(vcpu, access) || (vendor->get(vcpu, REGISTER_CR0) & CR0_WP) != 0;
}

static uint64_t needed_bits(struct vcpu *vcpu, enum guest_access access)
{
    if (access == GUEST_FETCHED)
        return PTE_PRESENT;
    bool writable = is_write(access) && writes_are_checked(vcpu, access);
    return PTE_PRESENT | (is_user(vcpu, access) ? PTE_USER : 0) | (writable ? PTE_WRITABLE : 0);
}

static bool translate(struct vcpu *vcpu, uint64_t linear, struct walk *walk)
{
    struct guest_ram ram = vcpu->vm->ram;
    if ((vendor->get(vcpu, REGISTER_CR0) & CR0_PG) == 0) {
        walk->user = false; // no page at all
        walk->address.value = linear & UINT32_MAX;
        return true;
    }
    uint64_t cr3 = vendor->get(vcpu, REGISTER_CR3);
    if ((vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) != 0)
        return walk_64bit(ram, cr3 & PTE_ADDRESS, 4, linear, walk);
    uint64_t cr4 = vendor->get(vcpu, REGISTER_CR4);
    if ((cr4 & CR4_PAE) != 0)
        return walk_64bit(ram, cr3 & 0xffffffe0u, 3, linear & UINT32_MAX, walk);
    return walk_32bit(ram, cr3, cr4, linear & UINT32_MAX, walk);
}

// SDM 3A 4.6.1: SMAP keeps the supervisor from the user's pages, unless AC is set and the access is an instruction's.
static bool smap_denies(struct vcpu *vcpu, enum guest_access access, const struct walk *walk)
{
    if (!walk->user || is_user(vcpu, access) || (vendor->get(vcpu, REGISTER_CR4) & CR4_SMAP) == 0)
        return false;
    return is_implicit(access) || (vcpu_regs(vcpu)->rflags & RFLAGS_AC) == 0;
}

// The guest's PKRU is live in the CPU, where the monitor's pages know no keys; RDPKRU wants CR4.PKE.
static uint32_t read_pkru(void)
{
    uint64_t cr4 = x86_read_cr4();
    uint32_t pkru, zero;
    x86_write_cr4(cr4 | CR4_PKE);
    __asm__ volatile("rdpkru" : "=a"(pkru), "=d"(zero) : "c"(0));
    x86_write_cr4(cr4);
    return pkru;
}

// SDM 3A 4.6.2: of each key one bit denies all accesses to the user's pages, one the writes. In long mode alone.
static bool key_denies(struct vcpu *vcpu, enum guest_access access, const struct walk *walk)
{
    if (!walk->user || (vendor->get(vcpu, REGISTER_CR4) & CR4_PKE) == 0 ||
        (vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) == 0)
        return false;
    uint32_t rights = read_pkru() >> (2 * walk->key);
    return (rights & 1) != 0 || ((rights & 2) != 0 && is_write(access) && writes_are_checked(vcpu, access));
}

// The walk looks at 48 bits.
static bool may_be_walked(struct vcpu *vcpu, uint64_t linear)
{
    return is_canonical(linear) || (vendor->get(vcpu, REGISTER_EFER) & EFER_LMA) == 0;
}

// An access that is denied leaves no mark.
bool guest_translate(struct vcpu *vcpu, uint64_t linear, enum guest_access access, gpa *out)
{
    struct walk walk = { .need = needed_bits(vcpu, access) };
    if (!may_be_walked(vcpu, linear) || !translate(vcpu, linear, &walk))
        return false;
    if (access != GUEST_FETCHED && (smap_denies(vcpu, access, &walk) || key_denies(vcpu, access, &walk)))
        return false;
    walk.mark = is_write(access) ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
    if (!translate(vcpu, linear, &walk))
        return false;
    *out = walk.address;
    return true;
}

// SDM 3A 4.7: the error code tells present, write, user, key. An address that is not canonical is no page's.
void guest_page_fault(struct vcpu *vcpu, uint64_t linear, enum guest_access access)
{
    struct walk walk = { .need = PTE_PRESENT };
    if (!may_be_walked(vcpu, linear)) {
        guest_fault(vcpu, EXCEPTION_GP, true, 0);
        return;
    }
    bool present = translate(vcpu, linear, &walk);
    uint32_t error = (present ? 1u : 0u) | (is_write(access) ? 2u : 0u) | (is_user(vcpu, access) ? 4u : 0u) |
                     (present && key_denies(vcpu, access, &walk) ? 32u : 0u);
    vendor->set(vcpu, REGISTER_CR2, linear);
    guest_fault(vcpu, EXCEPTION_PF, true, error);
}

uint64_t guest_linear(struct vcpu *vcpu, enum insn_segment segment, uint64_t offset)
{
    bool flat = guest_code_bits(vcpu) == 64;
    if (flat && segment != INSN_FS && segment != INSN_GS)
        return offset;
    uint64_t base = vendor->get(vcpu, (enum guest_register)(REGISTER_ES_BASE + (unsigned)segment));
    return flat ? base + offset : (base + offset) & UINT32_MAX;
}

// One piece of a linear range: the pointer to what is RAM of it within one page, its length in *size.
static void *linear_piece(struct vcpu *vcpu, uint64_t linear, enum guest_access access, size_t *size)
{
    uint64_t left_in_page = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    if (*size > left_in_page)
        *size = left_in_page;
    gpa address;
    return guest_translate(vcpu, linear, access, &address) ? guest_pointer(vcpu->vm->ram, address, *size) : NULL;
}

size_t guest_read_linear(struct vcpu *vcpu, uint64_t linear, enum guest_access access, void *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t piece = size - done;
        const void *from = linear_piece(vcpu, linear + done, access, &piece);
        if (from == NULL)
            break;
        memcpy((uint8_t *)out + done, from, piece);
        done += piece;
    }
    return done;
}

size_t guest_write_linear(struct vcpu *vcpu, uint64_t linear, const void *in, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t piece = size - done;
        void *to = linear_piece(vcpu, linear + done, GUEST_WRITE, &piece);
        if (to == NULL)
            break;
        memcpy(to, (const uint8_t *)in + done, piece);
        done += piece;
    }
    return done;
}

unsigned guest_code_bits(struct vcpu *vcpu)
{
    return (unsigned)vendor->get(vcpu, REGISTER_CS_BITS);
}

static uint64_t code_linear(struct vcpu *vcpu)
{
    uint64_t rip = vcpu_regs(vcpu)->rip;
    if (guest_code_bits(vcpu) == 64)
        return rip;
    return (vendor->get(vcpu, REGISTER_CS_BASE) + rip) & UINT32_MAX;
}

size_t guest_fetch_by_walking(struct vcpu *vcpu, uint8_t out[INSN_MAX_LENGTH])
{
    return guest_read_linear(vcpu, code_linear(vcpu), GUEST_FETCHED, out, INSN_MAX_LENGTH);
}
