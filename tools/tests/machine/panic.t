#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests, on the machine, that the monitor's own mistakes end in a panic that names them: W^X, guard pages, exceptions,
# backtraces. Prints TAP. Links the monitor's objects with tools/tests/machine/provoke.c in place of vmm/main.c.
#
# usage: BUILD=build tools/tests/machine/panic.t        after `make kernel`; MACHINE=arm64 after `make ARCH=arm64 kernel`
set -eu
cd "$(dirname "$0")/../../.."
. tools/tests/machine/common
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What there is of the other architecture's differs in folders, and in the flags and words that the Makefile has, too.
case $machine in
arm64)
    prefix=aarch64-linux-gnu- compiler=aarch64-linux-gnu-gcc objects_in=$build/kernel-arm64 image=escapement-arm64 undefined='"udf #0"' return=0xd65f03c0
    flags="-fpie -fvisibility=hidden -mno-outline-atomics -mbranch-protection=none"
    link="-static-pie -Wl,--no-dynamic-linker -T boot/arm64/linker.ld"
    libraries="$build/libfdt/libfdt.a -lgcc"
    ;;
*)
    prefix='' compiler=${CC:-gcc} objects_in=$build/kernel image=escapement undefined='"ud2"' return=0xc3
    flags="-mno-red-zone -fno-pic -fno-pie -mcmodel=small -mstack-protector-guard=global"
    link="-static -no-pie -T linker.ld"
    libraries=-lgcc
    ;;
esac

extra=
[ "$machine" != arm64 ] || extra=$work/provoke_arm64.o

link() {
    # shellcheck disable=SC2086 # lists of words
    $compiler -nostdlib $link -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id \
        -o "$1" $objects "$work/provoke.o" $extra "$2" $libraries
}

# The objects of the monitor that was built last, which the Makefile listed for its links.
objects=$(tr ' ' '\n' <"$objects_in/objects" | grep -v '/vmm/main\.c\.o$')
# shellcheck disable=SC2086
compile() {
    $compiler -std=gnu11 -Wall -Wextra -Werror -I. -g -O2 -ffreestanding -mgeneral-regs-only $flags -fstack-protector-strong \
        -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -DRETURN_CODE=$return -DUNDEFINED="$undefined" \
        -DMACHINE_DESCRIPTION='"vmm/virt/machine.h"' -c -o "$1" "$2"
}
compile "$work/provoke.o" tools/tests/machine/provoke.c
[ -z "$extra" ] || compile "$extra" tools/tests/machine/provoke_arm64.c
tools/symbols >"$work/none.S"
$compiler -c -o "$work/none.o" "$work/none.S"
link "$work/first.elf" "$work/none.o"
tools/symbols "$work/first.elf" >"$work/symbols.S"
$compiler -c -o "$work/symbols.o" "$work/symbols.S"
link "$work/$image.elf" "$work/symbols.o"
[ "$machine" != arm64 ] || aarch64-linux-gnu-objcopy -O binary "$work/$image.elf" "$work/$image.img"

# boot WORD: runs it, its log in $work/log, the status in $status. The guest is never looked at.
boot() {
    status=0
    tools/run "$machine" --build "$work" --kernel "$(kernel echo_cmdline)" --monitor "provoke $1" --timeout 600 \
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
    expect "$word" 4 '^ESCAPEMENT-END status=4 reason=panic$' ' panic: build [0-9a-f]{40}$' "$entry" "$@"
}

echo 1..21
expect nothing 0 'provoke: nothing happened$'
case $machine in
arm64)
    entry=' entry\+0x' main='boot_main\+' write='data abort: write to' read='data abort: read of'
    execute='instruction abort: execute' undefined='exception at EL2, undefined instruction' pc=' elr 00000000'
    text='0x[0-9a-f]+' outside='#0 .* code_in_data|outside the text' overflow='the boot stack has overflowed into its guard page'
    before=0x7fffffffffff window=0x800000000000 end=0x800000501000
    again='exception at EL2, data abort: read of 0x7000000000, '
    ;;
*)
    entry=' entry_64\+0x' main='boot_main\+' write='page fault: write to' read='page fault: read of'
    execute='page fault: execute' undefined='exception 6, invalid opcode' pc=' rip 00000000001'
    text=0x100000 outside='#0 .* outside the text'
    overflow='exception 8, double fault: the boot stack has overflowed into its guard page'
    before=0x3fffffffffff window=0x400000000000 end=0x400000501000
    again='exception 14, page fault: read of 0x7000000000, not mapped at 0x'
    ;;
