#!/bin/sh
# SPDX-License-Identifier: MIT
# The rooms of the monitor, from the ground up, and whom each may include. A room is the files that a pattern takes, the
# first pattern that fits; it may include itself and what its row names, all of which stand in rows above: so no arrow
# runs up. hall, seam, board and vcpu are headers that say what something is, below the files that work with it. The
# build names the board that vmm/machine.h includes.
. "$(dirname "$0")/tap"

table='
time        time/*                              |
devices     devices/*                           | time
types       vmm/base/types.h                    |
hostseam    arch/host.h                         | time types
bootinfo    vmm/base/bootinfo.h                 | time types
base        vmm/base/*                          | time types hostseam bootinfo
show        vmm/show/*                          | time types base
picture     vmm/picture/*                       | types hostseam bootinfo base
insn-x86    arch/x86_64/insn/*                  |
insn-arm64  arch/arm64/insn/*                   |
host-x86    arch/x86_64/host/*                  | time types hostseam bootinfo base picture insn-x86
host-arm64  arch/arm64/host/*                   | time types hostseam bootinfo base picture
seam        arch/arch.h                         | hostseam base
board       vmm/pc/machine.h vmm/virt/machine.h | time devices types show
hall        vmm/*.h                             | time devices types base show seam bootinfo
pc          vmm/pc/*                            | time types base show hall seam
virt        vmm/virt/*                          | types base show board hall host-arm64
vcpu-x86    arch/x86_64/barrier* arch/x86_64/interrupts* arch/x86_64/v*.h arch/x86_64/world.h | time devices seam hall insn-x86 host-x86 base
guest-x86   arch/x86_64/guest/*                 | time base show hall insn-x86 host-x86 vcpu-x86
quick-x86   arch/x86_64/quick.h                 | hall guest-x86
svm         arch/x86_64/svm/*                   | base insn-x86 host-x86 guest-x86 quick-x86
vmx         arch/x86_64/vmx/*                   | base host-x86 vcpu-x86 guest-x86 quick-x86
x86         arch/x86_64/*                       | time base hall insn-x86 host-x86 vcpu-x86 guest-x86
vcpu-arm64  arch/arm64/*.h                      | time devices seam hall insn-arm64 host-arm64
guest-arm64 arch/arm64/guest/*                  | time base hall insn-arm64 host-arm64 vcpu-arm64
arm64       arch/arm64/*                        | time base show hall seam insn-arm64 host-arm64 vcpu-arm64 guest-arm64
vmm         vmm/*                               | time base picture hall seam
efi         boot/efi/*                          | bootinfo base
boot-x86    boot/x86_64/*                       | base bootinfo picture hall host-x86
boot-arm64  boot/arm64/*                        | base bootinfo picture hall seam host-arm64
efi-x86     boot/efi/x86_64/*                   | bootinfo boot-x86 efi
efi-arm64   boot/efi/arm64/*                    | time base bootinfo host-arm64 boot-arm64 efi
'

# arrows: FILE tab the FILE it includes
arrows() {
    for file in $(find boot arch vmm time devices -name '*.[chS]' | sort); do
        sed -n "s|^ *# *include *\"\([^\"]*\)\".*|$file\t\1|p" "$file"
    done
}

judged=$(arrows | awk -v table="$table" '
    function glob(text) { gsub(/\./, "\\.", text); gsub(/\*/, "[^/]*", text); return "^" text "$" }
    function room_of(file,    i) {
        for (i = 1; i <= patterns; i++)
            if (file ~ pattern[i]) return owner[i]
        return ""
    }
    BEGIN {
        rows = split(table, row, "\n")
        for (i = 1; i <= rows; i++) {
            if (split(row[i], half, "|") != 2) continue
            words = split(half[1], word, " ")
            floor[word[1]] = ++floors
            for (w = 2; w <= words; w++) { pattern[++patterns] = glob(word[w]); owner[patterns] = word[1] }
            count = split(half[2], allowed, " ")
            for (w = 1; w <= count; w++) {
                if (!(allowed[w] in floor)) print "row " word[1] " " allowed[w]
                may[word[1], allowed[w]] = 1
            }
        }
    }
    {
        from = room_of($1); to = room_of($2); seen++
        if (from == "") print "homeless " $1
        else if (to == "") print "homeless " $2
        else if (from != to && !((from, to) in may)) print "wall " $1 " (" from ") includes " $2 " (" to ")"
        else if (from != to) used[from, to] = 1
    }
    END {
        for (pair in may) if (!(pair in used)) { split(pair, side, SUBSEP); print "unused " side[1] " " side[2] }
        print "seen " seen + 0
    }')
number=$(echo "$judged" | sed -n 's/^seen //p')
echo "# $number includes"
claim "there are includes to judge" "$([ "${number:-0}" -gt 500 ] || echo "only ${number:-0} were found")"
claim "each file is in a room" "$(echo "$judged" | sed -n 's/^homeless //p' | sort -u)"
claim "a row names only rooms above it, so no arrow runs up" "$(echo "$judged" | sed -n 's/^row //p')"
claim "no include goes through a wall" "$(echo "$judged" | sed -n 's/^wall //p')"
claim "no door is open that nobody uses" "$(echo "$judged" | sed -n 's/^unused //p' | sort)"
plan_and_end
