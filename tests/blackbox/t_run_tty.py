# SPDX-License-Identifier: GPL-2.0
"""uml run on a terminal: keys, size, and the terminal as it was afterwards."""

import os
import pty
import select
import signal
import struct
import subprocess
import time

from launcher import LIMIT, UML, command
from uml import INITRAMFS, LINUX, Failed, Guest, check

PROMPT = rb"[#$] "


def terminal(*words, options=(), **more):
    """The launcher with a pseudo-terminal, of which the test has the other end."""
    argv = command(*words, options=options) if words else command(options=options)[:-1]
    return Guest(*argv[1:], tty=True, linux=argv[0], **more)


def was_restored(g, how):
    end = time.monotonic() + 3
    while g.mode() != g.cooked and time.monotonic() < end:
        g.read_tty(0.02)
    check(g.mode() == g.cooked, f"the terminal is not as it was after {how}",
          f"{g.mode()}\n{g.cooked}")
    check(not g.gone(3), f"processes are left after {how}: {g.gone(0)}")


def ready(g):
    g.expect(PROMPT)
    check(g.is_raw(), "the terminal is not raw")


def test_shell():
    with terminal(env={"SHELL": "/bin/sh"}) as g:
        ready(g)
        g.send(b"tty; echo $((6*7))mark\r")
        g.expect(rb"/dev/pts/0\r\n42mark\r\n")
        g.send(b"exit 9\r")
        check(g.wait() == 9, f"status {g.status()}", g.words())
        was_restored(g, "exit")


def test_ctrl_c_and_job_control():
    with terminal() as g:
        ready(g)
        g.start_in_shell(b"sleep 100")
        g.send(b"\x03")
        g.expect(PROMPT)
        g.send(b"echo status $?\r")
        g.expect(rb"status 130\r\n")
        g.start_in_shell(b"sleep 100")
        g.send(b"\x1a")
        g.expect(rb"Stopped")
        g.expect(PROMPT)
        g.send(b"fg\r")
        g.expect(rb"fg\r\nsh -c [^\n]*\r\n")
        time.sleep(0.3)
        g.send(b"\x03")
        g.expect(PROMPT)
        g.send(b"exit 4\r")
        check(g.wait() == 4, f"status {g.status()}", g.words())
        was_restored(g, "job control")


def test_ctrl_c_ends_a_command():
    with terminal("sh", "-c", "echo up; sleep 100") as g:
        g.expect(rb"up\r\n")
        g.send(b"\x03")
        check(g.wait() == 130, f"status {g.status()}", g.words())
        was_restored(g, "Ctrl-C")


