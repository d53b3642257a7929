# SPDX-License-Identifier: GPL-2.0
"""The process at the door, attacked by a kernel process that was taken over.

The test is that kernel process: it starts linux --doorman, has the other end of
its socket, and says to it what it likes, while the owner's requests come by the
socket of the management console. What the doorman opens is seen by what it is.
"""

import array
import contextlib
import errno
import os
import random
import socket
import stat
import struct
import subprocess
import sys

import net
from uml import LINUX, Failed, Skipped, check

(READY, UNFILTERED, REQUEST, RESULT, REPLY, OPEN, LISTEN, PORT, PTMX, NOTIFY, TAP,
 CONNECT) = range(12)
RDONLY, RDWR, APPEND = 0, 2, 0o2101
HEAD = struct.Struct("=IIiII")


class Door:
    def __init__(self, tmp):
        self.dir = os.path.join(tmp, "guest")
        os.mkdir(self.dir, 0o700)
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.proc = subprocess.Popen([LINUX, "--doorman", self.dir, ""], stdin=theirs, cwd=tmp)
        theirs.close()
        self.sock.settimeout(20)
        kind, _, value, _, _ = self.receive()
        if kind == UNFILTERED:      # where the host refuses its filter
            kind, _, value, _, _ = self.receive()
        check((kind, value) == (READY, 0), f"it begins with {kind}, {value}")
        self.owner = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.owner.bind("")
        self.owner.settimeout(20)
        self.owner.connect(os.path.join(self.dir, "mconsole"))

    def receive(self):
        """(type, request, value, text, descriptor or None)"""
        data, control, _, _ = self.sock.recvmsg(4096, 1024)
        kind, request, value, _, _ = HEAD.unpack(data[:HEAD.size])
        fds = array.array("i")
        for _, what, rights in control:
            if what == socket.SCM_RIGHTS:
                fds.frombytes(rights)
        check(len(fds) <= 1, "more than one descriptor came")
        return kind, request, value, data[HEAD.size:], fds[0] if fds else None

    def request(self, text):
        """The owner says this; its number."""
        text = os.fsencode(text)
        self.owner.send(struct.pack("<III", 0xcafebabe, 2, len(text)) + text)
        kind, request, _, got, _ = self.receive()
        check((kind, got) == (REQUEST, text), f"{kind} {got!r} came for {text!r}")
        return request

    def send(self, kind, request, value, text=b"", length=None, fds=(), more=0):
        text = os.fsencode(text)
        data = HEAD.pack(kind, request, value, more, len(text) if length is None else length) + text
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.sock.sendmsg([data], control)

    def ask(self, kind, request, value, text):
        """0 or an errno, and the descriptor."""
        self.send(kind, request, value, text)
        got, number, value, _, fd = self.receive()
        check((got, number) == (RESULT, request), f"{got} for {number} came as an answer")
        check((fd is None) == (value != 0), f"{value} with descriptor {fd}")
        return -value, fd

    def opens(self, kind, request, value, text):
        err, fd = self.ask(kind, request, value, text)
        check(not err, f"{kind} {value:o} {text} is refused: {err}")
        with os.fdopen(fd, "rb", buffering=0, closefd=True) as f:
            return os.fstat(f.fileno())

    def refuses(self, kind, request, value, text):
        err, fd = self.ask(kind, request, value, text)
        if fd is not None:
            os.close(fd)
        check(err in (errno.EPERM, errno.EACCES), f"{kind} {value:o} {text} gave {err}, {fd}")

    def descriptors(self):
        return sorted(os.listdir(f"/proc/{self.proc.pid}/fd"))


@contextlib.contextmanager
def door(tmp):
    d = Door(tmp)
    try:
        yield d
        d.sock.close()
        check(d.proc.wait(20) == 0, f"it ended with {d.proc.returncode}")
    finally:
        d.proc.kill()
        d.proc.wait()


