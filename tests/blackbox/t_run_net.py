# SPDX-License-Identifier: GPL-2.0
"""uml run --network: none by default, and through passt, with a published port.

Each test that needs a network makes one of its own, which this process, the
launcher and passt are in.
"""

import os
import socket
import subprocess

import net
from disk import tool
from launcher import command, ended, read_until, run, sh
from uml import check


def test_none():
    done = ended(sh("ls /sys/class/net"), 0)
    check(b"lo" in done.stdout and b"vec" not in done.stdout, f"{done.stdout!r}")


def test_user():
    tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    script = "ip address show vec0; head -1 /etc/resolv.conf; echo served | nc -l -p 80; echo end"
    p = subprocess.Popen(command("sh", "-c", script, options=[
        "--network", "user", "--publish", "8080:80", "--user", "root"]), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        seen = read_until(p.stdout, b"192.0.2.9/24")
        got = net.answer(8080, b"from outside\n")
        seen += read_until(p.stdout, b"end\n")
        check(got == b"served\n", f"through the port came {got!r}")
        check(b"from outside\n" in seen, f"the guest got {seen!r}")
        check(p.wait(20) == 0, f"status {p.returncode}")
    finally:
        p.kill()
        p.communicate()


test_user.seconds = 60


def test_no_passt(tmp):
    """A line that names the package."""
    done = subprocess.run(command("true", options=["--network", "user"]), capture_output=True,
                          env={"PATH": tmp}, timeout=20)
    check(done.returncode == 125 and b"install the package passt" in done.stderr, f"{done}")


def test_passt_that_fails(tmp):
    """No guest without the network that was asked for, and a line says so."""
    with open(f"{tmp}/passt", "w") as f:
        f.write("#!/bin/sh\nexit 1\n")
    os.chmod(f"{tmp}/passt", 0o755)
    env = dict(os.environ, PATH=f"{tmp}:{os.environ['PATH']}")
    done = run("echo", "ran", options=["--network", "user"], env=env, seconds=28)
    check(done.returncode == 125 and b"passt has ended" in done.stderr, f"{done}")


def test_descriptor():
    """--network fd=N: one end of a socket pair; frames of the guest come out of the other."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    p = subprocess.Popen(command("sh", "-c", "ip link set vec0 up; sleep 1000", options=[
        "--network", f"fd={theirs.fileno()}", "--user", "root"]), pass_fds=[theirs.fileno()],
        start_new_session=True, stdin=subprocess.DEVNULL)
    theirs.close()
    try:
        ours.settimeout(20)
        frame = ours.recv(70000)
        check(len(frame) > 14, f"{frame!r}")
    finally:
        p.kill()
        p.wait()
        ours.close()


def test_tap_that_is_not_there():
    done = run("true", options=["--network", "tap=nosuchtap"])
    check(done.returncode == 125 and b"nosuchtap" in done.stderr, f"{done}")
