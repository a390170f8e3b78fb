#!/bin/sh
# SPDX-License-Identifier: MIT
# Kernels that nobody here wrote run as they are, with their command lines and modules, and their exit status comes
# back. QEMU's tests/multiboot, from Debian's source package: a module list, a memory map, nine images in address-field
# form. KVM_UNIT_TESTS=FOLDER, a built kvm-unit-tests: a few of its tests that need no device of QEMU's own.
#
# On arm64: the raw image of QEMU's tests/migration, which never ends by itself, Debian's kernel with a shell that says a
# status, and kvm-unit-tests for arm64.
set -eu
cd "$(dirname "$0")/../../.."
. tools/tests/machine/common
kernels=$build/multiboot-kernels
out=$(mktemp)
trap 'rm -f "$out"' EXIT

run() {
    status=0
    tools/run "$machine" --exact --build "$build" --timeout 600 --kernel "$@" </dev/null >"$out" 2>&1 || status=$?
    sed 's/^/#   /' "$out" | grep . | tail -n 12 || true
}

says() {
    missing=0
    grep -q "$1" "$out" || missing=1
    claim $missing "$2"
}

multiboot_kernels() {
    if tools/tests/machine/fetch-multiboot-kernels "$kernels" >/dev/null 2>"$out"; then
        run "$kernels/modules.elf" --cmdline "some words"
        claim $((status != 1)) "QEMU's modules.elf: status 1, (0 << 1) | 1 (it was $status)"
        says "Module list with 0 entries" "QEMU's modules.elf: no module"
        run "$kernels/modules.elf" --initrd "$kernels/module.txt" --module "$kernels/module.txt:and its own words"
        claim $((status != 1)) "QEMU's modules.elf with two modules: status 1 (it was $status)"
        says "Module list with 2 entries" "QEMU's modules.elf: both modules"
        says "(56 bytes) 'module.txt and its own words'" "QEMU's modules.elf: the second module's words"
        run "$kernels/mmap.elf" --vm mem=32M
        claim $((status != 1)) "QEMU's mmap.elf: status 1 (it was $status)"
        says "0x100000 - 0x2000000: type 1" "QEMU's mmap.elf: 32 MiB of memory"
        for scenario in 1 2 3 4; do
            run "$kernels/aout_kludge_$scenario.bin"
            claim $((status != 1)) "QEMU's aout_kludge_$scenario.bin, address fields without ELF: status 1 (it was $status)"
        done
        for scenario in 5 6 7 8 9; do
            run "$kernels/aout_kludge_$scenario.bin"
            claim $((status != 2)) "QEMU's aout_kludge_$scenario.bin, bad address fields: refused (status $status)"
        done
    else
        sed 's/^/# /' "$out" | tail -n 5
        claim 0 "QEMU's tests/multiboot # SKIP Debian's source package of QEMU cannot be fetched here"
    fi
}

# vmexit.flat is not among them: it repeats each exit until the guest's clock has counted 2^30 cycles, and under
# clock=guest an exit costs none. --vm "clock=wall idle=real" without --exact is how a person runs it.
kvm_unit_tests() {
    images=${KVM_UNIT_TESTS:-}/x86
    if [ -f "$images/tsc.flat" ]; then
        for name in tsc tsc_adjust kvmclock_test eventinj hypercall; do
            run "$images/$name.flat" --vm mem=128M
            claim $((status != 1)) "kvm-unit-tests $name.flat: status 1 (it was $status)"
        done
        run "$images/tscdeadline_latency.flat" --vm mem=128M --cmdline "200000 5"
        claim $((status != 1)) "kvm-unit-tests tscdeadline_latency.flat: status 1 (it was $status)"
        found=$(grep -c "^latency: [0-9]" "$out" || true)
        claim $((found != 5)) "kvm-unit-tests tscdeadline_latency.flat: $found deadlines, 5 asked for on its command line"
    else
        claim 0 "kvm-unit-tests # SKIP KVM_UNIT_TESTS names no folder with x86/tsc.flat"
    fi
}

end_when_it_prints() {
    for _ in $(seq 300); do ! grep -q ABBB "$out" || break; sleep 0.2; done
    printf '\035q'
}

# Writes A, then for ever a B after some rounds through 99 MiB of memory; the person at the console ends it.
raw_image() {
    if ! tools/tests/machine/fetch-multiboot-kernels "$kernels" >/dev/null 2>"$out" || [ ! -s "$kernels/migration.img" ]; then
        claim 0 "QEMU's tests/migration # SKIP Debian's source package of QEMU cannot be fetched here"
        return
    fi
    status=0
    : >"$out"
    end_when_it_prints |
        tools/run "$machine" --build "$build" --timeout 600 --vm mem=128M --kernel "$kernels/migration.img" >>"$out" 2>&1 ||
        status=$?
    says '^ABBB' "QEMU's tests/migration, a raw image: it prints what it should"
    claim "$status" "QEMU's tests/migration: ended from the keyboard, status 0 (it was $status)"
}

debian_kernel() {
    if ! tools/fetch-linux --arm64 "$build/linux-arm64" >/dev/null 2>"$out"; then
        claim 0 "Debian's kernel # SKIP it cannot be fetched here"
        return
    fi
    run "$build/linux-arm64/vmlinuz" --initrd "$build/linux-arm64/initramfs.gz" --cmdline \
        'console=ttyAMA0 quiet rdinit=/bin/busybox -- sh -c "echo EXIT: STATUS=7; /bin/busybox poweroff -f"'
    claim $((status != 7)) "Debian's kernel: the status that its console says comes back (it was $status)"
}

# Flat images without a header, entered with X0 = device tree; the status is a line on the console.
arm_test() {
    gic=$1 name=$2
    shift 2
    run "$images/$name.flat" --gic "$gic" --vm mem=128M --cmdline "$*"
    claim $((status != 1)) "kvm-unit-tests $name.flat${*:+ $*}, GICv$gic: status 1 (it was $status)"
}

arm64_unit_tests() {
    images=${KVM_UNIT_TESTS:-}/arm
    if [ ! -f "$images/timer.flat" ]; then
        claim 0 "kvm-unit-tests # SKIP KVM_UNIT_TESTS names no folder with arm/timer.flat"
        return
    fi
    for gic in 2 3; do
        arm_test "$gic" timer
        arm_test "$gic" pl031
        arm_test "$gic" gic active
        arm_test "$gic" selftest setup smp=1 mem=128
    done
    arm_test 3 selftest vectors-kernel
    arm_test 3 selftest vectors-user
    arm_test 3 debug bp
    arm_test 3 debug ss
    arm_test 3 cache
}

case $machine in
arm64)
    raw_image
    debian_kernel
    arm64_unit_tests
    ;;
*)
    multiboot_kernels
    kvm_unit_tests
    ;;
esac
echo "1..$count"
