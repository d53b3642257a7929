# SPDX-License-Identifier: GPL-2.0
"""What is done to a guest from outside: its host processes are killed, its
limits are small. One space that dies is one guest process that dies; a kernel
that dies leaves nothing.
"""

import os
import signal
import subprocess
import time

from uml import Failed, Guest, Skipped, check, ended, process_table, run, sh

LOOP = "while :; do :; done"


def busy(*scripts):
    """Some guest processes, then a word; input ends the guest."""
    lines = "".join(f"({s}) & " for s in scripts)
    return ["sh", "-c", lines + "sleep 0.3; echo up; read x; echo got $x"]


def kernel_dies(cmd):
    with Guest(cmd=cmd) as g:
        g.until(rb"up\n")
        check(len(g.pids()) > 1, "the guest is one host process: no spaces?")
        os.kill(g.kernel(), signal.SIGKILL)
        left = g.gone(1)
        table = process_table()
        check(not left, "left after a second: "
              + repr([(p, table.get(p)) for p in left]))


def test_kernel_killed():
    kernel_dies(busy())


def test_kernel_killed_with_sleepers():
    kernel_dies(busy(*["sleep 100"] * 20))


def test_kernel_killed_under_load():
    kernel_dies(busy(LOOP, LOOP, "while :; do true; done"))


def test_kernel_killed_while_forking():
    kernel_dies(busy("while :; do /bin/true; done", "while :; do /bin/true; done"))


def kernel_crashes(g, number):
    """It ends, or it is an oops: a task dies and the guest goes on and ends."""
    g.until(rb"up\n")
    os.kill(g.kernel(), number)
    left = g.gone(2)
    if left:
        g.send(b"end\n")
        g.until(rb"got end\n", 5)
        g.wait(10)
        left = g.gone(1)
    else:
        check(g.status() != 0, f"{number.name} gave status 0")
    check(not left, f"{number.name}: left processes {left}")


def test_kernel_crashes_idle():
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
        with Guest(cmd=busy("sleep 100")) as g:
            kernel_crashes(g, number)


def test_kernel_crashes_busy():
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
        with Guest(cmd=busy("sleep 100", LOOP)) as g:
            kernel_crashes(g, number)


def test_killed_in_boot():
    """At any moment of the boot, the probes of the host above all."""
    for ms in [n * 1.3 for n in range(40)] + list(range(60, 400, 40)):
        with Guest(cmd=["sh", "-c", "while :; do /bin/true; done"]) as g:
            time.sleep(ms / 1000)
            g.proc.kill()
            left = g.gone(1)
            check(not left, f"killed after {ms:.1f} ms: left {left}")


def one_space_dies(script, number=signal.SIGKILL):
    """Find the host process of a guest process by the CPU time it used, and
    send it a signal. @script runs in the background and says "started".
    """
    with Guest(cmd=["sh", "-c", "while read x; do eval \"$x\"; done; echo end"]) as g:
        g.send(b"sleep 1000 & other=$!; mkfifo /tmp/fifo; echo ready\n")
        g.until(rb"ready\n")
        before = process_table()
        g.send(script + b" & p=$!\n")
        g.until(rb"started\n")
        time.sleep(0.5)
        after, kernel = process_table(), g.kernel()
        used = {p: after[p][3] - before.get(p, after[p])[3] + (p not in before)
                for p in g.pids() if p in after and p != kernel}
        space = max(used, key=used.get)
        os.kill(space, number)
        if number == signal.SIGKILL:
            g.send(b"wait $p; echo status $?\n")
            status = int(g.until(rb"status (\d+)\n", 5).group(1))
            check(status > 128, f"the guest process ended with {status}", g.words())
        g.send(b"kill -0 $other && /bin/echo other lives\n")
        g.until(rb"other lives\n", 5)
        g.proc.stdin.close()
        check(g.wait() == 0, f"status {g.status()}", g.words())
        check(not g.gone(1), "processes are left")


def storm(pid, numbers, seconds):
    """A process that sends signals as quickly as it can."""
    child = os.fork()
    if child:
        return child
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(100):
                for number in numbers:
                    os.kill(pid, number)
    except OSError:
        pass
    finally:
        os._exit(0)


