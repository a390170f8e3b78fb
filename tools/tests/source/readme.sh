#!/bin/sh
# SPDX-License-Identifier: MIT
# README is written by `make readme` where it shows what a command prints: each such block has its marker. It begins with
# what one sees, counts its commands right, links every document, and says what its figures are of.
. "$(dirname "$0")/tap"

# Every fence has a marker before it. The person's own commands and a screen that is drawn while time passes have none:
# their first line is a prompt.
claim "each block of output has the name that make readme knows it by" "$(awk '
    /^```$/ { inside = !inside; if (inside) { before = last; at = NR } }
    inside && NR == at + 1 && before !~ /^<!-- make readme: .* -->$/ && !/^\$ / { print "README.md:" at ": no marker before it" }
    { last = $0 }
    END { if (!at) print "README has no block at all" }' README.md)"
claim "the names are those of tools/readme, each once" "$(
    sed -n 's/^<!-- make readme: \(.*\) -->$/\1/p' README.md | sort >"${TMPDIR:-/tmp}/readme.$$"
    tools/readme names | sort | diff - "${TMPDIR:-/tmp}/readme.$$"
    rm -f "${TMPDIR:-/tmp}/readme.$$")"
claim "what one sees comes first" "$([ "$(grep -m 1 '^## ' README.md)" = "## What you see" ] || grep -n -m 1 '^## ' README.md)"

# The heading counts the commands that stand under it, and the Makefile has each.
commands=$(sed -n '/^## [A-Z][a-z]* commands$/,/^[A-Z]/p' README.md | sed -n 's/^    \(make [^#]*[^# ]\) *#.*/\1/p')
heading=$(sed -n 's/^## \([A-Z][a-z]*\) commands$/\1/p' README.md)
number=$(echo "Two Three Four Five Six" | tr ' ' '\n' | grep -nx "${heading:-none}" | sed 's/:.*//')
claim "there are as many commands as the heading says" \
    "$([ "$(echo "$commands" | grep -c '^make ')" -eq $((${number:--1} + 1)) ] || echo "it says ${heading:-nothing}, here are: $commands")"
claim "the Makefile has each" "$(for target in $(echo "$commands" | awk '{ print $2 }'); do
    grep -qE "^$target( |:)|^[a-z -]* $target( |:)" Makefile || echo "no target $target"; done)"
claim "every document is linked" "$(find . -name '*.md' ! -path './build/*' ! -path ./README.md | sed 's|^\./||' | sort |
    while read -r document; do grep -qF "]($document)" README.md || echo "$document"; done)"
named=$(grep -A 1 '^<!-- make readme: versions -->$' README.md)
claim "the versions are named that the figures are of" "$(for tool in gcc aarch64-linux-gnu-gcc QEMU Bochs Linux; do
    echo "$named" | grep -qE "(^| )$tool [0-9][0-9.]*[0-9]" || echo "no version of $tool"; done)"
plan_and_end
