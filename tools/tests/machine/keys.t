#!/bin/sh
# SPDX-License-Identifier: MIT
# The monitor's keys on the guest's console: what they show, what of the typing the guest sees, and what a pause does
# to its time.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# claim "what" STATUS-OF-A-COMMAND
claim() {
    count=$((count + 1))
    if [ "$2" -eq 0 ]; then echo "ok $count - $1"; else echo "not ok $count - $1"; fi
}

# Until what was typed is answered, and the answer is whole: a report may come in the middle of a line that the guest prints.
# A guest that is deaf does not answer.
answered() {
    for _ in $(seq 30); do [ "$(wc -c <"$folder/out")" -eq "$before" ] || break; sleep 0.1; done
    until [ "$(wc -c <"$folder/out")" -eq "$before" ]; do
        before=$(wc -c <"$folder/out")
        sleep 0.4
    done
}

type_when_ready() {
    for _ in $(seq 300); do ! grep -q waiting "$folder/out" || break; sleep 0.2; done
    for keys in $typed; do
        before=$(wc -c <"$folder/out")
        # shellcheck disable=SC2059 # the keys are the format
        printf "$keys"
        answered
    done
}

# run TYPED ARGUMENTS OF tools/run: printf's format for what is typed once the guest waits for keys, each word after the answer to
# the last. The console goes to $folder/text, the status to $status.
run() {
    typed=$1 status=0
    shift
    : >"$folder/out"
    type_when_ready >"$folder/keys" &
    typist=$!
    tools/run "$machine" --build "$build" --timeout 600 --kernel "$(kernel echo_keys)" --log "$folder/log" "$@" \
        <"$folder/keys" >"$folder/out" 2>"$folder/err" || status=$?
    kill $typist 2>/dev/null
    wait $typist 2>/dev/null
    tr -d '\r' <"$folder/out" >"$folder/text"
}

shows() { grep -qF -- "$1" "$folder/text"; }
keys_of_guest() { sed -n 's/^\(.*[^0-9]\)\{0,1\}\([0-9]*\), stopped.*/\2/p' "$folder/text" | tr '\n' ' '; }

mkfifo "$folder/keys"
echo 1..18
run 'a \035l b \035e c \035t d \035c e \035n f \035h g \035] \035\035 x' --exact
claim "the guest got its keys, Ctrl-] twice, and ended: status $status" $((status != 33))
[ "$(keys_of_guest)" = "97 98 99 100 101 102 103 29 29 120 " ]
claim "and none of the monitor's: $(keys_of_guest)" $?
shows "Accounts: where every cycle"; claim "l shows the ledger" $?
shows "closure: 0 cycles"; claim "which closes while the VM runs" $?
shows "Exits: what ended"; claim "e shows the exits" $?
shows "Timers: each expiry"; claim "t shows the timers" $?
shows "Clocks side by side"; claim "c shows the clocks" $?
shows "Ctrl-] then"; claim "any other letter shows the legend" $?
! shows "EARLIER"; claim "the guest's counter never went back" $?

run 'a \035p l rx'
claim "a paused VM went on: status $status" $((status != 33))
paused=$(sed -n 's/^ *P  paused on purpose *\([0-9]*\) .*/\1/p' "$folder/text" | head -n 1)
claim "the pause is in the ledger: ${paused:-0} cycles of P" $((${paused:-0} <= 0))
claim "clock=guest stood still, the guest need not know" $(($(grep -c 'stopped 0' "$folder/text") != 2))

run 'a \035p rx' --vm clock=wall
# Who tells a guest is KVM's clock page, which arm64 has not.
told=1
[ "$machine" != arm64 ] || told=0
grep -q 'key 97, stopped 0' "$folder/text" && grep -q "key 120, stopped $told" "$folder/text"
claim "clock=wall went on, a guest with a clock page is told that it was stopped" $?

run '\035q' --exact
claim "q ends the VM: status $status" "$status"
grep -q "ended from the keyboard" "$folder/log"; claim "and the log says why" $?

# More than its port and the monitor's buffer take, and then the keys.
run "$(printf '%2000s' '' | tr ' ' y) \\035c \\035q" --cmdline deaf
shows "Clocks side by side"; claim "keys of a guest that never reads its port are obeyed" $?
claim "q ends it: status $status" "$status"
grep -q "ended from the keyboard" "$folder/log"; claim "and the log says why" $?
