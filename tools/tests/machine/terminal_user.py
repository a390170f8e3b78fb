# SPDX-License-Identifier: MIT
"""A person at a terminal, played by a script: the tests of what is typed use it. Imported by tools/tests/machine/*.t."""
import os
import select
import subprocess
import time

import machines

ANSWER_S = 120  # on a busy computer


class Terminal:
    """A command on a pseudo-terminal of its own: what it printed, what is typed to it."""

    def __init__(self, command):
        self.master, slave = os.openpty()
        self.output, self.closed, self.seen = b"", False, 0
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        cwd=machines.ROOT)
        os.close(slave)

    def read(self, seconds):
        if self.closed or not select.select([self.master], [], [], seconds)[0]:
            return
        try:
            self.output += os.read(self.master, 4096)
        except OSError:  # nobody has the other end open
            self.closed = True

    def expect(self, text, seconds):
        """What was printed up to and with text, since the last call; None if it does not come."""
        end = time.monotonic() + seconds
        while text not in self.output[self.seen:]:
            if self.closed or time.monotonic() > end:
                return None
            self.read(0.2)
        start, self.seen = self.seen, self.output.index(text, self.seen) + len(text)
        return self.output[start:self.seen]

    def type(self, text):
        os.write(self.master, text)

    def answer(self, command, prompt):
        """The lines that a command prints, without its echo and the next prompt; None without a prompt."""
        self.type(command + b"\n")
        printed = self.expect(b"\n" + prompt, ANSWER_S)
        if printed is None:
            return None
        return [line for line in printed.decode("ascii", "replace").replace("\r", "").split("\n")[1:-1] if line]

    def echo_ms(self, key):
        start = time.monotonic()
        self.type(key)
        return (time.monotonic() - start) * 1e3 if self.expect(key, ANSWER_S) else float("inf")

    def end(self):
        """The status, after whatever is still printed; what does not end is ended."""
        end = time.monotonic() + ANSWER_S
        while not self.closed and time.monotonic() < end:
            self.read(0.2)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            return "none, it did not end"
        finally:
            os.close(self.master)
