# SPDX-License-Identifier: GPL-2.0
"""Network devices: options, taps, stream sockets, inherited descriptors; what
goes through them, and what a peer can do wrong.

Each test that needs a network makes one of its own, which this process and the
guest are in (tests/lib/net.py).
"""

import contextlib
import hashlib
import os
import random
import re
import socket
import struct
import subprocess
import time

import net
import uml
from disk import ext4, tool
from net import GUEST, GUEST6, HOST, HOST6, MAC, Relay, Server, static
from uml import Failed, Guest, Skipped, check, ended

HERE = os.path.dirname(os.path.abspath(__file__))
TAP = f"vec0:transport=tap,ifname=tap0,mac={MAC}"
SOL_PACKET, PACKET_VNET_HDR, ETH_P_ALL = 263, 15, 3
DATA = random.Random(4).randbytes(12 << 20)
SECONDS = 100       # that a guest may take, however busy the machine is


def sh(script, *options, **more):
    return uml.sh(script, *options, seconds=SECONDS, **more)


def host():
    """A tap with our addresses, in a network of our own."""
    net.private()
    net.tap("tap0", HOST + "/24", HOST6 + "/64")


@contextlib.contextmanager
def passing(sock):
    """The descriptor of a socket for the guest; closed here afterwards."""
    with sock:
        os.set_inheritable(sock.fileno(), True)
        yield sock.fileno()


def compiled(tmp, name):
    """A program of tests/blackbox/net, for the guest and for here."""
    out = os.path.join(tmp, name)
    r = net.command("gcc", "-O1", "-static", "-o", out, os.path.join(HERE, "net", name + ".c"))
    check(r.returncode == 0, f"{name}.c does not compile", r.stderr)
    return out


def tools(tmp):
    """A disk with those programs; IN makes them commands of the guest."""
    return "ubd0r=" + ext4(tmp, "tools", files={n: compiled(tmp, n)
                                                for n in ("ethtool", "traffic")})


IN = "mount /dev/ubda /mnt; PATH=$PATH:/mnt;"


def check_bounce(r, server, times=1):
    """What the guest took from the server, and gave it back, is what that had."""
    check(r.out.count(b"bounced %d\n" % len(server.data)) == times, "not all was bounced", r)
    server.wait(times)
    check([hashlib.sha256(d).digest() for d in server.got]
          == [hashlib.sha256(server.data).digest()] * times,
          f"what came back is not what went: {[len(d) for d in server.got]}", r)


# Taps

def test_tap(tmp):
    host()
    r = ended(sh(f"ip link show vec0; ping -c 3 {HOST}; ip route", TAP, static()), 0)
    check(b" 0% packet loss" in r.out, "no answer", r)
    check(MAC.encode() in r.out, "not the address that was given", r)
    check(f"default via {HOST} dev vec0".encode() in r.out, "ip= set no route", r)


def test_tap_old_spelling(tmp):
    host()
    r = ended(sh(f"ip link show eth0; ping -c 1 {HOST}",
                 f"eth0=tuntap,tap0,{MAC},{HOST}", static("eth0")), 0)
    check(b" 0% packet loss" in r.out and MAC.encode() in r.out, "no eth0", r)


def test_equals_sign_and_random_address(tmp):
    host()
    macs = set()
    for _ in range(2):
        r = ended(sh("cat /sys/class/net/vec3/address", "vec3=transport=tap,ifname=tap0"), 0)
        check(re.fullmatch(rb"[0-9a-f][26ae](:[0-9a-f]{2}){5}\n", r.out),
              "no local address of one device", r)
        macs.add(r.out)
    check(len(macs) == 2, "the random address is the same twice", r)


def test_tap_transfer(tmp):
    """Both ways, with what is left to the other side and without."""
    host()
    server = Server(DATA)
    off = ";".join(f"ethtool set vec0 {n} 0" for n in ("tso", "gso", "tx", "rx", "gro"))
    r = ended(sh(f"{IN} ethtool get vec0; traffic bounce {HOST}; {off}; ethtool get vec0;"
                 f"traffic bounce {HOST}", TAP, static(), tools(tmp)), 0)
    check_bounce(r, server, 2)
    before, after = (dict(re.findall(rb"(\w+) ([01])\n", text))
                     for text in r.out.split(b"bounced")[:2])
    check(before[b"rx"] == before[b"tx"] == before[b"tso"] == b"1", "a tap has no offloads", r)
    check(after[b"rx"] == after[b"tx"] == after[b"tso"] == b"0", "offloads stay on", r)


def test_ethtool(tmp):
    host()
    r = ended(sh(f"{IN} ethtool info vec0; ethtool link vec0; ping -c 2 {HOST} >/dev/null;"
                 "ethtool stats vec0; grep vec0 /proc/net/dev", TAP, static(), tools(tmp)), 0)
    check(b"uml-vec, tap tap0\n1\n" in r.out, "not its name and link", r)
    check(int(re.search(rb"rx_reads (\d+)", r.out)[1]) > 1, "nothing was read", r)
    check(int(re.search(rb"tx_writes (\d+)", r.out)[1]) > 1, "nothing was written", r)
    words = re.search(rb"vec0:(.*)", r.out)[1].split()
    check(int(words[1]) >= 2 and int(words[9]) >= 2, "no packets were counted", r)


