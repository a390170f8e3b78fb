# SPDX-License-Identifier: MIT
"""Which program emulates the host: the one that --emulator or EMULATOR= names, by its file or its version, else the
one of PATH. What tools/fetch-emulator has unpacked under build/emulators counts as if it were in PATH, and comes after it: the
build folder of the run, and the one that BUILD= in the environment names, where the monitor that is run is another. A version
that is known to calculate wrongly is passed over, unless it is the one that was asked for."""
import glob
import os
import re
import shutil
import subprocess

from runner.refused import STATUS_MISSING, Refused

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
FOLDER = "emulators"  # in the build folder; each of its folders has programs in bin/
VERSION = re.compile(r"(QEMU) emulator version (\d[\w.]*)|(Bochs) x86 Emulator (\d[\w.]*)")
ASKED_WITHIN_S = 20


class Emulator:
    """A program that was asked: its file, QEMU or Bochs, and its version as a text and as numbers."""

    def __init__(self, path, name, version):
        self.path, self.name, self.version = path, name, version
        self.numbers = tuple(int(number) for number in re.findall(r"\d+", version))

    def __str__(self):
        return "%s %s (%s)" % (self.name, self.version, self.path)


def ask(path, name):
    """The emulator that a program says it is; None if it is not the one of that name. A wrapper answers as what it wraps."""
    option = "--help" if name == "Bochs" else "--version"
    try:
        said = subprocess.run([path, option], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=ASKED_WITHIN_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(said.decode("utf-8", "replace"))
    words = [word for word in match.groups() if word] if match else [None]
    return Emulator(path, *words) if words[0] == name else None


def programs(machine, build):
    """The files of that program: PATH's, then what was unpacked."""
    first = shutil.which(machine.PROGRAM)
    found = [first] if first else []
    for folder in (build, BUILD):
        unpacked = sorted(glob.glob(os.path.join(os.path.abspath(folder), FOLDER, "*", "bin", machine.PROGRAM)))
        found += [path for path in unpacked if path not in found]
    return found


def what_is_wrong(machine, found):
    """A sentence about this version, or None."""
    return next((why for numbers, why in machine.WRONG.items() if found.numbers[:len(numbers)] == numbers), None)


def find_version(machine, wanted, build):
    """7.2 is 7.2.22 too, and 7 is both."""
    numbers = tuple(int(number) for number in wanted.split("."))
    here = [found for found in (ask(path, machine.NAME) for path in programs(machine, build)) if found]
    fit = [found for found in here if found.numbers[:len(numbers)] == numbers]
    if not fit:
        raise Refused("%s %s is neither in PATH nor in %s; here is %s. tools/fetch-emulator --list names what it can fetch" %
                      (machine.NAME, wanted, os.path.join(build, FOLDER), " and ".join(map(str, here)) or "none"), STATUS_MISSING)
    return next((found for found in fit if not what_is_wrong(machine, found)), fit[0])


def find_file(machine, wanted):
    path = shutil.which(wanted)
    if path is None:
        raise Refused("--emulator %s is no version, and no program that can be run" % wanted, STATUS_MISSING)
    path = os.path.abspath(path)
    found = ask(path, machine.NAME)
    if found is None:
        raise Refused("--emulator %s does not say that it is %s, which this machine needs" % (wanted, machine.NAME))
    return found


def find(machine, wanted, build):
    """The emulator for a machine (a module as qemu.py, with NAME and PROGRAM); wanted: FILE, VERSION, or nothing."""
    if wanted and re.fullmatch(r"\d+(\.\d+)*", wanted):
        return find_version(machine, wanted, build)
    if wanted:
        return find_file(machine, wanted)
    wrong = None
    for path in programs(machine, build):
        found = ask(path, machine.NAME)
        if found and not what_is_wrong(machine, found):
            return found
        wrong = wrong or found
    if wrong:
        raise Refused("%s is passed over, because %s: tools/fetch-emulator %s fetches another, --emulator %s takes it all the same" %
                      (wrong, what_is_wrong(machine, wrong), machine.INSTEAD, wrong.path), STATUS_MISSING)
    raise Refused("%s is not installed: tools/install-packages %s installs it, make doctor says more" %
                  (machine.PROGRAM, machine.GROUP), STATUS_MISSING)
