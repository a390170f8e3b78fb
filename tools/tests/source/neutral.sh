#!/bin/sh
# SPDX-License-Identifier: MIT
# What is the same for every architecture names none: time/, devices/, the seam, and vmm/ but for its rooms of one
# machine (pc/, virt/) and the state of a kernel's first instruction (base/entry.h). A chip may be one that only some
# architectures have; a comment may say for whom something is there.
. "$(dirname "$0")/tap"

neutral=$(find time vmm arch/arch.h arch/host.h -name '*.[ch]' | grep -vE '^vmm/(pc/|virt/|base/entry)' | sort)
devices=$(find devices -name '*.[ch]' | sort)

# found WORDS FILES...: where code has one of the words, also as a part of a name.
found() {
    words=$1
    shift
    for file in "$@"; do
        sed -e 's|//.*||' "$file" | grep -niE "(^|[^a-z0-9])($words)([^a-z0-9]|\$)" | sed "s|^|$file:|"
    done
}

architectures='x86|x86_64|amd64|arm64|aarch64|svm|vmx|npt|ept|el[0-3]'
x86='rdtsc|cpuid|msr|rip|rflags|cr[0-8]|gdt|hlt|vmcb|vmcs'
arm='wfi|hvc|smc|esr|elr|spsr|psci|smccc|cnt[pv]ct|mpidr'
# time/pvclock.h is the layout of a page whose fields have such names; config.c takes an old name of a word.
counters=$(found 'tsc|apic' $(echo "$neutral" | grep -v '^time/pvclock') | grep -v 'COUNTER_HZ_ALIAS "tsc_hz"')

claim "no line of time/, vmm/ and the seams has an architecture's word" \
    "$(found "$architectures|$x86|$arm" $neutral; echo "$counters" | grep .)"
claim "no chip of devices/ asks which architecture it is on" "$(found "$architectures|rdtsc|cpuid|mrs" $devices)"
claim "only arch/arch.h is included" \
    "$(grep -nE '^ *# *include +[<"](arch/[a-z0-9_]+/|boot/)' $neutral $devices /dev/null)"
claim "no architecture's instruction, and none is asked for" \
    "$(grep -nE '__(x86_64|aarch64|i386|arm)__' $neutral $devices /dev/null
       sed -e 's|//.*||' $neutral $devices | grep -nE '(asm|__asm__)[^"]*"[^"]' )"
plan_and_end
