# SPDX-License-Identifier: MIT
"""How an emulator ended, where that is not its status: a number is one."""

TIMEOUT = "its time was up"
KEYBOARD = "a person ended it: Ctrl-A x, or its own monitor's quit"
RESET = "the machine was reset"
STANDS = "its clock stood still"
