# SPDX-License-Identifier: GPL-2.0
"""An interrupt that comes between a vCPU's look at what is pending and its sleep, at
each instruction (arch/um/host/sleep.S): the vCPU does not go to sleep over it.

The kernel process is stopped there; a word comes on the console, for which the
thread that watches the console sends it the signal; then it goes on to one of two
breakpoints: at the call that sleeps, or past it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time

from uml import LINUX, Guest, Skipped, check

CONT, STEP, GETREGS, SETREGS, DETACH, SEIZE, INTERRUPT = 7, 9, 12, 13, 17, 0x4206, 0x4207
WALL = 0x40000000
RIP = 16                    # in struct user_regs_struct
INT3 = b"\xcc"

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.ptrace.restype = ctypes.c_long


def symbols():
    names = subprocess.run(["nm", LINUX], capture_output=True, text=True, check=True).stdout
    at = {words[2]: int(words[0], 16) for words in map(str.split, names.splitlines())}
    return [at["__host_sleep" + rest] for rest in ("", "_call", "_out")]


class Vcpu:
    """The first thread of a kernel process, traced and stopped."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self.ptrace(SEIZE)
        except OSError as e:
            raise Skipped(f"the kernel process cannot be traced here: {e}") from None
        self.ptrace(INTERRUPT)
        self.wait()

    def ptrace(self, request, data=0):
        if libc.ptrace(request, self.pid, 0, data) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x}) of {self.pid}")

    def wait(self):
        """Return: the signal that it stops with."""
        _, status = os.waitpid(self.pid, WALL)
        check(os.WIFSTOPPED(status), f"the kernel process ended with {status:#x}")
        return os.WSTOPSIG(status)

    def where(self, move_to=None):
        regs = (ctypes.c_ulong * 27)()
        self.ptrace(GETREGS, ctypes.addressof(regs))
        if move_to:
            regs[RIP] = move_to
            self.ptrace(SETREGS, ctypes.addressof(regs))
        return regs[RIP]

    @contextlib.contextmanager
    def breakpoints(self, *places):
        with open(f"/proc/{self.pid}/mem", "r+b", 0) as f:
            before = []
            for at in places:
                f.seek(at)
                before.append(f.read(1))
                f.seek(at)
                f.write(INT3)
            yield
            for at, code in zip(places, before):
                f.seek(at)
                f.write(code)

    def go_to_one_of(self, *places):
        """Go on, signals and all. Return: the first of the places that it comes to."""
        number = 0
        with self.breakpoints(*places):
            while number != signal.SIGTRAP:
                self.ptrace(CONT, number)
                number = self.wait()
            return self.where(self.where() - 1)

    def steps(self, count):
        """Return: 0, or another signal, which came first."""
        for _ in range(count):
            self.ptrace(STEP)
            number = self.wait()
            if number != signal.SIGTRAP:
                return number
        return 0

    def signalled(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return any(line.startswith("SigPnd:") and int(line.split()[1], 16) for line in f)


def test_on_the_way():
    first, call, out = symbols()
    with Guest(cmd=["sh", "-c", "echo up; while read x; do echo got $x; done"]) as g:
        g.until(rb"up\n")
        at = steps = tries = 0
        while at != call:
            tries += 1
            time.sleep(0.1)         # it reads
            v = Vcpu(g.kernel())
            check(v.go_to_one_of(first) == first, "another breakpoint")
            early = v.steps(steps)
            at = v.where()
            if early:               # a timer's signal; another time
                check(tries < 60, f"{tries} times another signal came")
                v.ptrace(DETACH, early)
                at = 0
                continue
            check(first <= at <= call, f"{steps} instructions behind {first:#x} is {at:#x}")
            g.send(b"%d\n" % steps)
            end = time.monotonic() + 10
            while not v.signalled():
                check(time.monotonic() < end, "no signal for what came on the console")
                time.sleep(0.001)
            check(v.go_to_one_of(call, out) == out, f"signalled at {at:#x}, it sleeps")
            v.ptrace(DETACH)
            g.until(rb"got %d\n" % steps)
            steps += 1
        check(steps > 4, f"only {steps} instructions")
