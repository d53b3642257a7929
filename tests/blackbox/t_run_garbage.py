# SPDX-License-Identifier: GPL-2.0
"""A guest that has taken over its agent, or is none: a kernel of ours that says
to the launcher what it likes. The launcher ends with 125 and one line, in a
bounded time and without growing, and writes nothing but the command's output.
"""

import contextlib
import os
import re
import resource
import select
import socket
import struct
import subprocess
import time

from launcher import LIMIT, UML, read_until
from uml import check

READY = struct.pack("=IHBB", 8, 0, 64, 0) + struct.pack("=II", 3, 0)


def frame(kind, payload=b"", session=1, stream=0, length=None):
    return struct.pack("=IHBB", len(payload) if length is None else length, session, kind,
                       stream) + payload


EXIT = frame(65, struct.pack("=II", 0, 0))


def command(tmp, code, *options):
    """The launcher with a kernel that is a Python program; the channel is s."""
    path = os.path.join(tmp, "kernel")
    with open(path, "w") as f:
        f.write("#!/usr/bin/python3\nimport os, socket, struct, sys, time\n"
                "s = socket.socket(fileno=3)\ns.setblocking(True)\n" + code + "\n")
    os.chmod(path, 0o755)
    return [UML, "run", "-q", "--root", "none", "--kernel", path, *options, "x"]


def agent(tmp, code):
    return subprocess.run(command(tmp, code), capture_output=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def running(tmp, code, *options, **more):
    p = subprocess.Popen(command(tmp, code, *options), stdin=subprocess.DEVNULL,
                         start_new_session=True, **more)
    try:
        yield p
    finally:
        p.kill()
        p.communicate()


def memory(pid):
    """The most that a process has had of it, in KiB."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1])


def says(tmp, data, then="time.sleep(60)"):
    return agent(tmp, f"s.sendall({data!r})\n{then}")


def test_a_good_agent_passes(tmp):
    """The frames that this file makes are right when they are meant to be."""
    done = says(tmp, READY + frame(32, b"out", stream=1) + frame(32, b"err", stream=2)
                + frame(33, stream=1) + frame(33, stream=2) + EXIT)
    check(done.returncode == 0 and done.stdout == b"out" and done.stderr == b"err", f"{done}")


def test_frames_that_break_the_protocol(tmp):
    bad = {
        "random": os.urandom(100000),
        "a length over the limit": frame(32, length=0xffffffff, stream=1),
        "no such type": frame(99),
        "no such stream": frame(32, b"x", stream=3),
        "data for standard input": frame(32, b"x", stream=0),
        "no such session": frame(32, b"x", session=999, stream=1),
        "a session that is not": frame(32, b"x", session=7, stream=1),
        "data after the end": frame(33, stream=1) + frame(32, b"x", stream=1),
        "more than its window": b"".join(frame(32, b"\0" * 32768, stream=1) for _ in range(4000)),
        "credit that nobody owes": frame(35, struct.pack("=I", 1)),
        "a short credit": frame(35, b"x"),
        "a short end": frame(65, b"x"),
        "ready twice": READY,
        "another protocol": b"",
        "an answer that is too short": frame(66, b"x", session=0),
        "an answer that nobody waits for": frame(66, bytes(56), session=0),
    }
    for what, data in bad.items():
        first = READY if what != "another protocol" else \
            frame(64, struct.pack("=II", 7, 0), session=0)
        if what == "more than its window":
            # Only a reader that does not read makes the window matter.
            code = f"s.sendall({first!r})\nd = {frame(32, bytes(32768), stream=1)!r}\n" \
                   "try:\n    for i in range(4000): s.sendall(d)\nexcept OSError: pass\ntime.sleep(60)"
            r, w = os.pipe()
            p = subprocess.Popen(command(tmp, code), stdin=subprocess.DEVNULL, stdout=w,
                                 stderr=subprocess.PIPE)
            os.close(w)
            _, err = p.communicate(timeout=LIMIT)
            os.close(r)
            check(p.returncode == 125 and b"breaks the protocol" in err, f"{what}: {p.returncode} {err!r}")
            continue
        done = says(tmp, first + data)
        check(done.returncode == 125 and b"protocol" in done.stderr, f"{what}: {done}")


def test_an_agent_that_hangs_up(tmp):
    done = says(tmp, READY, "s.shutdown(2); s.close(); time.sleep(60)")
    check(done.returncode in (125, 137), f"{done}")


def test_an_agent_that_ends(tmp):
    done = says(tmp, READY + frame(32, b"out", stream=1), "os._exit(1)")
    check(done.stdout == b"out" and done.returncode == 1, f"{done}")


def test_an_agent_that_ends_with_output_left(tmp):
    """What it has sent reaches a reader that is slower, and a command's status is its status."""
    data = bytes(range(250)) * 800
    frames = b"".join(frame(32, data[i:i + 20000], stream=1) for i in range(0, len(data), 20000))
    for end, status in ((b"", 1), (frame(65, struct.pack("=II", 0, 7)), 7)):
        with running(tmp, f"s.sendall({READY + frames + end!r})\nos._exit(1)",
                     stdout=subprocess.PIPE) as p:
            time.sleep(0.5)
            got = p.stdout.read()
            check(got == data, f"{len(got)} of {len(data)} bytes came")
            check(p.wait(LIMIT) == status, f"status {p.returncode}")


def test_odd_ends(tmp):
    """A status is one byte, whatever the agent says; odd reasons are ours."""
    for how, value, status in ((0, 0x1234507, 7), (1, 0xffffff89, 128 + 9), (2, 2, 127), (3, 13, 126),
                               (4, 2, 125), (6, 99999, 125), (4000, 1, 125)):
        done = says(tmp, READY + frame(65, struct.pack("=II", how, value)))
        check(done.returncode == status, f"{how} {value}: {done}")


def test_console_garbage_is_shown_clean(tmp):
    """What the console says is shown when the guest fails, and does nothing to the terminal."""
    done = agent(tmp, "os.write(2, b'\\033]0;title\\007\\033[2Jlast words\\n'); os._exit(134)")
    check(done.returncode == 125 and b"last words" in done.stderr and b"\033" not in done.stderr
          and b"\007" not in done.stderr, f"{done}")


def test_an_agent_that_does_not_listen(tmp):
    """Each byte of output is granted back; who does not read that is not read either."""
    end = 1 << 20
    one = frame(32, b"x", stream=1)
    with running(tmp, f"s.sendall({READY!r})\nwhile True: s.sendall({one!r} * 4096)",
                 stdout=subprocess.PIPE) as p:
        came = len(read_until(p.stdout, b"x"))
        before = memory(p.pid)
        while came < end and select.select([p.stdout], [], [], 3)[0]:
            came += len(os.read(p.stdout.fileno(), 65536))
        after = memory(p.pid)
    check(after - before < 5000, f"{after - before} KiB more after {came} bytes")


def test_a_client_that_reads_late(tmp):
    """A window full of single bytes waits for a client of uml exec, whatever its frames are."""
    many = 1000000
    end = frame(65, struct.pack("=II", 0, 0), session=2)
    code = (f"s.sendall({READY + frame(32, b'ready', stream=1)!r})\n"
            "got = b''\nwhile b'@@late' not in got: got += s.recv(65536)\n"
            f"s.sendall({frame(32, b'y', session=2, stream=1)!r} * {many} + {end!r})\n"
            f"s.sendall({frame(32, b'sent', stream=1)!r})\n"
            "while s.recv(65536): pass")
    name = f"late-{os.getpid()}"
    with running(tmp, code, "--name", name, stdout=subprocess.PIPE) as p:
        read_until(p.stdout, b"ready")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT)
            s.connect(f"\0uml/{os.geteuid()}/{name}")
            s.sendall(frame(1, b"@@late"))
            read_until(p.stdout, b"sent")
            want = frame(32, b"y", stream=1) * many + frame(65, struct.pack("=II", 0, 0))
            data = b""
            while len(data) < len(want):
                more = s.recv(65536)
                check(more, f"only {len(data)} of {len(want)} bytes came")
                data += more
    check(data == want, "they have changed")


