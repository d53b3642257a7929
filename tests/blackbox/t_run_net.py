# SPDX-License-Identifier: GPL-2.0
"""uml run --network: none by default, and through passt, with a published port.

Each test that needs a network makes one of its own, which this process, the
launcher and passt are in.
"""

import functools
import hashlib
import http.server
import os
import socket
import subprocess
import threading

import net
from disk import tool
from launcher import UML, command, ended, read_until, run, sh
from uml import LINUX, check


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


def behind_passt(tmp, resolv_conf):
    """Into a network of our own, where passt finds a route and @resolv_conf."""
    tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    net.ip("address add 198.51.100.1/32 dev lo")
    net.resolv_conf(tmp, resolv_conf)


def looked_up(script="nslookup name.example.org", quiet=True):
    words = command("sh", "-c", script, options=["--network", "user", "--user", "root"])
    return subprocess.run([w for w in words if w != "-q" or quiet], capture_output=True,
                          timeout=28, stdin=subprocess.DEVNULL)


def test_name_server(tmp):
    """The host's own, which the guest asks itself; one on the loopback beside it changes nothing."""
    behind_passt(tmp, "search example.org\nnameserver 127.0.0.53\nnameserver 198.51.100.1\n")
    net.Resolver("198.51.100.1", "203.0.113.7")
    done = ended(looked_up("nslookup name.example.org; cat /etc/resolv.conf", quiet=False), 0)
    check(b"Address: 203.0.113.7" in done.stdout and b"nameserver 198.51.100.1" in done.stdout
          and done.stderr == b"", f"{done}")


def test_name_server_on_the_loopback(tmp):
    """The host's resolver answers the guest, and nothing else of the loopback does."""
    behind_passt(tmp, "nameserver 127.0.0.53\noptions edns0 trust-ad\n")
    resolver = net.Resolver("127.0.0.53", "203.0.113.8")
    with socket.create_server(("127.0.0.53", 8000)) as other, \
            socket.create_server(("127.0.0.1", 8001)) as another:
        done = ended(looked_up("nslookup name.example.org; nc -w 1 169.254.1.1 8000; "
                               "nc -w 1 169.254.1.1 8001; true", quiet=False), 0)
        for s in (other, another):
            s.setblocking(False)
            try:
                s.accept()
                check(False, "the guest came to the host's loopback")
            except BlockingIOError:
                pass
    check(b"Address: 203.0.113.8" in done.stdout and b"uml:" not in done.stderr, f"{done}")
    check(set(resolver.asked_by) == {"127.0.0.1"}, f"asked by {resolver.asked_by}")


def test_name_server_of_the_hosts_files(tmp):
    """The host's own program, by its C library, in a view of the host's files."""
    behind_passt(tmp, "nameserver 127.0.0.1\n")
    net.Resolver("127.0.0.1", "203.0.113.9")
    done = run("getent", "ahostsv4", "name.example.org", root=None, options=["--network", "user"],
               stdin=subprocess.DEVNULL)
    check(done.returncode == 0 and b"203.0.113.9" in done.stdout, f"{done}")
    with open("/etc/resolv.conf", encoding="ascii") as f:
        check(f.read() == "nameserver 127.0.0.1\n", "the host's file has changed")


def test_no_name_server(tmp):
    """A line says that there is none, but with -q."""
    behind_passt(tmp, "nameserver ::1\n")
    done = ended(looked_up("true", quiet=False), 0)
    check(done.stderr.count(b"\n") == 1 and b"uml: the guest has no DNS: /etc/resolv.conf names no"
          in done.stderr, f"{done}")
    check(ended(looked_up("true"), 0).stderr == b"", "a note with -q")


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


def lines_of_passt(tmp, lines, *options, end="exec sleep 1000"):
    """What uml says when passt says @lines."""
    with open(f"{tmp}/lines", "w") as f:
        f.write(lines)
    with open(f"{tmp}/passt", "w") as f:
        f.write(f"#!/bin/sh\ncat {tmp}/lines >&2\n{end}\n")
    os.chmod(f"{tmp}/passt", 0o755)
    env = dict(os.environ, PATH=f"{tmp}:{os.environ['PATH']}")
    words = [UML, "run", "--kernel", LINUX, "--root", "none", "--network", "user",
             "--append", "ip=off", *options, "--", "true"]
    return subprocess.run(words, capture_output=True, env=env, timeout=28, stdin=subprocess.DEVNULL)


