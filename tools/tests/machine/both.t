#!/bin/sh
# SPDX-License-Identifier: MIT
# One kernel, two makers' CPUs: the console is the same, byte for byte, on SVM and on VMX, every figure in it included.
# Both guests' clocks run at a billion cycles a second, which is QEMU's own rate and ten times Bochs'. The kernels are
# those that print nothing about the CPU they found.
set -eu
cd "$(dirname "$0")/../../.."
build=${BUILD:-build}
kernels="cycle_bias int_window halt_wake pvclock pm_rollover"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# run MACHINE KERNEL
run() {
    status=0
    tools/run "$1" --exact --build "$build" --kernel "$build/guests/$2.elf" --timeout 600 \
        --vm "mem=16M oracle=off tsc_hz=1000000000" </dev/null >"$folder/$1.out" 2>"$folder/$1.err" || status=$?
    echo "$status" >"$folder/$1.status"
}

echo "1..$(echo "$kernels" | wc -w)"
for kernel in $kernels; do
    run svm "$kernel" &
    run vmx "$kernel"
    wait
    count=$((count + 1))
    what="$kernel: $(wc -l <"$folder/svm.out") lines, status $(cat "$folder/svm.status"), on SVM"
    if [ -s "$folder/svm.out" ] && cmp -s "$folder/svm.out" "$folder/vmx.out" && cmp -s "$folder/svm.status" "$folder/vmx.status" &&
        [ "$(cat "$folder/svm.status")" -eq 33 ]; then
        echo "ok $count - $what, and the same on VMX"
    else
        echo "not ok $count - $what, status $(cat "$folder/vmx.status") on VMX"
        diff "$folder/svm.out" "$folder/vmx.out" | head -n 6 | sed 's/^/# /'
        cat "$folder/svm.err" "$folder/vmx.err" | head -n 4 | sed 's/^/# /'
    fi
done