def test_kernel_gets_many_signals():
    """However many of the signals that it lives on: its stack for them holds."""
    numbers = (signal.SIGCHLD, signal.SIGIO, signal.SIGALRM, signal.SIGWINCH)
    with Guest(cmd=busy(LOOP, "while :; do /bin/true; done")) as g:
        g.until(rb"up\n")
        senders = [storm(g.kernel(), numbers, 3) for _ in range(3)]
        for sender in senders:
            os.waitpid(sender, 0)
        check(g.proc.poll() is None, f"the guest died: {g.status()}", g.words())
        g.send(b"end\n")
        g.until(rb"got end\n")
        ended(g.result(), 0)


def test_space_killed_busy():
    one_space_dies(b"(echo started; while :; do :; done)")


def test_space_killed_in_system_calls():
    one_space_dies(b"(echo started; while :; do echo; done > /dev/null)")


def test_space_killed_asleep():
    one_space_dies(b"(i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done;"
                   b"echo started; read y < /tmp/fifo)")


def test_space_gets_other_signals():
    """What a user's stray kill might send to a space: no harm to the rest."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGSEGV, signal.SIGSTOP,
                   signal.SIGCONT, signal.SIGUSR1, signal.SIGALRM, signal.SIGTRAP):
        try:
            one_space_dies(b"(echo started; while :; do :; done)", number)
        except Failed as e:
            raise Failed(f"{number.name} to a space: {e}") from None


def test_stopped_for_a_while():
    """Whoever ran when the guest was stopped need not wait as long afterwards."""
    def loop(name):
        return (f"i=0; while :; do i=$((i+1)); [ $((i % 1000)) = 0 ] && "
                f"echo {name}; done")

    with Guest(cmd=["sh", "-c", f"({loop('a')}) & ({loop('b')}) & wait"]) as g:
        g.until(rb"a\n")
        g.until(rb"b\n")
        pids = g.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(12)
        before = len(g.out())
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        g.until(rb"([ab]\n){300}", stream=lambda: g.out()[before:])
        seen = g.out()[before:]
        few = min(seen.count(b"a"), seen.count(b"b"))
        check(few >= 30, f"of two loops one went round {few} thousand times, "
              f"the other {300 - few} thousand")


def test_init_space_killed():
    """Process 1 of the guest: that is a panic, not a hang."""
    with Guest(cmd=["sh", "-c", "echo up; read x"]) as g:
        g.until(rb"up\n")
        time.sleep(0.2)
        for pid in g.pids() - {g.kernel()}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        g.proc.stdin.close()
        status = g.wait(10)
        check(status not in (None, 0), f"status {status}", g.words())
        check(not g.gone(1), "processes are left")


def test_seed_killed():
    """The process that spaces are made from: nothing new starts, all else lives."""
    script = "sleep 1000 & echo up; while read x; do (echo fine); echo $?; done; echo end"
    with Guest("nopool", cmd=["sh", "-c", script]) as g:
        g.until(rb"up\n")
        time.sleep(0.3)     # until sleep has begun
        seed = min(g.pids() - {g.kernel()})     # the first that was made
        g.send(b"a\n")
        g.until(rb"fine\n0\n")
        os.kill(seed, signal.SIGKILL)
        g.send(b"a\n")
        g.until(rb"all others are made from is gone", stream=g.err)
        g.until(rb"can't fork")
        status = g.wait(10)
        check(status == 2, f"status {status}", g.words())   # the shell's
        check(not g.gone(1), "processes are left")


def test_keyboard_interrupt_of_the_group():
    """A launcher's Ctrl-C, with pipes: SIGINT to all of them; nothing is left."""
    with Guest(cmd=busy("sleep 100")) as g:
        g.until(rb"up\n")
        os.killpg(g.pid, signal.SIGINT)
        g.wait(10)
        check(not g.gone(1), "processes are left")


def test_killed_group():
    with Guest(cmd=busy("sleep 100", LOOP)) as g:
        g.until(rb"up\n")
        os.killpg(g.pid, signal.SIGKILL)
        check(not g.gone(1), "processes are left")


def limited(script, *options, cmd=("echo", "hello"), seconds=20):
    """Under a limit of the host: it works, or ends with a word."""
    r = run(*options, cmd=list(cmd), seconds=seconds,
            wrap=["sh", "-c", script + '; exec "$@"', "sh"])
    check(not r.left, f"left processes: {r.left}", r)
    if r.status == 0:
        check(r.out == b"hello\n", "the output is lost", r)
        return r
    check(r.status in (1, 134, 137), f"ended with status {r.status}", r)
    check(r.err.strip(), "no word of why it ended", r)
    return r


def test_small_address_space():
    for kib in (16000, 100000, 200000, 300000, 500000):
        r = limited(f"ulimit -v {kib}")
        check(r.status in (0, 1), f"ulimit -v {kib}: status {r.status}", r)


