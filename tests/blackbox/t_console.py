# SPDX-License-Identifier: GPL-2.0
"""Consoles and serial lines on everything that they can be attached to; ends
that vanish, stall, flood, and come back.
"""

import os
import pty
import re
import select
import socket
import stat
import subprocess
import termios
import time

from t_confined import mounts
from uml import LINUX, Guest, check, ended, gave, run, sh

# A login of the poorest kind: greets, answers each line, and starts again. It
# opens its line once: one that is opened twice may be hung up in between.
SERVE = ("while :; do { echo ready; while read x; do echo \"got-$x\"; done; }"
         " <> %(dev)s >&0; echo hup; sleep 0.1; done")


def serve(dev, *options, more="", quick=False, **args):
    loop = (SERVE % {"dev": dev}).replace(" sleep 0.1;", "" if quick else " sleep 0.1;")
    script = f"({loop}) & {more} echo up; read end; exit 0"
    g = Guest(*options, cmd=["sh", "-c", script], **args)
    try:
        g.until(rb"up\n")
    except BaseException:
        g.end()
        raise
    return g


def finish(g):
    g.send(b"\n")
    check(g.wait() == 0, f"status {g.status()}", g.words())


def expect(fd, pattern, seconds=15):
    """Read a descriptor or socket until @pattern comes."""
    seen, end = b"", time.monotonic() + seconds
    while not re.search(pattern, seen):
        left = end - time.monotonic()
        check(left > 0 and select.select([fd], [], [], left)[0],
              f"{pattern!r} did not come: {seen[-300:]!r}")
        data = os.read(fd if isinstance(fd, int) else fd.fileno(), 65536)
        check(data, f"the end instead of {pattern!r}: {seen[-300:]!r}")
        seen += data
    return seen


def connect(address, seconds=10):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    end = time.monotonic() + seconds
    while True:
        sock = socket.socket(family)
        try:
            sock.connect(address)
            return sock
        except OSError:
            sock.close()
            check(time.monotonic() < end, f"cannot connect to {address}")
            time.sleep(0.05)


def talk(sock, word):
    sock.send(word + b"\n")
    expect(sock, b"got-" + word)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_socket(tmp):
    path = os.path.join(tmp, "c")
    with serve("/dev/tty1", f"con1=socket:{path}") as g:
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may connect")
        for i in range(3):
            s = connect(path)
            talk(s, b"one%d" % i)
            s.close()
            g.until(rb"(?s)(hup.*){%d}" % (i + 1))
        finish(g)
    check(not os.path.exists(path), "the socket is left")


def test_port():
    port = free_port()
    with serve("/dev/ttyS3", f"ssl3=port:{port}") as g:
        s = connect(("127.0.0.1", port))
        talk(s, b"word")
        with open("/proc/net/tcp") as f:
            where = [line.split()[1] for line in f if line.split()[3] == "0A"]
        check(f"0100007F:{port:04X}" in where and f"00000000:{port:04X}" not in where,
              f"listens at {where}")
        s.close()
        g.until(rb"hup")
        s = connect(("127.0.0.1", port))
        talk(s, b"again")
        finish(g)


def test_who_comes_back_at_once():
    """The next connection before the line is open again, or before it is hung up: nothing is lost."""
    port = free_port()
    with serve("/dev/ttyS3", f"ssl3=port:{port}", quick=True) as g:
        for i in range(60):
            s = connect(("127.0.0.1", port))
            talk(s, b"word%d" % i)
            s.close()
            end = time.monotonic() + 15
            while i % 2 and g.out().count(b"hup") <= i:
                check(time.monotonic() < end, f"no end of connection {i}", g.words())
                time.sleep(0.005)
        finish(g)


def test_second_client_waits(tmp):
    path = os.path.join(tmp, "c")
    with serve("/dev/tty1", f"con1=socket:{path}") as g:
        first = connect(path)
        talk(first, b"first")
        second = connect(path)
        second.send(b"second\n")
        check(not select.select([second], [], [], 1)[0], "two clients at once")
        talk(first, b"still")
        first.close()
        expect(second, rb"got-second")
        finish(g)


def test_flood_and_stall(tmp):
    """A peer that only writes, and one that never reads, harm nobody else."""
    flood, stall = os.path.join(tmp, "f"), os.path.join(tmp, "s")
    more = "(sleep 1000 < /dev/tty2) & (seq 1000000 > /dev/tty3; echo done) &"
    with serve("/dev/tty1", f"con1=socket:{tmp}/c", f"con2=socket:{flood}",
               f"con3=socket:{stall}", more=more) as g:
        deaf = connect(stall)
        loud = connect(flood)
        loud.setblocking(False)
        sent, end = 0, time.monotonic() + 2
        while time.monotonic() < end and sent < 1 << 24:
            try:
                sent += loud.send(b"x" * 4095 + b"\n")
            except BlockingIOError:
                time.sleep(0.01)
        s = connect(os.path.join(tmp, "c"))
        talk(s, b"alive")
        check(b"done" not in g.out(), "output that nobody takes is gone")
        deaf.close()        # the writer is hung up
        g.until(rb"done\n")
        loud.close()
        talk(s, b"still")
        finish(g)


