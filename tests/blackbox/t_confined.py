# SPDX-License-Identifier: GPL-2.0
"""Hosts that give little: another user, no privileges, few processes, nothing
writable, namespaces, filters that refuse system calls.
"""

import os
import re
import shutil
import subprocess
import sys
import time

from disk import MIB, START, noise, program
from uml import LINUX, Guest, Skipped, about_seccomp, check, ended, gave, run, sh

HERE = os.path.dirname(os.path.abspath(__file__))
REFUSE = [sys.executable, os.path.join(HERE, "refuse.py")]
HELLO = ["echo", "hello"]
MEMFD = " (not needed: guest memory is a memfd)"
NO_PRIVS = ["setpriv", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all"]
if os.getuid() == 0:
    NOBODY = [*NO_PRIVS, "--reuid=65534", "--regid=65534", "--clear-groups"]
else:       # a user already: the rest of it
    NOBODY = ["setpriv", "--no-new-privs"]


def need(*wrap):
    """Skip if the host refuses the confinement itself."""
    try:
        done = subprocess.run([*wrap, "true"], capture_output=True, timeout=10)
    except OSError as e:
        raise Skipped(f"{wrap[0]}: {e.strerror}") from None
    if done.returncode:
        raise Skipped(f"{' '.join(wrap)[:60]}: "
                      + done.stderr.decode(errors="replace").strip()[:100])
    return list(wrap)


def copy(tmp):
    """build/linux where every user can reach it."""
    path = os.path.join(tmp, "linux")
    shutil.copy(LINUX, path)
    os.chmod(path, 0o755)
    return path


def works(wrap, **more):
    r = gave(run(cmd=HELLO, wrap=wrap, **more), b"hello\n")
    gave(sh("/bin/echo a | /bin/cat; exit 0", wrap=wrap, **more), b"a\n")
    return r


def said(r, *lines):
    """The report of the host has these lines, whole."""
    report = r.err.decode(errors="replace").splitlines()
    for line in lines:
        check(line in report, f"no line {line!r}", r.err.decode(errors="replace"))


def test_user_nobody(tmp):
    works(need(*NOBODY), linux=copy(tmp), cwd="/", env={"HOME": "/nonexistent"})


def test_root_without_capabilities():
    works(need(*NO_PRIVS))


def few_processes(script, tmp, seconds):
    wrap = need(*NOBODY, "prlimit", "--nproc=200")
    r = sh(script, wrap=wrap, linux=copy(tmp), cwd="/", seconds=seconds)
    ended(r, 0)
    check(b"lives\n" in r.out, "the guest does not live on", r)
    return r


def test_process_limit(tmp):
    script = ("(for i in $(seq 400); do sleep 100 >&- 2>&- & done) 2>&1 | tail -n 1;"
              "killall sleep; sleep 0.2; /bin/echo lives")
    r = few_processes(script, tmp, 25)
    if os.getuid() == 0:    # else other processes of the user count too
        check(b"fork" in r.out, "400 processes within a limit of 200?", r)
        check(b"temporarily unavailable" in r.out, "the limit is not EAGAIN", r)


def test_fork_bomb(tmp):
    # A shell that cannot fork ends, so this one waits and kills without.
    script = ("mkfifo /f; exec 3<>/f; (b() { b | b & }; b) >/dev/null 2>&1 &"
              "read -t 3 x <&3; kill -9 -1; read -t 1 x <&3; /bin/echo lives")
    few_processes(script, tmp, 50)


test_fork_bomb.seconds = 60


def processes(tmp, limit, wanted):
    """By a user of its own, who has no other processes, not even those of a test beside."""
    if os.getuid():
        raise Skipped("takes root, to be another user")
    user = 61000 + limit // 100
    wrap = need(*NO_PRIVS, f"--reuid={user}", f"--regid={user}", "--clear-groups", "prlimit",
                f"--nproc={limit}", "--nofile=20000")
    with open("/proc/sys/kernel/threads-max") as f:
        most = int(f.read())
    if most < limit:
        raise Skipped(f"this host has {most} threads at most")
    disk = program(tmp, "procs.c")
    os.chmod(disk, 0o644)
    r = ended(sh(START + f"ulimit -n 4096; /p {wanted}; echo lives", "mem=1G", "ubdpr=" + disk,
                 wrap=wrap, linux=copy(tmp), cwd="/", seconds=50), 0)
    found = re.search(rb"live (\d+) answered (\d+) (.*)\ngoes on\nlives\n", r.out)
    check(found, "it does not go on", r)
    check(found.group(1) == found.group(2), "not all of them ran", r)
    return int(found.group(1)), found.group(3)


def test_3000_processes(tmp):
    """All at once, on a host where a user has 8,000."""
    live, why = processes(tmp, 8000, 3000)
    check(live == 3000, f"{live} processes, then {why}")


test_3000_processes.seconds = 60


def test_limit_of_processes(tmp):
    """Where it is reached, it is EAGAIN in the guest."""
    live, why = processes(tmp, 600, 3000)
    check(why == b"Resource temporarily unavailable", f"{live} processes, then {why}")
    check(300 < live < 600, f"{live} processes within a limit of 600")


test_limit_of_processes.seconds = 60


def mounts(script):
    """A mount namespace of its own, by root or by a user."""
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    return need(*unshare, "sh", "-ec", script + '; exec "$@"', "sh")


def read_only(path):
    return f"mount --bind {path} {path}; mount -o remount,bind,ro {path};"


NOTHING_WRITABLE = (read_only("/tmp") + read_only("/dev/shm") + read_only("/var")
                    + "mount -o remount,bind,ro /; cd /;"
                    "! touch /tmp/x 2>/dev/null; ! touch /dev/shm/x 2>/dev/null;"
                    "! touch /x 2>/dev/null")


def test_nothing_writable():
    wrap = mounts(NOTHING_WRITABLE)
    r = gave(run(cmd=HELLO, wrap=wrap), b"hello\n")
    said(r, "Checking PROT_EXEC mmap in /dev/shm/...failed: Read-only file system" + MEMFD)


def test_all_at_once(tmp):
    """Nobody, without privileges to gain, with 200 processes and nothing writable:
    a guest that uses a disk, pipes and fork all the same.
    """
    disk = noise(tmp, size=MIB)
    os.chmod(disk, 0o444)
    # A user that no other test fills the limit of.
    user = [word.replace("65534", str(100000 + os.getpid() % 100000)) for word in NOBODY]
    wrap = need(*mounts(NOTHING_WRITABLE), *user, "prlimit", "--nproc=200")
    r = ended(sh("sha256sum < /dev/ubda; i=0; while [ $i -lt 50 ]; do /bin/true || exit 1;"
                 "i=$((i+1)); done; echo a | cat; exit 7", f"ubd0r={disk}", wrap=wrap,
                 linux=copy(tmp), cwd="/"), 7)
    check(r.out.endswith(b"  -\na\n"), "other words", r)


def test_no_tmpfs_at_all():
    """/dev/shm is a directory of another file system."""
    r = gave(run(cmd=HELLO, wrap=mounts("mount --bind /usr /dev/shm")), b"hello\n")
    said(r, "Checking for tmpfs mount on /dev/shm...nothing mounted" + MEMFD)


def test_noexec_shm():
    r = gave(run(cmd=HELLO, wrap=mounts("mount -t tmpfs -o noexec t /dev/shm")),
             b"hello\n")
    said(r, "Checking for tmpfs mount on /dev/shm...OK",
         "Checking PROT_EXEC mmap in /dev/shm/...failed: Operation not permitted" + MEMFD)


def test_full_shm():
    """/dev/shm too small for guest memory: it is not used for it."""
    gave(run("mem=512M", cmd=HELLO,
             wrap=mounts("mount -t tmpfs -o size=4k t /dev/shm")), b"hello\n")


def test_unshare_user():
    works(need("unshare", "-r"))


def test_unshare_pid_and_proc():
    works(need("unshare", "-rmpf", "--mount-proc"))


def test_as_process_one():
    """The kernel process is process 1 of a pid namespace."""
    works(need("unshare", "-rpf"))


def test_empty_root(tmp):
    """No /proc, no /dev, nothing but the executable."""
    root = os.path.join(tmp, "root")
    os.mkdir(root)
    copy(root)
    need("unshare", "-r", "chroot", "/")
    works(["unshare", "-r", "chroot", root], linux="/linux")


def test_bubblewrap():
    works(need("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
               "--unshare-all", "--die-with-parent"))


def test_bubblewrap_dies():
    """When bubblewrap is killed its guest goes with it."""
    wrap = need("bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
                "--unshare-all", "--die-with-parent")
    with Guest(cmd=["sh", "-c", "echo up; sleep 100"], wrap=wrap) as g:
        g.until(rb"up\n")
        g.proc.kill()
        left = g.gone(2)
        check(not left, f"left processes: {left}")


def test_in_a_deep_directory(tmp):
    """Started by a relative path, from a directory that is then removed."""
    path = copy(tmp)
    deep = os.path.join(tmp, "d")
    os.mkdir(deep)
    works(["sh", "-c", f'cd {deep}; rmdir {deep}; exec "$@"', "sh"], linux=path)


def test_personalities():
    """Host settings that change the picture of memory."""
    for wrap in (["setarch", "-R"], ["setarch", "-L"], ["setarch", "-X"],
                 ["sh", "-c", 'ulimit -s unlimited; exec "$@"', "sh"]):
        gave(run(cmd=HELLO, wrap=need(*wrap)), b"hello\n", " ".join(wrap))


def refused(names, *options):
    r = ended(run(*options, cmd=HELLO, wrap=need(*REFUSE, names), seconds=10), 1)
    lines = r.err.decode(errors="replace").splitlines()
    clear = [line for line in lines if line.startswith("linux: ")]
    check(len(clear) == 1 and lines[-1] == clear[0],
          f"not one clear line: {clear}", r)
    check(not r.out, "words on stdout", r)
    return clear[0]


def test_no_ptrace():
    """Over seccomp nothing needs it; asked for, or with neither, it is missed."""
    r = works(need(*REFUSE, "ptrace"))
    said(r, *(f"Checking {what}...failed: Operation not permitted"
              " (not needed: guest programs run over seccomp)" for what in (
                  "that ptrace can change system call numbers",
                  "syscall emulation patch for ptrace",
                  "advanced syscall emulation patch for ptrace")),
         *(f"  - {what}...cannot be told: Operation not permitted (not needed)"
           for what in ("PTRACE_FAULTINFO", "PTRACE_LDT")))
    check("ptrace" in refused("ptrace", "skas0=ptrace"), "ptrace is not named")
    check("ptrace" in refused("ptrace,seccomp"), "ptrace is not named")


def test_no_seccomp():
    """It runs over ptrace, and says so; asked for, it is missed."""
    for names in ("seccomp", "eventfd2"):
        r = ended(run(cmd=["cat", "/proc/cpuinfo"], wrap=need(*REFUSE, names)), 0)
        check(b"transport\t: ptrace" in r.out, "another transport", r)
        check(b"over ptrace" in r.err, "not a word of it", r)
    check("seccomp" in refused("seccomp", "skas0=seccomp"), "seccomp is not named")


def test_no_landlock():
    """It works, and the guest's log says what is left open; the files of its name go."""
    r = ended(run(cmd=["dmesg"], wrap=need(*REFUSE, "landlock_create_ruleset")), 0)
    check(b"no Landlock (Operation not permitted): who takes over this kernel can remove" in r.out
          and b"Landlock does not keep signals in" in r.out, "not a word of it", r)


def test_no_memfd():
    check("memfd" in refused("memfd_create"), "memfd is not named")


def test_no_ptrace_on_a_terminal():
    """The terminal is as it was after the refusal."""
    with Guest(cmd=HELLO, wrap=need(*REFUSE, "ptrace,seccomp"), tty=True) as g:
        check(g.wait(10) == 1, f"status {g.status()}", g.words())
        check(g.mode() == g.cooked, "the terminal's mode was changed")


def test_other_calls_refused():
    """What a strict profile refuses: it works, or says clearly why not."""
    for name in ("process_vm_readv,process_vm_writev", "pidfd_open", "clone3",
                 "io_uring_setup", "userfaultfd", "seccomp", "unshare", "epoll_pwait2",
                 "sched_setaffinity", "sched_setscheduler", "personality", "timerfd_create",
                 "eventfd2", "fallocate"):
        r = run(cmd=HELLO, wrap=need(*REFUSE, name), seconds=10)
        check(not r.left, f"without {name}: left processes {r.left}")
        if r.status == 0:
            check(r.out == b"hello\n", f"without {name}: wrong output", r)
        else:
            check(r.status == 1 and b"linux: " in r.err,
                  f"without {name}: status {r.status}", r)


def test_no_new_privileges_is_kept():
    """Nothing of the guest gains host privileges: all its processes are ours."""
    with Guest(cmd=["sh", "-c", "sleep 100 & echo up; read x"],
               wrap=need(*NO_PRIVS)) as g:
        g.until(rb"up\n")
        time.sleep(0.2)
        for pid in g.pids():
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            check("NoNewPrivs:\t1" in status, f"process {pid} lost no_new_privs")
            check("CapBnd:\t0000000000000000" in status,
                  f"process {pid} has capabilities in its bound")


about_seccomp(globals(), "no_ptrace")
