# SPDX-License-Identifier: MIT
"""Which module runs each machine."""
from runner import bochs, qemu, qemu_arm64

MACHINES = {"svm": qemu, "vmx": bochs, "arm64": qemu_arm64}
