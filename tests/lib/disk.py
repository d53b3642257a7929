# SPDX-License-Identifier: GPL-2.0
"""tests/lib/disk.py - images for the guest's disks, made and looked at on the
host with e2fsprogs; no root, no mount.
"""

import contextlib
import os
import shutil
import struct
import subprocess

import uml
from uml import Skipped, check

MIB = 1 << 20


def tool(name):
    for path in os.environ.get("PATH", "").split(":") + ["/sbin", "/usr/sbin"]:
        if os.access(os.path.join(path, name), os.X_OK):
            return os.path.join(path, name)
    raise Skipped(f"no {name} on this host")


def blank(tmp, name="disk", size=16 * MIB):
    path = os.path.join(tmp, name)
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def noise(tmp, name="disk", size=4 * MIB):
    path = os.path.join(tmp, name)
    with open(path, "wb") as f:
        f.write(os.urandom(size))
    return path


def ext4(tmp, name="disk", size=32 * MIB, files=None):
    """An ext4 image; @files: {name: bytes or path}."""
    path = blank(tmp, name, size)
    options = []
    if files:
        root = os.path.join(tmp, name + ".d")
        os.mkdir(root)
        for file, content in files.items():
            to = os.path.join(root, file)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            if isinstance(content, bytes):
                with open(to, "wb") as f:
                    f.write(content)
                os.chmod(to, 0o755)
            else:
                shutil.copy(content, to)
        options = ["-d", root]
    done = subprocess.run([tool("mke2fs"), "-q", "-F", "-t", "ext4", *options, path],
                          capture_output=True, text=True)
    check(done.returncode == 0, "mke2fs failed", done.stderr)
    return path


def fsck(path, replay=False):
    """e2fsck finds no fault; with @replay the journal is played first."""
    if replay:
        done = subprocess.run([tool("e2fsck"), "-E", "journal_only", "-y", path],
                              capture_output=True, text=True)
        check(done.returncode in (0, 1), "the journal cannot be replayed",
              done.stdout + done.stderr)
    done = subprocess.run([tool("e2fsck"), "-f", "-n", path],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"e2fsck says {done.returncode}",
          done.stdout + done.stderr)


def cat(path, file):
    """The bytes of a file in an ext4 image."""
    done = subprocess.run([tool("debugfs"), "-R", f"cat {file}", path],
                          capture_output=True)
    return done.stdout


def over_threads(module, *names):
    """These tests of a module once more, with the other transport of disks."""
    uml.again(module, "by_threads", "ubd=threads", *names)


def program(tmp, source, *flags):
    """A small C program of this directory as an image: the guest copies it from
    the disk, see START.
    """
    path = os.path.join(tmp, source + ".program")
    done = subprocess.run([os.environ.get("CC", "gcc").split()[0], "-O1", "-static", "-s",
                           *flags, "-o", path, os.path.join(os.path.dirname(__file__), source)],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"{source} does not compile", done.stderr)
    with open(path, "r+b") as f:
        f.truncate(-(-os.path.getsize(path) // 4096) * 4096)
    return path


@contextlib.contextmanager
def loop(path, *options):
    """A block device over a file."""
    done = subprocess.run([tool("losetup"), "--find", "--show", *options, path],
                          capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise Skipped(f"no loop device: {done.stderr.strip()[:100]}")
    device = done.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run([tool("losetup"), "--detach", device], check=True, timeout=20)


# In the guest: the program on the last disk becomes /p.
START = "cp /dev/ubdp /p && chmod +x /p || exit 99;"


def sectors(first, count, seed):
    """What diskio writes for "w FIRST COUNT SEED"."""
    return b"".join(struct.pack("<Q", seed << 32 | s) * 64
                    for s in range(first, first + count))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def mbr(path, *parts):
    """A DOS partition table; @parts: (first sector, sectors)."""
    table = b"".join(struct.pack("<B3sB3sII", 0, b"", 0x83, b"", first, count)
                     for first, count in parts).ljust(64, b"\0")
    with open(path, "r+b") as f:
        f.seek(446)
        f.write(table + b"\x55\xaa")
