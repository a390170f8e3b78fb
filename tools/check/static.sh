#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck over the kernel, shellcheck over the scripts, compiled Python. tools/check/suppressions.txt says what
# cppcheck need not say, and why.
. "$(dirname "$0")/tap"

claim "cppcheck" "$(cppcheck -q --std=c11 --platform=unix64 --enable=warning,performance,portability --inline-suppr -I. \
    --error-exitcode=0 --suppressions-list=tools/check/suppressions.txt -DESCAPEMENT_VERSION='"check"' \
    -DMACHINE_DESCRIPTION='"vmm/machine_pc.h"' \
    boot arch vmm time devices 2>&1)"

scripts=$(grep -lE '^#!/bin/(ba)?sh' $(find tools .ci -type f ! -name '*.c' ! -name '*.h'))
# SC2046, SC2086: lists of file names are split on purpose in the checks. SC1091: included files are checked by
# themselves.
claim "shellcheck" "$(shellcheck -e SC2046,SC2086,SC1091,SC2016,SC1003 -f gcc $scripts 2>&1)"
pythons="$(grep -lE '^#!/usr/bin/env python3' $(find tools -type f ! -name '*.c' ! -name '*.h')) $(find tools -name '*.py')"
claim "python" "$(for script in $pythons; do python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$script" 2>&1; done)"
plan_and_end
