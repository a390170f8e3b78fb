#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck over the monitor, shellcheck over the scripts, compiled Python. tools/tests/source/suppressions.txt says what
# cppcheck need not say: includes of the compiler's own; that it has not looked at all branches; parameters that are not
# used, cast to void; and of what is filled by another argument of the same call, that it was not.
. "$(dirname "$0")/tap"

# cppcheck_of MACHINE FOLDER...: the monitor of one architecture
cppcheck_of() {
    machine=$1
    shift
    cppcheck -q --std=c11 --platform=unix64 --enable=warning,performance,portability --inline-suppr -I. --error-exitcode=0 \
        --suppressions-list=tools/tests/source/suppressions.txt -DESCAPEMENT_VERSION='"check"' \
        "-DMACHINE_DESCRIPTION=\"vmm/$machine/machine.h\"" "$@" 2>&1
}
claim "cppcheck, x86-64" "$(cppcheck_of pc -i vmm/virt -i boot/arm64 -i boot/efi/arm64 -i arch/arm64 boot arch vmm time devices)"
# A declaration with the name of a register is GNU's, and cppcheck cannot read it.
claim "cppcheck, arm64" "$(cppcheck_of virt '-D__asm__(text)=' boot/arm64 boot/efi/arm64 arch/arm64 vmm/virt)"

scripts=$(grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell=sh' $(find tools .ci -type f ! -name '*.c' ! -name '*.h'))
# SC2046, SC2086: lists of file names are split on purpose in the checks. SC1091: what is included by another name than its
# own is checked by itself.
claim "shellcheck" "$(shellcheck -x -e SC2046,SC2086,SC1091,SC2016,SC1003 -f gcc $scripts 2>&1)"
pythons="$(grep -lE '^#!/usr/bin/env python3' $(find tools -type f ! -name '*.c' ! -name '*.h')) $(find tools -name '*.py')"
claim "python" "$(for script in $pythons; do python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$script" 2>&1; done)"
plan_and_end
