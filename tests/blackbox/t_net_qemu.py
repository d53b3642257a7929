# SPDX-License-Identifier: GPL-2.0
"""The wire format of transport=stream, with a peer that nobody here wrote.

QEMU has no guest here and no processor (-M none): it is a hub with two stream
sockets, and joins two guests of ours. Each frame is taken apart and put
together again by QEMU's own code, both ways.
"""

import contextlib
import os
import re
import subprocess
import time

from disk import tool
from uml import Guest, check, ended

SECONDS = 60        # that a guest may take, however busy the machine is
A, B = "10.9.0.1", "10.9.0.2"


@contextlib.contextmanager
def hub(tmp):
    """QEMU, and the paths of its two sockets."""
    paths = [os.path.join(tmp, name) for name in ("a", "b")]
    argv = [tool("qemu-system-x86_64"), "-M", "none", "-nodefaults", "-display", "none"]
    for i, path in enumerate(paths):
        argv += ["-netdev", f"stream,id=s{i},server=on,addr.type=unix,addr.path={path}",
                 "-netdev", f"hubport,id=h{i},hubid=0,netdev=s{i}"]
    with open(os.path.join(tmp, "qemu.log"), "w+") as log:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            end = time.monotonic() + SECONDS
            while not all(os.path.exists(path) for path in paths):
                check(p.poll() is None and time.monotonic() < end, "QEMU does not listen",
                      open(log.name).read())
                time.sleep(0.02)
            yield paths
            check(p.poll() is None, "QEMU has ended", open(log.name).read())
        finally:
            p.kill()
            p.wait()


def through_the_hub(tmp, mtu, size):
    """Answers to pings of @size, and 8 MiB each way over TCP, are what was sent."""
    option = "vec0:transport=stream,path={},mtu=%d" % mtu
    # What holds the fifo never ends: nc is done when its peer is.
    serve = ("mkfifo /tmp/fifo; dd if=/dev/urandom of=/tmp/d bs=1M count=8 2>/dev/null; sha256sum </tmp/d;"
             "nc -l -p 1001 </tmp/d >/dev/null & nc -l -p 1002 0<>/tmp/fifo >/tmp/back & echo ready; wait;"
             "sha256sum </tmp/back")
    fetch = (f"mkfifo /tmp/fifo; ping -c 3 -s {size} {A}; nc {A} 1001 0<>/tmp/fifo >/tmp/d; sha256sum </tmp/d;"
             f"nc {A} 1002 </tmp/d; grep vec0 /proc/net/dev")
    with hub(tmp) as (first, second):
        with Guest(option.format(first), f"ip={A}:::255.255.255.0::vec0:off",
                   cmd=["sh", "-c", serve]) as server:
            server.until(rb"ready", SECONDS)
            with Guest(option.format(second), f"ip={B}:::255.255.255.0::vec0:off",
                       cmd=["sh", "-c", fetch]) as client:
                got = ended(client.result(SECONDS), 0)
            served = ended(server.result(SECONDS), 0)
    check(b" 0% packet loss" in got.out, "no answer through QEMU", got)
    sums = re.findall(rb"[0-9a-f]{64}", served.out) + re.findall(rb"[0-9a-f]{64}", got.out)
    check(len(sums) == 3 and len(set(sums)) == 1, f"not the same data: {sums}", served)
    check(int(re.search(rb"vec0: *(\d+)", got.out)[1]) > 8 << 20, "it came another way", got)


def test_hub(tmp):
    through_the_hub(tmp, 1500, 56)


def test_hub_of_long_frames(tmp):
    through_the_hub(tmp, 65520, 60000)


test_hub.seconds = test_hub_of_long_frames.seconds = 150
