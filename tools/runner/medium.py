# SPDX-License-Identifier: MIT
"""The boot medium: the monitor, the guest's files and GRUB's script, as tools/iso makes it; and the lines that the monitor reads,
whoever loads it."""
import os
import shutil
import subprocess

from runner.refused import STATUS_MISSING, Refused
from runner.words import file_word, split_module, vm_line

MONITOR = "escapement.elf"
TOOLS_NEEDED = ["grub-mkrescue", "xorriso"]
TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def needs(_options):
    """Commands that make it."""
    return TOOLS_NEEDED


def grub_words(text):
    """Words for a line of grub.cfg, quoted so that GRUB changes nothing; two spaces in a row are an empty word."""
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in text.split(" "))


def modules(options):
    """[(file, its line)]: each guest's kernel, and what the monitor gives it beside."""
    listed = []
    for index, vm in enumerate(options.vms):
        listed.append((vm.kernel, vm_line(vm, index)))
        for path, arguments in ([(vm.initrd, "")] if vm.initrd else []) + [split_module(text) for text in vm.module]:
            listed.append((path, "module " + file_word(path) + (" " + arguments if arguments else "")))
    return listed


def monitor_line(options):
    return " ".join(("log=com2 " + options.monitor).split())


def make_medium(options, folder):
    """The files and the GRUB script; returns the image's path."""
    boot = os.path.join(folder, "iso", "boot")
    os.makedirs(os.path.join(boot, "grub"))
    shutil.copyfile(os.path.join(options.build, MONITOR), os.path.join(boot, MONITOR))
    script = ["set timeout=0", "multiboot2 /boot/" + MONITOR + " " + grub_words(monitor_line(options))]
    for index, (path, line) in enumerate(modules(options)):
        shutil.copyfile(path, os.path.join(boot, "module%d" % index))
        script.append("module2 /boot/module%d %s" % (index, grub_words(line)))
    # The monitor takes pixels, which Bochs' terminal has not got: after multiboot2, which asks for them, text is set.
    # `halt` is reached only when GRUB could not load something: without it it would wait for a person for ever.
    script += ["set gfxpayload=text", "boot", "halt"]
    with open(os.path.join(boot, "grub", "grub.cfg"), "w", encoding="ascii") as out:
        out.write("\n".join(script) + "\n")
    image = os.path.join(folder, "boot.iso")
    made = subprocess.run([os.path.join(TOOLS, "iso"), image, os.path.join(folder, "iso")], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if made.returncode != 0:
        raise Refused("the boot medium could not be made: " + made.stderr.strip(), STATUS_MISSING)
    return image
