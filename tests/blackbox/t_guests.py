# SPDX-License-Identifier: GPL-2.0
"""uml ps, exec, console, stop, kill, pause, resume, sysrq, stats: a guest that
runs, from another process.
"""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import time

from launcher import LIMIT, UML, command, ended, read_until, said, start, uml
from uml import LINUX, Guest, Skipped, check, family, process_table


@contextlib.contextmanager
def guest(name, script="echo up; sleep 1000", options=(), **more):
    """A named guest whose command has said that it is up."""
    name = f"{name}-{os.getpid()}"
    p = start("sh", "-c", script, options=["--name", name, *options],
              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    try:
        read_until(p.stdout, b"up\n")
        yield name, p
    finally:
        left = family(p.pid)
        p.kill()
        p.communicate()
        # The host kills them with the launcher, but a busy one takes a moment.
        end = time.monotonic() + 5
        while time.monotonic() < end and any(
                row[2] not in "ZX" for pid, row in process_table().items() if pid in left):
            time.sleep(0.02)


def names():
    return uml("ps", "-q").stdout.decode().split()


def test_ps():
    with guest("ps") as (name, p):
        done = ended(uml("ps"), 0)
        row = [line for line in done.stdout.decode().splitlines() if line.startswith(name + " ")]
        check(len(row) == 1 and str(p.pid) in row[0] and "running" in row[0]
              and "sleep 1000" in row[0], done.stdout.decode())
        check(name in names(), "not with -q")
    end = time.monotonic() + 3
    while name in names() and time.monotonic() < end:
        time.sleep(0.05)
    check(name not in names(), "a guest that is gone is listed")


def test_ps_is_clean():
    """A command's words cannot write to the terminal of who lists it."""
    with guest("clean", "echo up; sleep 1000 # \033[2Jx\n") as (name, _):
        out = ended(uml("ps"), 0).stdout
        check(b"\033" not in out and name.encode() in out, f"{out!r}")


def test_exec():
    with guest("exec") as (name, _):
        done = ended(uml("exec", name, "--", "sh", "-c", "cat; echo err >&2; exit 6",
                         input=b"a\0b\n"), 6)
        check(done.stdout == b"a\0b\n" and done.stderr == b"err\n", f"{done.stdout!r}")
        ended(uml("exec", name, "true"), 0)
        ended(uml("exec", name, "no-such-program"), 127)
        check(ended(uml("exec", "--user", "7", "--cwd", "/etc", "--env", "A=b", name, "--", "sh",
                        "-c", "id -u; pwd; echo $A"), 0).stdout == b"7\n/etc\nb\n", "options")


def test_exec_large():
    data = os.urandom(1 << 20)
    with guest("large") as (name, _):
        done = ended(uml("exec", name, "--", "cat", input=data), 0)
        check(done.stdout == data, "changed")


def test_exec_many():
    with guest("many") as (name, _):
        running = [subprocess.Popen([UML, "exec", name, "--", "sh", "-c", f"exit {i}"],
                                    stdin=subprocess.DEVNULL) for i in range(12)]
        check([p.wait(LIMIT) for p in running] == list(range(12)), "a status is another's")


def test_exec_signal_and_hangup():
    with guest("signal") as (name, _):
        p = subprocess.Popen([UML, "exec", name, "--", "sh", "-c",
                              "trap 'exit 5' TERM; echo ready; while :; do sleep 0.1; done"],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        read_until(p.stdout, b"ready\n")
        p.send_signal(signal.SIGTERM)
        check(p.wait(10) == 5, f"status {p.returncode}")
        p.stdout.close()
        # One that is killed takes its command with it.
        p = subprocess.Popen([UML, "exec", name, "--", "sh", "-c", "echo ready; exec sleep 4321"],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        read_until(p.stdout, b"ready\n")
        p.kill()
        p.communicate()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            done = uml("exec", name, "--", "sh", "-c", "ps | grep '[s]leep 4321'")
            if done.returncode == 1:
                break
        check(done.returncode == 1, "the command lives on")


def test_exec_umask():
    with guest("umask") as (name, _):
        done = ended(uml("exec", name, "--", "sh", "-c", "umask", umask=0o027), 0)
        check(int(done.stdout, 8) == 0o027, f"{done.stdout!r}")


def test_exec_given_up():
    """The number of a command is free again, however far it had come."""
    with guest("given-up") as (name, _):
        for _ in range(70):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(LIMIT)
                s.connect(f"\0uml/{os.geteuid()}/{name}")
                s.sendall(struct.pack("=IHBB", 4, 1, 1, 0) + b"part")
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):     # the launcher has seen the end
                    pass
        end = time.monotonic() + LIMIT
        while uml("exec", name, "true").returncode:
            check(time.monotonic() < end, "no command can be run any more")


def test_exec_many():
    """As many as a guest can run are no obstacle to requests, and one more is told so."""
    many = 63       # sessions of the protocol, but for the main one
    with guest("many") as (name, p), contextlib.ExitStack() as stack:
        execs = []
        for _ in range(many):
            execs.append(stack.enter_context(subprocess.Popen(
                [UML, "exec", name, "--", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)))
            stack.callback(execs[-1].kill)
        for e in execs:
            read_until(e.stdout, b"ready\n")
        said(ended(uml("exec", name, "true"), 125), b"as many commands as it can")
        check(name.encode() in ended(uml("ps"), 0).stdout, "uml ps does not list it")
        ended(uml("stats", name), 0)
        check(execs[0].communicate(b"word", timeout=LIMIT)[0] == b"word", "the first one does not work")
        ended(uml("exec", name, "true"), 0)
        ended(uml("kill", name), 0)
        p.communicate(timeout=LIMIT)


test_exec_many.seconds = 60


def test_exec_terminal():
    with guest("tty") as (name, _):
        with Guest("exec", name, "--", "sh", tty=True, linux=UML, size=(30, 90)) as g:
            g.expect(rb"[#$] ")
            check(g.is_raw(), "not raw")
            g.send(b"stty size; tty\r")
            g.expect(rb"30 90\r\n/dev/pts/\d+\r\n")
            g.send(b"exit 3\r")
            check(g.wait() == 3, f"status {g.status()}")
            check(g.mode() == g.cooked, "the terminal is not as it was")


def test_exec_after_the_guest():
    with guest("gone") as (name, p):
        e = subprocess.Popen([UML, "exec", name, "--", "sh", "-c", "echo ready; sleep 1000"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        read_until(e.stdout, b"ready\n")
        p.kill()
        _, err = e.communicate(timeout=10)
        check(e.returncode == 125 and b"the guest has ended" in err, f"{e.returncode} {err!r}")


def test_full_disk():
    """What cannot be printed is said, and is no success."""
    with guest("full") as (name, _), open("/dev/full", "wb") as full:
        for words in (("ps",), ("stats", name), ("doctor",), ("help",), ("ps", "--help"),
                      ("run", "--kernel", LINUX, "--dry-run", "--", "true"), ("exec", name, "--", "echo", "word")):
            done = subprocess.run([UML, *words], stdout=full, stderr=subprocess.PIPE, timeout=LIMIT,
                                  stdin=subprocess.DEVNULL)
            check(done.returncode == 125 and b"uml: cannot write" in done.stderr, f"{words}: {done}")


def test_no_such_guest():
    for words in (("exec", "no-such-guest", "true"), ("stop", "no-such-guest"),
                  ("stats", "no-such-guest"), ("console", "no-such-guest")):
        done = ended(uml(*words), 125)
        check(b"no guest no-such-guest runs" in done.stderr, f"{done.stderr!r}")


def test_name_in_use():
    with guest("twice") as (name, _):
        done = subprocess.run(command("true", options=["--name", name]), capture_output=True,
                              timeout=LIMIT)
        check(done.returncode == 125 and b"of that name runs already" in done.stderr,
              f"{done.stderr!r}")


def test_stop():
    with guest("stop", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done") \
            as (name, p):
        ended(uml("stop", name), 0)
        out, _ = p.communicate(timeout=LIMIT)
        check(b"bye" in out, f"what it says at its end is lost: {out!r}")
        check(p.returncode in (0, 143), f"status {p.returncode}")


def test_stop_of_one_that_does_not_want():
    """It is stopped all the same, and so is what runs beside it."""
    with guest("stubborn", "trap '' TERM; echo up; while :; do sleep 1; done") as (name, p):
        e = subprocess.Popen([UML, "exec", name, "--", "sleep", "1000"], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        ended(uml("stop", name), 0)
        p.communicate(timeout=LIMIT)
        check(p.returncode == 143, f"status {p.returncode}")
        e.communicate(timeout=LIMIT)
        check(e.returncode in (125, 143), f"uml exec ended with {e.returncode}")


def test_name_is_free_after_the_end():
    """uml stop and uml kill return when the guest has ended, not when it is told to."""
    for end in ("stop", "kill"):
        with guest(end, "trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.1; done") as (name, _):
            ended(uml(end, name), 0)
            check(name not in names(), f"after uml {end} it is still there")
            ended(subprocess.run(command("true", options=["--name", name]), capture_output=True,
                                 timeout=LIMIT), 0)


def test_stop_that_takes_long():
    """The terminal shows for how long; and a launcher that is stopped meanwhile is told."""
    with guest("slow", "trap '' TERM; echo up; while :; do sleep 1; done") as (name, p):
        with Guest("stop", name, tty=True, linux=UML) as g:
            g.expect(rb"uml: waiting for the end of " + name.encode() + rb": [2-9] s")
            p.send_signal(signal.SIGSTOP)
            g.expect(rb"its launcher is stopped; kill -CONT")
            check(g.wait() == 125, f"status {g.status()}")
        p.send_signal(signal.SIGCONT)
        check(p.wait(LIMIT) == 143, f"status {p.returncode}")


def test_kill():
    with guest("kill", "trap '' TERM; echo up; while :; do sleep 1; done") as (name, p):
        ended(uml("kill", name), 0)
        p.communicate(timeout=LIMIT)
        check(p.returncode == 137, f"status {p.returncode}")


def ticks(p):
    """CPU time of the guest's process group."""
    kernel = [pid for pid, row in process_table().items() if row[0] == p.pid]
    return sum(row[3] for row in process_table().values() if row[1] in kernel)


def test_pause_and_resume():
    script = "echo up; while :; do :; done"
    with guest("pause", script) as (name, p):
        before = ticks(p)
        time.sleep(0.5)
        check(ticks(p) > before, "a busy guest uses no CPU time")
        ended(uml("pause", name), 0)
        time.sleep(0.3)
        before = ticks(p)
        time.sleep(1)
        check(ticks(p) - before <= 1, f"{ticks(p) - before} ticks while paused")
        check(b"paused" in uml("ps").stdout, "uml ps does not say so")
        ended(uml("resume", name), 0)
        ended(uml("exec", name, "true"), 0)
        before = ticks(p)
        time.sleep(0.5)
        check(ticks(p) > before, "it does not go on")


def test_exec_when_paused():
    """It is refused: nobody would be there to end it, by a signal say."""
    with guest("frozen") as (name, _):
        ended(uml("pause", name), 0)
        done = ended(uml("exec", name, "true"), 125)
        said(done, f"{name}: it is paused; uml resume {name}".encode())
        ended(uml("resume", name), 0)
        ended(uml("exec", name, "true"), 0)


def test_pause_with_input_that_waits():
    """Commands whose input fills all queues do not keep a guest from going on, and from its end."""
    with guest("full") as (name, p):
        with open("/dev/zero", "rb") as zero:
            for _ in range(3):
                subprocess.Popen([UML, "exec", name, "--", "sh", "-c", "cat >/dev/null"], stdin=zero,
                                 stderr=subprocess.DEVNULL)
        time.sleep(1)
        for _ in range(2):
            ended(uml("pause", name), 0)
            time.sleep(0.5)
            ended(uml("resume", name), 0)
            ended(uml("exec", name, "true"), 0)
        ended(uml("pause", name), 0)
        time.sleep(0.5)
        check(b"paused" in ended(uml("ps"), 0).stdout, "uml ps does not say so")
        ended(uml("kill", name), 0)
        p.communicate(timeout=LIMIT)
        check(p.returncode == 137, f"status {p.returncode}")


test_pause_with_input_that_waits.seconds = 60


def test_stopped_launcher():
    """uml ps says so, and does not wait for it."""
    with guest("halted") as (name, p):
        p.send_signal(signal.SIGSTOP)
        try:
            rows = ended(uml("ps"), 0).stdout.decode().splitlines()
            check([r for r in rows if r.split()[:2] == [name, str(p.pid)] and "stopped" in r],
                  "not there", rows)
            for words in (("exec", name, "true"), ("stats", name), ("stop", name),
                          ("console", name), ("pause", name)):
                done = ended(uml(*words, stdin=subprocess.DEVNULL, seconds=5), 125)
                said(done, f"its launcher is stopped; kill -CONT {p.pid} ".encode())
        finally:
            p.send_signal(signal.SIGCONT)
        ended(uml("exec", name, "true"), 0)


def test_silent_launcher():
    """It listens and says nothing: a line in a while."""
    name = f"silent-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(f"\0uml/{os.geteuid()}/{name}")
        s.listen()
        said(ended(uml("exec", name, "true"), 125), f"its launcher is process {os.getpid()}".encode())


def test_stats():
    with guest("stats") as (name, _):
        out = ended(uml("stats", name), 0).stdout.decode()
        for line in (r"state +running", r"host processes +[1-9]", r"guest memory +\d+ MiB",
                     r"guest processes +\d+", r"host memory of the kernel +[1-9]\d* MiB"):
            check(re.search(line, out), f"no {line}", out)


def test_sysrq_on_the_console():
    with guest("sysrq", options=["--append", "loglevel=7"]) as (name, _):
        ended(uml("sysrq", name, "h"), 0)
        p = subprocess.Popen([UML, "console", name], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)
        try:
            read_until(p.stdout, b"sysrq: HELP")
        finally:
            p.kill()
            p.communicate()
        done = ended(uml("sysrq", name, "no"), 125)
        check(b"no is no key" in done.stderr, f"{done.stderr!r}")


def test_console_shell():
    with guest("console") as (name, _):
        with Guest("console", name, tty=True, linux=UML) as g:
            g.expect(rb"Enter gives a shell")
            g.send(b"\r")
            g.expect(rb"# ")
            g.send(b"echo mark-$((40+2)); tty\r")
            g.expect(rb"mark-42\r\n")
            g.expect(rb"/dev/tty0\r\n")
            g.send(b"\x1d\x1d\x1d")
            check(g.wait() == 0, f"status {g.status()}")
            check(g.mode() == g.cooked, "the terminal is not as it was")
        ended(uml("exec", name, "true"), 0)


def test_garbage_to_the_control_socket():
    """Whoever may connect cannot break it by what he says."""
    with guest("garbage") as (name, p):
        for data in (b"\xff" * 100, os.urandom(4096), b"\0\0\0\0\x01\0\x02\0" * 9,
                     b"\x04\0\0\0\x01\0\x21\0aaaa", b"\0\x80\0\0\x01\0\x01\0"):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(5)
            s.connect(f"\0uml/{os.geteuid()}/{name}")
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
            s.close()
        check(p.poll() is None, "the guest has ended")
        ended(uml("exec", name, "true"), 0)


def test_others_may_not_connect():
    if os.getuid():
        raise Skipped("needs root to be somebody else")
    with guest("others") as (name, _):
        script = ("import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
                  f"s.connect('\\0uml/0/{name}'); s.settimeout(5); sys.exit(len(s.recv(1)))")
        done = subprocess.run(["python3", "-c", script], capture_output=True, timeout=LIMIT)
        check(done.returncode == 0 or b"ConnectionReset" in done.stderr,
              f"answered: {done.returncode} {done.stderr!r}")
