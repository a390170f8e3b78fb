# SPDX-License-Identifier: MIT
"""Reads the text of the monitor's screen off a picture of it, by the font that the monitor draws with. Imported by
tools/tests/machine/boot.t."""
import collections
import os
import re
import subprocess

import machines

FONT = os.path.join(machines.BUILD, "font", "font.c")
WIDTH, HEIGHT = 8, 16
COLUMNS_MAX, ROWS_MAX, LINES_A_SCALE = 160, 64, 540  # terminal.h, raster.c
HALF = 64  # brighter is ink

Screen = collections.namedtuple("Screen", "width height columns rows lines")
NOTHING = Screen(0, 0, 0, 0, [])


def glyphs():
    """The character of each pattern of 16 bytes."""
    with open(FONT, encoding="utf-8") as file:
        table = re.findall(r"\{ (0x[0-9a-fx, ]*) \}, // U\+([0-9A-F]{4})", file.read())
    found = {}
    for pattern, code in table:
        found.setdefault(bytes(int(byte, 16) for byte in pattern.split(", ")), chr(int(code, 16)))
    return found


def picture(path):
    """Width, height and the green of each pixel of a PPM file; None if it is not whole."""
    with open(path, "rb") as file:
        data = file.read()
    head = re.match(rb"P6\s(\d+) (\d+)\s255\s", data)
    if not head:
        return None
    width, height = int(head[1]), int(head[2])
    green = data[head.end() + 1::3]
    return (width, height, green) if len(green) >= width * height else None


def character(known, pattern, inverse):
    return known.get(bytes(byte ^ 0xff for byte in pattern) if inverse else bytes(pattern), "?")


def grid(width, height):
    """How text lies on a picture of that size: its scale, columns and rows, and where it begins."""
    scale = max(height // LINES_A_SCALE, 1)
    columns, rows = min(width // (WIDTH * scale), COLUMNS_MAX), min(height // (HEIGHT * scale), ROWS_MAX)
    return scale, columns, rows, (width - columns * WIDTH * scale) // 2, (height - rows * HEIGHT * scale) // 2


def code(path):
    """The text of the QR code on a picture, in bytes; empty if there is none that can be read as a whole."""
    return subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout[:-1]


def narrow(path):
    """So many rows of text are beside a white square in the upper right corner, and so many columns they have."""
    width, height, green = picture(path)
    scale, columns, _, left, top = grid(width, height)
    line = green[top * width + left:top * width + left + columns * WIDTH * scale]
    free = len(line.rstrip(b"\xff"))
    return -((free - len(line)) // (HEIGHT * scale)), free // (WIDTH * scale) - 1


def read(path):
    """What a screen shows that the monitor has drawn, the status last; a glyph that the font does not have becomes a ?."""
    taken = picture(path) if os.path.exists(path) else None
    if not taken:
        return NOTHING
    width, height, green = taken
    scale, columns, rows, left, top = grid(width, height)
    known, lines = glyphs(), []
    for row in range(rows):
        patterns = [bytearray() for _ in range(columns)]
        for y in range(HEIGHT):
            start = (top + (row * HEIGHT + y) * scale) * width + left
            line = green[start:start + columns * WIDTH * scale:scale]
            for column, pattern in enumerate(patterns):
                bits = 0
                for level in line[column * WIDTH:(column + 1) * WIDTH]:
                    bits = bits << 1 | (level > HALF)
                pattern.append(bits)
        inverse = row == rows - 1  # the status
        lines.append("".join(character(known, pattern, inverse) for pattern in patterns).rstrip())
    return Screen(width, height, columns, rows, lines)
