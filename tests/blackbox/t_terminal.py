# SPDX-License-Identifier: GPL-2.0
"""A terminal: the test holds one end of a pseudo-terminal, the guest has the
other. Raw while the guest runs, as it was on every way out; keys and the
window's size reach the guest.
"""

import hashlib
import os
import re
import signal
import termios
import time

from uml import LINUX, Guest, check, process_table

PROMPT = rb"uml# "


def shell(*options, **more):
    """A guest with its shell at the first prompt."""
    g = Guest(*options, tty=True, **more)
    try:
        g.expect(PROMPT)
    except BaseException:
        g.end()
        raise
    return g


def settled(g, want, seconds=3):
    """The terminal's mode becomes what @want says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if want():
            return True
        g.read_tty(0.02)
    return False


def was_restored(g, how):
    check(settled(g, lambda: g.mode() == g.cooked, 1),
          f"the terminal is not as it was after {how}",
          f"{g.mode()}\n{g.cooked}")
    check(not g.gone(1), f"processes are left after {how}")


def test_shell_answers():
    with shell() as g:
        g.send(b"echo $((6*7))mark\r")
        g.expect(rb"42mark\r\n")
        g.expect(PROMPT)


def test_newline_is_crlf():
    with shell() as g:
        g.send(b"printf 'a\\nb\\n'\r")
        g.expect(rb"a\r\nb\r\n")


def test_raw_while_running():
    with shell() as g:
        check(g.is_raw(), "the terminal is not raw while the guest runs")
        check(not g.mode()[0] & (termios.ICRNL | termios.IXON),
              "the host changes input")
        g.send(b"echo once-only\r")
        g.expect(PROMPT)
        check(g.seen.count(b"echo once-only") == 1, "echoed twice", g.words())


def test_restored_after_poweroff():
    with shell() as g:
        check(g.is_raw(), "not raw")
        g.send(b"poweroff\r")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        was_restored(g, "poweroff")


def test_restored_after_exit_status():
    with shell() as g:
        g.send(b"exit 9\r")
        check(g.wait() == 9, f"status {g.status()}", g.words())
        was_restored(g, "exit")


def test_restored_after_panic():
    with shell("mem=64M") as g:
        g.send(b"echo 2 > /proc/sys/vm/panic_on_oom; tail /dev/zero\r")
        check(g.wait() == 134, f"status {g.status()}", g.words())
        check(b"panic" in g.seen, "no panic message", g.words())
        was_restored(g, "a panic")


def end_by(number):
    with shell() as g:
        os.kill(g.kernel(), number)
        status = g.wait(10)
        check(status != 0, f"{number.name} ended it with status 0")
        was_restored(g, number.name)


def test_restored_after_sigterm():
    end_by(signal.SIGTERM)


def test_restored_after_sighup():
    end_by(signal.SIGHUP)


def test_restored_after_sigint_from_outside():
    end_by(signal.SIGINT)


def test_restored_after_bad_option():
    with Guest("ubd0=/nonexistent", tty=True) as g:
        check(g.wait() == 1, f"status {g.status()}", g.words())
        was_restored(g, "a bad option")


def test_killing_a_space():
    """A space is killed from outside: the shell and the raw mode live on."""
    with shell() as g:
        before = g.pids()
        g.send(b"sleep 77 & echo started\r")
        g.expect(rb"started\r\n")
        time.sleep(0.5)
        for pid in sorted(g.pids() - before - {g.kernel()}):
            os.kill(pid, signal.SIGKILL)
        g.send(b"\r\r")
        time.sleep(0.3)
        g.send(b"echo still-$((1+1))\r")
        g.expect(rb"still-2\r\n", 10)
        check(g.is_raw(), "no longer raw after a space was killed")
        g.send(b"jobs; exit 3\r")
        check(g.wait() == 3, f"status {g.status()}", g.words())
        was_restored(g, "killing a space")


def test_stopped_and_continued():
    with shell() as g:
        kernel = g.kernel()
        os.kill(kernel, signal.SIGSTOP)
        time.sleep(0.3)
        check(process_table()[kernel][2] == "T", "SIGSTOP does not stop it")
        os.kill(kernel, signal.SIGCONT)
        g.send(b"echo back\r")
        g.expect(rb"back\r\n")


def test_ctrl_c():
    with shell() as g:
        g.start_in_shell(b"sleep 100")
        g.send(b"\x03")
        g.expect(PROMPT, 5)
        g.send(b"echo status $?\r")
        g.expect(rb"status 130\r\n")


def test_ctrl_c_of_a_busy_loop():
    # Not a loop of the shell's own: ash of busybox 1.35 loses one SIGINT of
    # twenty in "while :; do :; done", on the host as well.
    with shell() as g:
        g.start_in_shell(b"awk \"BEGIN { while (1) n++ }\"")
        g.send(b"\x03")
        g.expect(PROMPT, 5)
        g.send(b"echo status $?\r")
        g.expect(rb"status 130\r\n")


def test_ctrl_backslash():
    # awk says itself that it runs: ash ignores SIGQUIT until it has made room
    # for another program.
    with shell() as g:
        g.send(b"awk 'BEGIN { print \"in\" \"awk\"; fflush(); while (1) n++ }'\r")
        g.expect(rb"inawk\r\n")
        g.send(b"\x1c")
        g.expect(PROMPT, 5)
        g.send(b"echo status $?\r")
        g.expect(rb"status 131\r\n")


def test_ctrl_d_ends_the_shell():
    with shell() as g:
        g.send(b"\x04")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        was_restored(g, "^D")


def test_job_control():
    with shell() as g:
        g.start_in_shell(b"cat > /tmp/copy")
        g.send(b"\x1a")
        g.expect(rb"Stopped")
        g.expect(PROMPT)
        g.send(b"fg\r")
        g.expect(rb"fg\r\nsh -c [^\n]*\r\n")
        time.sleep(0.3)
        g.send(b"a line\r\x04")
        g.expect(PROMPT)
        g.send(b"cat /tmp/copy\r")
        g.expect(rb"a line\r\n")
        check(b"can't access tty" not in g.seen, "no job control", g.words())


def test_window_size():
    with shell(size=(33, 101)) as g:
        g.send(b"stty size\r")
        g.expect(rb"33 101\r\n")


def test_window_size_changes():
    with shell() as g:
        g.set_size(50, 132)
        time.sleep(0.5)
        g.send(b"stty size\r")
        g.expect(rb"50 132\r\n")


def test_window_size_changes_under_a_program():
    script = ("trap 'stty size; exit 0' WINCH; echo ready;"
              "while :; do sleep 0.1; done")
    with Guest(cmd=["sh", "-c", script], tty=True) as g:
        g.expect(rb"ready")
        g.set_size(7, 70)
        g.expect(rb"7 70\r\n", 5)
        check(g.wait() == 0, f"status {g.status()}", g.words())


def test_large_paste():
    """More at once than the guest's terminal buffers hold."""
    lines = b"".join(b"line %04d\r" % i for i in range(1000))
    with Guest(cmd=["sh", "-c", "stty -echo; echo ready; head -n 1000 | md5sum"],
               tty=True) as g:
        g.expect(rb"ready\r\n")
        for at in range(0, len(lines), 500):
            g.send(lines[at:at + 500])
            g.read_tty(0.01)
        want = hashlib.md5(lines.replace(b"\r", b"\n")).hexdigest()
        g.expect(want.encode(), 15)


