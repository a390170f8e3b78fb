# SPDX-License-Identifier: MIT
"""A Linux kernel, looked at before anything is built and started for it. Documentation/arch/x86/boot.rst of its sources
has the offsets of a bzImage, Documentation/arch/arm64/booting.rst those of an arm64 Image."""
import os

from runner.refused import STATUS_IMAGE, Refused
from runner.words import file_word, guest_bytes, module_paths


def is_linux(path):
    with open(path, "rb") as image:
        header = image.read(0x206)
    return header[0x1FE:0x200] == b"\x55\xaa" and header[0x202:0x206] == b"HdrS"


def is_arm64_linux(path):
    """Test kernels have that header, too; but Linux is an EFI program as well, and begins as one."""
    with open(path, "rb") as image:
        header = image.read(0x40)
    return header[:2] == b"MZ" and header[0x38:0x3C] == b"ARM\x64"


def check_linux(options):
    """What vmm/pc/loader_linux.c would refuse, in its words."""
    name, size = file_word(options.kernel), os.path.getsize(options.kernel)
    with open(options.kernel, "rb") as image:
        header = image.read(0x268)

    def refuse(text, *words):
        raise Refused(text % words, STATUS_IMAGE)

    def field(offset, count):
        return int.from_bytes(header[offset:offset + count], "little")

    if field(0x206, 2) < 0x20C:
        refuse("%s is a Linux kernel with boot protocol %d.%02d; the 64-bit entry needs 2.12 (Linux 3.8)", name,
               header[0x207], header[0x206])
    if size < 0x268:
        refuse("%s is truncated: it ends inside the Linux setup header, after %d bytes", name, size)
    if not field(0x236, 2) & 1:
        refuse("%s is a Linux kernel without a 64-bit entry; expected one for x86-64", name)
    wanted = ((header[0x1F1] or 4) + 1) * 512 + 16 * field(0x1F4, 4)
    if wanted >= size + 16:  # the last 16 bytes may be short
        refuse("%s is truncated: its header says %d bytes, the file has %d", name, wanted, size)
    memory, align, load, room = guest_bytes(options.vm), max(field(0x230, 4), 1), field(0x258, 8), field(0x260, 4)
    if header[0x234]:
        load = -(-load // align) * align
    end = load + room
    if end > memory and load >= memory:
        refuse("%s wants %d KiB at 0x%x, but the VM has %d KiB (mem=)", name, -(-room // 1024), load, memory // 1024)
    if end > memory:
        refuse("%s needs %d KiB of guest memory, but the VM has %d KiB (mem=)", name, -(-end // 1024), memory // 1024)
    if len(options.cmdline) > field(0x238, 4):
        refuse("the command line has %d characters; %s takes at most %d", len(options.cmdline), name, field(0x238, 4))
    initrd, limit = 0, min(memory, field(0x22C, 4) + 1)
    for path in module_paths(options):
        initrd = (initrd + 3) // 4 * 4 + os.path.getsize(path)
    if initrd and (limit - initrd) // 4096 * 4096 < end:
        refuse("the initrd has %d KiB and does not fit between the kernel's end at %d KiB and %d KiB (mem=)",
               -(-initrd // 1024), end // 1024, limit // 1024)
