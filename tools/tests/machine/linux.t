#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's own kernel on the machine, unmodified and without one word that helps it: what its init (guest-tests/linux)
finds, with each clock that Linux can take, and what the clocksource watchdog says in a minute of each (M30). On arm64,
which has one clock and no watchdog: on each machine.
LINUX="name;name" runs only those."""
import concurrent.futures
import os
import sys

sys.dont_write_bytecode = True
import linux_guest
import machines

# With hypervisor=none the CPU announces an invariant TSC, which Linux trusts without its watchdog; clearcpuid makes it
# distrust and watch it all the same.
# name, words of the VM line, words of the kernel's command line
RUNS = [
    ("plain", "", ""),
    ("no-kvmclock", "", "no-kvmclock"),
    ("hypervisor=none", "hypervisor=none", ""),
    ("hypervisor=none, watched", "hypervisor=none", "clearcpuid=tsc_adjust"),
    ("clocksource=hpet", "", "clocksource=hpet"),
    ("clocksource=acpi_pm", "", "clocksource=acpi_pm"),
    ("nolapic_timer", "", "nolapic_timer"),
]


def run(words):
    if linux_guest.ARM64:
        return linux_guest.Boot("vmlinuz", "quiet", "", words.words)
    _, vm, cmdline = words
    return linux_guest.Boot("vmlinuz", ("quiet watch_s=60 " + cmdline).strip(), vm)


def main():
    tap = linux_guest.LinuxTap()
    absent = linux_guest.fetch()
    only = os.environ.get("LINUX", "").split(";")
    runs = [words for words in (machines.models() if linux_guest.ARM64 else RUNS) if only == [""] or words[0] in only]
    if absent:
        for words in runs:
            tap.skip(words[0], absent)
    else:
        with concurrent.futures.ThreadPoolExecutor(linux_guest.PARALLEL) as pool:
            for words, boot in zip(runs, pool.map(run, runs)):
                tap.guest(words[0], boot)
    tap.plan()


if __name__ == "__main__":
    sys.exit(main())
