#!/bin/sh
# SPDX-License-Identifier: MIT
# The two seams stay narrow: arch/arch.h and arch/host.h between the monitor and a processor, arch/x86_64/vendor.h
# between x86-64 and the makers of its virtualization. Above arch/x86_64 nothing knows which maker's it is, and above arch/ hardly anything which
# architecture.
. "$(dirname "$0")/tap"

ARCH_MAX=29
VENDOR_MAX=14

code_of() {
    sed -e 's|//.*||' "$1"
}

# Declarations of functions that somebody else calls: a name and a parenthesis, not a pointer, not inline.
functions=$({ code_of arch/arch.h; code_of arch/host.h; } | grep -vE '^static|^ |^#' | grep -oE '\b[a-z_0-9]+\(' | tr -d '(' | sort -u)
number=$(echo "$functions" | grep -c .)
echo "# arch/arch.h and arch/host.h: $number functions"
claim "the arch seam has at most $ARCH_MAX functions" "$([ "$number" -le "$ARCH_MAX" ] || echo "$functions")"
claim "each begins with arch_" "$(echo "$functions" | grep -v '^arch_')"

# A vendor gives its operations, and what is called past them: svm_NAME and vmx_NAME are one.
operations=$(code_of arch/x86_64/vendor.h | sed -n '/^struct vendor_ops/,/^}/p' | grep -oE '\(\*[a-z_]+\)\(' | tr -d '(*)')
given=$(code_of arch/x86_64/vendor.h | grep -vE '^static|^ |^#' | grep -oE '\b(svm|vmx)_[a-z_0-9]+\(' | tr -d '(' | sed 's/^[a-z]*_//' | sort -u)
number=$(printf '%s\n%s\n' "$operations" "$given" | grep -c .)
echo "# arch/x86_64/vendor.h: $(echo "$operations" | grep -c .) operations, and $(echo "$given" | grep -c .) functions beside them"
claim "the vendor seam has at most $VENDOR_MAX" "$([ "$number" -le "$VENDOR_MAX" ] || printf '%s\n%s\n' "$operations" "$given")"

# Data sheets have a maker's name too: comments may say it, code and messages may not.
files=$(find boot vmm time devices arch -name '*.[chS]' ! -path 'arch/x86_64/*')
found=$(for file in $files; do
    code_of "$file" | grep -niE 'svm|vmx|vmcb|vmcs|vmrun|vmexit|\bnpt\b|\bept\b|\bamd|\bintel' | sed "s|^|$file:|"
done)
claim "nothing above arch/x86_64 names a vendor" "$found"

# A board and the loaders of its images may name their architecture; nothing else of the three rooms may depend on one. An
# empty piece of assembly is a word to the compiler alone.
files=$(find vmm time devices -name '*.[ch]' | grep -vE '^vmm/(pc|virt)/')
found=$(for file in $files; do
    code_of "$file" | grep -nwE 'arch/(x86_64|arm64)[a-z_/.]*|asm|__asm__|__x86_64__|__aarch64__|__amd64__|__ARM_[A-Z_]+' |
        grep -v '__asm__[a-z ]*("" ' | sed "s|^|$file:|"
done)
claim "no line of vmm/, time/ and devices/ depends on the architecture" "$found"
found=$(grep -nE '^ *# *(if|ifdef|elif)' $files | grep -vE 'ESCAPEMENT_DEBUG|_H$')
claim "nor is one compiled for one alone" "$found"

# A guest's memory has one door: vmm/base/guestmem.h hands out pointers, and nobody else knows where it is seen.
files=$(find boot vmm time devices arch -name '*.[chS]' ! -path 'vmm/base/guestmem.[ch]')
found=$(for file in $files; do
    code_of "$file" | grep -nE '\bram(\.|->)host\b|arch_window_(open|close)' | sed "s|^|$file:|"
done | grep -vE '^(arch/host\.h|arch/[a-z0-9_]*/host/paging\.c):')
claim "nobody but vmm/base/guestmem.[ch] looks into a guest's memory" "$found"
plan_and_end
