#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The CD of `make iso` on a PC with a screen and without a serial port: after Enter the screen's memory shows the
monitor's log, the guest's console and the end, and no word of GRUB's."""
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import machines
import tap_stream

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
SCREEN, COLUMNS, ROWS = 0xb8000, 80, 25
RUN_S = 600
PROMPT = b"(qemu) "


class Screen:
    """What stands on it, through QEMU's monitor."""

    def __init__(self, folder, address):
        self.file = os.path.join(folder, "screen")
        self.seen = ""
        self.link = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.link.connect(address)
                break
            except OSError:
                time.sleep(0.1)
        self.command("")

    def command(self, line):
        """Done when QEMU prompts again: what stands on the screen is looked at as often as can be, since it scrolls."""
        self.link.sendall(line.encode() + b"\n")
        said = b""
        while not said.endswith(PROMPT) and (more := self.link.recv(4096)):
            said += more

    def look(self):
        self.command('pmemsave %d %d "%s"' % (SCREEN, 2 * COLUMNS * ROWS, self.file))
        if os.path.exists(self.file):
            with open(self.file, "rb") as cells:
                text = cells.read()[::2].decode("cp437")
            self.seen += "".join(text[i:i + COLUMNS].rstrip() + "\n" for i in range(0, len(text), COLUMNS))

    def shows(self, words):
        end = time.monotonic() + RUN_S
        while words not in self.seen and time.monotonic() < end:
            self.look()
        return words in self.seen


def main():
    tap = tap_stream.Tap()
    if machines.MACHINE != "svm":
        print("1..0 # SKIP the CD is booted on SVM")
        return
    subprocess.run([os.path.join(ROOT, "tools", "iso"), "--demo", BUILD], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        address = os.path.join(folder, "monitor")
        with subprocess.Popen(
                ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max,+svm,-x2apic", "-m", "128M",
                 "-nodefaults", "-display", "none", "-vga", "std", "-serial", "none", "-no-reboot", "-cdrom",
                 os.path.join(BUILD, "escapement.iso"), "-monitor", "unix:%s,server,nowait" % address]) as emulator:
            screen = Screen(folder, address)
            tap.claim(screen.shows("demo: The "), "the menu")
            screen.seen = ""
            screen.command("sendkey ret")
            for words, what in (("vm: demo starts", "the monitor's log"), ("A guest on Escapement", "the guest's console"),
                                ("The end. The power switch", "the end, and the host waits")):
                tap.claim(screen.shows(words), "after Enter the screen shows " + what)
            tap.claim("error:" not in screen.seen, "and no error of GRUB's")
            tap.show(screen.seen.splitlines()[-ROWS:])
            emulator.kill()
    tap.plan()


if __name__ == "__main__":
    sys.exit(main())
