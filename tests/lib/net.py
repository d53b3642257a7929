# SPDX-License-Identifier: GPL-2.0
"""tests/lib/net.py - a network of the test's own, and peers of a guest.

private() moves this process into a network namespace of its own, where it may
make taps; who started it notices nothing. A guest that is started afterwards
is in there as well.

Relay carries frames between a descriptor that the guest has and a tap, as a
stream with lengths (what passt and QEMU speak) or one datagram each. So the
host's own network stack is the peer of each transport.
"""

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

from uml import Failed, Skipped

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
TUNSETIFF, TUNSETVNETHDRSZ = 0x400454ca, 0x400454d8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000
HOST, GUEST = "10.9.0.1", "10.9.0.2"
HOST6, GUEST6 = "fd09::1", "fd09::2"
MAC = "02:00:00:00:09:02"


def command(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, **more)


def ip(line, may_fail=False):
    """ip LINE; a test of something that this host lacks is skipped."""
    r = command("ip", *line.split())
    if r.returncode and not may_fail:
        raise Skipped(f"ip {line}: {r.stderr.strip()}")
    return r.returncode == 0


def answer(port, data, seconds=20):
    """
    What a server that is published on @port of the loopback says to @data.
    passt takes a connection before the guest does, and resets it when nobody
    listens there yet: that is tried again, as is a passt that is late.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                got = s.recv(100)
                if got:
                    return got
        except OSError:     # refused; or reset, whichever call finds out
            pass
        time.sleep(0.05)
    raise Failed(f"no answer from port {port}")


def private():
    """A network namespace of our own, with its loopback up."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | (CLONE_NEWUSER if uid else 0)
    if libc.unshare(flags):
        raise Skipped("no network namespace of one's own: "
                      + os.strerror(ctypes.get_errno()))
    if uid:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"),
                           ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    ip("link set lo up")


def resolv_conf(tmp, text):
    """After private(): what this process sees as /etc/resolv.conf, until it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise Skipped("no mount namespace of one's own: " + os.strerror(ctypes.get_errno()))
    with open(f"{tmp}/resolv.conf", "w") as f:
        f.write(text)
    for words in (("--make-rprivate", "/"), ("--bind", f"{tmp}/resolv.conf", "/etc/resolv.conf")):
        done = command("mount", *words)
        if done.returncode:
            raise Skipped(f"mount {words}: {done.stderr.strip()}")


class Resolver(threading.Thread):
    """A name server at @at, over UDP: every name has the address @says."""

    def __init__(self, at, says):
        super().__init__(daemon=True)
        self.says, self.asked_by = socket.inet_aton(says), []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((at, 53))
        self.start()

    def run(self):
        while True:
            query, who = self.sock.recvfrom(2000)
            self.asked_by.append(who[0])
            end = query.index(0, 12) + 5        # the name, its type and class
            a = query[end - 4:end - 2] == b"\0\1"
            record = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + self.says if a else b""
            self.sock.sendto(query[:2] + b"\x81\x80\0\1" + struct.pack(">H", a) + bytes(4)
                             + query[12:end] + record, who)


def tap(name="tap0", *addresses):
    """Make a tap that stays, with addresses, up."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise Skipped("/dev/net/tun cannot be had")
    ip(f"tuntap add {name} mode tap")
    for address in addresses:
        ip(f"address add {address} dev {name}"
           + (" nodad" if ":" in address else ""))
    ip(f"link set {name} up")
    return name


def tap_fd(name, vnet=False):
    """The other end of a tap, made if it is not there."""
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR)
    except OSError as e:
        raise Skipped(f"/dev/net/tun: {e.strerror}") from e
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if vnet else 0)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError as e:
        os.close(fd)
        raise Skipped(f"no tap: {e.strerror}") from e
    return fd


def static(device="vec0"):
    """The guest's address, and ours as its gateway."""
    return f"ip={GUEST}::{HOST}:255.255.255.0::{device}:off"


class Relay(threading.Thread):
    """Carry frames between a tap and a socket until stop().

    @stream: each frame behind its length; @piece: never write more at once
    """
    def __init__(self, sock, tap_name, stream=True, piece=1 << 20):
        super().__init__(daemon=True)
        self.sock, self.stream, self.piece = sock, stream, piece
        self.tap = tap_fd(tap_name)
        self.rest = b""
        self.error = None
        self.quit_r, self.quit_w = os.pipe()
        self.start()

    def outward(self, frame):
        """A frame of the guest, as it goes to the tap; None: it does not."""
        return frame

    def inward(self, frame):
        return frame

    def put(self, frame):
        frame = self.outward(frame)
        if frame:
            os.write(self.tap, frame)

    def from_guest(self):
        data = self.sock.recv(1 << 18)
        if not data:
            return False
        if not self.stream:
            self.put(data)
            return True
        self.rest += data
        while len(self.rest) >= 4:
            n = struct.unpack(">I", self.rest[:4])[0]
            if not 14 <= n <= 65536 + 22:
                raise Failed(f"the guest sent a frame of {n} bytes")
            if len(self.rest) < 4 + n:
                break
            self.put(self.rest[4:4 + n])
            self.rest = self.rest[4 + n:]
        return True

    def to_guest(self):
        frame = self.inward(os.read(self.tap, 1 << 17))
        if not self.stream:
            self.sock.send(frame)
            return
        data = struct.pack(">I", len(frame)) + frame
        for i in range(0, len(data), self.piece):
            self.sock.sendall(data[i:i + self.piece])

    def run(self):
        try:
            while True:
                ready = select.select([self.sock, self.tap, self.quit_r], [], [])[0]
                if self.quit_r in ready:
                    return
                if self.tap in ready:
                    self.to_guest()
                if self.sock in ready and not self.from_guest():
                    return
        except OSError:
            pass        # the guest has ended
        except Failed as e:
            self.error = e

    def stop(self):
        os.write(self.quit_w, b"x")
        self.join()
        for fd in (self.tap, self.quit_r, self.quit_w):
            os.close(fd)
        if self.error:
            raise self.error


class Tagging(Relay):
    """The guest's side has a VLAN tag, the tap has none."""

    def __init__(self, *args, tag, **more):
        self.head, self.tagged = struct.pack(">HH", 0x8100, tag), 0
        super().__init__(*args, **more)

    def outward(self, frame):
        if frame[12:16] != self.head:
            return None
        self.tagged += 1
        return frame[:12] + frame[16:]

    def inward(self, frame):
        return frame[:12] + self.head + frame[12:]


class Server(threading.Thread):
    """TCP on HOST: port 1001 gives @data, port 1002 takes what comes, and
    says so by a byte when that is as long.

    What came is in .got, one entry a connection.
    """
    def __init__(self, data, address=HOST):
        super().__init__(daemon=True)
        self.data, self.got = data, []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socks = []
        for port in (1001, 1002):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
            s.listen()
            self.socks.append(s)
        self.start()

    def wait(self, connections, seconds=60):
        """Until so many connections to port 1002 have ended."""
        end = time.monotonic() + seconds
        while len(self.got) < connections and time.monotonic() < end:
            time.sleep(0.02)

    def run(self):
        try:
            while True:
                for s in select.select(self.socks, [], [])[0]:
                    c = s.accept()[0]
                    with c:
                        if s is self.socks[0]:
                            c.sendall(self.data)
                            c.shutdown(socket.SHUT_WR)
                            while c.recv(4096):
                                pass
                            continue
                        got = b""
                        while chunk := c.recv(1 << 20):
                            got += chunk
                            if len(got) == len(self.data):
                                c.sendall(b".")
                        self.got.append(got)
        except OSError:
            pass