def files(tmp, *names):
    for name in names:
        with open(os.path.join(tmp, name), "w") as f:
            f.write(name)
    return [os.path.join(tmp, name) for name in names]


def refuses_all(d, request, *names):
    """Whatever it is asked to do with them."""
    for name in names:
        for value in (RDONLY, RDWR, APPEND, 0o102, -1):
            d.refuses(OPEN, request, value, name)
        for kind in (LISTEN, PORT, PTMX, TAP, CONNECT):
            d.refuses(kind, request, 0, name)


def test_only_what_the_owner_names(tmp):
    disk, back, serial, other = files(tmp, "disk", "back", "serial", "other")
    with door(tmp) as d:
        refuses_all(d, 0, disk)                 # no request at all
        n = d.request(f"config ubd1={disk},{back},serial")
        check(d.opens(OPEN, n, RDWR, disk).st_ino == os.stat(disk).st_ino, "another file")
        check(d.opens(OPEN, n, RDONLY, back).st_ino == os.stat(back).st_ino, "another file")
        for value in (RDWR, APPEND, 0o102, -1):
            d.refuses(OPEN, n, value, back)
        for value in (APPEND, 0o102, 0o1000, -1):
            d.refuses(OPEN, n, value, disk)
        for kind in (LISTEN, PORT, PTMX):
            d.refuses(kind, n, 0, disk)
        refuses_all(d, n, other, serial, "serial", "ubd1", "1", "", "/", tmp, "/etc/passwd", disk[:-1],
                    disk[1:], disk + "/", disk + "/../other", f"{disk},{back}", f"{back},serial")
        refuses_all(d, n + 1, disk)             # a request that is not there yet
        d.send(REPLY, n, 0)                     # and one that has been answered
        refuses_all(d, n, disk, back)


def test_only_as_what_the_owner_names_it(tmp):
    disk, log, words = files(tmp, "disk", "log", "words")
    with door(tmp) as d:
        n = d.request(f"config ubd1r={disk}")
        d.opens(OPEN, n, RDONLY, disk)
        d.refuses(OPEN, n, RDWR, disk)
        n = d.request(f"config con1=file:{words},file:{log}")
        d.opens(OPEN, n, RDONLY, words)
        d.opens(OPEN, n, APPEND, log)
        for value, name in ((RDWR, words), (APPEND, words), (RDONLY, log), (RDWR, log)):
            d.refuses(OPEN, n, value, name)
        refuses_all(d, n, "file", "con1", "pts")
        d.refuses(LISTEN, n, 0, log)
        n = d.request("config con1=port:4000,null")
        refuses_all(d, n, "port", "null", "400", "04000")
        d.refuses(OPEN, n, RDWR, "4000")
        n = d.request(f"config ssl1=socket:{tmp}/sock")
        check(stat.S_ISSOCK(d.opens(LISTEN, n, 0, f"{tmp}/sock").st_mode), "no socket")
        d.refuses(OPEN, n, RDWR, f"{tmp}/sock")
        n = d.request("config con1=pts")
        check(stat.S_ISCHR(d.opens(PTMX, n, 0, "pts").st_mode), "no terminal")
        d.refuses(OPEN, n, RDWR, "pts")
        for text in (f"log {disk}", f"remove ubd1={disk}", f"config vec1=transport=fd,path={disk}",
                     f"config nothing={disk}", f"xconfig ubd1={disk}"):
            refuses_all(d, d.request(text), disk)


