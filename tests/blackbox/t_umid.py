# SPDX-License-Identifier: GPL-2.0
"""umid=NAME: the directory ~/.uml/NAME with the pid of the kernel process."""

import os
import signal
import subprocess
import time

from uml import Guest, Skipped, check, ended, run

WAIT = ["sh", "-c", "echo up; read x"]


def pid_file(home, name):
    return os.path.join(home, ".uml", name, "pid")


def gone(home, name, when):
    check(not os.path.exists(os.path.join(home, ".uml", name)),
          f"the directory is there after {when}")


def test_made_and_removed(tmp):
    with Guest("umid=first", cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        with open(pid_file(tmp, "first")) as f:
            pid = int(f.read())
        check(pid == g.kernel(), f"pid says {pid}, not {g.kernel()}")
        g.send(b"end\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
    gone(tmp, "first", "power-off")


def test_removed_after_other_ends(tmp):
    ended(run("umid=panics", "rdinit=/bin/false", env={"HOME": tmp}), 134)
    gone(tmp, "panics", "a panic")
    with Guest("umid=ended", cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        g.proc.terminate()
        g.wait(10)
    gone(tmp, "ended", "SIGTERM")
    ended(run("umid=bad", "ubd0=/nonexistent", env={"HOME": tmp}), 1)
    gone(tmp, "bad", "a bad option")


def test_one_guest_a_name(tmp):
    with Guest("umid=mine", cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        r = ended(run("umid=mine", cmd="true", env={"HOME": tmp}, seconds=8), 1)
        check(b"mine" in r.err.splitlines()[-1], "no clear line", r)
        check(os.path.exists(pid_file(tmp, "mine")), "the second removed it")
        ended(run("umid=other", cmd="true", env={"HOME": tmp}), 0)
        g.send(b"end\n")
        g.wait()
    gone(tmp, "mine", "power-off")


def test_left_over_is_taken(tmp):
    """After SIGKILL the directory is left; its pid is dead; the next may start."""
    with Guest("umid=again", cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        g.proc.kill()
        check(not g.gone(1), "processes are left")
    ended(run("umid=again", cmd="true", env={"HOME": tmp}), 0)
    gone(tmp, "again", "power-off")


def left_over(home, name):
    """A directory without a guest; the path of its pid file, which is not there."""
    os.makedirs(os.path.join(home, ".uml", name), mode=0o700)
    return pid_file(home, name)


def test_taken_without_a_pid_in_the_file(tmp):
    """A guest that has not written its pid yet has its name no less."""
    with Guest("umid=mine", cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        os.truncate(pid_file(tmp, "mine"), 0)
        r = ended(run("umid=mine", cmd="true", env={"HOME": tmp}, seconds=8), 1)
        check(b"umid=mine: the name is in use" in r.err, "no clear line", r)
        check(os.path.exists(pid_file(tmp, "mine")), "the second removed it")
        g.send(b"end\n")
        g.wait()
    gone(tmp, "mine", "power-off")


def test_many_start_at_once(tmp):
    """One of them gets the name, each time."""
    for _ in range(3):
        guests = [Guest("umid=one", "quiet", cmd=WAIT, env={"HOME": tmp}) for _ in range(4)]
        try:
            end = time.monotonic() + 15
            while sum(g.proc.poll() is None for g in guests) > 1:
                check(time.monotonic() < end, "more than one has the name")
                time.sleep(0.02)
            first = [g for g in guests if g.proc.poll() is None]
            check(len(first) == 1, "nobody has the name", guests[0].words())
            first[0].until(rb"up\n")
            with open(pid_file(tmp, "one")) as f:
                check(int(f.read()) == first[0].kernel(), "another's pid is in the file")
            first[0].send(b"end\n")
            check(first[0].wait() == 0, f"status {first[0].status()}")
        finally:
            for g in guests:
                g.end()
        gone(tmp, "one", "power-off")


def test_pid_of_another_process_is_no_guest(tmp):
    """The number of a dead guest is another process's by now."""
    with open(left_over(tmp, "again"), "w") as f:
        f.write(f"{os.getpid()}\n")
    ended(run("umid=again", cmd="true", env={"HOME": tmp}), 0)
    gone(tmp, "again", "power-off")


def test_pid_is_no_file(tmp):
    """It does not hold up the boot, nor is something elsewhere written to."""
    os.mkfifo(left_over(tmp, "fifo"))
    target = os.path.join(tmp, "target")
    with open(target, "w") as f:
        f.write("precious")
    os.symlink(target, left_over(tmp, "link"))
    for name in ("fifo", "link"):
        r = ended(run(f"umid={name}", cmd="true", env={"HOME": tmp}, seconds=8), 1)
        check(b"pid is there and no plain file; remove it\n" in r.err, "no clear line", r)
        check(os.path.lexists(pid_file(tmp, name)), f"{name} was removed")
    with open(target) as f:
        check(f.read() == "precious", "the link's target was written to")


def test_name_is_free_after_sigkill(tmp):
    """No other process of a guest keeps its name."""
    for _ in range(3):
        with Guest("umid=quick", "quiet", cmd=WAIT, env={"HOME": tmp}) as g:
            g.until(rb"up\n")
            os.kill(g.kernel(), signal.SIGKILL)
            g.proc.wait()
            ended(run("umid=quick", "quiet", cmd="true", env={"HOME": tmp}), 0)
    gone(tmp, "quick", "power-off")


def test_long_home(tmp):
    """Up to 256 characters, and then the line says what is wrong."""
    home = os.path.join(tmp, *["d" * 60] * 3)[:200]
    os.makedirs(home)
    r = ended(run("umid=deep", cmd=["ls", "-d", "/"], env={"HOME": home}), 0)
    check(not os.path.exists(os.path.join(home, ".uml", "deep")), "left there", r)
    home = "/" + "x" * 300
    r = ended(run("umid=deep", cmd="true", env={"HOME": home}, seconds=8), 1)
    check(b"umid=deep: $HOME is longer than 256 characters" in r.err, "no clear line", r)


def test_bad_names(tmp):
    for name in ("a/b", "..", ".", "/etc", "x" * 300):
        r = ended(run(f"umid={name}", cmd="true", env={"HOME": tmp}, seconds=8), 1,
                  f"umid={name[:20]}")
        check(b"umid" in r.err.splitlines()[-1], "no clear line", r)
    check(not os.path.exists(os.path.join(tmp, "b")), "outside of ~/.uml")


def test_no_home():
    """It cannot be made: one clear line, or a guest without it."""
    for home in ("/proc/nothing", ""):
        r = run("umid=name", cmd=["echo", "hello"], env={"HOME": home}, cwd="/proc")
        if r.status == 0:
            check(r.out == b"hello\n", "wrong output", r)
            check(b"umid" in r.err, "no word that the name is not kept", r)
        else:
            ended(r, 1)
            check(b"umid" in r.err.splitlines()[-1], "no clear line", r)


def test_home_is_full(tmp):
    """A name that cannot be written down is none, and nothing is left of it."""
    wrap = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size=64k t {tmp} && dd if=/dev/zero of={tmp}/full bs=1k"
            f" 2>/dev/null; \"$@\"; s=$?; find {tmp}/.uml; exit $s", "sh"]
    if subprocess.run([*wrap, "true"], capture_output=True).returncode:
        raise Skipped("no mount namespace here")
    r = ended(run("umid=x", "quiet", cmd="true", wrap=wrap, env={"HOME": tmp}), 1)
    check(b"umid=x: cannot write" in r.err and b"No space left" in r.err, "no clear line", r)
    check(r.out == f"{tmp}/.uml\n".encode(), "something is left", r)


def test_nothing_without_a_name(tmp):
    """A guest without umid= writes nothing into the user's home."""
    ended(run(cmd="true", env={"HOME": tmp}, cwd=tmp), 0)
    check(os.listdir(tmp) == [], f"left in the home: {os.listdir(tmp)}")
