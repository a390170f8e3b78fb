#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The image of `make usb` on PCs of QEMU's: as a USB stick, a disk and a CD, by the BIOS and by UEFI, on screens of several sizes
and without one; and on its arm64 board, by UEFI with ACPI tables and with a device tree. Each screen is photographed and read: it
shows what the serial port says. Counted in instructions, the guest of the demonstration executes as many cycles as under
tools/run, and sees the same."""
import collections
import contextlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import types

sys.dont_write_bytecode = True
import machines
import photo
import tap_stream
from runner import bochs
from runner.words import CONSOLE

ROOT, BUILD = machines.ROOT, machines.BUILD
IMAGE = os.path.join(BUILD, "escapement-usb.iso")
# What is started: the machine of tools/run that is like it, QEMU's words, UEFI and its variables, ns of an instruction when they
# are counted, as a shift; the menu, the monitor and the loader on the image.
Platform = collections.namedtuple("Platform", "machine words firmware variables shift menu monitor loader")
PC = Platform("svm", ["-machine", "q35,accel=tcg", "-cpu", "max,+svm,-x2apic"], "/usr/share/OVMF/OVMF_CODE_4M.fd",
              "/usr/share/OVMF/OVMF_VARS_4M.fd", 0, "escapement.cfg", "escapement.elf", "BOOTX64.EFI")
BOARD = Platform("arm64", ["-machine", "virt,accel=tcg,virtualization=on,gic-version=3", "-cpu", "cortex-a57", "-device", "usb-kbd"],
                 "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd", 4, "escapement-arm64.cfg",
                 "escapement-arm64.img", "BOOTAA64.EFI")
HERE = BOARD if machines.MACHINE == "arm64" else PC
EXACT = ["-icount", "shift=%d,sleep=off" % HERE.shift, "-seed", "1", "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
VGA = ["-device", "VGA,vgamem_mb=64"]
RAMFB = ["-device", "ramfb"]
SERIAL_END = b"ESCAPEMENT-END"
SCREEN_END = "The end. The power switch does the rest."
BEGIN = "boot: build"  # the monitor's first line
RUN_S = 400
TEXT_COLUMNS, TEXT_ROWS = 80, 25
STATUS = r"demo  V %s s  G \d\d\.\d% M \d+\.\d% H \d\.\d%  \d+ exits  [GMH]{32}$"
DEMO = "/guests/demo.elf vm=demo mem=16M kernel=demo.elf"
KEYS = "/guests/echo_keys.elf vm=keys mem=4M kernel=echo_keys.elf"
ECHO = "/guests/echo_cmdline.elf vm=echo mem=4M kernel=echo_cmdline.elf -- a word"
DEMO_ARM64 = "/guests-arm64/demo.img vm=demo mem=16M kernel=demo.img"
ECHO_ARM64 = "/guests-arm64/echo_cmdline.img vm=echo mem=4M kernel=echo_cmdline.img -- exit=5"

tap = tap_stream.Tap()


def attach(how, image, written):
    drive = ["-drive", "if=none,id=medium,snapshot=%s,format=raw,file=%s" % ("off" if written else "on", image)]
    if how == "usb":
        return drive + ["-device", "qemu-xhci", "-device", "usb-storage,drive=medium,bootindex=0"]
    if how == "disk":
        return drive + ["-device", "ide-hd,drive=medium,bootindex=0"]
    return ["-drive", "if=none,id=medium,media=cdrom,readonly=on,format=raw,file=" + image,
            "-device", "ide-cd,drive=medium,bootindex=0"]


def partition(image):
    """Its FAT file system, as mtools find it."""
    with open(image, "rb") as file:
        return "%s@@%d" % (image, struct.unpack_from("<I", file.read(512), 446 + 16 + 8)[0] * 512)


def file_on(image, name):
    return subprocess.run(["mtype", "-i", partition(image), "::/" + name], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode("utf-8", "replace").replace("\r", "")


def menu(path, module, mode, words, timeout_s):
    """Bochs' display is a terminal, without pixels: text, said after multiboot2, which asks for pixels. So is a depth."""
    mode, payload = (mode, "") if mode != "text" and mode.count("x") < 2 else ("auto", "    set gfxpayload=%s\n" % mode)
    with open(path, "w", encoding="ascii") as out:
        out.write('set timeout=%d\nset gfxmode=%s\nmenuentry "test" {\n    multiboot2 /%s screen=on %s\n'
                  "    module2 %s\n%s}\n" % (timeout_s, mode, HERE.monitor, words, module, payload))


