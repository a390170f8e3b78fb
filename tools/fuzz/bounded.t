#!/bin/sh
# SPDX-License-Identifier: MIT
# Each fuzzer over a fixed number of inputs of one seed, after what the corpus in the tree has: make fuzz runs them for as
# long as one likes.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
INPUTS=4000
for source in tools/fuzz/fuzz_*.c tools/fuzz/*/fuzz_*.c; do
    target=$(basename "${source%.c}")
    target=${target#fuzz_}
    old=tools/fuzz/corpus/$target
    [ -d "$old" ] || old=
    # shellcheck disable=SC2086 # a folder or none
    "$build/fuzz/${source%.c}" -runs=$INPUTS -seed=1 -max_len=1024 -timeout=60 -print_final_stats=1 -artifact_prefix="$folder/" \
        $old >"$folder/log" 2>&1
    status=$?
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")
    [ $status -eq 0 ] && [ "${inputs:-0}" -ge $INPUTS ]
    passed=$?
    [ $passed -eq 0 ] || grep -v '^#' "$folder/log" | head -n 20 | sed 's/^/# /'
    claim $passed "fuzz_$target: ${inputs:-0} inputs, status $status"
done
echo "1..$count"