def test_mtu(tmp):
    host()
    net.ip("link set tap0 mtu 9000")
    r = ended(sh(f"ip link set vec0 mtu 9000; ping -c 2 -s 8900 {HOST}; "
                 "ip link set vec0 mtu 65521 && ip link set vec0 mtu 65522 || echo refused;"
                 "ip link show vec0", TAP, static()), 0)
    check(b" 0% packet loss" in r.out, "a long frame was lost", r)
    check(b"refused" in r.out and b"mtu 65521" in r.out, "the limit of the MTU is another", r)
    r = ended(sh("cat /sys/class/net/vec0/mtu", TAP + ",mtu=4000"), 0)
    check(r.out == b"4000\n", "mtu= does nothing", r)


def test_ipv6_and_multicast(tmp):
    host()
    server = Server(DATA[:2 << 20], HOST6)
    r = ended(sh(f"{IN} echo 0 >/proc/sys/net/ipv6/conf/vec0/accept_dad; ip link set vec0 up;"
                 f"ip a add {GUEST6}/64 dev vec0; ping6 -c 2 {HOST6}; ping6 -c 1 -I vec0 ff02::1;"
                 f"traffic bounce {HOST6}; cat /proc/net/igmp6", TAP, tools(tmp)), 0)
    check(r.out.count(b" 0% packet loss") == 2, "no answer over IPv6", r)
    check_bounce(r, server)


def test_vlan(tmp):
    """The peer is a relay that takes tag 5 off and puts it on."""
    host()
    guest_end, our_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    relay = net.Tagging(our_end, "tap0", tag=5)
    Server(DATA[:1 << 20])
    with passing(guest_end) as fd:
        r = ended(sh("ip link set vec0 up; ip link add link vec0 name v5 type vlan id 5 && "
                     f"ip a add {GUEST}/24 dev v5 && ip link set v5 up; ping -c 2 {HOST}; "
                     f"nc {HOST} 1001 </dev/null | sha256sum", f"vec0:transport=stream,fd={fd}",
                     pass_fds=[fd]), 0)
    relay.stop()
    check(b" 0% packet loss" in r.out, "no answer through the VLAN", r)
    check(hashlib.sha256(DATA[:1 << 20]).hexdigest().encode() in r.out, "data was changed", r)
    check(relay.tagged > 2, "no frame had the tag", r)


def test_bridge():
    """Two taps of two host networks see each other through the guest."""
    host()
    net.tap("tap1")
    other = subprocess.Popen(["unshare", "-n", "sleep", "100"])
    ip = ("nsenter", "-t", str(other.pid), "-n", "ip")
    try:
        with Guest(TAP, "vec1:transport=tap,ifname=tap1", cmd=["sh", "-c",
                   "ip link add br0 type bridge && for d in vec0 vec1; do "
                   "ip link set $d master br0; ip link set $d up; done; "
                   "ip link set br0 up; echo ready; read x"]) as guest:
            guest.until(rb"ready", SECONDS)
            net.ip(f"link set tap1 netns {other.pid}")
            for line in (f"address add {GUEST}/24 dev tap1", "link set tap1 up"):
                r = net.command(*ip, *line.split())
                check(r.returncode == 0, f"ip {line}", r.stderr)
            r = net.command("busybox", "ping", "-c", "3", "-W", "5", GUEST)
            check(r.returncode == 0, "no answer through the bridge", r.stdout)
    finally:
        other.kill()
        other.wait()


# An address

def test_dhcp_of_the_kernel(tmp):
    host()
    with udhcpd(tmp):
        r = ended(sh(f"ip a show vec0; cat /proc/net/pnp; ping -c 1 {HOST}", TAP, "ip=dhcp"), 0)
    check(f"inet {GUEST}/24".encode() in r.out, "not the address of the server", r)
    check(b"nameserver 10.9.0.53" in r.out, "no name server", r)
    check(b" 0% packet loss" in r.out, "no answer", r)


def test_dhcp_of_busybox(tmp):
    host()
    with udhcpd(tmp):
        r = ended(sh("ip link set vec0 up; echo '#!/bin/sh\necho $1 $ip $router $dns' >/tmp/s;"
                     "chmod +x /tmp/s; udhcpc -i vec0 -n -q -s /tmp/s", TAP), 0)
    check(f"bound {GUEST} {HOST} 10.9.0.53".encode() in r.out, "no lease", r)


