# SPDX-License-Identifier: GPL-2.0
"""The build's scripts, in a build directory of the test's own. What takes long,
the kernel's make, is a script of the test that notes what it was asked for; the
tree is made of links to build/tree. LONG=1: a whole build by clang, booted.
"""

import os
import re
import shutil
import subprocess
import urllib.parse

import uml
from uml import BUILD, TOP, Skipped, check, ended, run

BOTH = False    # no programs of a guest
TREE = os.path.join(BUILD, "tree")
TOOLS = os.path.join(TOP, "tools", "build")
LONG = os.environ.get("LONG")
FAKE_MAKE = """#!/bin/sh
for word; do case $word in O=*) obj=${word#O=};; esac; done
printf '%s\\n' "$*" >> "$MADE"
case "$*" in
*vmlinux*) echo a line for the log; echo kernel > "$obj/vmlinux" ;;
esac
"""


def script(tmp, name, text):
    """An executable that is found before all others."""
    path = os.path.join(tmp, "bin", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def tool(tmp, name, *words, seconds=25, **env):
    """Run tools/build/NAME with its own build directory and nothing of the caller's."""
    own = {k: v for k, v in os.environ.items()
           if k not in ("CC", "LLVM", "KERNEL", "V", "OBJ", "ENABLE", "WERROR", "IMAGE")}
    own.update(BUILD=os.path.join(tmp, "build"), PATH=f"{tmp}/bin:{os.environ['PATH']}", **env)
    return subprocess.run([os.path.join(TOOLS, name), *words], env=own, timeout=seconds,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)


def fine(done):
    check(done.returncode == 0, f"{done.args[0]}: status {done.returncode}",
          done.stdout + done.stderr)
    return done


def dies(done, *words):
    """Status 1 and one line on stderr that has these words."""
    check(done.returncode == 1 and len(done.stderr.splitlines()) == 1, "not one line",
          f"status {done.returncode}\n{done.stdout}{done.stderr}")
    for word in words:
        check(word in done.stderr, f"no {word!r} in the line", done.stderr)


def prepared():
    if not os.path.exists(os.path.join(TREE, "Makefile")):
        raise Skipped("no build/tree (make linux)")
    return TREE


def test_kernel_dir(tmp):
    """KERNEL=DIR: our arch/um in that tree, which is not written to; and in it
    the kernel's own commands work.
    """
    prepared()
    before = sorted(os.listdir(TREE)), os.stat(TREE).st_mtime_ns
    fine(tool(tmp, "tree", KERNEL=TREE))
    tree = os.path.join(tmp, "build", "tree")
    for path, at in (("arch/um", os.path.join(TOP, "arch", "um")),
                     ("arch/x86", f"{TREE}/arch/x86"), ("mm", f"{TREE}/mm"),
                     ("include/linux", f"{TREE}/include/linux")):
        check(os.path.realpath(f"{tree}/{path}") == os.path.realpath(at),
              f"{path} is {os.path.realpath(f'{tree}/{path}')}")
    check((sorted(os.listdir(TREE)), os.stat(TREE).st_mtime_ns) == before,
          "the tree was written to")
    done = subprocess.run(["make", "-C", tree, "ARCH=um", f"O={tmp}/obj", "defconfig"],
                          env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    check(done.returncode == 0, "make ARCH=um O=... defconfig fails", done.stdout + done.stderr)
    with open(f"{tmp}/obj/.config") as f:
        config = f.read()
    check("CONFIG_UML=y\n" in config and "CONFIG_UML_UBD=y\n" in config, "not our configuration")
    check(not fine(tool(tmp, "tree", KERNEL=TREE)).stdout, "the links were made again")


test_kernel_dir.seconds = 90


def test_kernel_dir_wrong(tmp):
    dies(tool(tmp, "tree", KERNEL="/nonexistent"), "/nonexistent", "no kernel tree")
    os.mkdir(f"{tmp}/old")
    for name, text in (("Kbuild", ""), ("Makefile", "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 9\n")):
        with open(f"{tmp}/old/{name}", "w") as f:
            f.write(text)
    dies(tool(tmp, "linux", KERNEL=f"{tmp}/old"), "6.1;", "6.12")
    check(not os.path.exists(f"{tmp}/build/tree"), "a tree was made")


def asked(tmp, **env):
    """What tools/build/linux tells the kernel's make; (its words, the script's output)."""
    script(tmp, "make", FAKE_MAKE)
    made = os.path.join(tmp, "made")
    if os.path.exists(made):
        os.unlink(made)
    done = fine(tool(tmp, "linux", KERNEL=prepared(), MADE=made, HUGEPAGES="0", **env))
    with open(made) as f:
        return f.read(), done.stdout


def no_ccache(tmp):
    """A PATH of links to all but ccache."""
    os.mkdir(f"{tmp}/path")
    for directory in reversed(os.environ["PATH"].split(":")):
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            if name != "ccache" and not os.path.lexists(f"{tmp}/path/{name}"):
                os.symlink(f"{directory}/{name}", f"{tmp}/path/{name}")
    return f"{tmp}/bin:{tmp}/path"


def test_ccache(tmp):
    """It is used where it is, for every compiler that is asked for."""
    script(tmp, "ccache", '#!/bin/sh\nexec "$@"\n')
    for env, compiler in (({}, "CC=ccache gcc "), ({"CC": "gcc-12"}, "CC=ccache gcc-12 "),
                          ({"LLVM": "-14"}, "CC=ccache clang-14 "),
                          ({"CC": "ccache gcc-12"}, "CC=ccache gcc-12 ")):
        words, _ = asked(tmp, **env)
        check(compiler in words, f"{env}: not {compiler}", words)
    os.unlink(f"{tmp}/bin/ccache")
    os.environ["PATH"] = no_ccache(tmp)
    for env, compiler in (({}, "CC=gcc "), ({"CC": "gcc-12"}, "CC=gcc-12 ")):
        words, _ = asked(tmp, **env)
        check(compiler in words and "ccache" not in words, f"{env}: not {compiler}", words)


def test_progress(tmp):
    """One line for each step and none of the kernel's make, but with V=1."""
    _, said = asked(tmp)
    steps = ["links to", "initramfs", "configuration", "kernel and modules"]
    lines = said.splitlines()
    check(len(lines) == len(steps) and all(s in line for s, line in zip(steps, lines)),
          "not one line a step", said)
    words, said = asked(tmp)
    check("UML_WERROR=y" in words, "warnings of our files pass", words)
    check(re.fullmatch(r" +kernel and modules +\d+ s\n", said), "more than one line for no change", said)
    _, said = asked(tmp, V="1")
    check("a line for the log\n" in said, "V=1 does not show the make", said)


def test_configured_in_place(tmp):
    """One line, before the kernel's make fails, and it says what to do."""
    asked(tmp)
    with open(f"{tmp}/build/tree/.config", "w"):
        pass
    dies(tool(tmp, "linux", KERNEL=TREE), ".config is there", "mrproper", "O=DIR")
    os.unlink(f"{tmp}/build/tree/.config")
    asked(tmp)


def test_only_host_calls_the_host():
    """No instruction for a system call in the port but in host/, in the stub and in
    what guest programs run (the vDSO).
    """
    objects = os.path.join(BUILD, "obj", "arch", "um")
    found, looked = [], 0
    if not os.path.exists(objects):
        raise Skipped("no build/obj (make linux)")
    for directory, _, files in os.walk(objects):
        for file in files:
            path = os.path.join(directory, file)
            name = os.path.relpath(path, objects)
            if not file.endswith(".o"):
                continue
            code = subprocess.run(["objdump", "-d", path], capture_output=True, text=True).stdout
            calls = re.findall(r"\t(?:syscall|sysenter|int +\$0x80)\b", code)
            ours = name.startswith(("host/", "stub/", "x86/vdso/"))
            looked += bool(calls) and ours
            if calls and not ours:
                found.append(f"{name} ({len(calls)})")
    check(looked, "not even host/ has any: is this a look at the code?")
    check(not found, "system calls in " + ", ".join(found))


def test_clang(tmp):
    """The other compiler's kernel boots."""
    if not LONG:
        raise Skipped("a build of its own, with LONG=1 in the environment")
    for name in ("clang-14", "ld.lld-14", "llvm-ar-14"):
        if not shutil.which(name):
            raise Skipped(f"no {name} on this host")
    prepared()
    fine(tool(tmp, "linux", seconds=test_clang.seconds - 60, OBJ="clang", LLVM="-14", KERNEL=TREE))
    with open(f"{tmp}/build/linux-clang.log", errors="replace") as f:
        warnings = [line for line in f if "warning:" in line and "arch/um/" in line]
    check(not warnings, "warnings in our files", "".join(warnings[:8]))
    linux = f"{tmp}/build/linux-clang"
    r = ended(run(cmd=["cat", "/proc/version"], linux=linux), 0)
    check(b"clang version 14" in r.out, "another compiler", r)


test_clang.seconds = 3600 if LONG else 30


# make run

def guest(**env):
    """tools/build/run with the real build/linux."""
    keep = {k: v for k, v in os.environ.items() if k not in ("CMD", "ROOT", "ARGS", "MEM")}
    if uml.LINUX != os.path.join(BUILD, "linux"):
        raise Skipped("it runs build/linux, not another")
    return subprocess.run([os.path.join(TOOLS, "run")], env=dict(keep, **env), timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True)


def test_run_status():
    for status in (0, 7, 255):
        done = guest(CMD=f"exit {status}")
        check(done.returncode == status, f"exit {status} gave {done.returncode}", done)
    check(guest(CMD="kill -9 $$").returncode == 137, "killed, and not 137")


WORDS = """echo "a  b" 'c"d' 100%25 $((6*7)) e\\\\f; echo 'g\tÄ ö €'"""
SAID = "a  b c\"d 100%25 42 e\\f\ng\tÄ ö €\n"


def test_run_words():
    """Quotes, per cent, white space and UTF-8 reach the shell as they are."""
    done = guest(CMD=WORDS)
    check(done.returncode == 0 and done.stdout.decode() == SAID, "other words", done)
    done = guest(CMD="cat /proc/cmdline; grep MemTotal /proc/meminfo", MEM="64M", ARGS="one=1  two")
    check(b"mem=64M one=1 two" in done.stdout, "ARGS and MEM are lost", done)


def test_run_root(tmp):
    """With ROOT the command goes on the kernel's command line, by plain bytes."""
    os.mkdir(f"{tmp}/build")
    shutil.move(script(tmp, "linux", '#!/bin/sh\nprintf "%s\\n" "$@"\n'), f"{tmp}/build/linux")
    image = os.path.join(tmp, "an image")
    with open(image, "w"):
        pass
    done = fine(tool(tmp, "run", ROOT=image, CMD=WORDS, ARGS="quiet"))
    words = done.stdout.splitlines()
    check(words[:5] == [f"ubd0={image}", "root=/dev/ubda", "rw", "mem=1G", "quiet"], "other words", done)
    cmd = words[-1].partition("umlcmd=")[2]
    check(re.fullmatch(r"[\w./=:,+@%-]+", cmd, re.ASCII), f"bytes that are not plain: {cmd}")
    check(urllib.parse.unquote(cmd) == WORDS, "the command is another", cmd)


def test_run_root_missing(tmp):
    dies(tool(tmp, "run", ROOT="/nonexistent"), "ROOT=/nonexistent is not there")
