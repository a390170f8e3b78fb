#!/bin/sh
# SPDX-License-Identifier: MIT
# Nothing of one VM is ever in the next: a kernel that prints everything it can read prints the same bytes alone and after
# one in the same boot that has left noise in everything it could name, on each of arm64's machines and on the CPU with
# most of the extensions. And its memory is cleared when it is freed, not only when the next VM gets it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/tests/machine
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ "$machine" = arm64 ] || { echo "1..0 # SKIP the kernels that leave noise and look for it are arm64's"; exit 0; }
leftovers=$(kernel leftovers)

# boot FOLDER WORDS...
boot() {
    consoles=$1
    shift
    status=0
    tools/run "$machine" --exact --build "$build" --timeout 120 --monitor report=off --kernel "$leftovers" \
        --consoles "$folder/$consoles" "$@" </dev/null >/dev/null 2>"$folder/err" || status=$?
}

# same NAME WORDS...
same() {
    name=$1
    shift
    boot alone "$@" --vm "mem=16M vm=show" --cmdline show
    lines=$(wc -l <"$folder/alone/show")
    claim $((status != 33 || lines < 100)) "$name: alone it prints $lines lines, status $status"
    boot after "$@" --vm "mem=16M vm=dirty" --cmdline dirty --also --kernel "$leftovers" --vm "mem=16M vm=show" \
        --cmdline show
    claim $((status != 33)) "$name: both VMs end with status $status"
    if cmp -s "$folder/alone/show" "$folder/after/show"; then
        claim 0 "$name: after the other it prints the same"
    else
        claim 1 "$name: after the other it prints something else"
        diff "$folder/alone/show" "$folder/after/show" | head -n 20 | sed 's/^/# /'
    fi
    rm -rf "$folder/alone" "$folder/after"
}

for model in $(models); do
    # shellcheck disable=SC2046 # words of a machine
    same "$model" $(model_words "$model")
done
same max --cpu max

# The machine's memory is a file, in which the kernel's noise would be found.
memory=$folder/memory
boot scrubbed --vm mem=16M --cmdline dirty --qemu-arg=-m --qemu-arg 320M --qemu-arg=-object \
    --qemu-arg "memory-backend-file,id=ram,size=320M,share=on,mem-path=$memory" --qemu-arg=-machine \
    --qemu-arg memory-backend=ram
found=$(python3 -c 'import sys
print(open(sys.argv[1], "rb").read().count(bytes.fromhex("0f48d2e17b96c3a5") * 8))' "$memory")
claim $((status != 33 || found != 0)) "what a VM had is cleared when it is freed: noise found $found times, status $status"
echo "1..$count"
