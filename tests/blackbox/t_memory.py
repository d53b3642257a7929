# SPDX-License-Identifier: GPL-2.0
"""Guest memory as the host sees it: given as it is used, given back when freed."""

import re
import time

from disk import START, program
from uml import Guest, check, process_table

MIB = 1024
TASK_SIZE = 0x7c0000000000      # the stub lies above it


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


def kept_of_freed(*options):
    """200 MiB are written to a tmpfs and removed: how many KiB are not given back
    5 s later (or as soon as nearly all is), and how many were taken."""
    script = ("mkdir -p /t; mount -t tmpfs t /t; echo up; read x;"
              "dd if=/dev/zero of=/t/f bs=1M count=200 2>/dev/null; echo full; read x;"
              "rm /t/f; echo freed; read x")
    with Guest("mem=512M", *options, cmd=["sh", "-c", script]) as g:
        g.until(rb"up\n")
        before = shared_kib(g.kernel())
        g.send(b"\n")
        g.until(rb"full\n")
        full = shared_kib(g.kernel())
        check(full > before + 190 * MIB, f"200 MiB took {full - before} KiB")
        g.send(b"\n")
        g.until(rb"freed\n")
        end = time.monotonic() + 5
        while True:
            now = shared_kib(g.kernel())
            if now < before + 5 * MIB or time.monotonic() > end:
                break
            time.sleep(0.1)
        return now - before, full - before


def test_freed_memory_goes_back():
    kept, taken = kept_of_freed()
    check(kept < 5 * MIB, f"of {taken} KiB {kept} are still there after 5 s")


def test_freed_memory_stays_if_told():
    kept, taken = kept_of_freed("nopagereport")
    check(kept > 190 * MIB, f"of {taken} KiB only {kept} are there after 5 s")


def mappings(pid):
    with open(f"/proc/{pid}/maps", "rb") as f:
        return f.read().count(b"\n")


def test_what_the_kernel_unmaps_is_unmapped(tmp):
    """A mapping of the guest's kernel is one of the host's, and both go."""
    script = START + "echo start; read x; exec /p 900"
    with Guest("ubdpr=" + program(tmp, "filters.c"), cmd=["sh", "-c", script]) as g:
        g.until(rb"start\n")
        before = mappings(g.kernel())
        g.send(b"\n")
        g.until(rb"up\n")
        full = mappings(g.kernel())
        check(full > before + 300, f"900 filters are {full - before} mappings", g.words())
        g.send(b"\n")
        g.until(rb"freed\n")
        after = mappings(g.kernel())
        check(after <= before + 20, f"{before} mappings, {full} with 900 filters, "
              f"{after} when they are gone", g.words())


def space_kib(pid):
    """What a space costs the host: page tables, pages of its own, the pages of
    the stub, and what the host's kernel has for any process (a stack of 16 KiB,
    and as much in small structures). Guest memory that it maps is not counted:
    that is there once, whoever maps it. None when it has just ended.
    """
    try:
        with open(f"/proc/{pid}/status") as f:
            tables = int(re.search(r"VmPTE:\s+(\d+) kB", f.read()).group(1))
        with open(f"/proc/{pid}/smaps") as f:
            maps = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ .*\n(?:\w+:.*\n)*?"
                              r"Rss:\s+(\d+) kB\n(?:\w+:.*\n)*?Anonymous:\s+(\d+) kB",
                              f.read(), re.M)
    except (AttributeError, OSError):
        return None
    check(maps, f"nothing is known of the mappings of {pid}")
    return 32 + tables + sum(int(rss) if int(start, 16) >= TASK_SIZE else int(anonymous)
                             for start, rss, anonymous in maps)


def small(g, what, least, most):
    table = process_table()
    costs = sorted(cost for cost in map(space_kib, g.pids() - {g.kernel()}) if cost)
    check(least <= len(costs) <= most, f"{len(costs)} spaces of {what}", table)
    check(costs[-1] <= 150, f"a space of {what} costs the host {costs[-1]} KiB", costs)


def test_spaces_are_small():
    script = ("for i in $(seq 60); do sleep 1000 & all=\"$all $!\"; done; echo all; "
              "read x; kill $all; wait; echo none; read x")
    with Guest(cmd=["sh", "-c", script]) as g:
        g.until(rb"all\n")
        # Those that have not come to their sleep yet are as small.
        small(g, "sleepers", 60, 90)
        g.send(b"\n")
        g.until(rb"none\n")
        end = time.monotonic() + 10
        while len(g.pids()) > 30 and time.monotonic() < end:
            time.sleep(0.1)
        small(g, "the pool", 10, 30)


def test_no_pool():
    script = ("for i in $(seq 20); do sleep 1000 & all=\"$all $!\"; done; echo all; "
              "read x; kill $all; wait; echo none; read x")
    with Guest("nopool", cmd=["sh", "-c", script]) as g:
        g.until(rb"all\n")
        g.send(b"\n")
        g.until(rb"none\n")
        # The kernel process, the seed, init and the shell, with an agent each at most.
        end = time.monotonic() + 10
        while len(g.pids()) > 8 and time.monotonic() < end:
            time.sleep(0.1)
        check(len(g.pids()) <= 8, "emptied spaces wait for the next program",
              process_table())
