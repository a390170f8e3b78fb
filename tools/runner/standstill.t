#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests, without an emulator, when tools/runner/standstill.py takes a clock for one that stands. Prints TAP."""
import os
import socket
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), path) for path in ("..", "../tests")]
sys.dont_write_bytecode = True
from runner import standstill
from tap_stream import Tap

LOOKS = 40


class Clock:
    """Of the wall and of the processor, in seconds: what the module asks the system for."""

    def __init__(self):
        self.wall, self.used = 0.0, 0.0

    def monotonic(self):
        return self.wall


def looks(count_each_s, used_each_s):
    """After how many looks a clock is said to stand that moves by count_each_s(second) instructions in a second in which
    QEMU works used_each_s; None if never."""
    clock, count = Clock(), 123456789
    standstill.time = clock
    standstill.processor_time = lambda pid: clock.used
    ours, theirs = socket.socketpair()
    with ours, theirs:
        looked_at = standstill.Standstill(ours, 0)
        for second in range(LOOKS):
            if looked_at.is_one():
                return second
            theirs.recv(4096)
            theirs.sendall(b'{"return": {"mode": "none", "icount": %d}}\n' % count)
            clock.wall += 1
            clock.used += used_each_s
            count += count_each_s(second)
    return None


def main():
    tap = Tap()
    share = standstill.SHARE
    for used in (1, 0.5):
        for shares in (0, 9, 10, 11):
            found = looks(lambda second, shares=shares: shares * share, used)
            wanted = int(standstill.STANDS_S / used) + 1
            tap.claim(found is not None and found <= wanted, "%d shares a second, %.1f s of work in it: after %s of %d looks" %
                      (shares, used, found, wanted))
    # A guest's memory that is cleared, on computers that are more and more busy: seen were 10 to 14 million a second of work.
    for shares, used in ((220, 1), (110, 0.5), (60, 0.8), (44, 0.2), (22, 0.1)):
        tap.claim(looks(lambda second, shares=shares: shares * share, used) is None,
                  "a clock that runs: %d shares a second, %.1f s of work in it" % (shares, used))
    tap.claim(looks(lambda second: 10 * share + (second == 2), 0.5) > looks(lambda second: 10 * share, 0.5),
              "an instruction that is no share begins the time anew")
    tap.claim(looks(lambda second: 0, 0.0) is None, "a QEMU that does nothing waits for its user")
    tap.plan()


if __name__ == "__main__":
    main()
