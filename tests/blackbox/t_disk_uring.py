# SPDX-License-Identifier: GPL-2.0
"""Disks by the host's io_uring: what goes over the ring, that it can do nothing
else, and hosts without one. (The other tests of disks use it, too.)
"""

import ctypes
import errno
import glob
import os
import re
import struct
import subprocess

from disk import MIB, blank, ext4, noise, read
from t_confined import REFUSE, need
from t_cow import sha
from t_mconsole import good, guest
from uml import Guest, Skipped, check, ended, sh

HERE = os.path.dirname(os.path.abspath(__file__))
TRANSPORT = "cat /sys/block/ubd?/transport;"
READV, WRITEV, FSYNC, FALLOCATE = 1, 2, 3, 17
FIXED, LINK, ASYNC = 1, 4, 16
DATASYNC = 1
SHELL = ["sh", "-c", "echo up; while read -r line; do eval \"$line\"; echo \"done $?\"; done"]


def tell(g, line):
    """Have the guest's shell run a line; what it says."""
    before = len(g.out())
    g.send(line.encode() + b"\n")
    g.until(rb"(?s).{%d}.*done \d+\n" % before)
    return g.out()[before:]


def ring_of(pid):
    """The descriptor of a process's ring; skipped without one."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        if "[io_uring]" in os.readlink(f"/proc/{pid}/fd/{name}"):
            return int(name)
    raise Skipped("this host has no io_uring for us")


def tail_offset():
    """Where in its memory a ring has the tail of its entries: as in one of ours."""
    params = bytearray(120)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(425, 8, (ctypes.c_char * 120).from_buffer(params))
    if fd < 0:
        raise Skipped("io_uring_setup: " + os.strerror(ctypes.get_errno()))
    os.close(fd)
    return struct.unpack_from("I", params, 44)[0]


def entries(pid):
    """What was put on the ring: (operation, flags, flags of a sync), of the last 128."""
    places = {}
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            m = re.match(r"(\w+)-\w+ \S+ (\w+) .*\[io_uring\]", line)
            if m:
                places[int(m.group(2), 16)] = int(m.group(1), 16)
    if not places:
        raise Skipped("this host has no io_uring for us")
    with open(f"/proc/{pid}/mem", "rb", 0) as f:
        f.seek(places[0] + tail_offset())
        end, = struct.unpack("I", f.read(4))
        f.seek(places[0x10000000])
        data = f.read(64 * 128)
    found = []
    for n in range(max(0, end - 128), end):
        op, flags, *_, sync = struct.unpack_from("BBHiQQII", data, n % 128 * 64)
        found.append((op, flags, sync))
    return found


def test_what_goes_over_it(tmp):
    """Reads, writes, syncs, holes; each write with its sync where the disk is so."""
    disk, often = blank(tmp, size=4 * MIB), blank(tmp, "often", MIB)
    with Guest("ubd=uring", f"ubd0={disk}", f"ubd1s={often}", cmd=SHELL) as g:
        g.until(rb"up\n")
        tell(g, "dd if=/dev/urandom of=/dev/ubda bs=1M count=2 conv=fsync 2>/dev/null;"
                "blkdiscard -o 1048576 -l 1048576 /dev/ubda")
        done = entries(g.kernel())
        check((FSYNC, FIXED | ASYNC, DATASYNC) in done, "no sync", done)
        check((FALLOCATE, FIXED | ASYNC, 0) in done, "no hole", done)
        check(all(f & FIXED and f & ASYNC for _, f, _ in done), "flags are missing", done)
        if (WRITEV, FIXED | ASYNC, 0) in done:      # else the host need not wait
            check(done.index((FSYNC, FIXED | ASYNC, DATASYNC))
                  > done.index((WRITEV, FIXED | ASYNC, 0)), "the sync comes first", done)
        tell(g, "dd if=/dev/urandom of=/dev/ubdb bs=64k count=1 oflag=direct 2>/dev/null")
        check(entries(g.kernel())[-2:] == [(WRITEV, FIXED | ASYNC | LINK, 0),
                                           (FSYNC, FIXED | ASYNC, DATASYNC)],
              "no sync behind the write", entries(g.kernel()))
        tell(g, "sync")
        check(any(read(disk)[:MIB]) and not any(read(disk)[MIB:2 * MIB]), "other bytes")


def attack(tmp, g, what):
    """Use the ring as who has taken over the kernel process would; what comes of it."""
    program = os.path.join(tmp, "ring")
    if not os.path.exists(program):
        done = subprocess.run(["gcc", "-O1", "-static", "-o", program, f"{HERE}/ubd/ring.c"],
                              capture_output=True, text=True)
        check(done.returncode == 0, "ring.c does not compile", done.stderr)
    done = subprocess.run([program, str(g.kernel()), str(ring_of(g.kernel())), what],
                          capture_output=True, text=True, timeout=25)
    if done.returncode == 77:
        raise Skipped(done.stderr.strip())
    check(done.returncode == 0, "it cannot be tried", done.stdout[-200:] + done.stderr)
    return done.stdout


def test_other_operations_are_refused(tmp):
    """Each operation there is, with and without the flags that it must have."""
    disk = noise(tmp)
    with Guest(f"ubd0={disk}", cmd=SHELL) as g:
        g.until(rb"up\n")
        # So that the host has a worker, which cannot be made while all is stopped.
        tell(g, "dd if=/dev/zero of=/dev/ubda bs=4k count=1 conv=fsync 2>/dev/null")
        tried = [tuple(map(int, line.split())) for line in attack(tmp, g, "ops").splitlines()]
        check(len(tried) == 64 * 6, f"only {len(tried)} are tried")
        done = {op for op, _, result in tried if result not in
                (-errno.EACCES, -errno.EOPNOTSUPP, -errno.EINVAL)}
        check(done <= {READV, WRITEV, FSYNC, FALLOCATE}, f"the host did operations {done}")
        for op, flags, result in tried:
            may = op in (READV, WRITEV, FSYNC, FALLOCATE) and flags == FIXED | ASYNC
            if may:
                check(result != -errno.EACCES, f"operation {op} is refused")
            elif op < 40 and flags in (0, FIXED, ASYNC, FIXED | ASYNC):
                check(result == -errno.EACCES, f"operation {op}, flags {flags}: {result}")
        check(sha(read(disk)) in tell(g, "sha256sum /dev/ubda"), "the disk is harmed", g.words())


def test_other_calls_end_it(tmp):
    """No second ring, nothing registered but files, no other way to submit."""
    disk = noise(tmp)
    for what in ("setup", "register", "enter"):
        with Guest(f"ubd0={disk}", cmd=SHELL) as g:
            g.until(rb"up\n")
            said = attack(tmp, g, what)
            check(said == "killed\n", f"{what}: {said}")


def test_host_refuses(tmp):
    """Threads do it: silently, or with a line, also with quiet, when io_uring was asked for."""
    disk = noise(tmp)
    wrap = need(*REFUSE, "io_uring_setup")
    for options, said in ((["ubd=threads"], False), ([], False), (["ubd=uring"], True),
                          (["quiet", "ubd=uring"], True), (["quiet"], False)):
        r = ended(sh(TRANSPORT + "sha256sum /dev/ubda", *options, f"ubd0={disk}", wrap=wrap), 0)
        check(r.out.startswith(b"threads\n") and sha(read(disk)) in r.out, "not by threads", r)
        check((b"ubd=uring: no io_uring on this host (Operation not permitted)" in r.err) == said,
              f"{options}: what it says", r)


def test_host_refuses_later(tmp):
    """A ring can be made, but not locked or not used."""
    disk = noise(tmp)
    for name in ("io_uring_register", "io_uring_enter"):
        r = ended(sh(TRANSPORT + "dd if=/dev/urandom of=/dev/ubda bs=64k count=2 conv=fsync"
                     " 2>/dev/null; sha256sum /dev/ubda", f"ubd0={disk}",
                     wrap=need(*REFUSE, name)), 0)
        check(r.out.startswith(b"threads\n") and sha(read(disk)) in r.out,
              f"without {name}: other bytes, or not by threads", r)


def test_no_proc(tmp):
    """An image that cannot be opened a second time goes by threads."""
    disk = noise(tmp)
    wrap = need("unshare", "-rm", "sh", "-ec", 'mount -t tmpfs t /proc; exec "$@"', "sh")
    for options in ([], ["quiet", "ubd=uring"]):
        r = ended(sh(TRANSPORT + "sha256sum /dev/ubda", *options, f"ubd0={disk}", wrap=wrap), 0)
        check(r.out.startswith(b"threads\n") and sha(read(disk)) in r.out, "not by threads", r)
        check((f"ubd=uring: {disk} cannot be on the ring".encode() in r.err) == bool(options),
              f"{options}: what it says", r)


def test_words():
    """ubd= takes known words only."""
    r = ended(sh("true", "ubd=uringg"), 1)
    check(b"linux: ubd=uringg" in r.err.splitlines()[-1], "no clear line", r)


def test_forced(tmp):
    disk = noise(tmp)
    r = ended(sh(TRANSPORT, "ubd=threads", f"ubd0={disk}"), 0)
    check(r.out == b"threads\n", "not by threads", r)
    with Guest("ubd=threads", f"ubd0={disk}", cmd=SHELL) as g:
        g.until(rb"up\n")
        fds = glob.glob(f"/proc/{g.kernel()}/fd/*")
        check(not [f for f in fds if "io_uring" in os.readlink(f)], "there is a ring")


def holders(pid, path):
    """How many slots of the ring have a file."""
    with open(f"/proc/{pid}/fdinfo/{ring_of(pid)}") as f:
        return f.read().count(os.path.basename(path))


def test_later_disk(tmp):
    """One that is added goes over the ring, and leaves it when it is removed."""
    disk = noise(tmp, "later-disk", MIB)
    with guest(tmp, cmd=SHELL) as g:
        g.until(rb"up\n")
        ring_of(g.kernel())
        for _ in range(2):
            good(tmp, "config", f"ubd3={disk}")
            check(b"uring" in tell(g, TRANSPORT), "not by io_uring", g.words())
            said = tell(g, "dd if=/dev/urandom of=/dev/ubdd bs=64k count=9 conv=fsync 2>/dev/null;"
                           "sha256sum /dev/ubdd")
            check(sha(read(disk)) in said, "other bytes", said)
            check((FSYNC, FIXED | ASYNC, DATASYNC) in entries(g.kernel()), "not on the ring")
            check(holders(g.kernel(), disk) == 1, "the ring has not this file")
            good(tmp, "remove", "ubd3")
            check(not holders(g.kernel(), disk), "the ring still has it")
        ended(sh("true", f"ubd0={disk}"), 0, "another guest")


def test_released(tmp):
    """When the kernel process is gone nobody holds the lock, at once."""
    disk = ext4(tmp)
    for _ in range(5):
        with Guest(f"ubd0={disk}", cmd=["sh", "-c", "mount /dev/ubda /mnt; echo up;"
                   "dd if=/dev/zero of=/mnt/a bs=1M count=30; sleep 100"]) as g:
            g.until(rb"up\n")
            os.kill(g.kernel(), 9)
            g.wait(10)
        ended(sh("true", f"ubd0={disk}"), 0, "the next guest")
