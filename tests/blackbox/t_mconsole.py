# SPDX-License-Identifier: GPL-2.0
"""The management console: Debian's uml_mconsole, and clients of our own that
do not behave.
"""

import os
import random
import re
import signal
import socket
import struct
import subprocess
import time

from t_confined import NOBODY, REFUSE, copy, need
from uml import Failed, Guest, Skipped, check, ended, process_table, run

MAGIC = 0xcafebabe
TICK = ["sh", "-c", "i=0; echo up; while :; do i=$((i+1)); echo t$i; sleep 0.1; done"]
WAIT = ["sh", "-c", "echo up; read x"]


def guest(tmp, *options, cmd=WAIT):
    g = Guest("umid=m", *options, cmd=cmd, env={"HOME": tmp})
    try:
        g.until(rb"up\n")
        path = os.path.join(tmp, ".uml", "m", "mconsole")
        end = time.monotonic() + 10
        while not os.path.exists(path):
            check(time.monotonic() < end, "no socket", g.words())
            time.sleep(0.01)
    except BaseException:
        g.end()
        raise
    return g


def mconsole(tmp, *words, seconds=10, who=()):
    """What uml_mconsole prints: b"OK ..." or b"ERR ..."."""
    done = subprocess.run([*who, "uml_mconsole", "m", *words], capture_output=True,
                          env=dict(os.environ, HOME=tmp), timeout=seconds,
                          stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


def good(tmp, *words, **more):
    out = mconsole(tmp, *words, **more)
    check(out.startswith(b"OK "), f"{' '.join(words)}: {out[:200]!r}")
    return out[3:]


def bad(tmp, *words):
    out = mconsole(tmp, *words)
    check(out.startswith(b"ERR ") and len(out) > 8,
          f"{' '.join(words)}: {out[:200]!r}")
    return out[4:]


class Client:
    """A client that is no uml_mconsole."""

    def __init__(self, tmp):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("")
        self.sock.connect(os.path.join(tmp, ".uml", "m", "mconsole"))
        self.sock.settimeout(10)

    def send(self, text, magic=MAGIC, version=2, length=None):
        self.sock.send(struct.pack("<III", magic, version,
                                   len(text) if length is None else length) + text)

    def answer(self):
        """(failed, text) of all parts."""
        failed, more, text = 0, 1, b""
        while more:
            data = self.sock.recv(4096)
            check(len(data) >= 12, f"an answer of {len(data)} bytes")
            err, more, n = struct.unpack("<III", data[:12])
            check(n == len(data) - 12, f"{n} is not its length, {len(data)}")
            failed |= err
            text += data[12:].rstrip(b"\0")
        return failed, text

    def ask(self, text, **more):
        self.send(text, **more)
        return self.answer()


def test_version_and_help(tmp):
    with guest(tmp):
        check(re.match(rb"Linux \S+ 6\.", good(tmp, "version")), "no version")
        text = good(tmp, "help")
        for word in (b"version", b"halt", b"reboot", b"config", b"remove", b"sysrq",
                     b"stop", b"go", b"log", b"proc", b"stack", b"cad"):
            check(b"    " + word + b" " in text, f"help lacks {word}", text)
        bad(tmp, "nonsense")
        bad(tmp, "versions")


def test_proc(tmp):
    with guest(tmp, cmd=["sh", "-c", "cat /proc/filesystems; echo up; read x"]) as g:
        have = g.out().removesuffix(b"up\n")
        text = good(tmp, "proc", "filesystems")
        check(text.strip() == have.strip(), f"{text!r} is not {have!r}")
        for name in ("nothing", "1", "../etc/hosts", "", "/"):
            bad(tmp, "proc", name)


def test_proc_elsewhere(tmp):
    """Links of /proc lead out of it, to devices and files without an end."""
    with guest(tmp):
        for name in ("1/root/dev/random", "1/root/dev/zero", "1/cwd/dev/random", "1/exe", "1/fd/0",
                     "1/ns/mnt"):
            text = bad(tmp, "proc", name)
            check(b"this is no file of /proc" in text, f"{name}: {text[:80]!r}")
        check(good(tmp, "proc", "self/mounts"), "a link within /proc is followed")
        check(good(tmp, "proc", "version").startswith(b"Linux"), "no answer to the next")


def test_proc_long_file(tmp):
    """A MiB of it is sent, and a line says so."""
    script = ("name=$(printf '%03000d' 0); mkdir -p /m; for i in $(seq 400); do"
              " mount -t tmpfs $name /m; done; echo up; read x")
    with guest(tmp, cmd=["sh", "-c", script]):
        failed, text = Client(tmp).ask(b"proc 1/mounts")
        check(not failed and 1 << 20 <= len(text) < 1100000, f"{len(text)} bytes")
        check(text.endswith(b"(this is the first MiB; the rest is left out)\n"), f"{text[-80:]}")
        check(good(tmp, "proc", "version").startswith(b"Linux"), "no answer to the next")


def test_many_parts(tmp):
    """More than the client's queue and the guest's buffers hold."""
    with guest(tmp):
        c = Client(tmp)
        for _ in range(5):
            failed, text = c.ask(b"sysrq t")
            tasks = re.findall(rb"task:(\S+) ", text)
            check(not failed and len(tasks) > 20 and b"init" in tasks
                  and b"mconsole" in tasks, f"{len(tasks)} tasks", text[-500:])


def test_log_and_sysrq_and_stack(tmp):
    script = "echo up; while read x; do dmesg | tail -n 60; echo end; done"
    with guest(tmp, cmd=["sh", "-c", script]) as g:
        good(tmp, "log", "a line for the log")
        g.send(b"\n")
        g.until(rb"end\n")
        check(b"a line for the log" in g.out(), "not in dmesg", g.words())
        check(b"show-task-states(t)" in good(tmp, "sysrq", "h"), "no help of sysrq")
        tasks = good(tmp, "sysrq", "t")
        check(b"task:init" in tasks, "no tasks", tasks[:300])
        check(b"init" in good(tmp, "stack", "1"), "no stack")
        bad(tmp, "sysrq")
        bad(tmp, "sysrq", "two keys")
        for pid in ("", "x", "999999", "-1", "0"):
            bad(tmp, "stack", pid)


def test_halt(tmp):
    with guest(tmp) as g:
        good(tmp, "halt")
        check(g.wait(10) == 0, f"status {g.status()}", g.words())
        check(not g.gone(3), "processes are left")
    check(not os.path.exists(os.path.join(tmp, ".uml", "m")), "files are left")


def test_reboot(tmp):
    with guest(tmp) as g:
        good(tmp, "reboot")
        check(g.wait(10) == 0, f"status {g.status()}", g.words())


def test_cad(tmp):
    """Ctrl-Alt-Del goes to init, which ends its processes first."""
    script = "trap 'echo told' TERM; echo up; while :; do sleep 0.1; done"
    with guest(tmp, cmd=["sh", "-c", script]) as g:
        good(tmp, "cad")
        check(g.wait(15) == 0, f"status {g.status()}", g.words())
        check(b"told\n" in g.out(), "init did not end its processes", g.words())


def test_int(tmp):
    """uml_mconsole itself sends SIGINT to the pid in ~/.uml/NAME/pid."""
    with guest(tmp) as g:
        mconsole(tmp, "int")
        check(g.wait(20) == 130, f"status {g.status()}", g.words())


def ticks(g):
    return g.out().count(b"\n")


def test_stop_and_go(tmp):
    with guest(tmp, cmd=TICK) as g:
        check(b"stopped" in good(tmp, "stop"), "not stopped")
        before, used = ticks(g), g.ticks()
        time.sleep(1.5)
        check(ticks(g) == before, "the guest goes on")
        check(g.ticks() - used <= 5, f"it uses CPU: {g.ticks() - used} ticks")
        bad(tmp, "stop")
        bad(tmp, "proc", "version")
        good(tmp, "version")
        good(tmp, "go")
        g.until(rb"t%d\n" % (before + 5))
        bad(tmp, "go")
        good(tmp, "proc", "version")


def test_signals_while_stopped(tmp):
    """A guest that stands still is told to end no less than another."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with guest(tmp) as g:
            good(tmp, "stop")
            os.kill(g.kernel(), number)
            check(g.wait(15) == 128 + number, f"status {g.status()}", g.words())


def test_stop_while_it_computes(tmp):
    """A busy program stands still too, and is not taken for a bad one."""
    script = "echo up; i=0; while :; do i=$((i+1)); [ $((i % 5000)) = 0 ] && echo t; done"
    with guest(tmp, cmd=["sh", "-c", script]) as g:
        for _ in range(3):
            good(tmp, "stop")
            used = g.ticks()
            time.sleep(0.7)
            check(g.ticks() - used <= 5, f"it uses CPU: {g.ticks() - used} ticks")
            good(tmp, "go")
            before, end = ticks(g), time.monotonic() + 15
            while ticks(g) == before:
                check(time.monotonic() < end and g.proc.poll() is None,
                      "it does not go on", g.words())
                time.sleep(0.02)


def test_halt_while_stopped(tmp):
    with guest(tmp) as g:
        good(tmp, "stop")
        good(tmp, "halt")
        check(g.wait(10) == 0, f"status {g.status()}", g.words())


def test_halt_of_a_guest_that_hangs(tmp):
    """The kernel process does not answer at all: it is killed."""
    with guest(tmp) as g:
        os.kill(g.kernel(), signal.SIGSTOP)
        Client(tmp).send(b"halt")
        check(g.wait(15) == 137, f"status {g.status()}")
        check(not g.gone(5), "processes are left")
    check(not os.path.exists(os.path.join(tmp, ".uml", "m")), "files are left")


def test_nothing_left_after_sigkill(tmp):
    with guest(tmp) as g:
        g.proc.kill()
        g.wait()
        check(not g.gone(3), f"processes are left: {g.pids()}")
    check(not os.path.exists(os.path.join(tmp, ".uml", "m")), "files are left")


def test_no_seccomp(tmp):
    """A host that refuses the doorman's filter: it says so, serves, and leaves nothing behind."""
    with Guest("umid=m", cmd=["sh", "-c", "until dmesg | grep -q 'mconsole: [on]'; do :; done; dmesg; echo up; read x"],
               env={"HOME": tmp}, wrap=need(*REFUSE, "seccomp")) as g:
        g.until(rb"up\n")
        check(b"refuses a filter for the doorman: Operation not permitted" in g.out(), "not a word of it", g.words())
        good(tmp, "version")
        g.proc.kill()
        g.wait()
        check(not g.gone(3), f"processes are left: {g.pids()}")
    check(not os.path.exists(os.path.join(tmp, ".uml", "m")), "files are left")


def doorman(g):
    table = process_table()
    for pid in g.pids():
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            if b"--doorman" in f.read():
                return pid
    raise Failed(f"no doorman among {[table[p] for p in g.pids()]}")


def test_doorman_killed(tmp):
    """Without it the guest lives; only the management console is gone."""
    with guest(tmp) as g:
        os.kill(doorman(g), signal.SIGKILL)
        time.sleep(0.3)
        g.send(b"end\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(not g.gone(2), "processes are left")


def test_only_with_a_name(tmp):
    with Guest(cmd=WAIT, env={"HOME": tmp}) as g:
        g.until(rb"up\n")
        check(os.listdir(tmp) == [], "files without umid=")


def test_config_while_it_boots(tmp):
    """The kernel may open nothing any more, and no program runs yet."""
    with Guest("umid=m", "root=/dev/ubdb", "rootwait", env={"HOME": tmp}) as g:
        path = os.path.join(tmp, ".uml", "m", "mconsole")
        end = time.monotonic() + 10
        while not os.path.exists(path):
            check(time.monotonic() < end, "no socket", g.words())
            time.sleep(0.01)
        check(b"still boots" in bad(tmp, "config", "ubd1=/etc/passwd"), "no word of why")
        good(tmp, "version")


def test_home_too_deep_for_a_socket(tmp):
    """The path of a socket has 107 bytes: a note, and no console."""
    home = os.path.join(tmp, "x" * (125 - len(tmp)))
    os.mkdir(home)
    with Guest("umid=m", cmd=["sh", "-c", "echo up; sleep 0.5; dmesg | grep mconsole"],
               env={"HOME": home}) as g:
        g.until(rb"up\n")
        time.sleep(0.2)     # the process at the door has ended, and took nothing along
        check(os.path.exists(os.path.join(home, ".uml", "m", "pid")), "the guest's pid file is gone")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"mconsole: no socket" in g.out(), "no note", g.words())


def test_only_the_owner(tmp):
    if os.getuid():
        raise Skipped("only root can be another user")
    with guest(tmp):
        path = os.path.join(tmp, ".uml", "m", "mconsole")
        for name in (tmp, os.path.join(tmp, ".uml"), os.path.dirname(path)):
            check(name == tmp or os.stat(name).st_mode & 0o77 == 0, f"{name} is open")
            os.chmod(name, 0o777)
        check(os.stat(path).st_mode & 0o77 == 0, "the socket is open to others")
        os.chmod(path, 0o777)
        pid = os.fork()
        if not pid:
            os.setgid(65534)
            os.setuid(65534)
            failed, text = Client(tmp).ask(b"halt")
            os._exit(0 if failed and b"owner" in text else 1)
        check(os.waitpid(pid, 0)[1] == 0, "another user was not refused")
        good(tmp, "version")


def test_not_even_root(tmp):
    """A guest of nobody's: root's requests are refused, nobody's are answered."""
    if os.getuid():
        raise Skipped("only root can start another user's guest")
    home = os.path.join(tmp, "home")
    os.mkdir(home)
    os.chown(home, 65534, 65534)
    with Guest("umid=m", cmd=WAIT, env={"HOME": home}, wrap=need(*NOBODY), linux=copy(tmp), cwd="/") as g:
        g.until(rb"up\n")
        path = os.path.join(home, ".uml", "m", "mconsole")
        end = time.monotonic() + 10
        while not os.path.exists(path):
            check(time.monotonic() < end, "no socket", g.words())
            time.sleep(0.01)
        check(os.stat(path).st_uid == 65534, "the socket is not nobody's")
        for text in (b"version", b"halt"):
            failed, text = Client(home).ask(text)
            check(failed and b"owner" in text, f"root was answered {text!r}")
        good(home, "version", who=NOBODY)
        g.send(b"end\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())


def notes(tmp):
    path = os.path.join(tmp, "notes")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.settimeout(15)
    return sock, path


def note(sock):
    data = sock.recv(4096)
    magic, version, kind, n = struct.unpack("<IIII", data[:16])
    check((magic, version, n) == (MAGIC, 2, len(data) - 16), f"note {data[:16]!r}")
    return kind, data[16:].rstrip(b"\0")


def test_notify(tmp):
    sock, path = notes(tmp)
    with guest(tmp, f"mconsole=notify:{path}",
               cmd=["sh", "-c", "echo up; read x; echo word > /proc/mconsole;"
                    "echo c > /proc/sysrq-trigger"]) as g:
        check(note(sock) == (0, os.path.join(tmp, ".uml", "m", "mconsole").encode()),
              "not told of its socket")
        g.send(b"\n")
        check(note(sock) == (3, b"word\n"), "not told what the guest says")
        kind, text = note(sock)
        check(kind == 1 and b"sysrq" in text, f"not told of the panic: {kind} {text}")
        check(g.wait() == 134, f"status {g.status()}", g.words())


def test_notify_of_the_dead(tmp):
    """All that the guest said before its end is passed on, however late."""
    sock, path = notes(tmp)
    words = 20
    with guest(tmp, f"mconsole=notify:{path}",
               cmd=["sh", "-c", f"echo up; read x; for i in $(seq {words});"
                    "do echo $i > /proc/mconsole; done; echo c > /proc/sysrq-trigger"]) as g:
        check(note(sock)[0] == 0, "not told of its socket")
        pid = doorman(g)
        os.kill(pid, signal.SIGSTOP)
        g.send(b"\n")
        check(g.wait() == 134, f"status {g.status()}", g.words())
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass    # the host let it go on: its session has lost its leader
        for i in range(words):
            check(note(sock) == (3, b"%d\n" % (i + 1)), f"word {i + 1} is lost")
        check(note(sock)[0] == 1, "not told of the panic")


def test_notify_nobody(tmp):
    """Nobody is at the socket to notify: the guest runs all the same."""
    with guest(tmp, f"mconsole=notify:{tmp}/nobody") as g:
        good(tmp, "version")
        g.send(b"\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())


def test_bad_options(tmp):
    for word in ("mconsole=", "mconsole=x", "mconsole=notify:",
                 "mconsole=notify:/" + "x" * 200):
        r = ended(run("umid=m", word, cmd="true", env={"HOME": tmp}), 1, word)
        check(b"mconsole=" in r.err.splitlines()[-1], "no clear line", r)
    r = ended(run("mconsole=notify:/x", cmd="true", env={"HOME": tmp}), 1)
    check(b"umid=" in r.err.splitlines()[-1], "no clear line", r)
    r = ended(run("--doorman", tmp, "", cmd=None), 1)
    check(b"doorman" in r.err, "no clear line", r)


def test_bad_requests(tmp):
    with guest(tmp):
        c = Client(tmp)
        for text, more in ((b"version", {"magic": 1}), (b"version", {"version": 1}),
                           (b"version", {"version": 3}), (b"version", {"length": 600}),
                           (b"version", {"length": 2**32 - 1}), (b"version", {"length": 8}),
                           (b"", {}), (b"\0version", {}), (b"x" * 2000, {})):
            failed, answer = c.ask(text, **more)
            check(failed and answer, f"{text[:20]} {more}: {answer}")
        for size in range(12):
            c.sock.send(b"\xbe\xba\xfe\xca" + b"\0" * (size - 4) if size > 3 else b"x" * size)
            check(c.answer()[0], f"{size} bytes were answered well")
        failed, _ = c.ask(b"version")
        check(not failed, "no version after bad requests")
        failed, _ = c.ask(b"version\0more", length=12)
        check(not failed, "a NUL does not end the request")


def fuzz(tmp, seed, seconds):
    rnd = random.Random(seed)
    words = [b"version", b"help", b"config ", b"remove ", b"sysrq ", b"log ", b"proc ",
             b"stack ", b"go", b"ubd", b"con", b"vec", b"1", b"=", b":", b",", b"/",
             b"r", b" ", b"\n", b"%s%n", b"\xff" * 20, b"x" * 300]
    c = Client(tmp)
    c.sock.setblocking(False)
    end, sent = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        text = b"".join(rnd.choice(words) for _ in range(rnd.randrange(6)))
        if b"sysrq" in text or b"config con0" in text:
            continue
        kind = rnd.randrange(4)
        try:
            if kind == 0:
                c.sock.send(rnd.randbytes(rnd.randrange(1200)))
            elif kind == 1:
                c.send(text, length=rnd.choice((0, 1, 511, 512, 2**31, 2**32 - 1)))
            elif kind == 2:
                c.send(rnd.randbytes(rnd.randrange(511)))
            else:
                c.send(text)
            sent += 1
        except BlockingIOError:
            time.sleep(0.001)
        try:
            while rnd.randrange(10):
                c.sock.recv(4096)
        except BlockingIOError:
            pass
    return sent


def test_fuzz(tmp):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    with guest(tmp, cmd=TICK) as g:
        sent = fuzz(tmp, seed, 120 if os.environ.get("LONG") else 5)
        what = f"seed {seed}, {sent} sent"
        check(sent > 100, f"too few: {what}")
        end = time.monotonic() + 20
        while not mconsole(tmp, "version").startswith(b"OK Linux"):
            check(time.monotonic() < end, f"no answer after: {what}", g.words())
        before = ticks(g)
        g.until(rb"t%d\n" % (before + 2))
        good(tmp, "halt")
        check(g.wait(10) == 0, f"status {g.status()}: {what}", g.words())


test_fuzz.seconds = 180


def test_client_that_does_not_read(tmp):
    """It loses its answer; the next client gets its own."""
    with guest(tmp):
        deaf = Client(tmp)
        deaf.send(b"sysrq t")
        check(good(tmp, "version").startswith(b"Linux"), "no answer to another")
        deaf.sock.close()
        gone = Client(tmp)
        gone.send(b"sysrq t")
        gone.sock.close()
        check(good(tmp, "proc", "version").startswith(b"Linux"), "no answer to another")


def test_many_requests_of_one_that_does_not_read(tmp):
    """They hold up the others once, and not once each."""
    with guest(tmp):
        # One that is not connected has room for a few datagrams only (unix(7)).
        deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        deaf.bind("")
        path = os.path.join(tmp, ".uml", "m", "mconsole")
        help_request = struct.pack("<III", MAGIC, 2, 4) + b"help"
        for _ in range(8):
            deaf.sendto(help_request, path)
        check(good(tmp, "version").startswith(b"Linux"), "no answer to another")
        # It reads again, and is answered again.
        deaf.setblocking(False)
        while True:
            try:
                deaf.recv(4096)
            except BlockingIOError:
                break
        deaf.settimeout(10)
        deaf.sendto(struct.pack("<III", MAGIC, 2, 7) + b"version", path)
        text = deaf.recv(4096)[12:]
        check(text.startswith(b"Linux"), f"{text[:80]}")


def test_two_clients_at_once(tmp):
    with guest(tmp):
        clients = [Client(tmp) for _ in range(8)]
        for _ in range(20):
            for c in clients:
                c.send(b"proc version")
            for c in clients:
                failed, text = c.answer()
                check(not failed and text.startswith(b"Linux version"), f"{text[:80]}")
