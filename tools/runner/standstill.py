# SPDX-License-Identifier: MIT
"""Sees that the clock of a QEMU that counts instructions stands still, though QEMU works: its guest does nothing but fault,
no instruction retires, and no deadline of the machine comes in a reasonable time, the monitor's among them.

It does not stand quite still. QEMU's CPU takes its instructions by 65535; a fault gives the share back that it had begun,
and ten times a second the CPU is disturbed and counts one share as done. So what is looked for is a clock that moves by
whole shares alone, no more of them than that, and slowly for the work that QEMU does: a guest with a clock that is cleared
or copied moves by whole shares, too, and on a busy computer by few of them a second."""
import contextlib
import os
import re
import time

LOOK_EVERY_S = 1.0
STANDS_S = 4.0      # of QEMU's own processor time, so that a busy computer does not make a clock stand
ANSWERS = 3         # of QEMU, on the way
SHARE = 65535       # instructions
SHARES_A_SECOND = 12
SLOW = 2000000      # instructions in a second of its processor time; memory that QEMU 11 clears, the slowest seen, has 3 million

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def processor_time(pid):
    """Seconds that a process has used."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


class Standstill:
    """Asks over QMP how many instructions have been executed; `said` is all that QEMU has said there."""

    def __init__(self, events, pid):
        self.events, self.pid, self.said = events, pid, b""
        self.count, self.first, self.answers, self.used_then, self.then = 0, 0, 0, 0.0, time.monotonic()

    def listen(self):
        self.events.setblocking(False)
        start = len(self.said)
        with contextlib.suppress(OSError):
            while data := self.events.recv(65536):
                self.said += data
        return [int(count) for count in re.findall(rb'"icount": ([0-9]+)', self.said[start:])]

    def is_one(self):
        """To be called every LOOK_EVERY_S. True: the clock stands."""
        used, now = processor_time(self.pid), time.monotonic()
        most = min(SLOW * (used - self.used_then), SHARE * SHARES_A_SECOND * (now - self.then))
        for count in self.listen():
            if (count - self.count) % SHARE != 0 or count - self.first > most:
                self.first, self.answers, self.used_then, self.then = count, 0, used, now
            self.count = count
            self.answers += 1
        with contextlib.suppress(OSError):
            self.events.sendall(b'{"execute":"query-replay"}\n')
        return self.answers >= ANSWERS and used - self.used_then >= STANDS_S