@contextlib.contextmanager
def udhcpd(tmp):
    conf, leases = os.path.join(tmp, "conf"), os.path.join(tmp, "leases")
    with open(leases, "w"):
        pass
    with open(conf, "w") as f:
        f.write(f"start {GUEST}\nend {GUEST}\ninterface tap0\nlease_file {leases}\n"
                f"pidfile {tmp}/pid\noption subnet 255.255.255.0\noption router {HOST}\n"
                "option dns 10.9.0.53\noption lease 600\n")
    p = subprocess.Popen(["busybox", "udhcpd", "-f", conf],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.2)
        check(p.poll() is None, "busybox udhcpd does not start")
        yield
    finally:
        p.kill()
        p.wait()


# Streams

def stream(piece=1 << 20):
    """(the guest's end, a relay to tap0)"""
    host()
    guest_end, our_end = socket.socketpair()
    return guest_end, Relay(our_end, "tap0", piece=piece)


def test_stream_fd(tmp):
    guest_end, relay = stream()
    server = Server(DATA)
    with passing(guest_end) as fd:
        r = ended(sh(f"{IN} ping -c 2 {HOST}; traffic bounce {HOST}",
                     f"vec0:transport=stream,fd={fd}", static(), tools(tmp), pass_fds=[fd]), 0)
    relay.stop()
    check(b" 0% packet loss" in r.out, "no answer", r)
    check_bounce(r, server)


def test_stream_path_and_long_frames(tmp):
    host()
    net.ip("link set tap0 mtu 65521")
    server = Server(DATA)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(tmp + "/sock")
        listener.listen()
        with Guest(f"vec0:transport=stream,path={tmp}/sock,mtu=65520", static(), tools(tmp),
                   cmd=["sh", "-c", f"{IN} traffic bounce {HOST}"]) as guest:
            relay = Relay(listener.accept()[0], "tap0")
            r = ended(guest.result(SECONDS), 0)
            relay.stop()
    check_bounce(r, server)


def test_stream_in_pieces():
    """Frames come one byte, or seven, at a time."""
    guest_end, relay = stream(piece=7)
    Server(DATA[:1 << 18])
    with passing(guest_end) as fd:
        r = ended(sh(f"nc {HOST} 1001 </dev/null | sha256sum", f"vec0:transport=stream,fd={fd}",
                     static(), pass_fds=[fd]), 0)
    relay.stop()
    check(hashlib.sha256(DATA[:1 << 18]).hexdigest().encode() in r.out, "not the data", r)


def raw_stream(script, talk, *options):
    """A guest whose peer is @talk(socket, guest)."""
    guest_end, ours = socket.socketpair()
    ours.settimeout(SECONDS)
    with ours, passing(guest_end) as fd:
        with Guest(f"vec0:transport=stream,fd={fd},mac={MAC}", *options, cmd=["sh", "-c", script],
                   pass_fds=[fd]) as guest:
            guest_end.close()
            guest.until(rb"ready", SECONDS)
            talk(ours, guest)
            return ended(guest.result(SECONDS), 0)


SILENT = "echo 1 >/proc/sys/net/ipv6/conf/vec0/disable_ipv6;"
UP = "ip link set vec0 up; echo ready;"
CARRIER = "until [ $(cat /sys/class/net/vec0/carrier) = 0 ]; do sleep 0.1; done; echo off;"


def broadcast(n):
    """A frame of @n bytes that reaches the guest's counters."""
    return (b"\xff" * 6 + bytes.fromhex("020000000001") + b"\x88\xb5" + bytes(n))[:n]


def framed(frame):
    return struct.pack(">I", len(frame)) + frame


def test_stream_peer_vanishes():
    r = raw_stream(UP + CARRIER, lambda s, g: s.close())
    check(b"vec0: stream fd" in r.err and b"carrier off" in r.err, "no word of it", r)
    check(r.err.count(b"carrier off") == 1, "said more than once", r)


def test_stream_peer_vanishes_within_a_frame():
    def talk(s, guest):
        s.sendall(framed(broadcast(100))[:50])
        s.close()
    ended(raw_stream(UP + CARRIER + "cat /proc/net/dev", talk), 0)


def test_stream_impossible_length():
    for n in (0xffffffff, 1 << 31, 65559):
        r = raw_stream(UP + CARRIER, lambda s, g, n=n: s.sendall(struct.pack(">I", n)))
        check(b"longer than there are; carrier off" in r.err, "no word of it", r)


def test_stream_short_lengths_are_skipped():
    """Lengths of 0 to 13 are no frames, 14 and the longest are."""
    def talk(s, guest):
        for n in list(range(14)) + [14, 65558, 60]:
            s.sendall(framed(broadcast(n)))
    r = raw_stream(UP + "until grep -q 'vec0: *[0-9]* *3 ' /proc/net/dev; do sleep 0.1; done;"
                   "cat /proc/net/dev", talk)
    words = re.search(rb"vec0:(.*)", r.out)[1].split()
    check(words[1:3] == [b"3", b"14"], "not 3 frames and 14 errors", r)


