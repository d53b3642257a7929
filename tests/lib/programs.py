# SPDX-License-Identifier: GPL-2.0
"""Groups of tests that are small C programs: tests/guest, tests/hostile.

Every NAME.c of a group's directory is one program, but for those that the group
says are common to all; they are linked statically, with tests/guest/lib.c, into
a scratch directory. They go into one archive behind build/initramfs.cpio, with
tests/guest/driver.c as its /init, and a kernel boots it once.

One line a case: "ok GROUP/PROGRAM:CASE", "not ok ... - why", "skip ... - why".
A case that the programs list but that gave no verdict is "not ok": the boot
died, hung or ran out of time before it. Then the end of the console is shown.
"""
import argparse
import concurrent.futures
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GUEST = TOP + "/tests/guest"
CFLAGS = "-O1 -g0 -static -pthread -Wall -Wextra -Wno-unused-parameter -Wno-clobbered -std=gnu11".split()
VERDICT = re.compile(r"@@ (ok|not ok|skip|#|done)(?: ([\w.-]+(?::\w+)?))?(?:[ -]*(.*))?$")


class Group:
    """A directory of programs and what is particular about it.

    @common: sources, without ".c", that each program is linked with
    """
    def __init__(self, name, common=()):
        self.name, self.common = name, list(common)
        self.dir = f"{TOP}/tests/{name}"


def compile_all(group, scratch, wanted, jobs):
    """Build the programs and the driver; return the programs' names."""
    names = sorted(f[:-2] for f in os.listdir(group.dir) if f.endswith(".c"))
    programs = [n for n in names if n not in ["lib", "driver"] + group.common]
    asked = {w.split(":")[0] for w in wanted}
    unknown = asked - set(programs)
    if unknown:
        sys.exit(f"tests/{group.name}/run: no program " + ", ".join(sorted(unknown)))
    programs = [p for p in programs if not asked or p in asked]
    os.mkdir(scratch + "/tests")

    def gcc(args):
        cmd = [os.environ.get("CC", "gcc")] + CFLAGS + ["-I" + GUEST] + args
        return subprocess.run(cmd, cwd=group.dir, capture_output=True, text=True, timeout=120)

    def build(name):
        if name == "driver":
            return name, gcc(["-s", "-o", scratch + "/init", GUEST + "/driver.c"])
        return name, gcc(["-s", "-o", f"{scratch}/tests/{name}", name + ".c",
                          *objects, "-lrt"])

    objects = []
    for source in [GUEST + "/lib.c"] + [f"{group.dir}/{c}.c" for c in group.common]:
        objects.append(f"{scratch}/common{len(objects)}.o")
        lib = gcc(["-c", "-o", objects[-1], source])
        if lib.returncode:
            sys.exit(f"tests/{group.name}/run: {source}: " + lib.stderr)
    good = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, result in pool.map(build, programs + ["driver"]):
            if result.returncode:
                print(f"not ok {group.name}/{name} - does not compile")
            else:
                good.append(name)
            sys.stdout.write(result.stderr)
    if "driver" not in good:
        sys.exit(1)
    return [n for n in good if n != "driver"], len(good) <= len(programs)


def newc(entries):
    """A cpio archive of (name, mode, contents) in the newc format."""
    out = bytearray()
    for ino, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        head = [ino, mode, 0, 0, 2 if mode & 0o40000 else 1, 0, len(data),
                0, 0, 0, 0, len(path), 0]
        out += b"070701" + b"".join(b"%08X" % h for h in head) + path
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out) + b"\0" * (-len(out) % 512)


def initrd(scratch, **sources):
    """build/initramfs.cpio and behind it small C programs: /NAME of each NAME=source.

    The initramfs's init runs what UML_ARGV=/NAME says.
    """
    entries = []
    for name, source in sources.items():
        program = f"{scratch}/{name}"
        subprocess.run([os.environ.get("CC", "gcc").split()[0], "-O2", "-static", "-pthread",
                        "-x", "c", "-o", program, "-"], input=source.encode(), check=True)
        with open(program, "rb") as f:
            entries.append((name, 0o100755, f.read()))
    with open(TOP + "/build/initramfs.cpio", "rb") as f:
        base = f.read()
    with open(f"{scratch}/initrd", "wb") as f:
        f.write(base + b"\0" * (-len(base) % 512) + newc(entries))
    return f"{scratch}/initrd"


def archive(scratch, programs):
    """Our own small archive, behind the one that the build has made, if any."""
    path = scratch + "/tests.cpio"
    dirs = "dev proc sys tmp tests".split()
    entries = [(d, 0o40755, b"") for d in dirs]
    for name, source in [("init", scratch + "/init")] + \
            [("tests/" + p, f"{scratch}/tests/{p}") for p in programs]:
        with open(source, "rb") as f:
            entries.append((name, 0o100755, f.read()))
    with open(path, "wb") as out:
        base = TOP + "/build/initramfs.cpio"
        if os.path.exists(base):
            with open(base, "rb") as f:
                data = f.read()
            out.write(data + b"\0" * (-len(data) % 512))
        out.write(newc(entries))
    return path