def stick(folder, module, mode, words="", timeout_s=0):
    """A copy of the image with a menu of our own on its partition, as somebody has it who edits it."""
    image, text = os.path.join(folder, "stick.iso"), os.path.join(folder, "menu.cfg")
    shutil.copyfile(IMAGE, image)
    menu(text, module, mode, words, timeout_s)
    subprocess.run(["mcopy", "-o", "-i", partition(image), text, "::/" + HERE.menu], check=True)
    return image


class Machine:
    """A QEMU that runs, its serial port in a file, and its monitor (QMP)."""

    def __init__(self, folder, words, exact):
        self.serial, address = os.path.join(folder, "serial"), os.path.join(folder, "qmp")
        self.picture = os.path.join(folder, "picture.ppm")
        still = dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "still-clock.so")) if exact else None
        self.emulator = subprocess.Popen(
            [machines.emulators.find(machines.MACHINES[HERE.machine], os.environ.get("EMULATOR"), BUILD).path,
             "-smp", "1", "-nodefaults", "-display", "none", "-no-reboot", "-qmp", "unix:%s,server,nowait" % address, *words,
             *(EXACT if exact else [])], env=still)
        self.link = self.connect(address)
        self.ask("qmp_capabilities")

    def connect(self, address):
        for _ in range(200):
            try:
                link = socket.socket(socket.AF_UNIX)
                link.connect(address)
                return link.makefile("rw")
            except OSError:
                time.sleep(0.1)
        raise SystemExit("QEMU does not start")

    def ask(self, command, **arguments):
        self.link.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.link.flush()
        for line in self.link:
            if "return" in (answer := json.loads(line)) or "error" in answer:
                return answer
        return {}

    def said(self):
        if not os.path.exists(self.serial):
            return b""
        with open(self.serial, "rb") as file:
            return file.read()

    def press(self, *keys):
        self.ask("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def wait(self, done, pause_s=0.3):
        end = time.monotonic() + RUN_S
        while not (reached := done()) and time.monotonic() < end and self.emulator.poll() is None:
            time.sleep(pause_s)
        return reached

    def wait_for_screen(self, meanwhile=lambda: None):
        """Reading a picture takes a second of this computer's time, which the machine wants, too."""
        return self.wait(lambda: meanwhile() or any(line.startswith(SCREEN_END) for line in self.screen().lines), 2)

    def screen(self):
        self.ask("screendump", filename=self.picture)
        return photo.read(self.picture)

    def reset(self):
        """From outside, as by its button; QEMU was told to end at one."""
        self.ask("set-action", reboot="reset")
        self.ask("system_reset")

    def end(self):
        with contextlib.suppress(OSError): # it may be ending by itself
            if self.emulator.poll() is None:
                self.ask("quit")
        self.emulator.wait()


def started(folder, firmware, how, image, words, exact=False, written=False):
    memory = [] if "-m" in words else ["-m", "256M"]
    if firmware == "uefi":
        variables = os.path.join(folder, "variables")
        shutil.copyfile(HERE.variables, variables)
        words = words + ["-drive", "if=pflash,format=raw,readonly=on,file=" + HERE.firmware,
                         "-drive", "if=pflash,format=raw,file=" + variables]
    if "-serial" not in words:
        words = words + ["-serial", "file:" + os.path.join(folder, "serial")]
    return Machine(folder, [*memory, *attach(how, image, written), *HERE.words, *words], exact)


def lines_of(said):
    """What the monitor and its guest have said, without what the firmware and the loader said before them."""
    text = said.decode("utf-8", "replace").replace("\r", "")
    at = text.find(BEGIN)
    return text[text.rfind("\n", 0, at) + 1:].split("\n") if at >= 0 else []


def wrapped(lines, columns_of):
    """Those lines where a row has so many columns."""
    shown = []
    for line in lines:
        shown.append(line[:columns_of(len(shown))])
        rest = line[len(shown[-1]):]
        while rest:
            shown.append(rest[:columns_of(len(shown))])
            rest = rest[len(shown[-1]):]
    return shown


def as_shown(lines, screen):
    """Those lines on a screen of that size, with what only the screen says."""
    shown = wrapped(lines[:-1] + [SCREEN_END, ""], lambda row: screen.columns)
    rows = screen.rows - 1
    return [line.rstrip() for line in shown[-rows:]] + [""] * (rows - len(shown))


def photographed(name, machine, size):
    """The picture of the end, compared with what was said."""
    machine.wait(lambda: SERIAL_END in machine.said())
    machine.wait_for_screen()
    screen, said = machine.screen(), lines_of(machine.said())
    tap.claim(any(re.match(r"ESCAPEMENT-END status=(0|11|33) reason=done", line) for line in said), name + ": it ran to its end")
    if size:
        tap.claim((screen.width, screen.height) == size, "%s: the screen has %d by %d pixels" % ((name,) + size))
    expected = as_shown(said, screen)
    shown, status = screen.lines[:-1], screen.lines[-1]
    same = len(said) > 10 and shown == expected
    tap.claim(same, "%s: its %d by %d characters are what the serial port said" % (name, screen.columns, screen.rows))
    if not same:
        tap.show("%-60s | %s" % (a, b) for a, b in zip(shown, expected) if a != b)
    tap.show(["the last status: " + status])
    return status, said


def boot(firmware, how, module=ECHO, mode=None, words=(), exact=False, screen=VGA):
    size = tuple(int(word) for word in mode.split("x")) if mode else None
    name = "%s, %s%s" % (firmware, how, ", " + " ".join(words) if words else "")
    with tempfile.TemporaryDirectory() as folder:
        image = stick(folder, module, mode or "auto")
        machine = started(folder, firmware, how, image, [*screen, *words], exact)
        try:
            return photographed(name, machine, size)
        finally:
            machine.end()


def figures(lines):
    """Of a report: the guest's cycles, its timers and clocks; and the guest's own lines."""
    kept = [line for line in lines if re.match(r"  (G  the guest|PIT |LAPIC |V  |TSC |pvclock |PM timer |CNTV |CNTP |CNTVCT |PL031 )"
                                               r"[^=]*$", line) and "since 1970" not in line]
    return [re.sub(r" +[0-9.]+ %$", "", line) for line in kept]


def status_is(name, status, log):
    """The last row, whose V is the report's."""
    ns = [int(line.split()[3]) for line in log if re.match(r"  V +\d+ +\d+ +\d+$", line)]
    at = "%d\\.%06d" % (ns[-1] // 10**9, ns[-1] % 10**9 // 1000) if ns else "?"
    tap.claim(re.match(STATUS.replace("%s", at, 1), status), name + ": the last row has the guest's accounts: " + status)


def same_figures(name, said, console, log):
    tap.claim(len(figures(said)) >= 6 and figures(said) == figures(log),
              name + ": cycles, timers and clocks of the guest are those under tools/run")
    theirs = [line for line in console if line and "since 1970" not in line] # UEFI has taken its time
    tap.claim(len(theirs) > 10 and all(line in said for line in theirs), name + ": and so is every line of its console")
    if figures(said) != figures(log):
        tap.show(figures(said) + ["under tools/run:"] + figures(log))


def demo_under_run(machine, kernel="guests/demo.elf", words=()):
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        ran = subprocess.run([os.path.join(ROOT, "tools", "run"), machine, "--exact", "--build", BUILD, "--kernel",
                              os.path.join(BUILD, kernel), "--vm", "vm=demo mem=16M", "--log", log, *words],
                             check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with open(log, encoding="utf-8") as file:
            return ran.stdout.decode().replace("\r", "").split("\n"), file.read().split("\n")


def no_serial_port():
    """A CD, the BIOS, a person who presses Enter, and a screen alone."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "bios", "cd", IMAGE, [*VGA, "-serial", "none"])
        try:
            time.sleep(3)
            shown = machine.wait_for_screen(lambda: machine.press("ret"))
            lines = machine.screen().lines
            tap.claim(shown, "bios, cd, no serial port: Enter, and the screen shows the end")
            tap.claim(any(line.startswith("ESCAPEMENT-VM 0 status=0 ") for line in lines),
                      "bios, cd, no serial port: and that the demonstration ran")
        finally:
            machine.end()


def text_mode():
    """What GRUB leaves when it finds no pixels: cells in memory, the status last and in inverse."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "bios", "disk", stick(folder, ECHO, "text"), VGA)
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            time.sleep(2)
            cells = os.path.join(folder, "cells")
            machine.ask("pmemsave", val=0xb8000, size=2 * TEXT_COLUMNS * TEXT_ROWS, filename=cells)
            with open(cells, "rb") as file:
                data = file.read()
            text = data[::2].decode("cp437")
            lines = [text[i:i + TEXT_COLUMNS].rstrip() for i in range(0, len(text), TEXT_COLUMNS)]
            screen = photo.Screen(0, 0, TEXT_COLUMNS, TEXT_ROWS, lines)
            tap.claim(lines[:-1] == as_shown(lines_of(machine.said()), screen),
                      "bios, text mode: its 80 by 24 characters are what the serial port said")
            tap.claim(lines[-1].startswith("echo  V ") and set(data[1 - 2 * TEXT_COLUMNS::2]) == {0x70},
                      "bios, text mode: the last row has the guest's accounts: " + lines[-1])
        finally:
            machine.end()


def around_the_code(name, machine, lines):
    """A screen with a QR code: these lines come first, beside it and below it."""
    screen = machine.screen()
    rows, columns = photo.narrow(machine.picture)
    expected = [line.rstrip() for line in wrapped(lines, lambda row: columns if row < rows else screen.columns)]
    shown = [line[:columns].rstrip() if row < rows else line for row, line in enumerate(screen.lines[:len(expected)])]
    same = len(lines) > 10 and rows > 10 and shown == expected
    tap.claim(same, "%s: all of the card is beside the code, %d rows of %d columns, and below it" % (name, rows, columns))
    if not same:
        tap.show("%-60s | %s" % (a, b) for a, b in zip(shown, expected) if a != b)


def card_on_a_screen():
    """The report card of a PC with UEFI, a screen, and no serial port."""
    with tempfile.TemporaryDirectory() as folder:
        image = stick(folder, ECHO, "1024x768", "card=only")
        machine = started(folder, "uefi", "usb", image, [*VGA, "-serial", "none"])
        name = "uefi, no serial port, the card on the screen"
        try:
            machine.wait_for_screen()
            machine.screen()
            lines = photo.code(machine.picture).decode().split("\n")[:-1]
            tap.claim(len(lines) > 10, name + ": its QR code has %d lines" % len(lines))
            around_the_code(name, machine, lines)
            for verdict, what, found in (("PASS", "start", "UEFI, by Escapement's loader"),
                                         ("PASS", "screen", "1024 by 768 pixels of 32 bits, 4096 bytes a line, at 0x"),
                                         ("WARN", "serial port", "none at 0x3f8 and 0x2f8"),
                                         ("PASS", "virtualization", "AMD SVM, nested paging, ")):
                row = "card: %s  %-16s %s" % (verdict, what, found)
                tap.claim(any(line.startswith(row) for line in lines), name + ": " + row)
        finally:
            machine.end()


def card_as_a_code():
    """The smallest screen that has room for it, in pixels of 16 bits."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "bios", "disk", stick(folder, ECHO, "800x600x16", "card=only"), VGA)
        name = "bios, 800 by 600 pixels of 16 bits, the card"
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            machine.wait_for_screen()
            shown = r"card: |.* card: the QR code holds |ESCAPEMENT-END"
            said = [line for line in lines_of(machine.said()) if re.match(shown, line)]
            card = [line for line in said if line.startswith("card: ")]
            text = "".join(line + "\n" for line in card).encode()
            tap.claim(any("800 by 600 pixels of 16 bits" in line for line in card), name + ": its screen is that")
            tap.claim(len(card) > 10 and photo.code(machine.picture) == text,
                      "%s: a telephone reads from its QR code what the serial port said, %d bytes" % (name, len(text)))
            around_the_code(name, machine, said + [SCREEN_END])
        finally:
            machine.end()


def card_in_text_mode():
    """No pixels for a QR code."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "bios", "disk", stick(folder, ECHO, "text", "card=only"), VGA)
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            tap.claim(b"card: no QR code: the screen is in a text mode, which has no pixels\n" in machine.said().replace(b"\r", b""),
                      "bios, text mode, the card: why there is no QR code is said")
        finally:
            machine.end()


def of_the_pause(said):
    """From a report: seconds of P, and the longest exit."""
    hz = re.search(r"^counter: (\d+) Hz", said, re.MULTILINE)
    paused = re.findall(r"^  P  paused on purpose +(\d+) ", said, re.MULTILINE)
    most = re.findall(r"^  [a-z-]+ +\d+ +\d+ +\d+ +(\d+)\r?$", said, re.MULTILINE)
    return (int(paused[-1]) / int(hz[1]), max(map(int, most))) if hz and paused and most else (0, 1 << 63)


def keyboard(firmware):
    """What is pressed at the PC's own keyboard reaches the guest, and Ctrl-] the monitor."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, firmware, "disk", stick(folder, KEYS, "1024x768"), VGA)
        try:
            machine.wait(lambda: b"waiting for keys" in machine.said())
            for pressed in (["a"], ["shift", "b"], ["ctrl", "bracket_right"], ["p"], [], [], [], ["r"], ["ctrl", "bracket_right"],
                            ["l"], ["x"]):
                machine.press(*pressed)
                time.sleep(0.5)
            machine.wait(lambda: SERIAL_END in machine.said())
            said = machine.said().decode("utf-8", "replace")
            tap.claim(re.search(r"key 97,.*key 66,.*closure: 0 cycles.*key 120,", said, re.DOTALL),
                      firmware + ", a keyboard: a and Shift-b reach the guest, Ctrl-] l the monitor, x the guest")
            paused, most = of_the_pause(said)
            tap.claim(paused > 1 and most < 1 << 62, "%s, a keyboard: of a pause of more than a second, drawn meanwhile, %.1f s "
                      "are P, and no exit took longer than the run" % (firmware, paused))
            tap.claim("key 120," in said and "key 29," not in said, firmware + ", a keyboard: and Ctrl-] not the guest")
        finally:
            machine.end()


def no_screen(module=ECHO, words=()):
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "uefi", "usb", stick(folder, module, "auto"), [*words])
        try:
            machine.wait(lambda: re.search(rb"ESCAPEMENT-END .*\n", machine.said()))
            said = machine.said()
            tap.claim(b"the firmware shows no screen" in said, "uefi, no screen: the loader says so on the serial port")
            tap.claim(b"ESCAPEMENT-END status=33" in said or b"ESCAPEMENT-END status=11" in said, "uefi, no screen: and the guest runs")
        finally:
            machine.end()


@contextlib.contextmanager
def elsewhere(path):
    """What is written to the terminal goes to a file: claims are read from there."""
    kept, file = os.dup(1), os.open(path, os.O_WRONLY | os.O_CREAT)
    os.dup2(file, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(file)


def in_bochs():
    """Its BIOS, and a disk; what the serial port says, since nobody photographs its screen."""
    console, log = demo_under_run("vmx")
    with tempfile.TemporaryDirectory() as folder:
        vm = types.SimpleNamespace(vm="mem=16M", kernel=os.path.join(BUILD, "guests", "demo.elf"), initrd=None, module=[])
        options = types.SimpleNamespace(
            emulator=machines.emulators.find(machines.MACHINES["vmx"], os.environ.get("EMULATOR"), BUILD), vms=[vm],
            consoles=True, cpu=None, mhz=None, bochs_line=[], bochs_debug=None, bochs_said=None, timeout=RUN_S)
        with elsewhere(os.path.join(folder, "shown")):
            bochs.run(options, stick(folder, DEMO, "text"), os.devnull, folder)
        with open(os.path.join(folder, CONSOLE), "rb") as file:
            said = lines_of(file.read())
    tap.claim("ESCAPEMENT-END status=0 reason=done" in said, "bochs, disk: it ran to its end")
    same_figures("bochs, disk", said, console, log)


RESULTS_WRITTEN = b"the results of the last run are now in results.txt, on the partition"
RESULTS_LOST = b"the firmware has cleared the memory that the last run's results were kept in, or the power was off: they are lost"


def over_a_reset(module, screen):
    """A run has ended, and the machine is reset from outside: the loader finds what the monitor had said, and writes it to the
    partition. With another machine's memory it finds nothing there, and says so."""
    with tempfile.TemporaryDirectory() as folder:
        image = stick(folder, module, "auto")
        machine = started(folder, "uefi", "usb", image, screen, written=True)
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            first = lines_of(machine.said())
            tap.claim("run=" in file_on(image, "running.txt"), "uefi, a reset: running.txt says which run is to be heard of")
            machine.reset()
            machine.wait(lambda: machine.said().count(BEGIN.encode()) == 2)
            tap.claim(RESULTS_WRITTEN in machine.said(), "uefi, a reset: the loader says that it has written results.txt")
        finally:
            machine.end()
        log, _, seen = file_on(image, "results.txt").partition("\nThe last that was seen while a guest ran:\n")
        kept = [line for line in log.split("\n")[2:] if line]
        tap.claim(len(kept) > 50 and "closure: 0 cycles" in kept and kept[-1].startswith("ESCAPEMENT-END ") and
                  [line for line in first if line in kept][-len(kept):] == kept,
                  "uefi, a reset: results.txt has %d lines, the report among them, as the serial port said them" % len(kept))
        tap.claim(seen.startswith("echo  V ") and len(re.findall(r"^host \d+  v \d+  guest ", seen, re.MULTILINE)) > 5,
                  "uefi, a reset: and the accounts and the trace as they were seen last")
        machine = started(folder, "uefi", "usb", image, screen, written=True)
        try:
            machine.wait(lambda: BEGIN.encode() in machine.said())
            tap.claim(RESULTS_LOST in machine.said(), "uefi, memory that was cleared: the loader says that the results are lost")
        finally:
            machine.end()


def fill(image, folder):
    """Files until not even the smallest fits."""
    path, files = os.path.join(folder, "fill"), 0
    for size in 262144, 16384, 512:
        with open(path, "wb") as file:
            file.write(b"x" * size)
        while subprocess.run(["mcopy", "-i", partition(image), path, "::/fill%d" % files], check=False,
                             stderr=subprocess.DEVNULL).returncode == 0:
            files += 1


def full_partition():
    """Nothing can be written: that is said, the run begins all the same, and after a reset its results are shown."""
    with tempfile.TemporaryDirectory() as folder:
        image = stick(folder, ECHO, "auto")
        fill(image, folder)
        machine = started(folder, "uefi", "usb", image, VGA, written=True)
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            tap.claim(b"escapement: /running.txt: it cannot be written: the partition is full" in machine.said(),
                      "uefi, a full partition: the loader says so, and the guest runs")
            machine.reset()
            machine.wait(lambda: b"-- a key for the next page" in machine.said())
            shown = machine.said().decode("utf-8", "replace").replace("\r", "").partition("are shown here:\n")[2]
            tap.claim(shown.count("calibrate: world switch") > 4 and "-- a key for the next page" in shown,
                      "uefi, a full partition: after a reset the results are shown page by page")
        finally:
            machine.end()


def el1():
    """UEFI that does not have EL2: the loader says so, and starts nothing."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "uefi", "usb", stick(folder, ECHO_ARM64, "auto"), ["-machine", "virtualization=off"])
        try:
            machine.wait(lambda: re.search(rb"virtualization=on\r?\n", machine.said()))
            said = machine.said()
            tap.claim(b"escapement: the firmware has not started this at EL2" in said and BEGIN.encode() not in said,
                      "uefi, at EL1: the loader says that it needs EL2, and starts nothing")
        finally:
            machine.end()


def keyboard_in_menu():
    """A menu that waits, a USB keyboard, and a board that says what it has by a device tree alone."""
    with tempfile.TemporaryDirectory() as folder:
        image = stick(folder, ECHO_ARM64, "800x600", timeout_s=1000)
        machine = started(folder, "uefi", "usb", image, [*RAMFB, "-machine", "gic-version=2,acpi=off"])
        try:
            machine.wait(lambda: b"arrows choose" in machine.said())
            machine.press("ret")
            status, said = photographed("uefi, device tree, GICv2", machine, (800, 600))
            tap.claim(any("boot: build" in line and "linux,dummy-virt" in line for line in said),
                      "uefi, device tree: Enter in the menu starts the monitor, which is given the firmware's tree")
            tap.claim(status.startswith("echo  V "), "uefi, device tree: the last row has the guest's accounts: " + status)
        finally:
            machine.end()


def card_of_arm64():
    """Its report card and QR code on a ramfb."""
    with tempfile.TemporaryDirectory() as folder:
        machine = started(folder, "uefi", "usb", stick(folder, ECHO_ARM64, "1024x768", "card=only"), RAMFB)
        try:
            machine.wait(lambda: SERIAL_END in machine.said())
            machine.wait_for_screen()
            card = [line for line in lines_of(machine.said()) if line.startswith("card: ")]
            machine.screen()
            tap.claim(len(card) > 8 and photo.code(machine.picture) == "".join(line + "\n" for line in card).encode(),
                      "uefi, the card of arm64: its QR code has the %d lines that the serial port said" % len(card))
        finally:
            machine.end()


def small_enough(loader):
    size = os.path.getsize(os.path.join(BUILD, loader))
    tap.claim(size < 96 << 10, "%s has %d bytes, less than 96 KiB" % (loader, size))


def on_arm64():
    """Once by ACPI tables, counted in instructions, at the largest mode that AAVMF has for a ramfb. Under tools/run QEMU's tree has
    bytes of chance for the guest's; UEFI has them of a device."""
    small_enough(HERE.loader)
    console, log = demo_under_run("arm64", "guests-arm64/demo.img", ["--cpu", "cortex-a57", "--gic", "3"])
    status, said = boot("uefi", "usb", DEMO_ARM64, "1024x768", exact=True, screen=[*RAMFB, "-device", "virtio-rng-pci"])
    status_is("uefi, usb", status, log)
    tap.claim(any("boot: build" in line and "ACPI: BOCHS BXPC" in line for line in said),
              "uefi, usb: the monitor's device tree is made from the firmware's ACPI tables")
    same_figures("uefi, usb", said, console, log)
    keyboard_in_menu()
    no_screen(ECHO_ARM64, ["-machine", "gic-version=2"])
    over_a_reset(ECHO_ARM64, RAMFB)
    card_of_arm64()
    el1()


def main():
    if machines.MACHINE != "svm":
        (in_bochs if machines.MACHINE == "vmx" else on_arm64)()
        tap.plan()
        return
    size = os.path.getsize(IMAGE)
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        said = re.search(r"build/escapement-usb.iso, (\d+) MiB;", readme.read())
    tap.claim(size < 8 << 20 and said and int(said[1]) == round(size / (1 << 20)),
              "the image has %d bytes, less than 8 MiB, and README says %s" % (size, said and said[1]))
    small_enough(HERE.loader)
    console, log = demo_under_run("svm")
    for firmware, mode in ("uefi", "1024x768"), ("bios", None): # on a BIOS GRUB takes the screen's own
        status, said = boot(firmware, "usb", DEMO, mode, exact=True)
        status_is(firmware + ", usb", status, log)
        same_figures("%s, usb" % firmware, said, console, log)
    boot("uefi", "disk", mode="800x600")
    boot("uefi", "usb", mode="3840x2160")
    boot("uefi", "cd", mode="1920x1080", words=["-m", "6G"])
    boot("bios", "disk")
    no_serial_port()
    text_mode()
    card_on_a_screen()
    card_as_a_code()
    card_in_text_mode()
    keyboard("uefi")
    keyboard("bios")
    no_screen()
    over_a_reset(ECHO, VGA)
    full_partition()
    tap.plan()


main()
