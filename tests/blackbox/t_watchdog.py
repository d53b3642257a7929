# SPDX-License-Identifier: GPL-2.0
"""/dev/watchdog: who serves it lives, who does not is ended, and time in which
the host let nobody run does not count.
"""

import os
import signal
import time

from t_mconsole import good, guest, note, notes
from t_module import MOUNT, build, disk_of
from uml import Guest, check, ended, sh

# A server in the background that has the device open by now; its pid in $W.
SERVE = ("serve() { watchdog -F -T $1 -t $2 /dev/watchdog & W=$!;"
         " until ls -l /proc/$W/fd 2>/dev/null | grep -q /dev/watchdog; do sleep 0.1; done; };")
SYSFS = "/sys/class/watchdog/watchdog0"


def bitten(result):
    ended(result, 142)
    check(b"did not serve its watchdog" in result.err.splitlines()[-1], "no clear line", result)
    check(b"lives" not in result.out, "it was ended too late", result)


def test_not_served():
    bitten(sh(SERVE + "serve 2 1000; sleep 12; echo lives"))


def test_server_is_killed():
    """It closes the device without a word."""
    bitten(sh(SERVE + "serve 2 1; kill -9 $W; sleep 12; echo lives"))


def test_kernel_hangs(tmp):
    """With interrupts disabled, while the server would like to run."""
    script = MOUNT + SERVE + "serve 3 1; echo armed; insmod /mnt/hang.ko; echo lives"
    r = sh(script, "ubd0r=" + disk_of(tmp, build(tmp)))
    bitten(r)
    check(r.out == b"armed\n", "it ended before", r)


test_kernel_hangs.seconds = 120


def test_served_and_closed():
    """It lives for longer than the timeout; an ordered close disarms it."""
    script = (SERVE + f"cd {SYSFS}; serve 6 1; cat identity timeout state; sleep 10; kill $W;"
              "wait $W; cat state; sleep 8; echo lives")
    r = ended(sh(script, seconds=70), 0)
    check(r.out.split(b"\n") == [b"host timer", b"6", b"active", b"inactive", b"lives", b""],
          f"{r.out}", r)


test_served_and_closed.seconds = 80


def test_the_owner_stops_it(tmp):
    """For longer than its watchdog allows."""
    script = SERVE + "serve 6 1; echo up; read x; echo lives"
    with guest(tmp, cmd=["sh", "-c", script]) as g:
        good(tmp, "stop")
        time.sleep(9)
        good(tmp, "go")
        g.send(b"\n")
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(b"lives\n" in g.out(), "it did not go on", g.words())


def test_the_host_stops_it():
    """Likewise; afterwards it is watched as before."""
    script = SERVE + "serve 6 1; echo up; read x; echo on; kill -9 $W; sleep 20; echo lives"
    with Guest(cmd=["sh", "-c", script]) as g:
        g.until(rb"up\n")
        os.kill(g.kernel(), signal.SIGSTOP)
        time.sleep(9)
        os.kill(g.kernel(), signal.SIGCONT)
        g.send(b"\n")
        g.until(rb"on\n")
        bitten(g.result())


test_the_host_stops_it.seconds = 50


def test_who_asked_is_told(tmp):
    sock, path = notes(tmp)
    script = SERVE + "echo up; read x; serve 1 1000; sleep 1000"
    with guest(tmp, f"mconsole=notify:{path}", cmd=["sh", "-c", script]) as g:
        check(note(sock)[0] == 0, "not told of its socket")
        g.send(b"\n")
        kind, text = note(sock)
        check(kind == 2 and b"watchdog" in text, f"told {kind} {text}")
        check(g.wait() == 142, f"status {g.status()}", g.words())
