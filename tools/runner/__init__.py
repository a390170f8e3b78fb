# SPDX-License-Identifier: MIT
"""The parts of tools/run: one emulator a file, the boot medium, what is looked at before anything is started."""