def test_console_that_never_stops(tmp):
    """Time limits, and other commands of uml, are there all the same."""
    code = f"s.sendall({READY!r})\nos.fork(); os.fork()\nwhile True: os.write(1, b'x' * 4000)"
    name = f"talks-{os.getpid()}"
    with running(tmp, code, "-v", "--name", name, stderr=subprocess.DEVNULL) as p:
        end = time.monotonic() + LIMIT
        while True:
            done = subprocess.run([UML, "kill", name], capture_output=True, timeout=LIMIT)
            if done.returncode == 0 or time.monotonic() > end:
                break
        check(done.returncode == 0, f"uml kill: {done.stderr!r}")
        check(p.wait(LIMIT) == 137, f"status {p.returncode}")


def test_verbose_that_nobody_reads(tmp):
    """The command and the time limit do not wait for standard error."""
    code = f"s.sendall({READY!r})\nwhile True: os.write(1, b'x' * 4000)"
    with running(tmp, code, "-v", "--timeout", "1", stderr=subprocess.PIPE) as p:
        check(p.wait(LIMIT) == 124, f"status {p.returncode}")
        check(os.read(p.stderr.fileno(), 10) == b"x" * 10, "nothing was said")


def test_endless_console(tmp):
    """A console that says much does not hold the rest up, nor fill memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = agent(tmp, "import threading\n"
                 "threading.Thread(target=lambda: [os.write(1, b'x' * 4000) for _ in range(20000)],"
                 " daemon=True).start()\n"
                 f"time.sleep(0.5)\ns.sendall({READY + frame(33, stream=1) + frame(33, stream=2) + EXIT!r})\n"
                 "time.sleep(60)")
    check(done.returncode == 0, f"{done}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check(after < max(before, 60000) + 20000, f"{after} KiB at most")
