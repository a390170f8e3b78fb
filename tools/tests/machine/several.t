#!/bin/sh
# SPDX-License-Identifier: MIT
# Several VMs in one boot, one after the other: each has its own status, its own part of the console and accounts that
# close, whatever became of the one before it.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run() {
    status=0
    tools/run "$machine" --exact --build "$build" --log "$folder/log" --timeout 600 "$@" </dev/null >"$folder/out" \
        2>"$folder/err" || status=$?
}

# printed NAME WORDS: what that VM has said of its command line, and the whole of it
printed() {
    case $machine in
    arm64) printf 'command line: %s\r\nEXIT: STATUS=33\r\n' "$2" ;;
    *) printf 'command line: echo_cmdline.elf %s\r\n' "$2" ;;
    esac >"$folder/wanted"
    cmp -s "$folder/wanted" "$folder/consoles/$1"
    claim $? "the file of $1 has what it printed, and no more"
}

echo_cmdline=$(kernel echo_cmdline)
run --kernel "$echo_cmdline" --cmdline "one" --vm mem=4M --consoles "$folder/consoles" \
    --also --kernel "$(kernel cycle_bias)" --vm "mem=16M limit=20ms vm=cut-off" \
    --also --kernel "$echo_cmdline" --cmdline "the last of three" --vm mem=8M
claim $((status != 33)) "the first status that is not 0 is the run's: $status, wanted 33"
printed guest0 one
printed guest2 "the last of three"
cat "$folder/consoles/guest0" "$folder/consoles/cut-off" "$folder/consoles/guest2" | cmp -s - "$folder/out"
claim $? "the three files one after the other are what was shown"
wrong=0
[ "$(grep '^tools/run: .*: status ' "$folder/err")" = "tools/run: guest0: status 33
tools/run: cut-off: status 6
tools/run: guest2: status 33" ] || wrong=1
claim $wrong "the status of each is said with its name: $(grep -c ': status ' "$folder/err") of them"
wrong=0
[ "$(grep -c '^ESCAPEMENT-VM [012] status=[0-9]* console_bytes=[1-9][0-9]* gap_cycles=0$' "$folder/log")" -eq 3 ] || wrong=1
claim $wrong "no ledger has a gap"
run --kernel "$echo_cmdline" --vm mem=4M --also --kernel "$echo_cmdline" --vm "mem=4M vm=guest0"
[ $status -eq 64 ] && grep -q 'two VMs are called guest0' "$folder/err"
claim $? "two of one name are refused"
run --kernel "$echo_cmdline" --vm mem=4M --also --vm mem=4M
[ $status -eq 64 ] && grep -q -- '--kernel' "$folder/err"
claim $? "--also without a kernel is refused"
echo "1..$count"
