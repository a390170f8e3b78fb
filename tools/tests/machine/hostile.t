#!/bin/sh
# SPDX-License-Identifier: MIT
# A few guests that mean harm, of a fixed seed: make hostile runs as many as one likes. None of them may hurt the monitor,
# its accounts, or what the witness after them prints.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
out=$(mktemp)
trap 'rm -f "$out"' EXIT
case $machine in
svm) guests=48 ;;
vmx) guests=12 ;;
*) guests=8 ;; # over four machines
esac
status=0
make hostile BUILD="$build" MACHINE="$machine" COUNT=$guests SEED=1 >"$out" 2>&1 || status=$?
sed 's/^/# /' "$out" | tail -n 30
ran=$(sed -n "s/.*: \([0-9]*\) of \1 guests, .* 0 failures\$/\1/p" "$out" | awk '{ sum += $1 } END { print sum + 0 }')
wrong=0
{ [ "$status" -eq 0 ] && [ "$ran" -eq $guests ]; } || wrong=1
claim $wrong "$ran of $guests guests with seeds from 1 end, and what is after them is as before: status $status"
lived=$(grep -oE '[0-9]+ (limits|records)' "$out" | awk '{ sum += $1 } END { print sum + 0 }')
wrong=0
[ "$lived" -gt 0 ] || wrong=1
claim $wrong "some of them got far enough to be ended: $lived"
make -n -W vmm/run.c kernel BUILD="$build" MACHINE="$machine" 2>/dev/null | grep vmm/run.c | grep -q '"vmm/pc/machine.h"'
claim $? "MACHINE=$machine says where the guests run, not for which board the monitor is compiled"
echo "1..$count"
