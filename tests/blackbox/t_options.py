# SPDX-License-Identifier: GPL-2.0
"""Options that only print, the report of the host, and options that are wrong."""

import os
import re
import subprocess
import time

from t_confined import NOBODY, copy, mounts, need
from uml import INITRAMFS, TOP, TRANSPORT, Skipped, about_seccomp, check, ended, gave, run, sh

# In this order; between them may stand checks of our own.
REPORT = """\
Checking that ptrace can change system call numbers...OK
Checking syscall emulation patch for ptrace...OK
Checking advanced syscall emulation patch for ptrace...OK
Checking for tmpfs mount on /dev/shm...OK
Checking PROT_EXEC mmap in /dev/shm/...OK
Checking for the skas3 patch in the host:
  - /proc/mm...not found
  - PTRACE_FAULTINFO...not found
  - PTRACE_LDT...not found
UML running in SKAS0 mode
""".splitlines()


def test_host_report():
    r = gave(run(cmd=["echo", "hello"]), b"hello\n")
    lines = r.err.decode().splitlines()
    ours = [line for line in lines if line in REPORT]
    check(ours == REPORT, "the report differs; missing: "
          + repr([line for line in REPORT if line not in lines]), r)
    others = [line for line in lines if line not in REPORT]
    check(all("memfd" in line or line == "Checking seccomp filters...OK"
              for line in others),
          f"stderr has other lines: {others}", r)


def test_help():
    r = ended(run("--help"), 0)
    check(not r.err, "--help wrote to stderr", r)
    for word in ("mem=", "initrd=", "root=", "ubd", "con", "umid=", "mode=",
                 "skas0=", "nospin", "nonear", "nolinger", "nopatch", "nopool", "nokeeptables", "nohabits",
                 "notext", "nobatch", "noaround", "nojoin", "noidlewatch", "nopagereport", "vdso=0", "nosysemu",
                 "noprocmm", "noptracefaultinfo", "noptraceldt",
                 "--help", "--version", "--showconfig", "init="):
        check(word.encode() in r.out, f"--help does not name {word}", r)


def test_version():
    r = ended(run("--version"), 0)
    check(re.fullmatch(rb"\d+\.\d+\S*\n", r.out), "--version is not a version", r)
    uname = ended(run(cmd=["uname", "-r"]), 0)
    check(uname.out == r.out, f"uname -r says {uname.out!r}", r)


def test_showconfig():
    r = ended(run("--showconfig"), 0)
    check(b"CONFIG_UML=y\n" in r.out and b"CONFIG_EXT4_FS=" in r.out,
          "--showconfig is not the configuration", r)


def test_vdso():
    for options, count in (((), b"1\n"), (("vdso=1",), b"1\n"), (("vdso=0",), b"0\n")):
        r = run(*options, cmd=["sh", "-c", "date +%s >/dev/null && grep -c '\\[vdso\\]' /proc/self/maps"])
        check(r.out == count, f"{options}: not {count} vDSO", r)


def test_argv_decoder(tmp):
    """What init does with UML_ARGV, on the host: any bytes, malformed ones too."""
    guest = os.path.join(TOP, "guest")
    done = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
                           "-fsanitize=address,undefined", "-o", f"{tmp}/argv_test",
                           f"{guest}/argv_test.c", f"{guest}/argv.c"],
                          capture_output=True, text=True)
    check(done.returncode == 0, "it does not compile", done.stderr)
    done = subprocess.run([f"{tmp}/argv_test"], capture_output=True, text=True, timeout=20)
    check(done.returncode == 0 and re.search(r"[1-9]\d* passed, 0 failed", done.stdout),
          f"status {done.returncode}", done.stdout + done.stderr)


def one_line(*options, **more):
    """It is refused: one clear line, status 1, soon, and nothing left."""
    start = time.monotonic()
    r = ended(run(*options, seconds=10, **more), 1, " ".join(options))
    lines = [line for line in r.err.decode(errors="replace").splitlines()
             if line.startswith("linux: ")]
    check(len(lines) == 1, f"{options}: not one line but {lines}", r)
    check(r.err.decode(errors="replace").splitlines()[-1] == lines[0],
          f"{options}: the error is not the last line", r)
    check(not r.out, f"{options}: words on stdout", r)
    check(time.monotonic() - start < 5, f"{options}: slow to refuse", r)
    return lines[0]


