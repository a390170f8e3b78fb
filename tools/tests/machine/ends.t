#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How a VM ends where nobody failed: by a person's Ctrl-A x, at its limit=, by a reset of its own. Each is one line and a
status of its own, without the monitor's log; and what a person can type is said first."""
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import machines
import tap_stream
from terminal_user import ANSWER_S, Terminal

ARM64 = machines.MACHINE == "arm64"
LOAD = 0x100000
# jmp .; mov dx, 0xcf9; mov al, 6; out dx, al; hlt           b .; mov w0, 0x84000009 (PSCI SYSTEM_RESET); hvc 0; b .
LOOP = bytes.fromhex("00000014" if ARM64 else "ebfe")
RESET = bytes.fromhex("200180520080b072020000d400000014" if ARM64 else "66baf90cb006eef4")
LEGEND = re.compile(r"^Ctrl-\] then  l ledger .*\nCtrl-A then  x ", re.MULTILINE)


def image(code):
    """A kernel of that code: for arm64 it is one, for x86 multiboot1 by address fields."""
    if ARM64:
        return code
    magic, flags = 0x1BADB002, 0x10000
    end = LOAD + 32 + len(code)
    return struct.pack("<8I", magic, flags, -(magic + flags) & 0xFFFFFFFF, LOAD, LOAD, end, end, LOAD + 32) + code


def command(kernel, *words):
    return [os.path.join(machines.ROOT, "tools", "run"), machines.MACHINE, "--build", machines.BUILD, "--kernel", kernel,
            "--timeout", str(ANSWER_S), *words]


def run(kernel, *words):
    done = subprocess.run(command(kernel, *words), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr.splitlines()


def one_line(tap, name, result, status, piece):
    good = result[0] == status and len(result[1]) == 1 and piece in result[1][0]
    tap.claim(good, "%s: status %s (wanted %d) and one line: %s" % (name, result[0], status, (result[1] or ["nothing"])[0]))
    if not good:
        tap.show(result[1][-15:])


def at_a_terminal(tap, kernel):
    """The guest waits for keys and says so; then a person ends the emulator with it."""
    terminal = Terminal(command(kernel))
    started = terminal.expect(b"waiting", ANSWER_S) is not None
    terminal.type(b"\x01x")
    status = terminal.end()
    text = terminal.output.decode("ascii", "replace").replace("\r", "")
    tap.claim(bool(LEGEND.match(text)), "the first lines say what Ctrl-] and Ctrl-A are for")
    after = text[text.rfind("waiting") + len("waiting"):].splitlines()
    ours = [line for line in after if line.startswith("tools/run: ")]
    good = started and status == 130 and len(ours) == 1 and "ended from the keyboard" in ours[0] and len(after) <= 3
    tap.claim(good, "Ctrl-A x: status %s (wanted 130) and one line: %s" % (status, (ours or ["nothing"])[0]))
    if not good:
        tap.show(after[-15:])


def refused_entry(tap):
    """The record of a VM whose entry was refused shows the guest's registers, and the monitor's are nowhere."""
    kernel = os.path.join(machines.BUILD, "guests", "bad_entry.elf")
    done = subprocess.run(command(kernel, "--exact", "--cmdline", "both-widths"), check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = re.search(r"code from 0x(\w+), CR3 0x(\w+), CR0 0x(\w+)", done.stdout)
    rip = re.search(r"record: rip (\w+) .* bytes 0f 22 ", done.stderr)
    control = re.search(r"record: cr0 (\w+)  cr2 0+  cr3 0*(\w+)  cr4", done.stderr)
    good = bool(done.returncode == 2 and said and rip and control and "VM entry refused (VMEXIT_INVALID): CS is" in done.stderr and
                0 < int(rip.group(1), 16) - int(said.group(1), 16) < 64 and
                control.groups() == (said.group(3), said.group(2)))
    tap.claim(good, "a refused entry: status %d (wanted 2), and a record of the guest's RIP, CR0 and CR3" % done.returncode)
    if not good:
        tap.show([line for line in done.stderr.splitlines() if "record:" in line])


def main():
    tap = tap_stream.Tap()
    if machines.MACHINE == "svm":
        refused_entry(tap)
    folder = "guests-arm64/echo_keys.img" if ARM64 else "guests/echo_keys.elf"
    at_a_terminal(tap, os.path.join(machines.BUILD, folder))
    with tempfile.TemporaryDirectory() as folder:
        loop, reset = (os.path.join(folder, name) for name in ("loop", "reset"))
        for path, code in ((loop, LOOP), (reset, RESET)):
            with open(path, "wb") as out:
                out.write(image(code))
        one_line(tap, "limit=", run(loop, "--exact", "--vm", "mem=4M limit=300ms"), 6, "its limit of 300 ms")
        one_line(tap, "a reset", run(reset, "--exact", "--vm", "mem=4M"), 0, "a reset by the guest")
    said = subprocess.run(["sh", os.path.join(machines.ROOT, "tools", "doctor")], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, env=dict(os.environ, BUILD=os.path.abspath(machines.BUILD))).stdout
    started = re.search(r"^  tools/run %s +works +(\S+ [0-9.]+) .*; tested with .*$" % machines.MACHINE, said, re.MULTILINE)
    tap.claim(bool(started), "make doctor starts the machine: %s" % (started.group(1) if started else said[-200:]))
    tap.plan()


if __name__ == "__main__":
    main()
