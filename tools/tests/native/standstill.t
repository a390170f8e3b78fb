#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests, without an emulator, when tools/runner/standstill.py takes a clock for one that stands. Prints TAP."""
import json
import os
import socket
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), path) for path in ("../..", "../machine")]
sys.dont_write_bytecode = True
from runner import standstill
from tap_stream import Tap

LOOKS = 40
SHARE = standstill.SHARE


def registers(number):
    """As QEMU writes them; the stack pointer moves by itself."""
    return ("\r\nCPU#0\r\nRAX=%016x RBX=0 RCX=%016x RDX=0\r\nRSI=0 RDI=0 RBP=0 RSP=%016x\r\nR8 =0 R9 =0\r\nRIP=0\r\n"
            "CR2=%016x\r\nCCS=0 CCD=0 CCO=SUBQ" % (7, number, next(MOVING), next(MOVING)))


def arm64_registers(number):
    return "\r\nCPU#0\r\n PC=%016x X00=%016x X01=0\r\nX02=0 SP=%016x" % (next(MOVING), number, next(MOVING))


def flags(number):
    """A loop that counts in memory: its registers are the same."""
    return registers(5).replace("CCD=0", "CCD=%016x" % number)


MOVING = iter(range(1 << 30))


def looks(instructions, work_s, number=lambda second: 5, written=registers, looked=LOOKS, counted=True):
    """After how many looks a clock is said to stand that moves by instructions(second) in a second in which QEMU works
    work_s, and with a register that holds number(second); None if never."""
    count, used = 123456789, [0.0]
    standstill.processor_time = lambda pid: used[0]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        looked_at = standstill.Standstill(ours, 0)
        for second in range(looked):
            if looked_at.is_one():
                return second
            theirs.recv(4096)
            if not counted:
                theirs.sendall(b'{"error": {"class": "CommandNotFound"}}\r\n{"return": "RAX=0"}\r\n')
                used[0] += work_s
                continue
            theirs.sendall(b'no answer\r\n\r\n[]\r\n{"event": "RTC_CHANGE"}\r\n{"return": {}}\r\n')
            for answer in ({"return": {"mode": "none", "icount": count}}, {"return": written(number(second))}):
                theirs.sendall(json.dumps(answer).encode() + b"\r\n")
            used[0] += work_s
            count += instructions(second)
    return None


def main():
    tap = Tap()
    for work_s in (1, 0.5, 0.2):
        for faults in (0, 10 * SHARE, 38 * SHARE, 130 * SHARE):
            found = looks(lambda second, moved=faults, share=work_s: int(moved * share) // SHARE * SHARE, work_s)
            wanted = round(standstill.STANDS_S / work_s) + 1
            tap.claim(found == wanted, "faults that count %d instructions, %.1f s of work in a second: after %s of %d looks" %
                      (faults, work_s, found, wanted))
    tap.claim(looks(lambda second: 38 * SHARE + (second % 3 == 0), 1) == 5, "the monitor's slice comes in all that")
    tap.claim(looks(lambda second: 4000 * SHARE if second < 10 else 0, 1) == 15, "a guest that begins to fault after 10 s")
    # Memory that is cleared, on computers that are more and more busy: seen were 3 to 14 million a second of work.
    for shares, work_s in ((220, 1), (45, 1), (60, 0.8), (22, 0.1)):
        tap.claim(looks(lambda second, shares=shares: shares * SHARE, work_s, lambda second: second) is None,
                  "memory that is cleared, %d shares a second, %.1f s of work in it" % (shares, work_s))
    for work_s in (1, 0.1):
        tap.claim(looks(lambda second, share=work_s: int(4000 * share) * SHARE, work_s) is None,
                  "a loop of one instruction, %.1f s of work in a second" % work_s)
    tap.claim(looks(lambda second: 0, 1, written=arm64_registers) == 5, "faults on arm64")
    tap.claim(looks(lambda second: 45 * SHARE, 1, lambda second: second, arm64_registers) is None, "memory that is cleared there")
    tap.claim(looks(lambda second: 38 * SHARE, 1, lambda second: second, flags) is None, "a slow loop that counts in memory")
    tap.claim(looks(lambda second: 0, 1, written=lambda number: "no registers") is None, "an answer without registers says nothing")
    tap.claim(looks(lambda second: 0, 1, counted=False) is None, "a QEMU that cannot say its count is let be")
    tap.claim(looks(lambda second: 38 * SHARE + 77, 1) is None, "a loop of PAUSE")
    for work_s in (0.0, 0.01):
        tap.claim(looks(lambda second: 0, work_s, looked=1000) is None, "a QEMU that does nothing waits for its user, %.2f s" % work_s)
    tap.plan()


if __name__ == "__main__":
    main()
