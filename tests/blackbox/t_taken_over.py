# SPDX-License-Identifier: GPL-2.0
"""Who takes over the kernel process has the host calls of its filter, no others."""

import errno
import os
import re
import subprocess

from uml import TOP, TRANSPORT, Guest, Skipped, check

HERE = os.path.dirname(os.path.abspath(__file__))
NR = {"read": 0, "ioctl": 16, "mremap": 25, "getpid": 39, "socket": 41, "connect": 42, "clone": 56,
      "execve": 59, "kill": 62, "fcntl": 72, "rmdir": 84, "unlink": 87, "ptrace": 101, "sched_setscheduler": 144,
      "prctl": 157, "tkill": 200, "open": 2, "openat": 257, "process_vm_writev": 311,
      "tgkill": 234, "memfd_create": 319, "pidfd_open": 434}
TIOCSTI, TIOCLINUX, TIOCGWINSZ, FIONBIO, F_SETOWN = 0x5412, 0x541c, 0x5413, 0x5421, 8
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206


def call(tmp, g, name, *args):
    """Have the kernel process of a guest make a host call: its result, or "killed"."""
    program = os.path.join(tmp, "call")
    if not os.path.exists(program):
        done = subprocess.run(["gcc", "-O1", "-static", "-o", program, f"{HERE}/call.c"],
                              capture_output=True, text=True)
        check(done.returncode == 0, "call.c does not compile", done.stderr)
    done = subprocess.run([program, str(g.kernel()), str(NR[name]), *map(str, args)],
                          capture_output=True, text=True, timeout=25)
    if done.returncode == 77:
        raise Skipped(done.stderr.strip())
    check(done.returncode == 0, f"{name} cannot be tried", done.stdout[-200:] + done.stderr)
    said = done.stdout.strip()
    return said if said == "killed" else int(said)


def guest():
    g = Guest(cmd=["sh", "-c", "echo up; while read x; do echo $x; done"])
    g.until(rb"up\n")
    return g


def ends(tmp, name, *args):
    with guest() as g:
        check(call(tmp, g, "getpid") == g.kernel(), "a call that is allowed does not work")
        said = call(tmp, g, name, *args)
        check(said == "killed", f"{name}{args} gave {said}")
        left = g.gone(5)
        check(not left, f"after {name} there are processes: {left}")


def test_typing_into_the_terminal(tmp):
    for request in (TIOCSTI, TIOCLINUX):
        ends(tmp, "ioctl", 0, request, 0)
    ends(tmp, "fcntl", 0, F_SETOWN, 1)


def test_files_and_sockets(tmp):
    for name in ("openat", "open", "socket", "memfd_create", "connect"):
        ends(tmp, name, 0, 0, 0)


def test_programs_and_processes(tmp):
    for name in ("execve", "clone", "process_vm_writev", "pidfd_open", "prctl", "tkill"):
        ends(tmp, name, 0, 0, 0)
    ends(tmp, "kill", -1, 0)
    ends(tmp, "sched_setscheduler", 0, os.SCHED_FIFO, 0)
    if TRANSPORT == "seccomp":      # over ptrace spaces are traced
        ends(tmp, "ptrace", PTRACE_ATTACH, os.getpid())


def landlock():
    """The version of the host's."""
    ask = "import ctypes; print(ctypes.CDLL(None).syscall(444, 0, 0, 1))"
    return int(subprocess.run(["python3", "-c", ask], capture_output=True, text=True, check=True).stdout)


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        return f.read()


def refused(tmp, *options, **more):
    """What its user has beside the guest: files, and processes that it did not start."""
    file, directory = f"{tmp}/file", f"{tmp}/directory"
    with open(file, "w"):
        pass
    os.makedirs(directory, exist_ok=True)
    with subprocess.Popen(["sleep", "60"]) as victim, \
            Guest(*options, cmd=["sh", "-c", "echo up; sleep 1000 & read x; kill $!; dmesg"],
                  **more) as g:
        try:
            g.until(rb"up\n")
            for name, path in (("unlink", file), ("rmdir", directory)):
                said = call(tmp, g, name, path)
                check(said == -errno.EACCES and os.path.exists(path), f"{name}: {said}")
            doorman = {pid for pid in g.pids() if b"--doorman" in command_line(pid)}
            spaces = g.pids() - doorman - {g.pid, g.kernel()}
            said = {pid: call(tmp, g, "kill", pid, 0) for pid in spaces}
            check(spaces and not any(said.values()), f"its own processes: {said}")
            if TRANSPORT == "ptrace":
                said = call(tmp, g, "ptrace", PTRACE_SEIZE, victim.pid)
                check(said == -errno.EPERM, f"a process of the user is traced: {said}")
            if landlock() >= 6:
                for name, args in (("kill", [victim.pid, 9]), ("tgkill", [victim.pid, victim.pid, 9]),
                                   *[("kill", [pid, 0]) for pid in (os.getpid(), *doorman)]):
                    said = call(tmp, g, name, *args)
                    check(said == -errno.EPERM, f"{name}{args} gave {said}")
            check(victim.poll() is None, "a process of the user is gone")
            g.send(b"\n")
            check(g.wait(10) == 0, f"status {g.status()}", g.words())
            said = re.search(rb"Landlock.*", g.out())
            check(not said if landlock() >= 6 else said, f"the log says {said}", g.words())
            check(not g.gone(3), "processes are left")
        finally:
            victim.kill()


