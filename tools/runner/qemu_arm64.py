# SPDX-License-Identifier: MIT
"""QEMU's TCG of an arm64 machine with EL2, the board `virt`. There is no boot medium: QEMU loads the monitor by the arm64
boot protocol, puts the guest's files into memory, and says in the device tree where they are (its guest-loader device).
The console is the board's own UART on stdin and stdout, the log a second one on the PCI bus."""
import os

from runner import qemu
from runner.refused import Refused
from runner.words import CONSOLE, MIB, most_guest_bytes, vm_line

NAME, PROGRAM, GROUP = "QEMU", "qemu-system-aarch64", "arm64"
WRONG = {}
LOG = None
KEYS_LEGEND = qemu.KEYS_LEGEND
MONITOR = "escapement-arm64.img"

CPU = "neoverse-n1"
GIC = 3
GIC_VERSIONS = (2, 3)
# Ticks of the counter in a second: what most of QEMU's CPUs have, but not each in each version, so it is always said;
# and what the property can hold.
CNTFRQ = 62500000
CNTFRQ_MIN, CNTFRQ_MAX = 1000000, 1000000000
NS_PER_S = 1000000000

# Where QEMU's virt board has its memory. QEMU puts the monitor at its start, and the device tree at its middle, or
# DTB_AT_MOST from the start. The guest's files go behind the monitor if the room is enough, else behind the tree, so that
# what is behind them is one piece, and enough for the guest.
RAM_BASE = 0x40000000
MODULES_AT = 32 * MIB
DTB_AT_MOST = 128 * MIB
DTB_ROOM = 8 * MIB
MODULE_ALIGN = 2 * MIB
SPARE_BYTES = 192 * MIB  # what is not used is never there: QEMU's memory is the computer's when it is touched


def needs(_options):
    return []


def check_options(options):
    if options.gic is not None and options.gic not in GIC_VERSIONS:
        raise Refused("--gic %d is not a version of the interrupt controller that the machine can have: 2 or 3" % options.gic)
    if options.cntfrq is not None and not CNTFRQ_MIN <= options.cntfrq <= CNTFRQ_MAX:
        raise Refused("--cntfrq %d is not within %d to %d" % (options.cntfrq, CNTFRQ_MIN, CNTFRQ_MAX))
    if any(vm.module for vm in options.vms):
        raise Refused("--module is for svm and vmx only; arm64's guests get one --initrd")


def layout(options):
    """([(address, what QEMU's guest-loader is told of the file there)], bytes of the host's memory)."""
    files = []
    for index, vm in enumerate(options.vms):
        files.append((vm.kernel, "kernel=%s,bootargs=" + qemu.quoted(vm_line(vm, index)).replace("%", "%%")))
        files += [(vm.initrd, "initrd=%s")] if vm.initrd else []
    sizes = [-(-os.path.getsize(path) // MODULE_ALIGN) * MODULE_ALIGN for path, _ in files]
    memory = most_guest_bytes(options) + SPARE_BYTES + sum(sizes)
    tree = min(memory // 2, DTB_AT_MOST)
    at = MODULES_AT if MODULES_AT + sum(sizes) <= tree else tree + DTB_ROOM
    places = []
    for (path, words), size in zip(files, sizes):
        places.append((RAM_BASE + at, words % qemu.quoted(path)))
        at += size
    return places, memory


def cntfrq(options):
    return options.cntfrq or CNTFRQ


def shift(options):
    """Of -icount: an instruction takes 2^shift ns, and that is one cycle of the counter where the rate allows it."""
    return (NS_PER_S // cntfrq(options)).bit_length() - 1


def cpu(options):
    model = options.cpu or CPU
    if model == "max":
        model += ",pauth-impdef=on"  # the architecture's own algorithm takes TCG four times the time
    return "%s,cntfrq=%d" % (model, cntfrq(options))


def prepare(options, _folder):
    return os.path.join(options.build, MONITOR)


def command(options, image, log, folder):
    places, memory = layout(options)
    words = [options.emulator.path, "-machine", "virt,accel=tcg,virtualization=on,gic-version=%d" % (options.gic or GIC),
             "-cpu", cpu(options), "-smp", "1", "-m", "%dM" % (-(-memory // MIB)), "-nodefaults", "-display", "none",
             "-no-reboot", *qemu.console_words(os.path.join(folder, CONSOLE)), "-serial", "chardev:console",
             "-chardev", "file,id=log,append=on,path=" + qemu.quoted(log), "-device", "pci-serial,chardev=log",
             "-kernel", image, "-append", options.monitor]
    for address, loaded in places:
        words += ["-device", "guest-loader,addr=0x%x,%s" % (address, loaded)]
    if options.exact:
        words += ["-icount", "shift=%d,sleep=off" % shift(options), "-seed", "1",
                  "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    return words + options.qemu_arg


def run(options, image, log, folder):
    return qemu.start(command(options, image, log, folder), options, folder)


def instead_of_log(folder):
    """Where to look when nothing is in the log: then no guest has run, and the console is the monitor's alone."""
    return os.path.join(folder, CONSOLE)


complaints = qemu.complaints
