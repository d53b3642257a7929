# SPDX-License-Identifier: GPL-2.0
"""Directories of the host: hostfs."""

import os
import socket
import stat
import subprocess
import time

from t_confined import NOBODY, copy, need
from uml import Guest, Skipped, check, ended, gave, run, sh

BUSYBOX = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)


def share(tmp, name="share"):
    path = os.path.join(tmp, name)
    os.mkdir(path)
    return path


def put(path, data=b"", mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def get(path):
    with open(path, "rb") as f:
        return f.read()


def guest(script, directory, *options, mount="", **more):
    """Run @script in a guest that has @directory at /mnt."""
    return sh(f"mount -t hostfs none /mnt -o {directory}{mount} && cd /mnt && {{ {script}\n}}",
              f"hostfs={directory}", *options, **more)


def test_read_and_write(tmp):
    d = share(tmp)
    put(f"{d}/old", b"from the host\n")
    r = ended(guest("cat old; echo from the guest > new; echo more >> old", d), 0)
    check(r.out == b"from the host\n", "the host's file reads wrong", r)
    check(get(f"{d}/new") == b"from the guest\n", "the new file is not there", r)
    check(get(f"{d}/old") == b"from the host\nmore\n", "nothing was appended", r)


def test_as_root(tmp):
    if not BUSYBOX:
        raise Skipped("no busybox on this host")
    d = share(tmp)
    put(f"{d}/bin/busybox", get(BUSYBOX), 0o755)
    put(f"{d}/init.sh", b"#!/bin/busybox sh\n/bin/busybox echo root of $1, $2\n"
        b"/bin/busybox touch /was-here\n/bin/busybox poweroff -f\n", 0o755)
    for name in ("dev", "proc"):
        os.mkdir(f"{d}/{name}")
    root = ["root=/dev/root", "rootfstype=hostfs", f"rootflags={d}", "init=/init.sh"]
    r = ended(run(*root, "ro", cmd=["hostfs", "two words"]), 0)
    check(b"root of hostfs, two words\n" in r.out, "init did not get its arguments", r)
    check(not os.path.exists(f"{d}/was-here"), "a read-only root was written to", r)
    ended(run(*root, "rw", cmd=["hostfs", "two words"]), 0)
    check(os.path.exists(f"{d}/was-here"), "what init wrote is lost", r)
