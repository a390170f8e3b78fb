// SPDX-License-Identifier: MIT
// The decoder against an independent one, Zydis: every instruction of a Debian kernel's .text (a raw file named by
// ESCAPEMENT_KERNEL_TEXT, made by fetch-kernel-text beside this file), and random bytes in the three modes. What Zydis
// accepts we must accept with the same length and operands; the exceptions are enum exception.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <Zydis/Zydis.h>

#include "arch/x86_64/insn/decode.h"

#define RANDOM_STRINGS 1000000u

// Where Zydis 4.0 is not the model. What is counted here is compared no further.
enum exception {
    // Vector instructions of Knights Corner (MVEX, which uses EVEX's reserved bit, and two branches under VEX): Zydis
    // accepts them, no CPU that can run this hypervisor does, and neither manual has them.
    KNIGHTS_CORNER,
    // MPX ignores an address-size prefix in 64-bit mode (SDM 2A, BNDLDX), we do not know MPX. Lengths are equal.
    MPX_ADDRESS_SIZE,
    // With 32-bit addresses in 64-bit mode Zydis takes SIB.base 5 with REX.B and mod 0 for r13d. SDM 2A 2.2.1.2: REX.B
    // is not decoded there, and there is no base, as with 64-bit addresses. test_emulate asks the CPU.
    R13D_WITHOUT_DISPLACEMENT,
    EXCEPTIONS,
    NO_EXCEPTION = EXCEPTIONS,
};

struct tally {
    uint64_t decoded, padding, skipped, length, operands, only_ours, exceptions[EXCEPTIONS];
};

static enum exception exception_of(const ZydisDecodedInstruction *theirs)
{
    if (theirs->encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX || theirs->mnemonic == ZYDIS_MNEMONIC_JKZD ||
        theirs->mnemonic == ZYDIS_MNEMONIC_JKNZD)
        return KNIGHTS_CORNER;
    if (theirs->machine_mode != ZYDIS_MACHINE_MODE_LONG_64 || (theirs->attributes & ZYDIS_ATTRIB_HAS_ADDRESSSIZE) == 0)
        return NO_EXCEPTION;
    if (theirs->opcode_map == ZYDIS_OPCODE_MAP_0F && (theirs->opcode == 0x1A || theirs->opcode == 0x1B))
        return MPX_ADDRESS_SIZE;
    if ((theirs->attributes & ZYDIS_ATTRIB_HAS_SIB) != 0 && theirs->raw.modrm.mod == 0 && theirs->raw.sib.base == 5 &&
        theirs->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && theirs->raw.rex.B != 0)
        return R13D_WITHOUT_DISPLACEMENT;
    return NO_EXCEPTION;
}

// Instructions whose operand size is that of general-purpose registers. The others have theirs fixed by the opcode.
// XABORT has no operand; INSD and OUTSD with a needless REX.W move 4 bytes, but Zydis states a width of 64.
static bool general_purpose(const struct insn *insn, const ZydisDecodedInstruction *theirs)
{
    if (insn->encoding != INSN_LEGACY || theirs->mnemonic == ZYDIS_MNEMONIC_XABORT)
        return false;
    if (theirs->mnemonic == ZYDIS_MNEMONIC_INSD || theirs->mnemonic == ZYDIS_MNEMONIC_OUTSD)
        return theirs->operand_width != 64;
    switch (insn->map) {
    case INSN_MAP_ONE_BYTE: return insn->opcode < 0xD8 || insn->opcode > 0xDF;
    case INSN_MAP_0F:
        return (insn->opcode >= 0x40 && insn->opcode <= 0x4F) ||
               (insn->opcode >= 0x80 && insn->opcode <= 0xC1 && insn->opcode != 0xAE) || insn->opcode == 0xC3 ||
               (insn->opcode >= 0xC8 && insn->opcode <= 0xCF);
    case INSN_MAP_0F38: return insn->opcode == 0xF0 || insn->opcode == 0xF1;
    default: return false;
    }
}

static ZydisDecoder decoder_for(unsigned bits)
{
    ZydisDecoder decoder;

    if (bits == 64)
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)));
    else if (bits == 32)
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32)));
    else
        assert_true(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16)));
    return decoder;
}

