// SPDX-License-Identifier: MIT
// What the ACPI namespace of a guest holds, as AML: \_S5, and those ISA devices that systems look for by name (the HPET
// has a table of its own). The same in ACPI's source language is vmm/pc/dsdt.asl. Section numbers are those of the
// ACPI 6.0 specification.
#include "vmm/pc/tables.h"

// 20.2.3, 20.2.5: what a DefBlock is made of.
#define NAME         0x08
#define BUFFER       0x11
#define PACKAGE      0x12
#define SCOPE        0x10
#define DEVICE       0x5b, 0x82
#define BYTE         0x0a // the next byte is a number
#define DWORD        0x0c
#define ZERO         0x00
#define ONE          0x01

// 6.4: what a device decodes and which interrupts it uses.
#define IO_DECODE_16 0x47, 0x01
#define IRQ_NO_FLAGS 0x22
#define END_TAG      0x79, 0x00

const uint8_t guest_dsdt_body[GUEST_DSDT_BYTES] = {
    NAME,         '_',  'S',  '5',  '_',                       // 7.4.2.6: SLP_TYP of PM1a and PM1b
    PACKAGE,      8,    4,    BYTE, 5,    BYTE, 5, ZERO, ZERO,
    SCOPE,        0x48, 0x0a, '_',  'S',  'B',  '_',           // 168 bytes
    DEVICE,       37,   'R',  'T',  'C',  '_',
    NAME,         '_',  'H',  'I',  'D',  DWORD, 0x41, 0xd0, 0x0b, 0x00, // PNP0B00
    NAME,         '_',  'C',  'R',  'S',  BUFFER, 16, BYTE, 13,
    IO_DECODE_16, 0x70, 0x00, 0x70, 0x00, 1, 2,                // 2 ports from 0x70
    IRQ_NO_FLAGS, 0x00, 0x01, END_TAG,                         // IRQ 8
    DEVICE,       43,   'C',  'O',  'M',  '1',
    NAME,         '_',  'H',  'I',  'D',  DWORD, 0x41, 0xd0, 0x05, 0x01, // PNP0501
    NAME,         '_',  'U',  'I',  'D',  ONE,
    NAME,         '_',  'C',  'R',  'S',  BUFFER, 16, BYTE, 13,
    IO_DECODE_16, 0xf8, 0x03, 0xf8, 0x03, 1, 8,                // 8 ports from 0x3f8
    IRQ_NO_FLAGS, 0x10, 0x00, END_TAG,                         // IRQ 4
    DEVICE,       45,   'K',  'B',  'D',  '_',
    NAME,         '_',  'H',  'I',  'D',  DWORD, 0x41, 0xd0, 0x03, 0x03, // PNP0303
    NAME,         '_',  'C',  'R',  'S',  BUFFER, 24, BYTE, 21,
    IO_DECODE_16, 0x60, 0x00, 0x60, 0x00, 1, 1,
    IO_DECODE_16, 0x64, 0x00, 0x64, 0x00, 1, 1,
    IRQ_NO_FLAGS, 0x02, 0x00, END_TAG,                         // IRQ 1
    DEVICE,       29,   'M',  'O',  'U',  '_',
    NAME,         '_',  'H',  'I',  'D',  DWORD, 0x41, 0xd0, 0x0f, 0x13, // PNP0F13
    NAME,         '_',  'C',  'R',  'S',  BUFFER, 8, BYTE, 5,
    IRQ_NO_FLAGS, 0x00, 0x10, END_TAG,                         // IRQ 12
};
