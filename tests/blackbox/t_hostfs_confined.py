# SPDX-License-Identifier: GPL-2.0
"""Directories of the host: that nobody gets out of them.

Neither guest programs, by links, races and names that the host gives to something
else, nor who has taken over the kernel process, whose threads are made to call the
host by tests/blackbox/hostfs/inject.c.
"""

import errno
import os
import subprocess
import sys
import time

from t_hostfs import LONG, OLD, get, guest, lines, mounted, program, put, share
from uml import Guest, Skipped, check, ended, run


def test_threads_that_start_late(tmp):
    """Threads for disks restrict themselves before they may not any more, however
    late the host lets them run: here not before the vCPU's thread has to wait."""
    image, cpu = f"{tmp}/image", min(os.sched_getaffinity(0))
    with open(image, "wb") as f:
        f.truncate(1 << 20)
    late = ["taskset", "-c", str(cpu), "chrt", "-f", "5"]
    if subprocess.run([*late, "true"], capture_output=True, check=False).returncode:
        raise Skipped("this host gives no real-time priority")
    r = run(f"hostfs={share(tmp)}", f"ubd0={image}", "ubd=threads", cmd=["echo", "hello"],
            wrap=late)
    ended(r, 0)
    check(r.out == b"hello\n", "it said something else", r)


def test_proc_takes_a_device_number(tmp):
    """A file system of the host's kernel is not shown where it has the device
    number that another one had, whose files were."""
    d = share(tmp)
    for name in ("a", "b"):
        os.mkdir(f"{d}/{name}")

    def mount(kind, where):
        done = subprocess.run(["mount", "-t", kind, "none", where], capture_output=True, text=True)
        if done.returncode:
            raise Skipped("mount: " + done.stderr.strip()[:80])
        return os.stat(where).st_dev

    # What the guest forgets it closes.
    script = mounted(d, f"""exec 2>&1; read x; ls -A a b; mount -t proc p /proc
        for i in 1 2 3; do echo 2 > /proc/sys/vm/drop_caches; done; echo first; read x
        {OLD} ls -A a b; cat b/version b/self/status""")
    busy = []
    try:
        dev = mount("tmpfs", f"{d}/a")
        put(f"{d}/a/shown", b"shown")
        with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
            g.send(b"\n")
            g.until(rb"first\n")
            while subprocess.run(["umount", f"{d}/a"], check=False).returncode:
                time.sleep(0.1)
            # The lowest free number is given; others may come and go meanwhile.
            for n in range(20):
                if mount("proc", f"{d}/b") == dev:
                    break
                subprocess.run(["umount", f"{d}/b"], check=True)
                busy.append(f"{tmp}/busy{n}")
                os.mkdir(busy[-1])
                mount("tmpfs", busy[-1])
            else:
                raise Skipped("the host gives the number to nobody")
            g.send(b"\n")
            r = ended(g.result(), 1)
    finally:
        for where in (f"{d}/a", f"{d}/b", *busy):
            if os.path.ismount(where):
                subprocess.run(["umount", "-l", where], check=False)
    check(lines(r)[:5] == ["a:", "shown", "", "b:", "first"], "not what was there first", r)
    check(lines(r)[5:8] == ["a:", "", "b:"] and len(lines(r)) == 10,
          "the host's /proc is seen", r)


test_proc_takes_a_device_number.seconds = 60


def test_no_way_out(tmp):
    """A guest's root that makes links and races renames stays in the directory.

    Two guests share it. One swaps a directory and a link to a directory
    outside, as fast as it can; the other opens, writes, makes and removes what
    it finds there. A plain path walk on the host, at the same time, shows that
    the link is there often enough to be followed.
    """
    d, outside = share(tmp), share(tmp, "outside")
    put(f"{outside}/file", b"outside")
    put(f"{outside}/remove-me", b"outside")
    before = {n: os.stat(f"{outside}/{n}") for n in os.listdir(outside)}
    put(f"{d}/swap/file", b"inside")
    os.symlink(outside, f"{d}/link")
    program(d, "attack")
    fooled = 0
    swapping = mounted(d, "echo ready; exec ./attack swap")
    using = mounted(d, "echo ready; exec ./attack use")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", swapping]) as a, \
            Guest(f"hostfs={d}", cmd=["sh", "-c", using]) as b, \
            Guest(f"hostfs={d}", cmd=["sh", "-c", using.replace(
                f"-o {d}", f"-o {d},cache=always")]) as c:
        for g in (a, b, c):
            g.until(rb"ready\n")
        end = time.monotonic() + (60 if LONG else 6)
        while time.monotonic() < end or (not fooled and time.monotonic() < end + 10):
            try:
                fooled += get(f"{d}/swap/file") == b"outside"
            except OSError:
                pass
        for g in (a, b, c):
            g.send(b"\n")
        for g in (b, c):
            r = ended(g.result(), 0)
            check(b"outside" not in r.out, "the guest read a file outside", r)
            check(b"tries" in r.out, "nothing was tried", r)
    check(fooled, "the attack is none: a plain path walk was never led astray")
    after = {n: os.stat(f"{outside}/{n}") for n in os.listdir(outside)}
    check(set(after) == set(before), f"names outside changed: {sorted(after)}")
    for n, st in before.items():
        check((st.st_mtime_ns, st.st_ctime_ns, st.st_size) ==
              (after[n].st_mtime_ns, after[n].st_ctime_ns, after[n].st_size),
              f"{n} outside was changed")


