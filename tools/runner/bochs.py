# SPDX-License-Identifier: MIT
"""Bochs with Intel's VMX. It counts one tick an instruction always, so every run repeats to the byte; the host's
clocks run at as many ticks a second as the configuration says.

The first serial port is a pseudo-terminal whose other end is here (terminal.py), the second is the log's file. Debian's
Bochs has its debugger built in, which wants commands: continue, and quit when the monitor stops the host. Since 3.0 it
has to be asked for. Without it a chain of instructions is one step, whose ticks are counted when it has ended: every exit
from a guest then leaves the clock behind by a part of a chain, and the port that stops the host does nothing."""
import contextlib
import os
import re
import shutil
import subprocess

from runner import medium
from runner.terminal import Console
from runner.words import console_copy, machine_mib

NAME, PROGRAM, GROUP = "Bochs", "bochs-bin", "vmx"
needs = medium.needs
MONITOR = medium.MONITOR
prepare = medium.make_medium

LOG = "bochs.log"
KEYS_LEGEND = "Ctrl-A then  x end the emulator  Ctrl-A itself"
CPU = "corei7_skylake_x"  # the newest model whose VMX has all that the monitor can use and no known gap
AMD_MODELS = ("zambezi", "trinity_apu", "ryzen")  # the ones that announce SVM; reading VM_CR faults
MHZ = 100                 # a second of the host's time then takes one to two of this computer's
HOST_MIB_MAX = 2048       # Bochs swaps what is beyond to a file
TIME0 = 1767225600        # 2026-01-01, as under QEMU
DEBUGGER_ASKED_SINCE = (3,)
WRONG = {(3, 1): "its IDIV of 64 bits gives wrong quotients"}  # versions that are taken only when they are asked for
INSTEAD = "bochs-2.7"     # for tools/fetch-emulator
SECTOR, TRACK_SECTORS, HEADS = 512, 63, 16

# Display: text on a terminal that is /dev/null. Without realtime=0 the VGA's blanking follows this computer's clock.
CONFIGURATION = """\
display_library: term
config_interface: textconfig
plugin_ctrl: unmapped=1, biosdev=0, speaker=0, parallel=0, serial=1, iodebug=1
romimage: file=$BXSHARE/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
vga: extension=vbe, update_freq=5, realtime=0
memory: guest=%(mib)d, host=%(host_mib)d
cpu: model=%(cpu)s, count=1, ips=%(ips)d, reset_on_triple_fault=0, ignore_bad_msrs=0
clock: sync=none, time0=%(time0)d
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path="%(image)s", mode=volatile, cylinders=0, heads=%(heads)d, spt=%(sectors)d
boot: disk
com1: enabled=1, mode=term, dev="%(console)s"
com2: enabled=1, mode=file, dev="%(log)s"
log: "%(own_log)s"
panic: action=fatal
error: action=report
info: action=ignore
"""


def pad_to_cylinders(image):
    """The disk's geometry is guessed from its size, and what is behind the last whole cylinder is not read."""
    cylinder = SECTOR * TRACK_SECTORS * HEADS
    os.truncate(image, -(-os.path.getsize(image) // cylinder) * cylinder)


def debugger_option(emulator):
    return ["-debugger"] if emulator.numbers >= DEBUGGER_ASKED_SINCE else []


def configure(options, image, log, folder, console):
    path = os.path.join(folder, "bochsrc")
    mib = machine_mib(options)
    values = {"mib": mib, "host_mib": min(mib, HOST_MIB_MAX), "image": image,
              "cpu": options.cpu or CPU, "ips": (options.mhz or MHZ) * 1000000, "time0": TIME0, "heads": HEADS,
              "sectors": TRACK_SECTORS, "console": console, "log": log, "own_log": os.path.join(folder, LOG)}
    with open(path, "w", encoding="utf-8") as out:
        out.write(CONFIGURATION % values + "".join(line + "\n" for line in options.bochs_line))
    with open(os.path.join(folder, "debugger"), "w", encoding="ascii") as out:
        out.write("".join(command + "\n" for command in options.bochs_debug or ("continue", "quit")))
    return path


def append(lines, log):
    with contextlib.suppress(FileNotFoundError), open(lines, "rb") as source, open(log, "ab") as out:
        shutil.copyfileobj(source, out)


def run(options, image, log, folder):
    """How Bochs ended. It takes no signal but SIGKILL, and has no children."""
    pad_to_cylinders(image)
    own_log = os.path.join(folder, "monitor")  # Bochs makes the file anew
    with Console(console_copy(options, folder)) as console:
        configuration = configure(options, image, own_log, folder, console.path)
        environment = dict(os.environ, TERM="vt100")
        with open(os.path.join(folder, "bochs.out"), "wb") as out, open(options.bochs_said or os.devnull, "wb") as said, \
                subprocess.Popen([options.emulator.path, "-q", *debugger_option(options.emulator), "-f", configuration,
                                  "-rc", os.path.join(folder, "debugger")],
                                 stdin=subprocess.DEVNULL, stdout=said, stderr=out, env=environment,
                                 cwd=folder, start_new_session=True) as emulator:
            try:
                return console.pump(emulator, options.timeout)
            finally:
                if emulator.poll() is None:
                    emulator.kill()
                    emulator.wait()
                append(own_log, log)


def instead_of_log(_folder):
    return os.devnull


def complaints(folder):
    """Bochs' own words about why it ended: a panic, or the check that a VM entry did not pass."""
    said = []
    for name in ("bochs.out", LOG):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as lines:
                said += lines.read().splitlines()
        except OSError:
            pass
    failed = [line for line in said if re.search(r"VMFAIL|VMENTRY|VMX entry", line)]
    panics = [line for line in said if ">>PANIC<<" in line]
    return ["Bochs says: " + re.sub(r"^\d+\w?", "", line) for line in failed[-3:] + panics[-1:]]
