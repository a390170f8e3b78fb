#!/bin/sh
# SPDX-License-Identifier: MIT
# The legend of the monitor's keys stands in three places: what the monitor prints, what tools/run prints, README.
. "$(dirname "$0")/tap"

legend=$(sed -n 's/.*"\(Ctrl-\] then .*\)".*/\1/p' vmm/keys.h)
claim "vmm/keys.h has a legend" "$([ -n "$legend" ] || echo "none found")"
for file in tools/run README.md; do
    claim "$file has the same" "$(grep -qF -- "$legend" $file || echo "it lacks: $legend")"
done
# Every letter that is obeyed is in it, and none that is not.
obeyed=$(sed -n "s/.*case '\([a-z]\)'.*/\1/p" vmm/commands.c | sort | tr -d '\n')
named=$(echo "$legend" | sed 's/.*then  //' | tr ' ' '\n' | grep -x '[a-z]' | sort | tr -d '\n')
claim "it names the letters that are obeyed" "$([ "$obeyed" = "$named" ] || echo "obeyed $obeyed, named $named")"
plan_and_end
