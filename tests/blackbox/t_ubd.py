# SPDX-License-Identifier: GPL-2.0
"""Disks: images of the host as /dev/ubda and so on."""

import hashlib
import os
import re
import signal
import subprocess
import time

from disk import MIB, blank, cat, ext4, fsck, mbr, noise, over_threads, read, tool
from programs import initrd
from t_confined import NOBODY, copy, need
from uml import LIMIT, Guest, Skipped, check, ended, run, sh


def sha(data):
    return hashlib.sha256(data).hexdigest().encode()


def test_read(tmp):
    disk = noise(tmp)
    r = ended(sh("sha256sum /dev/ubda", f"ubd0={disk}"), 0)
    check(sha(read(disk)) in r.out, "the guest reads other bytes", r)


def test_write(tmp):
    disk = blank(tmp, size=8 * MIB)
    r = ended(sh("dd if=/dev/urandom of=/dev/ubda bs=64k count=128 2>/dev/null;"
                 "sync; sha256sum /dev/ubda", f"ubd0={disk}"), 0)
    check(sha(read(disk)) in r.out, "the image holds other bytes", r)


def test_small_and_unaligned_writes(tmp):
    disk = noise(tmp, size=MIB)
    want = bytearray(read(disk))
    script = ""
    for at in (0, 511, 513, 4095, 70001, MIB - 3):
        script += f"printf abc | dd of=/dev/ubda bs=1 seek={at} conv=notrunc 2>&1;"
        want[at:at + 3] = b"abc"
    ended(sh(script + "sync", f"ubd0={disk}"), 0)
    check(read(disk) == bytes(want), "the image differs from what was written")


def test_queues(tmp):
    """As many as the guest may have CPUs."""
    r = ended(sh("cat /sys/devices/system/cpu/possible; ls /sys/block/ubda/mq", f"ubd0={blank(tmp)}"), 0)
    possible, *queues = r.out.decode().split()
    last = possible.rpartition("-")[2]
    check(queues == [str(i) for i in range(int(last) + 1)], f"queues {queues}, CPUs {possible}", r)


def test_ext4(tmp):
    disk = ext4(tmp, files={"old": b"from the host\n"})
    r = ended(sh("mount /dev/ubda /mnt && cat /mnt/old &&"
                 "echo from the guest > /mnt/new && umount /mnt", f"ubd0={disk}"), 0)
    check(r.out == b"from the host\n", "the host's file reads wrong", r)
    fsck(disk)
    check(cat(disk, "/new") == b"from the guest\n", "the guest's file is lost")


IN_BACKGROUND = "echo 1000000 > /proc/sys/vm/dirty_background_bytes;"


def rests(tmp, prepare, *options):
    """How often a thread of the disk rested while the guest wrote and computed."""
    disk = ext4(tmp, name="rests" + "".join(options), size=64 * MIB)
    r = ended(sh("mount /dev/ubda /mnt; while :; do :; done & " + prepare +
                 "head -c 16000000 /dev/urandom > /mnt/data; sync -d /mnt/data;"
                 "cat /sys/block/ubda/rests; sha256sum < /mnt/data; kill $!; umount /mnt",
                 "mem=512M", *options, f"ubd0={disk}"), 0)
    number, digest = r.out.split()[:2]
    fsck(disk)
    check(sha(cat(disk, "/data")) == digest, "the disk holds other bytes", r)
    return int(number)


def test_background_rests(tmp):
    """What nobody waits for when it is written leaves time to who computes."""
    check(rests(tmp, IN_BACKGROUND) > 0, "writing back in the background did not rest")


def test_fsync_does_not_rest(tmp):
    check(rests(tmp, "") == 0, "a program's fdatasync was made to wait")


def test_eager(tmp):
    check(rests(tmp, IN_BACKGROUND, "ubd=eager") == 0, "it rested with ubd=eager")


def test_squashfs(tmp):
    """An image by mksquashfs, with either compression that is configured."""
    os.mkdir(f"{tmp}/d")
    data = b"a line that can be pressed\n" * 20000
    for name, content in (("text", data), ("noise", os.urandom(300000)), ("empty", b"")):
        with open(f"{tmp}/d/{name}", "wb") as f:
            f.write(content)
    os.symlink("text", f"{tmp}/d/link")
    for comp in ("gzip", "zstd"):
        disk = os.path.join(tmp, comp)
        done = subprocess.run([tool("mksquashfs"), f"{tmp}/d", disk, "-comp", comp, "-quiet",
                               "-no-progress"], capture_output=True, text=True)
        check(done.returncode == 0, "mksquashfs failed", done.stdout + done.stderr)
        r = ended(sh("mount -t squashfs /dev/ubda /mnt && cd /mnt && echo * && sha256sum link noise;"
                     "touch new 2>&1", f"ubd0r={disk}"), 1, "the failing touch")
        want = b"empty link noise text\n%s  link\n%s  noise\n" % (
            sha(data), sha(read(f"{tmp}/d/noise")))
        check(r.out.startswith(want), f"{comp}: other files", r)
        check(b"Read-only file system" in r.out, "a file was made in a squashfs", r)


