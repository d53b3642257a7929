#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""slow.py NAME[,NAME...] SECONDS PROGRAM [ARG...] - run with slow system calls.

Each of the named calls waits before it is carried out, as if the host's disk
were slow: a seccomp filter hands it to a process that stands aside, sleeps, and
lets it go on. That process ends when the last of the others has ended.
"""

import array
import ctypes
import fcntl
import os
import select
import socket
import struct
import sys
import time

from refuse import PR_SET_NO_NEW_PRIVS, program

SECCOMP, SET_MODE_FILTER, NEW_LISTENER = 317, 1, 1 << 3
NOTIFY = 0x7FC00000
RECEIVE, SEND = 0xC0502100, 0xC0182101      # ioctls of a listener
CONTINUE = 1


def stand_aside(sock, seconds):
    """Receive the listener; let each call go on after @seconds."""
    os.setsid()
    listener = array.array("i", sock.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])[0]
    # What the guest's reader waits for the end of is not held open by us.
    null = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while True:
        if poll.poll()[0][1] & select.POLLHUP:
            return
        call = bytearray(80)
        try:
            fcntl.ioctl(listener, RECEIVE, call)
            time.sleep(seconds)
            number, = struct.unpack_from("=Q", call)
            fcntl.ioctl(listener, SEND, struct.pack("=QqiI", number, 0, 0, CONTINUE))
        except FileNotFoundError:
            pass        # who called has ended


def main():
    ours, theirs = socket.socketpair()
    first = os.fork()
    if not first:
        if not os.fork():
            ours.close()
            stand_aside(theirs, float(sys.argv[2]))
        os._exit(0)     # so that the program gets no child that it does not know
    os.waitpid(first, 0)
    theirs.close()
    code, count = program(sys.argv[1].split(","), NOTIFY)
    buffer = ctypes.create_string_buffer(code)
    fprog = struct.pack("@HP", count, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    listener = -1
    if not libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        listener = libc.syscall(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, fprog)
    if listener < 0:
        sys.exit(f"slow.py: no filter: {os.strerror(ctypes.get_errno())}")
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
    os.close(listener)
    ours.close()
    os.execvp(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
