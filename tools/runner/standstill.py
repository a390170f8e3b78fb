# SPDX-License-Identifier: MIT
"""Sees that the clock of a QEMU that counts instructions stands still, though QEMU works: its guest does nothing but fault,
and no deadline of the host comes in a reasonable time, the monitor's among them.

It need not stand quite still: a fault that an instruction asks for (UD2) counts as one instruction, which is a few million a
second, and the monitor's next slice may come in all that. So three things are looked for, over some seconds of QEMU's own
work. The registers of the CPU are the same each time, which they are not where memory is cleared or copied, or turns are
counted; what QEMU keeps of the last result, to make the flags of, is one of them. The clock is slow for the work that QEMU
does. And it moves by whole shares, or not at all: QEMU's CPU takes its instructions by 65535, and breaks a share only where
something looks at the clock, as an exit does, or the CPU gives way, as PAUSE does."""
import collections
import contextlib
import json
import os
import re

LOOK_EVERY_S = 1.0
STANDS_S = 4.0      # of QEMU's own processor time, so that a busy computer does not make a clock stand
WORKS_S = 0.05      # of it in a second, at least: less is a QEMU that was stopped, and answers
MOVES = 3           # between two looks, at least
WHOLE = 2           # of them that are whole shares or none, at least: a single one comes by chance
SHARE = 65535       # instructions
SLOW = 10000000     # instructions in a second of QEMU's work: faults are 3 million, code without faults some hundred

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
ASK = (b'{"execute":"query-replay"}\n'
       b'{"execute":"human-monitor-command","arguments":{"command-line":"info registers"}}\n')
# x86's and arm64's but the stack pointer, which a fault moves; an address that was faulted on is no register.
REGISTER = re.compile(r"\b(?:[ER][A-D]X|[ER][SD]I|[ER]BP|R\d\d?|CC[SD]|X\d\d) *= *([0-9a-fA-F]+)")

Look = collections.namedtuple("Look", "count registers used_s")


def processor_time(pid):
    """Seconds that a process has used."""
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


class Standstill:
    """Asks over QMP how many instructions have been executed, and for the registers; `events` are QEMU's own words there."""

    def __init__(self, qmp, pid):
        self.qmp, self.pid, self.events = qmp, pid, []
        self.rest, self.count, self.asked, self.used_s, self.looks = b"", None, False, 0.0, collections.deque()

    def listen(self):
        """Takes what QEMU has said, line by line."""
        self.qmp.setblocking(False)
        with contextlib.suppress(OSError):
            while data := self.qmp.recv(65536):
                self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                self.take(json.loads(line))

    def take(self, said):
        """Events are kept, a count and the registers that come after it make a look."""
        if not isinstance(said, dict):
            return
        answer = said.get("return")
        if "event" in said:
            self.events.append(said)
        elif isinstance(answer, dict):
            self.count = answer.get("icount")
        elif isinstance(answer, str):
            if self.count is not None:
                self.looks.append(Look(self.count, REGISTER.findall(answer), self.used_s))
            self.count, self.asked = None, False

    def ask(self):
        """One question at a time: a QEMU that is busy otherwise answers late."""
        used_s = processor_time(self.pid)
        if used_s - self.used_s < WORKS_S:
            self.looks.clear()
        if not self.asked:
            self.asked = True
            with contextlib.suppress(OSError):
                self.qmp.sendall(ASK)
        self.used_s = used_s

    def is_one(self):
        """To be called every LOOK_EVERY_S. True: the clock stands."""
        self.listen()
        self.ask()
        looks = self.looks
        while len(looks) > MOVES + 1 and looks[-1].used_s - looks[1].used_s >= STANDS_S:
            looks.popleft()
        if len(looks) <= MOVES or looks[-1].used_s - looks[0].used_s < STANDS_S:
            return False
        moved = [after.count - before.count for before, after in zip(looks, list(looks)[1:])]
        whole = sum(1 for count in moved if count % SHARE == 0)
        return (looks[0].registers != [] and all(look.registers == looks[0].registers for look in looks) and whole >= WHOLE and
                sum(moved) < SLOW * (looks[-1].used_s - looks[0].used_s))
