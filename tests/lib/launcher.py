# SPDX-License-Identifier: GPL-2.0
"""tests/lib/launcher.py - build/uml as a test calls it."""

import os
import subprocess

from uml import BUILD, LINUX, Failed, check, tail

UML = os.environ.get("UML", os.path.join(BUILD, "uml"))
LIMIT = 25


def command(*words, options=(), root="none"):
    """uml run, by default in the small system that is part of the kernel."""
    where = ["--root", root] if root else []
    return [UML, "run", "-q", "--kernel", LINUX, *where, *options, "--", *words]


def uml(*words, seconds=LIMIT, **more):
    """Another command of uml."""
    return subprocess.run([UML, *words], capture_output=True, timeout=seconds, **more)


def run(*words, options=(), root="none", seconds=LIMIT, **more):
    return subprocess.run(command(*words, options=options, root=root), capture_output=True,
                          timeout=seconds, **more)


def sh(script, **more):
    return run("sh", "-c", script, **more)


def ended(done, status, what="it"):
    check(done.returncode == status, f"{what} ended with {done.returncode}, not {status}",
          f"stdout: {tail(done.stdout or b'')!r}\nstderr: {tail(done.stderr or b'')!r}")
    return done


def said(done, text):
    """One line of ours on stderr, and only that."""
    check(text in done.stderr and done.stderr.startswith(b"uml: ")
          and done.stderr.count(b"\n") == 1, f"said {done.stderr!r}")


def start(*words, options=(), root="none", **more):
    return subprocess.Popen(command(*words, options=options, root=root),
                            start_new_session=True, **more)


def read_until(stream, text):
    """Read a pipe to @text; the test's own limit of time ends it else."""
    seen = b""
    while text not in seen:
        data = os.read(stream.fileno(), 65536)
        if not data:
            raise Failed(f"ended before {text!r}: {seen!r}")
        seen += data
    return seen
