#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/reading-order.txt names every file a reader of the monitor meets, each once, and nothing that does not exist.
. "$(dirname "$0")/tap"

listed=$(sed -e 's/#.*//' -e 's/[[:space:]]*$//' tools/reading-order.txt | grep . | awk '{ print $1 }')
claim "no file is named twice" "$(echo "$listed" | sort | uniq -d)"
claim "every file that is named exists" "$(for file in $listed; do [ -f "$file" ] || echo "$file"; done)"
claim "every .c and .S file of the kernel is named" \
    "$(find boot arch vmm time devices -name '*.[cS]' | sort | grep -vxF "$listed")"
plan_and_end
