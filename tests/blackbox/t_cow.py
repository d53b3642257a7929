# SPDX-License-Identifier: GPL-2.0
"""Copy-on-write disks: files in the format of user-mode Linux, made here and
by others, merged by uml_moo.
"""

import hashlib
import os
import random
import struct
import zlib

import cow
import launcher
from disk import (MIB, START, blank, cat, ext4, fsck, noise, over_threads, program, read,
                  sectors)
from t_confined import NOBODY, copy, need
from uml import Guest, check, ended, run, sh


def sha(data):
    return hashlib.sha256(data).hexdigest().encode()


def crc(data):
    return b"%08x" % zlib.crc32(data)


def refused(option, *words, **more):
    """One line says why, and nothing else happens."""
    r = ended(run(option, cmd="true", seconds=8, **more), 1, option)
    last = r.err.splitlines()[-1]
    check(last.startswith(b"linux: ubd0"), f"{option}: no clear line", r)
    for word in words:
        check(word in last, f"{option}: no {word!r}", r)
    return r


WRITES = ((0, 1), (7, 3), (4095, 2), (4097, 9), (123, 700), (8191, 1))


WROTE = sorted({s for first, count in WRITES for s in range(first, first + count)})


def diskio(tmp, commands, *options, then="sync; sha256sum /dev/ubda"):
    """Run tests/lib/diskio.c on the first disk, then a shell script."""
    text = "".join(" ".join(map(str, c)) + "\n" for c in commands).encode()
    return ended(run(*options, f"ubd15r={program(tmp, 'diskio.c')}", stdin=text,
                     cmd=["sh", "-c", START + "/p /dev/ubda || exit;" + then]), 0)


def some_writes(seed=1):
    return [("w", first, count, seed) for first, count in WRITES]


def test_made_here_and_merged_by_uml_moo(tmp):
    back, file = noise(tmp), os.path.join(tmp, "cow")
    before = read(back)
    r = diskio(tmp, some_writes(), f"ubd0={file},{back}")
    check(read(back) == before, "the backing file was written")
    merged = cow.moo(file, os.path.join(tmp, "out"))
    check(sha(merged) in r.out, "uml_moo makes another image of it", r)
    check(cow.bits(file, len(before)) == WROTE, "other sectors are in the COW file")
    for at in range(8192):
        want = (sectors(at, 1, 1) if at in WROTE else before[at * 512:at * 512 + 512])
        check(merged[at * 512:at * 512 + 512] == want, f"sector {at} differs")
    check(os.stat(file).st_blocks * 512 < MIB, "the COW file is not sparse")
    cow.moo_into_backing(file)
    check(read(back) == merged, "uml_moo -d makes another image of it")


def test_header_made_here(tmp):
    back, file = noise(tmp, size=3 * MIB + 512), os.path.join(tmp, "cow")
    ended(run(f"ubd0={file},{back}", cmd="true"), 0)
    head = cow.header(back)
    check(read(file)[:len(head)] == head, "the header is another one than uml_mkcow's")
    other = cow.mkcow(os.path.join(tmp, "other"), back)
    check(os.stat(file).st_size == os.stat(other).st_size, "the size is another one")


def test_relative_names(tmp):
    """The header's path is absolute, as uml_moo wants it."""
    back = noise(tmp)
    ended(run("ubd0=cow:disk", cmd="true", cwd=tmp), 0)
    head = cow.header(back)
    check(read(os.path.join(tmp, "cow"))[:len(head)] == head, "the path is not absolute")


def test_made_by_uml_mkcow(tmp):
    back = noise(tmp)
    file = cow.mkcow(os.path.join(tmp, "cow"), back)
    r = diskio(tmp, [("r", 0, 4096), ("r", 4096, 4096), *some_writes()], f"ubd0={file}")
    check(r.out.split()[:2] == [crc(read(back)[:2 * MIB]), crc(read(back)[2 * MIB:])],
          "it does not read as its backing file", r)
    check(sha(cow.moo(file, os.path.join(tmp, "out"))) in r.out,
          "uml_moo makes another image of it", r)
    r = ended(sh("sha256sum /dev/ubda", f"ubd0r={file}"), 0)
    check(sha(read(os.path.join(tmp, "out"))) in r.out, "it reads as another one later", r)


