#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every line of guest-tests/tests.cfg: one guest on the machine, its claims collected into one TAP stream. Two guests at
a time; the order of the output is the order of the file. A guest that made no plan, did not keep it, or ended with
another status than the file says has failed. GUESTS="name name" runs only those, MACHINE=vmx runs them there.
MACHINE=arm64 runs those of tests-arm64.cfg on each machine of arm64.machines; MODELS="name name" on only those."""
import concurrent.futures
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import machines
import tap_stream
from machines import BUILD, MACHINE, ROOT

EMULATOR = machines.emulator()
CONFIG, FOLDER = ("tests-arm64.cfg", "guests-arm64") if MACHINE == "arm64" else ("tests.cfg", "guests")
DEFAULT_WORDS = "mem=16M clock=guest idle=warp"
DEFAULT_TIMEOUT = 600  # only what hangs needs it, however busy the computer is
PARALLEL = 2


def read_config(path):
    """name | elf | vm words | command line | expected status | options"""
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 6 or not fields[4].isdigit():
                sys.exit("%s:%d: wants six fields between |, the fifth a number" % (path, number))
            yield fields


def read_options(text, model):
    """Words of the last column, {name: value}; one that begins with the name of a machine, or with bochs2, qemu10 and the like,
    is for that one, and wins."""
    options = {}
    names = ["", MACHINE, EMULATOR, model.name] + model.name.split("-")[-1:]
    for word in sorted(text.split(), key=lambda word: ":" in word):
        machine, _, rest = word.rpartition(":")
        if machine in names:
            name, _, value = rest.partition("=")
            options[name] = value
    return options


def run_guest(test):
    (_, image, words, cmdline, _, text), model = test
    options = read_options(text, model)
    if "skip" in options:
        return None
    command = [os.path.join(ROOT, "tools", "run"), MACHINE, *model.words, "--build", BUILD, "--cmdline",
               (cmdline + " " + options.get("args", "")).strip(),
               "--kernel", os.path.join(BUILD, FOLDER, image), "--vm", words or DEFAULT_WORDS,
               "--timeout", options.get("timeout", str(DEFAULT_TIMEOUT)), "--monitor",
               ("report=off " + options.get("monitor", "")).strip()]
    if "noexact" not in options:
        command.append("--exact")
    if "mhz" in options:
        command += ["--mhz", options["mhz"]]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    text = [stream.decode("ascii", "replace").replace("\r", "").splitlines() for stream in (done.stdout, done.stderr)]
    return done.returncode, text[0], text[1]


def show(tap, test, result):
    """One guest's console: its claims renumbered, its figures kept, everything else as a comment."""
    fields, model = test
    name, options = fields[0] + (" on " + model.name if model.name else ""), read_options(fields[5], model)
    if result is None:
        tap.skip(name, options["skip"].replace("_", " "))
        return
    expected = int(options.get("status", fields[4]))
    status, console, errors = result
    planned, made = None, 0
    for line in console:
        plan = re.match(r"1\.\.(\d+)\s*$", line)
        claim = re.match(r"(not )?ok \d+ ?(?:- )?(.*)$", line)
        if plan and planned is None:
            planned = int(plan.group(1))
        elif claim:
            made += 1
            tap.claim(not claim.group(1), "%s: %s" % (name, claim.group(2)))
        elif line and not line.startswith("TAP version"):
            print(line if line.startswith("#") else "# " + line)
    ended_itself = expected % 2 == 1  # by port 0xf4; one that is ended, or powers off, need not say all it planned
    if planned is not None and ended_itself:
        tap.claim(made == planned, "%s: made the %d claims it planned" % (name, planned))
    good = status == expected and (planned is not None or expected != 33)
    tap.claim(good, "%s: status %d, expected %d%s" % (name, status, expected,
                                                      "" if planned is not None or expected != 33 else ", no plan"))
    if not good:
        tap.show(errors[-25:])


def main():
    only = os.environ.get("GUESTS", "").split()
    tests = [(fields, model) for fields in read_config(os.path.join(ROOT, "guest-tests", CONFIG))
             for model in machines.models() if not only or fields[0] in only]
    tap = tap_stream.Tap()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for test, result in zip(tests, pool.map(run_guest, tests)):
            show(tap, test, result)
    tap.plan()


if __name__ == "__main__":
    main()
