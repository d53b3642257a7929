# SPDX-License-Identifier: GPL-2.0
"""uml run and files of each kind: roots that are squashfs or devices, archives in
every packing, disks that are devices, files that may not be read; and no file
that is ours is left anywhere.
"""

import bz2
import lzma
import os
import shutil
import subprocess
import time

import disk
from disk import MIB, loop, tool
from launcher import LIMIT, UML, command, ended, read_until, run, said, sh
from t_confined import NOBODY, need
from t_disk_faults import mounts
from t_root import archive, image
from uml import LINUX, check, family, process_table


def squashfs(tmp, *options):
    """The files of image() in a squashfs."""
    make = tool("mksquashfs")
    image(tmp)
    path = f"{tmp}/squashfs"
    done = subprocess.run([make, f"{tmp}/image.d", path, "-quiet", "-no-progress", *options],
                          capture_output=True, timeout=LIMIT)
    check(done.returncode == 0, "mksquashfs failed", done.stdout + done.stderr)
    return path


def test_root_squashfs(tmp):
    """It can be written to in the guest, and stays as it is."""
    path = squashfs(tmp)
    before = disk.read(path)
    done = ended(sh("cat /marker; echo new > /new; rm /marker; cat /new; ls /", root=path), 0)
    check(done.stdout.startswith(b"on the image\nnew\n") and b"marker" not in done.stdout[17:],
          f"{done.stdout!r}")
    check(disk.read(path) == before, "the image has changed")


