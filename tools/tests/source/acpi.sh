#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest's ACPI tables, by ACPICA's disassembler and compiler: each is read without complaint and what was read
# compiles without a warning; the DSDT is, byte for byte, what its source says.
. "$(dirname "$0")/tap"

build=${BUILD:-build}
source=$PWD/vmm/pc/dsdt.asl
tables=$(mktemp -d)
trap 'rm -rf "$tables"' EXIT

claim "the tables are built" \
    "$(ACPI_DUMP=$tables "$build/native/tools/tests/native/x86_64/test_guest_acpi" >"$tables/log" 2>&1 || tail -n 3 "$tables/log")"
cd "$tables" || exit 1
for table in dsdt facp facs apic hpet rsdt xsdt; do
    read=$(iasl -d $table.dat 2>&1) || read="$read
iasl failed"
    claim "$table: iasl reads it" "$(echo "$read" | grep -iE 'warning|error|invalid|failed|no such')"
    compiled=$(iasl -p "$table.again" $table.dsl 2>&1)
    claim "$table: what it read compiles without a warning" \
        "$(echo "$compiled" | grep -q 'Compilation successful. 0 Errors, 0 Warnings' || echo "$compiled" | tail -n 8)"
done
iasl -p source "$source" >source.log 2>&1
claim "the source of the DSDT compiles without a warning" \
    "$(grep -q 'Compilation successful. 0 Errors, 0 Warnings' source.log || cat source.log)"
body() { tail -c +37 "$1" | od -An -tx1; }
claim "the DSDT is what its source says" "$([ "$(body dsdt.dat)" = "$(body source.aml)" ] || echo "they differ")"
plan_and_end
