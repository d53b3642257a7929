# SPDX-License-Identifier: GPL-2.0
"""Disks that are added and removed while the guest runs, by uml_mconsole."""

import os

import cow
from disk import MIB, blank, loop, noise, over_threads, read
from t_cow import sha
from t_mconsole import Client, bad, good, guest
from uml import Guest, check, ended, run

SHELL = ["sh", "-c", "echo up; while read -r line; do eval \"$line\"; echo \"done $?\"; done"]


def tell(g, line):
    """Have the guest's shell run a line; what it says."""
    before = len(g.out())
    g.send(line.encode() + b"\n")
    g.until(rb"(?s).{%d}.*done \d+\n" % before)
    return g.out()[before:]


def test_raw(tmp):
    disk = noise(tmp)
    with guest(tmp, cmd=SHELL) as g:
        bad(tmp, "remove", "ubd1")
        check(b"No such file" in bad(tmp, "config", f"ubd1={tmp}/none"), "not clear why")
        bad(tmp, "config", f"ubd16={disk}")
        check(b"'x'" in bad(tmp, "config", f"ubd1x={disk}"), "not clear why")
        # uml_mconsole would make a path of the empty name.
        failed, text = Client(tmp).ask(f"config ubd1={disk},,No-7".encode())
        check(not failed, f"a serial number: {text}")
        bad(tmp, "config", f"ubd1={disk}")
        check(disk.encode() in good(tmp, "config", "ubd1"), "config does not show it")
        check(b"No-7" in tell(g, "cat /sys/block/ubdb/serial"), "no serial", g.words())
        tell(g, "dd if=/dev/zero of=/dev/ubdb bs=64k count=2 conv=fsync 2>/dev/null")
        check(sha(read(disk)) in tell(g, "sha256sum /dev/ubdb"), "other bytes", g.words())
        check(not any(read(disk)[:131072]), "nothing was written")
        ended(run(f"ubd0={disk}", cmd="true", seconds=8), 1, "a second guest")
        tell(g, "exec 5</dev/ubdb")
        check(b"in use" in bad(tmp, "remove", "ubd1"), "removed, though it is open")
        tell(g, "exec 5<&-")
        good(tmp, "remove", "ubd1")
        check(b"done 1" in tell(g, "[ -e /dev/ubdb ]"), "the disk is still there", g.words())
        ended(run(f"ubd0={disk}", cmd="true"), 0, "the next guest")
        good(tmp, "config", f"ubd1r={disk}")
        check(b"done 1" in tell(g, "dd if=/dev/zero of=/dev/ubdb count=1 2>/dev/null"),
              "flag r has no effect", g.words())


def test_no_descriptor_of_the_kernel(tmp):
    """A number is no disk: neither guest memory nor what else the kernel has open."""
    with guest(tmp, cmd=SHELL) as g:
        for n in range(32):
            bad(tmp, "config", f"ubd1=fd:{n}")
            bad(tmp, "config", f"ubd1r=fd:{n}")
        check(b"done 1" in tell(g, "[ -e /dev/ubdb ]"), "there is a disk", g.words())


def test_who_has_it(tmp):
    """A file that is in use: by which disk of this guest, or by another guest."""
    disk, other = noise(tmp), blank(tmp, "other", MIB)
    back = blank(tmp, "back", MIB)
    file = cow.mkcow(os.path.join(tmp, "cow"), back)
    with guest(tmp, f"ubd3={file}", cmd=SHELL) as g:
        good(tmp, "config", f"ubd1={disk}")
        for word in (f"ubd2={disk}", f"ubd2r={disk}"):
            check(b"in use by ubd1 of this guest" in bad(tmp, "config", word), "not clear by whom")
        check(b"in use by ubd3 of this guest" in bad(tmp, "config", f"ubd2={back}"),
              "not clear by whom")
        r = ended(run(f"ubd0={disk}", cmd="true", seconds=8), 1, "a second guest")
        check(b"in use by another guest" in r.err, "not clear by whom", r)
        good(tmp, "remove", "ubd1")
        good(tmp, "config", f"ubd2={disk}")
        with Guest(f"ubd0={other}", cmd=SHELL) as second:
            second.until(rb"up\n")
            check(b"in use by another guest" in bad(tmp, "config", f"ubd1={other}"),
                  "not clear by whom", g.words())
    r = ended(run(f"ubd0={disk}", f"ubd1={disk}", cmd="true", seconds=8), 1)
    check(b"ubd1=" in r.err and b"in use by ubd0 of this guest" in r.err, "not clear by whom", r)


def test_read_only_device(tmp):
    """A device that cannot be written is taken with flag r only."""
    with guest(tmp, cmd=SHELL) as g, loop(blank(tmp), "--read-only") as device:
        check(b"the device is read-only" in bad(tmp, "config", f"ubd1={device}"), "not clear why")
        good(tmp, "config", f"ubd1r={device}")
        check(b"1\ndone 0" in tell(g, "cat /sys/block/ubdb/ro"), "it seems writable", g.words())
        good(tmp, "remove", "ubd1")


def test_removed_at_once(tmp):
    """Who has looked for partitions does not keep it."""
    disk = noise(tmp)
    with guest(tmp, cmd=SHELL):
        for _ in range(20):
            good(tmp, "config", f"ubd1={disk}")
            good(tmp, "remove", "ubd1")


def test_cow(tmp):
    back, other = noise(tmp), blank(tmp, "other", MIB)
    file = cow.mkcow(os.path.join(tmp, "cow"), back)
    with guest(tmp, f"ubd0={other}", cmd=SHELL) as g:
        # Who has the kernel process has no more files than the request names.
        check(back.encode() in bad(tmp, "config", f"ubd1={file}"), "not clear why")
        good(tmp, "remove", "ubd0")
        for n in (0, 1):
            good(tmp, "config", f"ubd{n}={file},{back}")
            letter = "ab"[n]
            tell(g, f"dd if=/dev/urandom of=/dev/ubd{letter} bs=4k seek={n} count=7 2>/dev/null")
            said = tell(g, f"sha256sum /dev/ubd{letter}")
            good(tmp, "remove", f"ubd{n}")
            check(sha(cow.moo(file, os.path.join(tmp, "out"))) in said,
                  "uml_moo makes another image of it", g.words())


def threads(g):
    return len(os.listdir(f"/proc/{g.kernel()}/task"))


def test_threads_for_later_disks(tmp):
    """Only a guest that disks can be added to has threads for them."""
    with Guest(cmd=SHELL) as alone, guest(tmp, "ubd=threads", cmd=SHELL) as managed:
        for g in (alone, managed):
            g.until(rb"up\n")
        check(threads(managed) - threads(alone) == 4,
              f"{threads(alone)} threads without a door, {threads(managed)} with it")


over_threads(globals(), "raw", "cow")