esac
fails write-text "$write $text, not permitted" '#0 .* write_to_text\+' '#1 .* vmm_main\+' "#2 .* $main"
fails write-rodata "$write 0x[0-9a-f]+, not permitted" '#0 .* write_to_rodata\+' '#1 .* vmm_main\+'
fails execute-data "$execute 0x[0-9a-f]+, not permitted" "$outside" '#1 .* execute_data\+' '#2 .* vmm_main\+'
fails execute-pages "$execute 0x[0-9a-f]+, not permitted" "$outside" '#1 .* execute_pages\+' '#2 .* vmm_main\+'
fails read-zero "$read 0x8, not mapped" '#0 .* read_page_zero\+' '#1 .* vmm_main\+'
fails read-beyond "$read 0x7000000000, not mapped" '#0 .* read_beyond_ram\+' '#1 .* vmm_main\+'
# The chain is too long to reach its beginning: no entry here.
expect overflow-stack 4 "$overflow" \
    '#0 .* overflow_stack' '#31 .* overflow_stack' '^ESCAPEMENT-END status=4 reason=panic$'
fails undefined "$undefined" '#0 .* undefined_instruction\+' '#1 .* vmm_main\+' "$pc"
fails invariant 'invariant failed: 1 == 2 \(provoke.c:1\)' '#0 .* invariant_failed\+' '#1 .* break_invariant\+'
fails panic-in-panic ' panic: the first' '#0 .* panic_in_panic\+' \
    "panic: again, while reporting the first: $again"
# What it has written over is the way back, too: no entry here.
expect overrun-array 4 ' panic: the function in #0 has written past the end of an array on its stack$' \
    '#0 .* overrun_array\+' '^ESCAPEMENT-END status=4 reason=panic$'
# Not only what was compiled here is protected: the functions of the monitor with the longest arrays are.
protected() {
    "$prefix"objdump -d --no-show-raw-insn "$build/$image.elf" |
        awk '/^[0-9a-f]+ <.*>:$/ { name = $2 } /<__stack_chk_fail>$/ { print name }' | tr -d '<>:' | sort -u
}
protected >"$work/protected"
test_number=$((test_number + 1))
missing=
for function in vm_kill log_line format_v; do
    grep -qx "$function" "$work/protected" || missing="$missing $function"
done
[ -z "$missing" ] || printf 'not '
echo "ok $test_number - the kernel's own functions look at their frames${missing:+: not}$missing"
# A name that is no function's hides the one that it stands in.
foreign=$(tools/symbols "$build/$image.elf" | sed -n 's/.*\.asciz  "\(.*\)"$/\1/p' >"$work/names"
    grep -vxE '[A-Za-z_][A-Za-z_0-9]*(\.(constprop|isra|part|cold|lto_priv)(\.[0-9]+)?)*' "$work/names" | head -n 3 | tr '\n' ' ')
test_number=$((test_number + 1))
[ -z "$foreign" ] && [ "$(wc -l <"$work/names")" -gt 200 ] || printf 'not '
echo "ok $test_number - the table has $(wc -l <"$work/names") names, each of a function${foreign:+, but for: }$foreign"
if [ "$machine" = arm64 ]; then
    # The walk's external abort is the guest's own: told, and nothing of the monitor's.
    expect walk-nowhere 0 'provoke: PAR 0x2f$' 'provoke: nothing happened$'
else
    test_number=$((test_number + 1))
    echo "ok $test_number - walk-nowhere # SKIP arm64's"
fi
# A guest's memory: nothing before it, nothing after it, nothing where the monitor's own map has all other memory, and
# nothing when the VM is gone.
fails before-guest "$read $before, not mapped" '#0 .* read_before_guest\+' '#1 .* vmm_main\+'
fails after-guest "$read $end, not mapped" '#0 .* read_after_guest\+' '#1 .* vmm_main\+'
fails past-window "$write 0x[0-9a-f]+, not mapped" '#0 .* write_past_window\+' '#1 .* vmm_main\+'
fails closed-window "$read $window, not mapped" '#0 .* read_closed_window\+' '#1 .* vmm_main\+'
expect use-guest 0 'provoke: nothing happened$'
fails free-twice 'invariant failed: frames->free_bytes - free_before == size \(vmm/base/frames.c:[0-9]+\)' '#[0-9] .* free_twice\+'
