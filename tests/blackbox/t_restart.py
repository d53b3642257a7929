# SPDX-License-Identifier: GPL-2.0
"""restart: a reboot starts the guest again, in the same process of the host. Each
boot counts the files in a directory of the host and adds one.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from disk import ext4, tool
from t_confined import NOBODY, copy, need
from t_mconsole import mconsole
from t_net import SECONDS, compiled, passing
from uml import Failed, Guest, check, ended, process_table, run

COUNT = "mount -t hostfs boots /mnt && n=$(ls /mnt | wc -l) && touch /mnt/$n && echo boot $n;"


def count(tmp):
    """The option for a directory in which boots are counted, and the script's first line."""
    where = os.path.join(tmp, "boots")
    os.makedirs(where, exist_ok=True)
    return f"hostfs=boots:{where}", COUNT


def boots(tmp):
    return sorted(os.listdir(os.path.join(tmp, "boots")))


def guest(tmp, script, *options, **more):
    option, first = count(tmp)
    return Guest("restart", option, *options, cmd=["sh", "-c", first + script], **more)


def parent_and_kernel(g):
    table = process_table()
    children = [pid for pid, row in table.items() if row[0] == g.pid and row[2] not in "ZX"]
    check(len(children) == 1, f"the parent has {children}", g.words())
    return g.pid, children[0]


def test_again_and_again(tmp):
    """The command line is the same each time; the last boot's status is the status."""
    option, first = count(tmp)
    script = first + 'echo "$0 $1|$2"; [ $n -lt 5 ] && reboot -f; exit 7'
    r = run("restart", option, cmd=["sh", "-c", script, "zero", "a b", "%"])
    ended(r, 7)
    check(r.out == b"".join(b"boot %d\nzero a b|%%\n" % i for i in range(6)), "another order", r)


def test_other_ends(tmp):
    """Power-off and a status that reboot(2) is told are ends, and so are a panic and a bad option."""
    with guest(tmp, "poweroff -f; sleep 60") as g:
        check(g.wait() == 0, f"status {g.status()}", g.words())
    with guest(tmp, "exit 3") as g:
        check(g.wait() == 3, f"status {g.status()}", g.words())
    with guest(tmp, "echo c >/proc/sysrq-trigger; sleep 60") as g:
        check(g.wait() == 134, f"status {g.status()}", g.words())
    check(boots(tmp) == ["0", "1", "2"], f"boots: {boots(tmp)}")
    for options in (["ubd0=/nonexistent"], ["--nonsense"]):
        r = ended(run("restart", "quiet", *options), 1)
        check(r.err.count(b"\n") == 1, "more than a line", r)
    check(b"restart\n" in ended(run("restart", "--help"), 0).out, "no help")


def test_sysrq(tmp):
    """b is a reboot, at once."""
    with guest(tmp, "[ $n = 0 ] && echo b >/proc/sysrq-trigger && sleep 60; exit 5") as g:
        check(g.wait() == 5 and boots(tmp) == ["0", "1"], f"{g.status()}, {boots(tmp)}", g.words())


def test_signals(tmp):
    """The parent hands the power button on: the command is asked, and the guest does not start again."""
    script = "trap 'echo told; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with guest(tmp, script) as g:
            g.until(rb"up\n")
            os.kill(g.pid, signo)
            check(g.wait(15) == 128 + signo, f"status {g.status()} of {signo}", g.words())
            check(b"told\n" in g.out(), "the command was not asked", g.words())
            check(not g.gone(3), "processes are left")
        with guest(tmp, script) as g:   # as Ctrl-C and timeout(1) do it
            g.until(rb"up\n")
            os.kill(g.pid, signo)
            os.killpg(g.pid, signo)
            check(g.wait(15) == 128 + signo, f"status {g.status()} of {signo}", g.words())
            check(b"told\n" in g.out(), "the command was not asked", g.words())
    check(len(boots(tmp)) == 6, f"boots: {boots(tmp)}")


test_signals.seconds = 90


