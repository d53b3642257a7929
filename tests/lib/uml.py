# SPDX-License-Identifier: GPL-2.0
"""tests/lib/uml.py - start build/linux, talk to it, and be sure that it ends.

run() starts a guest, waits for its end within a limit, and returns a Result.
Guest is a guest that a test talks to while it runs; with tty=True a pseudo-
terminal is its terminal, and the test holds the other end.

Every guest leads a host session. Its processes are those of the session and
the descendants of its first process, so that they are found also when the
kernel process has died (init_processes() makes this process the parent of
orphans). end() kills them all; no test leaves one.

LINUX=FILE in the environment names another executable than build/linux;
TRANSPORT says which one of skas0 the guests run over, see tests/blackbox/run.
"""

import ctypes
import fcntl
import functools
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build")
LINUX = os.environ.get("LINUX", os.path.join(BUILD, "linux"))
TRANSPORT = os.environ.get("TRANSPORT", "seccomp")
INITRAMFS = os.path.join(BUILD, "initramfs.cpio")
PR_SET_CHILD_SUBREAPER = 36
ALWAYS = []     # options of every guest, see again()
LIMIT = 20      # seconds that a boot, a command and a power-off may take


class Failed(Exception):
    """A test found what should not be."""


class Skipped(Exception):
    """A test cannot be done on this host."""


def init_processes():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process_table():
    """{pid: (parent, session, state, ticks, comm)} of every host process."""
    table = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as f:
                head, _, rest = f.read().rpartition(b")")
        except OSError:
            continue
        word = rest.split()
        table[int(name)] = (int(word[1]), int(word[3]), word[0].decode(),
                            int(word[11]) + int(word[12]),
                            head.partition(b"(")[2].decode(errors="replace"))
    return table


def family(first, alive=True):
    """Pids of the session and the descendants of @first."""
    table = process_table()
    found = {p for p, row in table.items() if p == first or row[1] == first}
    front = set(found)
    while front:
        front = {p for p, row in table.items() if row[0] in front} - found
        found |= front
    return {p for p in found
            if p in table and not (alive and table[p][2] in "ZX")}


def sweep(grace=5):
    """
    Kill all descendants of this process; what was alive of them.

    A process that ends by the death of its parent may still be seen for a
    moment: it is left alone for @grace seconds.
    """
    found = set()
    end = time.monotonic() + grace
    while family(os.getpid()) - {os.getpid()} and time.monotonic() < end:
        time.sleep(0.02)
    for _ in range(100):
        table = process_table()
        left, front = set(), {os.getpid()}
        while front:
            front = {p for p, row in table.items() if row[0] in front} - left
            left |= front
        for pid in left:
            if table[pid][2] not in "ZX":
                found.add(f"{pid} ({table[pid][4]})")
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            break
        time.sleep(0.02)
    return sorted(found)


def tail(data, lines=8):
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return "\n".join(text.splitlines()[-lines:])


class Result:
    """How a guest ended: status as a shell gives it, and what it wrote."""

    def __init__(self, status, out, err, seconds, left):
        self.status, self.out, self.err = status, out, err
        self.seconds, self.left = seconds, left

    def __str__(self):
        return (f"status {self.status} after {self.seconds:.1f} s\n"
                f"stdout: {tail(self.out)!r}\nstderr: {tail(self.err)!r}")


def command(*options, cmd=None, wrap=(), linux=None):
    """The words that start a guest."""
    argv = [*wrap, linux or LINUX, *ALWAYS, *options]
    if cmd is not None:
        argv += ["--", *([cmd] if isinstance(cmd, str) else cmd)]
    return argv


