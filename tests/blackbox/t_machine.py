# SPDX-License-Identifier: GPL-2.0
"""The small devices: power button, random numbers."""

import os
import signal
import time

from uml import Guest, check, ended, run, sh

TOLD = "trap 'echo told; exit 3' TERM; echo up; while :; do sleep 0.1; done"


def press(number):
    """init is asked, and ends its processes in good order."""
    with Guest(cmd=["sh", "-c", TOLD]) as g:
        g.until(rb"up\n")
        os.kill(g.kernel(), number)
        check(g.wait(20) == 128 + number, f"status {g.status()}", g.words())
        check(b"told\n" in g.out(), "the command was not asked to end", g.words())
        check(not g.gone(3), "processes are left")


def test_power_button_sigterm():
    press(signal.SIGTERM)


def test_power_button_sigint():
    press(signal.SIGINT)


def test_power_button_sighup():
    press(signal.SIGHUP)


def test_second_signal_ends_at_once():
    """Process 1 is a shell that does not know how to power off."""
    with Guest("rdinit=/bin/sh") as g:
        g.send(b"mount -t proc p /proc; echo up\n")
        g.until(rb"up\n")
        os.kill(g.kernel(), signal.SIGTERM)
        time.sleep(1)
        check(g.proc.poll() is None, "it ended without its init", g.words())
        os.kill(g.kernel(), signal.SIGTERM)
        check(g.wait(5) == 143, f"status {g.status()}", g.words())


def test_no_poweroff_program():
    """The kernel itself ends the guest."""
    with Guest(cmd=["sh", "-c", "rm /sbin/poweroff; echo up; read x"]) as g:
        g.until(rb"up\n")
        os.kill(g.kernel(), signal.SIGTERM)
        check(g.wait(15) == 143, f"status {g.status()}", g.words())


def test_random_is_ready():
    """The generator has its seed before the first program starts."""
    r = ended(run(cmd=["sh", "-c", "head -c 16 /dev/random | od -An -tx1"]), 0)
    s = ended(run(cmd=["sh", "-c", "head -c 16 /dev/random | od -An -tx1"]), 0)
    check(len(r.out.split()) == 16 and r.out != s.out, f"{r.out} {s.out}")
