# SPDX-License-Identifier: MIT
"""What the tests of the Linux guest share: the packages, a boot, a TAP stream. Imported by tools/tests/machine/linux*.t."""
import os
import re
import subprocess

import machines
import tap_stream

ROOT, BUILD, MACHINE = machines.ROOT, machines.BUILD, machines.MACHINE
ARM64 = MACHINE == "arm64"
FOLDER = os.path.join(BUILD, "linux-arm64" if ARM64 else "linux")
CONSOLE = "ttyAMA0" if ARM64 else "ttyS0"
PARALLEL = 2     # boots at a time
TIMEOUT_S = 900  # a boot takes 25 s of a processor; other tests and their emulators run beside it
FETCH_S = 900


def fetch(*options):
    """None, or the sentence that says why the guest is not there."""
    try:
        done = subprocess.run([os.path.join(ROOT, "tools", "fetch-linux"), *["--arm64"] * ARM64, *options, FOLDER],
                              check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=FETCH_S)
    except subprocess.TimeoutExpired:
        return "the packages did not come within %d s" % FETCH_S
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["fetch-linux failed with status %d" % done.returncode])[-1]


def command(kernel, cmdline, vm="", more=()):
    return [os.path.join(ROOT, "tools", "run"), MACHINE, "--build", BUILD, "--timeout", str(TIMEOUT_S), "--exact",
            "--kernel", os.path.join(FOLDER, kernel), "--initrd", os.path.join(FOLDER, "initramfs.gz"), "--vm", vm,
            "--cmdline", ("console=%s panic=-1 %s" % (CONSOLE, cmdline)).strip(), *more]


class Boot:
    """A guest that ran to its end: status, console as bytes, the lines of stderr."""

    def __init__(self, kernel, cmdline, vm="", more=()):
        done = subprocess.run(command(kernel, cmdline, vm, more), check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.status = done.returncode
        self.console = done.stdout
        self.errors = done.stderr.decode("ascii", "replace").splitlines()

    def lines(self):
        return self.console.decode("ascii", "replace").replace("\r", "").splitlines()


class LinuxTap(tap_stream.Tap):
    """... with the claims of Linux guests in it."""

    def guest(self, name, boot):
        """The claims that a guest made, and that it made as many as it planned and powered off."""
        planned, made = None, 0
        for line in boot.lines():
            plan = re.match(r"1\.\.(\d+)\s*$", line)
            claim = re.match(r"(not )?ok \d+ - (.*)$", line)
            if plan:
                planned = int(plan.group(1))
            elif claim:
                made += 1
                self.claim(not claim.group(1), "%s: %s" % (name, claim.group(2)))
            elif line.startswith("#"):
                print(line)
            elif "Run /init" in line:
                self.show([line])
        good = boot.status == 0 and planned is not None and planned == made
        self.claim(good, "%s: powered off with status 0 (%d), %d claims of %s planned" % (name, boot.status, made, planned))
        if not good:
            self.show(boot.lines()[-15:] + boot.errors[-15:])
