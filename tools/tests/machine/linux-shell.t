#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person at the Linux guest's shell, played by a script on a pseudo-terminal: `make run GUEST=linux` with Debian's
cloud kernel in real time, and its generic kernel, to the shell of their initramfs. Typed keys are echoed soon, commands
answer, `poweroff -f` ends with status 0. On arm64 the first alone. How soon, and Ctrl-C, are asked of the first alone: in the
second, halted time is skipped.

Keys are typed from the prompt on. Earlier ones are lost, as on a PC: Linux' 8250 driver empties the receiver when it
finds the port and again when the console is opened for the first process."""
import os
import re
import statistics
import sys

sys.dont_write_bytecode = True
import linux_guest
from terminal_user import ANSWER_S, Terminal

PROMPT = b"/ # "
ECHO_MS_MAX = 100  # what still feels immediate


# The shell takes Ctrl-C for a key of its own until it has left its line editor, and a Ctrl-C
# that comes before it has started the command is the shell's alone: so a second one, as a person would.
def end_by_key(tap, name, terminal):
    terminal.type(b"echo st''arted; sleep 100000\n")
    started = terminal.expect(b"started", ANSWER_S) is not None
    ended = False
    for _ in range(2):
        if not ended:
            terminal.type(b"\x03")
            ended = terminal.expect(PROMPT, ANSWER_S / 10) is not None
    tap.claim(started and ended, "%s: Ctrl-C ends a command" % name)


def session(tap, name, command, release, real_time):
    terminal = Terminal(command)
    there = terminal.expect(PROMPT, linux_guest.TIMEOUT_S) is not None
    tap.claim(there, "%s: a shell" % name)
    if there:
        echoes = [terminal.echo_ms(key) for key in (b"%c" % byte for byte in b"echo six times seven")]
        # What a busy computer adds to most keys, it does not add to each: a quarter of them tells how soon.
        quarter = sorted(echoes)[len(echoes) // 4]
        figures = "a quarter within %.1f, median %.1f, longest %.1f" % (quarter, statistics.median(echoes), max(echoes))
        if real_time:
            tap.claim(quarter <= ECHO_MS_MAX, "%s: a key is echoed within %d ms (%s)" %
                      (name, ECHO_MS_MAX, figures))
        else:
            tap.show(["%s: a key is echoed after ms: %s" % (name, figures)])
        tap.claim(terminal.answer(b" is $((6 * 7))", PROMPT) == ["six times seven is 42"], "%s: a typed command answers" % name)
        tap.claim(terminal.answer(b"uname -r", PROMPT) == [release], "%s: the kernel is %s" % (name, release))
        lines = terminal.answer(b"seq 200", PROMPT)
        tap.claim(lines == [str(number) for number in range(1, 201)], "%s: 200 lines come whole" % name)
        if real_time:
            end_by_key(tap, name, terminal)
        terminal.type(b"poweroff -f\n")
    status = terminal.end()
    tap.claim(status == 0, "%s: poweroff -f ends with status 0 (%s)" % (name, status))
    if status != 0:
        tap.show(terminal.output.decode("ascii", "replace").replace("\r", "").splitlines()[-15:])


def release(kernel):
    with open(os.path.join(linux_guest.FOLDER, kernel + ".package"), encoding="ascii") as package:
        return re.sub("^linux-[a-z]*-", "", package.read().strip())


def main():
    tap = linux_guest.LinuxTap()
    words = ["make", "run", *["ARCH=arm64"] * linux_guest.ARM64, "GUEST=linux"]
    absent = linux_guest.fetch()
    if absent:
        tap.skip(" ".join(words), absent)
    else:
        session(tap, " ".join(words), words + ["BUILD=" + linux_guest.BUILD], release("vmlinuz"), True)
    if linux_guest.ARM64:
        tap.plan()
        return
    absent = linux_guest.fetch("--generic")
    if absent:
        tap.skip("the generic kernel", absent)
    else:
        session(tap, "the generic kernel", linux_guest.command("vmlinuz-generic", "quiet shell"), release("vmlinuz-generic"), False)
    tap.plan()


if __name__ == "__main__":
    sys.exit(main())
