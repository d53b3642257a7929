# SPDX-License-Identifier: GPL-2.0
"""The kernel process is killed while the guest writes and syncs: what was
acknowledged is there, and the file system is whole. LONG=1: 200 times.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time

import cow
from disk import MIB, ext4, fsck, over_threads, tool
from uml import Guest, Skipped, check

TIMES = 200 if os.environ.get("LONG") else 8

# Two writers; each file is acknowledged when its fsync has returned. One more
# file is written over again and again; what it says is never taken back.
LOAD = """
mount /dev/ubda /mnt
writer() {
    i=0
    while :; do
        i=$((i + 1))
        seq $i $((i + $2)) | dd of=/mnt/$1$i bs=64k conv=fsync 2>/dev/null || exit
        echo "ack $1$i $i $((i + $2))"
        echo $i | dd of=/mnt/$1-last conv=fsync,notrunc 2>/dev/null || exit
        echo "last $1 $i"
        [ $i -lt 20 ] || rm /mnt/$1$((i - 19))
    done
}
writer a 100 & writer b 9000 &
wait
"""


def killed(disk, options, seconds):
    """The guest's words up to its sudden end."""
    with Guest(*options, cmd=["sh", "-c", LOAD]) as g:
        g.until(rb"ack a1 ")
        time.sleep(seconds)
        os.kill(g.kernel(), signal.SIGKILL)
        check(not g.gone(10), "processes are left")   # a sync ends before its thread does
        return g.out().decode()


def look(words, image, tmp):
    """Compare an image with what was acknowledged."""
    fsck(image, replay=True)
    found = os.path.join(tmp, "found")
    os.mkdir(found)
    subprocess.run([tool("debugfs"), "-R", f"rdump / {found}", image],
                   capture_output=True, check=True)
    acks = re.findall(r"^ack (\w)(\d+) (\d+) (\d+)$", words, re.M)
    newest = {w: max(int(n) for who, n, *_ in acks if who == w)
              for w in {who for who, *_ in acks}}
    for who, number, first, last in acks:
        if int(number) <= newest[who] - 18:
            continue        # removed, or about to be
        want = "".join(f"{n}\n" for n in range(int(first), int(last) + 1))
        path = os.path.join(found, who + number)
        check(os.path.exists(path), f"{who}{number} was acknowledged and is gone", words[-200:])
        with open(path) as f:
            check(f.read() == want, f"{who}{number} differs", words[-200:])
    for who, number in dict(re.findall(r"^last (\w) (\d+)$", words, re.M)).items():
        with open(os.path.join(found, who + "-last")) as f:
            check(int(f.read()) >= int(number), f"{who}-last was taken back", words[-200:])
    shutil.rmtree(found)
    return len(acks)


def crashes(tmp, times, options, image):
    """@image(): what the disk is after a crash."""
    rng, acks = random.Random(), 0
    empty = ext4(tmp, "empty", 48 * MIB)
    for n in range(times):
        disk = os.path.join(tmp, "disk")
        shutil.copy(empty, disk)
        seconds = rng.random() * 0.8
        words = killed(disk, options(disk), seconds)
        try:
            acks += look(words, image(disk), tmp)
        except BaseException:
            print(f"# crash {n}, {seconds:.3f} s after the first file")
            raise
    check(acks >= times, f"only {acks} files in {times} runs")


def test_raw(tmp):
    crashes(tmp, TIMES // 2, lambda disk: [f"ubd0={disk}"], lambda disk: disk)


def test_cow(tmp):
    file, out = os.path.join(tmp, "cow"), os.path.join(tmp, "out")

    def options(disk):
        if os.path.exists(file):
            os.unlink(file)
        return [f"ubd0={file},{disk}"]

    def image(disk):
        cow.moo(file, out)
        return out

    crashes(tmp, TIMES // 2, options, image)


test_raw.seconds = test_cow.seconds = 60 + 12 * TIMES


def traced(option, script, tmp):
    """Host calls of the disk's threads, in order: (name, descriptor, offset)."""
    try:
        subprocess.run(["strace", "-V"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Skipped("no strace on this host") from None
    log = os.path.join(tmp, "log")
    with Guest("ubd=threads", option, cmd=["sh", "-c", "echo up; read x;" + script
                                           + "echo done; read x"]) as g:
        g.until(rb"up\n")
        with open(os.path.join(tmp, "err"), "w+") as err:
            tracer = subprocess.Popen(
                ["strace", "-f", "-s", "0", "-o", log, "-e",
                 "trace=fdatasync,pwrite64,pwritev,pwritev2", "-p", str(g.kernel())], stderr=err)
            try:
                time.sleep(1)
                g.send(b"go\n")
                g.until(rb"done\n")
            finally:
                tracer.kill()   # see t_ubd.py
                tracer.wait(5)
        g.send(b"end\n")
    calls = []
    with open(log) as f:
        for line in f:
            m = re.match(r"\d+ +(\w+)\((\d+)(?:, .*, (\d+)(?:, RWF_\w+)?)?[)<= ]", line)
            if m and "resumed" not in line:
                # A write of the vCPU (pwritev2) counts as one of a thread.
                calls.append((m.group(1).removesuffix("2"), int(m.group(2)),
                              int(m.group(3) or -1)))
    if not [c for c in calls if c[0] == "pwritev"]:
        raise Skipped("strace cannot see the threads that write")
    return calls


def test_bits_come_after_their_sectors(tmp):
    """Write, sync, bitmap, sync: in this order whatever is killed."""
    back = ext4(tmp)
    calls = traced(f"ubd0={tmp}/cow,{back}",
                   "dd if=/dev/urandom of=/dev/ubda bs=64k count=2 conv=fsync 2>/dev/null;", tmp)
    names = [name for name, *_ in calls]
    bitmap = names.index("pwrite64")
    check(calls[bitmap][2] == 2 * cow.ALIGN, "that is not the bitmap", calls)
    check(set(names[:bitmap - 1]) == {"pwritev"} and names[bitmap - 1] == "fdatasync",
          "no sync between sectors and bitmap", calls)
    check(names[bitmap + 1] == "fdatasync", "no sync behind the bitmap", calls)
    check(names.count("pwrite64") == 1, "the bitmap is not written in one batch", calls)


def test_sync_flag(tmp):
    """Flag s: a sync after each write, without a flush of the guest."""
    disk = ext4(tmp)
    dd = "dd if=/dev/zero of=/dev/ubda bs=64k count=4 oflag=direct 2>/dev/null;"
    for option, want in ((f"ubd0={disk}", False), (f"ubd0s={disk}", True)):
        names = [name for name, *_ in traced(option, dd, tmp)]
        last = len(names) - names[::-1].index("pwritev")
        check(("fdatasync" in names[last:]) == want, f"{option}: {names}")


over_threads(globals(), "raw", "cow")
