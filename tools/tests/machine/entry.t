#!/bin/sh
# SPDX-License-Identifier: MIT
# How the arm64 image is entered by a loader that does something wrong: at another exception level, with x0 or a device
# tree that is none, with one that does not say what is needed. Each gets a sentence. A few instructions stand in for the
# loader: QEMU's own would do it right.
#
# usage: MACHINE=arm64 BUILD=build tools/tests/machine/entry.t
set -u
cd "$(dirname "$0")/../../.." || exit 1
[ "${MACHINE:-}" = arm64 ] || { echo "1..0 # SKIP only the arm64 image is entered by its first instruction"; exit 0; }
image=${BUILD:-build}/escapement-arm64.img
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0
machine=virt,virtualization=on,gic-version=3,dtb-randomness=off

# entered MACHINE "a piece of the sentence" "the claim" X0-IN-OCTAL-BYTES: the image is at 0x40200000, the tree
# $folder/tree at 0x50000000, and the machine begins with the loader.
entered() {
    count=$((count + 1))
    # ldr x0, 1f; ldr x1, 2f; br x1; nop; 1: .quad X0; 2: .quad 0x40200000
    # shellcheck disable=SC2059 # the bytes are the format
    printf '\200\000\000\130\241\000\000\130\040\000\037\326\037\040\003\325'"$4"'\000\000\040\100\000\000\000\000' \
        >"$folder/loader"
    : >"$folder/out"
    qemu-system-aarch64 -M "$1" -cpu cortex-a57 -m 512M -display none -nodefaults -serial "file:$folder/out" -no-reboot \
        -device "loader,file=$image,addr=0x40200000,force-raw=on" \
        -device "loader,file=$folder/tree,addr=0x50000000,force-raw=on" \
        -device "loader,file=$folder/loader,addr=0x48000000,force-raw=on,cpu-num=0" </dev/null >/dev/null 2>&1 &
    qemu=$!
    tenths=0
    while [ $tenths -lt 600 ] && kill -0 $qemu 2>/dev/null && ! grep -q '^ESCAPEMENT-END' "$folder/out"; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    kill $qemu 2>/dev/null
    wait $qemu 2>/dev/null
    if grep -qF -- "$2" "$folder/out" && grep -q '^ESCAPEMENT-END' "$folder/out"; then
        echo "ok $count - $3: \"$2\""
    else
        echo "not ok $count - $3: wanted \"$2\""
        tail -n 3 "$folder/out" | sed 's/^/# /'
    fi
}

qemu-system-aarch64 -M "$machine,dumpdtb=$folder/good" -cpu cortex-a57 -m 512M -display none >/dev/null 2>&1
at_tree='\000\000\000\120\000\000\000\000'
cp "$folder/good" "$folder/tree"
entered $machine "no kernel to run" "as it should be, without a kernel" "$at_tree"
entered virt,gic-version=3 "needs EL2: the host's virtualization is off" "at EL1" "$at_tree"
entered virt,secure=on "needs EL2: secure firmware has to run first" "at EL3" "$at_tree"
entered $machine "x0 is 0, where no device tree can be" "x0 is 0" '\000\000\000\000\000\000\000\000'
entered $machine "x0 is 0x50000004, where no device tree can be" "x0 is odd" '\004\000\000\120\000\000\000\000'
entered $machine "x0 is 0x1000050000000, where" "x0 is beyond every address" '\000\000\000\120\000\000\001\000'
entered $machine "read of 0x3000000" "x0 is where no memory is" '\000\000\000\000\003\000\000\000'

head -c 3000 "$folder/good" >"$folder/tree"
entered $machine "is damaged: FDT_ERR_" "the tree's end is missing" "$at_tree"
head -c 8192 "$image" >"$folder/tree"
entered $machine "is damaged: FDT_ERR_BADMAGIC" "something else where the tree should be" "$at_tree"

# changed "sed's command": the good tree with words of the same length in place of others
changed() {
    LC_ALL=C sed "$1" "$folder/good" >"$folder/tree"
}
changed 's/memory/memorz/g'
entered $machine "names no memory" "a tree without memory" "$at_tree"
cp "$folder/good" "$folder/tree"
fdtput -t x "$folder/tree" /memory@40000000 reg 0 48000000 0 10000000
entered $machine "no memory is at 0x40200000" "memory, but not where the image is" "$at_tree"
changed 's/arm,gic-v3/arm,gic-v9/'
entered $machine "no GIC in the device tree" "a tree without a known GIC" "$at_tree"
changed 's/arm,armv8-timer/arm,armv9-timer/'
entered $machine "private interrupts for the hypervisor's timer" "a tree without the timer" "$at_tree"
cp "$folder/good" "$folder/tree"
fdtput -cp "$folder/tree" /chosen/module@7fffffff0
fdtput -t s "$folder/tree" /chosen/module@7fffffff0 compatible multiboot,module multiboot,kernel
fdtput -t x "$folder/tree" /chosen/module@7fffffff0 reg 7 fffffff0 0 1000
entered $machine "a module of 4096 bytes at 0x7fffffff0, where no memory is" "a module that is nowhere" "$at_tree"
echo "1..$count"