def test_no_space_for_what_changes(tmp):
    """The guest's fsync tells that the host's disk is full; the command goes on, and the image is as it was."""
    path = image(tmp)
    before = disk.read(path)
    os.mkdir(f"{tmp}/tiny")
    wrap = mounts(f"mount -t tmpfs -o size=2m t {tmp}/tiny")
    words = command("sh", "-c", "busybox dd if=/dev/zero of=/big bs=64k count=100 conv=fsync 2>&1; echo status $?;"
                    "cat /marker; exit 7", root=path)
    done = subprocess.run([*wrap, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=LIMIT,
                          env=dict(os.environ, TMPDIR=f"{tmp}/tiny"))
    check(done.returncode == 7 and done.stdout.endswith(b"status 1\non the image\n"), f"{done}")
    check(b"Input/output error" in done.stdout or b"No space" in done.stdout, f"no error: {done}")
    check(disk.read(path) == before, "the image has changed")


def test_root_squashfs_zstd(tmp):
    path = squashfs(tmp, "-comp", "zstd")
    check(ended(sh("cat /marker", root=path), 0).stdout == b"on the image\n", "another marker")


def test_root_block_device(tmp):
    """ext4 and squashfs on a device: unchanged, or written with --rw."""
    path = image(tmp)
    before = disk.read(path)
    with loop(path) as device:
        done = ended(sh("cat /marker; echo new > /new; cat /new", root=device), 0)
        check(done.stdout == b"on the image\nnew\n", f"{done.stdout!r}")
        os.sync()
        check(disk.read(path) == before, "the device was written to")
        ended(sh("echo new > /new", root=device, options=["--rw"]), 0)
    disk.fsck(path)
    check(disk.cat(path, "/new") == b"new\n", "not written")


def test_root_squashfs_on_a_block_device(tmp):
    path = squashfs(tmp)
    with loop(path) as device:
        check(ended(sh("cat /marker", root=device), 0).stdout == b"on the image\n", "another marker")


def test_root_archive_packed(tmp):
    """xz and bzip2 are unpacked in the guest; zstd is refused with what to do."""
    for name, compress in (("a.cpio.xz", lambda data: lzma.compress(data, preset=0)),
                           ("a.cpio.bz2", lambda data: bz2.compress(data, 1))):
        done = ended(sh("cat /marker; ls /bin", root=archive(tmp, name, compress)), 0)
        check(done.stdout == b"archived\nbusybox\ncat\nls\nsh\n", f"{name}: {done.stdout!r}")
        cut = archive(tmp, "cut." + name, lambda data, c=compress: c(data)[:-2000])
        done = ended(sh("true", root=cut), 125)
        check(b"cannot be unpacked" in done.stderr, f"{name}: {done.stderr!r}")
    with open(f"{tmp}/a.cpio.zst", "wb") as f:
        f.write(b"\x28\xb5\x2f\xfd" + bytes(100))
    said(ended(sh("true", root=f"{tmp}/a.cpio.zst"), 125), b"compressed by zstd; unpack it with unzstd first")


def test_volume_alone(tmp):
    """--volume HOST: at the same place in the guest, read-only."""
    os.mkdir(f"{tmp}/given")
    with open(f"{tmp}/given/file", "w") as f:
        f.write("content\n")
    for word in (f"{tmp}/given", f"{tmp}/../{os.path.basename(tmp)}/given"):
        done = ended(sh(f"cat {tmp}/given/file; ls {tmp}; echo x > {tmp}/given/x",
                        options=["--volume", word, "--user", "root"]), 1)
        check(done.stdout == b"content\ngiven\n" and b"Read-only file system" in done.stderr,
              f"{done.stdout!r} {done.stderr!r}")
    done = ended(run("cat", "file", options=["--volume", ".", "--cwd", f"{tmp}/given"], cwd=f"{tmp}/given"), 0)
    check(done.stdout == b"content\n", f"{done.stdout!r}")
    check(os.listdir(f"{tmp}/given") == ["file"], "written to the host")


def test_disk_block_device(tmp):
    """--disk of a device: with ro it is not written to, without it is."""
    path = disk.ext4(tmp, "disk", 16 * MIB, {"f": b"on the disk\n"})
    before = disk.read(path)
    with loop(path) as device:
        done = ended(sh("mount -o ro /dev/ubda /mnt; cat /mnt/f; cat /sys/block/ubda/ro; echo x > /dev/ubda",
                        options=["--user", "root", "--disk", f"{device},ro"]), 1)
        check(done.stdout == b"on the disk\n1\n", f"{done.stdout!r} {done.stderr!r}")
        os.sync()
        check(disk.read(path) == before, "a read-only device was written to")
        ended(sh("mount /dev/ubda /mnt && echo x > /mnt/x",
                 options=["--user", "root", "--disk", device]), 0)
    check(disk.cat(path, "/x") == b"x\n", "what was written is lost")
    with loop(path, "--read-only") as device:
        done = ended(run("true", options=["--disk", device]), 125)
        check(b"the device is read-only" in done.stderr, f"{done.stderr!r}")
        done = ended(sh("cat /sys/block/ubda/ro", options=["--disk", f"{device},ro"]), 0)
        check(done.stdout == b"1\n", f"{done.stdout!r}")


def refused(wrap, tmp, option, name, why=b"Permission denied", word=""):
    done = subprocess.run([*wrap, "env", "-i", "PATH=/usr/bin:/bin", f"{tmp}/uml", "run", option, name + word,
                           "true"], capture_output=True, timeout=LIMIT, cwd="/", stdin=subprocess.DEVNULL)
    check(done.returncode == 125 and done.stdout == b"" and why in done.stderr
          and f"uml: {option} {name}".encode() in done.stderr and done.stderr.count(b"\n") == 1,
          f"{option} {name}{word}: {done.returncode} {done.stderr!r}")


def test_unreadable_files(tmp):
    """As nobody: one line that names the file, for each option that takes one."""
    wrap = need(*NOBODY)
    for name, source in (("uml", UML), ("linux", LINUX), ("locked", LINUX)):
        shutil.copy(source, f"{tmp}/{name}")
        os.chmod(f"{tmp}/{name}", 0o755)
    os.chmod(image(tmp), 0o644)
    for name in ("secret", "disk"):
        shutil.copy(f"{tmp}/image", f"{tmp}/{name}")
    os.chmod(f"{tmp}/secret", 0)
    os.chmod(f"{tmp}/disk", 0o444)
    os.chmod(f"{tmp}/locked", 0)
    os.mkdir(f"{tmp}/closed", 0o700)
    shutil.copy(LINUX, f"{tmp}/closed/file")
    if os.getuid():
        os.chmod(f"{tmp}/closed", 0)
    for option in ("--root", "--disk"):
        for name in ("secret", "closed/file"):
            refused(wrap, tmp, option, f"{tmp}/{name}")
    refused(wrap, tmp, "--disk", f"{tmp}/disk", b"; for reading only, add ,ro")
    refused(wrap, tmp, "--disk", f"{tmp}/secret", word=",ro")
    refused(wrap, tmp, "--disk", f"{tmp}/secret", word=f",cow={tmp}/new")
    refused(wrap, tmp, "--kernel", f"{tmp}/locked", b"not an executable file")
    refused(wrap, tmp, "--kernel", f"{tmp}/closed/file")


def put_aside(tmp):
    """Directories of ours in place of /tmp, /var/tmp and /dev/shm; they are seen from here as well.

    (program to be run behind, {directory: what was put into it})
    """
    have = {"tmp": ["home", "image", "linux", "uml"], "var": [], "shm": [], "tmp/home": []}
    for name in have:
        os.mkdir(f"{tmp}/{name}")
        os.chmod(f"{tmp}/{name}", 0o1777)
    for name, source in (("image", image(tmp)), ("linux", LINUX), ("uml", UML)):
        shutil.copy(source, f"{tmp}/tmp/{name}")
        os.chmod(f"{tmp}/tmp/{name}", 0o755)
    script = f"mount --bind {tmp}/var /var/tmp; mount --bind {tmp}/shm /dev/shm; mount --bind {tmp}/tmp /tmp"
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    return need(*unshare, "sh", "-ec", script + '; exec "$@"', "sh"), have


def left_over(tmp, have):
    """What is in those directories and was not put there."""
    return [f"{name}/{file}" for name, before in have.items()
            for file in os.listdir(f"{tmp}/{name}") if file not in before]


def test_nothing_is_left(tmp):
    """An image as root, written to: no file in the usual places, after its end and after SIGKILL."""
    wrap, have = put_aside(tmp)
    env = {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "XDG_RUNTIME_DIR")}
    env["HOME"] = "/tmp/home"
    words = [*wrap, "/tmp/uml", "run", "-q", "--name", f"leaves-{os.getpid()}", "--root", "/tmp/image", "--",
             "sh", "-c", "cat /marker; echo x > /x && cat /x; read word"]
    for end in ("exit", "SIGKILL"):
        p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd="/",
                             start_new_session=True)
        try:
            check(read_until(p.stdout, b"x\n") == b"on the image\nx\n", "it did not start well")
            before = family(p.pid)
            if end == "SIGKILL":
                p.kill()
            p.communicate(b"\n" if end == "exit" else None, LIMIT)
            check(p.returncode == (0 if end == "exit" else -9), f"status {p.returncode}")
            late = time.monotonic() + 5
            while time.monotonic() < late and before & {
                    pid for pid, row in process_table().items() if row[2] not in "ZX"}:
                time.sleep(0.02)
            check(not left_over(tmp, have), f"left after {end}: {left_over(tmp, have)}")
        finally:
            p.kill()
            p.communicate()
    with open(f"{tmp}/image", "rb") as f, open(f"{tmp}/tmp/image", "rb") as g:
        check(f.read() == g.read(), "the image has changed")
