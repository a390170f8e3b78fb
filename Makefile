# SPDX-License-Identifier: MIT
# Builds, runs and tests Escapement. `make help` lists the targets; README.md says what they are for.
#
# `make run` (GUEST=demo or linux) and `make test` are complete by themselves: they install what is missing, then call
# make again to build. All other targets assume that the tools are there, and say which are not in one sentence.
# BUILD=DIR builds elsewhere, V=1 shows every command, DEBUG=1 compiles the assertions into the kernel.

BUILD ?= build
V     ?= 0
DEBUG ?= 0
CC      := gcc
CLANG   ?= clang
JOBS    := $(shell nproc 2>/dev/null || echo 2)

MAKEFLAGS += --no-builtin-rules $(if $(filter 1,$(V)),,--silent --no-print-directory)
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

say = @printf '  %-5s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$(2))'

# ---- Flags -----------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla -Wmissing-prototypes \
            -Wstrict-prototypes -Wundef -Wswitch-enum
COMMON_CFLAGS := -std=gnu11 $(WARNINGS) -I. -g

# Which machine its guests have: vmm/machine.h includes its description.
MACHINE       := machine_pc
MACHINE_CFLAG  = -DMACHINE_DESCRIPTION='"vmm/$(MACHINE).h"'

# No FPU or vector register is ever touched: they hold the guest's values while the monitor runs. No red zone, because
# interrupts use the same stack. Frame pointers stay, for the backtrace of a panic. The whole kernel is optimised as one
# piece, because the way from an exit to the next entry goes through many small files; -fbuiltin, which -ffreestanding
# turns off, makes a memcpy of four bytes one instruction.
KERNEL_CFLAGS = $(COMMON_CFLAGS) -O3 -flto=auto -fno-fat-lto-objects -flto-partition=one -ffreestanding -fbuiltin \
                 -mgeneral-regs-only -mno-red-zone -fno-pic -fno-pie -mcmodel=small \
                 -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fcf-protection=none \
                 -fno-tree-loop-distribute-patterns $(if $(filter 1,$(DEBUG)),-DESCAPEMENT_DEBUG) $(MACHINE_CFLAG)
KERNEL_LDFLAGS := -nostdlib -static -no-pie -T linker.ld -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id

