# SPDX-License-Identifier: GPL-2.0
"""Disks that go wrong: the guest sees an error, the command gets its status,
the guest lives and nothing hangs.
"""

import hashlib
import os
import re
import subprocess
import sys

from disk import MIB, blank, cat, ext4, fsck, noise, over_threads, read
from uml import LIMIT, LINUX, Guest, check, ended, run, sh
from t_confined import HERE, NOBODY, REFUSE, copy, mounts, need

LIVES = "/bin/echo lives"


def lives(r, *errors):
    ended(r, 0)
    check(b"lives\n" in r.out, "the guest does not live on", r)
    for error in errors:
        check(re.search(error, r.out), f"no {error!r}", r)
    return r


def test_noise_is_no_file_system(tmp):
    lives(sh(f"mount -t ext4 /dev/ubda /mnt 2>&1; echo status $?; {LIVES}",
             f"ubd0={noise(tmp)}"), rb"status [1-9]")


def damaged(tmp, name, damage):
    disk = ext4(tmp, name, files={f"f{i}": os.urandom(3000) for i in range(50)})
    with open(disk, "r+b") as f:
        damage(f)
    return disk


def zero(at, count):
    def damage(f):
        f.seek(at)
        f.write(bytes(count))
    return damage


def test_damaged_file_systems(tmp):
    """Whatever mount and reading say, they end and the guest lives."""
    def short(f):
        f.truncate(MIB)

    def flip(f):
        for at in range(8192, 400000, 977):
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 0xFF]))

    damages = {"superblock": zero(1024, 1024), "groups": zero(4096, 4096),
               "inodes": zero(40000, 200000), "short": short, "flip": flip}
    disks = [damaged(tmp, name, d) for name, d in damages.items()]
    # errors=continue: a panic on an error would be asked for, not a fault.
    script = ("for d in a b c d e; do mount -o errors=continue /dev/ubd$d /mnt &&"
              " { cat /mnt/* > /dev/null; touch /mnt/new; sync; umount /mnt; };"
              f" done 2>&1 | head -c 2000; {LIVES}")
    lives(sh(script, *[f"ubd{n}={d}" for n, d in enumerate(disks)]), rb"mount:")