class Guest:
    def __init__(self, *options, cmd=None, tty=False, stdin=subprocess.PIPE,
                 wrap=(), env=None, cwd=None, size=(24, 80), linux=None,
                 pass_fds=()):
        argv = command(*options, cmd=cmd, wrap=wrap, linux=linux)
        self.start = time.monotonic()
        self.master = None
        self.seen = b""         # what a terminal's reader has seen
        self.mark = 0           # how far expect() has read it
        self.files = []
        full = dict(os.environ, **(env or {}))
        if tty:
            self.master, slave = pty.openpty()
            self.slave = slave
            self.set_size(*size)
            self.cooked = termios.tcgetattr(slave)
            streams = (slave, slave, slave)
        else:
            # Files, not pipes: they never fill, and need no reader.
            self.files = [tempfile.TemporaryFile() for _ in range(2)]
            streams = (stdin, *self.files)
        self.proc = subprocess.Popen(
            argv, stdin=streams[0], stdout=streams[1], stderr=streams[2],
            cwd=cwd, env=full, start_new_session=True, pass_fds=pass_fds,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
            if tty else None)
        self.pid = self.proc.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.end()

    # The processes

    def pids(self):
        return family(self.pid)

    def kernel(self):
        """The kernel process: the one that runs LINUX and whose parent does not."""
        real = os.path.realpath(LINUX)
        parents = {}
        for pid in sorted(self.pids()):
            try:
                if os.path.realpath(f"/proc/{pid}/exe") == real:
                    parents[pid] = process_table()[pid][0]
            except (OSError, KeyError):
                continue
        return next((pid for pid in parents if parents[pid] not in parents), self.pid)

    def ticks(self):
        table = process_table()
        return sum(table[p][3] for p in self.pids() if p in table)

    def gone(self, seconds):
        """Wait until no process is left; what is left, else an empty set."""
        end = time.monotonic() + seconds
        while True:
            self.proc.poll()
            left = self.pids()
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.02)

    def status(self):
        code = self.proc.returncode
        return code if code is None or code >= 0 else 128 - code

    def wait(self, seconds=LIMIT):
        """Wait for the end; its status. A terminal is read meanwhile."""
        end = time.monotonic() + seconds
        while self.proc.poll() is None:
            if time.monotonic() > end:
                raise Failed(f"still runs after {seconds} s\n{self.words()}")
            if self.master is not None:
                self.read_tty(0.02)
            else:
                time.sleep(0.01)
        if self.master is not None:
            while self.read_tty(0.05):
                pass
        return self.status()

    def end(self):
        """Kill all that is left and free what is ours."""
        for _ in range(100):
            left = self.pids()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.proc.poll()
            for pid in family(self.pid, alive=False) - {self.pid}:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
            if not left and self.proc.returncode is not None:
                break
            time.sleep(0.02)
        if self.proc.stdin:
            try:
                self.proc.stdin.close()
            except BrokenPipeError:
                pass
        if self.master is not None:
            os.close(self.master)
            os.close(self.slave)
            self.master = None
        for f in self.files:
            f.close()
        self.files = []

    # Its words

    def out(self):
        return os.pread(self.files[0].fileno(), 1 << 28, 0)

    def err(self):
        return os.pread(self.files[1].fileno(), 1 << 28, 0)

    def words(self):
        if self.files:
            return (f"stdout: {tail(self.out())!r}\n"
                    f"stderr: {tail(self.err())!r}")
        return f"terminal: {tail(self.seen, 12)!r}"

    def result(self, seconds=LIMIT):
        status = self.wait(seconds)
        took = time.monotonic() - self.start
        return Result(status, self.out(), self.err(), took, self.gone(1))

    def until(self, pattern, seconds=LIMIT, stream=None):
        """Wait until stdout (or @stream()) has a match."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, (stream or self.out)())
            if found:
                return found
            if self.proc.poll() is not None or time.monotonic() > end:
                found = re.search(pattern, (stream or self.out)())
                if found:
                    return found
                raise Failed(f"{pattern!r} did not come; status "
                             f"{self.status()}\n{self.words()}")
            time.sleep(0.01)

    def send(self, data):
        """Bytes to the terminal or to standard input."""
        if self.master is not None:
            os.write(self.master, data)
        else:
            self.proc.stdin.write(data)
            self.proc.stdin.flush()

    # The terminal

    def read_tty(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return b""
        self.seen += data
        return data

    def expect(self, pattern, seconds=LIMIT):
        """Read the terminal until @pattern comes after what was expected last."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.seen[self.mark:])
            if found:
                self.mark += found.end()
                return found
            left = end - time.monotonic()
            if left <= 0 or (self.proc.poll() is not None
                             and not self.read_tty(0.1)):
                raise Failed(f"{pattern!r} did not come; status "
                             f"{self.status()}\n{self.words()}")
            self.read_tty(min(left, 0.2))

    def start_in_shell(self, command):
        """
        Have the shell on the terminal run @command (bytes); it has begun.

        The echo of what was typed would be too early to type ^C: the shell
        reads a line in raw mode and leaves that mode after it.
        """
        self.send(b"sh -c 'echo it\"\"runs; exec " + command + b"'\r")
        self.expect(rb"itruns\r\n")

    def mode(self):
        return termios.tcgetattr(self.slave)

    def is_raw(self):
        return not self.mode()[3] & (termios.ICANON | termios.ECHO
                                     | termios.ISIG)

    def set_size(self, rows, cols):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))


def run(*options, cmd=None, stdin=b"", seconds=LIMIT, **more):
    """Run a guest to its end. @stdin: bytes (through a pipe), or a file."""
    feed = None
    if isinstance(stdin, bytes):
        feed = tempfile.TemporaryFile()
        feed.write(stdin)
        feed.seek(0)
        # A real pipe, filled by a cat that ends with it.
        cat = subprocess.Popen(["cat"], stdin=feed, stdout=subprocess.PIPE)
        stdin = cat.stdout
    guest = Guest(*options, cmd=cmd, stdin=stdin, **more)
    if feed:
        cat.stdout.close()
    try:
        return guest.result(seconds)
    finally:
        guest.end()
        if feed:
            cat.kill()
            cat.wait()
            feed.close()


def sh(script, *options, **more):
    """Run a shell script in the embedded initramfs."""
    return run(*options, cmd=["sh", "-c", script], **more)


def again(module, suffix, option, *names):
    """These tests of a module once more as NAME_SUFFIX, with one more @option."""
    def with_option(fn):
        @functools.wraps(fn)
        def test(*tmp):
            ALWAYS.append(option)       # in a process of its own
            fn(*tmp)
        return test

    for name in names:
        module[f"test_{name}_{suffix}"] = with_option(module["test_" + name])


def about_seccomp(module, *names):
    """These tests ask for one transport of skas0, or are about it alone."""
    for name in names:
        module["test_" + name].seccomp = True


# What a test says

def check(good, what, detail=""):
    if not good:
        raise Failed(f"{what}\n{detail}" if detail else what)


def ended(result, status, what="the guest"):
    check(result.status == status,
          f"{what} ended with {result.status}, not {status}", result)
    check(not result.left, f"{what} left processes: {result.left}", result)
    return result


def gave(result, out, what="the command"):
    """It ended well and wrote exactly @out."""
    ended(result, 0)
    check(result.out == out, f"{what} wrote {result.out[:200]!r}, "
          f"not {out[:200]!r}", result)
    return result
