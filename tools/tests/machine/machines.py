# SPDX-License-Identifier: MIT
"""The machines that a test runs on: of arm64 there are several, each other machine is one. Imported by tools/tests/machine/*.t."""
import collections
import os
import sys

MACHINE = os.environ.get("MACHINE", "svm")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arm64.machines")

sys.path.insert(0, os.path.join(ROOT, "tools"))
from runner import emulator as emulators
from runner.machines import MACHINES

Model = collections.namedtuple("Model", "name words")


def models():
    """All, or those that MODELS names."""
    if MACHINE != "arm64":
        return [Model("", [])]
    with open(FILE, encoding="ascii") as lines:
        found = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    only = os.environ.get("MODELS", "").split()
    return [Model(words[0], words[1:]) for words in found if not only or words[0] in only]


def emulator():
    """The program that the tests run in, with the first number of its version: bochs2, qemu10."""
    found = emulators.find(MACHINES[MACHINE], os.environ.get("EMULATOR"), BUILD)
    return "%s%d" % (found.name.lower(), found.numbers[0])
