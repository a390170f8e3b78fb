#!/bin/sh
# SPDX-License-Identifier: MIT
# M18 and law 5 on the machine: at the end of a VM its accounts add up to the counter, to the cycle, and every expiry of
# a timer was injected, is pending or was dropped; under each clock and idle rule, with and without host noise, also
# where the machine is not deterministic. There the line about precision admits it, and what a guest claims of exactness are
# figures, each with its name; elsewhere that line is of zeros.
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
    precision=$(sed -n 's/^precision: //p' "$folder/log")
}

# steady? yes or no. Where a tick of the demonstration falls into the handler of another, as in Bochs, whose cycle is another
# part of a second, it waits for the guest to let it in: the 20 instructions of that handler.
precise() {
    late=$(echo "$precision" | sed -n 's/^reference bias 0 spread 0, delivery late p50 0 p99 0 max \([0-9]*\) cycles$/\1/p')
    waited=$(sed -n 's/^interrupts: .*, \([0-9]*\) waited for a window$/\1/p' "$folder/log")
    if [ "$1" = yes ]; then
        [ "${late:-none}" = 0 ] || { [ "${waited:-0}" -gt 0 ] && [ "${late:-21}" -le 20 ]; }
    else
        echo "$precision" | grep -q '^reference bias [1-9][0-9]* spread [1-9]'
    fi
    claim $? "${precision:-no line about precision}; $waited waited for a window"
}

# figures WORDS: of a run of a guest, how many claims, how many of them are figures, and its status
figures() {
    status=0
    # shellcheck disable=SC2086 # words
    tools/run "$machine" $1 --build "$build" --kernel "$(kernel cycle_bias)" --vm mem=16M --timeout 600 </dev/null >"$folder/out" 2>/dev/null ||
        status=$?
    echo "$(grep -c '^ok [0-9]* - ' "$folder/out") $(grep -c '^ok [0-9]* - .* # SKIP a figure here, not a claim: ' "$folder/out") $status"
}

closes "clock=guest" --exact --vm mem=16M
precise yes
closes "clock=guest under noise" --exact --vm mem=16M --monitor noise=11
closes "clock=guest+emu" --exact --vm "mem=16M clock=guest+emu"
closes "clock=wall" --exact --vm "mem=16M clock=wall"
closes "idle=real under noise" --exact --vm "mem=16M idle=real" --monitor noise=12
closes "on a machine that is not deterministic" --vm mem=16M
if [ "$machine" = vmx ]; then
    precise yes # Bochs counts instructions, whatever it is told
else
    precise no
    # One claim of arm64's needs no steady host.
    claims=$(figures --exact) loose=$(figures "")
    [ "$claims" = "51 0 33" ] && echo "$loose" | grep -qE "^51 5[01] 33$"
    claim $? "cycle_bias, claims, figures, status: $claims with --exact, $loose without"
fi
echo "1..$count"