def test_ext4_left_mounted(tmp):
    """A clean end unmounts."""
    disk = ext4(tmp)
    ended(sh("mount /dev/ubda /mnt && seq 20000 > /mnt/new", f"ubd0={disk}"), 0)
    fsck(disk)
    check(cat(disk, "/new").count(b"\n") == 20000, "the file is lost")


def test_ext4_as_root(tmp):
    busybox = next((p for p in ("/bin/busybox", "/usr/bin/busybox")
                    if os.path.exists(p)), None)
    if not busybox:
        raise Skipped("no busybox on this host")
    init = (b"#!/bin/busybox sh\n/bin/busybox echo root of $1, $2\n"
            b"/bin/busybox touch /was-here\n/bin/busybox poweroff -f\n")
    disk = ext4(tmp, files={"bin/busybox": busybox, "init.sh": init,
                            "dev/.keep": b"", "proc/.keep": b""})
    r = run(f"ubd0={disk}", "root=/dev/ubda", "rw", "init=/init.sh",
            cmd=["ext4", "two words"])
    ended(r, 0)
    check(b"root of ext4, two words\n" in r.out, "init did not get its arguments", r)
    fsck(disk, replay=True)
    check(b"was-here" in subprocess.run(
        ["/sbin/debugfs", "-R", "ls /", disk], capture_output=True).stdout,
        "what init wrote is lost")


def killed_after_sync(tmp, script, seconds):
    """SIGKILL @seconds after the guest said that it synced."""
    disk = ext4(tmp, name=f"disk{seconds}")
    with Guest(f"ubd0={disk}", cmd=["sh", "-c", script]) as g:
        said = g.until(rb"synced (\w+)\n", LIMIT).group(1)
        time.sleep(seconds)
        os.kill(g.kernel(), signal.SIGKILL)
        check(not g.gone(10), "processes are left")
    fsck(disk, replay=True)
    check(sha(cat(disk, "/kept")) == said, "what was synced is lost")


def test_sync_survives_kill(tmp):
    script = ("mount /dev/ubda /mnt; dd if=/dev/urandom of=/mnt/kept bs=64k "
              "count=40 2>/dev/null; sum=$(sha256sum < /mnt/kept); sync;"
              "echo synced ${sum%% *};"
              "while :; do dd if=/dev/urandom of=/mnt/new bs=64k count=20; sync;"
              "rm /mnt/new; done >/dev/null 2>&1")
    for seconds in (0, 0.1, 0.5):
        killed_after_sync(tmp, script, seconds)


def test_fsync_survives_kill(tmp):
    script = ("mount /dev/ubda /mnt; head -c 300000 /dev/urandom > /tmp/a;"
              "sum=$(sha256sum < /tmp/a);"
              "dd if=/tmp/a of=/mnt/kept conv=fsync 2>/dev/null;"
              "echo synced ${sum%% *}; seq 1000000 > /mnt/new; sleep 10")
    for seconds in (0, 0.3):
        killed_after_sync(tmp, script, seconds)


def disk_calls(tmp, g):
    """What the kernel process does with its images while a guest that waits for
    a line goes on and says "done": the lines of strace.
    """
    try:
        subprocess.run(["strace", "-V"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise Skipped("no strace on this host") from None
    log = os.path.join(tmp, "log")
    g.until(rb"up\n")
    # Attached to the threads of the kernel process only; it is not traced.
    with open(os.path.join(tmp, "err"), "w+") as err:
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", log, "-e", "trace=fdatasync,fsync,sync_file_range,"
             "pwrite64,pwritev,pwritev2", "-p", str(g.kernel())], stderr=err)
        try:
            time.sleep(1)
            g.send(b"go\n")
            g.until(rb"done\n")
        finally:
            # Not asked to detach: strace waits for ever for a tracee
            # that ends just then. Killed, the host detaches for it.
            tracer.kill()
            tracer.wait(5)
        g.send(b"end\n")
    with open(log) as f:
        calls = f.read()
    if "pwrite" not in calls:
        raise Skipped("strace cannot see the thread that writes")
    return calls


