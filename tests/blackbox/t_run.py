# SPDX-License-Identifier: GPL-2.0
"""uml run: a command in a guest is like a command here. Its bytes, its status,
its signals; and nothing is left of it.
"""

import hashlib
import os
import signal
import subprocess
import time

from launcher import LIMIT, UML, command, ended, read_until, run, said, sh, start
from uml import INITRAMFS, LINUX, check, family, process_table


def test_status_of_true_and_false():
    ended(run("true"), 0)
    ended(run("false"), 1)


def test_every_kind_of_status():
    ended(sh("exit 77"), 77)
    ended(sh("kill -TERM $$"), 128 + signal.SIGTERM)
    ended(sh("kill -KILL $$"), 128 + signal.SIGKILL)


def test_first_output():
    """Is there within 250 ms of the start, in the best of several tries on a busy machine."""
    best = 1000
    for _ in range(20):
        begin = time.monotonic()
        with start("echo", "first", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
            read_until(p.stdout, b"first\n")
            best = min(best, (time.monotonic() - begin) * 1000)
        if best <= 250:
            return
    check(False, f"the first output came after {best:.0f} ms")


test_first_output.alone = True


def test_not_found():
    said(ended(run("no-such-program"), 127), b"no-such-program: not found")
    said(ended(run("/no/such/program"), 127), b"not found")


def test_not_executable():
    said(ended(run("/etc/passwd"), 126), b"cannot run /etc/passwd: Permission denied")
    said(ended(run("/etc"), 126), b"Permission denied")


def test_binary_both_ways():
    data = os.urandom(1 << 20) + bytes(range(256)) + b"\r\n\x04\x00\x16\x03"
    done = ended(run("cat", input=data), 0)
    check(done.stdout == data, f"{len(done.stdout)} bytes came back, and not the same")
    check(done.stderr == b"", f"stderr: {done.stderr!r}")
    done = ended(run("sha256sum", input=data), 0)
    check(done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest(), "changed")


def test_input_that_fails():
    """What cannot be read is no end of the input, which the command would take for a success."""
    for path, why in (("/", b"Is a directory"), ("/proc/self/mem", b"Input/output error")):
        fd = os.open(path, os.O_RDONLY)
        try:
            done = ended(run("cat", stdin=fd), 125)
        finally:
            os.close(fd)
        said(done, b"cannot read standard input: " + why)
        check(done.stdout == b"", f"stdout: {done.stdout!r}")
    # As nohup gives it: whoever reads gets an error, and whoever does not goes on.
    with open("/dev/null", "wb") as f:
        check(ended(run("echo", "on", stdin=f), 0).stdout == b"on\n", "no output")


def limited(limit, *words, **more):
    return subprocess.run(["bash", "-c", f'ulimit {limit}; exec "$@"', "bash", *words],
                          capture_output=True, timeout=LIMIT, **more)


def test_small_stack():
    data = os.urandom(300000)
    done = ended(limited("-s 64", *command("cat"), input=data), 0)
    check(done.stdout == data, f"{len(done.stdout)} bytes came back, and not the same")


def test_few_descriptors():
    """It is said what there is too little of."""
    for n in (14, 16, 20, 24):
        said(ended(limited(f"-n {n}", *command("true"), stdin=subprocess.DEVNULL), 125),
             f"may have {n} open files, which is too few: raise ulimit -n".encode())
    ended(limited("-n 64", *command("true"), stdin=subprocess.DEVNULL), 0)


def test_stopped_command_is_ended():
    """As timeout(1) does it: SIGCONT behind SIGTERM is the command's."""
    p = start("sh", "-c", "echo up; kill -STOP $$; echo on", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        read_until(p.stdout, b"up\n")
        p.send_signal(signal.SIGTERM)
        p.send_signal(signal.SIGCONT)
        out, _ = p.communicate(timeout=10)
        check(p.returncode == 143 and out == b"", f"{p.returncode} {out!r}")
    finally:
        p.kill()
        p.communicate()


def test_umask():
    """The caller's is the command's."""
    for mask in (0o077, 0o002, 0o022):
        done = ended(run("sh", "-c", "umask", umask=mask), 0)
        check(int(done.stdout, 8) == mask, f"{mask:o} here, {done.stdout!r} there")
        done = subprocess.run([UML, "run", "--dry-run", "--root", "none", "--kernel", LINUX, "--", "sh", "-c",
                               "umask"], capture_output=True, timeout=LIMIT, umask=mask)
        done = ended(subprocess.run(["sh", "-c", done.stdout], capture_output=True, timeout=LIMIT,
                                    stdin=subprocess.DEVNULL), 0)
        check(int(done.stdout, 8) == mask, f"{mask:o} here, {done.stdout!r} without a launcher")


def test_stderr_apart():
    done = ended(sh("echo one; echo two >&2; echo three; echo four >&2"), 0)
    check(done.stdout == b"one\nthree\n", f"stdout: {done.stdout!r}")
    check(done.stderr == b"two\nfour\n", f"stderr: {done.stderr!r}")


def test_verbose():
    """-v: the kernel's messages are on stderr, and stdout has the command's output alone."""
    done = ended(sh("echo one; echo two >&2", options=["-v"]), 0)
    check(done.stdout == b"one\n", f"stdout: {done.stdout!r}")
    lines = done.stderr.replace(b"\r", b"").splitlines()
    check(b"two" in lines, f"stderr: {done.stderr!r}")
    check([line for line in lines if b"Linux version 6." in line]
          and [line for line in lines if b"Run /init as init process" in line],
          f"no messages of the kernel: {done.stderr!r}")
    done = ended(sh("echo one; echo two >&2"), 0)
    check(done.stderr == b"two\n", f"without -v: {done.stderr!r}")


def test_no_input():
    done = ended(run("cat", stdin=subprocess.DEVNULL), 0)
    check(done.stdout == b"", "something came")


def closed(redirection, script):
    words = command("sh", "-c", script)
    return subprocess.run(["sh", "-c", f'"$@" {redirection}', "sh", *words],
                          capture_output=True, timeout=LIMIT)


def test_closed_standard_files():
    done = closed("<&-", "cat; echo status $?")
    check(b"Bad file descriptor" in done.stderr and b"status 1" in done.stdout,
          f"{done.stdout!r} {done.stderr!r}")
    done = closed(">&-", "echo x; echo status $? >&2")
    check(b"Bad file descriptor" in done.stderr and b"status 1" in done.stderr,
          f"{done.stderr!r}")
    done = closed("2>&-", "echo x 2>/dev/null >&2 || echo closed")
    check(done.stdout in (b"", b"closed\n") and done.returncode == 0,
          f"{done.returncode} {done.stdout!r}")
    check(closed("<&- >&- 2>&-", "exit 9").returncode == 9, "the status is lost")


def test_full_disk():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command("seq", "100000"), stdout=full, stderr=subprocess.PIPE,
                              timeout=LIMIT)
    said(ended(done, 125), b"No space left on device")


def test_reader_goes_away():
    """As `yes | head -1` here: SIGPIPE ends the command."""
    done = subprocess.run(["bash", "-c", '"$@" | head -n 1; echo ${PIPESTATUS[0]}', "-",
                           *command("yes")], capture_output=True, timeout=LIMIT)
    check(done.stdout == b"y\n141\n", f"{done.stdout!r} {done.stderr!r}")


def test_stalled_reader():
    """Nobody reads stdout; stderr and the signal to end pass all the same."""
    p = start("sh", "-c", "yes & sleep 0.5; echo here >&2; wait", stdin=subprocess.DEVNULL,
              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        read_until(p.stderr, b"here\n")
        p.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        while os.read(p.stdout.fileno(), 1 << 20):
            pass
        check(p.wait(10) == 128 + signal.SIGTERM, f"status {p.returncode}")
    finally:
        p.kill()
        p.communicate()


def test_signals_are_forwarded():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT,
                   signal.SIGUSR1, signal.SIGUSR2):
        was = signal.signal(number, signal.SIG_DFL)     # nohup(1) may have started us
        p = start("sh", "-c", f"trap 'echo got; exit 5' {number.name[3:]}; echo ready;"
                  "while :; do sleep 0.1; done", stdin=subprocess.DEVNULL,
                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        signal.signal(number, was)
        try:
            read_until(p.stdout, b"ready\n")
            p.send_signal(number)
            read_until(p.stdout, b"got\n")
            check(p.wait(10) == 5, f"{number.name}: status {p.returncode}")
        finally:
            p.kill()
            p.communicate()


def test_ignored_signals_stay_ignored():
    """As nohup makes them."""
    done = subprocess.run(["sh", "-c", 'trap "" HUP; "$@" & sleep 0.1; kill -HUP $!; wait $!',
                           "sh", *command("sh", "-c", "sleep 0.5; exit 4")], timeout=LIMIT)
    check(done.returncode == 4, f"status {done.returncode}")


def test_timeout():
    begin = time.monotonic()
    ended(run("sleep", "100", options=["--timeout", "1"]), 124)
    check(time.monotonic() - begin < 15, "it took too long")
    for long in ("1m", "2h", "1d"):
        ended(run("true", options=["--timeout", long]), 0)
    for never in ("0", "0.0d"):
        ended(run("sleep", "1", options=["--timeout", never]), 0)
    ended(sh("trap '' TERM; while :; do sleep 1; done", options=["--timeout", "0.5s"]), 124)


def test_killed_launcher():
    """SIGKILL to the launcher: no process of the guest is left a second later."""
    p = start("sh", "-c", "sleep 1000 & while :; do :; done", stdin=subprocess.DEVNULL)
    time.sleep(1.5)
    before = family(p.pid)
    kernels = {pid for pid, row in process_table().items() if row[0] == p.pid}
    check(kernels, "no guest was started")
    check(len(before) > 2, "the guest has no processes")
    p.kill()
    p.wait()
    end = time.monotonic() + 3
    while time.monotonic() < end:
        left = before & {pid for pid, row in process_table().items() if row[2] not in "ZX"}
        if not left:
            break
        time.sleep(0.05)
    check(not left, f"left: {left}")


def test_killed_kernel():
    p = start("sleep", "1000", stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(1)
    for pid, row in process_table().items():
        if row[0] == p.pid:
            os.kill(pid, signal.SIGKILL)
    _, err = p.communicate(timeout=10)
    check(p.returncode == 137 and b"killed by signal 9" in err, f"{p.returncode} {err!r}")


def test_kernel_that_crashes():
    """Its signal is not the command's."""
    p = start("sh", "-c", "echo up; exec sleep 1000", stdin=subprocess.DEVNULL,
              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    read_until(p.stdout, b"up\n")
    for pid, row in process_table().items():
        if row[0] == p.pid:
            os.kill(pid, signal.SIGSYS)
    _, err = p.communicate(timeout=10)
    check(p.returncode == 125 and b"the guest's kernel failed: signal 31" in err, f"{p.returncode} {err!r}")


def test_panic():
    done = ended(run("true", options=["--append", "rdinit=/nonexistent"]), 125)
    check(b"the guest's kernel panicked" in done.stderr and b"Kernel panic - not syncing" in done.stderr,
          f"{done.stderr!r}")


def test_panic_while_it_runs():
    """What the command has said is not lost, and its status is ours."""
    for _ in range(20):
        done = ended(sh("echo out; echo c >/proc/sysrq-trigger", options=["--user", "root"]), 125)
        check(done.stdout == b"out\n" and b"uml: the guest's kernel panicked\n" in done.stderr
              and b"sysrq triggered crash" in done.stderr, f"{done}")


def test_panic_after_many_lines():
    """Nor is the last line of a command that has said much a while before."""
    for _ in range(3):
        done = ended(sh("seq 100000; sleep 1; echo out; echo c >/proc/sysrq-trigger",
                        options=["--user", "root"]), 125)
        check(done.stdout.endswith(b"\n99999\n100000\nout\n"), f"{done.stdout[-100:]} {done.stderr}")


def test_poweroff_inside():
    ended(run("sh", "-c", "poweroff -f; sleep 100"), 0)


def test_leftovers_do_not_hold_it():
    """A background process keeps the output open; the command's end is the end."""
    done = ended(sh("sleep 1000 & echo started; exit 3"), 3)
    check(done.stdout == b"started\n", f"{done.stdout!r}")


def test_leftovers_that_write_do_not_hold_it():
    """Nor does one that fills the output for ever, while its reader is slow."""
    p = start("sh", "-c", "yes & sleep 0.5; exit 3", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        total, data = 0, b"x"
        while data and total < 8 << 20:
            data = os.read(p.stdout.fileno(), 4096)
            total += len(data)
            time.sleep(0.001)
        check(total < 8 << 20, "it writes on after the command's end")
        check(p.wait(LIMIT) == 3, f"status {p.returncode}")
    finally:
        p.kill()
        p.communicate()


def test_descriptors_are_not_inherited():
    """What uml was started with is not the guest's."""
    p = subprocess.Popen(["sh", "-c", 'exec "$@" 4</etc/passwd 5</etc/passwd 9</etc/passwd', "sh",
                          *command("sh", "-c", "echo up; cat")], start_new_session=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        read_until(p.stdout, b"up\n")
        kernel = [pid for pid, row in process_table().items() if row[0] == p.pid]
        check(kernel, "no guest was started")
        files = [os.readlink(f"/proc/{kernel[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{kernel[0]}/fd")]
        check("/etc/passwd" not in files, f"the kernel has {files}")
    finally:
        p.kill()
        p.communicate()


def inherited(program):
    """What @program has of the descriptors that uml was started with. It ends with uml."""
    p = subprocess.Popen(["sh", "-c", 'exec "$@" 4</etc/passwd 5<>/dev/zero 9</etc/passwd', "sh",
                          *program], start_new_session=True, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
    try:
        read_until(p.stdout, b"# ")
        return {name: os.readlink(f"/proc/{pid}/fd/{name}") for pid in family(p.pid) - {p.pid}
                for name in os.listdir(f"/proc/{pid}/fd")}
    finally:
        p.kill()
        p.communicate()


def test_descriptors_are_not_inherited_without_a_launcher(tmp):
    """Nor by a kernel that --initrd boots, nor by gdb; a network's is."""
    files = inherited([UML, "run", "-q", "--kernel", LINUX, "--initrd", INITRAMFS])
    check("/etc/passwd" not in files.values(), f"the kernel has {files}")
    with open(f"{tmp}/gdb", "w") as f:
        f.write("#!/bin/sh\nreadlink /proc/self/fd/* 2>/dev/null\n")
    os.chmod(f"{tmp}/gdb", 0o755)
    env = dict(os.environ, PATH=f"{tmp}:{os.environ['PATH']}")
    done = subprocess.run(["sh", "-c", 'exec "$@" 4</etc/passwd 5<>/dev/zero 9</etc/passwd', "sh", UML,
                           "run", "--kernel", LINUX, "--gdb", "--network", "fd=5"],
                          capture_output=True, env=env, timeout=LIMIT)
    check(b"/etc/passwd" not in done.stdout, f"gdb has {done.stdout!r}")
    check(b"/dev/zero" in done.stdout, f"gdb has not what was asked for: {done.stdout!r}")


def test_words_of_every_kind():
    words = [b"", b" ", b"a b", b"'", b'"', b"\\", b"$HOME", b"*", b"\n", b"-x", b"\xff\xfe\x80",
             "\u20ac".encode(), b"=", b":", b"%"]
    done = ended(run("sh", "-c", 'for i; do printf "%s|" "$i"; done', "sh", *words), 0)
    check(done.stdout == b"|".join(words) + b"|", f"{done.stdout!r}")


def test_many_and_long_words():
    words = [b"x" * 100000] * 10 + [b"w%d" % i for i in range(3000)]
    done = ended(run("sh", "-c", 'printf "%s\\n" "$@" | md5sum', "sh", *words), 0)
    want = hashlib.md5(b"".join(w + b"\n" for w in words)).hexdigest()
    check(done.stdout.split()[0].decode() == want, f"{done.stdout!r}")


def test_environment():
    env = {"PATH": os.environ["PATH"], "TERM": "vt100", "LANG": "C.UTF-8", "LC_TIME": "C",
           "SECRET": "s", "TOKEN": "t", "HOME": "/h"}
    done = subprocess.run(command("env", options=[
        "--env", "A=b c", "--env", "TOKEN", "--env", "NOT_SET", "--env", "A=last"]),
        capture_output=True, timeout=LIMIT, env=env)
    lines = ended(done, 0).stdout.decode().splitlines()
    for line in ("TERM=vt100", "LANG=C.UTF-8", "LC_TIME=C", "HOME=/h", "A=last", "TOKEN=t"):
        check(line in lines, f"no {line}", done.stdout.decode())
    check(not [w for w in lines if w.startswith(("SECRET", "NOT_SET", "UML_"))],
          "too much is passed", done.stdout.decode())


def test_big_environment():
    big = {f"V{i}": "x" * 50000 for i in range(20)}
    options = [word for name, value in big.items() for word in ("--env", f"{name}={value}")]
    done = ended(run("sh", "-c", "echo ${#V0} ${#V19}", options=options), 0)
    check(done.stdout == b"50000 50000\n", f"{done.stdout!r}")


def test_user():
    check(ended(run("id", "-u", options=["--user", "12"]), 0).stdout == b"12\n", "--user 12")
    done = ended(sh("id -u; id -g; echo $HOME", options=["--user", "root:7"]), 0)
    check(done.stdout == b"0\n7\n/root\n", f"{done.stdout!r}")
    said(ended(run("true", options=["--user", "nobody-here"]), 125), b"none of that name")
    mine = ended(run("id", "-u"), 0).stdout
    check(int(mine) == os.getuid(), f"by default it is {mine!r}")


def test_cwd():
    check(ended(run("pwd", options=["--cwd", "/etc"]), 0).stdout == b"/etc\n", "--cwd /etc")
    said(ended(run("pwd", options=["--cwd", "/nowhere"]), 125), b"--cwd /nowhere: the guest cannot go there")
    check(ended(run("pwd", cwd="/proc/self"), 0).stdout != b"", "no directory")


def test_memory():
    done = ended(run("sh", "-c", "head -1 /proc/meminfo", options=["--memory", "64M"]), 0)
    check(40000 < int(done.stdout.split()[1]) < 66000, f"{done.stdout!r}")


def test_several_at_once():
    running = [start("sh", "-c", f"sleep 0.3; exit {i}", stdin=subprocess.DEVNULL)
               for i in range(6)]
    got = [p.wait(LIMIT) for p in running]
    check(got == list(range(6)), f"{got}")


def test_nothing_is_left(tmp):
    env = dict(os.environ, HOME=tmp, TMPDIR=tmp, XDG_RUNTIME_DIR=tmp)
    subprocess.run(command("true"), env=env, timeout=LIMIT, check=True)
    p = start("sleep", "100", env=env, stdin=subprocess.DEVNULL)
    time.sleep(1)
    p.kill()
    p.wait()
    check(os.listdir(tmp) == [], f"left: {os.listdir(tmp)}")