def test_peer_that_is_killed(tmp):
    path = os.path.join(tmp, "c")
    with serve("/dev/tty1", f"con1=socket:{path}") as g:
        for i in range(5):
            s = connect(path)
            s.send(b"half a li")
            s.shutdown(socket.SHUT_RDWR) if i & 1 else None
            s.close()
        s = connect(path)
        talk(s, b"whole")
        finish(g)


def test_socket_that_was_left(tmp):
    path = os.path.join(tmp, "c")
    with serve("/dev/tty1", f"con1=socket:{path}") as g:
        g.proc.kill()
        g.wait()
    check(os.path.exists(path), "SIGKILL removed it?")
    with serve("/dev/tty1", f"con1=socket:{path}") as g:
        talk(connect(path), b"new")
        r = ended(run(f"con1=socket:{path}", cmd="true"), 1)
        check(b"con1=socket:" in r.err.splitlines()[-1], "no clear line", r)
        finish(g)


def test_inherited_descriptor():
    """fd:N is what the starter left open: both ways, and the other end's close hangs it up."""
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), 107)       # a number that nothing else has here
    theirs.close()
    with ours:
        with serve("/dev/tty1", "con1=fd:107", pass_fds=[107]) as g:
            os.close(107)
            talk(ours, b"word")
            talk(ours, b"again")
            ours.shutdown(socket.SHUT_RDWR)
            g.until(rb"hup")
            finish(g)


def test_inherited_pipes():
    """Input and output are two of them."""
    (r1, w1), (r2, w2) = os.pipe(), os.pipe()
    with Guest(f"con1=fd:{r1},fd:{w2}", cmd=["sh", "-c", "cat < /dev/tty1 > /dev/tty1"],
               pass_fds=[r1, w2]) as g:
        os.close(r1)
        os.close(w2)
        os.write(w1, b"a\0b\377\r\n")
        os.close(w1)
        check(g.wait() == 0, f"status {g.status()}", g.words())
        got = os.read(r2, 100)
        check(got == b"a\0b\377\r\n", f"through the pipes came {got!r}")
    os.close(r2)


def test_pty():
    """pty is pts by its other name, from the start on: bytes both ways."""
    with serve("/dev/tty1", "con1=pty") as g:
        path = re.search(rb"con1 is on (/dev/pts/\d+)", g.err()).group(1)
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"word\n")
        expect(fd, rb"got-word")
        os.close(fd)
        finish(g)


def test_pts_comes_back():
    with serve("/dev/ttyS0", "ssl0=pts") as g:
        path = re.search(rb"ssl0 is on (/dev/pts/\d+)", g.err()).group(1)
        for i in range(2):
            fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, b"word%d\n" % i)
            expect(fd, rb"got-word%d" % i)
            os.close(fd)
            g.until(rb"(?s)(hup.*){%d}" % (i + 1))
        finish(g)


def test_tty_of_the_host():
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    with serve("/dev/tty4", f"con4=tty:{os.ttyname(slave)}") as g:
        check(not termios.tcgetattr(slave)[3] & termios.ECHO, "not in raw mode")
        os.write(master, b"word\r")
        expect(master, rb"got-word\r\n")
        finish(g)
    check(termios.tcgetattr(slave) == before, "the mode is not as it was")
    os.close(master)
    os.close(slave)


def test_files(tmp):
    out, text = os.path.join(tmp, "out"), os.path.join(tmp, "in")
    with open(out, "w") as f:
        f.write("before\n")
    with open(text, "w") as f:
        f.write("a line\n")
    ended(sh("cat /dev/tty2 > /dev/tty1; echo end > /dev/tty1", f"con1=file:{out}",
             f"con2=file:{text},null"), 0)
    with open(out) as f:
        have = f.read()
    check(have == "before\na line\nend\n", f"the file has {have!r}")


def test_all_at_once(tmp):
    """con= is for those that are not named, in whatever order."""
    r = ended(sh("echo five > /dev/tty5; echo six > /dev/tty6; echo s > /dev/ttyS9",
                 f"con6=file:{tmp}/6", f"con=file:{tmp}/all", "con0=fd:0,fd:1",
                 f"ssl=file:{tmp}/ssl"), 0)
    have = {}
    for name in os.listdir(tmp):
        with open(os.path.join(tmp, name)) as f:
            have[name] = f.read()
    check(have == {"6": "six\n", "all": "five\n", "ssl": "s\n"}, f"{have}", r)


