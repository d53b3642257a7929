# SPDX-License-Identifier: GPL-2.0
"""A kick that comes while the stub deals with the last one, at each instruction.

The runner of a guest program that waits is stopped where it waits for commands;
its kernel gives it one; a kick arrives, some instructions are carried out, and as
soon as the stub has said that the first has arrived a second may come. However
many instructions, the program goes on as if nothing was.
"""

import ctypes
import functools
import os
import signal
import struct
import subprocess
import time

from disk import START, program
from uml import LINUX, Failed, Guest, Skipped, about_seccomp, check

CONT, STEP, GETREGS, DETACH, SEIZE, INTERRUPT = 7, 9, 12, 17, 0x4206, 0x4207
WALL = 0x40000000
RIP = 16                    # in struct user_regs_struct
KICK = signal.SIGURG        # STUB_SIG_KICK
AREA, KICKED = 0x2000, 12   # from the stub's code to struct stub_area; in that
STEPS = 60                  # more than the handler of a kick has

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.ptrace.restype = ctypes.c_long


def switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return [line for line in f if "ctxt" in line]


def runner_of_reader(g):
    """The one that a word on the console wakes."""
    others = g.pids() - {g.kernel()}
    time.sleep(0.3)
    before = {pid: switches(pid) for pid in others}
    g.send(b"first\n")
    g.until(rb"got first\n")
    time.sleep(0.1)
    woken = [pid for pid in others if switches(pid) != before[pid]]
    check(len(woken) == 1, f"{woken} of {others} were woken")
    return woken[0]


@functools.cache
def handler_size():
    """In bytes: from the start of the stub to what follows the handler."""
    names = subprocess.run(["nm", LINUX], capture_output=True, text=True, check=True).stdout
    at = {words[2]: int(words[0], 16)
          for words in map(str.split, names.splitlines()) if words[-1].startswith("rstub_")}
    return at["rstub_syscall"] - at["rstub_handler"]


class Runner:
    """A runner that is traced and, to begin with, stopped in the stub."""

    def __init__(self, pid):
        self.pid = pid
        try:
            self.ptrace(SEIZE)
        except OSError as e:
            raise Skipped(f"the runner cannot be traced here: {e}") from None
        self.ptrace(INTERRUPT)
        check(self.stop() == 0, "the runner does not wait")
        self.code = self.where() & ~0xfff

    def ptrace(self, request, data=0):
        if libc.ptrace(request, self.pid, 0, data) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace({request:#x}) of {self.pid}")

    def stop(self):
        """The signal that it stops with; 0 for an interrupt."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            done, status = os.waitpid(self.pid, os.WNOHANG | WALL)
            if done:
                check(os.WIFSTOPPED(status), f"the runner ended with {status:#x}")
                return 0 if status >> 16 else os.WSTOPSIG(status)
            time.sleep(0.0002)
        raise Failed("the runner does not stop")

    def where(self):
        regs = (ctypes.c_ulong * 27)()
        self.ptrace(GETREGS, ctypes.addressof(regs))
        return regs[RIP]

    def in_handler(self):
        """Behind it a kick may find the stub with orders, and none is sent then."""
        return self.code <= self.where() < self.code + handler_size()

    def kicked(self, value=None):
        """The stub's word that a kick has arrived; taken back with a value."""
        with open(f"/proc/{self.pid}/mem", "r+b", 0) as f:
            f.seek(self.code + AREA + KICKED)
            if value is None:
                return struct.unpack("I", f.read(4))[0]
            return f.write(struct.pack("I", value))

    def kick(self, request):
        """A kick is sent, reported, and delivered by @request."""
        self.kicked(0)
        os.kill(self.pid, KICK)
        self.ptrace(CONT)
        check(self.stop() == KICK, "another signal than the kick")
        self.ptrace(request, KICK)

    def step(self):
        """Return: is it still in the handler."""
        number = KICK
        while number == KICK:       # the kernel's own; those of the test stand for it
            self.ptrace(STEP)
            number = self.stop()
        check(number == signal.SIGTRAP, f"signal {number} within the handler")
        return self.in_handler()

    def leave(self):
        self.ptrace(INTERRUPT)
        self.ptrace(DETACH, self.stop())


def two_kicks(g, pid, steps):
    """Return: how many instructions of the handler there were, @steps at most."""
    r, done = Runner(pid), 0
    g.send(b"%d\n" % steps)
    time.sleep(0.01)            # the kernel's command is there
    r.kick(STEP)
    check(r.stop() == signal.SIGTRAP and r.in_handler(), "no step into the handler")
    while done < steps and r.step():
        done += 1
    if done == steps and r.kicked():
        r.kick(CONT)
    else:
        r.ptrace(CONT)
    time.sleep(0.002)
    r.leave()
    g.until(rb"got %d\n" % steps, 5)
    return done


def test_kick_within_a_kick(tmp):
    with Guest("skas0=seccomp", "ubdpr=" + program(tmp, "echoes.c"),
               cmd=["sh", "-c", START + "exec /p"]) as g:
        g.until(rb"up\n")
        pid = runner_of_reader(g)
        for n in range(STEPS):
            if two_kicks(g, pid, n) < n:
                break
        check(12 < n < STEPS - 1, f"the handler has {n} instructions?")


about_seccomp(globals(), "kick_within_a_kick")
