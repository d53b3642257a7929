# SPDX-License-Identifier: GPL-2.0
"""Standard input and output that are pipes and files: bytes pass unchanged."""

import contextlib
import hashlib
import os
import pty
import re
import select
import subprocess
import time

from uml import LINUX, Failed, Guest, check, command, ended, gave, run, sh


def test_stdout_is_pure():
    gave(run(cmd=["echo", "hello"]), b"hello\n")


def test_stdout_without_newline():
    gave(run(cmd=["printf", "x"]), b"x")


def test_stdout_is_binary_clean():
    every = "".join(f"\\{i:03o}" for i in range(256))
    gave(sh(f"printf '{every}'"), bytes(range(256)))


def test_stdout_large():
    r = ended(sh("seq 30000"), 0)
    want = "".join(f"{i}\n" for i in range(1, 30001)).encode()
    check(r.out == want, f"{len(r.out)} bytes came, not these {len(want)}", r)


def test_stdout_to_slow_pipe():
    """The reader is slow: nothing is lost, the guest waits."""
    argv = command(cmd=["seq", "30000"])
    proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            start_new_session=True)
    try:
        time.sleep(1.5)
        data = proc.communicate(timeout=15)[0]
    finally:
        proc.kill()
        proc.wait()
    want = "".join(f"{i}\n" for i in range(1, 30001)).encode()
    check(data == want, f"{len(data)} bytes came, not these {len(want)}")


def panic_to_slow_terminal(lines):
    """What a guest says that panics after so many messages of 900 bytes."""
    script = f"for i in $(seq {lines}); do printf '<0>mark %0900d' $i >/dev/kmsg; done;"
    argv = command(cmd=["sh", "-c", script + "echo c >/proc/sysrq-trigger"])
    master, slave = pty.openpty()
    proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=slave, start_new_session=True, bufsize=0)
    os.close(slave)
    said = b""
    try:
        time.sleep(0.3)         # it fills the terminal, and waits
        with contextlib.suppress(BrokenPipeError):      # all did fit
            proc.stdin.write(b"a key\n")
        time.sleep(0.1)
        while select.select([master], [], [], 15)[0]:
            try:
                said += os.read(master, 4096)
            except OSError:     # EIO: it has ended
                break
        proc.wait(15)
    finally:
        proc.kill()
        proc.wait()
        os.close(master)
    check(proc.returncode == 134, f"it ended with {proc.returncode}")
    return said


def test_panic_to_slow_terminal():
    """A signal that comes while the kernel waits for its reader costs no message.

    A terminal holds some 17 such messages; a part of what a panic prints fits
    behind one of these numbers of them.
    """
    for lines in range(8, 20):
        said = panic_to_slow_terminal(lines)
        for i in range(1, lines + 1):
            check(b"mark %0900d\r\n" % i in said, f"message {i} of {lines} is not whole: {said[-1000:]}")
        check(said.count(b"sysrq triggered crash") == 2, f"after {lines} messages: {said[-1000:]}")


def stalled_reader(read, write):
    """Nobody reads stderr: the guest waits for a while, and then goes on without."""
    script = ("mark() { printf '<0>mark %0900d\\n' $1 >/dev/kmsg; };"
              "for i in $(seq 200); do mark $i; done; echo told; read x; mark 201; echo more;"
              "read x; mark 202; echo last; read x")
    argv = command(cmd=["sh", "-c", script])
    proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=write, start_new_session=True, bufsize=0)
    os.close(write)
    said = b""

    def said_by_now():
        nonlocal said
        while select.select([read], [], [], 0.5)[0]:
            said += os.read(read, 4096)
        return said

    def line(want):
        check(select.select([proc.stdout], [], [], 20)[0], f"no {want!r}: the guest hangs")
        check(os.read(proc.stdout.fileno(), 100) == want, f"not {want!r}")

    try:
        line(b"told\n")
        proc.stdin.write(b"x\n")
        line(b"more\n")
        check(b"mark %0900d" % 2 in said_by_now(), "the first messages did not come")
        check(b"mark %0900d" % 201 not in said, "none was lost")
        said = b""
        proc.stdin.write(b"x\n")
        line(b"last\n")
        check(b"mark %0900d" % 202 in said_by_now(), f"none after the stall: {said[-300:]}")
        lost = re.search(rb"linux: (\d+) bytes of the kernel's messages were not taken", said)
        check(lost and int(lost[1]) > 50000, f"not told: {said[:300]}")
        # Now it stalls again, and the power button still works.
        proc.terminate()
        check(proc.wait(20) == 143, f"it ended with {proc.returncode}")
    finally:
        proc.kill()
        proc.wait()
        os.close(read)


