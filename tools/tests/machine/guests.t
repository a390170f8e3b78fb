#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every line of guest-tests/tests.cfg: one guest on the machine, its claims collected into one TAP stream. Two boots at
a time; the order of the output is the order of the file. A guest that made no plan, did not keep it, or ended with
another status than the file says has failed. GUESTS="name name" runs only those, MACHINE=vmx runs them there.
MACHINE=arm64 runs those of tests-arm64.cfg on each machine of arm64.machines; MODELS="name name" on only those.

Starting an emulator takes longer than most guests, so several share a boot: they run one after the other, and each has to print and to
end as if it were alone. Who had no turn, because a guest before it took the boot along, has one of its own. The option
says=WORDS_AND_WORDS asks for a line with these words among what is said of a guest's end."""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import machines
import tap_stream
from machines import BUILD, MACHINE, ROOT

EMULATOR = machines.emulator()
CONFIG, FOLDER = ("tests-arm64.cfg", "guests-arm64") if MACHINE == "arm64" else ("tests.cfg", "guests")
DEFAULT_WORDS = "mem=16M clock=guest idle=warp"
DEFAULT_TIMEOUT = 600  # only what hangs needs it, however busy the computer is
PARALLEL = 2
SHARE_A_BOOT = 8


def read_config(path):
    """name | elf | vm words | command line | expected status | options"""
    with open(path, encoding="ascii") as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 6 or not fields[4].isdigit():
                sys.exit("%s:%d: wants six fields between |, the fifth a number" % (path, number))
            yield fields


def read_options(text, model):
    """Words of the last column, {name: value}; one that begins with the name of a machine, or with bochs2, qemu10 and the like,
    is for that one, and wins."""
    options = {}
    names = ["", MACHINE, EMULATOR, model.name] + model.name.split("-")[-1:]
    for word in sorted(text.split(), key=lambda word: ":" in word):
        machine, _, rest = word.rpartition(":")
        if machine in names:
            name, _, value = rest.partition("=")
            options[name] = value
    return options


def boot_words(test):
    """What is said of the boot, and not of its guest alone; None for a guest that is skipped."""
    (*_, text), model = test
    options = read_options(text, model)
    if "skip" in options:
        return None
    words = [MACHINE, *model.words, "--build", BUILD, "--monitor", ("report=off " + options.get("monitor", "")).strip()]
    if "noexact" not in options:
        words.append("--exact")
    if "mhz" in options:
        words += ["--mhz", options["mhz"]]
    return tuple(words)


def guest_words(test):
    (_, image, words, cmdline, _, text), model = test
    return ["--cmdline", (cmdline + " " + read_options(text, model).get("args", "")).strip(),
            "--kernel", os.path.join(BUILD, FOLDER, image), "--vm", words or DEFAULT_WORDS]


def lines_of(stream):
    return stream.decode("ascii", "replace").replace("\r", "").splitlines()


def tools_run(boot, tests, *more):
    """(status, what is on standard output, what is said beside) of a boot with these guests."""
    timeout = sum(int(read_options(text, model).get("timeout", DEFAULT_TIMEOUT)) for (*_, text), model in tests)
    command = [os.path.join(ROOT, "tools", "run"), *boot, "--timeout", str(timeout), *more, *guest_words(tests[0])]
    for test in tests[1:]:
        command += ["--also", *guest_words(test)]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, lines_of(done.stdout), lines_of(done.stderr)


def read_lines(path):
    with open(path, "rb") as text:
        return lines_of(text.read())


def run_together(boot, tests, folder):
    """(status of the boot, what was said, [(status of a guest, its console, the log of its time)])"""
    log = os.path.join(folder, "log")
    status, _, said = tools_run(boot, tests, "--log", log, "--consoles", folder)
    results, of_a_guest = [], []
    for line in read_lines(log):
        end = re.match(r"ESCAPEMENT-VM \d+ status=(\d+) ", line)
        if end:
            results.append((int(end.group(1)), read_lines(os.path.join(folder, "guest%d" % len(results))), of_a_guest))
            of_a_guest = []
        else:
            of_a_guest.append(line)
    return status, said, results


def run_boot(boot, tests):
    """[(status, its console, what was said)], one for each guest."""
    if boot is None:
        return [None] * len(tests)
    if len(tests) == 1:
        return [tools_run(boot, tests)]
    with tempfile.TemporaryDirectory() as folder:
        status, said, results = run_together(boot, tests, folder)
        if len(results) < len(tests):  # the boot ended with this one
            results.append((status, read_lines(os.path.join(folder, "guest%d" % len(results))), said))
    return results + [tools_run(boot, [test]) for test in tests[len(results):]]


def share_boots(tests):
    """[(what is said of the boot, the places in `tests` of those who share it)]"""
    boots, filling = [], {}
    for place, test in enumerate(tests):
        boot = boot_words(test)
        if boot not in filling or len(filling[boot]) == SHARE_A_BOOT:
            filling[boot] = []
            boots.append((boot, filling[boot]))
        filling[boot].append(place)
    return boots


def is_exact(words, options):
    """Is this guest told that its clock is exact? Not by the host's clock, nor where it is told nothing."""
    return "noexact" not in options and not re.search(r"clock=wall|idle=real|hypervisor=none", words)


def show(tap, test, result):
    """One guest's console: its claims renumbered, its figures kept, everything else as a comment."""
    fields, model = test
    name, options = fields[0] + (" on " + model.name if model.name else ""), read_options(fields[5], model)
    if result is None:
        tap.skip(name, options["skip"].replace("_", " "))
        return
    expected = int(options.get("status", fields[4]))
    status, console, errors = result
    planned, made, figures = None, 0, 0
    for line in console:
        plan = re.match(r"1\.\.(\d+)\s*$", line)
        claim = re.match(r"(not )?ok \d+ ?(?:- )?(.*)$", line)
        if plan and planned is None:
            planned = int(plan.group(1))
        elif claim:
            made += 1
            figures += "# SKIP a figure here" in line
            tap.claim(not claim.group(1), "%s: %s" % (name, claim.group(2)))
        elif line and not line.startswith("TAP version"):
            print(line if line.startswith("#") else "# " + line)
    ended_itself = expected % 2 == 1  # by port 0xf4; one that is ended, or powers off, need not say all it planned
    if planned is not None and ended_itself:
        tap.claim(made == planned, "%s: made the %d claims it planned" % (name, planned))
    if figures and is_exact(fields[2], options):
        tap.claim(False, "%s: %d of its claims of exactness were not asked" % (name, figures))
    good = status == expected and (planned is not None or expected != 33)
    tap.claim(good, "%s: status %d, expected %d%s" % (name, status, expected,
                                                      "" if planned is not None or expected != 33 else ", no plan"))
    if "says" in options:
        words = options["says"].replace("_", " ")
        good = any(words in line for line in errors)
        tap.claim(good, "%s: it is said that %s" % (name, words))
    if not good:
        tap.show(errors[-25:])


def main():
    only = os.environ.get("GUESTS", "").split()
    tests = [(fields, model) for fields in read_config(os.path.join(ROOT, "guest-tests", CONFIG))
             for model in machines.models() if not only or fields[0] in only]
    tap = tap_stream.Tap()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        coming = {}
        for boot, places in share_boots(tests):
            future = pool.submit(run_boot, boot, [tests[place] for place in places])
            coming.update({place: (future, index) for index, place in enumerate(places)})
        for place, test in enumerate(tests):
            future, index = coming[place]
            show(tap, test, future.result()[index])
    tap.plan()


if __name__ == "__main__":
    main()