def test_flush_is_fdatasync(tmp):
    """A flush of the guest's disk is an fdatasync (or fsync) on the host."""
    with Guest("ubd=threads", f"ubd0={blank(tmp)}", cmd=["sh", "-c", "echo up; read x;"
               "dd if=/dev/zero of=/dev/ubda bs=4k count=1 conv=fsync; echo done; read x"]) as g:
        calls = disk_calls(tmp, g)
    check(re.search(r"f(data)?sync\(\d+", calls.rpartition("pwrite")[2]),
          "no fdatasync after the last write", calls[-500:])


SYNCHRONOUS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	int fd = open("/dev/ubda", O_WRONLY | O_DIRECT | O_DSYNC);
	void *page = aligned_alloc(4096, 4096);
	char line[8];

	puts("up");
	fflush(stdout);
	fgets(line, sizeof(line), stdin);
	for (int i = 0; i < 3; i++)
		if (pwrite(fd, page, 4096, i * 65536) != 4096)
			perror("write");
	puts("done");
	fflush(stdout);
	fgets(line, sizeof(line), stdin);
	return 0;
}
"""


def test_forced_write_is_on_the_disk(tmp):
    """Each write with FUA is one write and one fdatasync behind it, before the next."""
    with Guest("ubd=threads", f"ubd0={blank(tmp)}", f"initrd={initrd(tmp, sync=SYNCHRONOUS)}",
               "UML_ARGV=/sync") as g:
        calls = disk_calls(tmp, g)
    kinds = "".join("w" if "pwrite" in line else "s" for line in calls.splitlines()
                    if re.search(r"\b(pwritev?2?|pwrite64|f(data)?sync)\(", line))
    check(re.fullmatch(r"(w+s+){3}", kinds), f"writes and syncs are {kinds}", calls[-800:])


def test_read_only(tmp):
    disk = ext4(tmp, files={"old": b"old\n"})
    before = read(disk)
    script = ("blockdev --getro /dev/ubda; cat /sys/block/ubda/ro;"
              "printf abc | dd of=/dev/ubda 2>/dev/null && echo written;"
              "mount -o rw /dev/ubda /mnt 2>/dev/null;"
              "touch /mnt/new 2>/dev/null && [ -n \"$(mount | grep ubda)\" ]"
              " && echo created; umount /mnt 2>/dev/null;"
              "mount -o ro /dev/ubda /mnt && cat /mnt/old; exit 0")
    r = ended(sh(script, f"ubd0r={disk}"), 0)
    check(r.out == b"1\n1\nold\n", "not read-only", r)
    check(read(disk) == before, "the image was changed")


def test_read_only_file(tmp):
    """An image that the user may not write works with r, and is told without."""
    disk = noise(tmp)
    os.chmod(disk, 0o444)
    user = dict(wrap=need(*NOBODY), linux=copy(tmp), cwd="/")
    r = ended(run(f"ubd0={disk}", cmd="true", **user), 1)
    check(b"Permission denied" in r.err, "not clear why", r)
    r = ended(sh("sha256sum /dev/ubda", f"ubd0r={disk}", **user), 0)
    check(sha(read(disk)) in r.out, "the guest reads other bytes", r)


def test_several(tmp):
    """Up to 16, with gaps; ubd15 is /dev/ubdp."""
    disks = {n: noise(tmp, f"disk{n}", (n + 1) * 65536) for n in (0, 1, 2, 7, 15)}
    r = ended(sh("for d in /dev/ubd*; do sha256sum $d; done",
                 *[f"ubd{n}={path}" for n, path in disks.items()]), 0)
    want = b"".join(sha(read(path)) + b"  /dev/ubd" + bytes([ord("a") + n]) + b"\n"
                    for n, path in disks.items())
    check(r.out == want, "other disks or other bytes", r)


def test_several_busy(tmp):
    """Four disks are written at once."""
    disks = [blank(tmp, f"disk{n}", 4 * MIB) for n in range(4)]
    r = ended(sh("for d in a b c d; do (dd if=/dev/urandom of=/dev/ubd$d bs=16k "
                 "count=256 2>/dev/null) & done; wait; sync; sha256sum /dev/ubd?",
                 *[f"ubd{n}={path}" for n, path in enumerate(disks)]), 0)
    for path in disks:
        check(sha(read(path)) in r.out, f"{path} holds other bytes", r)


def test_partitions(tmp):
    disk = noise(tmp, size=4 * MIB)
    mbr(disk, (64, 1000), (2048, 4096))
    r = ended(sh("ls /dev/ubda*; sha256sum /dev/ubda1 /dev/ubda2", f"ubd0={disk}"), 0)
    data = read(disk)
    for first, count in ((64, 1000), (2048, 4096)):
        check(sha(data[first * 512:(first + count) * 512]) in r.out,
              f"the partition at sector {first} is not there or differs", r)


def test_device_numbers(tmp):
    disk = blank(tmp)
    r = ended(sh("stat -c '%t %T' /dev/ubda /dev/ubdb", f"ubd0={disk}",
                 f"ubd1={blank(tmp, 'other')}"), 0)
    majors = [int(line.split()[0], 16) for line in r.out.splitlines()]
    check(majors == [98, 98], f"the majors are {majors}, not 98", r)


def test_odd_sizes(tmp):
    """A tail that fills no sector does not count."""
    for size in (512, 1000, MIB + 511):
        disk = noise(tmp, f"disk{size}", size)
        r = ended(sh("blockdev --getsize64 /dev/ubda; sha256sum /dev/ubda",
                     f"ubd0={disk}"), 0)
        whole = size // 512 * 512
        check(r.out.split()[0] == b"%d" % whole, f"{size} bytes became another size", r)
        check(sha(read(disk)[:whole]) in r.out, f"{size}: other bytes", r)


def test_empty(tmp):
    """No sector at all: a disk of size 0 or a clear refusal."""
    r = run(f"ubd0={blank(tmp, size=0)}", cmd=["cat", "/sys/block/ubda/size"])
    if r.status == 0:
        check(r.out == b"0\n", "an empty image has sectors", r)
    else:
        ended(r, 1)
        check(b"linux: " in r.err, "no clear line", r)


def test_large_sparse(tmp):
    """A terabyte that the host does not have."""
    disk = blank(tmp, size=1 << 40)
    r = ended(sh("printf mark | dd of=/dev/ubda bs=1 seek=1099511627772 "
                 "conv=notrunc 2>/dev/null; sync; blockdev --getsize64 /dev/ubda",
                 f"ubd0={disk}"), 0)
    check(r.out == b"1099511627776\n", "another size", r)
    with open(disk, "rb") as f:
        f.seek((1 << 40) - 4)
        check(f.read() == b"mark", "the last bytes are not on the image")


def test_block_device(tmp):
    disk = noise(tmp)
    done = subprocess.run(["losetup", "-f", "--show", disk],
                          capture_output=True, text=True)
    if done.returncode:
        raise Skipped("losetup: " + done.stderr.strip()[:80])
    loop = done.stdout.strip()
    try:
        r = ended(sh("sha256sum /dev/ubda", f"ubd0={loop}"), 0)
    finally:
        subprocess.run(["losetup", "-d", loop], check=False)
    check(sha(read(disk)) in r.out, "the guest reads other bytes", r)


def test_not_a_disk(tmp):
    """Character devices, pipes and sockets are refused, without a hang."""
    fifo = os.path.join(tmp, "fifo")
    os.mkfifo(fifo)
    for option in (f"ubd0={fifo}", f"ubd0r={fifo}", "ubd0r=/dev/zero"):
        r = ended(run(option, cmd="true", seconds=8), 1, option)
        check(b"linux: " in r.err.splitlines()[-1], f"{option}: no clear line", r)


def test_discard_punches_holes(tmp):
    disk = noise(tmp, size=8 * MIB)
    before = os.stat(disk).st_blocks
    r = ended(sh("blkdiscard -o 1048576 -l 4194304 /dev/ubda", f"ubd0={disk}"), 0)
    after, data = os.stat(disk).st_blocks, read(disk)
    check(before - after >= 4 * MIB // 512 * 0.9,
          f"{before} blocks became {after}: no holes", r)
    check(len(data) == 8 * MIB, "the size of the image changed")
    check(not any(data[MIB:5 * MIB]), "discarded data is still there")
    check(any(data[:MIB]) and any(data[5 * MIB:]), "too much was discarded")


def test_discard_of_ext4(tmp):
    disk = ext4(tmp)
    r = ended(sh("mount /dev/ubda /mnt && dd if=/dev/urandom of=/mnt/a bs=1M count=16"
                 " 2>/dev/null && sync && rm /mnt/a && sync && fstrim /mnt",
                 f"ubd0={disk}"), 0)
    check(os.stat(disk).st_blocks * 512 < 12 * MIB, "fstrim freed nothing", r)
    fsck(disk)


over_threads(globals(), "write", "small_and_unaligned_writes", "ext4", "fsync_survives_kill",
             "several_busy", "block_device", "discard_punches_holes", "discard_of_ext4")
