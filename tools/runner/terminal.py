# SPDX-License-Identifier: MIT
"""The console of an emulator that has no handling of its own: a pseudo-terminal, passed to stdout as it comes; stdin the
other way. When stdin is a terminal it passes every key, and Ctrl-A x ends the emulator, as QEMU's does."""
import fcntl
import os
import select
import struct
import sys
import termios
import time
import tty

from runner.outcome import KEYBOARD, TIMEOUT

CTRL_A = 1
# A UART's FIFO has 16 bytes, and what comes while it is full is lost: keys go in as fast as a person types, or so, and no
# others while the emulator, on a busy computer, has not read the last.
KEYS_AT_A_TIME, KEYS_EVERY_S = 4, 0.02


class Console:
    """A pseudo-terminal: `path` is the emulator's end. A copy of what it shows goes to a file."""

    def __init__(self, copy):
        self.copy = open(copy, "wb")  # closed by __exit__

    def __enter__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        self.typed, self.escape, self.keys_at, self.saved, self.line_open = b"", False, 0.0, None, False
        self.stdin = None if sys.stdin is None or sys.stdin.closed else sys.stdin.fileno()
        if self.stdin is not None and os.isatty(self.stdin):
            self.saved = termios.tcgetattr(self.stdin)
            tty.setraw(self.stdin)
            mode = termios.tcgetattr(self.stdin)
            mode[1] |= termios.OPOST  # the messages of others keep their line ends
            termios.tcsetattr(self.stdin, termios.TCSANOW, mode)
        return self

    def __exit__(self, *_):
        if self.saved is not None:
            termios.tcsetattr(self.stdin, termios.TCSADRAIN, self.saved)
            if self.line_open:
                print(flush=True)
        os.close(self.slave)
        os.close(self.master)
        self.copy.close()

    def show(self):
        """What the emulator has printed, to stdout. False: nothing is left."""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.line_open = not data.endswith(b"\n")
        self.copy.write(data)
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return True

    def take_keys(self):
        """From stdin. True: Ctrl-A x."""
        data = os.read(self.stdin, 4096)
        if not data:
            self.stdin = None
        if self.saved is None:
            self.typed += data
            return False
        for key in data:
            if self.escape:
                self.escape = False
                if key in b"xX":
                    return True
                if key != CTRL_A:
                    continue
            elif key == CTRL_A:
                self.escape = True
                continue
            self.typed += bytes([key])
        return False

    def unread(self):
        return struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, bytes(4)))[0]

    def send_keys(self):
        if self.typed and time.monotonic() >= self.keys_at and self.unread() == 0:
            try:
                self.typed = self.typed[os.write(self.master, self.typed[:KEYS_AT_A_TIME]):]
            except BlockingIOError:
                pass
            self.keys_at = time.monotonic() + KEYS_EVERY_S

    def pump(self, emulator, timeout):
        """Until the emulator ends, or somebody says so, or the time is up: how it ended."""
        end = None if timeout is None else time.monotonic() + timeout
        ended = os.pidfd_open(emulator.pid)
        try:
            while emulator.poll() is None:
                wait = None if end is None else end - time.monotonic()
                if wait is not None and wait <= 0:
                    return TIMEOUT
                # A person is always heard, for Ctrl-A x; a pipe waits until what it has given is typed.
                heard = self.stdin is not None and (self.saved is not None or not self.typed)
                sources = [self.master, ended] + ([self.stdin] if heard else [])
                ready = select.select(sources, [], [], KEYS_EVERY_S if self.typed else wait)[0]
                if self.master in ready:
                    self.show()
                if self.stdin in ready and self.take_keys():
                    return KEYBOARD
                self.send_keys()
            return emulator.returncode
        finally:
            os.close(ended)
            while self.show():
                pass