static bool vector_register(ZydisRegister reg)
{
    ZydisRegisterClass class = ZydisRegisterGetClass(reg);
    return class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM || class == ZYDIS_REGCLASS_ZMM;
}

static int register_number(ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE ? INSN_NO_REGISTER : ZydisRegisterGetId(reg);
}

static bool address_differs(const struct insn *ours, uint64_t theirs)
{
    return (((uint64_t)ours->displacement ^ theirs) << (64 - 8 * ours->address_size)) != 0;
}

static const char *difference_of_memory(const struct insn *ours, const ZydisDecodedOperandMem *theirs,
                                        const ZydisDecodedInstruction *whole)
{
    bool relative = theirs->base == ZYDIS_REGISTER_RIP || theirs->base == ZYDIS_REGISTER_EIP;

    if (!ours->is_memory)
        return "is_memory";
    if (ours->rip_relative != relative)
        return "rip_relative";
    if (!relative && ours->base != register_number(theirs->base))
        return "base";
    if (!vector_register(theirs->index) && ours->index != register_number(theirs->index))
        return "index";
    if (!vector_register(theirs->index) && theirs->index != ZYDIS_REGISTER_NONE && ours->scale != theirs->scale)
        return "scale";
    if (theirs->type == ZYDIS_MEMOP_TYPE_MEM && (unsigned)ours->segment != theirs->segment - ZYDIS_REGISTER_ES)
        return "segment";
    // A moffs is compared as the address it is: Zydis extends its sign. EVEX scales an 8-bit displacement, we do not.
    if (!ours->has_modrm)
        return address_differs(ours, (uint64_t)theirs->disp.value) ? "moffs" : NULL;
    return ours->displacement != (ours->encoding == INSN_EVEX ? whole->raw.disp.value : theirs->disp.value)
               ? "displacement"
               : NULL;
}

static const char *difference_of_immediate(const struct insn *ours, const ZydisDecodedInstruction *theirs)
{
    unsigned size = theirs->raw.imm[0].size / 8u;
    uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * size)) - 1;

    if (theirs->encoding == ZYDIS_INSTRUCTION_ENCODING_3DNOW) // the byte in the immediate's place is the opcode
        return (uint8_t)ours->immediate != theirs->opcode ? "suffix" : NULL;
    if (ours->immediate_size != size && theirs->raw.imm[1].size == 0)
        return "immediate_size";
    if (size != 0 && ((ours->immediate ^ theirs->raw.imm[0].value.u) & mask) != 0)
        return "immediate";
    if (size != 0 && theirs->raw.imm[0].is_signed && ours->immediate != theirs->raw.imm[0].value.u)
        return "immediate's sign";
    return NULL;
}