def test_null_and_none():
    gave(sh("echo lost > /dev/tty1; cat < /dev/tty2 & sleep 0.3; kill $!; echo here",
            "con1=none", "con2=null"), b"here\n")


def test_boot_log_on_a_serial_line(tmp):
    r = ended(run("console=ttyS1", f"ssl1=file:{tmp}/log", cmd="true"), 0)
    with open(os.path.join(tmp, "log")) as f:
        check("Linux version" in f.read(), "no boot log", r)


XTERM = """#!/bin/bash
# Looks like xterm -Sccn to who starts it: a window number, then the terminal.
fd=${1##*/}
echo "$@" > %s/args
exec >&$fd
echo 12345
cat <&$fd > %s/seen &
echo typed
wait
"""


def test_xterm(tmp):
    """A program called xterm is started with the other end of the line."""
    with open(os.path.join(tmp, "xterm"), "w") as f:
        f.write(XTERM % (tmp, tmp))
    os.chmod(os.path.join(tmp, "xterm"), 0o755)
    with serve("/dev/tty1", "con1=xterm",
               env={"DISPLAY": ":9", "PATH": f"/nowhere:{tmp}:{os.environ['PATH']}"}) as g:
        seen, end = "", time.monotonic() + 10
        while "got-typed" not in seen:
            check(time.monotonic() < end, f"it saw {seen!r}", g.words())
            time.sleep(0.05)
            with open(os.path.join(tmp, "seen")) as f:
                seen = f.read()
        finish(g)
        check(not g.gone(3), "the xterm is left")


def test_bad_options(tmp):
    there = os.path.join(tmp, "there")
    with open(there, "w"):
        pass
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        os.mkfifo(f"{tmp}/fifo")
        for word in (f"con1=file:{tmp}/fifo", "con1=", "con1=bogus", "con1=bogus:x", "con1=fd", "con1=fd:", "con1=fd:x",
                     "con1=fd:77", "con1=fd:-1", "con1=fd:0,", "con16=null", "ssl99=null",
                     "con1=pts:/dev/pts/0", "con1=null,pts", "con1=socket:",
                     f"con1=socket:{there}", f"con1=socket:{tmp}/no/where",
                     "con1=socket:/" + "x" * 110, "con1=fd:" + "1" * 200,
                     "ssl0=port:", "ssl0=port:0", "ssl0=port:65536", "ssl0=port:x",
                     f"ssl0=port:{port}", "ssl0=tty:", "ssl0=tty:/dev/null",
                     f"ssl0=tty:{tmp}/none", "ssl0=file:", f"ssl0=file:{tmp}/no/where",
                     "con1=xterm", "ssl=bogus", "con=null,null,null"):
            r = ended(run(word, cmd="true", env={"DISPLAY": ""}), 1, word[:60])
            last = r.err.splitlines()[-1]
            check(last.startswith(b"linux: ") and word[:3].encode() in last,
                  f"no clear line for {word[:60]}", r)
    check(sorted(os.listdir(tmp)) == ["fifo", "there"], f"left: {os.listdir(tmp)}")


test_bad_options.seconds = 120


def test_full_disk(tmp):
    """Who writes is told, as on any file; when there is room again the line goes on."""
    r = ended(run(cmd=["dd", "if=/dev/zero", "bs=4k", "count=1"], wrap=["sh", "-c", '"$@" >/dev/full', "sh"]), 1)
    check(b"Kernel panic" not in r.err, "a panic", r)
    os.mkdir(f"{tmp}/tiny")
    script = ("dd if=/dev/zero of=/dev/ttyS1 bs=4k count=1000 2>/tmp/said && exit 8; grep -q 'No space left' /tmp/said ||"
              "exit 9; mount -t hostfs none /mnt && rm /mnt/fill && echo goes on >/dev/ttyS1")
    wrap = mounts(f"mount -t tmpfs -o size=1m t {tmp}/tiny && dd if=/dev/zero of={tmp}/tiny/fill bs=4k count=100 2>/dev/null")
    ended(sh(script, f"hostfs={tmp}/tiny", f"ssl1=null,file:{tmp}/tiny/log",
             wrap=[*wrap, "sh", "-c", f'"$@"; s=$?; tail -c 8 {tmp}/tiny/log | grep -q "goes on" || exit 7; exit $s', "sh"]), 0)


def test_fifo(tmp):
    """As output one that somebody reads."""
    os.mkfifo(f"{tmp}/fifo")
    reader = os.open(f"{tmp}/fifo", os.O_RDONLY | os.O_NONBLOCK)
    ended(sh("seq 30000 >/dev/ttyS1", f"ssl1=null,file:{tmp}/fifo", wrap=["sh", "-c",
             f'cat {tmp}/fifo >{tmp}/got & "$@"; s=$?; wait; exit $s', "sh"]), 0)
    os.close(reader)
    with open(f"{tmp}/got", "rb") as f:
        check(f.read().replace(b"\r", b"") == b"".join(b"%d\n" % i for i in range(1, 30001)), "not all came")


