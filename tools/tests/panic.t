#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests, on the machine, that the monitor's own mistakes end in a panic that names them: W^X, guard pages, exceptions,
# backtraces. Prints TAP. Links the kernel's objects with tools/tests/provoke.c in place of vmm/main.c.
#
# usage: BUILD=build tools/tests/panic.t        after `make kernel`
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
machine=${MACHINE:-svm}
CC=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

link() {
    # shellcheck disable=SC2086 # a list of objects
    $CC -nostdlib -static -no-pie -T linker.ld -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id \
        -o "$1" $objects "$work/provoke.o" "$2" -lgcc
}

objects=
for source in boot/x86_64/*.[cS] arch/x86_64/*.[cS] vmm/*.c time/*.c devices/*.c; do
    [ "$source" = vmm/main.c ] || [ ! -f "$BUILD/kernel/$source.o" ] || objects="$objects $BUILD/kernel/$source.o"
done
$CC -std=gnu11 -Wall -Wextra -Werror -I. -g -O2 -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie \
    -mcmodel=small -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
    -c -o "$work/provoke.o" tools/tests/provoke.c
tools/symbols >"$work/none.S"
$CC -c -o "$work/none.o" "$work/none.S"
link "$work/first.elf" "$work/none.o"
tools/symbols "$work/first.elf" >"$work/symbols.S"
$CC -c -o "$work/symbols.o" "$work/symbols.S"
link "$work/escapement.elf" "$work/symbols.o"

# boot WORD: runs it, its log in $work/log, the status in $status. The guest is never looked at.
boot() {
    status=0
    tools/run "$machine" --build "$work" --kernel "$BUILD/guests/echo_cmdline.elf" --monitor "$1" --timeout 60 \
        --log "$work/log" </dev/null >/dev/null 2>"$work/errors" || status=$?
    tr -d '\r' <"$work/log" >"$work/lines"
}

test_number=0
# expect WORD STATUS PATTERN...: the console has a line for each pattern, in any order.
expect() {
    word=$1
    wanted=$2
    shift 2
    boot "$word"
    test_number=$((test_number + 1))
    missing=
    [ "$status" = "$wanted" ] || missing="status $status, not $wanted"
    for pattern; do
        grep -Eq "$pattern" "$work/lines" || missing="${missing:+$missing; }no line like $pattern"
    done
    if [ -z "$missing" ]; then
        echo "ok $test_number - $word"
    else
        echo "not ok $test_number - $word: $missing"
        sed 's/^/# /' "$work/lines" "$work/errors"
    fi
}

fails() {
    word=$1
    shift
    expect "$word" 4 '^ESCAPEMENT-END status=4 reason=panic$' ' panic: build [0-9a-f]{40}$' ' entry_64\+0x' "$@"
}

echo 1..11
expect nothing 0 'provoke: nothing happened$'
fails write-text 'page fault: write to 0x100000, not permitted' '#0 .* write_to_text\+' '#1 .* vmm_main\+' '#2 .* boot_main\+'
fails write-rodata 'page fault: write to 0x[0-9a-f]+, not permitted' '#0 .* write_to_rodata\+' '#1 .* vmm_main\+'
fails execute-data 'page fault: execute 0x[0-9a-f]+, not permitted' '#0 .* outside the text' '#1 .* execute_data\+' '#2 .* vmm_main\+'
fails execute-pages 'page fault: execute 0x[0-9a-f]+, not permitted' '#0 .* outside the text' '#1 .* execute_pages\+' '#2 .* vmm_main\+'
fails read-zero 'page fault: read of 0x8, not mapped' '#0 .* read_page_zero\+' '#1 .* vmm_main\+'
fails read-beyond 'page fault: read of 0x7000000000, not mapped' '#0 .* read_beyond_ram\+' '#1 .* vmm_main\+'
# The chain is too long to reach its beginning: no entry_64 here.
expect overflow-stack 4 'exception 8, double fault: the boot stack has overflowed into its guard page' \
    '#0 .* overflow_stack' '#31 .* overflow_stack' '^ESCAPEMENT-END status=4 reason=panic$'
fails undefined 'exception 6, invalid opcode' '#0 .* undefined_instruction\+' '#1 .* vmm_main\+' ' rip 00000000001'
fails invariant 'invariant failed: 1 == 2 \(provoke.c:1\)' '#0 .* invariant_failed\+' '#1 .* break_invariant\+'
fails panic-in-panic ' panic: the first' '#0 .* panic_in_panic\+' \
    'panic: again, while reporting the first: exception 14, page fault: read of 0x7000000000, not mapped at 0x'