def test_stream_stalls(tmp):
    """A peer that reads nothing stops the queue, not the guest; then all goes on."""
    def talk(s, guest):
        guest.until(rb"flooding", SECONDS)
        guest.until(rb"alive 20", SECONDS)
        rest, frames = b"", 0
        while frames < 2000:
            rest += s.recv(1 << 18)
            while len(rest) >= 4:
                n = struct.unpack(">I", rest[:4])[0]
                check(14 <= n <= 65558, f"a frame of {n} bytes")
                if len(rest) < 4 + n:
                    break
                rest, frames = rest[4 + n:], frames + 1
        s.close()
    script = (IN + UP + f"ip a add {GUEST}/24 dev vec0; arp -s {HOST} 02:00:00:00:00:01;"
              f"traffic flood {HOST} & echo flooding; i=0;"
              "while [ $i -lt 20 ]; do i=$((i+1)); sleep 0.05; echo alive $i; done;"
              + CARRIER + "kill $!")
    raw_stream(script, talk, tools(tmp))


def test_stream_without_memory(tmp):
    """A host that has no memory for a moment loses no frame, and no carrier."""
    def talk(s, guest):
        with failing(guest, "writev:error=ENOBUFS:syscall=getpid:when=1..3", tmp):
            guest.send(b"go\n")
            rest = b""
            while len(rest) < 4:
                rest += s.recv(1 << 16)
            check(14 <= struct.unpack(">I", rest[:4])[0] <= 1514, "no frame came")
            guest.send(b"seen\n")
            guest.until(rb"tx_nomem \d+", SECONDS)
    r = raw_stream(IN + f"ip a add {GUEST}/24 dev vec0;" + SILENT + UP +
                   f"read x; ping -c 1 -W 1 {HOST}; read x;"
                   "cat /sys/class/net/vec0/carrier; ethtool stats vec0", talk, tools(tmp))
    check(re.search(rb"(?s)\n1\n.*tx_nomem 3\n", r.out), "not what was meant to happen", r)


@contextlib.contextmanager
def failing(guest, what, tmp):
    """Host calls of the kernel process fail, by strace; its filter lets getpid through."""
    err = os.path.join(tmp, "strace.err")
    with open(err, "w") as f:
        try:
            tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e",
                                       "trace=writev", "-e", "inject=" + what, "-p", str(guest.kernel())], stderr=f)
        except OSError:
            raise Skipped("no strace on this host") from None
    try:
        end = time.monotonic() + SECONDS
        while "attached" not in open(err).read():
            if tracer.poll() is not None or time.monotonic() > end:
                raise Skipped("strace: " + open(err).read()[:100])
            time.sleep(0.05)
        yield
    finally:
        tracer.kill()
        tracer.wait(5)


# Inherited descriptors

def test_fd_of_a_tap(tmp):
    host()
    server = Server(DATA)
    for n, vnet in enumerate((False, True)):
        fd = net.tap_fd("tap0", vnet)
        os.set_inheritable(fd, True)
        r = ended(sh(f"{IN} traffic bounce {HOST}", f"vec0:transport=fd,fd={fd},vnet_hdr={n}",
                     static(), tools(tmp) if not n else f"ubd0r={tmp}/tools", pass_fds=[fd]), 0)
        os.close(fd)
        check(b"bounced %d\n" % len(DATA) in r.out, "not all was bounced", r)
    server.wait(2)
    check([d == DATA for d in server.got] == [True, True], "not the data came back")


def test_fd_of_datagrams(tmp):
    host()
    guest_end, our_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    relay = Relay(our_end, "tap0", stream=False)
    server = Server(DATA[:2 << 20])
    with passing(guest_end) as fd:
        r = ended(sh(f"{IN} traffic bounce {HOST}", f"vec0:transport=fd,fd={fd}", static(),
                     tools(tmp), pass_fds=[fd]), 0)
    relay.stop()
    check_bounce(r, server)


def test_fd_oversize_datagrams():
    guest_end, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with ours, passing(guest_end) as fd:
        with Guest(f"vec0:transport=fd,fd={fd}", pass_fds=[fd], cmd=["sh", "-c", UP +
                   "until grep -q 'vec0: *[0-9]* *2 ' /proc/net/dev; do sleep 0.1; done;"
                   "cat /proc/net/dev"]) as guest:
            guest.until(rb"ready", SECONDS)
            for n in (65559, 70000, 100000, 3, 0, 65558, 60):
                ours.send(broadcast(n))
            r = ended(guest.result(SECONDS), 0)
    words = re.search(rb"vec0:(.*)", r.out)[1].split()
    check(words[1:3] == [b"2", b"5"], "not 2 frames and 5 errors", r)


