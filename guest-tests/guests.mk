# SPDX-License-Identifier: MIT
# Builds build/guests/NAME.elf for each guest-tests/NAME.c. Included by the Makefile; variables are prefixed GUEST_.
# 64-bit code in an ELF32 container: multiboot1 loaders, QEMU's among them, refuse ELF64.
GUEST_CC      ?= gcc
GUEST_OBJCOPY ?= objcopy
GUEST_DIR     := guest-tests
GUEST_OUT     ?= build/guests
GUEST_NAMES   := $(patsubst $(GUEST_DIR)/%.c,%,$(sort $(wildcard $(GUEST_DIR)/*.c)))
GUEST_ELFS    := $(GUEST_NAMES:%=$(GUEST_OUT)/%.elf)
GUEST_LIB     := $(patsubst $(GUEST_DIR)/lib/%,$(GUEST_OUT)/lib/%.o,\
                   $(sort $(wildcard $(GUEST_DIR)/lib/*.c $(GUEST_DIR)/lib/*.S)))
GUEST_CFLAGS  := -std=gnu11 -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wvla \
                 -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wswitch-enum -I. -ffreestanding -m64 \
                 -mgeneral-regs-only -mno-red-zone -O2 -g -fno-pic -fno-pie -mcmodel=small -fno-stack-protector \
                 -fno-asynchronous-unwind-tables -fcf-protection=none
GUEST_HEADERS := $(wildcard $(GUEST_DIR)/lib/*.h)

guests: $(GUEST_ELFS)
.PHONY: guests

$(GUEST_OUT)/lib/%.c.o: $(GUEST_DIR)/lib/%.c $(GUEST_HEADERS)
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/lib/%.S.o: $(GUEST_DIR)/lib/%.S
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.o: $(GUEST_DIR)/%.c $(GUEST_HEADERS)
	@mkdir -p $(@D)
	$(GUEST_CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.elf: $(GUEST_OUT)/%.o $(GUEST_LIB) $(GUEST_DIR)/lib/guest.ld
	$(GUEST_CC) -m64 -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
		-Wl,--no-warn-rwx-segments -T $(GUEST_DIR)/lib/guest.ld -o $@.64 $(filter %.o,$^)
	$(GUEST_OBJCOPY) -I elf64-x86-64 -O elf32-i386 --strip-debug $@.64 $@

.PRECIOUS: $(GUEST_OUT)/%.o $(GUEST_OUT)/lib/%.c.o $(GUEST_OUT)/lib/%.S.o
