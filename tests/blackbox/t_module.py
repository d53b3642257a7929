# SPDX-License-Identifier: GPL-2.0
"""Modules: one of the tree and one that is built outside of it load, work and
unload. They come to the guest on a disk.
"""

import os
import shutil
import subprocess

from disk import MIB, ext4
from uml import BUILD, Skipped, check, ended, sh

HERE = os.path.dirname(os.path.abspath(__file__))
OBJ = os.path.join(BUILD, "obj")
MOUNT = "mount /dev/ubda /mnt || exit 99;"


def in_tree(*names):
    """Modules of the kernel's own build; it must have some."""
    found = {}
    if not os.path.isdir(OBJ):
        raise Skipped(f"no {OBJ} (make linux)")
    # What this configuration built; files of an older one may lie about.
    with open(os.path.join(OBJ, "modules.order")) as f:
        for line in f:
            path = line.strip()
            found[os.path.basename(path)[:-2]] = os.path.join(OBJ, path[:-2] + ".ko")
    check(found, f"there is no module in {OBJ}")
    for name in names:
        check(name in found, f"no module {name} in {OBJ}; there are {len(found)}")
    return {name: found[name] for name in names or sorted(found)}


def disk_of(tmp, modules):
    files = {name + ".ko": path for name, path in modules.items()}
    size = sum(os.path.getsize(p) for p in modules.values())
    return ext4(tmp, "modules", (size // MIB + 16) * MIB * 5 // 4, files)


def test_of_the_tree(tmp):
    script = (MOUNT + "insmod /mnt/dummy.ko && lsmod && ip link add d0 type dummy"
              " && ip link show d0 && ip link del d0 && rmmod dummy && lsmod;"
              "echo status $?")
    r = ended(sh(script, "ubd0r=" + disk_of(tmp, in_tree("dummy"))), 0)
    check(b"status 0" in r.out, "it does not load, work or unload", r)
    check(b"d0:" in r.out, "the module's device is not there", r)
    check(r.out.count(b"dummy ") == 1, "not loaded, or not unloaded", r)


def test_load_and_unload_often(tmp):
    script = (MOUNT + "i=0; while [ $i -lt 50 ]; do insmod /mnt/dummy.ko && "
              "rmmod dummy || exit 1; i=$((i+1)); done; echo done")
    r = ended(sh(script, "ubd0r=" + disk_of(tmp, in_tree("dummy"))), 0)
    check(r.out == b"done\n", "not 50 times", r)


def test_all_of_the_tree(tmp):
    """Every module loads (after what it needs) with no complaint of the kernel."""
    modules = in_tree()
    # Without modprobe's data: try those left until no more go in.
    script = (MOUNT + "cd /mnt; left=$(ls *.ko); while :; do again=; for m in $left;"
              "do insmod $m 2>/tmp/err || again=\"$again $m\"; done;"
              "[ \"$again\" = \"$left\" ] && break; left=$again;"
              "[ -z \"$left\" ] && break; done;"
              "echo left:$left; lsmod | wc -l; dmesg | grep -iE"
              " 'relocation|BUG:|WARNING:|Oops' | grep -v UML_ARGV | tail -n 5; exit 0")
    r = ended(sh(script, "ubd0r=" + disk_of(tmp, modules), seconds=50), 0)
    lines = r.out.decode().splitlines()
    check(lines and lines[0] == "left:", f"not loaded: {lines[:1]}", r)
    check(len(lines) == 2, f"the kernel complains: {lines[2:]}", r)
    check(int(lines[1]) - 1 == len(modules), f"{lines[1]} lines of lsmod", r)


test_all_of_the_tree.seconds = 60


def build(tmp):
    """hello.ko and hang.ko, in a directory of their own against build/obj."""
    if not os.path.isdir(os.path.join(BUILD, "tree", "scripts")):
        raise Skipped("no build/tree (make linux)")
    source = os.path.join(tmp, "module")
    shutil.copytree(os.path.join(HERE, "module"), source)
    done = subprocess.run(
        ["make", "-s", "-C", os.path.join(BUILD, "tree"), "ARCH=um", f"O={OBJ}",
         f"M={source}", "modules"], capture_output=True, text=True, timeout=90)
    check(done.returncode == 0, "the modules do not build",
          (done.stdout + done.stderr)[-2000:])
    check("warning:" not in done.stderr, "the build warns", done.stderr)
    return {name: os.path.join(source, name + ".ko") for name in ("hello", "hang")}


def test_outside_the_tree(tmp):
    disk = disk_of(tmp, build(tmp))
    script = (MOUNT + "insmod /mnt/hello.ko word=you number=4; cat /proc/hello;"
              "cat /proc/hello; cat /sys/module/hello/parameters/number;"
              "echo 3 > /sys/module/hello/parameters/number; cat /proc/hello;"
              "rmmod hello; ls /proc/hello 2>/dev/null;"
              "dmesg | grep -cE 'hello: (loaded for|unload)';"
              "insmod /mnt/hello.ko; cat /proc/hello;"
              "insmod /mnt/hello.ko 2>/dev/null || echo once; rmmod hello;"
              "insmod /mnt/hello.ko fail=1 2>/dev/null || echo refused;"
              "grep -c hello /proc/modules; exit 0")
    r = ended(sh(script, f"ubd0r={disk}"), 0)
    want = ["hello you sum 10 calls 1 by cat", "hello you sum 10 calls 2 by cat",
            "4", "hello you sum 6 calls 3 by cat", "2",
            "hello nobody sum 15 calls 1 by cat", "once", "refused", "0"]
    check(r.out.decode().splitlines() == want, "the module works otherwise", r)


def test_broken(tmp):
    """Garbage and cut modules are refused; the guest lives."""
    path = in_tree("dummy")["dummy"]
    with open(path, "rb") as f:
        data = f.read()
    noise = bytearray(data)
    for at in range(64, len(noise), 97):
        noise[at] ^= 0x55
    disk = ext4(tmp, files={"noise.ko": os.urandom(5000), "short.ko": data[:3000],
                            "empty.ko": b"", "flipped.ko": bytes(noise)})
    script = (MOUNT + "for m in noise short empty flipped; do"
              " insmod /mnt/$m.ko 2>/dev/null && echo loaded $m; done;"
              "/bin/echo lives")
    r = ended(sh(script, f"ubd0r={disk}"), 0)
    check(r.out == b"lives\n", "not refused, or dead", r)


test_outside_the_tree.seconds = 120
