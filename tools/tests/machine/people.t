#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kernels that people reach for first, with a person at them: what they show on the text screen and the serial port is
read, keys are typed, and Ctrl-] q ends them. Debian's memtest86+ completes its first four tests, Debian's Xen ends by
its own panic for want of a dom0, xv6 (XV6=FILE, its kernelmemfs, built outside) gives a shell.
Arguments: machines, MACHINE's if there are none; `pass`: memtest86+ on SVM until a whole pass is over, and no more."""
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import machines
import tap_stream

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
FOLDER = os.path.join(BUILD, "people")
XV6 = os.environ.get("XV6", "")
FETCH_S = 600
RUN_S = 600
PASS_S = 3600
KEY = b"\x1d"  # Ctrl-]


class Guest:
    """A kernel that runs, and what it has shown so far."""

    def __init__(self, machine, kernel, vm, *more, timeout=RUN_S):
        self.log = tempfile.NamedTemporaryFile(suffix=".log")
        self.console = b""
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "tools", "run"), machine, "--build", BUILD, "--kernel", kernel, "--vm", vm, "--timeout",
             str(timeout), "--log", self.log.name, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            self.console += chunk

    def text(self):
        return self.console.decode("utf-8", "replace").replace("\r", "")

    def shows(self, pattern, start=0):
        """Waits until it shows that, from `start` on; None when it ends and has not."""
        while True:
            ended = not self.reader.is_alive()
            found = re.search(pattern, self.text()[start:])
            if found or ended:
                return found
            time.sleep(0.1)

    def type(self, keys):
        try:
            self.process.stdin.write(keys)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, and what it has not shown is missed

    def ended(self):
        """Its status, and the reason in the log."""
        status = self.process.wait()
        self.reader.join()
        with open(self.log.name, encoding="ascii", errors="replace") as lines:
            reason = re.search(r" ended: (.*)", lines.read())
        return status, reason.group(1) if reason else "no word"


class People(tap_stream.Tap):
    """The claims, each with the end of what was seen when it does not hold."""

    def held(self, guest, passed, text):
        self.claim(passed, text)
        if not passed:
            self.show(guest.text().splitlines()[-30:])

    def quit(self, guest, name):
        guest.type(KEY + b"q")
        status, reason = guest.ended()
        self.held(guest, (status, reason) == (0, "ended from the keyboard"), "%s: Ctrl-] q ends it: status %d, %s" %
                  (name, status, reason))


def memtest(tap, machine, until, what, timeout=RUN_S):
    name = "memtest86+ on " + machine
    # It waits for its clocks by polling them: with clock=guest it would wait for ever.
    guest = Guest(machine, os.path.join(FOLDER, "memtest"), "mem=16M clock=wall idle=real screen=follow",
                  "--monitor", "report=off", timeout=timeout)
    tap.held(guest, guest.shows(r"Memtest86\+ +v\d"), name + ": it draws its screen")
    tap.held(guest, guest.shows(until), name + ": " + what)
    errors = re.findall(r"Errors: +(\d+)", guest.text())
    tap.held(guest, errors and set(errors) == {"0"}, "%s: no errors, said %d times" % (name, len(errors)))
    tap.quit(guest, name)


def xen(tap, machine):
    name = "Xen on " + machine
    guest = Guest(machine, os.path.join(FOLDER, "xen"), "mem=256M", "--exact", "--cmdline",
                  "com1=115200,8n1 console=com1", "--monitor", "report=off")
    version = guest.shows(r"\(XEN\) Xen version (\S+)")
    tap.held(guest, version, "%s: its banner: %s" % (name, version.group(1) if version else "none"))
    tap.held(guest, guest.shows(r"\(XEN\) Panic on CPU 0:\n\(XEN\) .*dom0"), name + ": panics for want of a dom0")
    status, reason = guest.ended()
    tap.held(guest, (status, reason) == (0, "a reset by the guest"), "%s: resets the machine: status %d, %s" % (name, status, reason))


# xv6 leaves OUT2 of its serial port off, which on a PC keeps the port's interrupts from the CPU: it hears the keyboard.
def xv6(tap, machine):
    name = "xv6 on " + machine
    guest = Guest(machine, XV6, "mem=256M", "--exact", "--monitor", "report=off")
    tap.held(guest, guest.shows(r"init: starting sh\n\$ "), name + ": a shell")
    seen = len(guest.text())
    guest.type(KEY + b"s")
    tap.held(guest, guest.shows(r"40minit: starting sh ", seen), name + ": Ctrl-] s shows its screen")
    guest.type(b"echo By The Keyboard\r")
    tap.held(guest, guest.shows(r"40mBy The Keyboard ", seen), name + ": its shell hears the keyboard")
    tap.quit(guest, name)


def fetch():
    """None, or the sentence that says why the kernels are not there."""
    done = subprocess.run([os.path.join(ROOT, "tools", "tests", "machine", "fetch-people"), FOLDER], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          timeout=FETCH_S)
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["fetch-people failed with status %d" % done.returncode])[-1]


def people(tap, machine, absent):
    if absent:
        tap.skip("memtest86+ and Xen on " + machine, absent)
    else:
        memtest(tap, machine, r"Test #([4-9]|\d\d)", "tests 0 to 3 are over")  # a short test may pass between two looks
        xen(tap, machine)
    if os.path.isfile(XV6):
        xv6(tap, machine)
    else:
        tap.skip("xv6 on " + machine, "XV6=FILE names no kernel: kernelmemfs of mit-pdos/xv6-public, built outside")


def main():
    tap = People()
    absent = fetch()
    words = sys.argv[1:] or [machines.MACHINE]
    if words != ["pass"]:
        for machine in words:
            people(tap, machine, absent)
    elif absent:
        tap.skip("memtest86+, a whole pass", absent)
    else:
        memtest(tap, "svm", r"Pass: +1 ", "a whole pass is over", PASS_S)
    tap.plan()


if __name__ == "__main__":
    sys.exit(main())