def test_ubd_not_there():
    line = one_line("ubd0=/nonexistent")
    check("/nonexistent" in line and "No such file" in line, line)


def test_ubd_directory(tmp):
    check(tmp in one_line(f"ubd0={tmp}"), "the file is not named")


def test_ubd_not_readable(tmp):
    path = os.path.join(tmp, "secret")
    with open(path, "w"):
        pass
    os.chmod(path, 0)
    user = dict(wrap=need(*NOBODY), linux=copy(tmp), cwd="/")
    r = ended(run(f"ubd0={path}", cmd="true", **user), 1)
    check(b"Permission denied" in r.err, "not clear why", r)


def test_ubd_number():
    one_line("ubd16=/dev/null")


def test_ubd_without_a_file():
    one_line("ubd0=")


def test_mem_too_much():
    check("mem=" in one_line("mem=1P"), "mem= is not named")


def test_mem_that_the_host_has_not(tmp):
    """What the page structs alone need is more than the host has: it is not taken."""
    with open(f"{tmp}/meminfo", "w") as f:
        f.write("MemTotal:       2097152 kB\nMemFree:        2097152 kB\nMemAvailable:     500000 kB\n"
                "SwapTotal:        65536 kB\nSwapFree:         10000 kB\n")
    wrap = mounts(f"mount --bind {tmp}/meminfo /proc/meminfo")
    r = ended(run("mem=100G", "quiet", cmd="true", wrap=wrap), 1)
    check(r.err.count(b"\n") == 1 and b"mem=102400M cannot be had" in r.err and b"498M available" in r.err,
          "not clear why", r)
    ended(run("mem=16G", cmd="true", wrap=wrap), 0)


def test_mem_the_host_refuses():
    """More than the limit of address space that the user has."""
    wrap = ["sh", "-c", 'ulimit -v 2000000; exec "$@"', "sh"]
    line = one_line("mem=4G", wrap=wrap)
    check("mem=4096M" in line or "mem=4G" in line, f"mem=4G is not named: {line}")
    check("Cannot allocate memory" in line, f"not why: {line}")
    gave(run("mem=256M", cmd=["echo", "hello"], wrap=wrap), b"hello\n")


def test_mem_garbage():
    for word in ("mem=garbage", "mem=", "mem=12Q", "mem=-1"):
        check(word in one_line(word), f"{word} is not named")


def test_mem_too_little():
    one_line("mem=1M")


def test_hostfaults():
    for word in ("hostfaults=x", "hostfaults=", "hostfaults=cheaper"):
        check(word in one_line(word), f"{word} is not named")


def test_mem_is_had():
    for mem, least, most in (("64M", 32, 64), ("1G", 900, 1024)):
        r = ended(sh("cat /proc/meminfo", f"mem={mem}"), 0)
        kib = int(re.search(rb"MemTotal: +(\d+) kB", r.out).group(1))
        check(least * 1024 <= kib <= most * 1024, f"mem={mem} gave {kib} KiB", r)


def test_mode_unknown():
    for mode in ("tt", "skas3", "foo", ""):
        check(f"mode={mode}" in one_line(f"mode={mode}"), f"mode={mode} is not named")


def test_transport():
    """Without an option; tests/blackbox/run says where it is another."""
    r = ended(run(cmd=["cat", "/proc/cpuinfo"]), 0)
    check(b"transport\t: " + TRANSPORT.encode() in r.out, "another transport", r)


def test_mode_known():
    gave(run("mode=skas0", cmd=["echo", "hello"]), b"hello\n")
    for transport in ("seccomp", "ptrace"):
        r = ended(run(f"skas0={transport}", cmd=["cat", "/proc/cpuinfo"]), 0)
        check(b"transport\t: " + transport.encode() in r.out, "another transport", r)
    check("skas0=foo" in one_line("skas0=foo"), "skas0=foo is not named")


def test_option_without_a_value():
    """Linux would hand the word to init."""
    for word in ("mem", "initrd", "mode", "skas0", "hostfaults", "umid", "mconsole", "hostfs", "con", "ssl",
                 "ubd0", "ubd15", "con0", "ssl3", "vec0", "eth12", "chan0"):
        check(f"{word}: wants a value" in one_line(word), f"{word} is not named")
    gave(run("vecx", "conn", "memory", "eth", cmd=["echo", "hello"]), b"hello\n")


