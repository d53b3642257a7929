# SPDX-License-Identifier: GPL-2.0
"""chan0=: /dev/umlchan0, waited for as the launcher's agent does not."""

import contextlib
import os
import socket
import subprocess

from programs import newc
from uml import Guest, check

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 40
ROUNDS, READERS = 20, 8     # as in chan/init.c


@contextlib.contextmanager
def talking(tmp, what):
    """A guest that does @what, and our end."""
    init, archive = os.path.join(tmp, "init"), os.path.join(tmp, "cpio")
    done = subprocess.run(["gcc", "-O1", "-static", "-o", init, f"{HERE}/chan/init.c"],
                          capture_output=True, text=True)
    check(done.returncode == 0, "chan/init.c does not compile", done.stderr)
    with open(init, "rb") as f, open(archive, "wb") as out:
        out.write(newc([("dev", 0o40755, b""), ("init", 0o100755, f.read())]))
    theirs, ours = socket.socketpair()
    ours.settimeout(SECONDS)
    os.set_inheritable(theirs.fileno(), True)
    with ours, theirs, Guest(f"chan0=fd:{theirs.fileno()}", f"initrd={archive}",
                             pass_fds=[theirs.fileno()]) as g:
        ours.sendall(what)
        said(ours, b"r", g)
        yield g, ours
        check(g.wait(SECONDS) == 0, f"status {g.status()}", g.words())


def said(ours, want, g):
    try:
        got = ours.recv(100)
    except socket.timeout:
        got = b"nothing"
    check(got == want, f"it said {got!r}, not {want!r}", g.words())


def test_edges(tmp):
    """Who waits for edges reads to the end, and is told of the next byte."""
    with talking(tmp, b"e") as (g, ours):
        for i in range(ROUNDS):
            ours.sendall(bytes([i]))
            said(ours, bytes([i]), g)


def test_many_readers(tmp):
    """All are woken by a byte that one of them takes; the next byte wakes another."""
    with talking(tmp, b"m") as (g, ours):
        for i in range(READERS):
            ours.sendall(bytes([i]))
            said(ours, bytes([i]), g)


test_edges.seconds = test_many_readers.seconds = 2 * SECONDS + 20