static const char *difference(const struct insn *ours, const ZydisDecodedInstruction *theirs,
                              const ZydisDecodedOperand *operands)
{
    const char *found = NULL;

    if (ours->opcode != theirs->opcode && theirs->encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW)
        return "opcode";
    if (ours->has_modrm != ((theirs->attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0))
        return "has_modrm";
    if (ours->has_modrm &&
        ours->modrm != (theirs->raw.modrm.mod << 6 | theirs->raw.modrm.reg << 3 | theirs->raw.modrm.rm))
        return "modrm";
    if (ours->address_size * 8 != theirs->address_width)
        return "address_size";
    for (unsigned i = 0; i < theirs->operand_count && found == NULL; i++) {
        bool encoded = operands[i].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
                       operands[i].encoding == ZYDIS_OPERAND_ENCODING_DISP16_32_64;
        if (encoded && operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
            found = difference_of_memory(ours, &operands[i].mem, theirs);
        else if (encoded && ours->is_memory)
            found = "is_memory";
    }
    if (found == NULL)
        found = difference_of_immediate(ours, theirs);
    if (found == NULL && general_purpose(ours, theirs) && ours->operand_size * 8 != theirs->operand_width)
        found = "operand_size";
    return found;
}

static void print_case(const char *what, const uint8_t *bytes, unsigned bits, const ZydisDecodedInstruction *theirs)
{
    char text[3 * ZYDIS_MAX_INSTRUCTION_LENGTH + 1] = "";

    for (unsigned i = 0; i < ZYDIS_MAX_INSTRUCTION_LENGTH; i++)
        (void)sprintf(text + 3 * i, "%02x ", bytes[i]);
    print_message("# %u-bit %s: %s(%s, length %u)\n", bits, what, text, ZydisMnemonicGetString(theirs->mnemonic),
                  theirs->length);
}

// One place decoded by both. Returns Zydis' length, 0 when it refuses the bytes.
static unsigned compare(struct tally *tally, const ZydisDecoder *decoder, const uint8_t *bytes, size_t available,
                        unsigned bits)
{
    ZydisDecodedInstruction theirs;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    struct insn ours;
    enum decode_result result = insn_decode(&ours, bytes, available, bits);
    enum exception exception;
    const char *found;

    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, available, &theirs, operands))) {
        tally->only_ours += result == DECODE_OK;
        return 0;
    }
    exception = exception_of(&theirs);
    if (exception != NO_EXCEPTION)
        tally->exceptions[exception]++;
    if (exception == KNIGHTS_CORNER)
        return 0;
    tally->decoded++;
    tally->padding += theirs.mnemonic == ZYDIS_MNEMONIC_INT3;
    if (result != DECODE_OK || ours.length != theirs.length) {
        if (tally->length++ < 20)
            print_case(result == DECODE_OK ? "length" : "refused", bytes, bits, &theirs);
        return theirs.length;
    }
    if (exception != NO_EXCEPTION)
        return theirs.length;
    found = difference(&ours, &theirs, operands);
    if (found != NULL && tally->operands++ < 40)
        print_case(found, bytes, bits, &theirs);
    return theirs.length;
}

static void print_tally(const char *what, const struct tally *tally)
{
    print_message("# %s: decoded %llu instructions, %llu length differences, %llu operand differences\n", what,
                  (unsigned long long)tally->decoded, (unsigned long long)tally->length,
                  (unsigned long long)tally->operands);
    print_message(
        "#   %llu are INT3, padding; Zydis refuses %llu, of which we accept %llu\n", (unsigned long long)tally->padding,
        (unsigned long long)tally->skipped - tally->exceptions[KNIGHTS_CORNER], (unsigned long long)tally->only_ours);
    print_message("#   exceptions: %llu Knights Corner, %llu MPX address size, %llu r13d\n",
                  (unsigned long long)tally->exceptions[KNIGHTS_CORNER],
                  (unsigned long long)tally->exceptions[MPX_ADDRESS_SIZE],
                  (unsigned long long)tally->exceptions[R13D_WITHOUT_DISPLACEMENT]);
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + ZYDIS_MAX_INSTRUCTION_LENGTH);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    memset(bytes + *size, 0, ZYDIS_MAX_INSTRUCTION_LENGTH);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

static void test_kernel_text(void **state)
{
    const char *path = getenv("ESCAPEMENT_KERNEL_TEXT");
    ZydisDecoder decoder = decoder_for(64);
    struct tally tally = { 0 };
    size_t size;

    (void)state;
    if (path == NULL) {
        print_message("# skipped: ESCAPEMENT_KERNEL_TEXT names no kernel .text\n");
        skip();
    }
    uint8_t *text = read_file(path, &size);
    for (size_t at = 0; at < size;) {
        unsigned length = compare(&tally, &decoder, text + at, ZYDIS_MAX_INSTRUCTION_LENGTH, 64);
        tally.skipped += length == 0;
        at += length == 0 ? 1 : length;
    }
    free(text);
    print_tally("kernel .text", &tally);
    assert_true(tally.decoded > 0);
    assert_int_equal(tally.length, 0);
    assert_int_equal(tally.operands, 0);
}

