#!/bin/sh
# SPDX-License-Identifier: MIT
# The arm64 guest's device tree, by the device tree compiler: it is read without a warning, and what was read makes the
# same tree again.
. "$(dirname "$0")/tap"

build=${BUILD:-build}
trees=$(mktemp -d)
trap 'rm -rf "$trees"' EXIT

claim "the trees are built" \
    "$(DTB_DUMP=$trees "$build/native/tools/tests/native/arm64/test_guest_dtb" >"$trees/log" 2>&1 || tail -n 3 "$trees/log")"
cd "$trees" || exit 1
for tree in gicv2 gicv3; do
    claim "$tree: dtc reads it without a warning" "$(dtc -I dtb -O dts -o $tree.dts $tree.dtb 2>&1)"
    # The text names phandles by their numbers, and dtc wants them by label there.
    claim "$tree: what it read compiles to the same tree" \
        "$(dtc -I dts -O dtb -W no-clocks_property -o again.dtb $tree.dts 2>&1
           dtc -I dtb -O dts -o again.dts again.dtb 2>&1
           cmp $tree.dts again.dts 2>&1)"
done
plan_and_end