def test_size():
    script = "stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done"
    with terminal("sh", "-c", script, size=(33, 101)) as g:
        g.expect(rb"33 101\r\n")
        g.expect(rb"ready")
        g.set_size(7, 70)
        g.expect(rb"7 70\r\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())


def test_large_output():
    with terminal("seq", "30000") as g:
        check(g.wait() == 0, f"status {g.status()}")
        want = b"".join(b"%d\r\n" % i for i in range(1, 30001))
        check(want in g.seen, "output is lost or changed")


def end_by(number, status):
    with terminal("sh", "-c", "echo up; trap '' INT; sleep 100") as g:
        g.expect(rb"up\r\n")
        check(g.is_raw(), "not raw")
        os.kill(g.pid, number)
        got = g.wait()
        check(got == status, f"status {got}, not {status}", g.words())
        was_restored(g, number.name)


def test_restored_after_sigterm():
    end_by(signal.SIGTERM, 143)


def test_restored_after_sighup():
    end_by(signal.SIGHUP, 129)


def launcher_of(g):
    """The process of uml among those of @g: the first one."""
    for pid in sorted(g.pids()):
        try:
            if os.path.realpath(f"/proc/{pid}/exe") == os.path.realpath(UML):
                return pid
        except OSError:
            pass
    raise Failed("no launcher runs")


def under_a_shell(argv):
    """As it is used: a terminal whose session leader is killed hangs up."""
    words = " ".join(f"'{w}'" for w in argv)
    return Guest("-c", f"{words}; echo status $?; sleep 100", tty=True, linux="sh")


def is_cooked_again(g, how):
    end = time.monotonic() + 5
    while g.mode() != g.cooked and time.monotonic() < end:
        time.sleep(0.02)
    check(g.mode() == g.cooked, f"the terminal is not as it was after {how}")


def test_restored_after_sigkill():
    with under_a_shell(command("sh", "-c", "echo up; sleep 100")) as g:
        g.expect(rb"up\r\n")
        check(g.is_raw(), "not raw")
        os.kill(launcher_of(g), signal.SIGKILL)
        g.expect(rb"status 137\r?\n")
        is_cooked_again(g, "SIGKILL")


def console_end_by(number):
    """The terminal is the console of a kernel that --initrd boots."""
    argv = [UML, "run", "-q", "--kernel", LINUX, "--initrd", INITRAMFS]
    with under_a_shell(argv) as g:
        g.expect(rb"uml# ")
        check(g.is_raw(), "not raw")
        os.kill(launcher_of(g), number)
        g.expect(rb"status %d\r?\n" % (128 + number))
        is_cooked_again(g, number.name)


def test_console_restored_after_sigterm():
    console_end_by(signal.SIGTERM)


def test_console_restored_after_sighup():
    console_end_by(signal.SIGHUP)


def test_console_restored_after_sigint():
    console_end_by(signal.SIGINT)


def test_console_restored_after_sigkill():
    console_end_by(signal.SIGKILL)


def test_restored_after_the_kernel_is_killed():
    with terminal("sh", "-c", "echo up; sleep 100") as g:
        g.expect(rb"up\r\n")
        os.kill(g.kernel(), signal.SIGKILL)
        check(g.wait() == 137, f"status {g.status()}", g.words())
        was_restored(g, "the kernel's death")


def three_keys(g):
    """Again where the host was busy for longer than the second that they have."""
    end = time.monotonic() + LIMIT
    while g.proc.poll() is None and time.monotonic() < end:
        g.send(b"\x1d")
        g.read_tty(0.1)


def test_three_keys_end_it():
    with terminal("sh", "-c", "trap '' INT TERM HUP QUIT; echo up; while :; do sleep 1; done") as g:
        g.expect(rb"up\r\n")
        three_keys(g)
        check(g.wait() == 137, f"status {g.status()}", g.words())
        was_restored(g, "Ctrl-] three times")


def test_stopped_and_continued():
    with terminal("sh", "-c", "echo up; read x; echo got $x") as g:
        g.expect(rb"up\r\n")
        os.kill(g.pid, signal.SIGTSTP)
        end = time.monotonic() + 5
        while g.mode() != g.cooked and time.monotonic() < end:
            time.sleep(0.02)
        check(g.mode() == g.cooked, "the terminal is raw while it is stopped")
        os.kill(g.pid, signal.SIGCONT)
        while not g.is_raw() and time.monotonic() < end:
            time.sleep(0.02)
        check(g.is_raw(), "the terminal is not raw after it went on")
        g.send(b"word\r")
        g.expect(rb"got word\r\n")
        check(g.wait() == 0, f"status {g.status()}")


def wait_for(what, why):
    end = time.monotonic() + LIMIT
    while not what():
        check(time.monotonic() < end, why)
        time.sleep(0.02)


def slow_kernel(tmp):
    """A kernel that says that it is ready when the file go is there."""
    path = f"{tmp}/kernel"
    with open(path, "w") as f:
        f.write("#!/usr/bin/python3\nimport os, socket, time\n"
                f"s = socket.socket(fileno=3)\nos.mkdir('{tmp}/started')\n"
                f"while not os.path.exists('{tmp}/go'): time.sleep(0.02)\n"
                f"s.sendall({struct.pack('=IHBBII', 8, 0, 64, 0, 3, 0)!r})\ntime.sleep(60)\n")
    os.chmod(path, 0o755)
    return ["run", "--root", "none", "--kernel", path, "x"]


def test_keys_while_it_starts(tmp):
    """Until there is a command to get them they are ours: Ctrl-C ends it, and leaves nothing."""
    with Guest(*slow_kernel(tmp), tty=True, linux=UML) as g:
        wait_for(lambda: os.path.exists(f"{tmp}/started"), "no kernel was started")
        check(not g.is_raw(), "the terminal is raw before there is a command")
        os.kill(g.pid, signal.SIGCONT)      # as fg does
        g.expect(rb"starting the guest: [2-9]")
        check(not g.is_raw(), "the terminal is raw before there is a command")
        g.send(b"\x03")
        check(g.wait() == 130, f"status {g.status()}", g.words())
        check(g.seen.endswith(b"\r\033[K"), "the line of progress is left", g.words())
        was_restored(g, "Ctrl-C")


def test_raw_when_it_has_started(tmp):
    with Guest(*slow_kernel(tmp), tty=True, linux=UML) as g:
        wait_for(lambda: os.path.exists(f"{tmp}/started"), "no kernel was started")
        check(not g.is_raw(), "the terminal is raw before there is a command")
        os.mkdir(f"{tmp}/go")
        wait_for(g.is_raw, "the terminal is not raw")
        three_keys(g)
        check(g.wait() == 137, f"status {g.status()}", g.words())
        was_restored(g, "Ctrl-] three times")


def read_end(fd, text):
    """What our end @fd of a terminal gives until @text comes."""
    seen, end = b"", time.monotonic() + LIMIT
    while text not in seen:
        left = end - time.monotonic()
        check(left > 0 and select.select([fd], [], [], left)[0], f"{text!r} did not come: {seen!r}")
        seen += os.read(fd, 65536)
    return seen


def test_terminal_that_goes_away():
    """What writes there ends, also when it does not mind SIGHUP."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen(command("sh", "-c", "trap '' HUP; echo up; yes; sleep 0.1"), stdin=subprocess.DEVNULL,
                         stdout=theirs, stderr=subprocess.PIPE, start_new_session=True)
    os.close(theirs)
    try:
        check(os.read(ours, 2) == b"up", "the command does not run")
        os.close(ours)
        _, err = p.communicate(timeout=LIMIT)
        check(p.returncode == 125 and b"Input/output error" in err, f"{p.returncode} {err!r}")
    finally:
        p.kill()
        p.communicate()


def piped(redirection, script):
    words = " ".join(f"'{w}'" for w in command("sh", "-c", "SCRIPT"))
    line = words.replace("'SCRIPT'", '"$0"') + " " + redirection
    return Guest("-c", line, script, tty=True, linux="bash")


def test_output_to_a_pipe():
    """Standard input is a terminal, output is not: the terminal stays as it is."""
    with piped("| cat", "test -t 0 || echo pipe; test -t 1 || echo pipe; test -t 2 && echo tty") as g:
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(g.seen.count(b"pipe") == 2 and b"tty" in g.seen, g.words())


def test_input_from_a_pipe():
    """Output is a terminal of its own size, and its lines end as they should."""
    with piped("< /dev/null", "test -t 0 || echo in; test -t 1 && stty size <&1; echo out") as g:
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"in\r\n" in g.seen and b"24 80\r\nout\r\n" in g.seen, g.words())


def test_no_keys_no_terminal():
    """Where no keys come a program is told so when it wants to ask the user by /dev/tty."""
    with piped("< /dev/null", "(: < /dev/tty) 2>/dev/null && echo has || echo none") as g:
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"none\r\n" in g.seen, "there is one", g.words())


def test_size_without_keys():
    script = "trap 'stty size <&1; exit 0' WINCH; echo ready; while :; do sleep 0.1; done"
    with piped("< /dev/null", script) as g:
        g.expect(rb"ready")
        g.set_size(7, 70)
        g.expect(rb"7 70\r\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())


def test_background():
    """In the background it leaves the terminal alone."""
    words = " ".join(f"'{w}'" for w in command("sh", "-c", "sleep 1; echo hello"))
    script = f"{words} </dev/null & sleep 0.7; stty -a | grep -o '.icanon'; wait $!; echo status $?"
    with Guest("-mc", script, tty=True, linux="bash") as g:
        g.expect(rb" icanon")
        g.expect(rb"status 0\r\n")


def test_terminal_of_another_session():
    """One that does not control uml's session, as under setsid and su, has no background."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen(command("sh", "-c", "echo up; read x; echo got-$x"), stdin=theirs, stdout=theirs,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    os.close(theirs)
    try:
        seen = read_end(ours, b"up")
        os.write(ours, b"word\r")
        check(b"got-word" in seen + read_end(ours, b"got-word"), "keys do not reach the command")
        check(p.wait(LIMIT) == 0, f"status {p.returncode}")
    finally:
        p.kill()
        p.communicate()
        os.close(ours)


def test_background_brought_to_the_foreground():
    """A shell sends no SIGCONT to a job that runs: the keys are the command's all the same."""
    words = " ".join(f"'{w}'" for w in command("sh", "-c", "echo up; read x; echo got-$x"))
    with Guest("-mc", f"{words} & read y; echo shell-$y; fg >/dev/null; echo status $?", tty=True,
               linux="bash") as g:
        g.expect(rb"up\r+\n")
        check(not g.is_raw(), "the terminal is raw while it is in the background")
        g.send(b"one\r")
        g.expect(rb"shell-one\r\n")
        wait_for(g.is_raw, "the terminal is not raw in the foreground")
        g.send(b"two\r")
        g.expect(rb"got-two\r\n")
        g.expect(rb"status 0\r\n")
        check(g.mode() == g.cooked, "the terminal is not as it was")


def test_wrong_option_leaves_it_alone():
    with Guest("run", "--no-such-option", tty=True, linux=UML) as g:
        check(g.wait() == 125, f"status {g.status()}", g.words())
        was_restored(g, "a wrong option")
