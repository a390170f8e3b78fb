# SPDX-License-Identifier: MIT
"""A TAP stream for the tests written in Python. Imported by tools/tests/machine/*.t."""


class Tap:
    """One numbered stream; its plan comes last, because guests say how many claims they make."""

    def __init__(self):
        self.count = 0

    def claim(self, passed, text):
        self.count += 1
        print("%sok %d - %s" % ("" if passed else "not ", self.count, text), flush=True)

    def skip(self, text, why):
        self.count += 1
        print("ok %d - %s # SKIP %s" % (self.count, text, why), flush=True)

    def show(self, lines):
        for line in lines:
            print("# " + line, flush=True)

    def plan(self):
        print("1..%d" % self.count)