def watch(cmd, seconds, verbose, on_line, silence=None):
    """Run cmd, hand its output on by lines; return (status or None, tail).

    on_line() returns how many seconds more there are, or None for no change. It
    also ends when nothing has come for @silence seconds.
    """
    proc = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)
    end = time.monotonic() + seconds
    pending, tail, status = b"", [], None
    heard = time.monotonic()
    try:
        while time.monotonic() < end:
            if not select.select([proc.stdout], [], [], 0.5)[0]:
                if silence and time.monotonic() > heard + silence:
                    break
                continue
            heard = time.monotonic()
            data = os.read(proc.stdout.fileno(), 65536)
            *lines, pending = (pending + data).split(b"\n")
            for raw in lines + ([pending] if not data else []):
                line = raw.decode(errors="replace").rstrip("\r")
                if verbose and line:
                    print("  |", line, flush=True)
                tail = tail[-60:] + [line]
                left = on_line(line)
                if left is not None:
                    end = min(end, time.monotonic() + left)
            if not data:
                status = proc.wait(max(1, end - time.monotonic()))
                break
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        proc.wait()
    return status, tail


class Verdicts:
    """Prints a line for each case and remembers which had one."""
    def __init__(self, group):
        self.group = group.name
        self.seen, self.bad, self.done = {}, 0, False

    def line(self, text):
        match = VERDICT.search(text)
        if not match or self.done:
            return None
        kind, name, why = match.groups()
        if kind == "done":
            self.done = True
            return 20
        if kind == "#":
            print(f"# {name} {why}", flush=True)
        else:
            self.seen[name] = kind
            self.bad += kind == "not ok"
            print(f"{kind} {self.group}/{name}" + (f" - {why}" if kind != "ok" else f" {why}"),
                  flush=True)
        return None


def expected(scratch, programs, wanted):
    """The cases that must give a verdict."""
    cases = []
    for program in programs:
        listing = subprocess.run([f"{scratch}/tests/{program}", "-l"], timeout=10,
                                 capture_output=True, text=True, check=True)
        cases += listing.stdout.split()
    if not wanted:
        return cases
    return [c for c in cases if c in wanted or c.split(":")[0] in wanted]


def arguments(doc):
    """What all groups can be told."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=240)
    parser.add_argument("--kernel", default=TOP + "/build/linux")
    parser.add_argument("--option", action="append", default=[], help="for the kernel")
    parser.add_argument("names", nargs="*")
    return parser


def boot(group, args, scratch, programs, cases, broken, on_line=None, wrap=()):
    """Run the programs in one boot and judge it; the exit status.

    @on_line sees each line of the console; @wrap goes before the kernel's name.
    """
    if args.native:
        cmd = [scratch + "/init", str(args.seconds * 2 // 3), scratch + "/tests"] + args.names
    else:
        cmd = [*wrap, args.kernel, "initrd=" + archive(scratch, programs), "mem=1200M"]
        cmd += args.option + (["--"] + args.names if args.names else [])
    verdicts = Verdicts(group)

    def line(text):
        if on_line:
            on_line(text)
        return verdicts.line(text)

    start = time.monotonic()
    status, tail = watch(cmd, args.seconds, args.verbose, line)
    took = time.monotonic() - start
    how = f"not done in {args.seconds} s" if status is None else f"the boot ended with {status}"
    missing = [c for c in cases if c not in verdicts.seen]
    for case in missing:
        print(f"not ok {group.name}/{case} - no verdict: {how}")
    if missing or not verdicts.done:
        print("# the last of what was seen:")
        for text in tail:
            print("#   " + text)
    count = list(verdicts.seen.values()).count
    print(f"# {group.name}: {count('ok')} ok, {verdicts.bad + len(missing)} not ok, "
          f"{count('skip')} skipped, {took:.0f} s, {how}")
    if status is None and verdicts.done:
        print(f"not ok {group.name}/end - all tests were run, but the boot did not end")
    if verdicts.bad or missing or broken or status is None:
        return 1
    if status != 0 and not args.native:
        print(f"not ok {group.name}/end - init asked for status 0, "
              f"the boot ended with {status}")
        return 1
    return 0 if count("ok") else 77


def run(group, args):
    """All of it, for a group without anything of its own."""
    if not args.native and not args.list and not os.access(args.kernel, os.X_OK):
        print(f"skip {group.name} - {args.kernel} is not there")
        return 77
    with tempfile.TemporaryDirectory(prefix=group.name + "-tests.") as scratch:
        programs, broken = compile_all(group, scratch, args.names, args.jobs)
        cases = expected(scratch, programs, args.names)
        if args.list:
            print("\n".join(cases))
            return 0
        return boot(group, args, scratch, programs, cases, broken)
