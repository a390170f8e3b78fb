#!/bin/sh
# SPDX-License-Identifier: MIT
# Bochs' models of Intel's CPUs, from the first with unrestricted guest to one with a monitor trap flag: each has other
# capabilities, and a guest's interrupts come at the same instructions on all.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# exact MODEL "a piece of what the monitor says of it"
exact() {
    status=0
    count=$((count + 1))
    tools/run vmx --cpu "$1" --build "$build" --kernel "$build/guests/int_window.elf" --vm mem=16M --timeout 60 \
        --log "$folder/log" </dev/null >"$folder/out" 2>&1 || status=$?
    claims=$(grep -c '^ok .* M10' "$folder/out")
    sed -n 's/.*escapement: \(Intel VMX.*\); counter.*/# '"$1"': \1/p' "$folder/log"
    if [ "$status" -eq 33 ] && [ "$claims" -gt 0 ] && grep -qF -- "$2" "$folder/log"; then
        echo "ok $count - $1, $2: M10, $claims claims"
    else
        echo "not ok $count - $1, $2: status $status, $claims claims"
        tail -n 5 "$folder/out" | sed 's/^/# /'
    fi
}

echo 1..4
exact corei5_arrandale_m520 "preemption timer no"
exact corei7_sandy_bridge_2600k "preemption timer every"
exact corei7_haswell_4770 "TSC scaling no"
exact tigerlake "monitor trap flag yes"
