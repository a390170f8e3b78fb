#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's own kernel on the machine, unmodified and without one word that helps it: what its init (guest-tests/linux)
finds, with each clock that Linux can take, and twice the same, byte for byte. Two guests at a time. LINUX="name name"
runs only those."""
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
FOLDER = os.path.join(BUILD, "linux")
PARALLEL = 2
TIMEOUT_S = 400

# name, words of the VM line, words of the kernel's command line
RUNS = [
    ("plain", "", ""),
    ("again", "", ""),
    ("no-kvmclock", "", "no-kvmclock sleep_s=60"),
    ("hypervisor=none", "hypervisor=none", "sleep_s=60"),
    ("clocksource=hpet", "", "clocksource=hpet sleep_s=60"),
    ("clocksource=acpi_pm", "", "clocksource=acpi_pm sleep_s=60"),
    ("nolapic_timer", "", "nolapic_timer"),
]
SAME = ("plain", "again")


def run(words):
    _, vm, cmdline = words
    command = [os.path.join(ROOT, "tools", "run"), "svm", "--exact", "--build", BUILD, "--timeout", str(TIMEOUT_S),
               "--kernel", os.path.join(FOLDER, "vmlinuz"), "--initrd", os.path.join(FOLDER, "initramfs.gz"),
               "--vm", vm, "--cmdline", ("console=ttyS0 panic=-1 " + cmdline).strip()]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr.decode("ascii", "replace").splitlines()


class Tap:
    """One numbered stream; its plan comes last, because the guests say how many claims they make."""

    def __init__(self):
        self.count = 0

    def claim(self, passed, text):
        self.count += 1
        print("%sok %d - %s" % ("" if passed else "not ", self.count, text), flush=True)


def show(tap, name, result):
    status, console, errors = result
    lines = console.decode("ascii", "replace").replace("\r", "").splitlines()
    planned, made = None, 0
    for line in lines:
        plan = re.match(r"1\.\.(\d+)\s*$", line)
        claim = re.match(r"(not )?ok \d+ - (.*)$", line)
        if plan:
            planned = int(plan.group(1))
        elif claim:
            made += 1
            tap.claim(not claim.group(1), "%s: %s" % (name, claim.group(2)))
        elif line.startswith("#"):
            print(line)
        elif "Run /init" in line:
            print("# " + line)
    good = status == 0 and planned is not None and planned == made
    tap.claim(good, "%s: powered off with status 0 (%d), %d claims of %s planned" % (name, status, made, planned))
    if not good:
        for line in lines[-15:] + errors[-15:]:
            print("# " + line)


def main():
    fetched = subprocess.run([os.path.join(ROOT, "tools", "fetch-linux"), FOLDER], check=False,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if fetched.returncode != 0:
        print("1..0 # SKIP " + (fetched.stderr.strip().splitlines() or ["no Linux guest"])[-1])
        return
    only = os.environ.get("LINUX", "").split()
    runs = [words for words in RUNS if not only or words[0] in only]
    tap, consoles = Tap(), {}
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for words, result in zip(runs, pool.map(run, runs)):
            consoles[words[0]] = result[1]
            show(tap, words[0], result)
    if all(name in consoles for name in SAME):
        tap.claim(consoles[SAME[0]] == consoles[SAME[1]], "two runs, the same console byte for byte, time stamps included")
    print("1..%d" % tap.count)


if __name__ == "__main__":
    sys.exit(main())