test_no_way_out.seconds = 120


def test_working_directory(tmp):
    """A guest's directory becomes the kernel process' own for moments only: what
    that removes at its end is what it made, not what has the same name there."""
    d = share(tmp)
    program(d, "files")
    # In the directory "xattr", which it makes.
    script = "./files xattr; mkdir -p xattr/.uml/there; echo mine > xattr/.uml/there/pid"
    r = ended(guest(script, d, "umid=there", env={"HOME": "."}, cwd=tmp), 0)
    check(os.listdir(f"{tmp}/.uml") == [], "its directory is left", r)
    check(os.path.exists(f"{d}/xattr/.uml/there/pid"), "it removed the guest's")


def test_kernel_process_is_confined(tmp):
    """With a directory given it has no new privileges, a filter, and Landlock."""
    d = share(tmp)
    with Guest(f"hostfs={d}", cmd=["sh", "-c", mounted(d, "echo ready; read x; dmesg")]) as g:
        g.until(rb"ready\n")
        for task in os.listdir(f"/proc/{g.kernel()}/task"):
            with open(f"/proc/{g.kernel()}/task/{task}/status") as f:
                status = f.read()
            check("NoNewPrivs:\t1" in status and "Seccomp:\t2" in status,
                  f"thread {task} is not confined", status)
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(has_landlock() == (b"has no Landlock" not in r.out), "the word of Landlock is not right", r)


def has_landlock():
    return subprocess.run([sys.executable, "-c", "import ctypes, sys;"
                           "sys.exit(ctypes.CDLL(None).syscall(444, 0, 0, 1) < 1)"],
                          check=False).returncode == 0


def test_landlock(tmp):
    """Who has taken over the kernel process opens and removes what was given only."""
    if not has_landlock():
        raise Skipped("no Landlock on this host")
    d, ro = share(tmp), share(tmp, "read-only")
    put(f"{d}/f", b"f")
    put(f"{ro}/f", b"f")
    put(f"{tmp}/other", b"other")
    put(f"{tmp}/.uml/another/pid", b"1")
    program(tmp, "inject")
    tries = (("read", f"{d}/f", True), ("write", f"{d}/f", True), ("unlink", f"{d}/f", True),
             ("read", f"{ro}/f", True), ("write", f"{ro}/f", False), ("unlink", f"{ro}/f", False),
             ("read", f"{tmp}/other", False), ("read", "/etc/passwd", False),
             ("unlink", f"{tmp}/.uml/another/pid", False))
    with Guest(f"hostfs={d}", f"hostfs={ro},ro", "umid=mine", env={"HOME": tmp},
               cmd=["sh", "-c", "echo ready; read x; echo goes on"]) as g:
        g.until(rb"ready\n")
        tasks = os.listdir(f"/proc/{g.kernel()}/task")
        for tid in tasks:
            put(f"{d}/f", b"f")
            for what, path, may in tries:
                done = subprocess.run([f"{tmp}/inject", tid, what, path], capture_output=True,
                                      text=True, timeout=20)
                if not os.path.exists(f"/proc/{g.kernel()}/task/{tid}"):
                    break
                if done.returncode == 77:
                    raise Skipped("ptrace: " + done.stderr.strip())
                check(done.returncode == 0, "it cannot be tried", done.stderr)
                got = done.stdout.strip()
                check(got.isdigit() if may else got == f"-{errno.EACCES}",
                      f"thread {tid} of {len(tasks)}: {what} {path}: {got}")
        g.send(b"\n")
        r = ended(g.result(), 0)
        check(lines(r)[-1] == "goes on", "the guest was harmed by the test", r)


def test_host_fifo(tmp):
    """A FIFO of the host is none in the guest: nobody reads there."""
    d = share(tmp)
    os.mkfifo(f"{d}/p")
    script = mounted(d, "cat p & sleep 0.3; echo ready; read x; echo hello > p; wait")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        try:
            os.close(os.open(f"{d}/p", os.O_WRONLY | os.O_NONBLOCK))
            check(False, "the guest has the host's FIFO open")
        except OSError as e:
            check(e.errno == errno.ENXIO, f"error {e.errno}")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r) == ["ready", "hello"], "the guest's FIFO does not work", r)
