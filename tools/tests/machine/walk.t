#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/walk follows an exit through the source, on SVM and on arm64, from the world switch to a device and back.
# Among what takes long, because QEMU does one instruction at a time here.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# walk MACHINE KERNEL FUNCTION WORDS...: tools/walk's output in $folder/out, its status in $status. False: this QEMU cannot, and
# a claim has said so.
walk() {
    machine=$1 kernel=$2 through=$3
    shift 3
    status=0
    timeout 900 tools/walk "$machine" --build "$build" --kernel "$kernel" --through "$through" "$@" >"$folder/out" \
        2>"$folder/err" || status=$?
    ! grep -q 'has no -singlestep' "$folder/err" || {
        claim 0 "$machine, $through # SKIP $(tail -n 1 "$folder/err" | tr '#' ' ')"
        return 1
    }
}

# walked MACHINE KERNEL FUNCTION FILE...: the way through that function leads through these files.
walked() {
    walk "$1" "$2" "$3" --cmdline hello --vm mem=4M --path || return
    shift 3
    told=$(sed -n '1s/.*: \([0-9]*\) instructions, \([0-9]*\) files, \([0-9]*\) jumps$/\1 \2 \3/p' "$folder/out")
    [ "$status" -eq 0 ] && echo "$told" | grep -qE '^[0-9]{3} [0-9]{2} [0-9]{2}$'
    claim $? "$machine, $through: $told instructions, files and jumps; status $status"
    missing=
    for file; do grep -q "($file)\$" "$folder/out" || missing="$missing $file"; done
    [ -z "$missing" ]
    claim $? "$machine, $through: the way leads through $*${missing:+; but not through}$missing"
}

walked svm "$build/guests/echo_cmdline.elf" guest_execute_port arch/x86_64/svm/world.S arch/x86_64/svm/quick.c \
    devices/uart16550.c time/ledger.h
walked arm64 "$build/guests-arm64/echo_cmdline.img" emulate_mmio arch/arm64/world.S arch/arm64/guest/mmio.c devices/pl011.c \
    time/ledger.h

# DESIGN.md's table, a row: what tools/walk counts, by what it is for.
spent() {
    walk "$1" "$2" "$3" --vm "mem=16M clock=wall idle=real" --trips 9500 || return
    row=$(awk 'NR == 1 { for (i = 2; i <= NF; i++) if ($i == "instructions,") all = $(i - 1) }
        NR > 1 && $2 ~ /(world|vectors)\.[Sh]:$/ { spent["switch"] += $1; next }
        NR > 1 && $2 ~ /(show\/histogram|time\/ledger|time\/vtime|time\/counterscale|vmm\/vm|vmm\/account)\.h:$/ {
            spent["booking"] += $1; next }
        NR > 1 && $2 ~ /(vmm\/quick\.h|vmm\/run\.c|timerq\.[ch]|event\.c|vgic\.h|machine\.h|stolen_time\.h|pvtime\.h):$/ {
            spent["planning"] += $1 }
        END { print all " | " spent["switch"] " | " spent["booking"] " | " spent["planning"] " | " \
              all - spent["switch"] - spent["booking"] - spent["planning"] " |" }' "$folder/out")
    [ "$status" -eq 0 ] && grep -qF "\`$through\` | $row" vmm/DESIGN.md
    claim $? "DESIGN.md, $through: $row"
}

spent svm "$build/guests/bench.elf" guest_execute_cpuid
spent arm64 "$build/guests-arm64/bench.img" quick_hypercall
spent arm64 "$build/guests-arm64/bench.img" sysreg_trapped
echo "1..$count"
