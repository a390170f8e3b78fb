#!/bin/sh
# SPDX-License-Identifier: MIT
# A file has at most 400 lines, a function at most 60, a line at most 120 columns; no #if in a .c file; every file opens
# with its licence; the images stay below 320 and 208 KiB. They were 288 and 192 before they had a screen: font, drawing,
# keyboard and report card are 17 KiB, its QR code 7, results that outlive a reset 2.
. "$(dirname "$0")/tap"

files=$(c_files)
claim "no file over 400 lines" "$(wc -l $files | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines" }')"
lengths=$(ctags -x --_xformat='%{line} %{end} %{name} %{input}' --languages=C --kinds-C=f $files |
    awk '{ print $2 - $1 + 1, $4 ":" $1 ": " $3 }' | sort -n)
claim "no function over 60 lines" "$(echo "$lengths" | awk '$1 > 60 { print $2, $3 ": " $1 " lines" }')"
echo "$lengths" | awk '{ l[NR] = $1 } END { print "# functions: " NR ", median " l[int((NR + 1) / 2)] " lines, longest " l[NR] }'
claim "no line over 120 columns" "$(grep -nE '^.{121,}$' $files | cut -c 1-80)"
claim "no #if in a .c file" "$(grep -nE '^ *# *(if|ifdef|ifndef|elif)\b' $(echo "$files" | grep '\.c$'))"
claim "every file names its licence first" \
    "$(for file in $files; do head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"; done)"
claim "no work left for later in comments" "$(grep -nE 'TODO|FIXME|XXX|HACK' $files)"

# image FILE KIB: what is loaded of it, if it is built
image() {
    [ -f "$1" ] || return 0
    bytes=$(readelf -lW "$1" | awk '$1 == "LOAD" { print $5 }' | while read -r hex; do echo $((hex)); done |
        awk '{ sum += $1 } END { print sum + 0 }')
    echo "# $(basename "$1"): $bytes bytes are loaded"
    claim "$(basename "$1") is below $2 KiB" "$([ "$bytes" -lt $(($2 * 1024)) ] || echo "$bytes bytes")"
}
image "${BUILD:-build}/escapement.elf" 320
image "${BUILD:-build}/escapement-arm64.elf" 208
plan_and_end