def test_stalled_reader_of_a_pipe():
    stalled_reader(*os.pipe())


def test_stalled_reader_of_a_terminal():
    stalled_reader(*pty.openpty())


def test_panic_without_a_reader():
    """A guest that panics ends, also when nobody reads what it says."""
    read, write = os.pipe()
    script = "for i in $(seq 99); do printf '<0>mark %0900d' $i >/dev/kmsg; done;"
    argv = command(cmd=["sh", "-c", script + "echo c >/proc/sysrq-trigger"])
    proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=write, start_new_session=True)
    os.close(write)
    try:
        check(proc.wait(25) == 134, f"it ended with {proc.returncode}")
    finally:
        proc.kill()
        proc.wait()
        os.close(read)


def test_stdout_closed_by_reader():
    """`linux -- yes | head -1` ends, as `yes | head -1` does."""
    read, write = os.pipe()
    argv = command(cmd=["yes", "1"])
    proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=write,
                            stderr=subprocess.DEVNULL, start_new_session=True)
    os.close(write)
    try:
        check(os.read(read, 2) == b"1\n", "the first line did not come")
        os.close(read)
        proc.wait(20)
    except subprocess.TimeoutExpired:
        raise Failed("hangs when the reader of stdout is gone") from None
    finally:
        proc.kill()
        proc.wait()


def test_stderr_has_no_boot_log():
    r = gave(run(cmd=["echo", "hello"]), b"hello\n")
    check(b"Linux version" not in r.err, "the boot log is not quiet", r)


def test_console_option_shows_the_boot_log():
    r = ended(run("console=tty0", cmd="true"), 0)
    check(b"Linux version" in r.out + r.err, "no boot log with console=", r)


def test_stdin_reaches_the_command():
    gave(run(cmd="cat", stdin=b"one\ntwo\n"), b"one\ntwo\n")


def test_stdin_end_of_file():
    gave(run(cmd=["wc", "-c"], stdin=b""), b"0\n")


def test_stdin_without_newline_at_the_end():
    gave(run(cmd="cat", stdin=b"no newline"), b"no newline")


def test_stdin_null():
    gave(run(cmd=["wc", "-c"], stdin=subprocess.DEVNULL), b"0\n")


def test_stdin_file(tmp):
    path = os.path.join(tmp, "in")
    with open(path, "wb") as f:
        f.write(b"from a file\n")
    with open(path, "rb") as f:
        gave(run(cmd="cat", stdin=f), b"from a file\n")


def test_stdin_closed():
    """No descriptor 0 at all."""
    r = run(cmd=["echo", "hello"], wrap=["sh", "-c", 'exec "$@" <&-', "sh"])
    gave(r, b"hello\n")


def test_stdin_large():
    data = b"".join(b"%06d the quick brown fox\n" % i for i in range(10000))
    r = ended(run(cmd=["sha256sum"], stdin=data), 0)
    want = hashlib.sha256(data).hexdigest().encode()
    check(r.out.startswith(want), f"{len(data)} bytes came changed", r)


def test_stdin_long_lines():
    """Longer than a terminal's line editing could hold."""
    data = (b"x" * 20000 + b"\n") * 3
    r = ended(run(cmd=["sha256sum"], stdin=data), 0)
    want = hashlib.sha256(data).hexdigest().encode()
    check(r.out.startswith(want), f"{len(data)} bytes came changed", r)


def test_stdin_control_bytes():
    """A pipe is no keyboard: ^C and ^D in it are data."""
    data = bytes(range(256))
    r = ended(run(cmd=["sha256sum"], stdin=data), 0)
    want = hashlib.sha256(data).hexdigest().encode()
    check(r.out.startswith(want), "the 256 byte values came changed", r)


def test_stdin_is_read_late():
    """What comes while nobody reads is kept."""
    with Guest(cmd=["sh", "-c", "echo up; sleep 1; cat"]) as g:
        g.send(b"early\n")
        g.until(rb"up\n")
        g.send(b"late\n")
        g.proc.stdin.close()
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(g.out() == b"up\nearly\nlate\n", f"wrote {g.out()!r}")


def test_pipeline_of_guests():
    done = subprocess.run(
        ["sh", "-c", '"$0" -- seq 5 2>&- | "$0" -- sort -rn 2>&-', LINUX],
        capture_output=True, timeout=25)
    check(done.stdout == b"5\n4\n3\n2\n1\n", f"wrote {done.stdout!r}")
