#!/bin/sh
# SPDX-License-Identifier: MIT
# What README shows of `make run` is what it prints today: each line stands in the output, in that order; only what the
# counter stood at may be another, since every change of the monitor's own start is in it. The guest's code is the compiler's,
# so on another system than the one README was written on its figures are others.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

without_counter() {
    sed 's/from counter [0-9]* to [0-9]*/from counter/'
}

compiler=$("${CC:-gcc}" -dumpfullversion)
emulator=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\.[0-9]*\).*/\1/p')
case "$machine $compiler $emulator" in
"svm 12.2.0 7.2") ;;
*) echo "1..0 # SKIP README's figures are of gcc 12.2.0 and QEMU 7.2, here is $compiler and $emulator on $machine"; exit 0 ;;
esac

sed -n '/^## What you see/,/^## /p' README.md | sed -n '/^```$/,/^```$/p' | grep -vxE '```| *\.\.\.' | without_counter >"$folder/readme"
env -u MAKEFLAGS -u MAKELEVEL make run BUILD="$build" </dev/null 2>/dev/null | tr -d '\r' | without_counter >"$folder/printed"

# A line of README is looked for after the place of the one before it.
awk 'NR == FNR { line[++lines] = $0; next }
    { for (i = at + 1; i <= lines && line[i] != $0; i++) continue
      if (i <= lines) at = i; else { print "# README: " $0; missed = 1 } }
    END { exit missed || FNR < 20 }' "$folder/printed" "$folder/readme"
claim $? "each of the $(grep -c . "$folder/readme") lines that README shows of make run is printed, in that order"
echo "1..$count"