def test_fd_half_closed():
    """A peer that will send no more has gone; its empty frames are not counted."""
    guest_end, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, passing(guest_end) as fd:
        with Guest(f"vec0:transport=fd,fd={fd}", cmd=["sh", "-c", SILENT + UP + CARRIER +
                   "cat /sys/class/net/vec0/statistics/rx_errors"], pass_fds=[fd]) as guest:
            guest.until(rb"ready", SECONDS)
            ours.shutdown(socket.SHUT_WR)
            r = ended(guest.result(SECONDS), 0)
    check(b"the peer has gone; carrier off" in r.err, "no word of it", r)
    check(r.out.endswith(b"off\n0\n"), "there were frames without a byte", r)


def test_fd_of_udp_without_listener(tmp):
    """Answers to what was sent before do not end the device: a listener may come."""
    net.private()
    net.ip("link set lo up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        peer = s.getsockname()
    guest_end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    guest_end.bind(("127.0.0.1", 0))
    guest_end.connect(peer)
    script = (IN + UP + f"ip a add {GUEST}/24 dev vec0; arp -s {HOST} 02:00:00:00:00:01;"
              f"traffic flood {HOST} & until [ $(cat /sys/class/net/vec0/statistics/tx_packets)"
              " -gt 500 ]; do sleep 0.1; done; echo sent; read x; kill $!")
    with passing(guest_end) as fd, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        with Guest(f"vec0:transport=fd,fd={fd}", tools(tmp), cmd=["sh", "-c", script],
                   pass_fds=[fd]) as guest:
            guest.until(rb"sent", SECONDS)
            ours.bind(peer)
            ours.settimeout(SECONDS)
            check(len(ours.recv(1 << 16)) >= 14, "no frame")
            guest.send(b"\n")
            ended(guest.result(SECONDS), 0)


def test_fd_of_packets(tmp):
    """A packet socket on one end of a pair of devices, the host on the other."""
    net.private()
    net.ip("link add veth1 type veth peer name veth2")
    for d in ("veth1", "veth2"):
        net.ip(f"link set {d} up")
    net.ip(f"address add {HOST}/24 dev veth2")
    server, disk = Server(DATA[:2 << 20]), tools(tmp)
    for vnet in (1, 0):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, vnet)
        s.bind(("veth1", ETH_P_ALL))
        with passing(s) as fd:
            r = ended(sh(f"{IN} traffic bounce {HOST}",
                         f"vec0:transport=fd,fd={fd},vnet_hdr={vnet}", static(), disk,
                         pass_fds=[fd]), 0)
        check(b"bounced %d\n" % len(server.data) in r.out, "not all was bounced", r)
        # Without headers nobody can leave anything to the other side.
        for name in ("tx", "tso", "gso"):
            net.command(f"{tmp}/ethtool", "set", "veth2", name, "0")
    server.wait(2)
    check([d == server.data for d in server.got] == [True, True], "not the data came back")


def test_fd_lying_headers():
    """Virtio-net headers that say anything of frames that are anything."""
    dice = random.Random(int(os.environ.get("SEED", "1")))
    guest_end, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.settimeout(SECONDS)

    def frame():
        flags = dice.choice([0, 1, 1, 2, 3, 255])
        kind = dice.choice([0, 1, 3, 4, 5, 0x81, 0x84, 255])
        words = [dice.choice([0, 1, 14, 34, 54, 66, 0x7fff, 0xfffe, 0xffff,
                              dice.randrange(65536)]) for _ in range(4)]
        size = dice.choice([0, 13, 14, 20, 54, 200, 1514, 9000, 40000])
        body = bytearray(dice.randbytes(size))
        if dice.random() < 0.7:
            v6 = dice.random() < 0.3
            proto = dice.choice([6, 17])
            l3 = (struct.pack(">IHBB16s16s", 6 << 28, max(size - 54, 0), proto, 64,
                              bytes(15) + b"\1", bytes(15) + b"\2") if v6 else
                  struct.pack(">BBHHHBBH4s4s", 0x45, 0, max(size - 14, 20), 0, 0, 64, proto, 0,
                              socket.inet_aton(HOST), socket.inet_aton(GUEST)))
            head = bytes.fromhex(MAC.replace(":", "")) + bytes(6) + (b"\x86\xdd" if v6 else b"\x08\0")
            body[:len(head + l3)] = head + l3
            if dice.random() < 0.5:
                words[1] = dice.choice([20, 100, 1400])
                words[2], words[3] = 54 if v6 else 34, 16 if proto == 6 else 6
        return struct.pack("<BBHHHH", flags, kind, *words) + bytes(body)

    with ours, passing(guest_end) as fd:
        script = (UP + f"ip a add {GUEST}/24 dev vec0; ip link add br0 type bridge; echo ready2;"
                  "until grep -q 'vec0: *[0-9]* *[0-9]*[0-9][0-9][0-9] ' /proc/net/dev; do sleep 0.1;"
                  "done; read x; cat /proc/net/dev; dmesg | grep -iE 'WARN|BUG|Call Trace'; echo end")
        with Guest(f"vec0:transport=fd,fd={fd},vnet_hdr=1,mac={MAC}", pass_fds=[fd],
                   cmd=["sh", "-c", script]) as guest:
            guest.until(rb"ready2", SECONDS)
            for _ in range(100000 if os.environ.get("LONG") else 4000):
                ours.send(frame())
            guest.send(b"\n")
            r = ended(guest.result(SECONDS), 0)
    check(b"end\n" in r.out and b"Call Trace" not in r.out + r.err, "the kernel complains", r)
    words = re.search(rb"vec0:(.*)", r.out)[1].split()
    check(int(words[1]) > 100 and int(words[2]) > 100, "not both good and bad frames", r)


