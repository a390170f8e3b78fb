# SPDX-License-Identifier: MIT
"""Errors of the person who called, and the exit statuses of tools/run."""
import sys

STATUS_IMAGE, STATUS_PANIC, STATUS_REFUSED, STATUS_LACKS, STATUS_USAGE, STATUS_MISSING, STATUS_DIED = 2, 4, 8, 10, 64, 69, 70
STATUS_STANDS, STATUS_TIMEOUT, STATUS_KEYBOARD = 72, 124, 130


class Refused(Exception):
    """A sentence for the person who called, and the exit status that goes with it."""

    def __init__(self, sentence, status=STATUS_USAGE):
        super().__init__(sentence)
        self.status = status


def complain(sentence):
    sys.stdout.flush()
    print("tools/run: " + sentence, file=sys.stderr)
