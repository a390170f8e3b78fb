# SPDX-License-Identifier: MIT
"""The VM line, and what its words mean to the runner: the guest's memory, names, the time zone."""
import os
import re
import time

MIB = 1 << 20
DEFAULT_GUEST_BYTES = 64 * MIB   # what mem= is when nobody says it: vmm/config.h
MONITOR_BYTES = 64 * MIB         # the monitor needs 8; the rest is the firmware's and the boot loader's


CONSOLE = "console.log"  # in the run's folder: all that the host's console has shown, for --consoles


def console_copy(options, folder):
    """The file that gets a copy of the console: only who asked for the VMs' consoles looks at it."""
    return os.path.join(folder, CONSOLE) if options.consoles else os.devnull


def guest_bytes(words):
    """The guest's memory as --vm says it. A bad value is left for the monitor to refuse, with its own sentence."""
    match = re.search(r"(?:^|\s)mem=(\d+)([KMG]?)(?:\s|$)", words)
    if not match:
        return DEFAULT_GUEST_BYTES
    size = int(match.group(1)) * {"": 1, "K": 1 << 10, "M": MIB, "G": 1 << 30}[match.group(2)]
    return min(size, 3 << 30)


def machine_mib(options):
    """The emulated machine's memory: of several VMs only one is there at a time."""
    images = sum(os.path.getsize(path) for vm in options.vms for path in [vm.kernel] + module_paths(vm))
    return (most_guest_bytes(options) + MONITOR_BYTES + images) // MIB


def most_guest_bytes(options):
    return max(guest_bytes(vm.vm) for vm in options.vms)


def split_module(text):
    """FILE[:ARGS], where FILE itself may hold a colon if it exists."""
    if os.path.exists(text) or ":" not in text:
        return text, ""
    return tuple(text.split(":", 1))


def module_paths(vm):
    return ([vm.initrd] if vm.initrd else []) + [split_module(text)[0] for text in vm.module]


def file_word(path):
    """A file's name as a word of the VM line: no blanks, at most 48 characters."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", os.path.basename(path))[:48]


def with_zone(words):
    """rtc=localtime (or clock=localtime) as a distance from UTC: only this computer knows its zone."""
    return re.sub(r"(?<!\S)(rtc|clock)=localtime(?!\S)", "rtc=variable:%d" % time.localtime().tm_gmtoff, words)


def vm_name(words, index):
    match = re.search(r"(?:^|\s)vm=(\S+)", words)
    return match.group(1) if match else "guest%d" % index


def vm_line(vm, index):
    """The line that describes the VM: vmm/config.h says what is in it."""
    name = "" if re.search(r"(?:^|\s)vm=", vm.vm) else "vm=%s " % vm_name(vm.vm, index)
    line = " ".join((name + "kernel=" + file_word(vm.kernel) + " " + with_zone(vm.vm)).split())
    return line + " -- " + vm.cmdline
