# SPDX-License-Identifier: GPL-2.0
"""linux-gdb.py: makes gdb know the kernel beside it, build/linux or an installed one.

gdb finds this file by its name beside the executable, and loads it if it is
told to trust it (docs/debugging.md). What it does:

  - the types of the kernel are read from gdb_types.o, and calls are followed by
    frame pointers, unless the executable itself has debug information;
  - the commands of the kernel tree's scripts/gdb (lx-ps, lx-dmesg, ...) are
    loaded, as the kernel's own vmlinux-gdb.py does it;
  - the signal that the kernel process repairs by itself, SIGSEGV, is passed on.
"""

import os
import re
import runpy
import sys

import gdb
from gdb.unwinder import Unwinder, register_unwinder

HERE = os.path.dirname(os.path.realpath(__file__))
INSTALLED = os.path.join(HERE, "gdb")       # tools/build/install puts all there
OBJ = os.path.join(HERE, "obj")
TYPES = os.path.join(INSTALLED, "gdb_types.o")
COMMANDS = os.path.join(INSTALLED, "vmlinux-gdb.py")
if not os.path.isdir(INSTALLED):
    TYPES = os.path.join(OBJ, "arch", "um", "kernel", "gdb_types.o")
    COMMANDS = os.path.join(OBJ, "vmlinux-gdb.py")
KERNEL = range(0x7c8000000000, 0x7d0000000000)      # asm/layout.h: image and modules
PROLOGUE = 64       # bytes of a function within which it makes its frame
PUSH_RBP, MOV_RSP_RBP, RET = b"\x55", b"\x48\x89\xe5", b"\xc3"


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class FramePointers(Unwinder):
    """
    The kernel is compiled with frame pointers. gdb alone trusts them only in
    functions whose first two instructions make the frame, but gcc puts others
    between these.
    """

    def __init__(self):
        super().__init__("linux-frame-pointers")

    def __call__(self, frame):
        pc, sp, bp = (int(frame.read_register(r)) % (1 << 64) for r in ("rip", "rsp", "rbp"))
        if pc not in KERNEL:
            return None
        name, start = self.function(pc)
        if name == "__restore_rt":      # a signal's frame, which gdb knows
            return None
        try:
            caller = self.caller(start, pc, sp, bp)
        except gdb.MemoryError:     # the end: bp is 0 in the first frame of a stack
            caller = 0, sp + 8, 0
        ulong = gdb.lookup_type("unsigned long")
        info = frame.create_unwind_info(FrameId(*(gdb.Value(v).cast(ulong)
                                                  for v in (caller[1], start))))
        for register, value in zip(("rip", "rsp", "rbp"), caller):
            info.add_saved_register(register, gdb.Value(value).cast(ulong))
        return info

    def caller(self, start, pc, sp, bp):
        """(pc, sp, bp) of who called the function."""
        done = self.read(start, min(pc - start, PROLOGUE))
        if self.read(pc, 1) == RET or not (PUSH_RBP in done or len(done) == PROLOGUE):
            return self.word(sp), sp + 8, bp
        if MOV_RSP_RBP in done or len(done) == PROLOGUE:
            return self.word(bp + 8), bp + 16, self.word(bp)
        return self.word(sp + 8), sp + 16, self.word(sp)

    @staticmethod
    def function(pc):
        """The name and begin of @pc's function; in a module, somewhere before."""
        found = re.match(r"(\S+)(?: \+ (\d+))? in section",
                         gdb.execute(f"info symbol {pc:#x}", to_string=True))
        return (found[1], pc - int(found[2] or 0)) if found else (None, pc - PROLOGUE)

    @staticmethod
    def read(address, size):
        return bytes(gdb.selected_inferior().read_memory(address, size)) if size else b""

    def word(self, address):
        return int.from_bytes(self.read(address, 8), "little")


def knows_types():
    try:
        return bool(gdb.parse_and_eval("init_task.comm").type)
    except gdb.error:
        return False


def load():
    gdb.execute("handle SIGSEGV nostop noprint pass", to_string=True)
    for file in (TYPES, COMMANDS):
        if not os.path.exists(file):
            raise gdb.GdbError(f"linux-gdb.py: {file} is not there; run 'make linux'")
    if not knows_types():
        # All at once: what is only declared is in no index by name.
        gdb.execute(f"add-symbol-file -readnow {TYPES}", to_string=True)
        if not knows_types():
            raise gdb.GdbError("linux-gdb.py: no lx- commands: this kernel's compiler describes"
                               " no variables that are only declared (build it with gcc, or"
                               " with CONFIG_DEBUG_INFO_DWARF5)")
        register_unwinder(None, FramePointers(), replace=True)
    runpy.run_path(COMMANDS, {"gdb": gdb, "sys": sys})
    import linux.cpus
    linux.cpus.get_current_task = lambda cpu=-1: gdb.parse_and_eval("*vcpu0.current_task")


load()