HOST_CFLAGS = $(COMMON_CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
               -DESCAPEMENT_DEBUG $(MACHINE_CFLAG)

# ---- What there is to build ------------------------------------------------------------------------------------------
# Of vmm/, machine_*, guest_* and loader_* belong to the machine that is described; the rest is the same for all.
PURE_SOURCES    := $(wildcard time/*.c devices/*.c) $(wildcard arch/x86_64/decode*.c)
NEUTRAL_SOURCES := $(filter-out vmm/machine_% vmm/guest_% vmm/loader_%,$(wildcard vmm/*.c)) $(wildcard time/*.c devices/*.c)
PC_SOURCES      := $(wildcard vmm/machine_pc*.c) $(addprefix vmm/,machine_irq.c machine_tick.c machine_clock.c guest_acpi.c \
                   guest_dsdt.c guest_mptable.c loader_elf.c loader_linux.c loader_multiboot1.c)
KERNEL_SOURCES  := $(wildcard boot/*.[cS] arch/x86_64/*.[cS]) $(PC_SOURCES) $(NEUTRAL_SOURCES)
KERNEL_OBJECTS  := $(KERNEL_SOURCES:%=$(BUILD)/kernel/%.o)
KERNEL          := $(BUILD)/escapement.elf

HOST_TESTS := $(patsubst %.c,$(BUILD)/host/%,$(wildcard tools/host/test_*.c))
CHECKS     := $(wildcard tools/check/*.sh)

GUEST_OUT := $(BUILD)/guests
include guest-tests/guests.mk

# What runs once, at the start, at the end or in a panic, is compiled for size: that saves 40 KiB. Nothing here is on the
# way of an exit, unless the guest is stepped.
COLD_SOURCES := $(wildcard boot/*.c vmm/loader*.c vmm/config*.c vmm/guest_*.c vmm/machine_*_load.c) \
                $(addprefix vmm/,alloc.c delivery.c format.c frames.c keys.c lanes.c log.c main.c noise.c panic.c \
                report.c vm.c) $(addprefix devices/,debugexit.c fwcfg.c ioapic.c pcihost.c rtc.c rtc_time.c) \
                $(addprefix arch/x86_64/,acpi.c acpi_host.c backtrace.c calibrate.c control.c debugreg.c gdt.c \
                hostapic.c hostrtc.c hostserial.c idt.c mtrr.c nested.c paging.c poweroff.c rate.c rate_ladder.c \
                refclock.c svm_step.c tsc.c vmx_caps.c vmx_check.c vmx_check_guest.c vmx_check_segments.c vmx_fail.c)
$(COLD_SOURCES:%=$(BUILD)/kernel/%.o): KERNEL_CFLAGS += -Os

all: $(KERNEL) guests
.PHONY: all kernel
kernel: $(KERNEL)

# A missing or old tool is one sentence, and nothing is compiled. Order-only: it never makes anything out of date.
.PHONY: toolcheck
toolcheck:
	@sh tools/toolcheck $(CC)
$(KERNEL_OBJECTS) $(GUEST_ELFS) $(GUEST_LIB): | toolcheck

# ---- The kernel ------------------------------------------------------------------------------------------------------
# The version goes to the one file that prints it, through a stamp that changes only when the version does.
VERSION      := $(shell git describe --always --dirty --tags 2>/dev/null || echo unversioned)
VERSION_FILE := $(BUILD)/version
VERSION_USER := $(patsubst %,$(BUILD)/kernel/%.o,$(shell grep -l ESCAPEMENT_VERSION $(KERNEL_SOURCES) 2>/dev/null))
$(VERSION_USER): KERNEL_CFLAGS += -DESCAPEMENT_VERSION='"$(VERSION)"'
$(VERSION_USER): $(VERSION_FILE)
.PHONY: always
$(VERSION_FILE): always
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(VERSION) $(DEBUG)' ] || echo '$(VERSION) $(DEBUG)' >$@

# DEBUG=1 and DEBUG=0 share the folder: each object depends on a stamp that changes with the word.
DEBUG_FILE := $(BUILD)/kernel/debug
$(DEBUG_FILE): always
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(DEBUG)' ] || echo '$(DEBUG)' >$@

$(BUILD)/kernel/%.c.o: %.c $(DEBUG_FILE) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/kernel/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(CC) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

# Linked twice, so that a panic can name functions: the first pass has an empty table of symbols, the second the table
# of the first. tools/symbols keeps the table in a section behind all others, so nothing moves between the passes.
link_kernel = $(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS) -Wl,-Map=$(1).map -o $(1) $(KERNEL_OBJECTS) $(2) -lgcc
$(KERNEL): $(KERNEL_OBJECTS) linker.ld tools/symbols
	$(call say,LD,$@)
	tools/symbols >$(BUILD)/kernel/symbols0.S
	$(CC) -c -o $(BUILD)/kernel/symbols0.o $(BUILD)/kernel/symbols0.S
	$(call link_kernel,$(BUILD)/kernel/pass1.elf,$(BUILD)/kernel/symbols0.o)
	tools/symbols $(BUILD)/kernel/pass1.elf >$(BUILD)/kernel/symbols1.S
	$(CC) -c -o $(BUILD)/kernel/symbols1.o $(BUILD)/kernel/symbols1.S
	$(call link_kernel,$@,$(BUILD)/kernel/symbols1.o)

# ---- Tests that run on the host --------------------------------------------------------------------------------------
# A test names what it links in its first lines: `// needs: FILES.c` and `// libs: -lNAME`.
host_word = $(shell sed -n 's|^// $(1): *||p' tools/host/$(2).c)

$(BUILD)/host/%.c.o: %.c | hosttoolcheck
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(HOST_TESTS): $(BUILD)/host/tools/host/%: $(BUILD)/host/tools/host/%.c.o $(BUILD)/host/tools/host/host.c.o \
               $$(patsubst $$(percent),$(BUILD)/host/$$(percent).o,$$(call host_word,needs,$$*))
	$(CC) $(HOST_CFLAGS) -o $@ $^ -lcmocka $(call host_word,libs,$*)
percent := %

.PHONY: hosttoolcheck host-tests guest-images
hosttoolcheck:
	@sh tools/toolcheck $(CC) host
host-tests: $(HOST_TESTS)

# ---- Run and test ----------------------------------------------------------------------------------------------------
# Called again after the installation, in parallel: make must not look for tools that are about to be installed.
again = $(MAKE) -j$(JOBS) BUILD=$(BUILD) DEBUG=$(DEBUG) V=$(V)

.PHONY: run test test-host test-svm test-vmx test-slow bench bench-linux iso gdb doctor help clean install
install:
	@tools/install-packages

GUEST ?= demo
run_demo  = tools/run svm --exact --build $(BUILD) --kernel $(GUEST_OUT)/demo.elf --vm "vm=demo mem=16M" \
            --show-report --timeout 120
run_linux = tools/fetch-linux $(BUILD)/linux && \
            tools/run svm --build $(BUILD) --kernel $(BUILD)/linux/vmlinuz --initrd $(BUILD)/linux/initramfs.gz \
            --vm "vm=linux mem=256M idle=real" --cmdline "console=ttyS0 quiet shell"

run: $(if $(run_$(GUEST)),install,no-such-guest)
	@+$(again) all
	@$(run_$(GUEST))

.PHONY: no-such-guest linux
no-such-guest:
	@echo 'GUEST=$(GUEST) is unknown: demo and linux are bundled; tools/run runs a kernel of yours' >&2; exit 64

linux:
	@tools/fetch-linux $(BUILD)/linux

test: install
	@+$(again) all host-tests
	@BUILD=$(BUILD) tools/test-all

test-host: host-tests
	@BUILD=$(BUILD) tools/test-all host

test-svm: all
	@BUILD=$(BUILD) tools/test-all svm

test-vmx: all
	@BUILD=$(BUILD) tools/test-all vmx

test-slow: all
	@BUILD=$(BUILD) tools/test-all slow

bench: all
	@BUILD=$(BUILD) tools/bench

bench-linux: all
	@BUILD=$(BUILD) tools/bench-linux

iso: $(BUILD)/escapement.iso
$(BUILD)/escapement.iso: $(KERNEL) guests tools/iso
	$(call say,ISO,$@)
	tools/iso --demo $(BUILD)

gdb: all
	@BUILD=$(BUILD) tools/gdb

doctor:
	@sh tools/doctor

clean:
	rm -rf $(BUILD)

help:
	@echo 'make run        install what is missing, build, run the demonstration guest, show where every cycle went'
	@echo 'make run GUEST=linux   the same with Debian'"'"'s kernel, fetched and not installed, to a shell'
	@echo 'make linux      fetch that kernel and make its initramfs in $(BUILD)/linux'
	@echo 'make test       install what is missing, build, run every test; ends with how many ran and where'
	@echo 'make            build $(BUILD)/escapement.elf and the test kernels in $(BUILD)/guests'
	@echo 'make test-host  the tests of time/, devices/ and the pure parts, natively, and the checks of the source'
	@echo 'make test-svm   the test kernels on the machine (QEMU with SVM)'
	@echo 'make test-vmx   the same on the other one (Bochs with VMX)'
	@echo 'make test-slow  what takes over five minutes: Debian'"'"'s kernel under Bochs'
	@echo 'make bench      instructions per round trip, sizes, time to the first guest instruction'
	@echo 'make bench-linux   how long Debian'"'"'s kernel boots, the exits, and the same without a monitor'
	@echo 'make iso        $(BUILD)/escapement.iso, a CD and USB image with a menu of guests'
	@echo 'make gdb        QEMU stopped at the entry, gdb attached, symbols loaded'
	@echo 'make doctor     what this computer has, what is missing, what to do about it'
	@echo 'make clean      remove $(BUILD)'
	@echo
	@echo 'tools/run svm --kernel FILE   runs a kernel of yours, tools/run vmx does so on VMX; tools/run --help says how'
	@echo 'Words: V=1 shows commands, DEBUG=1 compiles assertions in, BUILD=DIR builds elsewhere, -jN in parallel.'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
