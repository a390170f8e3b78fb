# SPDX-License-Identifier: MIT
# Builds the test kernels: build/guests/NAME.elf for x86-64, build/guests-arm64/NAME.img for arm64. Included by the
# Makefile; variables are prefixed GUEST_.
#
# NAME of an architecture is guest-tests/NAME.c, which both have, and guest-tests/ARCH/NAME.c, its own part of the same
# test or a test that only it has: where both files are there, both are linked.
GUEST_CC      ?= gcc
GUEST_OBJCOPY ?= objcopy
GUEST_ARM64   ?= aarch64-linux-gnu-
GUEST_DIR     := guest-tests
GUEST_OUT     ?= build/guests
GUEST_OUT_ARM64 ?= $(GUEST_OUT)-arm64

# The kernels of architecture $(1), the objects of its lib and of kernel $(2), which are built in $(3).
guest_names   = $(sort $(patsubst $(GUEST_DIR)/%.c,%,$(wildcard $(GUEST_DIR)/*.c)) \
                       $(patsubst $(GUEST_DIR)/$(1)/%.c,%,$(wildcard $(GUEST_DIR)/$(1)/*.c)))
guest_lib     = $(patsubst $(GUEST_DIR)/%,$(2)/%.o,$(sort $(wildcard $(GUEST_DIR)/lib/*.c $(GUEST_DIR)/lib/$(1)/*.[cS])))
guest_objects = $(patsubst $(GUEST_DIR)/%,$(3)/%.o,$(wildcard $(GUEST_DIR)/$(2).c $(GUEST_DIR)/$(1)/$(2).[cS]))

GUEST_NAMES       := $(call guest_names,x86_64)
GUEST_ELFS        := $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf)
GUEST_LIB         := $(call guest_lib,x86_64,$(GUEST_OUT))
GUEST_NAMES_ARM64 := $(call guest_names,arm64)
GUEST_IMGS_ARM64  := $(GUEST_NAMES_ARM64:%=$(GUEST_OUT_ARM64)/%.img)
GUEST_LIB_ARM64   := $(call guest_lib,arm64,$(GUEST_OUT_ARM64))

GUEST_WARNINGS := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla -Wmissing-prototypes \
                  -Wstrict-prototypes -Wundef -Wswitch-enum
GUEST_COMMON   := -std=gnu11 $(GUEST_WARNINGS) -I. -ffreestanding -mgeneral-regs-only -O2 -g -mcmodel=small \
                  -fno-stack-protector -fno-asynchronous-unwind-tables
GUEST_CFLAGS   := $(GUEST_COMMON) -fno-pic -fno-pie -m64 -mno-red-zone -fcf-protection=none \
                  -DGUEST_ARCH_HEADER='"guest-tests/lib/x86_64/x86.h"'
# Position independent; no unaligned access, which would fault before the MMU is on, and no atomic helper function.
GUEST_CFLAGS_ARM64 := $(GUEST_COMMON) -fpie -fvisibility=hidden -march=armv8-a -mstrict-align -mno-outline-atomics \
                  -DGUEST_ARCH_HEADER='"guest-tests/lib/arm64/arm64.h"'
GUEST_LDFLAGS  := -nostdlib -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

guests: $(GUEST_ELFS)
guests-arm64: $(GUEST_IMGS_ARM64)
.PHONY: guests guests-arm64

GUEST_MK := $(GUEST_DIR)/guests.mk

# One rule for the C and assembly files of both: $(1) folder, $(2) compiler, $(3) the variable with its flags.
define guest_compile
$(1)/%.c.o: $(GUEST_DIR)/%.c $(GUEST_MK)
	@mkdir -p $$(@D)
	$(2) $$($(3)) -MMD -MP -c -o $$@ $$<

$(1)/%.S.o: $(GUEST_DIR)/%.S $(GUEST_MK)
	@mkdir -p $$(@D)
	$(2) $$($(3)) -MMD -MP -c -o $$@ $$<

.PRECIOUS: $(1)/%.c.o $(1)/%.S.o
endef
$(eval $(call guest_compile,$(GUEST_OUT),$(GUEST_CC),GUEST_CFLAGS))
$(eval $(call guest_compile,$(GUEST_OUT_ARM64),$(GUEST_ARM64)gcc,GUEST_CFLAGS_ARM64))

# 64-bit code in an ELF32 container: multiboot1 loaders, QEMU's among them, refuse ELF64.
$(GUEST_ELFS): $(GUEST_OUT)/%.elf: $$(call guest_objects,x86_64,$$*,$(GUEST_OUT)) $(GUEST_LIB) $(GUEST_DIR)/lib/x86_64/guest.ld
	$(GUEST_CC) -m64 -static -no-pie $(GUEST_LDFLAGS) -Wl,-z,max-page-size=4096 -T $(GUEST_DIR)/lib/x86_64/guest.ld -o $@.64 \
		$(filter %.o,$^)
	$(GUEST_OBJCOPY) -I elf64-x86-64 -O elf32-i386 --strip-debug $@.64 $@

# A flat image with the header of arm64's boot protocol: what loads Linux loads it, with x0 = device tree.
$(GUEST_IMGS_ARM64): $(GUEST_OUT_ARM64)/%.img: $$(call guest_objects,arm64,$$*,$(GUEST_OUT_ARM64)) $(GUEST_LIB_ARM64) \
                     $(GUEST_DIR)/lib/arm64/guest.ld
	$(GUEST_ARM64)gcc -static-pie -Wl,--no-dynamic-linker $(GUEST_LDFLAGS) -T $(GUEST_DIR)/lib/arm64/guest.ld -o $(@:.img=.elf) $(filter %.o,$^)
	$(GUEST_ARM64)objcopy -O binary $(@:.img=.elf) $@

-include $(shell find $(GUEST_OUT) $(GUEST_OUT_ARM64) -name '*.d' 2>/dev/null)