NOISE = ("Failed to send 47 bytes to syslog\nDon't run as root. Changing to nobody...\n"
         "No external routable interface for IPv6\n")


def test_what_passt_says(tmp):
    """Its errors are shown, without what it says on each host that has no syslog, or to root."""
    error = "Failed to bind any port for '-t 80:80'"
    done = lines_of_passt(tmp, NOISE + error + "\n")
    check(f"uml: passt: {error}\n".encode() == done.stderr, f"{done.stderr!r}")
    done = lines_of_passt(tmp, NOISE + error + "\n", "-v")
    for line in (NOISE + error).splitlines():
        check(f"uml: passt: {line}\n".encode() in done.stderr.replace(b"\r", b""), f"{done.stderr!r}")
    done = lines_of_passt(tmp, NOISE + error, end="exit 1")     # the last line has no end
    check(done.returncode == 125 and error.encode() in done.stderr, f"{done}")
    done = lines_of_passt(tmp, NOISE + error + "\n", "-q", end="exit 1")
    check(done.returncode == 125 and f"passt has ended: {error}; there is no network".encode()
          in done.stderr, f"{done}")
    done = lines_of_passt(tmp, "\x1b[31m" + "x" * 5000 + "\n" + error + "\n")
    check(b"\x1b" not in done.stderr and error.encode() in done.stderr, f"{done.stderr!r}")


test_what_passt_says.seconds = 90


def test_quiet_where_nothing_is_wrong():
    """The real passt, on a host of IPv4 only."""
    tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    done = subprocess.run([UML, "run", "--kernel", LINUX, "--root", "none", "--network", "user",
                           "--", "true"], capture_output=True, timeout=28, stdin=subprocess.DEVNULL)
    check(done.returncode == 0 and done.stderr == b"", f"{done}")


