#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""refuse.py NAME[,NAME...][=ERROR] PROGRAM [ARG...] - run with some system calls refused.

A seccomp filter makes the named calls fail with EPERM, as the profile of a
container does, or with ERROR, and allows all others. NAME/N/VALUE refuses the
call only when its argument N, from 0, has VALUE. x86-64 only.
"""

import ctypes
import errno
import os
import struct
import sys

NUMBERS = {
    "ptrace": 101, "prctl": 157, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427,
    "process_vm_readv": 310, "process_vm_writev": 311, "seccomp": 317,
    "memfd_create": 319, "userfaultfd": 323, "pidfd_open": 434, "clone3": 435,
    "epoll_pwait2": 441, "landlock_create_ruleset": 444, "unshare": 272, "timerfd_create": 283, "signalfd4": 289, "eventfd2": 290,
    "sched_setaffinity": 203, "sched_setscheduler": 144, "personality": 135, "fallocate": 285,
    "preadv": 295, "pwritev": 296, "preadv2": 327, "pwritev2": 328, "fdatasync": 75,
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06      # of classic BPF
NR, ARGS = 0, 16                            # where struct seccomp_data has them
ALLOW, FAIL = 0x7FFF0000, 0x00050000


def program(calls, verdict):
    """Find the number, and the argument where one is given: the verdict, or on to the next."""
    code = []
    for call in calls:
        name, *argument = call.split("/")
        code += [(LOAD, 0, 0, NR), (EQUAL, 0, 3 if argument else 1, NUMBERS[name])]
        if argument:
            number, value = map(int, argument)
            code += [(LOAD, 0, 0, ARGS + 8 * number), (EQUAL, 0, 1, value)]
        code += [(RETURN, 0, 0, verdict)]
    code += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *c) for c in code), len(code)


def main():
    names, _, error = sys.argv[1].partition("=")
    code, count = program(names.split(","), FAIL | getattr(errno, error or "EPERM"))
    buffer = ctypes.create_string_buffer(code)
    fprog = struct.pack("@HP", count, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) \
            or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0):
        sys.exit(f"refuse.py: no filter: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