static uint64_t random_64(void)
{
    static uint64_t seed = 0x9E3779B97F4A7C15; // splitmix64
    uint64_t z = seed += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

// Uniform bytes rarely begin like code, so half of the strings are led to the prefixes and escapes.
static void random_string(uint8_t *bytes)
{
    static const uint8_t leads[] = { 0x0F, 0x66, 0xF2, 0xF3, 0x67, 0x48, 0x41, 0x64, 0x2E, 0xC4, 0xC5, 0x62, 0x8F };
    uint64_t words[2] = { random_64(), random_64() };
    uint64_t choice = random_64();
    unsigned count = (choice & 1) != 0 ? (unsigned)(choice >> 1) % 4 : 0;

    memcpy(bytes, words, sizeof(words));
    for (unsigned i = 0; i < count; i++)
        bytes[i] = leads[(choice >> (8 + 8 * i)) % sizeof(leads)];
}

static void test_random(void **state)
{
    const unsigned modes[] = { 64, 32, 16 };
    uint64_t differences = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        ZydisDecoder decoder = decoder_for(modes[i]);
        struct tally tally = { 0 };
        char name[32];
        for (unsigned n = 0; n < RANDOM_STRINGS; n++) {
            uint8_t bytes[16];
            random_string(bytes);
            tally.skipped += compare(&tally, &decoder, bytes, ZYDIS_MAX_INSTRUCTION_LENGTH, modes[i]) == 0;
        }
        (void)snprintf(name, sizeof(name), "random, %u-bit", modes[i]);
        print_tally(name, &tally);
        differences += tally.length + tally.operands;
    }
    assert_int_equal(differences, 0);
}

// Every instruction cut short asks for more, and asks for no byte beyond its own.
static void test_truncated(void **state)
{
    const unsigned modes[] = { 64, 32, 16 };

    (void)state;
    for (unsigned n = 0; n < 300000; n++) {
        uint8_t bytes[16];
        struct insn whole, part;
        random_string(bytes);
        if (insn_decode(&whole, bytes, INSN_MAX_LENGTH, modes[n % 3]) != DECODE_OK)
            continue;
        for (unsigned cut = 0; cut < whole.length; cut++) {
            uint8_t exact[INSN_MAX_LENGTH]; // its end is where the bytes end, so that a sanitizer sees a read beyond
            uint8_t *start = exact + sizeof(exact) - cut;
            memcpy(start, bytes, cut);
            assert_int_equal(insn_decode(&part, start, cut, modes[n % 3]), DECODE_NEED_MORE);
        }
        assert_int_equal(insn_decode(&part, bytes, whole.length, modes[n % 3]), DECODE_OK);
        assert_int_equal(part.length, whole.length);
    }
}

static void test_too_long(void **state)
{
    uint8_t bytes[20];
    struct insn insn;

    (void)state;
    memset(bytes, 0x66, sizeof(bytes));
    assert_int_equal(insn_decode(&insn, bytes, sizeof(bytes), 64), DECODE_TOO_LONG);
    assert_int_equal(insn_decode(&insn, bytes, INSN_MAX_LENGTH, 64), DECODE_TOO_LONG);
    assert_int_equal(insn_decode(&insn, bytes, INSN_MAX_LENGTH - 1, 64), DECODE_NEED_MORE);
    bytes[14] = 0x90;
    assert_int_equal(insn_decode(&insn, bytes, sizeof(bytes), 64), DECODE_OK);
    assert_int_equal(insn.length, INSN_MAX_LENGTH);
    bytes[14] = 0xB0; // its immediate would be byte 16
    assert_int_equal(insn_decode(&insn, bytes, sizeof(bytes), 64), DECODE_TOO_LONG);
}

static void test_not_in_64_bit_mode(void **state)
{
    const uint8_t opcodes[] = { 0x06, 0x07, 0x0E, 0x16, 0x17, 0x1E, 0x1F, 0x27, 0x2F, 0x37,
                                0x3F, 0x60, 0x61, 0x82, 0x9A, 0xCE, 0xD4, 0xD5, 0xD6, 0xEA };
    uint8_t bytes[INSN_MAX_LENGTH] = { 0 };
    struct insn insn;

    (void)state;
    for (unsigned i = 0; i < sizeof(opcodes); i++) {
        bytes[0] = opcodes[i];
        assert_int_equal(insn_decode(&insn, bytes, sizeof(bytes), 64), DECODE_INVALID);
        assert_int_equal(insn_decode(&insn, bytes, sizeof(bytes), 32), DECODE_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_text),        cmocka_unit_test(test_random),
        cmocka_unit_test(test_truncated),          cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_not_in_64_bit_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
