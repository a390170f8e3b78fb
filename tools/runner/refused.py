# SPDX-License-Identifier: MIT
"""Errors of the person who called, and the exit statuses of tools/run."""
import sys

STATUS_IMAGE, STATUS_USAGE, STATUS_MISSING, STATUS_DIED, STATUS_TIMEOUT = 2, 64, 69, 70, 124


class Refused(Exception):
    """A sentence for the person who called, and the exit status that goes with it."""

    def __init__(self, sentence, status=STATUS_USAGE):
        super().__init__(sentence)
        self.status = status


def complain(sentence):
    sys.stdout.flush()
    print("tools/run: " + sentence, file=sys.stderr)