def test_what_else_the_user_has(tmp):
    """Landlock: neither a file that goes by name nor a process that is somebody else's."""
    if landlock() < 1:
        raise Skipped("no Landlock on this host")
    for name in ("shared", "own"):
        os.mkdir(f"{tmp}/{name}")
    refused(tmp)
    refused(tmp, "umid=m", f"hostfs={tmp}/shared", f"con1=socket:{tmp}/own/console", env={"HOME": tmp})
    check(not os.listdir(f"{tmp}/own") and not os.listdir(f"{tmp}/.uml"), "its own files are left")


def test_what_is_allowed(tmp):
    """The same calls, when they are those that the kernel makes itself."""
    with guest() as g:
        check(call(tmp, g, "ioctl", 0, FIONBIO, 0) == -14, "FIONBIO does not get through")
        check(call(tmp, g, "sched_setscheduler", 0, os.SCHED_BATCH, 0) == -22,
              "SCHED_BATCH does not get through")
        check(call(tmp, g, "ioctl", 1, TIOCGWINSZ, 0) == -25, "TIOCGWINSZ does not get through")
        g.send(b"lives\n")
        g.until(rb"lives\n")


def names(text, array):
    """The calls in one of the lists of confine.c."""
    body = re.search(array + r"\[\] = \{(.*?)\};", text, re.S).group(1)
    return re.findall(r"__NR_(\w+)", re.sub(r"/\*.*?\*/", "", body, flags=re.S))


def test_number_of_calls():
    """docs/security.md says how many there are."""
    with open(TOP + "/arch/um/host/confine.c") as f:
        text = f.read()
    always, files = names(text, "allowed"), names(text, "allowed_files")
    conditional = set(re.findall(r"BPF_K, __NR_(\w+)", text))
    ring = {n for n in conditional if n.startswith("io_uring")}
    watch = {n for n in conditional if n.startswith("inotify")}
    check(len(set(always + files)) == len(always + files), "a call is named twice")
    check(conditional - ring - watch == {"fcntl", "sched_setscheduler", "ioctl", "kill", "ptrace"},
          conditional)
    requests = re.search(r"u32 ioctls\[\] = \{(.*?)\};", text, re.S).group(1)
    requests = re.findall(r"\b[A-Z][A-Z0-9]{4,}", re.sub(r"/\*.*?\*/", "", requests, flags=re.S))
    figures = {"always": len(always) + 4, "ring": len(ring), "ioctl": len(requests),
               "hostfs": len(files) + len(watch)}
    with open(TOP + "/docs/security.md") as f:
        said = f.read()
    for what, line in (("always", r"\*\*(\d+) host calls\*\*"), ("ring", r"(\d+) for the ring"),
                       ("ioctl", r"`ioctl` has (\d+) requests"),
                       ("hostfs", r"(\d+) more through when a directory")):
        found = re.search(line, said)
        check(found, f"docs/security.md does not say how many: {what}")
        check(int(found.group(1)) == figures[what],
              f"docs/security.md says {found.group(1)}, it is {figures[what]}: {what}")


# Host calls that are made while the guest boots, by who becomes a space or the process at the
# door, or in tests of the host, and by the kernel process never again.
BOOT_ONLY = """arch_prctl bind clone close_range connect dup2 epoll_create1 execve getcpu getcwd getegid
    geteuid getppid inotify_init1 io_uring_setup landlock_add_rule landlock_create_ruleset
    landlock_restrict_self listen memfd_create mkdir mremap newfstatat openat prctl prlimit64
    readlink rt_sigaction rt_sigtimedwait sched_getaffinity sched_getscheduler seccomp setsockopt
    sigaltstack socket socketpair statfs timer_create umask""".split()


def test_files_that_make_them():
    """Each call of the list has its file behind it; a new call is in a list."""
    host = TOP + "/arch/um/host"
    made = {}
    for name in sorted(os.listdir(host)):
        if name.endswith((".c", ".h", ".S")) and name != "confine.c":
            with open(f"{host}/{name}") as f:
                for call_name in re.findall(r"__NR_(\w+)", f.read()):
                    made.setdefault(call_name, set()).add(name)
    with open(host + "/confine.c") as f:
        text = f.read()
    listed = set(re.findall(r"BPF_K, __NR_(\w+)", text))
    for array in ("allowed", "allowed_files"):
        body = re.search(array + r"\[\] = \{(.*?)\};", text, re.S).group(1)
        for line in body.splitlines():
            calls = re.findall(r"__NR_(\w+)", line)
            files = re.search(r"/\* ([\w., ]+) \*/$", line)
            for call_name in calls:
                listed.add(call_name)
                check(files, f"no file is named for {call_name}")
                if files.group(1) != "the host":
                    by = set(files.group(1).split(", "))
                    check(by <= made.get(call_name, set()), f"{call_name} is not made by {by}")
    new = set(made) - listed - set(BOOT_ONLY)
    check(not new, f"neither in confine.c nor said to be made at boot only: {new}")
    old = set(BOOT_ONLY) - set(made) | set(BOOT_ONLY) & listed
    check(not old, f"no longer made at boot only: {old}")