def test_large_output():
    with Guest(cmd=["seq", "30000"], tty=True) as g:
        check(g.wait() == 0, f"status {g.status()}", g.words())
        want = b"".join(b"%d\r\n" % i for i in range(1, 30001))
        at = g.seen.find(b"1\r\n2\r\n")
        check(g.seen[at:at + len(want)] == want, "output is lost or changed")


def test_con0_null():
    """No console at all: the guest runs and ends."""
    with Guest("con0=null", cmd=["sh", "-c", "exit 5"], tty=True) as g:
        check(g.wait() == 5, f"status {g.status()}", g.words())


def test_con1_pts():
    """A second console on a pseudo-terminal of the host, named at the boot."""
    with shell("con1=pts") as g:
        found = re.search(rb"con1 is on (/dev/pts/\d+)", g.seen)
        check(found, "the pseudo-terminal is not named", g.words())
        path = found.group(1)
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        try:
            g.send(b"(read x; echo got-$x) < /dev/tty1 > /dev/tty1 &\r")
            g.expect(PROMPT)
            os.write(fd, b"word\n")
            seen, end = b"", time.monotonic() + 5
            os.set_blocking(fd, False)
            while b"got-word" not in seen and time.monotonic() < end:
                try:
                    seen += os.read(fd, 1000)
                except BlockingIOError:
                    time.sleep(0.05)
            check(b"got-word" in seen, f"the other end saw {seen!r}")
        finally:
            os.close(fd)


def test_background_job_leaves_the_terminal_alone(tmp):
    """In the background with its own input and output, under a terminal."""
    out = os.path.join(tmp, "out")
    script = ('"$0" -- sh -c "sleep 1; echo hello" </dev/null >"$1" 2>&1 &'
              "sleep 0.7; stty -a | grep -o '.icanon'; wait $!; echo status $?")
    with Guest("-mc", script, LINUX, out, tty=True, linux="bash") as g:
        g.expect(rb" icanon")
        g.expect(rb"status 0\r\n")
        with open(out, "rb") as f:
            check(f.read().endswith(b"hello\n"), "no output of the guest")


