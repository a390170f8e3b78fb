# SPDX-License-Identifier: MIT
# Builds, runs and tests Escapement. `make help` lists the targets; README.md says what they are for.
#
# `make run` (GUEST=demo or linux), `make test` and what else starts an emulator are complete by themselves: they install
# what is missing for just that, then call make again to build. Targets that only build assume that the tools are there,
# and say which are not in one sentence.
# ARCH=arm64 is for the other image and its guests, BUILD=DIR builds elsewhere, V=1 shows every command, DEBUG=1 compiles
# the assertions into the monitor.

BUILD ?= build
ARCH  ?= x86_64
V     ?= 0
DEBUG ?= 0
CC      := gcc
CROSS   ?= aarch64-linux-gnu-
CLANG   ?= clang
JOBS    := $(shell nproc 2>/dev/null || echo 2)

MAKEFLAGS += --no-builtin-rules $(if $(filter 1,$(V)),,--silent --no-print-directory)
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

$(if $(filter-out x86_64 arm64,$(ARCH)),$(error ARCH=$(ARCH) is unknown: it is x86_64 or arm64))

say = @printf '  %-5s %s\n' '$(1)' '$(patsubst $(BUILD)/%,%,$(2))'

# ---- Flags -----------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla -Wmissing-prototypes \
            -Wstrict-prototypes -Wundef -Wswitch-enum
COMMON_CFLAGS := -std=gnu11 $(WARNINGS) -I. -g

# Which machine its guests have: vmm/machine.h includes its description.
BOARD         := pc
BOARD_CFLAG    = -DMACHINE_DESCRIPTION='"vmm/$(BOARD)/machine.h"'

# No FPU or vector register is ever touched: they hold the guest's values while the monitor runs. No red zone, because
# interrupts use the same stack. Frame pointers stay, for the backtrace of a panic. The whole kernel is optimised as one
# piece, because the way from an exit to the next entry goes through many small files; -fbuiltin, which -ffreestanding
# turns off, makes a memcpy of four bytes one instruction. tools/walk counts jumps in an image with OPTIMISE=-Og, where no
# function is inlined and no two are made one.
OPTIMISE            := -O3
EVERY_KERNEL_CFLAGS  = $(COMMON_CFLAGS) $(OPTIMISE) -flto=auto -fno-fat-lto-objects -flto-partition=one \
                       -ffreestanding -fbuiltin -mgeneral-regs-only -fstack-protector-strong -fno-asynchronous-unwind-tables \
                       -fno-omit-frame-pointer -fno-tree-loop-distribute-patterns \
                       $(if $(filter 1,$(DEBUG)),-DESCAPEMENT_DEBUG) $(BOARD_CFLAG)
EVERY_KERNEL_LDFLAGS := -nostdlib -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id
KERNEL_CFLAGS   = $(EVERY_KERNEL_CFLAGS) -mno-red-zone -fno-pic -fno-pie -mcmodel=small -fcf-protection=none \
                  -mstack-protector-guard=global
KERNEL_LDFLAGS := $(EVERY_KERNEL_LDFLAGS) -static -no-pie -T linker.ld
# The same for arm64. It runs wherever the loader puts it; any Armv8.0 CPU will do.
ARM64_CFLAGS    = $(EVERY_KERNEL_CFLAGS) -march=armv8-a -mno-outline-atomics -mbranch-protection=none -fpie \
                  -fvisibility=hidden -isystem $(BUILD)/libfdt
# Against the A53's erratum 843419 an ADRP becomes an ADR, which reaches all of the image; the other way is 4 KiB of veneers.
ARM64_LDFLAGS  := $(EVERY_KERNEL_LDFLAGS) -static-pie -Wl,--no-dynamic-linker -Wl,--fix-cortex-a53-843419=adr -T boot/arm64/linker.ld
$(BUILD)/kernel-arm64/% $(BUILD)/escapement-arm64.elf: BOARD := virt

# cmocka 2 has other names for assert_in_range and warns of the old one, which is the only one that 1.1 has.
NATIVE_CFLAGS = $(COMMON_CFLAGS) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
               -DESCAPEMENT_DEBUG -DCMOCKA_DISABLE_DEPRECATION_WARNINGS $(BOARD_CFLAG)

