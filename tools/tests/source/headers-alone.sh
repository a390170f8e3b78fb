#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, by gcc and by clang, and every C file of both kernels passes clang's warnings too.
. "$(dirname "$0")/tap"

flags="-std=gnu11 -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla -Wmissing-prototypes
-Wstrict-prototypes -Wundef -Wswitch-enum -I. -ffreestanding -mgeneral-regs-only -O2 -fsyntax-only"
clang=${CLANG:-clang}
libfdt=${BUILD:-build}/libfdt
efi=${BUILD:-build}/gnu-efi
qrcodegen=${BUILD:-build}/qrcodegen
efi_arm64=${BUILD:-build}/gnu-efi-arm64

# files ARCHITECTURE SUFFIX: those of it and those of all; or the loader's alone.
files() {
    case $1 in
    x86_64) others='/arm64/|^vmm/virt/|^boot/efi/' ;;
    arm64) others='/x86_64/|^vmm/pc/|^boot/efi/' ;;
    loader) others='^arch/|^vmm/|^time/|^devices/|^boot/[^e]|/arm64/' ;;
    loader-arm64) others='^arch/|^vmm/|^time/|^devices/|^boot/[^e]|/x86_64/' ;;
    esac
    find boot arch vmm time devices -name "*.$2" | grep -vE "$others" | sort
}

# check ARCHITECTURE MACHINE GCC "its own words" "clang's words"
check() {
    headers=$(files "$1" h)
    machine="-DMACHINE_DESCRIPTION=\"$2\""
    found=$(for header in $headers; do
        echo "#include \"$header\"" | "$3" $flags $4 "$machine" -x c - 2>&1 | grep -m 1 error
    done)
    claim "$1: every header compiles alone" "$found"
    claim "$1: no header is without a guard" "$(grep -L '^#ifndef ' $headers)"
    for debug in "" -DESCAPEMENT_DEBUG; do
        found=$($clang $flags $4 $5 "$machine" $debug -DESCAPEMENT_VERSION='"check"' $(files "$1" c) 2>&1)
        claim "$1: clang finds nothing${debug:+ with the assertions compiled in}" \
            "$(echo "$found" | grep -E 'error|warning' | head -n 20)"
    done
}

check x86_64 vmm/pc/machine.h gcc "-mno-red-zone -isystem $qrcodegen" ""
check loader vmm/pc/machine.h gcc "-mno-red-zone -fshort-wchar -DGNU_EFI_USE_MS_ABI -isystem $efi/include -isystem $efi/include/x86_64" ""
if command -v aarch64-linux-gnu-gcc >/dev/null; then
    check arm64 vmm/virt/machine.h aarch64-linux-gnu-gcc "-isystem $libfdt -isystem $qrcodegen" --target=aarch64-linux-gnu
    check loader-arm64 vmm/virt/machine.h aarch64-linux-gnu-gcc \
        "-fshort-wchar -isystem $libfdt -isystem $efi_arm64/include -isystem $efi_arm64/include/aarch64" \
        --target=aarch64-linux-gnu
else
    claim "arm64 # SKIP aarch64-linux-gnu-gcc is not here" ""
fi
plan_and_end
