#!/bin/sh
# SPDX-License-Identifier: MIT
# Law 9: under clock=guest on a deterministic machine, what a guest prints is byte-identical whatever noise the host
# has: no noise, and five seeds of extra monitor work and host interrupts. The host's traces must differ, or the noise
# was none.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
machine=${MACHINE:-svm}
guests="clocks_agree pit_ticks lapic_timer"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

claim() {
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

run() {
    noise=
    [ "$2" = none ] || noise="noise=$2"
    status=0
    tools/run "$machine" --exact --build "$build" --kernel "$build/guests/$1.elf" --vm "mem=16M clock=guest idle=warp oracle=off" \
        --monitor "$noise" --timeout 180 --log "$folder/$1.$2.log" </dev/null >"$folder/$1.$2.out" 2>"$folder/$1.$2.err" ||
        status=$?
    echo "$status" >"$folder/$1.$2.status"
}

echo 1..6
for guest in $guests; do
    for pair in "none 1" "2 3" "4 5"; do
        # shellcheck disable=SC2086 # two seeds, two emulators at a time
        set -- $pair
        run "$guest" "$1" &
        run "$guest" "$2"
        wait
    done
    same=0
    for seed in 1 2 3 4 5; do
        cmp -s "$folder/$guest.none.out" "$folder/$guest.$seed.out" || {
            same=1
            diff "$folder/$guest.none.out" "$folder/$guest.$seed.out" | head -n 6 | sed "s/^/# seed $seed: /"
        }
        cmp -s "$folder/$guest.none.status" "$folder/$guest.$seed.status" || same=1
    done
    [ -s "$folder/$guest.none.out" ] && [ "$(cat "$folder/$guest.none.status")" -eq 33 ] || same=1
    for seed in none 1 2 3 4 5; do
        hash=$(sed -n 's/^trace:.*hash=\([0-9a-f]*\).*/\1/p' "$folder/$guest.$seed.log")
        console=$(sha256sum <"$folder/$guest.$seed.out" | cut -c 1-16)
        echo "# $guest, noise $seed: status $(cat "$folder/$guest.$seed.status"), console sha256 $console, host trace hash $hash"
        echo "${hash:-none}" >>"$folder/$guest.hashes"
    done
    claim "$same" "$guest: the same console, byte for byte, without noise and under five seeds"
    different=$(sort -u "$folder/$guest.hashes" | wc -l)
    claim "$((6 - different))" "$guest: six different host traces ($different of 6)"
done
