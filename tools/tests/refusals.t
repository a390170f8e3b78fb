#!/bin/sh
# SPDX-License-Identifier: MIT
# What cannot be run is refused: a sentence that names the thing, and the status that says what kind of thing it was.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
good=$build/guests/echo_cmdline.elf
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# refused STATUS "a piece of the sentence" "the claim" ARGUMENTS OF tools/run
refused() {
    wanted=$1 sentence=$2 claim=$3
    shift 3
    count=$((count + 1))
    status=0
    tools/run svm --build "$build" --timeout 60 "$@" </dev/null >"$folder/out" 2>&1 || status=$?
    if [ "$status" -eq "$wanted" ] && grep -qF -- "$sentence" "$folder/out"; then
        echo "ok $count - $claim: status $status, \"$sentence\""
    else
        echo "not ok $count - $claim: status $status, wanted $wanted and \"$sentence\""
        tail -n 3 "$folder/out" | sed 's/^/# /'
    fi
}

# A copy of the good image with some bytes replaced: patch NAME OFFSET OCTAL-BYTES
patch() {
    cp "$good" "$folder/$1"
    # shellcheck disable=SC2059 # the bytes are the format
    printf "$3" | dd of="$folder/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

echo 1..19
head -c 20000 "$good" >"$folder/cut.elf"
refused 8 "cut.elf" "a truncated image" --kernel "$folder/cut.elf"
patch arm.elf 18 '\267\000'
refused 8 "arm.elf" "an image for arm64" --kernel "$folder/arm.elf"
patch bigend.elf 5 '\002'
refused 8 "bigend.elf" "a big-endian image" --kernel "$folder/bigend.elf"
refused 8 "but the VM has 1024 KiB (mem=)" "an image larger than its memory" --kernel "$good" --vm mem=1M
printf 'just some text\n' >"$folder/notes.txt"
refused 8 "notes.txt" "a text file" --kernel "$folder/notes.txt"
gzip -c "$good" >"$folder/packed.gz"
refused 8 "gzip" "a compressed image" --kernel "$folder/packed.gz"
refused 8 'unknown word "clok"; the nearest known word is "clock"' "an unknown word" --kernel "$good" --vm clok=guest
refused 8 "clock=sundial" "an unknown value" --kernel "$good" --vm clock=sundial
refused 8 "idle=warp" "words that contradict each other" --kernel "$good" --vm "clock=wall idle=warp"
refused 8 "mem is given twice" "a word given twice" --kernel "$good" --vm "mem=16M mem=32M"
refused 8 "vcpus=2" "two vCPUs" --kernel "$good" --vm vcpus=2
refused 8 "nois" "an unknown word for the monitor" --kernel "$good" --monitor nois=1
refused 10 "SVM" "a machine without SVM" --kernel "$good" --qemu-arg=-cpu --qemu-arg=max,-svm
refused 10 "nested paging" "SVM without nested paging" --kernel "$good" --qemu-arg=-cpu --qemu-arg=qemu64,+svm
refused 10 "mem=512M asked for" "too little memory" --kernel "$good" --vm mem=512M --qemu-arg=-m --qemu-arg=128M
refused 64 "does not exist" "a file that is not there" --kernel "$folder/nothing.elf"
refused 64 "is a folder" "a folder" --kernel "$folder"
refused 64 "--timeout" "no time at all" --kernel "$good" --timeout 0
refused 124 "" "a guest that never ends" --kernel "$build/guests/bad_guest.elf" --cmdline cli-loop --timeout 3