def test_small_file_size():
    """ulimit -f must not turn guest memory into SIGXFSZ."""
    r = limited("ulimit -f 1000")
    check(r.status in (0, 1), f"status {r.status}", r)


def test_few_files():
    for number in (4, 8, 16):
        limited(f"ulimit -n {number}")


def test_small_stack():
    limited("ulimit -s 64")


def test_no_core_files():
    limited("ulimit -c 0; ulimit -l 0")


def test_many_files_inherited():
    """Descriptors of the caller that are open do no harm."""
    r = run(cmd=["echo", "hello"], wrap=[
        "bash", "-c", 'for i in $(seq 20 60); do eval "exec $i</dev/null"; done;'
        'exec "$@"', "sh"])
    ended(r, 0)


def test_ignored_and_blocked_signals():
    """A caller may leave SIGCHLD ignored and signals blocked."""
    code = ("import os,signal,sys\n"
            "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
            "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n")
    r = run(cmd=["sh", "-c", "sleep 0.1; echo hello"],
            wrap=["python3", "-c", code])
    ended(r, 0)
    check(r.out == b"hello\n", "the output is lost", r)


def test_odd_environment():
    r = run(cmd=["echo", "hello"], wrap=["env", "-i"])
    ended(r, 0)
    r = run(cmd=["echo", "hello"], env={f"V{i}": "x" * 1000 for i in range(200)})
    ended(r, 0)
    check(r.out == b"hello\n", "the output is lost", r)


def test_guest_out_of_memory():
    """A guest that wants more than mem=: its OOM killer, and the guest lives."""
    r = sh("tail /dev/zero; echo status $?", "mem=64M", seconds=30)
    ended(r, 0)
    check(b"status 137" in r.out or b"status 1\n" in r.out,
          "no process was killed", r)


test_guest_out_of_memory.seconds = 45


def memory_group(limit):
    """Words that run a program in a control group of the host with so much memory."""
    for top, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                      ("/sys/fs/cgroup", "memory.max")):
        group = f"{top}/uml-test.{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            with open(f"{group}/{file}", "w") as f:
                f.write(str(limit))
            return group, ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        except OSError:
            os.rmdir(group)
    raise Skipped("no control group of the host for memory that we may make")


def test_host_out_of_memory():
    """The host has less than mem= says: when that is found out somebody is killed, and
    be it the kernel process. Nothing hangs and nothing is left.
    """
    group, wrap = memory_group(150 << 20)
    try:
        r = sh("mkdir /t; mount -t tmpfs -o size=900M t /t; echo up;"
               "dd if=/dev/zero of=/t/f bs=1M count=800 2>/dev/null; echo status $?;"
               "/bin/echo lives", "mem=1G", wrap=wrap, seconds=60)
        check(not r.left, f"left processes: {r.left}", r)
        check(b"up\n" in r.out, "it did not come up", r)
        check(b"status 0\n" not in r.out, "800 MiB within a limit of 150?", r)
        check(r.status == 137 or (r.status == 0 and b"lives\n" in r.out),
              "neither killed nor alive", r)
    finally:
        end = time.monotonic() + 5
        while True:
            try:
                os.rmdir(group)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


test_host_out_of_memory.seconds = 90


def test_address_space_just_enough():
    """RLIMIT_AS leaves little beside mem=: what does not fit fails in the guest or ends
    it with a word, whether at boot or when many programs run.
    """
    script = ("exec 2>/dev/null; (for i in $(seq 60); do sleep 100 & done; mkdir /t; mount -t tmpfs t /t;"
              "dd if=/dev/zero of=/t/f bs=1M count=60; tail /dev/zero) >/dev/null;"
              "killall sleep; echo hello")
    booted = 0
    for mib in (130, 140, 160, 200, 300, 400):
        r = limited(f"ulimit -v {mib << 10}", "mem=128M", cmd=("sh", "-c", script), seconds=30)
        booted += r.status == 0
    check(booted, "within no limit it booted", r)


test_address_space_just_enough.seconds = 120


def test_two_guests_at_once():
    guests = [Guest(cmd=["sh", "-c", f"sleep 0.5; echo {i}"],
                    stdin=subprocess.DEVNULL) for i in range(4)]
    try:
        for i, g in enumerate(guests):
            check(g.wait() == 0, f"guest {i}: status {g.status()}", g.words())
            check(g.out() == b"%d\n" % i, f"guest {i} wrote {g.out()!r}")
    finally:
        for g in guests:
            g.end()


