# SPDX-License-Identifier: GPL-2.0
"""uml run and the passt that it starts: as whom it works, and who outlives whom.
Each test makes a network of its own, as those of t_run_net.py.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time

import net
from disk import tool
from launcher import LIMIT, UML, read_until
from t_confined import NOBODY, need
from uml import LINUX, check, process_table, tail


def network():
    tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")


def started(words, **more):
    """uml run with --network user, and the pids of it, its kernel and its passt."""
    p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, start_new_session=True, **more)
    try:
        seen = read_until(p.stdout, b"@\n")
        check(b"192.0.2.9/24" in seen, f"no network: {seen!r}")
        children = {row[4]: pid for pid, row in process_table().items() if row[0] == p.pid}
        passt = [pid for name, pid in children.items() if name.startswith("passt")]
        check(len(passt) == 1 and len(children) == 2, f"it has started {children}")
        return p, passt[0]
    except BaseException:
        p.kill()
        p.communicate()
        raise


def up(*more):
    script = "ip -4 address show vec0; echo @; read word; echo got $word; cat /sys/class/net/vec0/carrier"
    return [UML, "run", "--kernel", LINUX, "--root", "none", "--network", "user", *more, "--",
            "sh", "-c", script]


def runs(pid):
    table = process_table()
    return pid in table and table[pid][2] not in "ZX"


def test_passt_is_killed():
    """A note, and the command goes on; its network has no carrier any more."""
    network()
    p, passt = started(up())
    try:
        os.kill(passt, signal.SIGKILL)
        seen = read_until(p.stderr, b"\n")
        check(seen == b"uml: passt has ended; the guest has no network any more\n", f"{seen!r}")
        out, err = p.communicate(b"word\n", LIMIT)
        check(p.returncode == 0 and out == b"got word\n0\n", f"{p.returncode} {out!r} {err!r}")
        check(err == b"", f"and also said {err!r}")
    finally:
        p.kill()
        p.communicate()


def test_killed_launcher():
    """SIGKILL to uml: neither the guest nor passt is left."""
    network()
    p, passt = started(up())
    try:
        before = {pid for pid, row in process_table().items() if p.pid in (pid, row[0])}
        p.kill()
        p.wait()
        end = time.monotonic() + 5
        while [pid for pid in before if runs(pid)] and time.monotonic() < end:
            time.sleep(0.02)
        table = process_table()
        left = [table[pid] for pid in before if runs(pid)]
        check(not left, f"left: {left}", f"passt is {passt}")
    finally:
        p.kill()
        p.communicate()


def test_ended_command():
    """The end of the command is passt's end."""
    network()
    p, passt = started(up())
    try:
        out, err = p.communicate(b"word\n", LIMIT)
        check(p.returncode == 0 and out == b"got word\n1\n", f"{p.returncode} {out!r} {err!r}")
        check(not runs(passt), "passt is left")
    finally:
        p.kill()
        p.communicate()


def fetched(p, server):
    """The guest of small_buffer() has got all of it, and goes on."""
    word = hashlib.sha256(server.data).hexdigest().encode()
    seen = read_until(p.stdout, b"-\n")
    check(word in seen, f"it got {seen!r}")


def end(p):
    """strace, and what it traces, which lives on without it."""
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
    p.communicate()


def small_buffer(data):
    """
    uml run as on a host with a small net.core.wmem_max: the first setsockopt()
    has no effect. The guest fetches @data, and then waits for a word.
    """
    network()
    tool("strace")
    net.ip("address add 198.51.100.1/32 dev lo")
    server = net.Server(data, "198.51.100.1")
    # Debian 12's passt stops to send to a guest that has ended its own side.
    script = ("mkfifo /tmp/open; nc 198.51.100.1 1001 <>/tmp/open | sha256sum;"
              "read word; echo got $word")
    words = ["strace", "-qq", "-o", "/dev/null", "-e", "inject=setsockopt:retval=0:when=1",
             UML, "run", "--kernel", LINUX, "--root", "none", "--network", "user", "--",
             "sh", "-c", script]
    p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, start_new_session=True)
    return p, server


def test_small_socket_buffers():
    """
    A buffer of 208 KiB is three frames, and passt forgets what does not fit: a
    hundredth of the speed. So the two are connected by TCP then.
    """
    p, server = small_buffer(os.urandom(1 << 24))
    try:
        fetched(p, server)
        table = process_table()
        uml = next(pid for pid, row in table.items() if row[0] == p.pid and row[4] == "uml")
        passt = next(pid for pid, row in table.items() if row[0] == uml and row[4].startswith("passt"))
        with open(f"/proc/{passt}/net/tcp") as f:
            inodes = {line.split()[9] for line in f if line.split()[3] == "01"}
        cable = os.readlink(f"/proc/{passt}/fd/3")
        check(cable in {f"socket:[{i}]" for i in inodes}, f"passt has {cable}; TCP: {inodes}")
        out, err = p.communicate(b"word\n", LIMIT)
        check(p.returncode == 0 and out == b"got word\n" and err == b"", f"{p.returncode} {out!r} {err!r}")
        check(not runs(passt), "passt is left")
    finally:
        end(p)


def test_killed_passt_by_tcp():
    """A connection that is reset is the end of the network, not of the guest."""
    p, server = small_buffer(b"some")
    try:
        fetched(p, server)
        for pid, row in process_table().items():
            if row[4].startswith("passt") and process_table()[row[0]][0] == p.pid:
                os.kill(pid, signal.SIGKILL)
        seen = read_until(p.stderr, b"\n")
        check(seen == b"uml: passt has ended; the guest has no network any more\n", f"{seen!r}")
        out, err = p.communicate(b"word\n", LIMIT)
        check(p.returncode == 0 and out == b"got word\n" and err == b"", f"{p.returncode} {out!r} {err!r}")
    finally:
        end(p)


def test_as_nobody(tmp):
    """Without root, its capabilities, HOME and a runtime directory: bytes both ways."""
    network()
    for name, source in (("uml", UML), ("linux", LINUX)):
        shutil.copy(source, f"{tmp}/{name}")
        os.chmod(f"{tmp}/{name}", 0o755)
    wrap = need(*NOBODY)
    script = ("id -u; ip -4 address show vec0; head -1 /etc/resolv.conf; echo served | nc -l -p 8000;"
              "echo end; sleep 0.2")
    p = subprocess.Popen([*wrap, "env", "-i", "PATH=/usr/bin:/bin", f"{tmp}/uml", "run", "-q", "--root", "none",
                          "--network", "user", "--publish", "8081:8000", "--", "sh", "-c", script],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         start_new_session=True, cwd="/")
    try:
        seen = read_until(p.stdout, b"192.0.2.9/24")
        if os.getuid() == 0:
            check(seen.startswith(b"65534\n"), f"it runs as {seen[:20]!r}")
        check(net.answer(8081, b"from outside\n") == b"served\n", "no answer of the guest's")
        seen += read_until(p.stdout, b"end\n")
        check(b"from outside\n" in seen, f"the guest got {seen!r}")
        _, err = p.communicate(timeout=LIMIT)
        check(p.returncode == 0 and err == b"", f"status {p.returncode}: {tail(err)!r}")
    finally:
        p.kill()
        p.communicate()


for slow in (test_passt_is_killed, test_killed_launcher, test_ended_command, test_small_socket_buffers,
             test_killed_passt_by_tcp, test_as_nobody):
    slow.seconds = 60
del slow