def test_image_removed(tmp):
    """The open image lives on without a name."""
    disk = ext4(tmp)
    with Guest(f"ubd0={disk}", cmd=["sh", "-c", "mount /dev/ubda /mnt; echo up;"
               "read x; echo text > /mnt/a; sync; echo 3 > /proc/sys/vm/drop_caches;"
               f"cat /mnt/a; umount /mnt; {LIVES}"]) as g:
        g.until(rb"up\n")
        fd = os.open(disk, os.O_RDONLY)
        os.unlink(disk)
        g.send(b"go\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(g.out() == b"up\ntext\nlives\n", "wrong words", g.words())
        copy = os.path.join(tmp, "copy")
        with os.fdopen(fd, "rb") as f, open(copy, "wb") as out:
            out.write(f.read())
    fsck(copy)
    check(cat(copy, "/a") == b"text\n", "what was written is lost")


def test_image_truncated(tmp):
    """Reads behind the image's new end fail; they do not hang or give noise."""
    disk = noise(tmp, size=8 * MIB)
    with Guest(f"ubd0={disk}", cmd=["sh", "-c", "echo up; read x;"
               "dd if=/dev/ubda of=/dev/null bs=64k; echo status $?;"
               "dd if=/dev/ubda bs=64k count=1 2>/dev/null | sha256sum;"
               f"{LIVES}"]) as g:
        g.until(rb"up\n")
        os.truncate(disk, MIB)
        g.send(b"go\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"lives\n" in g.out(), "the guest does not live on", g.words())
        check(b"status 1\n" in g.out(), "no error behind the end", g.words())


def test_image_truncated_under_ext4(tmp):
    disk = ext4(tmp, files={"a": os.urandom(MIB)})
    with Guest(f"ubd0={disk}", cmd=["sh", "-c",
               "mount -o errors=continue /dev/ubda /mnt; echo up; read x;"
               "seq 100000 > /mnt/b; sync; cat /mnt/a | wc -c; umount -f /mnt;"
               f"{LIVES}"]) as g:
        g.until(rb"up\n")
        os.truncate(disk, 0)
        g.send(b"go\n")
        status = g.wait()
        check(status == 0 and b"lives\n" in g.out(), f"status {status}", g.words())


def on_a_tiny_tmpfs(tmp, make, cmd, size="2m"):
    """Run on an image in a tmpfs that is much smaller than the image."""
    place = os.path.join(tmp, "tiny")
    os.mkdir(place)
    disk = os.path.join(place, "disk")
    wrap = mounts(f"mount -t tmpfs -o size={size} t {place}; truncate -s 32M {disk};"
                  + make.format(disk=disk))
    return sh(cmd, f"ubd0={disk}", wrap=wrap, seconds=25)


def test_no_space_under_the_image(tmp):
    r = on_a_tiny_tmpfs(tmp, ":", "dd if=/dev/urandom of=/dev/ubda bs=64k count=128"
                        f" conv=fsync 2>&1; echo status $?; {LIVES}")
    lives(r, rb"status 1\n")


def test_no_space_under_ext4(tmp):
    r = on_a_tiny_tmpfs(
        tmp, "PATH=$PATH:/sbin mke2fs -q -F -t ext4 -J size=1 {disk}",
        "mount -o errors=continue /dev/ubda /mnt && for i in 1 2 3 4; do "
        "dd if=/dev/urandom of=/mnt/$i bs=64k count=32 conv=fsync; done 2>&1;"
        f"echo status $?; umount /mnt; {LIVES}", size="4m")
    lives(r, rb"status 1\n")


test_no_space_under_the_image.seconds = test_no_space_under_ext4.seconds = 40


def test_file_size_limit_under_the_image(tmp):
    """RLIMIT_FSIZE: an error of the disk, not SIGXFSZ for the kernel process."""
    disk = blank(tmp, size=256 * MIB)
    # The limit (128 MiB, in units of 1 KiB) leaves room for guest memory.
    r = run(f"ubd0={disk}", "mem=96M",
            cmd=["sh", "-c", "dd if=/dev/urandom of=/dev/ubda bs=64k"
                 f" seek=3000 count=16 conv=fsync 2>&1; echo status $?; {LIVES}"],
            wrap=["bash", "-c", 'ulimit -f 131072; exec "$@"', "sh"])
    lives(r, rb"status 1\n")


def test_one_writer(tmp):
    """Two guests cannot write one image."""
    disk = blank(tmp)
    with Guest(f"ubd0={disk}", cmd=["sh", "-c", "echo up; read x"]) as g:
        g.until(rb"up\n")
        for option in (f"ubd0={disk}", f"ubd0r={disk}"):
            r = run(option, cmd="true", seconds=8)
            ended(r, 1, "a second guest with " + option)
            check(disk.encode() in r.err.splitlines()[-1], "no clear line", r)
        g.send(b"end\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
    ended(run(f"ubd0={disk}", cmd="true"), 0, "a guest after the first ended")


def test_lock_ends_with_the_kernel(tmp):
    """SIGKILL leaves no lock."""
    disk = blank(tmp)
    with Guest(f"ubd0={disk}", cmd=["sh", "-c", "sleep 100 & echo up; sleep 100"]) as g:
        g.until(rb"up\n")
        g.proc.kill()
        check(not g.gone(10), "processes are left")
        ended(run(f"ubd0={disk}", cmd="true"), 0, "the next guest")


def test_many_readers(tmp):
    disk = noise(tmp)
    with Guest(f"ubd0r={disk}", cmd=["sh", "-c", "echo up; read x"]) as g:
        g.until(rb"up\n")
        ended(run(f"ubd0r={disk}", cmd="true"), 0, "a second reader")
        r = run(f"ubd0={disk}", cmd="true", seconds=8)
        ended(r, 1, "a writer beside a reader")


def test_one_image_twice(tmp):
    """In one guest: two disks that do not know of each other."""
    disk = blank(tmp)
    ended(run(f"ubd0={disk}", f"ubd1={disk}", cmd="true", seconds=8), 1)


def test_disk_does_not_block_the_guest(tmp):
    """While one process writes and syncs much, another one wakes as it asked."""
    disk = blank(tmp, size=64 * MIB)
    script = ("dd if=/dev/urandom of=/dev/ubda bs=1M count=48 conv=fsync "
              "2>/dev/null & n=0; while kill -0 $! 2>/dev/null; do "
              "usleep 20000; n=$((n+1)); done; echo ticks $n; cat /proc/uptime;"
              f"{LIVES}")
    lives(sh(script, f"ubd0={disk}", seconds=25), rb"ticks [1-9]")
    check(any(read(disk)[:MIB]), "nothing was written")


def host_fails(tmp, calls, script):
    """Every one of these calls of the threads of ubd fails with EIO."""
    return sh(script + LIVES, "ubd=threads", f"ubd0={noise(tmp)}", seconds=25,
              wrap=need(*REFUSE, calls + "=EIO"))


def test_host_cannot_read(tmp):
    lives(host_fails(tmp, "preadv,preadv2", "dd if=/dev/ubda of=/dev/null bs=64k count=1 2>&1;"
                     "echo status $?;"), rb"Input/output error", rb"status 1\n")


def test_host_cannot_write(tmp):
    lives(host_fails(tmp, "pwritev,pwritev2", "dd if=/dev/zero of=/dev/ubda bs=64k count=1"
                     " conv=fsync 2>&1; echo status $?;"), rb"Input/output error", rb"status 1\n")
    check(any(read(os.path.join(tmp, "disk"))[:65536]), "written all the same")


def test_host_cannot_sync(tmp):
    """The data may be written; who asked for a sync is told that there was none."""
    lives(host_fails(tmp, "fdatasync", "dd if=/dev/zero of=/dev/ubda bs=64k count=1 2>&1;"
                     "dd if=/dev/zero of=/dev/ubda bs=64k count=1 conv=fsync 2>&1; echo status $?;"),
          rb"Input/output error", rb"status 1\n")


# In hundredths of a second; 08 would be octal.
TICKS = ("t() { read now rest < /proc/uptime; now=$((${now%.*}*100 + 1${now#*.} - 100)); };"
         "t; last=$now; worst=0;"
         "begin=$now; n=0; while kill -0 $! 2>/dev/null; do usleep 20000; t; n=$((n+1));"
         "[ $((now-last)) -gt $worst ] && worst=$((now-last)); last=$now; done;"
         "echo ticks $n worst $worst all $((now-begin));")


def test_slow_disk_does_not_block_the_guest(tmp):
    """Each read, write and sync takes the host 0.7 s: nobody else waits for that.
    Those that ask to be refused rather than to wait (RWF_NOWAIT) are refused.
    """
    slow = need(*REFUSE, "preadv2,pwritev2=EAGAIN", sys.executable, os.path.join(HERE, "slow.py"),
                "preadv,pwritev,fdatasync", "0.7")
    script = ("(dd if=/dev/ubda of=/dev/null bs=64k count=1 skip=20;"
              "dd if=/dev/zero of=/dev/ubda bs=64k count=1 conv=fsync) 2>/dev/null & "
              + TICKS + LIVES)
    r = lives(sh(script, "ubd=threads", f"ubd0={noise(tmp)}", seconds=25, wrap=slow))
    ticks, worst, took = map(int, re.search(rb"ticks (\d+) worst (\d+) all (\d+)", r.out).groups())
    check(took >= 200, f"the disk was not slow: {took} hundredths of a second", r)
    check(worst < 50 and ticks > 20, f"a sleep of 20 ms took up to {worst} hundredths", r)


def test_checks_before_the_boot(tmp):
    """A bad second disk is told before anything of the first is touched."""
    disk = noise(tmp)
    before = read(disk)
    r = subprocess.run([LINUX, f"ubd0={disk}", "ubd1=/nonexistent"],
                       capture_output=True, stdin=subprocess.DEVNULL,
                       timeout=LIMIT)
    check(r.returncode == 1, f"status {r.returncode}", r.stderr.decode())
    check(read(disk) == before, "the first disk was changed")


# Copy-on-write disks

def test_backing_file_cannot_be_read(tmp):
    """Told at boot, with the name of the file that it is about."""
    back, file = noise(tmp), os.path.join(tmp, "cow")
    ended(run(f"ubd0={file},{back}", cmd="true"), 0)
    os.chmod(file, 0o666)
    os.chmod(back, 0)
    user = dict(wrap=need(*NOBODY), linux=copy(tmp), cwd="/")
    if os.getuid():
        user["wrap"] = ()
    r = ended(run(f"ubd0={file}", cmd="true", **user), 1)
    last = r.err.splitlines()[-1]
    check(back.encode() in last and b"Permission denied" in last, "no clear line", r)


def test_backing_file_truncated(tmp):
    """What lies behind its end is an I/O error; what the COW file has is there."""
    back, file = noise(tmp, size=8 * MIB), os.path.join(tmp, "cow")
    with Guest(f"ubd0={file},{back}", cmd=["sh", "-c",
               "dd if=/dev/zero of=/dev/ubda bs=64k seek=64 count=2 conv=fsync 2>/dev/null;"
               "echo 3 > /proc/sys/vm/drop_caches; echo up; read x;"
               "dd if=/dev/ubda of=/dev/null bs=64k skip=32 count=1; echo status $?;"
               "dd if=/dev/ubda of=/dev/null bs=64k skip=64 count=2; echo status $?;"
               "dd if=/dev/ubda of=/dev/null bs=64k count=4; echo status $?;"
               f"{LIVES}"]) as g:
        g.until(rb"up\n")
        os.truncate(back, MIB)
        g.send(b"go\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(re.findall(rb"status (\d)", g.out()) == [b"1", b"0", b"0"],
              "errors elsewhere", g.words())
        check(b"lives\n" in g.out(), "the guest does not live on", g.words())


def test_cow_file_truncated(tmp):
    """While it is used: errors or old data, and the guest lives."""
    back, file = noise(tmp, size=8 * MIB), os.path.join(tmp, "cow")
    with Guest(f"ubd0={file},{back}", cmd=["sh", "-c",
               "dd if=/dev/zero of=/dev/ubda bs=64k count=32 conv=fsync 2>/dev/null;"
               "echo 3 > /proc/sys/vm/drop_caches; echo up; read x;"
               "dd if=/dev/ubda of=/dev/null bs=64k count=4; echo status $?;"
               "dd if=/dev/zero of=/dev/ubda bs=64k seek=100 count=4 conv=fsync;"
               f"echo write $?; {LIVES}"]) as g:
        g.until(rb"up\n")
        os.truncate(file, 0)
        g.send(b"go\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"status 1\n" in g.out() and b"lives\n" in g.out(), "no error", g.words())


def test_no_space_under_a_cow_file(tmp):
    """A write that finds no space is an error, and what was there stays."""
    place = os.path.join(tmp, "tiny")
    os.mkdir(place)
    back = noise(tmp, size=8 * MIB)
    wrap = mounts(f"mount -t tmpfs -o size=2m t {place}")
    r = sh("dd if=/dev/zero of=/dev/ubda bs=64k count=4 conv=fsync 2>/dev/null; echo first $?;"
           "dd if=/dev/zero of=/dev/ubda bs=64k seek=8 count=100 conv=fsync; echo status $?;"
           "echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/ubda bs=64k count=4 2>/dev/null | tr -d"
           f" '\\0' | wc -c; dd if=/dev/ubda bs=64k skip=120 2>/dev/null | sha256sum; {LIVES}",
           f"ubd0={place}/cow,{back}", wrap=wrap, seconds=25)
    lives(r, rb"first 0\n", rb"status 1\n", rb"\n0\n")
    want = hashlib.sha256(read(back)[120 * 65536:]).hexdigest().encode()
    check(want in r.out, "what was not written reads as something else", r)


test_no_space_under_a_cow_file.seconds = 40


over_threads(globals(), "image_truncated", "no_space_under_the_image",
             "file_size_limit_under_the_image", "no_space_under_ext4",
             "disk_does_not_block_the_guest", "cow_file_truncated", "no_space_under_a_cow_file")