def content(back, sectors, sector=512):
    data = bytearray(read(back))
    for number, value in sectors.items():
        data[number * sector:number * sector + len(value)] = value
    return bytes(data)


def test_every_version(tmp):
    """Versions 1 (both byte orders), 2, 3 and 3 as old 64-bit programs laid it
    out; sectors of 512 to 4096 bytes; alignments that are no page."""
    back = noise(tmp, size=MIB)
    kinds = [dict(version=1), dict(version=1, little=True), dict(version=2), dict(version=3),
             dict(version=3, padded=True), dict(version=2, sector=1024),
             dict(version=3, sector=4096), dict(version=3, align=512),
             dict(version=3, align=1), dict(version=3, align=65536, sector=2048)]
    files, images = [], []
    for n, kind in enumerate(kinds):
        size = kind.get("sector", 512)
        sectors = {at: os.urandom(size) for at in
                   {0, 1, 2, 9, 63, 64, 65, MIB // size - 1}}
        files.append(cow.make(os.path.join(tmp, f"cow{n}"), back, sectors, **kind))
        images.append(content(back, sectors, size))
    options = [f"ubd{n}={file}" for n, file in enumerate(files)]
    script = ("for d in /dev/ubd?; do sha256sum $d; blockdev --getss $d; done; for d in"
              " /dev/ubd?; do dd if=/dev/urandom of=$d bs=4k seek=3 count=20 conv=fsync"
              " 2>/dev/null; sha256sum $d; done")
    r = ended(sh(script, *options), 0)
    lines = r.out.splitlines()
    for n, image in enumerate(images):
        check(sha(image) in lines[2 * n], f"{kinds[n]} reads wrong", r)
        check(lines[2 * n + 1] == b"%d" % kinds[n].get("sector", 512),
              f"{kinds[n]}: other sectors", r)
    for n, kind in enumerate(kinds):
        # uml_moo knows the versions, but not a foreign byte order of the first.
        if kind != dict(version=1) and not kind.get("padded"):
            merged = cow.moo(files[n], os.path.join(tmp, "out"))
            check(sha(merged) in lines[2 * len(kinds) + n], f"{kind}: uml_moo differs", r)
    again = ended(sh("sha256sum /dev/ubd?", *options), 0).out.splitlines()
    check(again == lines[2 * len(kinds):], "it reads as another one later", r)


def test_random_requests(tmp):
    """Writes of any length, zeros, and reads between them, as a model has it."""
    rng = random.Random(4)
    back, file = noise(tmp, size=2 * MIB), os.path.join(tmp, "cow")
    want, commands, out = bytearray(read(back)), [], []
    for seed in range(600):
        count = rng.choice((1, 2, 7, 8, 33, 256))
        first = rng.randrange(4096 - count)
        at, end = first * 512, (first + count) * 512
        op = rng.choice("wwwzrrf")
        commands.append((op, first, count, seed) if op == "w" else (op, first, count))
        if op == "w":
            want[at:end] = sectors(first, count, seed)
        elif op == "z":
            want[at:end] = bytes(end - at)
        elif op == "r":
            out.append(crc(want[at:end]))
    r = diskio(tmp, commands, f"ubd0={file},{back}")
    check(r.out.split()[:len(out)] == out, "a read was wrong", r)
    check(cow.moo(file, os.path.join(tmp, "out")) == bytes(want),
          "the image is not what was written")


def test_discard_and_zeros(tmp):
    """Zeros are zeros wherever they are; what a discard gives back reads as zeros
    where the COW file had it, and as before where it had not."""
    back, file = noise(tmp, size=8 * MIB), os.path.join(tmp, "cow")
    mib = MIB // 512
    r = diskio(tmp, [("w", 0, 2 * mib, 1), ("w", 2 * mib, 2 * mib, 1), ("f",),
                     ("d", mib, 2 * mib), ("d", 3 * mib, 2 * mib), ("z", 6 * mib, mib), ("f",)],
               f"ubd0={file},{back}")
    merged = cow.moo(file, os.path.join(tmp, "out"))
    check(sha(merged) in r.out, "uml_moo makes another image of it", r)
    check(merged[:MIB] == sectors(0, mib, 1), "too much was discarded")
    check(not any(merged[MIB:4 * MIB]), "not discarded")
    check(merged[4 * MIB:6 * MIB] == read(back)[4 * MIB:6 * MIB],
          "a discard changed what was never written")
    check(not any(merged[6 * MIB:7 * MIB]), "not zero")
    check(merged[7 * MIB:] == read(back)[7 * MIB:], "too much")
    check(os.stat(file).st_blocks * 512 < 2 * MIB, "the discard freed nothing")


def test_no_discard(tmp):
    back, file = noise(tmp), os.path.join(tmp, "cow")
    r = ended(sh("cd /sys/block; cat ubd?/queue/discard_max_bytes; blkdiscard /dev/ubda 2>/dev/null;"
                 "echo $?", f"ubd0t={file},{back}", f"ubd1t={noise(tmp, 'raw')}"), 0)
    check(r.out == b"0\n0\n1\n", "flag t has no effect", r)


def test_ext4(tmp):
    back = ext4(tmp, files={"old": b"from the backing file\n"})
    before, file = read(back), os.path.join(tmp, "cow")
    for n in range(3):
        r = ended(sh(f"mount /dev/ubda /mnt && cat /mnt/old && seq {1000 * (n + 1)} > /mnt/new{n}"
                     "&& umount /mnt", f"ubd0={file}:{back}"), 0)
        check(r.out == b"from the backing file\n", "the old file reads wrong", r)
    check(read(back) == before, "the backing file was written")
    out = os.path.join(tmp, "out")
    cow.moo(file, out)
    fsck(out)
    for n in range(3):
        check(cat(out, f"/new{n}").count(b"\n") == 1000 * (n + 1), f"new{n} is lost")


def test_end_without_sync(tmp):
    """What the guest wrote to the device before it ended, it wrote."""
    back, file = noise(tmp), os.path.join(tmp, "cow")
    dd = "dd if=/dev/urandom of=/dev/ubda bs=64k count=4 oflag=direct 2>/dev/null;"
    ended(sh(dd, f"ubd0={file},{back}"), 0)
    check(cow.bits(file, 4 * MIB) == list(range(512)), "sectors are lost at power-off")
    os.unlink(file)
    with Guest(f"ubd0={file},{back}", cmd=["sh", "-c", dd + "echo up; read x"]) as g:
        g.until(rb"up\n")
        g.proc.terminate()
        g.wait()
    check(cow.bits(file, 4 * MIB) == list(range(512)), "sectors are lost at SIGTERM")


def test_two_guests_on_one_backing_file(tmp):
    back = noise(tmp)
    with Guest(f"ubd0={tmp}/a,{back}", cmd=["sh", "-c", "echo up; read x"]) as g:
        g.until(rb"up\n")
        ended(run(f"ubd0={tmp}/b,{back}", cmd="true"), 0, "a second COW file")
        refused(f"ubd0={tmp}/a", b"tmp", b"in use")
        refused(f"ubd0={back}", b"in use")
        ended(run(f"ubd0r={back}", cmd="true"), 0, "a reader of the backing file")
        ended(run(f"ubd0c={back}", cmd="true"), 0, "flag c")
        g.send(b"end\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())


def test_raw_flag(tmp):
    """Flag d: a COW file is an image like any other."""
    file = cow.mkcow(os.path.join(tmp, "cow"), noise(tmp))
    r = ended(sh("sha256sum /dev/ubda", f"ubd0rd={file}"), 0)
    check(sha(read(file)) in r.out, "not the bytes of the file", r)
    refused(f"ubd0d={file},{tmp}/disk", b"flag d")


def test_launcher_takes_no_backing_file_from_a_disk(tmp):
    """A guest that writes a COW header into its disk gets no file of the host."""
    secret, disk = noise(tmp, "secret"), blank(tmp)
    with open(disk, "r+b") as f:
        f.write(cow.header(secret))
        f.truncate(2 * os.path.getsize(secret))
    data = read(disk)
    for option in (disk, disk + ",ro"):
        done = launcher.ended(launcher.sh("sha256sum /dev/ubda", options=["--disk", option]), 125)
        launcher.said(done, b"this is a COW file")
        check(not done.stdout, f"--disk {option}: it was used", done)
    check(read(disk) == data, "the file has changed")


def test_serial(tmp):
    back = noise(tmp)
    script = "for d in a b c; do echo \"<$(cat /sys/block/ubd$d/serial)>\"; done"
    r = ended(sh(script, f"ubd0r={back},,No-1", f"ubd1={tmp}/cow:{back}:No 2",
                 f"ubd2r={back}"), 0)
    check(r.out == b"<No-1>\n<No 2>\n<>\n", "other serial numbers", r)


def test_inherited_descriptors(tmp):
    back, file = noise(tmp), os.path.join(tmp, "cow")
    open(file, "w").close()
    wrap = ["bash", "-c", f'exec 7<>"{file}" 8<"{back}" 9<>"{back}"; exec "$@"', "sh"]
    dd = "dd if=/dev/urandom of=/dev/ubda bs=4k seek=5 count=3 conv=fsync 2>/dev/null;"
    r = ended(sh(dd + "sha256sum /dev/ubda", "ubd0=fd:7,fd:8,fds", wrap=wrap), 0)
    check(sha(cow.moo(file, os.path.join(tmp, "out"))) in r.out, "uml_moo differs", r)
    r = ended(sh("sha256sum /dev/ubda; sha256sum /dev/ubdb", "ubd0=fd:7:fd:8",
                 "ubd1r=fd:8", wrap=wrap), 0)
    check(sha(read(back)) in r.out, "a raw image by its descriptor", r)
    for option, word in (("ubd0=fd:99", b"fd:99"), ("ubd0=fd:8", b"for writing"),
                         ("ubd0=fd:x", b"fd")):
        r = ended(run(option, cmd="true", wrap=wrap, seconds=8), 1, option)
        check(word in r.err.splitlines()[-1], f"{option}: no clear line", r)


def test_descriptor_that_appends(tmp):
    """What is written through it would be at the end, wherever it should be."""
    disk = noise(tmp)
    fd = os.open(disk, os.O_RDWR | os.O_APPEND)
    os.set_inheritable(fd, True)
    try:
        refused(f"ubd0=fd:{fd}", b"O_APPEND", pass_fds=[fd])
        r = ended(sh("sha256sum /dev/ubda", f"ubd0r=fd:{fd}", pass_fds=[fd]), 0)
    finally:
        os.close(fd)
    check(sha(read(disk)) in r.out, "other bytes", r)


def test_backing_file_moved(tmp):
    """The new place is written down; later it need not be said again."""
    back, file, new = noise(tmp), os.path.join(tmp, "cow"), os.path.join(tmp, "new")
    ended(run(f"ubd0={file},{back}", cmd="true"), 0)
    data = read(back)
    os.rename(back, new)
    refused(f"ubd0={file}", back.encode(), b"No such file")
    r = ended(sh("sha256sum /dev/ubda", f"ubd0={file},{new}"), 0)
    check(sha(data) in r.out, "other bytes", r)
    r = ended(sh("sha256sum /dev/ubda", f"ubd0={file}"), 0)
    check(sha(data) in r.out, "other bytes", r)
    cow.moo(file, os.path.join(tmp, "out"))


def test_backing_file_changed(tmp):
    back, file = noise(tmp), os.path.join(tmp, "cow")
    ended(run(f"ubd0={file},{back}", cmd="true"), 0)
    head, was = read(file), os.stat(back).st_mtime
    os.utime(back, (was + 5, was + 5))
    for option in (f"ubd0={file}", f"ubd0={file},{back}", f"ubd0r={file}"):
        refused(option, back.encode(), b"has changed", file.encode())
    with open(back, "ab") as f:
        f.write(b"more")
    os.utime(back, (was, was))
    refused(f"ubd0={file}", back.encode(), b"has changed")
    check(read(file) == head, "the COW file was written")


def test_what_cannot_be(tmp):
    back, file, other = noise(tmp), os.path.join(tmp, "cow"), noise(tmp, "other")
    refused(f"ubd0={file},{tmp}/none", b"none", b"No such file")
    refused(f"ubd0r={file},{back}", b"No such file")
    refused(f"ubd0={other},{back}", b"not a COW file")
    refused(f"ubd0={tmp}/none/cow,{back}", b"none/cow", b"No such file")
    refused(f"ubd0={file},{back},a,b", b"'b'")
    refused(f"ubd0=,{back}", b"names no file")
    refused(f"ubd0={file},{blank(tmp, 'empty', 0)}", b"0 bytes")
    refused(f"ubd0={file},{tmp}", b"director")
    check(not os.path.exists(file), "a COW file was left behind")
    whole = cow.mkcow(os.path.join(tmp, "whole"), back)
    refused(f"ubd0={file},{whole}", b"COW file itself")
    r = ended(run(f"ubd0={file},{back}", f"ubd1={tmp}/none", cmd="true", seconds=8), 1)
    check(not os.path.exists(file), "another disk's mistake left a COW file", r)


def test_cow_file_that_cannot_be_opened(tmp):
    """Made, but its maker may not write to it: it is removed."""
    back, place = noise(tmp), os.path.join(tmp, "place")
    os.mkdir(place)
    os.chmod(place, 0o777)
    wrap = [*need(*NOBODY), "sh", "-c", 'umask 777; exec "$@"', "sh"]
    r = ended(run(f"ubd0={place}/cow,{back}", cmd="true", seconds=8, wrap=wrap, linux=copy(tmp),
                  cwd="/"), 1)
    check(b"cannot open for writing" in r.err.splitlines()[-1], "no clear line", r)
    check(os.listdir(place) == [], "the COW file was left behind", r)


def damaged_headers(back):
    """{name: the bytes of a COW file that nobody can use}"""
    good, size = cow.header(back), os.stat(back).st_size
    most = size + (1 << 14)
    kinds = {
        "version": good[:4] + struct.pack(">I", 4) + good[8:],
        "short header": good[:2000],
        "magic only": good[:8],
        "no path": good[:32] + bytes(4096),
        "endless path": good[:32] + b"/" * 4096,
        "path that is no text": good[:32] + b"/tmp/a\x1b[2J".ljust(4096, b"\0"),
        "path of two lines": good[:32] + b"/tmp/a\nb".ljust(4096, b"\0"),
        "no sector size": cow.header(back, sector=0),
        "odd sector size": cow.header(back, sector=513),
        "huge sectors": cow.header(back, sector=1 << 20),
        "no alignment": cow.header(back, align=0),
        "huge alignment": cow.header(back, align=0xFFFFFFFF),
        "size 0": cow.header(back, size=0),
        "huge size": cow.header(back, size=(1 << 64) - 1),
        "bitmap out of the file": cow.header(back, size=1 << 50),
        "unknown format": cow.header(back, cow_format=7),
    }
    short = ("short header", "magic only")
    return {name: data if name in short else data.ljust(most, b"\0")
            for name, data in kinds.items()}


def test_damaged_headers(tmp):
    back = noise(tmp, size=MIB)
    for name, data in damaged_headers(back).items():
        file = os.path.join(tmp, "cow")
        with open(file, "wb") as f:
            f.write(data)
        refused(f"ubd0={file}", file.encode(), b"COW file")
        check(read(file) == data, f"{name}: the file was written")


test_damaged_headers.seconds = 60


def test_header_fuzz(tmp):
    """Headers with random damage: refused by one line, or a disk; no crash."""
    rng = random.Random(20)
    back = noise(tmp, size=MIB)
    good = cow.header(back)
    for _ in range(25):
        data = bytearray(good)
        for _ in range(rng.choice((1, 2, 8))):
            at = rng.choice((rng.randrange(4, 40), rng.randrange(len(good))))
            data[at] = rng.randrange(256)
        file = os.path.join(tmp, "cow")
        with open(file, "wb") as f:
            f.write(data)
            f.truncate(12288 + MIB)
        r = sh("dd if=/dev/ubda of=/dev/null bs=64k; dd if=/dev/zero of=/dev/ubda bs=64k"
               " count=2 conv=fsync; /bin/echo lives", f"ubd0={file}", seconds=15)
        if r.status == 1:
            check(r.err.splitlines()[-1].startswith(b"linux: ubd0"), "no clear line", r)
        else:
            ended(r, 0)
            check(b"lives\n" in r.out, f"the guest does not live on {bytes(data[:40])}", r)


test_header_fuzz.seconds = 90


over_threads(globals(), "made_here_and_merged_by_uml_moo", "random_requests",
             "discard_and_zeros", "ext4")
