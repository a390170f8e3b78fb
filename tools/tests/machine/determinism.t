#!/bin/sh
# SPDX-License-Identifier: MIT
# Law 9: under clock=guest on a deterministic machine, what a guest prints is byte-identical whatever noise the host
# has: no noise, and five seeds of extra monitor work and host interrupts. The host's traces must differ, or the noise
# was none. A run that is repeated prints the same bytes (M28), and so does the monitor's log, every figure of it. (Not
# when GRUB starts it in QEMU: that PC's disks answer when this computer gets to it, so the hand-over comes at another
# count. The guest sees nothing of that.)
set -eu
cd "$(dirname "$0")/../../.."
. tools/tests/machine/common
# Bochs runs a fifth of QEMU's instructions in a second, so the kernels there are the shorter ones. On arm64 each kernel
# has its turn on each machine; a run is called KERNEL or KERNEL@MACHINE.
case $machine in
vmx) guests="clocks_agree int_window halt_wake" ;;
arm64) guests=$(for model in $(models); do printf '%s ' "cycle_bias@$model" "gtimer@$model" "halt_wake@$model"; done) ;;
*) guests="clocks_agree pit_ticks lapic_timer" ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run() {
    case $2 in
    none | again | medium) noise= ;;
    *) noise="noise=$2" ;;
    esac
    case $1 in
    *@*) words=$(model_words "${1#*@}") ;;
    *) words= ;;
    esac
    [ "$2" != medium ] || words=--medium
    [ "$1" != pit_ticks ] || words="$words --cmdline ticks=20000" # guests.t has them all
    status=0
    # shellcheck disable=SC2086 # words of a machine
    tools/run "$machine" $words --exact --build "$build" --kernel "$(kernel "${1%@*}")" --vm "mem=16M clock=guest idle=warp oracle=off" \
        --monitor "$noise" --timeout 600 --log "$folder/$1.$2.log" </dev/null >"$folder/$1.$2.out" 2>"$folder/$1.$2.err" ||
        status=$?
    echo "$status" >"$folder/$1.$2.status"
}

# same GUEST SEED WHAT: is that file the one of the run without noise?
same() {
    cmp -s "$folder/$1.none.$3" "$folder/$1.$2.$3" || {
        diff "$folder/$1.none.$3" "$folder/$1.$2.$3" | head -n 6 | sed "s/^/# $2: /"
        return 1
    }
}

for guest in $guests; do
    for pair in "none 1" "2 3" "4 5"; do
        # shellcheck disable=SC2086 # two seeds, two emulators at a time
        set -- $pair
        run "$guest" "$1" &
        run "$guest" "$2"
        wait
    done
    run "$guest" again
    differs=0
    for seed in 1 2 3 4 5; do
        same "$guest" "$seed" out && same "$guest" "$seed" status || differs=1
    done
    [ -s "$folder/$guest.none.out" ] && [ "$(cat "$folder/$guest.none.status")" -eq 33 ] || differs=1
    for seed in none 1 2 3 4 5; do
        hash=$(sed -n 's/^trace:.*hash=\([0-9a-f]*\).*/\1/p' "$folder/$guest.$seed.log")
        console=$(sha256sum <"$folder/$guest.$seed.out" | cut -c 1-16)
        echo "# $guest, noise $seed: status $(cat "$folder/$guest.$seed.status"), console sha256 $console, host trace hash $hash"
        echo "${hash:-none}" >>"$folder/$guest.hashes"
    done
    claim "$differs" "$guest: the same console, byte for byte, without noise and under five seeds"
    different=$(grep -vx none "$folder/$guest.hashes" | sort -u | wc -l)
    claim "$((6 - different))" "$guest: six different host traces ($different of 6)"
    differs=0
    [ -s "$folder/$guest.again.out" ] && same "$guest" again status && same "$guest" again out || differs=1
    same "$guest" again log || differs=1
    claim "$differs" "$guest: the same bytes when it is repeated"
done
if [ "$machine" = svm ]; then
    run "$guest" medium
    differs=0
    [ -s "$folder/$guest.medium.out" ] && same "$guest" medium status && same "$guest" medium out || differs=1
    grep -q ' by GRUB' "$folder/$guest.medium.log" || differs=1
    claim "$differs" "$guest: the same bytes when GRUB starts it from a CD"
fi
echo "1..$count"
