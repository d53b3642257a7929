# SPDX-License-Identifier: GPL-2.0
"""Techniques that can be switched off, for measurements: the guest works without each.
And system calls that are patched, in programs that lie where their table would be.
"""

import hashlib
import os
import subprocess

import launcher
import programs
from disk import START, program
from uml import LINUX, TRANSPORT, Skipped, check, ended, sh

OPTIONS = ("nospin", "spin", "nonear", "nolinger", "nopatch", "nohabits", "notext", "nobatch", "noaround", "nojoin",
           "noidlewatch", "nokeeptables", "nopool", "vdso=0", "nopagereport", "hostfaults=cheap", "hostfaults=dear")
PROGRAMS = "fork", "memory", "sites", "text"


def test_without_each(tmp):
    """Forks, memory, patched calls with each option."""
    group = programs.Group("guest")
    names, broken = programs.compile_all(group, tmp, PROGRAMS, 2)
    check(not broken, "a program does not compile")
    archive = programs.archive(tmp, names)
    cases = set(programs.expected(tmp, names, ()))
    for option in OPTIONS:
        seen, bad = set(), []

        def line(text):
            match = programs.VERDICT.search(text)
            if match and match.group(1) in ("ok", "not ok", "skip"):
                seen.add(match.group(2))
                if match.group(1) == "not ok":
                    bad.append(text)

        status, tail = programs.watch([LINUX, "initrd=" + archive, "mem=512M", option], 30, False,
                                      line)
        check(status == 0 and not bad, f"{option}: status {status}, {bad}", "\n".join(tail[-5:]))
        check(cases <= seen, f"{option}: no verdict of {cases - seen}")


test_without_each.seconds = 150


def hot_site(tmp, address, *options):
    disk = program(tmp, "hotsite.c", f"-Wl,-Ttext-segment={address:#x}")
    script = START + "echo 1 > /proc/sys/kernel/randomize_va_space; /p"
    return ended(sh(script, *options, "ubdpr=" + disk), 0).out.split(b"\n")[:-1]


def test_program_at_the_table(tmp):
    """One that lies at the table's addresses is not patched, and runs."""
    said = hot_site(tmp, 0x5080000)
    check(said == [b"not patched", b"good"], said)


def test_heap_over_the_table(tmp):
    """The table makes room for the heap."""
    said = hot_site(tmp, 0x4000000)
    first = b"patched" if TRANSPORT == "seccomp" else b"not patched"
    check(said == [first, b"not patched", b"crossed", b"good"], said)


def test_heap_without_patches(tmp):
    said = hot_site(tmp, 0x4000000, "nopatch")
    check(said == [b"not patched", b"not patched", b"crossed", b"good"], said)


def libc():
    done = subprocess.run(["ldd", "/bin/cat"], capture_output=True, text=True)
    for word in done.stdout.split():
        if "libc.so" in word and word.startswith("/"):
            return os.path.realpath(word)
    raise Skipped("no /bin/cat that uses a libc")


def test_file_of_libc_stays():
    """Calls of libc that are hot, in a dynamic program: its file is as it was."""
    path = libc()
    with open(path, "rb") as f:
        want = hashlib.sha256(f.read()).hexdigest()
    script = (f"sha256sum {path}; dd if=/dev/zero of=/dev/null bs=1 count=50000 2>/dev/null;"
              f"sha256sum {path}")
    done = launcher.ended(launcher.run("sh", "-c", script, root=None), 0)
    sums = [line.split()[0] for line in done.stdout.decode().splitlines()]
    check(sums == [want, want], f"{path} is {want}, and in the guest {sums}")


def switches(*options):
    """Between a program that fills a pipe and one that empties it: how many, for 4000 writes."""
    count = "awk '/ctxt/ { print $2 }' /proc/stat; "
    pipe = "dd if=/dev/zero bs=4k count=4000 2>/dev/null | dd of=/dev/null bs=64k 2>/dev/null; "
    said = ended(sh(count + pipe + count, *options), 0).out.split()
    return int(said[1]) - int(said[0])


def test_a_pipe_is_filled_first():
    """Not a switch with each write; with `spin`, so that it does not depend on the load."""
    if TRANSPORT != "seccomp":
        raise Skipped("over ptrace nobody lingers")
    best, without = min(switches("spin") for _ in range(3)), switches("spin", "nolinger")
    check(best * 2 < without, f"{best} switches, and {without} with nolinger")