def test_only_networks_that_the_owner_names(tmp):
    net.private()
    for name in ("tap0", "tap1"):
        net.tap(name)
    disk, = files(tmp, "disk")
    path, other = f"{tmp}/p.sock", f"{tmp}/other.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as more, door(tmp) as d:
        for sock, where in ((listener, path), (more, other)):
            sock.bind(where)
            sock.listen()
        more.settimeout(0)
        tun = os.stat("/dev/net/tun").st_rdev
        for text in ("vec1:transport=tap,ifname=tap0,mtu=9000", "vec1=ifname=tap1,transport=fd,transport=tap,ifname=tap0",
                     "eth1=tuntap,tap0", "eth1=tuntap,tap0,02:00:00:00:00:01"):
            n = d.request(f"config {text}")
            for _ in range(2):      # it is the one end of it, which the test has closed by the second time
                check(d.opens(TAP, n, 0, "tap0").st_rdev == tun, "no tap")
            refuses_all(d, n, "tap1", "tap", "tap00", "tap0,", "lo", "/dev/net/tun", path, disk,
                        "tap0" + 12 * "x")
            for kind in (CONNECT, LISTEN, PORT, PTMX, OPEN):
                d.refuses(kind, n, 0, "tap0")
            d.send(REPLY, n, 0)
            refuses_all(d, n, "tap0")
        n = d.request(f"config vec1:transport=stream,path={other},path={path},mtu=65520")
        check(stat.S_ISSOCK(d.opens(CONNECT, n, 0, path).st_mode), "no socket")
        refuses_all(d, n, other, "tap0", path[:-1], path + ",", disk)
        for kind, value in ((LISTEN, 0), (TAP, 0), (OPEN, RDWR), (OPEN, RDONLY)):
            d.refuses(kind, n, value, path)
        # Neither is what others call it, nor a name that the device cannot have.
        for text in (f"vec1:transport=stream,ifname=tap0,mtu={path}", f"eth1=tuntap,tap1,tap0,{path}",
                     f"eth1=transport=tap,ifname=tap0,path={path}", f"vec1=tuntap,tap0,{path}",
                     f"ubd1=transport=stream,ifname=tap0,path={path}", f"vec1:transport=fd,ifname=tap0,path={path}",
                     f"vec1=xtransport=tap,ifname=tap0,xpath={path}"):
            n = d.request(f"config {text}")
            d.refuses(TAP, n, 0, "tap0")
            d.refuses(CONNECT, n, 0, path)
        n = d.request("config vec1:transport=tap,ifname=tap9")
        err, fd = d.ask(TAP, n, 0, "tap9")
        check((err, fd) == (errno.ENODEV, None), f"a tap that is not there gave {err}, {fd}")
        check(not net.ip("link show tap9", may_fail=True), "it has made a tap")
        try:
            more.accept()
            raise Failed("it has connected to another socket")
        except BlockingIOError:
            pass


def test_garbage(tmp):
    """It answers the owner after all of it, and keeps none of the descriptors."""
    disk, = files(tmp, "disk")
    rnd = random.Random(int(os.environ.get("SEED", "4")))
    with door(tmp) as d:
        n = d.request(f"config ubd1={disk}")
        before = d.descriptors()
        d.sock.settimeout(0)
        sent = 0

        def drain():
            with contextlib.suppress(BlockingIOError):
                while True:
                    fd = d.receive()[4]
                    if fd is not None:
                        os.close(fd)

        def put(data, fds=()):
            nonlocal sent
            control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            with contextlib.suppress(BlockingIOError):
                d.sock.sendmsg([data], control)
                sent += 1
            drain()

        for i in range(3000):
            kind = rnd.choice((REPLY, OPEN, LISTEN, PORT, PTMX, NOTIFY, TAP, CONNECT, rnd.getrandbits(32)))
            text = rnd.randbytes(rnd.choice((0, 1, 511, 512, 513, 5000)))
            length = rnd.choice((len(text), 512, 513, 0x7fffffff, 0xffffffff))
            put(HEAD.pack(kind, rnd.choice((0, n + 1, 0xffffffff)), rnd.randrange(-1 << 31, 1 << 31),
                          rnd.getrandbits(32), length) + text)
            put(rnd.randbytes(rnd.randrange(1, 3000)), [1] * rnd.choice((0, 1, 2, 3, 100)))
        check(sent > 100, f"only {sent} were sent")
        d.sock.settimeout(20)
        marker = HEAD.pack(OPEN, 12345, 0, 0, 4) + b"mark"
        d.sock.sendall(marker)
        while True:
            kind, number, _, _, fd = d.receive()
            if fd is not None:
                os.close(fd)
            if number == 12345:
                break
        check(d.descriptors() == before, f"descriptors: {before}, then {d.descriptors()}")
        n = d.request(f"config ubd1={disk}")
        d.opens(OPEN, n, RDWR, disk)
        d.send(REPLY, n, 0, b"fine")
        check(d.owner.recv(4096)[12:].startswith(b"fine"), "the owner gets no answer")


