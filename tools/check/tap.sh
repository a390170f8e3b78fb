# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What every check includes: it prints one TAP line for each claim, and what is wrong as comments before it.
# Not a check itself: tools/test-all runs the files here that are executable.
cd "$(dirname "$0")/../.." || exit 1
count=0

# finding TEXT: the complaints of one claim, empty if there are none.
claim() {
    count=$((count + 1))
    if [ -z "$2" ]; then
        echo "ok $count - $1"
    else
        printf '%s\n' "$2" | sed 's/^/# /'
        echo "not ok $count - $1"
    fi
}

plan_and_end() {
    echo "1..$count"
}

# The project's own C files: what git knows and what is new, without what is built.
c_files() {
    find boot arch vmm time devices guest-tests tools -name '*.[ch]' | sort
}
