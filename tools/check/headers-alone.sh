#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, by gcc and by clang, and every C file of the kernel passes clang's warnings too.
. "$(dirname "$0")/tap"

flags="-std=gnu11 -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla -Wmissing-prototypes
-Wstrict-prototypes -Wundef -Wswitch-enum -I. -ffreestanding -mgeneral-regs-only -mno-red-zone -O2 -fsyntax-only
-DMACHINE_DESCRIPTION=\"vmm/machine_pc.h\""
clang=${CLANG:-clang}

headers=$(find boot arch vmm time devices -name '*.h' | sort)
found=
for header in $headers; do
    found="$found$(echo "#include \"$header\"" | gcc $flags -x c - 2>&1 | grep -m 1 error)"
done
claim "every header compiles alone" "$found"
claim "no header is without a guard" "$(grep -L '^#ifndef ' $headers)"

sources=$(find boot arch vmm time devices -name '*.c' | sort)
claim "clang finds nothing in the pure rooms and the kernel" \
    "$($clang $flags -DESCAPEMENT_VERSION='"check"' $sources 2>&1 | grep -E 'error|warning' | head -n 20)"
claim "the same with the assertions compiled in" \
    "$($clang $flags -DESCAPEMENT_VERSION='"check"' -DESCAPEMENT_DEBUG $sources 2>&1 | grep -E 'error|warning' | head -n 20)"
plan_and_end
