# SPDX-License-Identifier: MIT
"""QEMU's TCG with AMD's SVM. The console is stdin and stdout, which QEMU handles itself."""
import os
import subprocess
import sys

from runner import medium
from runner.words import machine_mib

NEEDS = ["qemu-system-x86_64"] + medium.NEEDS  # commands
DATA = []                                      # (file, its package)
LOG = None                                     # it has none: its words are on stderr
MONITOR = medium.MONITOR
prepare = medium.make_medium
CPU = "max,+svm"


def cpu(options):
    """Newer TCG (seen in 10) has x2APIC, and ends itself (`Bad icount read`) when its MSRs read the clock."""
    model = options.cpu or CPU
    return model + ",-x2apic" if options.exact and "x2apic" not in model else model


def command(options, image, log):
    interactive = sys.stdin is not None and sys.stdin.isatty()
    words = [NEEDS[0], "-machine", "q35,accel=tcg", "-cpu", cpu(options), "-smp", "1",
             "-m", "%dM" % machine_mib(options), "-nodefaults", "-display", "none", "-vga", "std", "-no-reboot",
             "-drive", "if=none,id=cd,media=cdrom,readonly=on,format=raw,file=" + image.replace(",", ",,"),
             "-device", "ide-cd,drive=cd,bootindex=0",
             "-serial", "mon:stdio" if interactive else "stdio", "-serial", "file:" + log.replace(",", ",,"),
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if options.exact:
        words += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    return words + options.qemu_arg


def start(words, timeout):
    """QEMU's status, or None if its time was up."""
    with subprocess.Popen(words) as emulator:
        try:
            return emulator.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if emulator.poll() is None:
                emulator.terminate()
                try:
                    emulator.wait(5)
                except subprocess.TimeoutExpired:
                    emulator.kill()


def run(options, image, log, _folder):
    return start(command(options, image, log), options.timeout)


def instead_of_log(_folder):
    return os.devnull


def complaints(_folder):
    return []
