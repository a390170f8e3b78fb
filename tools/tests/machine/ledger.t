#!/bin/sh
# SPDX-License-Identifier: MIT
# M18 and law 5 on the machine: at the end of a VM its accounts add up to the counter, to the cycle, and every expiry of
# a timer was injected, is pending or was dropped; under each clock and idle rule, with and without host noise, also
# where the machine is not deterministic.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

closes() {
    claim=$1
    shift
    status=0
    tools/run "$machine" --build "$build" --kernel "$(kernel demo)" --timeout 600 --log "$folder/log" "$@" \
        </dev/null >/dev/null 2>&1 || status=$?
    gap=$(sed -n 's/^closure: \(-*[0-9]*\) cycles$/\1/p' "$folder/log")
    law=$(sed -n 's/^law 5: .* for \([0-9]*\) of \([0-9]*\) timers$/\1 \2/p' "$folder/log")
    count=$((count + 1))
    if [ "$status" -eq 0 ] && [ "$gap" = 0 ]; then echo "ok $count - M18 $claim: difference $gap cycles"; else
        echo "not ok $count - M18 $claim: difference ${gap:-unknown}, status $status"; fi
    count=$((count + 1))
    if [ -n "$law" ] && [ "${law% *}" = "${law#* }" ]; then echo "ok $count - law 5 $claim: ${law#* } timers"; else
        echo "not ok $count - law 5 $claim: ${law:-no line}"; fi
}

echo 1..12
closes "clock=guest" --exact --vm mem=16M
closes "clock=guest under noise" --exact --vm mem=16M --monitor noise=11
closes "clock=guest+emu" --exact --vm "mem=16M clock=guest+emu"
closes "clock=wall" --exact --vm "mem=16M clock=wall"
closes "idle=real under noise" --exact --vm "mem=16M idle=real" --monitor noise=12
closes "on a machine that is not deterministic" --vm mem=16M