def descriptor(kind):
    """--network fd=N: one end of a socket pair; what the guest sends first comes out of the other."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    p = subprocess.Popen(command("sh", "-c", "ip link set vec0 up; sleep 1000", options=[
        "--network", f"fd={theirs.fileno()}", "--user", "root"]), pass_fds=[theirs.fileno()],
        start_new_session=True, stdin=subprocess.DEVNULL)
    theirs.close()
    try:
        ours.settimeout(20)
        return ours.recv(70000)
    finally:
        p.kill()
        p.wait()
        ours.close()


def test_descriptor():
    frame = descriptor(socket.SOCK_DGRAM)
    check(len(frame) > 14 and frame[:2] == b"\x33\x33", f"no frame of IPv6: {frame!r}")


def test_descriptor_of_a_stream():
    """As passt and QEMU have it: each frame behind its length."""
    data = descriptor(socket.SOCK_STREAM)
    check(14 < int.from_bytes(data[:4], "big") <= len(data) - 4 and data[4:6] == b"\x33\x33", f"{data!r}")


def test_two_guests_on_a_stream():
    """A socket pair is a cable."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    script = "ip address add 10.9.0.{}/24 dev vec0; ip link set vec0 up; {}"
    says = ("nc -l -p 80 </dev/null", "until echo over the cable | nc 10.9.0.1 80; do sleep 0.1; done")
    both = [subprocess.Popen(command("sh", "-c", script.format(i + 1, says[i]), options=[
        "--network", f"fd={s.fileno()}", "--user", "root"]), pass_fds=[s.fileno()], start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for i, s in enumerate(pair)]
    for s in pair:
        s.close()
    try:
        read_until(both[0].stdout, b"over the cable\n")
    finally:
        for p in both:
            p.kill()
            p.communicate()


def test_port_in_use():
    """A line says so; the guest has its network otherwise."""
    tool("passt")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    with socket.create_server(("0.0.0.0", 8090)):
        done = subprocess.run([UML, "run", "--kernel", LINUX, "--root", "none", "--network", "user",
                               "--publish", "8090:80", "--", "ip", "address", "show", "vec0"],
                              capture_output=True, timeout=28, stdin=subprocess.DEVNULL)
    check(b"uml: passt" in done.stderr and b"8090" in done.stderr, f"no word of it: {done}")
    check(done.returncode == 125 or b"192.0.2.9/24" in done.stdout, f"{done}")


def test_tap_that_is_not_there():
    done = run("true", options=["--network", "tap=nosuchtap"])
    check(done.returncode == 125 and b"nosuchtap" in done.stderr, f"{done}")


def test_tap():
    """--network tap=IF, with an address by the kernel's own ip=: bytes both ways, and a ping."""
    net.private()
    net.tap("tap7", net.HOST + "/24")
    server = net.Server(b"from the host\n")
    done = ended(sh(f"ping -c 1 -w 10 {net.HOST} >/dev/null && echo pinged; nc {net.HOST} 1001 </dev/null;"
                    f"echo from the guest | nc {net.HOST} 1002",
                    options=["--network", "tap=tap7", "--append", net.static(), "--user", "root"]), 0)
    check(done.stdout == b"pinged\nfrom the host\n", f"{done.stdout!r} {done.stderr!r}")
    server.wait(1, 10)
    check(server.got == [b"from the guest\n"], f"the host got {server.got}")


def mirror(tmp):
    """A Debian mirror with one package: what a web server's directory holds."""
    top = f"{tmp}/mirror"
    package = f"{tmp}/package"
    os.makedirs(f"{package}/DEBIAN")
    os.makedirs(f"{package}/usr/share/uml-probe")
    os.makedirs(top)
    with open(f"{package}/usr/share/uml-probe/word", "w") as f:
        f.write("unpacked\n")
    with open(f"{package}/DEBIAN/postinst", "w") as f:
        f.write("#!/bin/sh\necho configured > /usr/share/uml-probe/state\n")
    os.chmod(f"{package}/DEBIAN/postinst", 0o755)
    control = ("Package: uml-probe\nVersion: 1.0\nArchitecture: all\nSection: misc\n"
               "Priority: optional\nMaintainer: nobody <nobody@example.org>\n"
               "Description: shows that it was installed\n")
    with open(f"{package}/DEBIAN/control", "w") as f:
        f.write(control)
    file = f"{top}/uml-probe_1.0_all.deb"
    done = subprocess.run([tool("dpkg-deb"), "--root-owner-group", "--build", package, file],
                          capture_output=True)
    check(done.returncode == 0, f"dpkg-deb: {done.stderr.decode()}")
    with open(file, "rb") as f:
        data = f.read()
    with open(f"{top}/Packages", "w") as f:
        f.write(control + f"Filename: ./{os.path.basename(file)}\nSize: {len(data)}\n"
                f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
    return top


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def test_apt_get(tmp):
    """Update, and install a package, in the guest, from a mirror of our own."""
    tool("passt")
    tool("apt-get")
    net.private()
    net.tap("tap9", "192.0.2.9/24")
    net.ip("route add default via 192.0.2.1")
    net.ip("address add 198.51.100.1/32 dev lo")
    server = http.server.ThreadingHTTPServer(("198.51.100.1", 8000), functools.partial(
        Quiet, directory=mirror(tmp)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    script = """
        set -e
        # The hook files of the host are about the host.
        rm -f /etc/apt/apt.conf.d/*
        echo 'deb [trusted=yes] http://198.51.100.1:8000 ./' >/etc/apt/sources.list
        rm -rf /etc/apt/sources.list.d/*
        apt-get -q update
        apt-get -q -y install uml-probe
        cat /usr/share/uml-probe/word /usr/share/uml-probe/state
    """
    done = run("sh", "-c", script, root=None, seconds=110,
               options=["--network", "user", "--user", "root", "--cwd", "/"],
               stdin=subprocess.DEVNULL)
    server.shutdown()
    ended(done, 0)
    check(done.stdout.endswith(b"unpacked\nconfigured\n"), f"{done.stdout!r}\n{done.stderr!r}")
    check(not os.path.exists("/usr/share/uml-probe"), "it was installed on the host")


test_apt_get.seconds = 120
