# SPDX-License-Identifier: GPL-2.0
"""Guest memory as the host sees it: given as it is used, given back when freed."""

import re
import time

from uml import Guest, check

MIB = 1024


def shared_kib(pid):
    """Memory of the guest that the kernel process has mapped and touched."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"RssShmem:\s+(\d+) kB", f.read()).group(1))


def test_costs_nothing_until_used():
    with Guest("mem=4G", cmd=["sh", "-c", "echo up; read x"]) as g:
        g.until(rb"up\n")
        # The descriptors of 4 GiB's pages are a 64th of it.
        kib = shared_kib(g.kernel())
        check(kib < 160 * MIB, f"mem=4G has taken {kib} KiB at start")


def test_freed_memory_goes_back():
    script = ("mkdir -p /t; mount -t tmpfs t /t; echo up; read x;"
              "dd if=/dev/zero of=/t/f bs=1M count=200 2>/dev/null; echo full; read x;"
              "rm /t/f; echo freed; read x")
    with Guest("mem=512M", cmd=["sh", "-c", script]) as g:
        g.until(rb"up\n")
        before = shared_kib(g.kernel())
        g.send(b"\n")
        g.until(rb"full\n")
        full = shared_kib(g.kernel())
        check(full > before + 190 * MIB, f"200 MiB took {full - before} KiB")
        g.send(b"\n")
        g.until(rb"freed\n")
        end = time.monotonic() + 15
        while time.monotonic() < end:
            now = shared_kib(g.kernel())
            if now < before + 50 * MIB:
                return
            time.sleep(0.2)
        check(False, f"of {full - before} KiB {now - before} are still there after 15 s")
