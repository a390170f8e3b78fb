# SPDX-License-Identifier: MIT
"""QEMU's TCG with AMD's SVM. QEMU itself loads the monitor and the guest's files, by the multiboot1 protocol; with --medium
GRUB does, from a CD, as on a PC. The console is stdin and stdout, which QEMU handles itself."""
import contextlib
import os
import re
import socket
import subprocess
import sys
import time

from runner import medium
from runner.outcome import KEYBOARD, RESET, STANDS, TIMEOUT
from runner.standstill import LOOK_EVERY_S, Standstill
from runner.words import console_copy, machine_mib

NAME, PROGRAM, GROUP = "QEMU", "qemu-system-x86_64", "x86_64"  # the last: a word for tools/install-packages
WRONG = {}
LOG = None            # it has none
SAID = "qemu.err"
KEYS_LEGEND = "Ctrl-A then  x end the emulator  c its own monitor and back  Ctrl-A itself"
MONITOR = medium.MONITOR
STILL_CLOCK = "still-clock.so"
CPU = "max,+svm"
FOLDER = 100  # the descriptor of the run's folder: the monitor reads its number, so it is always the same


def needs(options):
    return medium.needs(options) if options.medium else []


def prepare(options, folder):
    """The CD's image; without one, names in the folder that have no blank in them."""
    if options.medium:
        return medium.make_medium(options, folder)
    files = [os.path.join(options.build, MONITOR)] + [path for path, _ in medium.modules(options)]
    for index, path in enumerate(files):
        os.symlink(os.path.abspath(path), os.path.join(folder, "file%d" % index))
    return None


def cpu(options):
    """Newer TCG (seen in 10) has x2APIC, and ends itself (`Bad icount read`) when its MSRs read the clock."""
    model = options.cpu or CPU
    return model + ",-x2apic" if options.exact and "x2apic" not in model else model


def interactive():
    return sys.stdin is not None and sys.stdin.isatty()


def quoted(text):
    """A value inside one of QEMU's comma-separated options."""
    return text.replace(",", ",,")


def boot_words(options, image):
    """QEMU reaches the folder by its descriptor: what it takes for a file's name ends at a blank."""
    if image:
        return ["-drive", "if=none,id=cd,media=cdrom,readonly=on,format=raw,file=" + quoted(image),
                "-device", "ide-cd,drive=cd,bootindex=0"]
    file = "/proc/self/fd/%d/file" % FOLDER
    modules = ["%s%d %s" % (file, index, line) for index, (_, line) in enumerate(medium.modules(options), 1)]
    return ["-kernel", file + "0", "-append", medium.monitor_line(options), "-initrd", ",".join(map(quoted, modules))]


def console_words(copy):
    """Of the console, with the file that gets a copy of it; in a terminal Ctrl-A c is QEMU's own monitor."""
    words = "stdio,id=console,logfile=" + quoted(copy)
    if not interactive():
        return ["-chardev", words]
    return ["-chardev", words + ",mux=on,signal=off", "-mon", "chardev=console"]


def command(options, image, log, folder):
    # Looking for disks takes the firmware half of the time until the monitor runs, and without a CD there is none.
    machine = "q35,accel=tcg" if image else "q35,accel=tcg,sata=off"
    words = [options.emulator.path, "-machine", machine, "-cpu", cpu(options), "-smp", "1",
             "-m", "%dM" % machine_mib(options), "-nodefaults", "-display", "none", "-vga", "std", "-no-reboot",
             *boot_words(options, image), *console_words(console_copy(options, folder)), "-serial", "chardev:console",
             "-chardev", "file,id=log,append=on,path=" + quoted(log), "-serial", "chardev:log",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if options.exact:
        words += ["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    return words + options.qemu_arg


def shutdown_reason(events):
    """Why QEMU ended, in its own word: host-qmp-quit, guest-reset and the like; None before 10 if a key ended it."""
    reasons = [event.get("data", {}).get("reason") for event in events if event["event"] == "SHUTDOWN"]
    return reasons[-1] if reasons else None


def outcome(status, reason):
    """QEMU's status, or what it stands for: a person's command and a reset are 0, too, since it is told not to reboot."""
    if status == 0 and reason == "guest-reset":
        return RESET
    if status == 0 and interactive() and reason in (None, "host-qmp-quit"):
        return KEYBOARD
    return status


def wait_for_end(emulator, timeout, standstill):
    """Its status; TIMEOUT if its time was up, STANDS if its clock stands still, where that is looked for."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if end is None else max(end - time.monotonic(), 0)
        try:
            return emulator.wait(left if standstill is None or (left is not None and left < LOOK_EVERY_S) else LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if end is not None and time.monotonic() >= end:
                return TIMEOUT
        if standstill is not None and standstill.is_one():
            return STANDS


def wait(emulator, timeout, standstill):
    """How it ended; if it has not by itself, it is ended."""
    try:
        return wait_for_end(emulator, timeout, standstill)
    finally:
        if emulator.poll() is None:
            emulator.terminate()
            try:
                emulator.wait(5)
            except subprocess.TimeoutExpired:
                emulator.kill()


def environment(options, folder):
    """QEMU's: where it counts instructions, with a time of day that stands (still_clock.c). A name there has no blank."""
    if not options.exact:
        return dict(os.environ)
    os.symlink(os.path.abspath(os.path.join(options.build, STILL_CLOCK)), os.path.join(folder, STILL_CLOCK))
    preload = ["/proc/self/fd/%d/%s" % (FOLDER, STILL_CLOCK), os.environ.get("LD_PRELOAD")]
    return dict(os.environ, LD_PRELOAD=" ".join(filter(None, preload)))


@contextlib.contextmanager
def opened(folder):
    """The folder by its descriptor, for who is started meanwhile."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.dup2(descriptor, FOLDER)
    os.close(descriptor)
    try:
        yield
    finally:
        os.close(FOLDER)


def start(words, options, folder):
    """How QEMU ended. What it says goes to a file: complaints() has it."""
    ours, theirs = socket.socketpair()
    words = words + ["-chardev", "socket,id=events,fd=%d" % theirs.fileno(), "-mon", "chardev=events,mode=control"]
    with ours, theirs, opened(folder), open(os.path.join(folder, SAID), "wb") as said:
        ours.sendall(b'{"execute":"qmp_capabilities"}\n')
        with subprocess.Popen(words, pass_fds=[theirs.fileno(), FOLDER], stderr=said,
                              env=environment(options, folder)) as emulator:
            standstill = Standstill(ours, emulator.pid)
            status = wait(emulator, options.timeout, standstill if options.exact else None)
        standstill.listen()
        return status if status in (TIMEOUT, STANDS) else outcome(status, shutdown_reason(standstill.events))


def run(options, image, log, folder):
    return start(command(options, image, log, folder), options, folder)


def instead_of_log(_folder):
    return os.devnull


def complaints(folder):
    """QEMU's own words."""
    with open(os.path.join(folder, SAID), encoding="utf-8", errors="replace") as said:
        lines = [re.sub(r"^\S*qemu-system-\w+: ", "", line) for line in said.read().splitlines()]
    return ["QEMU says: " + line for line in lines if line and "terminating on signal" not in line]
