#!/bin/sh
# SPDX-License-Identifier: MIT
# The other versions of the emulators, those that a newer Debian has: a few guests whose figures are equalities, and the
# demonstration, on QEMU 10 (x86-64 and arm64) and on Bochs 3, which are fetched if they are not here. A room of its own.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work

# renumbered "NAME, " FILE: the claims of a TAP stream go on from `count`.
renumbered() {
    awk -v count="$count" -v name="$1" '
        /^(not )?ok [0-9]+ / { sub(/ok [0-9]+ - /, "ok " ++count " - " name); print; next }
        !/^1\.\./ { print ($0 ~ /^#/ ? "" : "# ") $0 }' "$2"
    made=$(grep -cE '^(not )?ok ' "$2")
    count=$((count + made))
}

# guests MACHINE VERSION "GUESTS": their claims. A guest without a claim fails in guests.t.
guests() {
    EMULATOR=$2 MACHINE=$1 GUESTS=$3 MODELS=neoverse-n1-gicv3 tools/tests/machine/guests.t >"$folder/guests" 2>&1
    renumbered "$1 on $2, " "$folder/guests"
    [ "$made" -gt 0 ]
    claim $? "$1 on $2: $made claims of $3"
}

# demonstration MACHINE VERSION KERNEL
demonstration() {
    status=0
    tools/run "$1" --emulator "$2" --exact --build "$build" --kernel "$3" --vm mem=16M --timeout 600 --log "$folder/log" \
        </dev/null >"$folder/out" 2>"$folder/err" || status=$?
    grep -q '^closure: 0 cycles$' "$folder/log" && grep -q 'ticks due 240, handled 240, lost 0' "$folder/out" || status=1
    [ "$status" -eq 0 ] || sed 's/^/# /' "$folder/err" | tail -n 5
    claim "$status" "$1, $(head -n 1 "$folder/log"): the demonstration loses no tick, its accounts close"
}

# stepped MACHINE VERSION KERNEL: its console when each of its deadlines is reached by single steps is that of the alarm's.
stepped() {
    for delivery in alarm exact; do
        tools/run "$1" --emulator "$2" --exact --build "$build" --kernel "$3" --vm "mem=16M oracle=off delivery=$delivery" \
            --monitor "$([ $delivery = alarm ] || echo alarm_error=-5000 noise=2)" --timeout 600 </dev/null \
            >"$folder/$delivery" 2>"$folder/err"
        echo "status $?" >>"$folder/$delivery"
    done
    grep -qx 'status 33' "$folder/exact" && cmp -s "$folder/alarm" "$folder/exact"
    passed=$?
    diff "$folder/alarm" "$folder/exact" | head -n 4 | sed 's/^/# /'
    claim $passed "$1 on $2, $(basename "$3" .elf): delivery=exact changes no byte of the console"
}

# guarded MACHINE VERSION MODEL "what the log says": a CPU that asks for these barriers, and a guest is exact there.
guarded() {
    status=0
    tools/run "$1" --emulator "$2" --cpu "$3" --build "$build" --kernel "$build/guests/int_window.elf" --cmdline exact \
        --vm mem=16M --timeout 300 --log "$folder/log" </dev/null >"$folder/out" 2>"$folder/err" || status=$?
    [ "$status" -eq 33 ] && grep -q "barriers: $4" "$folder/log" && [ "$(grep -c '^ok .* M10' "$folder/out")" -gt 0 ]
    claim $? "$1 on $2, $3: $4; status $status"
}

# there NAME MACHINE VERSION: the computer's own, or one that is fetched.
there() {
    ! BUILD=$build tools/emulator "$2" "$3" >"$folder/fetched" 2>&1 || return 0
    timeout 600 tools/fetch-emulator "$1" "$build/emulators/$1" >"$folder/fetched" 2>&1 && return 0
    claim 0 "$1 # SKIP $(tail -n 1 "$folder/fetched" | tr '#' ' ')"
    return 1
}

# make test fetches them while the other rooms run.
if [ "${1:-}" = fetch ]; then
    there qemu-10 svm 10
    there bochs-3 vmx 3.0
    exit 0
fi

on_qemu() {
    folder=$work/qemu # of its own
    there qemu-10 svm 10 || return 0
    demonstration svm 10 "$build/guests/demo.elf"
    guests svm 10 "cycle_bias int_window lapic_timer"
    demonstration arm64 10 "$build/guests-arm64/demo.img"
    guests arm64 10 "cycle_bias gtimer halt_wake"
}

on_bochs() {
    folder=$work/bochs # of its own
    there bochs-3 vmx 3.0 || return 0
    demonstration vmx 3.0 "$build/guests/demo.elf"
    guests vmx 3.0 "int_window halt_wake"
}

on_bochs_long() {
    folder=$work/bochs_long
    there bochs-3 vmx 3.0 || return 0
    stepped vmx 3.0 "$build/guests/trap_flag.elf"
    guarded vmx 3.0 arrow_lake "always IBRS BHI_DIS_S, at each entry VERW, at each exit returns, between VMs VERW L1D returns IBPB"
}

parts="bochs_long qemu bochs" # at a time, the longest first
for part in $parts; do
    mkdir "$work/$part"
    ("on_$part" && echo "# that was all") >"$work/$part.tap" &
done
wait
count=0
for part in $parts; do
    renumbered "" "$work/$part.tap"
    grep -qx "# that was all" "$work/$part.tap"
    claim $? "$part: came to its end"
done
echo "1..$count"