def test_option_unknown():
    check("--nonsense" in one_line("--nonsense"), "the option is not named")


def test_skas3_options_disable():
    r = gave(run("noprocmm", "noptracefaultinfo", "noptraceldt",
                 cmd=["echo", "hello"]), b"hello\n")
    check(b"UML running in SKAS0 mode" in r.err, "another mode", r)


def test_nosysemu():
    """It works over seccomp; over ptrace it says that it cannot."""
    gave(run("nosysemu", cmd=["echo", "hello"]), b"hello\n")
    line = one_line("nosysemu", "skas0=ptrace")
    check("nosysemu" in line and "SYSEMU" in line, line)


def test_initrd_not_there():
    line = one_line("initrd=/nonexistent")
    check("/nonexistent" in line and "No such file" in line, line)


def test_initrd_directory(tmp):
    one_line(f"initrd={tmp}")


def test_initrd_empty(tmp):
    path = os.path.join(tmp, "empty")
    with open(path, "w"):
        pass
    one_line(f"initrd={path}")


def test_initrd_works(tmp):
    if not os.path.exists(INITRAMFS):
        raise Skipped(f"no {INITRAMFS}")
    r = run(f"initrd={INITRAMFS}", stdin=b"echo mark\npoweroff\nsleep 60\n")
    ended(r, 0)
    check(b"mark\n" in r.out, "no shell in it", r)


def corrupt(path):
    """A broken archive: status 1 or a panic, in time, with words."""
    r = run(f"initrd={path}", seconds=15)
    check(r.status in (1, 134), f"ended with {r.status}, not 1 or 134", r)
    check(not r.left, f"left processes: {r.left}")
    check(b"initr" in r.err or b"panic" in r.err, "no word of what is wrong", r)


def test_initrd_garbage(tmp):
    path = os.path.join(tmp, "garbage")
    with open(path, "wb") as f:
        f.write(os.urandom(100000))
    corrupt(path)


def test_initrd_truncated(tmp):
    path = os.path.join(tmp, "short")
    with open(INITRAMFS, "rb") as f, open(path, "wb") as out:
        out.write(f.read()[:5000])
    corrupt(path)


def test_initrd_too_large(tmp):
    path = os.path.join(tmp, "large")
    with open(path, "wb") as f:
        f.truncate(200 << 20)
    check("mem=" in one_line("mem=64M", f"initrd={path}"), "no advice")


def test_init_not_there():
    r = ended(run("rdinit=/nothing", "init=/nothing"), 134)
    check(b"panic" in r.err, "no panic message", r)


def test_root_not_there():
    r = ended(run("root=/dev/ubdz"), 134)
    check(b"ubdz" in r.err, "the panic does not name the root device", r)


def test_command_line_too_long():
    one_line("x=" + "y" * 10000)


about_seccomp(globals(), "host_report", "mode_known", "nosysemu")


def test_no_such_console():
    for name in ("tty99", "tty16", "ttyS16"):
        r = ended(run(f"console={name}", cmd=["echo", "ok"], seconds=8), 1, name)
        check(f"console={name}: there is no such console".encode() in r.err.splitlines()[-1],
              "no clear line", r)
    ended(run("console=ttyS15", "ssl15=fd:1", cmd="true"), 0)


def test_descriptors_of_the_kernel():
    """fd:N is what the user left open, never what the kernel itself has opened."""
    for option in ("ubd0=fd:%d", "ubd0r=fd:%d", "con1=fd:%d", "chan0=fd:%d",
                   "vec0:transport=fd,fd=%d", "vec0:transport=stream,fd=%d"):
        for n in range(3, 11):
            r = ended(run(option % n, cmd="true", seconds=8), 1,
                      option % n)
            check(b" open" in r.err.splitlines()[-1], "no clear line", r)


def test_descriptors_with_few_allowed(tmp):
    """One that was left open is found where the host allows few of them."""
    disk = os.path.join(tmp, "disk")
    with open(disk, "wb") as f:
        f.write(b"x" * 4096)
    wrap = ["sh", "-c", f"exec 5<>{disk}; ulimit -n 40; exec \"$@\"", "sh"]
    r = ended(run("ubd0=fd:5", cmd=["head", "-c", "3", "/dev/ubda"], wrap=wrap), 0)
    check(r.out == b"xxx", "another disk", r)
    ended(run("ubd0=fd:6", cmd="true", wrap=wrap), 1)