def test_its_end_is_its_kernels(tmp):
    """A kernel process that hands the doorman its own end does not keep it, and its files, alive."""
    with door(tmp) as d:
        with contextlib.suppress(BlockingIOError):
            for count in (1, 2, 3, 50):
                d.send(NOTIFY, 0, 0, fds=[d.sock.fileno()] * count)


def test_no_longer_than_it_may_take(tmp):
    """A request that is never answered, and one whose answer never ends."""
    disk, = files(tmp, "disk")
    with door(tmp) as d:
        n = d.request(f"config ubd1={disk}")
        d.opens(OPEN, n, RDWR, disk)
        d.send(REPLY, n, 0, b"a part", more=1)
        check(d.owner.recv(4096)[4:] == struct.pack("<II", 1, 7) + b"a part\0", "another answer")
        refuses_all(d, n, disk)
        d.send(REPLY, n, 0, b"the rest")
        check(d.owner.recv(4096)[4:8] == bytes(4), "another answer")
        n = d.request(f"config ubd1={disk}")
        d.opens(OPEN, n, RDWR, disk)
        d.owner.settimeout(40)
        failed, more, _ = struct.unpack_from("<III", d.owner.recv(4096))
        check((failed, more) == (1, 0), f"the owner gets {failed}, {more}")
        refuses_all(d, n, disk)
        n = d.request(f"config ubd1={disk}")
        d.opens(OPEN, n, RDWR, disk)


test_no_longer_than_it_may_take.seconds = 90

# Process 1 of a namespace of its own, where numbers can be chosen: the doorman's
# parent ends, but not its socket, and another process gets the parent's number.
REUSE = r"""
import os, socket, struct, subprocess, sys, time
linux, where = sys.argv[1:]
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
parent = os.fork()
if not parent:
    subprocess.Popen([linux, "--doorman", where, ""], stdin=theirs)
    ours.recv(4096)
    os._exit(0)
os.waitpid(parent, 0)
try:
    with open("/proc/sys/kernel/ns_last_pid", "w") as f:
        f.write(str(parent - 1))
except OSError as e:
    sys.exit(f"skip: ns_last_pid: {e.strerror}")
other = os.fork()
if not other:
    time.sleep(100)
    os._exit(0)
if other != parent:
    sys.exit("skip: the number is not free")
owner = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
owner.sendto(struct.pack("<III", 0xcafebabe, 2, 4) + b"halt", where + "/mconsole")
end = time.monotonic() + 6
while time.monotonic() < end:
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid:
        print("killed" if pid == other else f"doorman: {status}")
    time.sleep(0.1)
"""


def test_number_of_another_process(tmp):
    """After a halt it kills its parent, and nobody who has the parent's number since."""
    where = os.path.join(tmp, "guest")
    os.mkdir(where, 0o700)
    wrap = ["unshare", "-rpf", "--kill-child", "--mount-proc"]
    if subprocess.run([*wrap, "true"], capture_output=True, timeout=10).returncode:
        raise Skipped("no process namespace here")
    done = subprocess.run([*wrap, sys.executable, "-c", REUSE, LINUX, where],
                          capture_output=True, timeout=25)
    if done.stderr.startswith(b"skip: "):
        raise Skipped(done.stderr.decode()[6:].strip())
    check(done.stdout == b"doorman: 0\n", f"{done.stdout} {done.stderr[-300:]}")
