#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Law 9 on Linux: the console of Debian's kernel, with every line of its log and each time stamp in it, is the same byte
for byte when the run is repeated (M28) and under five seeds of host noise. Each seed must have disturbed the host: its
trace has more records than any without noise, and no two traces are the same.

On arm64 Linux is repeated only. An exception between a load-exclusive and its store-exclusive makes the store fail on
every CPU, and the return from EL2 is what clears the monitor (Arm ARM B2.9): before Linux has found the CPU's atomic
instructions its locks are such loops, and one in a thousand host interrupts costs it one turn of one, three
instructions that it can count. The kernels of determinism.t have no such loop, and there the noise is."""
import concurrent.futures
import hashlib
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
import linux_guest

RUNS = ["none", "again"] + ([] if linux_guest.ARM64 else ["noise=1", "noise=2", "noise=3", "noise=4", "noise=5"])


def run(folder, name):
    log = os.path.join(folder, name + ".log")
    more = ["--log", log] + (["--monitor", name] if name.startswith("noise") else [])
    boot = linux_guest.Boot("vmlinuz", "sleep_s=2", "", more)
    with open(log, encoding="ascii", errors="replace") as lines:
        found = re.search(r"^trace: (\d+) records, hash=([0-9a-f]+)", lines.read(), re.MULTILINE)
    return (boot, int(found.group(1)), found.group(2)) if found else (boot, 0, None)


def first_difference(one, other):
    for mine, theirs in zip(one.lines(), other.lines()):
        if mine != theirs:
            return [mine, theirs]
    return ["%d bytes and %d bytes" % (len(one.console), len(other.console))]


def judge(tap, results):
    base = results["none"][0]
    tap.guest("none", base)
    stamps = [line for line in base.lines() if re.match(r"\[ *\d+\.\d{6}\] ", line)]
    tap.claim(len(stamps) > 100, "the console has the kernel's log (%d lines with time stamps)" % len(stamps))
    for name, (boot, records, trace) in results.items():
        digest = hashlib.sha256(boot.console).hexdigest()[:16]
        tap.show(["%s: console sha256 %s, host trace of %d records, hash %s" % (name, digest, records, trace)])
        if name == "none":
            continue
        same = boot.status == 0 and len(boot.console) > 0 and boot.console == base.console
        tap.claim(same, "%s: the same console, byte for byte, time stamps included" % name)
        if not same:
            tap.show(first_difference(base, boot) + boot.errors[-5:])
    if linux_guest.ARM64:
        return
    quiet = [results[name][1] for name in ("none", "again")]
    noisy = [results[name] for name in RUNS if name.startswith("noise")]
    tap.claim(min(quiet) > 0 and min(records for _, records, _ in noisy) > max(quiet),
              "each seed leaves more records in the host's trace than silence")
    traces = {trace for _, _, trace in noisy}
    tap.claim(len(traces) == len(noisy) and None not in traces, "different host traces under all %d seeds" % len(noisy))


def main():
    tap = linux_guest.LinuxTap()
    absent = linux_guest.fetch()
    if absent:
        for name in RUNS:
            tap.skip(name, absent)
    else:
        with tempfile.TemporaryDirectory() as folder:
            with concurrent.futures.ThreadPoolExecutor(linux_guest.PARALLEL) as pool:
                done = pool.map(lambda name: run(folder, name), RUNS)
                judge(tap, dict(zip(RUNS, done)))
    tap.plan()


if __name__ == "__main__":
    sys.exit(main())
