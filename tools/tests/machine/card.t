#!/bin/sh
# SPDX-License-Identifier: MIT
# The report card: what is there is said, and each thing that an emulator can leave out is named, with what to do.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# card WORDS...: the lines of a run with card=only and these words for tools/run, in $folder/card; its status in $status.
card() {
    status=0
    tools/run "$machine" --build "$build" --kernel "$(kernel echo_cmdline)" --vm mem=4M --monitor card=only --timeout 120 \
        --log "$folder/log" "$@" </dev/null >"$folder/out" 2>"$folder/err" || status=$?
    sed -n 's/^card: //p' "$folder/log" >"$folder/card"
}

# has TEXT PATTERN: of the card, after a run that ended well.
has() {
    [ "$status" -eq 0 ] && grep -qE "$2" "$folder/card"
    claim $? "$1: $(grep -E "$2" "$folder/card" || tail -n 1 "$folder/card")"
}

card
has "what this machine has" '^(9|1[0-9]) passed, [0-9] to look at, 0 failed$'
has "its virtualization" '^PASS  virtualization   (AMD SVM|Intel VMX|arm64 at EL2), '
has "its memory" '^PASS  memory  *[0-9]+ MiB usable(, 0 above 4 GiB; [0-9]+ ranges, 0 overlap|; 1 ranges), 0 more ignored$'
has "its ports" '^PASS  serial port  *(COM1 and COM2|PL011)$'
grep -q 'card: no QR code: there is no screen, or it is not used (screen=on)$' "$folder/log"
claim $? "why there is no QR code is said"
[ "$status" -eq 0 ] && [ ! -s "$folder/out" ]
claim $? "no guest ran: $(head -n 1 "$folder/out")"
if [ "$machine" = svm ]; then
    card --qemu-arg=-smp --qemu-arg=6,sockets=2,cores=3,threads=1
    has "six processors, whose ids have a gap" '^PASS  processors  *6, APIC ids up to 6, with gaps; one is used$'
    card --qemu-arg=-smp --qemu-arg=8
    has "eight processors" '^PASS  processors  *8, APIC ids up to 7; one is used$'
    card --qemu-arg=-m --qemu-arg=6G
    has "6 GiB" '^PASS  memory  *6[0-9]{3} MiB usable, 4096 above 4 GiB; '
    card --qemu-arg=-machine --qemu-arg=hpet=off
    has "no HPET" '^PASS  other clocks  *HPET no, PM timer yes, '
    card --qemu-arg=-machine --qemu-arg=i8042=off
    has "no keyboard" '^WARN  keyboard  *no controller \(8042\)'
    card --cpu max,-svm
    has "a processor without SVM" '^FAIL  virtualization  *no virtual machine can run here$'
    has "and what to do about it" '^ .* use -cpu max,\+svm$'
fi
echo "1..$count"
