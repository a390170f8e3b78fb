#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests tools/runner/still_clock.c, as it is preloaded: the time of day stands, other clocks go, and a QEMU that is started
with --exact has it. Prints TAP."""
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), path) for path in ("../..", "../machine")]
sys.dont_write_bytecode = True
from runner import qemu
from tap_stream import Tap

BUILD = os.environ.get("BUILD", "build")


def print_clocks():
    """What a program sees that asks twice."""
    libc, now = ctypes.CDLL(None), (ctypes.c_long * 2)()
    for _ in range(2):
        libc.gettimeofday(now, None)
        print(now[0], now[1], time.monotonic_ns())
        time.sleep(0.002)


def clocks(exact):
    """[(seconds, microseconds, nanoseconds of the other clock)]"""
    with tempfile.TemporaryDirectory() as folder, qemu.opened(folder):
        done = subprocess.run([sys.executable, __file__, "clocks"], check=True, stdout=subprocess.PIPE, pass_fds=[qemu.FOLDER],
                              env=qemu.environment(SimpleNamespace(exact=exact, build=BUILD), folder))
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def preloaded(exact):
    """Does a program that is started as QEMU is have it in its memory?"""
    with tempfile.TemporaryDirectory(prefix="a blank, a colon: ") as folder:
        words = ["sh", "-c", 'grep -c still-clock /proc/self/maps >"$0"', os.path.join(folder, "count")]
        qemu.start(words, SimpleNamespace(exact=exact, build=BUILD, timeout=60), folder)
        with open(os.path.join(folder, "count"), encoding="ascii") as count:
            return int(count.read()) > 0


def main():
    if sys.argv[1:] == ["clocks"]:
        print_clocks()
        return
    tap = Tap()
    first, second = clocks(True)
    tap.claim(first[:2] == second[:2] == (1767225600, 0), "with --exact the time of day is 2026-01-01, and stands")
    tap.claim(second[2] - first[2] >= 2000000, "the clock that QEMU waits by goes")
    first, second = clocks(False)
    tap.claim(second[:2] > first[:2] != (1767225600, 0), "without, it is the computer's")
    tap.claim(preloaded(True), "QEMU is started with it, whatever the folder's name")
    tap.claim(not preloaded(False), "without --exact it is not")
    tap.plan()


if __name__ == "__main__":
    main()
