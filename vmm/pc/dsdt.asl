// SPDX-License-Identifier: MIT
// The bytes of vmm/pc/dsdt.c in ACPI's source language; tools/tests/source/acpi.sh compiles this and compares.
DefinitionBlock ("", "DSDT", 2, "ESCAPE", "ESCAPEMT", 1)
{
    Name (\_S5, Package (4) { 5, 5, 0, 0 }) // SLP_TYP 5 written to PM1a control is power-off
    Scope (\_SB)
    {
        Device (RTC)
        {
            Name (_HID, EisaId ("PNP0B00"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x70, 0x70, 1, 2)
                IRQNoFlags () { 8 }
            })
        }
        Device (COM1)
        {
            Name (_HID, EisaId ("PNP0501"))
            Name (_UID, 1)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x3f8, 0x3f8, 1, 8)
                IRQNoFlags () { 4 }
            })
        }
        Device (KBD)
        {
            Name (_HID, EisaId ("PNP0303"))
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0x60, 0x60, 1, 1)
                IO (Decode16, 0x64, 0x64, 1, 1)
                IRQNoFlags () { 1 }
            })
        }
        Device (MOU) // the keyboard controller's second port, with nothing on it
        {
            Name (_HID, EisaId ("PNP0F13"))
            Name (_CRS, ResourceTemplate ()
            {
                IRQNoFlags () { 12 }
            })
        }
    }
}
