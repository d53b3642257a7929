# SPDX-License-Identifier: GPL-2.0
"""tests/lib/cow.py - COW files of user-mode Linux, made and read without the
kernel under test: by Debian's uml_mkcow and uml_moo, and byte by byte.
"""

import os
import struct
import subprocess

from disk import tool
from uml import check

MAGIC = 0x4F4F4F4D      # "OOOM" in a file that is big-endian
ALIGN = 4096


def header(backing, version=3, size=None, mtime=None, sector=512, align=ALIGN,
           magic=MAGIC, cow_format=0, little=False, padded=False):
    """The bytes of a header; what is not given comes from the backing file."""
    path = os.fsencode(backing)
    size = os.stat(backing).st_size if size is None else size
    mtime = int(os.stat(backing).st_mtime) if mtime is None else mtime
    if version in (1, 2):
        order = "<" if little else ">"
        return struct.pack(order + ("II256sIQI" if version == 1 else "II4096sIQI"),
                           magic, version, path, mtime, size, sector)
    fields = struct.pack(">IIIQIII", magic, version, mtime, size, sector, align,
                         cow_format)
    if padded:
        fields = struct.pack(">IIIIQIII", magic, version, mtime, 0, size, sector,
                             align, cow_format)
    body = fields + path.ljust(4096, b"\0")
    return body.ljust(4136, b"\0") if padded else body


def places(head, version=3, size=0, sector=512, align=ALIGN):
    """Where bitmap and data of such a file begin."""
    if version < 3:
        length = (size + sector - 1) // (8 * sector)
        return len(head), -(-(len(head) + length) // sector) * sector
    bitmap = -(-len(head) // align) * align
    length = -(-(-(-size // sector)) // 8)
    return bitmap, -(-(bitmap + length) // align) * align


def make(path, backing, sectors=None, version=3, sector=512, align=ALIGN, **more):
    """A COW file that has @sectors: {number: bytes}."""
    size = os.stat(backing).st_size
    head = header(backing, version, sector=sector, align=align, **more)
    bitmap, data = places(head, version, size, sector, align)
    with open(path, "wb") as f:
        f.write(head)
        f.truncate(data + size)
        bits = bytearray(-(-size // sector) // 8 + 1)
        for number, content in (sectors or {}).items():
            bits[number // 8] |= 1 << number % 8
            f.seek(data + number * sector)
            f.write(content)
        for at, byte in enumerate(bits):
            if byte:
                f.seek(bitmap + at)
                f.write(bytes([byte]))
    return path


def bits(path, size, sector=512):
    """The numbers of sectors that a COW file of version 3 has."""
    with open(path, "rb") as f:
        f.seek(2 * ALIGN)
        data = f.read(-(-(-(-size // sector)) // 8))
    return [at * 8 + bit for at, byte in enumerate(data) if byte
            for bit in range(8) if byte >> bit & 1]


def mkcow(path, backing):
    done = subprocess.run([tool("uml_mkcow"), path, backing], capture_output=True,
                          text=True)
    check(done.returncode == 0, "uml_mkcow failed", done.stdout + done.stderr)
    return path


def moo(path, out):
    """What uml_moo makes of a COW file and its backing file."""
    done = subprocess.run([tool("uml_moo"), path, out], capture_output=True, text=True)
    check(done.returncode == 0, "uml_moo failed", done.stdout + done.stderr)
    with open(out, "rb") as f:
        return f.read()


def moo_into_backing(path):
    done = subprocess.run([tool("uml_moo"), "-d", path], capture_output=True, text=True)
    check(done.returncode == 0, "uml_moo -d failed", done.stdout + done.stderr)
