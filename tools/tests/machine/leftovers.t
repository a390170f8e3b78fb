#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing of one VM is ever in the next: a kernel that prints everything it can read prints the same bytes alone and after
# one in the same boot that has left noise in everything it could name; on arm64 on each of its machines and on the CPU
# with most of the extensions. And its memory is cleared when it is freed, not only when the next VM gets it.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
leftovers=$(kernel leftovers)
case $machine in
arm64) mem=16M enough=100 noise=0f48d2e17b96c3a5 ;;
*) mem=4M enough=30 noise=d1d1d1d1d1d1d1d1 ;;
esac

# boot FOLDER WORDS...
boot() {
    consoles=$1
    shift
    status=0
    tools/run "$machine" --exact --build "$build" --timeout 600 --monitor report=off --kernel "$leftovers" \
        --consoles "$folder/$consoles" "$@" </dev/null >/dev/null 2>"$folder/err" || status=$?
}

# same NAME WORDS...
same() {
    name=$1
    shift
    boot alone "$@" --vm "mem=$mem vm=show" --cmdline show
    lines=$(wc -l <"$folder/alone/show")
    claim $((status != 33 || lines < enough)) "$name: alone it prints $lines lines, status $status"
    boot after "$@" --vm "mem=$mem vm=dirty" --cmdline dirty --also --kernel "$leftovers" --vm "mem=$mem vm=show" \
        --cmdline show
    claim $((status != 33)) "$name: both VMs end with status $status"
    if cmp -s "$folder/alone/show" "$folder/after/show"; then
        claim 0 "$name: after the other it prints the same"
    else
        claim 1 "$name: after the other it prints something else"
        diff "$folder/alone/show" "$folder/after/show" | tr -d '\r' | head -n 20 | sed 's/^/# /'
    fi
}

# changed GROUP...: of what the kernel prints, by one that has left its noise itself. Else the claims above say nothing.
changed() {
    boot dirty --vm "mem=$mem vm=both" --cmdline "dirty show"
    for group; do
        clean=$(grep "^$group: " "$folder/alone/show")
        noisy=$(grep "^$group: " "$folder/dirty/both")
        [ -n "$clean" ] && [ -n "$noisy" ] && [ "$clean" != "$noisy" ]
        claim $? "there is noise in $group"
    done
}

# The machine's memory is a file, in which the kernel's noise would be found.
scrubbed() {
    memory=$folder/memory
    boot scrubbed --vm mem=$mem --cmdline dirty --qemu-arg=-m --qemu-arg 320M --qemu-arg=-object \
        --qemu-arg "memory-backend-file,id=ram,size=320M,share=on,mem-path=$memory" --qemu-arg=-machine \
        --qemu-arg memory-backend=ram
    found=$(python3 -c 'import sys
print(open(sys.argv[1], "rb").read().count(bytes.fromhex(sys.argv[2]) * 8))' "$memory" $noise)
    claim $((status != 33 || found != 0)) "what a VM had is cleared when it is freed: noise found $found times, status $status"
}

case $machine in
arm64)
    for model in $(models); do
        # shellcheck disable=SC2046 # words of a machine
        same "$model" $(model_words "$model")
    done
    same max --cpu max
    scrubbed
    ;;
*)
    same "$machine"
    changed "debug and control registers" xsave "msrs from 0x0" "msrs from 0x4b564d00" "msrs from 0xc0000080" \
        "memory behind the image" "memory below 640 KiB" ports "device memory at 0xfee00000"
    [ "$machine" != svm ] || scrubbed
    ;;
esac
echo "1..$count"