# ---- What there is to build ------------------------------------------------------------------------------------------
# The rooms that both images have, and those of one.
NEUTRAL_SOURCES := $(wildcard time/*.c devices/*.c vmm/*.c vmm/base/*.c vmm/show/*.c vmm/picture/*.c)
FONT            := $(BUILD)/font/font
QRCODEGEN       := $(BUILD)/qrcodegen/qrcodegen
FETCHED         := $(FONT).c $(QRCODEGEN).c
KERNEL_SOURCES  := $(wildcard boot/x86_64/*.[cS] arch/x86_64/*.[cS] arch/x86_64/*/*.[cS] vmm/pc/*.c) $(NEUTRAL_SOURCES)
KERNEL_OBJECTS  := $(KERNEL_SOURCES:%=$(BUILD)/kernel/%.o) $(FETCHED:%=$(BUILD)/kernel/%.o)
KERNEL          := $(BUILD)/escapement.elf
ARM64_SOURCES   := $(wildcard boot/arm64/*.[cS] arch/arm64/*.[cS] arch/arm64/*/*.[cS] vmm/virt/*.c) $(NEUTRAL_SOURCES)
ARM64_OBJECTS   := $(ARM64_SOURCES:%=$(BUILD)/kernel-arm64/%.o) $(FETCHED:%=$(BUILD)/kernel-arm64/%.o)
ARM64_KERNEL    := $(BUILD)/escapement-arm64.elf
ARM64_IMAGE     := $(BUILD)/escapement-arm64.img
STILL_CLOCK     := $(BUILD)/still-clock.so
LIBFDT          := $(BUILD)/libfdt/libfdt.a
LOADER_SOURCES  := $(wildcard boot/efi/*.[cS] boot/efi/x86_64/*.[cS]) $(addprefix vmm/base/,format.c remains.c string.c)
LOADER_OBJECTS  := $(LOADER_SOURCES:%=$(BUILD)/loader/%.o)
LOADER          := $(BUILD)/BOOTX64.EFI
GNU_EFI         := $(BUILD)/gnu-efi
ARM64_LOADER_SOURCES := $(wildcard boot/efi/*.[cS] boot/efi/arm64/*.[cS]) $(addprefix boot/arm64/,simplefb.c string.c) time/calendar.c \
                        $(addprefix vmm/base/,acpi_table.c format.c remains.c string.c)
ARM64_LOADER_OBJECTS := $(ARM64_LOADER_SOURCES:%=$(BUILD)/loader-arm64/%.o)
ARM64_LOADER         := $(BUILD)/BOOTAA64.EFI
ARM64_GNU_EFI        := $(BUILD)/gnu-efi-arm64
USB             := $(BUILD)/escapement-usb.iso

# What native tests and fuzzers may call: what needs no machine, of each architecture and the machine that its guests have.
NATIVE_NEUTRAL := $(filter-out %/string.c %/log.c %/panic.c,$(wildcard time/*.c devices/*.c vmm/base/*.c vmm/show/*.c vmm/picture/*.c)) vmm/loader.c
NATIVE_x86_64  := $(addprefix boot/efi/,menu.c x86_64/boottags.c x86_64/elfimage.c) $(wildcard vmm/pc/*.c boot/x86_64/multiboot*.c arch/x86_64/insn/*.c arch/x86_64/*/check*.c \
                  arch/x86_64/host/rate*.c) $(addprefix arch/x86_64/host/,card.c keys.c) arch/x86_64/barrier_plan.c arch/x86_64/host/acpi.c arch/x86_64/host/rtc.c \
                  arch/x86_64/vmx/timer.c \
                  $(addprefix vmm/,config.c config_value.c console.c cp437.c keys.c polling.c results.c screen.c typing.c)
