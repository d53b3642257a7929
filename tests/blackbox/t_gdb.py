# SPDX-License-Identifier: GPL-2.0
"""gdb on build/linux, as docs/debugging.md shows it: the lines "(gdb) ..." there
are the commands here, first those for a guest that runs, then from "tbreak" on
those for one that gdb starts.
"""

import os
import re
import shutil
import subprocess
import sys

import launcher
from t_module import MOUNT, disk_of, in_tree
from uml import LINUX, TOP, Guest, Skipped, check

# Whoever wants may attach, on a host where only parents may (PR_SET_PTRACER).
ANYBODY = [sys.executable, "-c", "import ctypes, os, sys;"
           "ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0);"
           "os.execv(sys.argv[1], sys.argv[1:])"]
# A process of the guest with a name of its own, and a module.
SCRIPT = (MOUNT + "insmod /mnt/dummy.ko; umount /mnt; cp /bin/busybox /tmp/findme;"
          "(exec -a sleep /tmp/findme 1000) &"
          "until grep -q findme /proc/$!/comm; do sleep 0.1; done; echo up; read x; echo \"still $x\"; exit 5")


def shown():
    """The commands of the document: for a guest that runs, for one to start."""
    with open(os.path.join(TOP, "docs", "debugging.md")) as f:
        all_of_them = re.findall(r"^    \(gdb\) (.+)$", f.read(), re.M)
    start = all_of_them.index("tbreak sys_mkdir")
    return all_of_them[:start], all_of_them[start:]


def home(tmp):
    """Where .gdbinit says what the document says to write there."""
    if not shutil.which("gdb"):
        raise Skipped("gdb is not installed")
    if "LINUX" in os.environ and not os.path.exists(LINUX + "-gdb.py"):
        raise Skipped(f"there is no {LINUX}-gdb.py")
    with open(os.path.join(tmp, ".gdbinit"), "w") as f:
        f.write(f"add-auto-load-safe-path {os.path.dirname(os.path.realpath(LINUX))}\n")
    return dict(os.environ, HOME=tmp, XDG_CONFIG_HOME=tmp, TERM="dumb")


def gdb(tmp, *words, commands=()):
    done = subprocess.run(["gdb", "-batch", *(w for c in commands for w in ("-ex", c)), *words],
                          stdin=subprocess.DEVNULL, timeout=100, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=home(tmp), cwd=TOP,
                          start_new_session=True)
    out = done.stdout.decode(errors="replace")
    if "compiler describes no variables" in out:
        raise Skipped("not compiled by gcc")
    return out


def has(out, *patterns):
    for pattern in patterns:
        check(re.search(pattern, out, re.M), f"gdb did not show {pattern!r}", out[-6000:])
    check(not re.search("Python Exception|Error (occurred|while)", out), "gdb complains",
          out[-6000:])


def shows_the_guest(out):
    has(out, r"^Linux version \d", r"^\[    0\.\d+\] Linux version \d",
        r"^0x[0-9a-f]+ +1 +init$", r"^0x[0-9a-f]+ +2 +kthreadd$", r"^0x[0-9a-f]+ +\d+ +findme$",
        r"^0x[0-9a-f]+ dummy +\d+  0$", r"^0x[0-9a-f]+ 0x[0-9a-f]+ proc /proc proc rw",
        r'^\$1 = "init(\\000|")', r'^\$2 = "[^\\]',
        r"^\$3 = .* <dummy_setup>$",
        # How the stack of the idle task begins, and that of any other.
        r"^#[1-9].* in (cpu_startup_entry|ret_from_fork_asm) \(\)$")


def test_attach(tmp):
    """The guest goes on when gdb leaves; a core of it shows the same."""
    home(tmp)
    core = os.path.join(tmp, "core")
    disk = disk_of(tmp, in_tree("dummy"))
    commands = shown()[0] + [f"generate-core-file {core}"]
    with Guest("mem=64M", "ubd0r=" + disk, cmd=["sh", "-c", SCRIPT], wrap=ANYBODY) as g:
        g.until(rb"up\n")
        shows_the_guest(gdb(tmp, "-p", str(g.kernel()), commands=commands))
        g.send(b"here\n")
        check(g.wait() == 5, f"status {g.status()}", g.words())
        check(b"still here" in g.out(), "it did not go on", g.words())
    shows_the_guest(gdb(tmp, LINUX, core, commands=shown()[0]))


def test_start(tmp):
    """A breakpoint in a system call of a guest that gdb starts."""
    for _ in range(3):
        out = gdb(tmp, "--args", LINUX, "mem=64M", "--", "sh", "-c",
                  "mkdir /tmp/a && echo made; exit 7", commands=shown()[1])
        # gdb 13 now and then asks for the registers of a thread whose process just ended,
        # and then tells of no end: seen once in eight.
        if "Couldn't get registers: No such process" not in out:
            break
    has(out, r"^(Thread .* hit )?Temporary breakpoint 1, .* in sys_mkdir \(\)$",
        r"^#0 .* in sys_mkdir \(\)$", r"^#1 .* in user_loop \(\)$", r'^\$1 = "mkdir(\\000|")',
        r"^0x[0-9a-f]+ in user_loop \(\)$", r"^made$", r"exited with code 07\]$")


def test_uml_run(tmp):
    """uml run --gdb, on a terminal."""
    env = home(tmp)
    os.unlink(os.path.join(tmp, ".gdbinit"))
    talk = ((b"lx-version", rb"Linux version \d"), (b"tbreak sys_mkdir", rb"at 0x"),
            (b"run", rb"breakpoint 1, .*in sys_mkdir"), (b"lx-ps", rb" mkdir\r?\n"),
            (b"continue", rb"exited with code 07"))
    with Guest("run", "--gdb", "--root", "none", "--kernel", LINUX, tty=True, env=env,
               cmd=["sh", "-c", "mkdir /tmp/a; exit 7"], linux=launcher.UML, size=(500, 200)) as g:
        for command, answer in talk:
            g.expect(rb"\(gdb\) ", 60)
            g.send(command + b"\n")
            g.expect(answer, 60)
        g.expect(rb"\(gdb\) ", 60)
        g.send(b"quit\n")
        g.wait()


for test in (test_attach, test_start, test_uml_run):
    test.seconds = 250
del test