def test_power_button_while_it_reboots(tmp):
    """An init that makes a reboot of it: it is an end all the same."""
    with guest(tmp, "ln -sf /bin/true /sbin/poweroff; echo up; sleep 3; reboot -f") as g:
        g.until(rb"up\n")
        os.kill(g.pid, signal.SIGTERM)
        check(g.wait(15) == 143 and boots(tmp) == ["0"], f"{g.status()}, {boots(tmp)}", g.words())


def test_killed(tmp):
    """Each end takes the other with it."""
    home = os.path.join(tmp, "home")
    os.mkdir(home)
    for who in (0, 1):
        with guest(tmp, "echo up; sleep 100", "umid=m", env={"HOME": home}) as g:
            g.until(rb"up\n")
            os.kill(parent_and_kernel(g)[who], signal.SIGKILL)
            check(g.wait(10) == 137, f"status {g.status()}", g.words())
            check(not g.gone(3), "processes are left")
        end = time.monotonic() + 3
        while os.path.exists(f"{home}/.uml/m") and time.monotonic() < end:
            time.sleep(0.02)
        check(not os.path.exists(f"{home}/.uml/m"), "files are left")
    check(boots(tmp) == ["0", "1"], f"boots: {boots(tmp)}")


def test_management_console(tmp):
    """Its reboot; a name that is the same guest's again, with the number of the new kernel process."""
    tool("uml_mconsole")
    seen = set()
    with guest(tmp, "echo up; read x", "umid=m", env={"HOME": tmp}) as g:
        for i in range(3):
            g.until(rb"boot %d\nup\n" % i)
            end = time.monotonic() + 10
            while not mconsole(tmp, "version").startswith(b"OK"):
                check(time.monotonic() < end, "no management console", g.words())
            with open(f"{tmp}/.uml/m/pid") as f:
                seen.add(int(f.read()))
            check(parent_and_kernel(g)[1] in seen, f"the pid is of another: {seen}")
            if i < 2:
                mconsole(tmp, "reboot")
        mconsole(tmp, "halt")
        check(g.wait(10) == 0 and len(seen) == 3, f"{g.status()} {seen}", g.words())
        check(not g.gone(3), "processes are left")


def test_terminal(tmp):
    """It is the second boot's as it was the first's, and restored at the end."""
    with Guest("restart", tty=True) as g:
        for last in (False, True):
            g.expect(rb"uml# ")
            g.send(b"echo $((6*7))mark\r")
            g.expect(rb"42mark\r\n")
            g.expect(rb"uml# ")
            g.send(b"poweroff -f\r" if last else b"reboot -f\r")
        check(g.wait(10) == 0, f"status {g.status()}", g.words())
        check(g.mode() == g.cooked, "the terminal is not as it was")


def test_disk(tmp):
    """It is locked for the next boot as for the first, and has what that wrote."""
    image = ext4(tmp, "disk")
    with guest(tmp, "mkdir /d; mount /dev/ubda /d; cat /d/word; echo word$n >/d/word; umount /d;"
               "[ $n -lt 4 ] && reboot -f; exit 2", f"ubd0={image}") as g:
        check(g.wait() == 2, f"status {g.status()}", g.words())
        check(b"word3\n" in g.out(), "nothing of it is on the disk", g.words())


class Peer:
    """
    The other end of a stream: it sends frames in pieces, so that the guest has
    part of one at any moment, and looks at each frame of the guest.
    """

    def __init__(self, sock):
        self.sock, self.error, self.frames, self.stopped = sock, None, 0, False
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.write, self.read)]
        for t in self.threads:
            t.start()

    def write(self):
        frame = b"\xff" * 6 + b"\x02\0\0\0\x09\x01" + b"\x88\xb5" + bytes(30000)
        data = struct.pack(">I", len(frame)) + frame
        with contextlib.suppress(OSError):
            while not self.stopped:
                for i in range(0, len(data), 7001):
                    self.sock.sendall(data[i:i + 7001])
                    time.sleep(0.0003)

    def exactly(self, n):
        got = b""
        while len(got) < n:
            piece = self.sock.recv(min(n - len(got), 5000))
            if not piece:
                raise EOFError
            got += piece
        return got

    def read(self):
        try:
            while True:
                n = struct.unpack(">I", self.exactly(4))[0]
                if not 14 <= n <= 65536 + 22:
                    raise Failed(f"after {self.frames} frames the guest sent one of {n} bytes")
                frame = self.exactly(n)
                if frame[12:14] not in (b"\x08\0", b"\x08\6", b"\x86\xdd"):
                    raise Failed(f"after {self.frames} frames: {frame[:20].hex()}")
                self.frames += 1
        except (EOFError, OSError):
            pass
        except Failed as e:
            self.error = e

    def stop(self):
        self.stopped = True
        self.sock.shutdown(socket.SHUT_RDWR)
        for t in self.threads:
            t.join()
        self.sock.close()
        if self.error:
            raise self.error


