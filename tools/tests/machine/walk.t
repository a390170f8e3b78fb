#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/walk follows an exit through the source, on SVM and on arm64, from the world switch to a device and back.
# Among what takes long, because QEMU does one instruction at a time here.
set -u
cd "$(dirname "$0")/../../.." || exit 1
. tools/tests/machine/common
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# walk MACHINE KERNEL FUNCTION WORDS...: tools/walk's output in $folder/out, its status in $status. False: this QEMU cannot, and
# a claim has said so.
walk() {
    machine=$1 kernel=$2 through=$3
    shift 3
    status=0
    timeout 900 tools/walk "$machine" --build "$build" --kernel "$kernel" --through "$through" "$@" >"$folder/out" \
        2>"$folder/err" || status=$?
    ! grep -q 'has no -singlestep' "$folder/err" || {
        claim 0 "$machine, $through # SKIP $(tail -n 1 "$folder/err" | tr '#' ' ')"
        return 1
    }
}

# walked MACHINE KERNEL FUNCTION FILE...: the way through that function leads through these files.
walked() {
    walk "$1" "$2" "$3" --cmdline hello --vm mem=4M --path || return
    shift 3
    told=$(sed -n '1s/.*: \([0-9]*\) instructions, \([0-9]*\) files, \([0-9]*\) jumps$/\1 \2 \3/p' "$folder/out")
    [ "$status" -eq 0 ] && echo "$told" | grep -qE '^[0-9]{3} [0-9]{2} [0-9]{2}$'
    claim $? "$machine, $through: $told instructions, files and jumps; status $status"
    missing=
    for file; do grep -q "($file)\$" "$folder/out" || missing="$missing $file"; done
    [ -z "$missing" ]
    claim $? "$machine, $through: the way leads through $*${missing:+; but not through}$missing"
}

walked svm "$build/guests/echo_cmdline.elf" guest_execute_port arch/x86_64/svm/world.S arch/x86_64/svm/quick.c \
    devices/uart16550.c time/ledger.h
walked arm64 "$build/guests-arm64/echo_cmdline.img" emulate_mmio arch/arm64/world.S arch/arm64/guest/mmio.c devices/pl011.c \
    time/ledger.h

# spent MACHINE KERNEL FUNCTION...: DESIGN.md's table has the row of each, what tools/walk counts by what it is for.
spent() {
    machine=$1 kernel=$2
    shift 2
    # shellcheck disable=SC2046 # names
    walk "$machine" "$kernel" "$1" --cmdline rounds=250 --vm "mem=16M clock=wall idle=real" --trips 31000 \
        $(shift; for function; do echo "--through $function"; done) || return
    awk 'function row() {
            if (through != "")
                print "`" through "` | " all " | " n["switch"] + 0 " | " n["booking"] + 0 " | " n["planning"] + 0 " | " \
                      n["exit"] + 0 " | " n["instruction"] + 0 " | " n["board"] + 0 " |"
            split("", n)
        }
        / trips, / {
            row()
            for (i = 2; i <= NF; i++) {
                if ($i == "through") { through = $(i + 1); sub(",", "", through) }
                if ($i == "instructions,") all = $(i - 1)
            }
            next
        }
        $2 ~ /world\.[Sh]:$|vectors\.S:$/ { n["switch"] += $1; next }
        $2 ~ /(show\/histogram|time\/ledger|time\/vtime|time\/counterscale|vmm\/vm|vmm\/account)\.h:$/ { n["booking"] += $1; next }
        $2 ~ /(vmm\/quick\.h|vmm\/run\.c|timerq\.[ch]|event\.c|devices\/vgic\.h|machine\.h|stolen_time\.h|pvtime\.h):$/ {
            n["planning"] += $1; next }
        $2 ~ /^arch\/[a-z0-9_]*\/(guest|insn)\// { n["instruction"] += $1; next }
        $2 ~ /^arch\/arm64\/vgic_lr|^devices\/|^vmm\/(pc|virt|hyper)|^vmm\/console|^time\// { n["board"] += $1; next }
        { n["exit"] += $1 }
        END { row() }' "$folder/out" >"$folder/rows"
    for function; do
        row=$(grep -F "\`$function\`" "$folder/rows")
        [ "$status" -eq 0 ] && [ -n "$row" ] && grep -qF "$row" vmm/DESIGN.md
        claim $? "DESIGN.md, $machine: $row"
    done
}

spent svm "$build/guests/bench.elf" guest_execute_cpuid hypercall_oracle quick_eoi lapic_access arch_vcpu_halt lapic_self_ipi \
    lapic_timer_write_deadline
spent arm64 "$build/guests-arm64/bench.img" quick_hypercall quick_sysreg machine_read_settings access_interrupts pl011_access \
    machine_timer_write machine_sgi take_timer arch_idle

# leads MACHINE KERNEL FUNCTION TRIPS: DESIGN.md's four walks, in an image in which no function is inlined.
leads() {
    walk "$1" "$2" "$3" --trips "$4" || return
    row=$(sed -n '1s/.*: [0-9]* instructions, \([0-9]*\) files, \([0-9]*\) jumps$/| \1 | \2 |/p' "$folder/out")
    [ "$status" -eq 0 ] && [ -n "$row" ] && grep -F "\`$3\`" vmm/DESIGN.md | grep -qF "$row"
    claim $? "DESIGN.md, $1, the way through $3: ${row:-status $status}"
}

shipped=$build
build=$folder/build
make -s BUILD="$build" OPTIMISE='-Og -Wno-maybe-uninitialized' all all-arm64 >"$folder/made" 2>&1
claim $? "an image without inlining: $(tail -n 1 "$folder/made")"
leads svm "$build/guests/pit_modes.elf" write_control 1600
leads svm "$build/guests/pvclock.elf" pv_write_system_time 1600
leads arm64 "$build/guests-arm64/gtimer.img" take_timer 2500
leads vmx "$build/guests/lapic_timer.elf" lapic_timer_write_deadline 60
leads vmx "$build/guests/lapic_timer.elf" lapic_timer_deliver 60
build=$shipped

# On VMX Bochs' debugger logs the way from the function's first use on.
walk vmx "$build/guests/lapic_timer.elf" vmx_inject --trips 20
grep -qE '^20 trips, [0-9]+ through vmx_inject, .*: [0-9]+ instructions' "$folder/out" && grep -q 'arch/x86_64/vmx/world.S:' "$folder/out"
claim $? "vmx, vmx_inject: $(head -n 1 "$folder/out"); status $status"
