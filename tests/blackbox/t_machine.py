# SPDX-License-Identifier: GPL-2.0
"""The small devices: power button, random numbers, real-time clock."""

import calendar
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


def test_twice_at_the_same_moment():
    """One wish, as timeout(1) tells it to its child and then to its group."""
    script = "trap 'sleep 1; echo told; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    with Guest(cmd=["sh", "-c", script]) as g:
        g.until(rb"up\n")
        for _ in range(2):
            os.kill(g.kernel(), signal.SIGTERM)
            time.sleep(0.02)
        check(g.wait(15) == 143, f"status {g.status()}", g.words())
        check(b"told\n" in g.out(), "the command had no time", g.words())


def test_no_poweroff_program():
    """The kernel itself ends the guest."""
    with Guest(cmd=["sh", "-c", "rm /sbin/poweroff; echo up; read x"]) as g:
        g.until(rb"up\n")
        os.kill(g.kernel(), signal.SIGTERM)
        check(g.wait(15) == 143, f"status {g.status()}", g.words())


def test_random_is_ready():
    """The generator has its seed before the first program starts; two boots have two."""
    script = "dmesg; echo @; head -c 16 /dev/random | od -An -tx1"
    r = ended(sh(script, "random.trust_cpu=0"), 0)
    log, _, numbers = r.out.partition(b"@\n")
    seeded, init = log.find(b"random: crng init done"), log.find(b"Run /init as init process")
    check(0 <= seeded < init, f"seeded at {seeded}, the first program at {init} of the log", r)
    s = ended(sh(script, "random.trust_cpu=0"), 0)
    check(len(numbers.split()) == 16 and numbers not in s.out, f"{numbers} {s.out[-60:]}")


def test_hwrng():
    """/dev/hwrng gives the host's random numbers: as many as asked for, no two the same."""
    script = ("cat /sys/class/misc/hw_random/rng_current; head -c 16 /dev/hwrng | od -An -tx1;"
              "dd if=/dev/hwrng bs=1000 count=30 iflag=fullblock 2>/dev/null | tee /n | wc -c;"
              "gzip -c /n | wc -c")
    r, s = (ended(sh(script), 0).out.splitlines() for _ in range(2))
    check(r[0] == b"uml" and len(r[1].split()) == 16, f"{r}")
    check(r[1] != s[1], f"twice the same: {r[1]}")
    check(int(r[2]) == 30000 and int(r[3]) > 30000, f"{r[2:]}: less, or no random bytes")


RTC = "/sys/class/rtc/rtc0"


def test_rtc_is_the_clock_of_the_host():
    before = int(time.time())
    r = ended(sh(f"cat {RTC}/name {RTC}/since_epoch; hwclock -u -r -f /dev/rtc0"), 0)
    lines = r.out.decode().splitlines()
    check("uml-rtc" in lines[0], f"{lines}", r)
    check(before <= int(lines[1]) <= time.time(), f"{lines[1]} is not the time", r)
    told = calendar.timegm(time.strptime(" ".join(lines[2].split()[:5]), "%a %b %d %H:%M:%S %Y"))
    check(before <= told <= time.time(), f"{lines[2]} is not the time", r)


def test_rtc_is_set_for_the_guest_only():
    script = ("date -u -s '2001-02-03 04:05:06' >/dev/null && hwclock -u -w &&"
              f"cat {RTC}/since_epoch")
    before = int(time.time())
    r = ended(sh(script), 0)
    check(0 <= int(r.out) - 981173106 < 60, f"set to {r.out}", r)
    check(0 <= int(time.time()) - before < 600, "the host's clock was set")
    r = ended(sh(f"cat {RTC}/since_epoch"), 0)
    check(before <= int(r.out) <= time.time(), f"the next guest has {r.out}", r)


def test_rtc_alarm():
    """It comes when it should; so does one that a new time has brought near."""
    script = (f"cd {RTC}; late() {{ echo $(($(cat since_epoch) >= $1)); }};"
              "exec 3< /dev/rtc0; at=$(($(cat since_epoch) + 2)); echo $at > wakealarm;"
              "dd bs=8 count=1 <&3 2>/dev/null | wc -c; late $at; exec 3<&-;"
              "at=$(($(cat since_epoch) + 100000)); echo $at > wakealarm; sleep 1;"
              "[ \"$(cat wakealarm)\" = $at ] && echo waits;"
              "date -u -s @$((at - 2)) >/dev/null; hwclock -u -w;"
              "while [ -n \"$(cat wakealarm)\" ]; do sleep 0.1; done; late $at")
    r = ended(sh(script), 0)
    check(r.out == b"8\n1\nwaits\n1\n", f"{r.out}", r)
