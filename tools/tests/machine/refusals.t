#!/bin/sh
# SPDX-License-Identifier: MIT
# What cannot be run is refused: a sentence that names the thing, and the status that says what kind of thing it was.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
good=$(kernel echo_cmdline)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TMPDIR="$folder" # a run that dies leaves its files behind

# refused STATUS "a piece of the sentence" "the claim" ARGUMENTS OF tools/run
refused() {
    wanted=$1 sentence=$2 claim=$3
    shift 3
    count=$((count + 1))
    status=0
    tools/run "$machine" --build "$build" --timeout 600 "$@" </dev/null >"$folder/out" 2>&1 || status=$?
    if [ "$status" -eq "$wanted" ] && grep -qF -- "$sentence" "$folder/out"; then
        echo "ok $count - $claim: status $status, \"$sentence\""
    else
        echo "not ok $count - $claim: status $status, wanted $wanted and \"$sentence\""
        tail -n 3 "$folder/out" | sed 's/^/# /'
    fi
}

# A copy of the good image with some bytes replaced: patch NAME OFFSET OCTAL-BYTES
patch() {
    cp "$good" "$folder/$1"
    # shellcheck disable=SC2059 # the bytes are the format
    printf "$3" | dd of="$folder/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# A Linux kernel of 4 KiB that never runs: its header alone decides. linux NAME [OFFSET OCTAL-BYTES ...]
linux() {
    head -c 5120 /dev/zero >"$folder/$1"
    name=$1
    shift
    set -- 497 '\001' 500 '\000\001' 510 '\125\252' 514 HdrS 518 '\017\002' 556 '\377\377\377\177' 562 '\040' 564 '\001' \
        566 '\001' 568 '\377\007' 603 '\001' 610 '\001' "$@"
    while [ $# -gt 0 ]; do
        # shellcheck disable=SC2059
        printf "$2" | dd of="$folder/$name" bs=1 seek="$1" conv=notrunc 2>/dev/null
        shift 2
    done
}

# What no processor has a part in.
images_and_words() {
    head -c 20000 "$good" >"$folder/cut.elf"
    refused 2 "cut.elf" "a truncated image" --kernel "$folder/cut.elf"
    patch arm.elf 18 '\267\000'
    refused 2 "arm.elf" "an image for arm64" --kernel "$folder/arm.elf"
    patch bigend.elf 5 '\002'
    refused 2 "bigend.elf" "a big-endian image" --kernel "$folder/bigend.elf"
    refused 2 "but the VM has 1024 KiB (mem=)" "an image larger than its memory" --kernel "$good" --vm mem=1M
    printf 'just some text\n' >"$folder/notes.txt"
    refused 2 "notes.txt" "a text file" --kernel "$folder/notes.txt"
    gzip -c "$good" >"$folder/packed.gz"
    refused 2 "gzip" "a compressed image" --kernel "$folder/packed.gz"
    refused 8 'unknown word "clok"; the nearest known word is "clock"' "an unknown word" --kernel "$good" --vm clok=guest
    refused 8 "clock=sundial" "an unknown value" --kernel "$good" --vm clock=sundial
    refused 8 "idle=warp" "words that contradict each other" --kernel "$good" --vm "clock=wall idle=warp"
    refused 8 "mem is given twice" "a word given twice" --kernel "$good" --vm "mem=16M mem=32M"
    refused 8 "vcpus=2" "two vCPUs" --kernel "$good" --vm vcpus=2
    refused 8 "nois" "an unknown word for the monitor" --kernel "$good" --monitor nois=1
    refused 8 "counter_hz=1234567890 is not possible; allowed: 10000000 to 10000000000 in steps of 1000" "a rate of half a kHz" \
        --kernel "$good" --vm "tsc_hz=1234567890"
    refused 64 "does not exist" "a file that is not there" --kernel "$folder/nothing.elf"
    refused 64 "is a folder" "a folder" --kernel "$folder"
    refused 64 "--timeout" "no time at all" --kernel "$good" --timeout 0
}

linux_images() {
    linux kernel
    linux old 518 '\013\002'
    refused 2 "boot protocol 2.11; the 64-bit entry needs 2.12" "a Linux kernel that is too old" --kernel "$folder/old"
    linux kernel32 566 '\000'
    refused 2 "without a 64-bit entry" "a Linux kernel for 32 bits" --kernel "$folder/kernel32"
    head -c 5000 "$folder/kernel" >"$folder/cut"
    refused 2 "its header says 5120 bytes, the file has 5000" "a truncated Linux kernel" --kernel "$folder/cut"
    refused 2 "needs 16448 KiB of guest memory, but the VM has 16388 KiB" "less memory than init_size" \
        --kernel "$folder/kernel" --vm mem=16388K
    head -c 5000000 /dev/zero >"$folder/initrd"
    refused 2 "the initrd has 4883 KiB and does not fit" "an initrd that does not fit" --kernel "$folder/kernel" \
        --initrd "$folder/initrd" --vm mem=20M
    linux short 568 '\010\000'
    refused 2 "the command line has 9 characters; short takes at most 8" "a command line that is too long" \
        --kernel "$folder/short" --cmdline "123456789"
    head -c 5120 /dev/zero >"$folder/Image"
    printf 'ARM\144' | dd of="$folder/Image" bs=1 seek=56 conv=notrunc 2>/dev/null
    refused 2 "is an arm64 Linux image" "an arm64 Image" --kernel "$folder/Image"
    linux unaligned 560 '\003'
    refused 2 "kernel_alignment is 0x200003" "a Linux kernel that only the monitor finds damaged" --kernel "$folder/unaligned"
    head -c 5105 "$folder/unaligned" >"$folder/short16"
    refused 2 "kernel_alignment is 0x200003" "and that for one whose last paragraph is short" --kernel "$folder/short16"
}

on_svm() {
    refused 10 "SVM" "a machine without SVM" --kernel "$good" --cpu max,-svm
    refused 10 "nested paging" "SVM without nested paging" --kernel "$good" --cpu qemu64,+svm
    refused 10 "this CPU cannot scale its counter's" "another rate of the counter in real time, without TSC ratio" \
        --kernel "$good" --vm "clock=wall tsc_hz=250000000"
    refused 10 "mem=512M asked for" "too little memory" --kernel "$good" --vm mem=512M --qemu-arg=-m --qemu-arg=128M
    refused 64 "--mhz is for vmx only" "a word for the other emulator" --kernel "$good" --mhz 100
}

on_vmx() {
    count=$((count + 1))
    echo "ok $count # skip VMX locked off by the firmware: FEATURE_CONTROL reads 5 on each of Bochs' models"
    refused 64 "is AMD's" "a model of AMD's that announces SVM" --kernel "$good" --cpu ryzen
    refused 10 'enable "Intel Virtualization Technology"' "a machine without VMX" --kernel "$good" \
        --cpu p4_prescott_celeron_336
    refused 10 "no EPT" "VMX without EPT" --kernel "$good" --cpu core2_penryn_t9600
    refused 10 "no unrestricted guest" "VMX without unrestricted guest" --kernel "$good" --cpu corei5_lynnfield_750
    refused 10 "does not offer AMD SVM" "a machine of AMD's without SVM" --kernel "$good" --cpu athlon64_clawhammer
    refused 70 "no 64-bit mode" "a machine of 32 bits" --kernel "$good" --cpu core_duo_t2400_yonah
    refused 10 "this CPU cannot scale its counter's" "another rate of the counter in real time, without TSC scaling" \
        --kernel "$good" --cpu corei7_haswell_4770 --vm "clock=wall tsc_hz=250000000"
    refused 10 "mem=512M asked for" "too little memory" --kernel "$good" --vm mem=512M \
        --bochs-line "memory: guest=128, host=128"
    refused 70 ">>PANIC<< " "a panic of Bochs itself, in its own words" --kernel "$good" --bochs-line "nonsense: 1"
    refused 64 "--mhz 0" "a clock that stands still" --kernel "$good" --mhz 0
    refused 8 "nois" "an unknown word for the monitor" --kernel "$good" --monitor nois=1
    gzip -c "$good" >"$folder/packed.gz"
    refused 2 "gzip" "a compressed image" --kernel "$folder/packed.gz"
}

# A machine's device tree, as QEMU makes it for such a run, without the room behind it and with one of its words changed
# for another of that length. changed_tree NAME WORD NEW
changed_tree() {
    tools/run arm64 --build "$build" --kernel "$good" --qemu-arg=-machine --qemu-arg="dumpdtb=$folder/tree" \
        </dev/null >/dev/null 2>&1
    python3 - "$folder/tree" "$folder/$1" "$2" "$3" <<'END'
import struct, sys
tree, (strings, strings_size) = open(sys.argv[1], "rb").read(), (3, 8)
end = sum(struct.unpack(">10I", tree[:40])[field] for field in (strings, strings_size))
tree = tree[:4] + struct.pack(">I", end) + tree[8:end]
open(sys.argv[2], "wb").write(tree.replace(sys.argv[3].encode(), sys.argv[4].encode()))
END
}

on_arm64() {
    refused 2 "ELF" "an ELF file" --kernel "$build/escapement-arm64.elf"
    printf 'just some text\n' >"$folder/notes.txt"
    refused 2 "notes.txt" "a text file" --kernel "$folder/notes.txt"
    gzip -c "$good" >"$folder/packed.gz"
    refused 2 "gzip" "a compressed image" --kernel "$folder/packed.gz"
    linux bzimage
    refused 2 "x86" "a Linux kernel for x86-64" --kernel "$folder/bzimage"
    patch big.img 16 '\000\000\100\000' # image_size
    refused 2 "(mem=)" "an image larger than its memory" --kernel "$folder/big.img" --vm mem=1M
    refused 8 'unknown word "clok"; the nearest known word is "clock"' "an unknown word" --kernel "$good" --vm clok=guest
    refused 8 "nois" "an unknown word for the monitor" --kernel "$good" --monitor nois=1
    refused 8 "vcpus=2" "two vCPUs" --kernel "$good" --vm vcpus=2
    refused 2 "screen=follow: only the x86 machine" "a screen that the board has not" --kernel "$good" --vm screen=follow
    refused 10 "EL2" "a machine without EL2" --kernel "$good" --qemu-arg=-machine --qemu-arg=virtualization=off
    refused 10 "mem=512M asked for" "too little memory" --kernel "$good" --vm mem=512M --qemu-arg=-m --qemu-arg=256M
    changed_tree no-gic arm,gic-v3 arm,gic-v9
    refused 10 "no GIC in the device tree" "a machine without a known GIC" --kernel "$good" --qemu-arg=-dtb \
        --qemu-arg="$folder/no-gic"
    refused 64 "--gic 4" "a GIC that does not exist" --kernel "$good" --gic 4
    refused 64 "--cntfrq 999" "a counter that stands almost still" --kernel "$good" --cntfrq 999
    refused 64 "--mhz is for vmx only" "a word for another emulator" --kernel "$good" --mhz 100
    refused 64 "--module is for svm and vmx only" "a module" --kernel "$good" --module "$good"
    refused 64 "does not exist" "a file that is not there" --kernel "$folder/nothing.img"
}

# A program in $folder/DIR that answers as this version of Bochs. pretend DIR VERSION
pretend() {
    mkdir -p "$folder/$1"
    printf '#!/bin/sh\necho "Bochs x86 Emulator %s"\n' "$2" >"$folder/$1/bochs-bin"
    chmod +x "$folder/$1/bochs-bin"
}

# chosen STATUS "what is said" "the claim" [VERSION]: by tools/emulator, with that first one in PATH.
chosen() {
    status=0
    BUILD=$folder PATH=$folder/wrong:$PATH tools/emulator vmx ${4+"$4"} >"$folder/out" 2>&1 || status=$?
    [ "$status" -eq "$1" ] && grep -qF -- "$2" "$folder/out"
    claim $? "$3: $(cat "$folder/out")"
}

# A Bochs that calculates wrongly: it is taken only by its name.
passed_over() {
    pretend wrong 3.1
    chosen 69 "is passed over, because its IDIV" "Bochs 3.1 alone is passed over"
    chosen 0 "Bochs 3.1 ($folder/wrong/bochs-bin)" "asked for it is taken" 3.1
    pretend emulators/bochs-2.7/bin 2.7
    chosen 0 "Bochs 2.7 ($folder/emulators/bochs-2.7/bin/bochs-bin)" "before it comes one that was fetched"
}

# What tools/run looks at before it starts anything, and what the emulator has not got.
emulators() {
    refused 69 "is neither in PATH nor in" "a version of the emulator that is not here" --kernel "$good" --emulator 99.1
    refused 69 "is no version, and no program" "an emulator that does not exist" --kernel "$good" --emulator "$folder/none"
    refused 64 "does not say that it is" "a program that is no emulator" --kernel "$good" --emulator /bin/true
    [ "$machine" != vmx ] || passed_over
    refused 10 "cannot have the CPU asked for" "a CPU that the emulator has not got" --kernel "$good" --cpu nosuch
    count=$((count + 1))
    tools/run "$machine" --build "$build" --timeout 600 --exact --kernel "$good" --vm mem=16M --log /dev/stdout </dev/null 2>&1 |
        grep '^emulator: ' >"$folder/out"
    if [ "$(wc -l <"$folder/out")" -eq 1 ] && grep -qE '^emulator: (QEMU|Bochs) [0-9]+\.[0-9.]+ \(/.*\)$' "$folder/out"; then
        echo "ok $count - a log that cannot be read again begins with the emulator, too: $(cat "$folder/out")"
    else
        echo "not ok $count - a log that cannot be read again begins with the emulator, too: $(cat "$folder/out")"
    fi
}

# unmade "a piece of the sentence" ARGUMENTS OF make: it says that, in a line or two, and its status is not 0.
unmade() {
    sentence=$1
    shift
    ! env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make "$@" </dev/null >"$folder/out" 2>&1 &&
        grep -qF -- "$sentence" "$folder/out" && [ "$(wc -l <"$folder/out")" -le 2 ]
    claim $? "make $*: \"$sentence\""
}

words_of_make() {
    unmade "make help lists the targets" foo
    unmade "ARCH=riscv is unknown: it is x86_64 or arm64" run ARCH=riscv
    unmade "GUEST=windows for ARCH=arm64 is unknown: demo and linux are bundled" run ARCH=arm64 GUEST=windows
    unmade "test-on bookworm|trixie|forky" test-on DEBIAN=woody
}

emulators
case $machine in
vmx) on_vmx ;;
arm64) on_arm64 ;;
*)
    images_and_words
    linux_images
    on_svm
    words_of_make
    ;;
esac
case $machine in
arm64)
    printf '\000\000\000\024' >"$folder/loop" # b .
    refused 124 "" "a guest that never ends" --kernel "$folder/loop" --timeout 3
    ;;
*) refused 124 "" "a guest that never ends" --kernel "$(kernel bad_guest)" --cmdline cli-loop --timeout 3 ;;
esac
echo "1..$count"