def test_stream(tmp):
    """A socket that was inherited is left at the end of a frame, both ways, amid traffic."""
    ours, theirs = socket.socketpair()
    script = ("ip link set vec0 up; ip a add 10.9.0.2/24 dev vec0;"
              "ip route add 224.0.0.0/4 dev vec0;"
              "mkdir /t; mount -t hostfs tools /t; /t/traffic flood 224.0.0.9 & "
              "s=/sys/class/net/vec0/statistics;"
              "until [ $(cat $s/rx_packets) -gt 60 -a $(cat $s/tx_packets) -gt 200 ]; do [ $(cat /sys/class/net/vec0/carrier) = 1 ] || exit 9; done;"
              "cat $s/rx_errors $s/rx_dropped; [ $n -lt 9 ] && reboot -f; exit 0")
    os.mkdir(f"{tmp}/tools")
    compiled(f"{tmp}/tools", "traffic")
    peer = Peer(ours)
    with passing(theirs) as fd, guest(tmp, script, f"vec0:transport=stream,fd={fd},mtu=61000",
                                      f"hostfs=tools:{tmp}/tools,ro", pass_fds=[fd]) as g:
        theirs.close()
        check(g.wait(SECONDS) == 0, f"status {g.status()}, {peer.frames} frames", g.words())
        check(len(boots(tmp)) == 10, f"boots: {boots(tmp)}", g.words())
        check(b"out of step" not in g.err() and b"carrier off" not in g.err(), "it is out of step", g.words())
    peer.stop()
    check(peer.frames > 2000, f"{peer.frames} frames came")


test_stream.seconds = 150


def test_stream_that_stands_still(tmp):
    """A peer that stops within a frame holds nothing up."""
    ours, theirs = socket.socketpair()
    ours.sendall(struct.pack(">I", 1000) + bytes(500))
    script = ("ip link set vec0 up; sleep 0.3; [ $n = 0 ] && reboot -f; exit 4")
    with passing(theirs) as fd, guest(tmp, script, f"vec0:transport=stream,fd={fd}", pass_fds=[fd]) as g:
        theirs.close()
        check(g.wait() == 4 and len(boots(tmp)) == 2, f"{g.status()}, {boots(tmp)}", g.words())
        check(b"left within a frame" in g.err(), "no word of it", g.words())
    ours.close()


def test_parent_is_closed(tmp):
    """Nobody of the same user looks into it: it has no filter."""
    wrap = need(*NOBODY)
    where = os.path.join(tmp, "boots")
    os.mkdir(where)
    os.chmod(where, 0o777)
    os.chmod(tmp, 0o755)
    with guest(tmp, "echo up; read x; reboot -f", wrap=wrap, linux=copy(tmp), cwd="/") as g:
        for i in range(2):
            g.until(rb"boot %d\nup\n" % i)
            linux = sorted(pid for pid in g.pids() if process_table()[pid][4] == "linux")
            kernel = next(pid for pid in linux if process_table()[pid][0] in linux)
            parent = process_table()[kernel][0]
            for pid, status in ((parent, 1), (kernel, 0)):
                done = subprocess.run([*wrap, "dd", f"if=/proc/{pid}/mem", "of=/dev/null", "count=0"],
                                      capture_output=True, timeout=10)
                check(bool(done.returncode) == bool(status), f"{pid} of {parent}, {kernel}: {done}")
            g.send(b"\n")
