#!/bin/sh
# SPDX-License-Identifier: MIT
# time/, devices/ and the instructions' decoder and emulator are pure: they call nothing but mem* and themselves, read no
# clock, keep no state of their own, and include only what lies below them. That makes them testable without a machine.
. "$(dirname "$0")/tap"

pure=$(ls time/*.c devices/*.c arch/x86_64/insn/*.c)
headers=$(ls time/*.h devices/*.h arch/x86_64/insn/*.h)
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# Comments are not code: a word in one is no offence.
code_of() {
    sed -e 's|//.*||' -e 's|"[^"]*"|""|g' "$1"
}

found=
for file in $pure $headers; do
    bad=$(code_of "$file" | grep -nwE 'asm|__asm__|volatile|malloc|free|printf|time\(|clock_now|arch_[a-z_]+' | head -n 3)
    [ -z "$bad" ] || found="$found$file: $bad
"
done
claim "no assembly, volatile, allocation or clock in the pure rooms" "$found"

found=$(grep -nE '^ *# *include' $pure $headers |
    grep -vE '<(stdint|stdbool|stddef|string)\.h>|"(time|devices)/[a-z0-9_]+\.h"|"arch/x86_64/insn/[a-z_]*\.h"')
claim "they include only freestanding headers, time/ and devices/" "$found"
claim "time/ includes nothing of devices/" "$(grep -n '"devices/' time/*.[ch])"

# compiled COMPILER "words"
compiled() {
    rm -f "$objects"/*
    for file in $pure; do
        "$1" -std=gnu11 -I. -O1 -fno-pic -ffreestanding -fno-stack-protector -DESCAPEMENT_DEBUG $2 \
            -c -o "$objects/$(echo "$file" | tr / _).o" "$file"
    done
    defined=$(nm -A --defined-only "$objects"/*.o | awk '{ print $3 }' | sort -u)
    found=$(nm -u "$objects"/*.o | awk '$1 == "U" { print $2 }' | sort -u |
        grep -vxE 'mem(cpy|set|cmp|move)|invariant_failed|__u(div|mod)ti3' | grep -vxF "$defined")
    claim "$1: they call nothing outside but mem*, 128-bit division and invariant_failed" "$found"
    claim "$1: no writable global state" "$(nm -A "$objects"/*.o | awk '$2 ~ /^[dDbBCsS]$/ { print $1, $3 }' | sed "s|$objects/||")"
}

compiled gcc ""
pure=$(ls time/*.c devices/*.c)
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    compiled aarch64-linux-gnu-gcc -mno-outline-atomics
else
    claim "aarch64-linux-gnu-gcc # SKIP it is not here" ""
fi
plan_and_end