def mconsole(tmp, *words):
    return subprocess.run(["uml_mconsole", "m", *words], capture_output=True, timeout=15,
                          env=dict(os.environ, HOME=tmp)).stdout


def test_refused_change_changes_nothing(tmp):
    """A line keeps what it has when it cannot get something else, or has it already."""
    path, port = os.path.join(tmp, "c"), free_port()
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    script = ("echo up; while read dev; do { echo ready; read x; echo \"got-$x\"; }"
              " < $dev > $dev; echo told; done")
    with Guest("umid=m", cmd=["sh", "-c", script], env={"HOME": tmp}) as g:
        g.until(rb"up\n")

        def config(word, good=True):
            out = mconsole(tmp, "config", word)
            check(out.startswith(b"OK" if good else b"ERR "), f"{word}: {out!r}")

        for spec in (f"socket:{path}", f"port:{port}", f"tty:{name}"):
            config("con1=" + spec)
            for other in ("foo", "fd:0", "null,foo", f"socket:{tmp}", "tty:/dev/null", "xterm",
                          "file:/no/where"):
                config("con1=" + other, good=False)
                out = mconsole(tmp, "config", "con1")
                check(out.strip() == f"OK {spec}".encode(), f"con1 is {out!r}, not {spec}")
            config("con1=" + spec)
            if spec[0] == "t":
                raw = not termios.tcgetattr(slave)[3] & (termios.ICANON | termios.ECHO)
                check(raw, "the terminal is not in raw mode")
                continue
            check(os.path.exists(path) or spec[0] != "s", "the socket is gone")
            g.send(b"/dev/tty1\n")
            before = len(g.out())
            if spec[0] == "s":
                s = connect(path)
            else:
                s = socket.create_connection(("127.0.0.1", port))
            talk(s, b"one")
            g.until(rb"(?s).{%d}.*told" % before)
        # Its file was removed on the host: the same once more makes it again.
        config(f"con1=socket:{path}")
        os.unlink(path)
        config(f"con1=socket:{path}")
        check(os.path.exists(path), "the socket is not made again")
        config("con1=null")
        check(not os.path.exists(path), "the socket is left")
        cooked = termios.tcgetattr(slave)[3] & termios.ICANON
        check(cooked, "the terminal is left in raw mode")
    os.close(master)
    os.close(slave)


def test_configured_while_it_runs(tmp):
    path, log = os.path.join(tmp, "c"), os.path.join(tmp, "log")
    script = ("echo up; while read dev; do { echo ready; read x; echo \"got-$x\"; }"
              " < $dev > $dev; echo told; done")
    with Guest("umid=m", cmd=["sh", "-c", script], env={"HOME": tmp}) as g:
        g.until(rb"up\n")

        def config(*words, good=True):
            out = mconsole(tmp, *words)
            check(out.startswith(b"OK" if good else b"ERR "), f"{words}: {out!r}")
            return out[3:].strip()

        check(config("config", "con1") == b"null", "con1 is not null")
        config("config", f"con1=socket:{path}")
        check(config("config", "con1") == f"socket:{path}".encode(), "not shown")
        g.send(b"/dev/tty1\n")
        s = connect(path)
        talk(s, b"one")
        g.until(rb"told")
        config("remove", "con1")
        check(not os.path.exists(path), "the socket is left")
        config("config", "ssl3=pty")
        config("remove", "ssl3")
        config("config", "ssl2=pts")
        name = config("config", "ssl2")
        check(name.startswith(b"pts:/dev/pts/"), f"shown as {name}")
        fd = os.open(name[4:], os.O_RDWR | os.O_NOCTTY)
        g.send(b"/dev/ttyS2\n")
        os.write(fd, b"two\n")
        expect(fd, rb"got-two")
        os.close(fd)
        config("config", f"con5=null,file:{log}")
        config("config", f"con6=port:{free_port()}")
        for word in ("con0=null", "con1=fd:1", "con1=bogus", "con16=null", "con1=xterm",
                     "con1=tty:/dev/null", f"con1=socket:{log}", "con1=port:0",
                     "con1=file:/no/where"):
            config("config", word, good=False)
        config("remove", "con0", good=False)
        check(os.path.exists(log), "the log was not made")
        config("config", f"con7=socket:{path}")
        check(os.path.exists(path), "no socket")
        g.proc.stdin.close()
        check(g.wait() == 0, f"status {g.status()}", g.words())
        end = time.monotonic() + 3
        while os.path.exists(path):
            check(time.monotonic() < end, "the socket is left")
            time.sleep(0.02)
