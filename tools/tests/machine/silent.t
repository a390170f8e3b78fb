#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests themselves: with an emulator that ends well, as if a guest had passed, and has printed nothing, not one of their
# claims may be met. Nothing equals nothing, too.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# It takes the log's path from QEMU's words, or from Bochs' configuration.
cat >"$folder/silent" <<'END'
#!/bin/sh
case $* in
--version) echo "QEMU emulator version 7.2.0"; exit 0 ;;
--help) echo "Bochs x86 Emulator 2.7"; exit 0 ;;
esac
for word; do
    case $word in
    file,id=log,*) log=${word##*path=} ;;
    */bochsrc) log=$(sed -n 's/^com2:.*dev="\(.*\)"/\1/p' "$word") ;;
    esac
done
echo "ESCAPEMENT-END status=33 reason=done" >>"$log"
exit 33
END
chmod +x "$folder/silent"

# silent TEST: an "ok" may be a skip, with its reason.
silent() {
    count=$((count + 1))
    EMULATOR=$folder/silent timeout 600 "tools/tests/machine/$1" >"$folder/said" 2>"$folder/err"
    met=$(grep '^ok ' "$folder/said" | grep -v '# SKIP ')
    failed=$(grep -c '^not ok ' "$folder/said")
    if [ -z "$met" ] && [ "$failed" -gt 0 ]; then
        echo "ok $count - $1: no output, $failed claims, none of them met"
    else
        echo "not ok $count - $1: no output, $failed claims not met, but $(echo "$met" | grep -c .) met"
        echo "$met" | head -n 5 | sed 's/^/# /'
        tail -n 3 "$folder/err" | sed 's/^/# /'
    fi
}

case $machine in
svm) tests="determinism.t exact.t ledger.t both.t linux-law9.t" ;;
vmx) tests="determinism.t ledger.t both.t models.t" ;;
arm64) tests="determinism.t ledger.t linux-law9.t models.t" ;;
esac
echo "1..$(echo "$tests" | wc -w)"
export GUESTS="int_window"
for test in $tests; do silent "$test"; done