def test_tap_removed():
    host()
    with Guest(TAP, static(), cmd=["sh", "-c", f"ping -c 1 {HOST}; echo ready;" + CARRIER]) as guest:
        guest.until(rb"ready", SECONDS)
        net.ip("link delete tap0")
        r = ended(guest.result(SECONDS), 0)
    check(b"carrier off" in r.err, "no word of it", r)


def test_tap_down_and_up():
    """The host's side goes down for a while: frames are lost, the device is not."""
    host()
    with Guest(TAP, static(), cmd=["sh", "-c", "echo ready; read x;"
               f"ping -c 1 -W 1 {HOST}; echo down; read x; ping -c 2 {HOST}"]) as guest:
        guest.until(rb"ready", SECONDS)
        net.ip("link set tap0 down")
        guest.send(b"\n")
        guest.until(rb"down", SECONDS)
        net.ip("link set tap0 up")
        guest.send(b"\n")
        r = ended(guest.result(SECONDS), 0)
    check(b"100% packet loss" in r.out and b" 0% packet loss" in r.out, "not as it should be", r)


# passt

def test_passt(tmp):
    """Address by DHCP, a connection out, one in through a published port."""
    passt = tool("passt")
    net.private()
    # What passt takes addresses from: a device with a default route.
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    server = Server(DATA, "127.0.0.1")
    ours, guest_end = socket.socketpair()
    p = subprocess.Popen([passt, "-f", "-q", "-t", "8080:80", "--fd", str(ours.fileno())],
                         pass_fds=[ours.fileno()], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours.close()
    try:
        with passing(guest_end) as fd:
            script = (IN + "ip a show vec0; echo here >/tmp/x; traffic bounce 192.0.2.1;"
                      "nc -l -p 80 </tmp/x & echo listening; wait; echo served")
            with Guest(f"vec0:transport=stream,fd={fd},mtu=65520", "ip=dhcp", tools(tmp),
                       cmd=["sh", "-c", script], pass_fds=[fd]) as guest:
                guest_end.close()
                if p.poll() is not None:
                    raise Skipped("passt does not run here")
                guest.until(rb"listening", SECONDS)
                got = net.answer(8080, b"from outside\n")
                r = ended(guest.result(SECONDS), 0)
    finally:
        p.kill()
        p.wait()
    check(b"inet 192.0.2.9/24" in r.out, "no address by DHCP", r)
    check_bounce(r, server)
    check(got == b"here\n" and b"from outside\n" in r.out, f"through the port came {got}", r)


def test_passt_killed():
    passt = tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    ours, guest_end = socket.socketpair()
    p = subprocess.Popen([passt, "-f", "-q", "--fd", str(ours.fileno())],
                         pass_fds=[ours.fileno()], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours.close()
    try:
        with passing(guest_end) as fd:
            with Guest(f"vec0:transport=stream,fd={fd}", "ip=dhcp", pass_fds=[fd],
                       cmd=["sh", "-c", "echo ready; " + CARRIER]) as guest:
                guest_end.close()
                if p.poll() is not None:
                    raise Skipped("passt does not run here")
                guest.until(rb"ready", SECONDS)
                p.kill()
                r = ended(guest.result(SECONDS), 0)
    finally:
        p.kill()
        p.wait()
    check(b"carrier off" in r.err, "no word of it", r)


# Devices that come and go

def mconsole(tmp, *words):
    r = net.command("uml_mconsole", "m", *words, env=dict(os.environ, HOME=tmp), timeout=SECONDS,
                    stdin=subprocess.DEVNULL)
    return r.stdout + r.stderr


def test_added_and_removed(tmp):
    """By the management console, on a descriptor that the guest inherited; twice."""
    tool("uml_mconsole")
    guest_end, relay = stream()
    script = ("echo up; for i in 1 2; do "
              "until ip link show vec1 2>/dev/null; do sleep 0.1; done;"
              f"ip a add {GUEST}/24 dev vec1; ip link set vec1 up; ping -c 2 {HOST}; echo pinged $i;"
              "read x; ip link set vec1 down; echo down $i;"
              "while ip link show vec1 >/dev/null 2>&1; do sleep 0.1; done; echo gone $i; done")
    with passing(guest_end) as fd, Guest("umid=m", cmd=["sh", "-c", script], env={"HOME": tmp},
                                         pass_fds=[fd]) as guest:
        guest.until(rb"up\n", SECONDS)
        for _ in range(200):
            if os.path.exists(f"{tmp}/.uml/m/mconsole"):
                break
            time.sleep(0.05)
        for bad, why in (("vec1=transport=tap,ifname=tap0", "in use by another"),
                         ("vec1=transport=tap,ifname=tap7", "there is no tap tap7"),
                         ("eth1=tuntap,tap7", "there is no tap tap7"),
                         ("eth1=tuntap,eth0%d", "there is no tap"), ("eth16=tuntap,tap7", "eth15"),
                         ("vec1=transport=tap,ifname=lo", "is no tap device"),
                         ("vec1=transport=stream,fd=99", "not open"), ("vec16=fd=1", "vec15"),
                         ("vec1=transport=stream,path=/x", "cannot connect to /x"),
                         ("vec1=transport=stream,path=x", "whole path")):
            said = mconsole(tmp, "config", bad)
            check(said.startswith("ERR") or "ERR" in said, f"{bad} is taken: {said}")
            check(why in said, f"{bad}: no '{why}' in {said}")
        for i in (1, 2):
            said = mconsole(tmp, "config", f"vec1=transport=stream,fd={fd}")
            check(said.startswith("OK"), f"cannot be added: {said}", guest.words())
            guest.until(b"pinged %d" % i, SECONDS)
            check(f"fd={fd}" in mconsole(tmp, "config", "vec1"), "is not shown")
            said = mconsole(tmp, "remove", "vec1")
            check("down first" in said, f"removed while it is up: {said}")
            guest.send(b"\n")
            guest.until(b"down %d" % i, SECONDS)
            said = mconsole(tmp, "remove", "vec1")
            check(said.startswith("OK"), f"cannot be removed: {said}")
            guest.until(b"gone %d" % i, SECONDS)
        r = ended(guest.result(SECONDS), 0)
    relay.stop()
    check(r.out.count(b" 0% packet loss") == 2, "no answer", r)


def test_added_by_name(tmp):
    """A tap in both spellings, and a path that somebody listens at: the doorman opens them."""
    tool("uml_mconsole")
    host()
    net.tap("tap1")
    path = f"{tmp}/p.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    listener.settimeout(SECONDS)
    kinds = [("vec1", f"transport=tap,ifname=tap0,mac={MAC}"), ("eth2", "tuntap,tap0"),
             ("vec3", f"transport=stream,path={path},mtu=9000"), ("vec1", "transport=tap,ifname=tap0")]
    script = "echo up; " + "".join(
        f"until ip link show {dev} >/dev/null 2>&1; do sleep 0.1; done;"
        f"ip a add {GUEST}/24 dev {dev}; ip link set {dev} up; ping -c 2 {HOST};"
        f"ip link set {dev} down; echo down {n};"
        f"while ip link show {dev} >/dev/null 2>&1; do sleep 0.1; done; echo gone {n};"
        for n, (dev, _) in enumerate(kinds))
    with listener, Guest("umid=m", cmd=["sh", "-c", script], env={"HOME": tmp}) as guest:
        guest.until(rb"up\n", SECONDS)
        for n, (dev, value) in enumerate(kinds):
            relay = None
            said = mconsole(tmp, "config", f"{dev}={value}")
            check(said.startswith("OK"), f"{dev}={value} cannot be added: {said}", guest.words())
            if "stream" in value:
                relay = Relay(listener.accept()[0], "tap0")
            guest.until(b"down %d" % n, SECONDS)
            check(value in mconsole(tmp, "config", dev), "is not shown")
            said = mconsole(tmp, "remove", dev)
            check(said.startswith("OK"), f"{dev} cannot be removed: {said}")
            guest.until(b"gone %d" % n, SECONDS)
            if relay:
                relay.join(SECONDS)
                check(not relay.is_alive(), "the connection is not closed")
                relay.stop()
        r = ended(guest.result(SECONDS), 0)
    check(r.out.count(b" 0% packet loss") == len(kinds), "no answer", r)
    check(net.ip("link delete tap0"), "tap0 is gone")


def test_descriptor_left_within_a_frame(tmp):
    """It is not given to another device, which would take bytes of it for a length."""
    tool("uml_mconsole")
    guest_end, ours = socket.socketpair()
    script = ("echo up; until ip link set vec1 up 2>/dev/null; do sleep 0.1; done;"
              "until [ $(cat /sys/class/net/vec1/statistics/rx_packets) = 1 ]; do sleep 0.1; done;"
              "ip link set vec1 down; echo down; read x")
    with ours, passing(guest_end) as fd, \
            Guest("umid=m", cmd=["sh", "-c", script], env={"HOME": tmp}, pass_fds=[fd]) as guest:
        guest.until(rb"up\n", SECONDS)
        option = f"vec1=transport=stream,fd={fd}"
        said = mconsole(tmp, "config", option)
        check(said.startswith("OK"), f"cannot be added: {said}", guest.words())
        ours.sendall(framed(broadcast(60)) + framed(broadcast(100))[:50])
        guest.until(rb"down\n", SECONDS)
        said = mconsole(tmp, "remove", "vec1")
        check(said.startswith("OK"), f"cannot be removed: {said}")
        for name in ("vec1", "vec2"):
            said = mconsole(tmp, "config", f"{name}=transport=stream,fd={fd}")
            check("within a frame" in said, f"it is taken again: {said}")
        guest.send(b"\n")
        ended(guest.result(SECONDS), 0)


# Mistakes

def refused(option, *words, **more):
    r = ended(sh("echo up", option, **more), 1)
    lines = [line for line in r.err.splitlines() if line.startswith(b"linux:")]
    check(len(lines) == 1 and not r.out, f"{option}: not one line", r)
    for word in words:
        check(word.encode() in lines[0], f"{option}: no '{word}' in {lines[0]}")


def test_wrong_options(tmp):
    refused("vec0:transport=tpa", "unknown transport tpa", "tap, stream and fd")
    refused("vec0:ifname=tap0", "wants transport=")
    refused("vec0:transport=tap", "ifname=")
    refused("vec0:transport=tap,ifname=averyveryverylongname", "longer than a name")
    refused("vec0:transport=tap,ifname=tap0,speed=9", "unknown word 'speed'")
    refused("vec0:transport=tap,ifname=tap0,fd=5", "transport=fd,fd=5")
    refused("vec0:transport=tap,ifname", "'ifname' is no KEY=VALUE")
    refused("vec0:transport=tap,ifname=tap0,mtu=9x", "mtu=9x")
    refused("vec0:transport=tap,ifname=tap0,mtu=67", "less than 68")
    for mac in ("02:00:00:00:00", "02:00:00:00:00:0g", "01:00:00:00:00:01", "00:00:00:00:00:00",
                "02:00:00:00:00:01:02"):
        refused(f"vec0:transport=tap,ifname=tap0,mac={mac}", f"mac={mac}")
    refused("vec16:transport=tap,ifname=tap0", "vec0 to vec15")
    refused("vec0:transport=stream", "path=SOCKET or fd=N")
    refused("vec0:transport=stream,path=/nowhere/sock", "/nowhere/sock", "No such file")
    refused("vec0:transport=stream,path=/" + "x" * 120, "too long")
    refused("vec0:transport=stream,fd=77", "descriptor 77 is not open")
    refused("vec0:transport=stream,fd=0", "no stream socket", stdin=subprocess.DEVNULL)
    refused("vec0:transport=fd", "fd=N")
    refused("vec0:transport=fd,fd=77", "descriptor 77 is not open")
    refused("vec0:transport=fd,fd=0", "neither a tap", stdin=subprocess.DEVNULL)
    refused("vec0:transport=fd,fd=-1", "no number")
    refused("eth0=daemon", "only tuntap", "vec0:")
    refused("eth0=tuntap", "name of a tap")
    refused("eth0=tuntap,tap0,zz", "mac=zz")
    with open(tmp + "/file", "w"):
        refused(f"vec0:transport=stream,path={tmp}/file", "nobody listens")


def test_wrong_descriptors():
    a, b = socket.socketpair()
    with a, passing(b) as fd:
        refused(f"vec0:transport=fd,fd={fd}", "transport=stream", pass_fds=[fd])
    with socket.socket(socket.AF_UNIX) as s, passing(s) as fd:
        refused(f"vec0:transport=stream,fd={fd}", "not connected", pass_fds=[fd])
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with a, passing(b) as fd:
        refused(f"vec0:transport=stream,fd={fd}", "transport=fd", pass_fds=[fd])
    a, b = socket.socketpair()
    with a, passing(b) as fd:
        r = ended(sh("true", f"vec0:transport=stream,fd={fd}", f"vec1:transport=stream,fd={fd}",
                     pass_fds=[fd]), 1)
        check(b"another device's" in r.err, "one descriptor for two", r)


def test_wrong_taps():
    net.private()
    net.tap("tap0", HOST + "/24")
    refused("vec0:transport=tap,ifname=tap7", "there is no tap tap7", "ip tuntap add tap7")
    refused("vec0:transport=tap,ifname=lo", "lo is no tap")
    fd = net.tap_fd("tap0")
    refused(TAP, "in use by another process")
    os.close(fd)
    r = ended(sh("true", TAP, "vec0:transport=tap,ifname=tap0"), 1)
    check(b"given twice" in r.err, "one device given twice", r)
    r = ended(sh("true", TAP, "vec1:transport=tap,ifname=tap0"), 1)
    check(b"in use" in r.err, "one tap for two devices", r)
    if os.geteuid() == 0:
        everybodys = os.stat("/dev/net/tun").st_mode & 0o006 == 0o006
        refused(TAP, "tap0 is not yours" if everybodys else "/dev/net/tun: Permission denied",
                wrap=["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"])


for _name, _test in list(globals().items()):
    if _name.startswith("test_"):
        _test.seconds = SECONDS + 20
