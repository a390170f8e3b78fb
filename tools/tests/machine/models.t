#!/bin/sh
# SPDX-License-Identifier: MIT
# Other models of CPUs, each with other capabilities, whose guests' interrupts come at the same instructions: Bochs' ones
# of Intel's, from the first with unrestricted guest to one with a monitor trap flag, or QEMU's of arm64.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# exact GUEST METRIC MODEL "a piece of what the monitor says of it" [WORD]: the guest, given the word, has claims of that
# metric, and all are met.
exact() {
    status=0
    count=$((count + 1))
    tools/run "$machine" --exact --cpu "$3" --build "$build" --kernel "$(kernel "$1")" --cmdline "exact${5:+ $5}" --vm mem=16M \
        --timeout 600 --log "$folder/log" </dev/null >"$folder/out" 2>&1 || status=$?
    claims=$(grep -c "^ok .* $2" "$folder/out")
    sed -n 's/.*escapement: \(Intel VMX.*\|arm64 at.*\); counter.*/# '"$3"': \1/p' "$folder/log"
    if [ "$status" -eq 33 ] && [ "$claims" -gt 0 ] && grep -qF -- "$4" "$folder/log"; then
        echo "ok $count - $3, $4: $2, $claims claims"
    else
        echo "not ok $count - $3, $4: status $status, $claims claims"
        tail -n 5 "$folder/out" | sed 's/^/# /'
    fi
}

# exact_if_there GUEST METRIC MODEL PIECE: an older emulator has not got all of them.
exact_if_there() {
    if qemu-system-aarch64 -M virt -cpu help | grep -qw -- "$3"; then
        exact "$@"
    else
        count=$((count + 1))
        echo "ok $count - $3: # SKIP not among the models of $(qemu-system-aarch64 --version | sed -n 's/ (.*//;1p')"
    fi
}

if [ "$machine" = arm64 ]; then
    echo 1..5
    exact branch_targets BTYPE max "with VHE"
    exact gtimer M5 max "with VHE"
    exact gtimer M5 cortex-a72 "without VHE"
    exact_if_there gtimer M5 neoverse-v1 "with VHE"
    exact_if_there gtimer M5 neoverse-n2 "with VHE"
    exit 0
fi

echo 1..5
exact int_window M10 corei5_arrandale_m520 "preemption timer no"
exact int_window M10 corei7_sandy_bridge_2600k "preemption timer every"
exact int_window M10 corei7_haswell_4770 "TSC scaling no"
exact int_window M10 tigerlake "monitor trap flag yes"
exact counter_leak M2 corei7_icelake_u "at each exit returns IBPB, between VMs L1D returns IBPB" exits=100000