NATIVE_arm64   := $(addprefix boot/efi/arm64/,acpi_board.c board_tree.c image.c tree.c) $(wildcard vmm/virt/*.c boot/arm64/*dtb*.c boot/arm64/simplefb.c arch/arm64/insn/*.c) arch/arm64/barrier_plan.c \
                  arch/arm64/guest/idregs.c

GUEST_OUT := $(BUILD)/guests
include guest-tests/guests.mk

# What runs once, at the start, at the end or in a panic, is compiled for size: that saves 40 KiB. Nothing here is on the
# way of an exit, unless the guest is stepped.
COLD_SOURCES := $(filter-out %/string.c %/host.c %/histogram.c %/statusline.c %/trace.c %/exit_names.c arch/x86_64/host/timer.c \
                %/counter.c arch/arm64/host/cpu.c arch/arm64/host/gic.c, \
                $(wildcard boot/*/*.c arch/*/host/*.c vmm/base/*.c vmm/show/*.c)) $(addprefix vmm/picture/,hostscreen.c qrcode.c terminal.c) $(QRCODEGEN).c \
                $(addprefix vmm/,barevm.c commands.c config.c config_value.c delivery.c keys.c life.c loader.c main.c noise.c \
                report.c reportcard.c results.c screen.c typing.c vm.c) \
                $(addprefix vmm/pc/,acpi.c bios.c dsdt.c load.c loader.c loader_elf.c loader_linux.c loader_multiboot1.c \
                long64.c mptable.c rom.c screen.c) $(addprefix vmm/virt/,dtb.c load.c loader.c) \
                $(addprefix devices/,debugexit.c fwcfg.c i8042.c ioapic.c keyboard.c mtrr.c pcihost.c pmu.c rtc.c \
                rtc_time.c testdev.c vga.c) \
                $(wildcard arch/*/barrier*.c arch/*/calibrate.c arch/x86_64/*/check*.c arch/x86_64/*/fail.c) \
                arch/x86_64/svm/step.c arch/x86_64/vmx/caps.c \
                $(addprefix arch/x86_64/insn/,alu.c implied.c rare.c segment.c vector.c) \
                $(addprefix arch/x86_64/guest/,access.c control.c debugreg.c mmio_system.c mmio_vector.c nested.c operand.c record.c) \
                arch/arm64/insn/loadstore.c $(addprefix arch/arm64/guest/,idregs.c pmu.c reset.c undescribed.c)
$(COLD_SOURCES:%=$(BUILD)/kernel/%.o): KERNEL_CFLAGS += -Os
$(patsubst %,$(BUILD)/kernel-arm64/%.o,$(COLD_SOURCES)): ARM64_CFLAGS += -Os
# Entered at EL1 or EL3 it reads the device tree with the MMU off: then all memory is as a device's, and knows no access
# that is not aligned.
$(patsubst %,$(BUILD)/kernel-arm64/%.o,$(wildcard boot/arm64/*.c)): ARM64_CFLAGS += -mstrict-align

.PHONY: all all-x86_64 all-arm64 kernel kernel-x86_64 kernel-arm64
all: all-$(ARCH)
all-x86_64: kernel-x86_64 guests
all-arm64: kernel-arm64 guests-arm64
kernel: kernel-$(ARCH)
kernel-x86_64: $(KERNEL) $(STILL_CLOCK)
kernel-arm64: $(ARM64_KERNEL) $(ARM64_IMAGE) $(STILL_CLOCK)

# For this computer, not for the machine: tools/run preloads it into QEMU.
$(STILL_CLOCK): tools/runner/still_clock.c | toolcheck-computer
	@mkdir -p $(@D)
	$(call say,CC,$< (host))
	$(CC) $(COMMON_CFLAGS) -O1 -shared -fPIC -o $@ $<

# A missing or old tool is one sentence, and nothing is compiled. Order-only: it never makes anything out of date.
.PHONY: toolcheck toolcheck-arm64 toolcheck-computer
toolcheck:
	@sh tools/toolcheck $(CC)
toolcheck-arm64:
	@sh tools/toolcheck $(CROSS)gcc arm64
toolcheck-computer:
	@sh tools/toolcheck $(CC) computer
$(KERNEL_OBJECTS) $(GUEST_ELFS) $(GUEST_LIB): | toolcheck
$(ARM64_OBJECTS) $(GUEST_IMGS_ARM64) $(GUEST_LIB_ARM64): | toolcheck-arm64

# ---- The monitor -----------------------------------------------------------------------------------------------------
# The version goes to the one file that prints it, through a stamp that changes only when the version does.
VERSION      := $(shell git describe --always --dirty --tags 2>/dev/null || echo unversioned)
VERSION_FILE := $(BUILD)/version
VERSION_USER := $(foreach source,$(shell grep -l ESCAPEMENT_VERSION $(KERNEL_SOURCES) $(ARM64_SOURCES) 2>/dev/null),\
                $(BUILD)/kernel/$(source).o $(BUILD)/kernel-arm64/$(source).o)
$(VERSION_USER): EVERY_KERNEL_CFLAGS += -DESCAPEMENT_VERSION='"$(VERSION)"'
$(VERSION_USER): $(VERSION_FILE)
.PHONY: always
$(VERSION_FILE): always
	@mkdir -p $(@D)
	@[ "$$(cat $@ 2>/dev/null)" = '$(VERSION) $(DEBUG)' ] || echo '$(VERSION) $(DEBUG)' >$@

# DEBUG=1 and DEBUG=0 share the folder: each object depends on a stamp that changes with the word.
DEBUG_FILE := $(BUILD)/debug
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

$(BUILD)/kernel-arm64/%.c.o: %.c $(DEBUG_FILE) Makefile | $(LIBFDT)
	@mkdir -p $(@D)
	$(call say,CC,$< (arm64))
	$(CROSS)gcc $(ARM64_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/kernel-arm64/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	$(call say,AS,$< (arm64))
	$(CROSS)gcc $(ARM64_CFLAGS) -MMD -MP -c -o $@ $<

$(FONT).psf: | toolcheck-computer
	@tools/fetch-font $(@D)

$(FONT).c: $(FONT).psf tools/font
	tools/font $< >$@

# Other people's code, whose warnings are theirs. Its assertions want a C library, which the native tests have.
$(QRCODEGEN).c: | toolcheck-computer
	@tools/fetch-qrcodegen $(@D)
QRCODEGEN_USERS := $(foreach folder,kernel kernel-arm64 native fuzz,$(patsubst %,$(BUILD)/$(folder)/%.o,$(QRCODEGEN).c vmm/picture/qrcode.c))
$(QRCODEGEN_USERS): COMMON_CFLAGS += -isystem $(BUILD)/qrcodegen
$(QRCODEGEN_USERS): | $(QRCODEGEN).c
$(filter %/qrcodegen.c.o,$(QRCODEGEN_USERS)): COMMON_CFLAGS += -w
$(filter %/qrcodegen.c.o,$(QRCODEGEN_USERS)): EVERY_KERNEL_CFLAGS += -DNDEBUG

$(LIBFDT): | toolcheck-arm64
	@tools/fetch-libfdt $(@D)

# Linked twice, so that a panic can name functions: the first pass has an empty table of symbols, the second the table
# of the first. tools/symbols keeps the table in a section behind all others, so nothing moves between the passes.
# $(1) is the compiler with all its words, $(2) the folder, $(3) the libraries.
# The list of objects is for tools/tests/machine/panic.t, which links them with a file of its own.
define link_twice
$(call say,LD,$@)
echo '$(filter %.o,$^)' >$(2)/objects
tools/symbols >$(2)/symbols0.S
$(1) -c -o $(2)/symbols0.o $(2)/symbols0.S
$(1) -Wl,-Map=$(2)/pass1.elf.map -o $(2)/pass1.elf $(filter %.o,$^) $(2)/symbols0.o $(3)
tools/symbols $(2)/pass1.elf >$(2)/symbols1.S
$(1) -c -o $(2)/symbols1.o $(2)/symbols1.S
$(1) -Wl,-Map=$@.map -o $@ $(filter %.o,$^) $(2)/symbols1.o $(3)
endef

$(KERNEL): $(KERNEL_OBJECTS) linker.ld tools/symbols
	$(call link_twice,$(CC) $(KERNEL_CFLAGS) $(KERNEL_LDFLAGS),$(BUILD)/kernel,-lgcc)

$(ARM64_KERNEL): $(ARM64_OBJECTS) boot/arm64/linker.ld tools/symbols $(LIBFDT)
	$(call link_twice,$(CROSS)gcc $(ARM64_CFLAGS) $(ARM64_LDFLAGS),$(BUILD)/kernel-arm64,$(LIBFDT) -lgcc)

$(ARM64_IMAGE): $(ARM64_KERNEL)
	$(CROSS)objcopy -O binary $< $@

# ---- The loader for UEFI ---------------------------------------------------------------------------------------------
# A shared object that relocates itself, then turned into what the firmware starts: gnu-efi's way.
EVERY_LOADER_CFLAGS = $(COMMON_CFLAGS) -Os -ffreestanding -fpic -fvisibility=hidden -fshort-wchar -fno-stack-protector \
                      -mgeneral-regs-only -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
LOADER_CFLAGS = $(EVERY_LOADER_CFLAGS) -mno-red-zone -fcf-protection=none -DGNU_EFI_USE_MS_ABI \
                -isystem $(GNU_EFI)/include -isystem $(GNU_EFI)/include/x86_64
ARM64_LOADER_CFLAGS = $(EVERY_LOADER_CFLAGS) -march=armv8-a -mno-outline-atomics -mbranch-protection=none \
                      -isystem $(LIBFDT:%/libfdt.a=%) -isystem $(ARM64_GNU_EFI)/include -isystem $(ARM64_GNU_EFI)/include/aarch64
LOADER_SECTIONS := .text .sdata .data .rodata .dynamic .dynsym .rel .rela .rel.* .rela.* .reloc

$(GNU_EFI)/libefi.a: | toolcheck
	@tools/fetch-gnu-efi amd64 $(@D)

$(BUILD)/loader/%.o: % Makefile | $(GNU_EFI)/libefi.a
	@mkdir -p $(@D)
	$(call say,CC,$< (loader))
	$(CC) $(LOADER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/loader/loader.so: $(LOADER_OBJECTS)
	$(call say,LD,$@)
	ld -nostdlib --no-undefined -znocombreloc -znoexecstack -T $(GNU_EFI)/efi.lds -shared -Bsymbolic -o $@ $(GNU_EFI)/crt0.o $^ \
	    -L$(GNU_EFI) -lefi -lgnuefi

$(LOADER): $(BUILD)/loader/loader.so
	objcopy --strip-all $(addprefix -j ,$(LOADER_SECTIONS)) --target efi-app-x86_64 --subsystem=10 $< $@

$(ARM64_GNU_EFI)/libefi.a: | toolcheck-arm64
	@tools/fetch-gnu-efi arm64 $(@D)

$(BUILD)/loader-arm64/%.o: % Makefile | $(ARM64_GNU_EFI)/libefi.a $(LIBFDT)
	@mkdir -p $(@D)
	$(call say,CC,$< (loader arm64))
	$(CROSS)gcc $(ARM64_LOADER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/loader-arm64/loader.so: $(ARM64_LOADER_OBJECTS) $(LIBFDT)
	$(call say,LD,$@)
	$(CROSS)ld -nostdlib --no-undefined -znocombreloc -znoexecstack -T $(ARM64_GNU_EFI)/efi.lds -shared -Bsymbolic \
	    --no-warn-rwx-segments --defsym=EFI_SUBSYSTEM=10 -o $@ $(ARM64_GNU_EFI)/crt0.o $^ -L$(ARM64_GNU_EFI) -lefi -lgnuefi

# Debian 12's gnu-efi has the file's header in its crt0, from a time when objcopy could not write one for arm64.
$(ARM64_LOADER): $(BUILD)/loader-arm64/loader.so
	if $(CROSS)nm $(ARM64_GNU_EFI)/crt0.o | grep -q ' pe_header$$'; then format='-O binary'; \
	else format='--target efi-app-aarch64 --subsystem=10'; fi; \
	$(CROSS)objcopy --strip-all $(addprefix -j ,$(LOADER_SECTIONS)) $$format $< $@

# ---- Tests and fuzzers that run on this computer ----------------------------------------------------------------------
# Each links one library, from which it takes what it calls; those in a folder arm64/ link arm64's. What stands beside the
# tests comes first there, and a test's own functions come before that: either may play a part of the monitor.
# $(1) is the folder in $(BUILD), $(2) the architecture.
helpers         = $(filter-out $(foreach word,test fuzz,$(1)/$(word)_%),$(wildcard $(1)/*.c))
library_objects = $(patsubst %,$(BUILD)/$(1)/%.o,$(call helpers,tools/tests/native) $(call helpers,tools/tests/native/$(2)) \
                  $(call helpers,tools/fuzz) $(FETCHED) $(NATIVE_NEUTRAL) $(NATIVE_$(2)))
library_of      = $(BUILD)/$(1)/$(if $(findstring /arm64/,$(2)),arm64,x86_64).a
NATIVE_LIBS    := -Wl,--as-needed -lcmocka -lZydis -lfdt -lgmp

$(BUILD)/native/x86_64.a: $(call library_objects,native,x86_64)
$(BUILD)/native/arm64.a: $(call library_objects,native,arm64)
$(BUILD)/fuzz/x86_64.a: $(call library_objects,fuzz,x86_64)
$(BUILD)/fuzz/arm64.a: $(call library_objects,fuzz,arm64)
$(foreach folder,native fuzz,$(BUILD)/$(folder)/x86_64.a $(BUILD)/$(folder)/arm64.a): Makefile
	rm -f $@
	ar rcs $@ $(filter %.o,$^)

$(foreach folder,native fuzz,$(patsubst %,$(BUILD)/$(folder)/%,vmm/virt/%.o tools/tests/native/arm64/%.o tools/fuzz/arm64/%.o)): \
    BOARD := virt

NATIVE_TESTS := $(patsubst %.c,$(BUILD)/native/%,$(wildcard tools/tests/native/test_*.c tools/tests/native/*/test_*.c))

$(BUILD)/native/%.c.o: %.c | hosttoolcheck
	@mkdir -p $(@D)
	$(call say,CC,$< (native))
	$(CC) $(NATIVE_CFLAGS) -MMD -MP -c -o $@ $<

$(NATIVE_TESTS): %: %.c.o $$(call library_of,native,$$@)
	$(CC) $(NATIVE_CFLAGS) -o $@ $^ $(NATIVE_LIBS)

.PHONY: hosttoolcheck native-tests fuzzers
hosttoolcheck:
	@sh tools/toolcheck $(CC) host
native-tests: $(NATIVE_TESTS) $(STILL_CLOCK)

# libFuzzer's: all that they run is compiled by clang.
FUZZERS     := $(patsubst %.c,$(BUILD)/fuzz/%,$(wildcard tools/fuzz/fuzz_*.c tools/fuzz/*/fuzz_*.c))
FUZZ_CFLAGS  = $(COMMON_CFLAGS) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
               -fno-omit-frame-pointer -DESCAPEMENT_DEBUG -DCMOCKA_DISABLE_DEPRECATION_WARNINGS $(BOARD_CFLAG)

$(BUILD)/fuzz/%.c.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$< (fuzz))
	$(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZERS): %: %.c.o $$(call library_of,fuzz,$$@)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(NATIVE_LIBS)
fuzzers: $(FUZZERS)

# ---- Run and test ----------------------------------------------------------------------------------------------------
# Called again after the installation, in parallel: make must not look for tools that are about to be installed.
again = $(MAKE) -j$(JOBS) ARCH=$(ARCH) BUILD=$(BUILD) DEBUG=$(DEBUG) V=$(V)

.PHONY: test-boot test-people test-versions
.PHONY: fuzz hostile run test test-host test-svm test-vmx test-arm64 test-slow test-on bench bench-linux readme usb gdb doctor help clean
# $(call installed,GROUP...): tools/install-packages says what is in each. Where Debian's own Bochs is one that calculates
# wrongly, one that does not is fetched.
installed   = @tools/install-packages $(1)$(if $(filter vmx,$(1)), && { $(right_bochs); })
right_bochs = [ -n "$$EMULATOR" ] || BUILD=$(BUILD) tools/emulator vmx >/dev/null || tools/fetch-emulator bochs-2.7 $(BUILD)/emulators/bochs-2.7

GUEST ?= demo
run_x86_64_demo  = tools/run svm --exact --build $(BUILD) --kernel $(GUEST_OUT)/demo.elf --vm "vm=demo mem=16M" \
                   --show-report --timeout 120
run_x86_64_linux = tools/fetch-linux $(BUILD)/linux && \
                   tools/run svm --build $(BUILD) --kernel $(BUILD)/linux/vmlinuz --initrd $(BUILD)/linux/initramfs.gz \
                   --vm "vm=linux mem=256M idle=real" --cmdline "console=ttyS0 quiet shell"
run_arm64_demo   = tools/run arm64 --exact --build $(BUILD) --kernel $(GUEST_OUT_ARM64)/demo.img --vm "vm=demo mem=16M" \
                   --show-report --timeout 120
run_arm64_linux  = tools/fetch-linux --arm64 $(BUILD)/linux-arm64 && \
                   tools/run arm64 --build $(BUILD) --kernel $(BUILD)/linux-arm64/vmlinuz \
                   --initrd $(BUILD)/linux-arm64/initramfs.gz --vm "vm=linux mem=256M idle=real" \
                   --cmdline "console=ttyAMA0 quiet shell"
needs_x86_64_demo  = x86_64
needs_x86_64_linux = x86_64 linux
needs_arm64_demo   = arm64
needs_arm64_linux  = arm64 linux-arm64
needs_test_svm     = x86_64 arm64 linux medium test
needs_test_vmx     = $(needs_test_svm) vmx
needs_test_arm64   = x86_64 arm64 linux-arm64 test
needs_test         = $(needs_test_vmx) $(needs_test_arm64)
needs_test_slow    = $(needs_test)

run: $(if $(run_$(ARCH)_$(GUEST)),,no-such-guest)
	$(call installed,$(needs_$(ARCH)_$(GUEST)))
	@+$(again) all-$(ARCH)
	@$(run_$(ARCH)_$(GUEST))

# Also where a file is missing that something is made of.
.DEFAULT:
	@echo 'make: there is no $@, and nothing to make it of: make help lists the targets' >&2; exit 64

.PHONY: no-such-guest linux
no-such-guest:
	@echo 'GUEST=$(GUEST) for ARCH=$(ARCH) is unknown: demo and linux are bundled, for x86_64 and arm64;' \
	     'tools/run runs a kernel of yours' >&2; exit 64

linux:
	$(call installed,$(needs_$(ARCH)_linux))
	@tools/fetch-linux $(if $(filter arm64,$(ARCH)),--arm64 $(BUILD)/linux-arm64,$(BUILD)/linux)

test:
	$(call installed,$(needs_test))
	@+$(again) all-x86_64 all-arm64 native-tests fuzzers $(USB)
	@BUILD=$(BUILD) tools/test-all

test-host:
	$(call installed,x86_64 test)
	@+$(again) native-tests fuzzers
	@BUILD=$(BUILD) tools/test-all host

test-svm test-vmx test-slow: test-%:
	$(call installed,$(needs_test_$*))
	@+$(again) all-x86_64 $(if $(filter slow,$*),all-arm64) $(if $(filter svm vmx,$*),$(USB))
	@BUILD=$(BUILD) tools/test-all $*

test-boot:
	$(call installed,$(needs_test_svm))
	@+$(again) $(USB)
	@BUILD=$(BUILD) tools/test-all boot

test-people:
	$(call installed,$(needs_test_vmx))
	@+$(again) all-x86_64
	@BUILD=$(BUILD) XV6=$(XV6) tools/test-all people

# Those of other versions of the emulators than are installed here, which are fetched.
test-versions:
	$(call installed,$(needs_test))
	@+$(again) all-x86_64 all-arm64
	@BUILD=$(BUILD) tools/test-all versions

test-arm64:
	$(call installed,$(needs_test_arm64))
	@+$(again) all-arm64 $(USB)
	@BUILD=$(BUILD) tools/test-all arm64

fuzz:
	$(call installed,x86_64 test)
	@+$(again) fuzzers
	@BUILD=$(BUILD) tools/fuzz/campaign "$(TARGET)" "$(TIME)"

MACHINE ?= svm
hostile:
	$(call installed,$(if $(filter arm64,$(MACHINE)),arm64,x86_64 $(filter vmx,$(MACHINE))))
	@+$(again) all-$(if $(filter arm64,$(MACHINE)),arm64,x86_64)
	@BUILD=$(BUILD) tools/hostile $(MACHINE) $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(MODEL),--model $(MODEL)) $(if $(filter real,$(CLOCK)),--real-time)

bench:
	$(call installed,x86_64 vmx arm64)
	@+$(again) all-x86_64 all-arm64
	@BUILD=$(BUILD) tools/bench

bench-linux:
	$(call installed,$(needs_$(ARCH)_linux))
	@+$(again) all-$(ARCH)
	@BUILD=$(BUILD) tools/bench-linux $(if $(filter arm64,$(ARCH)),arm64,svm)

readme:
	$(call installed,$(needs_test))
	@+$(again) all-x86_64 all-arm64
	@BUILD=$(BUILD) tools/readme write $(ROOM)

USB_PARTS := $(KERNEL) guests $(LOADER) $(ARM64_IMAGE) guests-arm64 $(ARM64_LOADER)
usb:
	$(call installed,x86_64 arm64 usb $(filter linux,$(GUEST)))
	@+$(again) $(USB_PARTS)
	@$(if $(filter linux,$(GUEST)),tools/fetch-linux $(BUILD)/linux &&) tools/usb $(BUILD) $(filter linux,$(GUEST))
# What the tests boot. `make usb` writes it anew, since it may be with Linux or without.
$(USB): $(USB_PARTS) tools/usb tools/iso $(wildcard boot/efi/*.cfg guest-tests/*.cfg)
	$(call say,USB,$@)
	tools/usb $(BUILD)

gdb:
	$(call installed,$(ARCH) $(if $(filter arm64,$(ARCH)),gdb-arm64,gdb))
	@+$(again) all-$(ARCH)
	@BUILD=$(BUILD) tools/gdb $(ARCH)

DEBIAN ?= trixie
test-on:
	@tools/test-on $(DEBIAN)

doctor:
	@BUILD=$(BUILD) sh tools/doctor

clean:
	rm -rf $(BUILD)

help:
	@echo 'make run        install what is missing, build, run the demonstration guest, show where every cycle went'
	@echo 'make run GUEST=linux   the same with Debian'"'"'s kernel, fetched and not installed, to a shell'
	@echo 'make linux      fetch that kernel and make its initramfs in $(BUILD)/linux'
	@echo 'make run ARCH=arm64, make ARCH=arm64   the same for the other architecture; both need its compiler'
	@echo 'make test       install what is missing for it, build, run every test; ends with how many ran and where'
	@echo 'make            build $(BUILD)/escapement.elf and the test kernels in $(BUILD)/guests'
	@echo 'make test-host  the tests of time/, devices/ and the pure parts, natively, and the checks of the source'
	@echo 'make test-svm   the test kernels on the machine (QEMU with SVM)'
	@echo 'make test-vmx   the same on the other one (Bochs with VMX)'
	@echo 'make test-boot  the image of make usb on PCs and arm64 machines of QEMU'"'"'s, by BIOS and UEFI'
	@echo 'make test-arm64 the same for arm64 at EL2, on three machines of QEMU'
	@echo 'make test-versions   a few of them in QEMU 10 and Bochs 3, fetched and not installed'
	@echo 'make test-slow  what takes over five minutes: Debian'"'"'s kernel under Bochs'
	@echo 'make test-people XV6=FILE   kernels that people have on SVM and VMX: memtest86+, Xen, and xv6 when you have built it'
	@echo 'make test-on DEBIAN=trixie   all of this on another Debian (bookworm, trixie, forky), in a folder that is gone after it'
	@echo 'make fuzz TARGET=board TIME=60   libFuzzer on decoder, loaders, boards and the rest, each for so many seconds'
	@echo 'make hostile MACHINE=svm COUNT=1000 SEED=1   guests that mean harm, many in a boot, and a witness between them'
	@echo 'make bench      instructions per round trip, sizes, time to the first guest instruction'
	@echo 'make bench-linux   how long Debian'"'"'s kernel boots, the exits, and the same without a monitor'
	@echo 'make readme     run what README shows and write it there; ROOM="svm arm64" only so much of it, tools/readme says what'
	@echo 'make usb        $(BUILD)/escapement-usb.iso, to boot a PC or an arm64 machine from, with a menu of guests; GUEST=linux adds Linux'
	@echo 'make gdb        QEMU stopped at the entry, gdb attached, symbols loaded'
	@echo 'make doctor     what this computer has, what is missing, what to do about it'
	@echo 'make clean      remove $(BUILD)'
	@echo
	@echo 'tools/run svm --kernel FILE   runs a kernel of yours, tools/run vmx and arm64 do so there; tools/run --help says how'
	@echo 'Words: ARCH=arm64, V=1 shows commands, DEBUG=1 compiles assertions in, BUILD=DIR builds elsewhere, -jN in parallel.'

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
