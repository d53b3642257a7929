# SPDX-License-Identifier: GPL-2.0
"""hostfs: what is known of names for longer than a second, since the host reports
changes; and files that are kept open for the next who opens them.

A guest looks at a tree until it watches all of it and asks the host no more. The
host then makes a change, and after a second the guest must see it.
"""

import mmap
import os
import stat
import subprocess
import time

from t_confined import NOBODY, copy, need
from t_hostfs import get, mounted, put, share
from uml import Guest, Skipped, check, ended

# For some time nobody has written: what was written just now is not trusted.
LONG_AGO = time.time() - 3600
SERVE = 'echo ready; while read -r line; do eval "$line"; echo done; done 2>/dev/null'
LOOK = "find . -exec stat -c '%n %a %s %Y %h %F' {} + | sort; ls nothing*; sleep 1.2"
OLD = "sleep 1.1"


def old(path, data=b"", mode=0o644):
    put(path, data, mode)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def tree(tmp, directories=30):
    d = share(tmp)
    for i in range(directories):
        for k in range(5):
            old(f"{d}/d{i}/f{k}", b"%d %d\n" % (i, k))
        os.mkdir(f"{d}/d{i}/sub")
    return d


def do(g, line):
    """Have the guest do something; what it says."""
    before = len(g.out())
    g.send(line.encode() + b"\n")
    end = time.monotonic() + 60
    while not g.out()[before:].endswith(b"done\n"):
        check(time.monotonic() < end and g.proc.poll() is None, f"no answer to {line}", g.words())
        time.sleep(0.01)
    return g.out()[before:-len(b"done\n")].decode()


def serving(d, *options, option="", **more):
    return Guest(f"hostfs={d}", *options, cmd=["sh", "-c", mounted(d, SERVE, option)], **more)


def start(g, rounds=3):
    """Until it needs not ask any more."""
    g.until(rb"ready\n")
    for _ in range(rounds):
        do(g, LOOK)


def descriptors(g):
    """Of the kernel process: (number, what it is)."""
    fds = f"/proc/{g.kernel()}/fd"
    for fd in os.listdir(fds):
        try:
            yield fd, os.readlink(f"{fds}/{fd}")
        except FileNotFoundError:
            continue


def watches(g):
    """How many directories the kernel process watches; None: it cannot."""
    for fd, path in descriptors(g):
        if "inotify" in path:
            with open(f"/proc/{g.kernel()}/fdinfo/{fd}", encoding="ascii") as f:
                return f.read().count("inotify wd:")
    return None


def kept(g, d):
    """Files in @d that it has open."""
    return [path for _, path in descriptors(g)
            if path.startswith(d + "/") and not os.path.isdir(path)]


def view(d):
    """What LOOK shows, from the host."""
    found = []
    for where, dirs, files in os.walk(d):
        for name in [".", *files] if where == d else files:
            found.append(os.path.normpath(f"{where}/{name}"))
        found += [f"{where}/{name}" for name in dirs]
    out = []
    for path in found:
        st = os.lstat(path)
        kind = {stat.S_IFDIR: "directory", stat.S_IFLNK: "symbolic link"}.get(
            stat.S_IFMT(st.st_mode), "regular file" if st.st_size else "regular empty file")
        name = os.path.relpath(path, d)
        out.append(f"{'.' if name == '.' else './' + name} {stat.S_IMODE(st.st_mode):o} "
                   f"{st.st_size} {int(st.st_mtime)} {st.st_nlink} {kind}")
    return sorted(out)


def change(d, other, i):
    """One of many changes, in directory @i; where its data is looked at."""
    p = f"{d}/d{i}"

    def write():
        with open(f"{p}/f0", "r+b") as f:
            f.write(b"W")

    def append():
        with open(f"{p}/f0", "ab") as f:
            f.write(b"more\n")

    def replace():
        old(f"{other}/new", b"0 0\n")
        os.rename(f"{other}/new", f"{p}/f0")

    def from_outside():
        put(f"{other}/moved/in", b"in\n")
        os.rename(f"{other}/moved", f"{p}/nothing")

    def swap():
        os.rename(f"{p}/f0", f"{p}/f9")
        os.rename(f"{p}/f1", f"{p}/f0")
        os.rename(f"{p}/f9", f"{p}/f1")

    def by_descriptor():
        os.rename(f"{p}/f0", f"{other}/f0-{i}")
        fd = os.open(f"{other}/f0-{i}", os.O_WRONLY)
        os.rename(f"{other}/f0-{i}", f"{p}/f0")
        os.write(fd, b"D")
        os.close(fd)

    def replace_directory():
        os.rename(p, f"{other}/d{i}")
        put(f"{p}/f0", b"another\n")

    kinds = [write, append, replace, from_outside, swap, by_descriptor, replace_directory,
             lambda: os.unlink(f"{p}/f0"),
             lambda: os.rename(f"{p}/f0", f"{other}/gone{i}"),
             lambda: os.chmod(f"{p}/f0", 0o600),
             lambda: os.chmod(p, 0o711),
             lambda: os.utime(f"{p}/f0", (5, 5)),
             lambda: os.truncate(f"{p}/f0", 1),
             lambda: put(f"{p}/nothing", b"new\n"),
             lambda: os.symlink("f1", f"{p}/nothing"),
             lambda: os.link(f"{p}/f0", f"{p}/nothing"),
             lambda: os.link(f"{p}/f0", f"{d}/d{i + 1}/nothing"),
             lambda: os.mkdir(f"{p}/sub/nothing"),
             lambda: os.rmdir(f"{p}/sub")]
    kinds[i]()
    return len(kinds)


def same(g, d, what):
    """The guest shows what the host has, data and all."""
    seen = do(g, LOOK.split(";")[0]).splitlines()
    check(seen == view(d), f"after {what} the guest shows something else",
          "\n".join(sorted(set(seen) ^ set(view(d)))))
    sums = do(g, "find . -type f | sort | xargs cat | md5sum").split()[0]
    native = subprocess.run("find . -type f | LC_ALL=C sort | xargs cat | md5sum", shell=True,
                            cwd=d, capture_output=True, text=True, check=True).stdout.split()[0]
    check(sums == native, f"after {what} the guest reads something else")


def test_all_changes_are_seen(tmp):
    """Each kind, in directories that are watched, all at once and one by one."""
    d, other = tree(tmp), share(tmp, "other")
    with serving(d) as g:
        start(g)
        check(watches(g) is None or watches(g) >= 30, "it watches too little", watches(g))
        count = change(d, other, 0)
        do(g, OLD)
        same(g, d, "one change")
        for i in range(1, count):
            change(d, other, i)
        do(g, OLD)
        same(g, d, "many changes")
        # Names that are known, and known to be not there, after these as well.
        do(g, LOOK)
        do(g, LOOK)
        for i in range(20, 30):
            os.rename(f"{d}/d{i}/f1", f"{d}/d{i}/nothing")
            old(f"{d}/d{i}/f2", b"x" * i)
        do(g, OLD)
        same(g, d, "more changes")
        g.send(b"exit\n")
        ended(g.result(), 0)


test_all_changes_are_seen.seconds = 90


def test_does_not_ask(tmp):
    """What it watches it does not ask for; else all this would be for nothing."""
    d = tree(tmp)
    with serving(d) as g:
        start(g)
        if watches(g) is None:
            raise Skipped("this host has no inotify for us")
        log = f"{tmp}/strace"
        tracer = subprocess.Popen(["strace", "-f", "-e", "trace=statx", "-o", log,
                                   "-p", str(g.kernel())], stderr=subprocess.DEVNULL)
        time.sleep(1)
        if tracer.poll() is not None:
            raise Skipped("strace cannot attach")
        do(g, OLD)
        do(g, "stat -c %a d*/f* >/dev/null")
        asked = get(log).count(b"statx(")
        tracer.terminate()
        tracer.wait(10)
        check(asked < 50, f"150 files, and {asked} questions", get(log)[-2000:])


def test_more_reports_than_fit(tmp):
    """The host drops reports; nothing counts as known then."""
    d = tree(tmp)
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as f:
        limit = int(f.read())
    if limit > 100000:
        raise Skipped(f"a queue of {limit}")
    with serving(d) as g:
        start(g)
        for i in range(limit + 100):
            os.utime(f"{d}/d1/f{i % 2}", (LONG_AGO, LONG_AGO))
        with open(f"{d}/d2/f0", "ab") as f:
            f.write(b"more")
        os.rename(f"{d}/d3/f0", f"{d}/d3/nothing")
        do(g, OLD)
        same(g, d, "an overflow")


def test_writer_by_a_mapping(tmp):
    """Stores are not reported. A file that changed lately is asked for as ever."""
    d = tree(tmp)
    old(f"{d}/d0/f0", b"a" * 65536)
    with open(f"{d}/d0/f0", "r+b") as f, mmap.mmap(f.fileno(), 65536) as m, serving(d) as g:
        start(g, 1)
        m[0] = ord("b")
        m.flush()
        for _ in range(3):
            do(g, LOOK)
        seen = do(g, "md5sum d0/f0; stat -c %Y d0/f0")
        time.sleep(1)
        m[32768] = ord("c")
        now = os.stat(f"{d}/d0/f0").st_mtime
        do(g, OLD)
        again = do(g, "md5sum d0/f0; stat -c %Y d0/f0").split()
        if str(int(now)) in seen:
            raise Skipped("the host's file system does not tell of the second store")
        check(again[-1] == str(int(now)) and again[0] != seen.split()[0],
              "it shows the old file", f"{seen} {again}")


def test_another_name_elsewhere(tmp):
    """A file with a name in a directory that is not watched."""
    d, other = tree(tmp), share(tmp, "other")
    os.link(f"{d}/d0/f0", f"{other}/f0")
    with serving(d) as g:
        start(g)
        with open(f"{other}/f0", "ab") as f:
            f.write(b"more")
        do(g, OLD)
        same(g, d, "writing by the other name")


def test_mounts(tmp):
    """What is mounted on a directory, or on a file, is no report in it."""
    d, other = tree(tmp), share(tmp, "other")
    old(f"{other}/file", b"other\n")
    with serving(d) as g:
        start(g)
        done = subprocess.run(["mount", "-t", "tmpfs", "none", f"{d}/d0"], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Skipped("mount: " + done.stderr.strip()[:80])
        try:
            subprocess.run(["mount", "--bind", f"{other}/file", f"{d}/d1/f0"], check=True)
            put(f"{d}/d0/new", b"new\n")
            do(g, OLD)
            same(g, d, "mounting")
        finally:
            subprocess.run(["umount", "-l", f"{d}/d0"], check=False)
            subprocess.run(["umount", "-l", f"{d}/d1/f0"], check=False)
        do(g, OLD)
        same(g, d, "unmounting")


def limited(what, number):
    """In a user namespace with so many watches or instances of inotify."""
    script = f'echo {number} > /proc/sys/user/{what} && exec "$@"'
    return need("unshare", "-Ur", "sh", "-c", script, "sh")


def test_few_watches(tmp):
    """Where the host has no more, names are asked for as ever."""
    d, other = tree(tmp), share(tmp, "other")
    with serving(d, wrap=limited("max_inotify_watches", 5)) as g:
        start(g)
        check(watches(g) == 5, "not five", watches(g))
        for i in range(6):
            change(d, other, i)
        do(g, OLD)
        same(g, d, "changes")


def test_no_inotify(tmp):
    """The guest's log says so, and all works."""
    d, other = tree(tmp, 8), share(tmp, "other")
    with serving(d, wrap=limited("max_inotify_instances", 0)) as g:
        start(g)
        check(watches(g) is None, "it has inotify")
        check("does not report changes" in do(g, "dmesg"), "the log does not say so")
        for i in range(6):
            change(d, other, i)
        do(g, OLD)
        same(g, d, "changes")


def test_watches_end(tmp):
    """With the mount; and none is made for the other kinds of caching."""
    d = tree(tmp)
    with serving(d) as g:
        start(g)
        if watches(g) is None:
            raise Skipped("this host has no inotify for us")
        check(watches(g) >= 30, "it watches too little", watches(g))
        do(g, "cd /; umount /mnt")
        check(watches(g) == 0, "watches are left", watches(g))
        check(not kept(g, d), "files are left open", kept(g, d))
    for option in (",cache=none", ",cache=always"):
        with serving(d, option=option) as g:
            start(g)
            check(watches(g) == 0, f"watches with {option}", watches(g))
            do(g, "cat d*/f*")
            check(bool(kept(g, d)) == ("always" in option), f"files left open, {option}",
                  kept(g, d))


test_watches_end.seconds = 60


# Files that are kept open

def test_replaced_at_once(tmp):
    """Who opens a file again gets the one that has the name by now, also in the
    second in which names count as known."""
    d = share(tmp)
    with serving(d) as g:
        g.until(rb"ready\n")
        for i in range(20):
            put(f"{d}/new", b"%d\n" % i)
            os.rename(f"{d}/new", f"{d}/f")
            check(do(g, "cat f") == f"{i}\n", f"not the file of round {i}")
        check(len(kept(g, d)) <= 1, "old files are open", kept(g, d))
        os.unlink(f"{d}/f")
        check(do(g, "cat f || echo gone") == "gone\n", "a file that is gone")
        os.symlink("g", f"{d}/f")
        put(f"{d}/g", b"g\n")
        do(g, OLD)
        check(do(g, "cat f") == "g\n", "not where the link leads")


def test_kept_files(tmp):
    """They are few where descriptors are, and closed after some time."""
    d = tree(tmp)
    few = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"]
    with serving(d, wrap=few) as g:
        g.until(rb"ready\n")
        check(do(g, "for i in 1 2 3; do cat d*/f* | wc -l; done") == "150\n" * 3, "not all files")
        check(0 < len(kept(g, d)) <= 16, "too many files are open, or none", kept(g, d))
        fds = " ".join(f"exec {n}<d{n}/f0;" for n in range(3, 10))
        check(do(g, f"{fds} cat d1/f0 <&3") == "1 0\n", "not read")
        end = time.monotonic() + 40
        while any("/d1/f" in path for path in kept(g, d)):
            check(time.monotonic() < end, "they are not closed", kept(g, d))
            time.sleep(0.2)
    with serving(d) as g:
        g.until(rb"ready\n")
        do(g, "cat d*/f*")
        check(len(kept(g, d)) >= 100, "they are not kept", len(kept(g, d)))
        do(g, "rm d1/f0; echo x > d1/f1; chmod 600 d1/f2; stat d1/f2")
        os.unlink(f"{d}/d2/f0")
        do(g, OLD)
        do(g, "stat d2/f0")
        names = [os.path.relpath(p, d) for p in kept(g, d)]
        for name in ("d1/f0", "d1/f0 (deleted)", "d1/f2", "d2/f0", "d2/f0 (deleted)"):
            check(name not in names, f"{name} is kept")


test_kept_files.seconds = 90


def test_permission_is_taken_away(tmp):
    """Who may read no more does not, though the file is kept open."""
    if os.geteuid() != 0:
        raise Skipped("needs root, to make files that another user may not use")
    d = share(tmp)
    put(f"{d}/f", b"f\n")
    put(f"{d}/in/f", b"f\n")
    with serving(d, wrap=need(*NOBODY), linux=copy(tmp), cwd="/") as g:
        g.until(rb"ready\n")
        check(do(g, "cat f in/f") == "f\nf\n", "not read")
        os.chmod(f"{d}/f", 0o600)
        os.chmod(f"{d}/in", 0o700)
        check(do(g, "cat f || echo refused") == "refused\n", "the file is read")
        check(do(g, "cat in/f || echo refused") == "refused\n", "the file in it is read")


def test_filter(tmp):
    """The kernel process may watch for what it looks at, and for no more."""
    d = share(tmp)
    done = subprocess.run(["gcc", "-O1", "-static", "-o", f"{tmp}/inject",
                           os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                        "hostfs", "inject.c")], check=False)
    check(done.returncode == 0, "inject.c does not compile")
    for other, mask, may in ((0, "110003ce", True), (0, "110003ee", False),
                             (1, "110003ce", False)):
        with serving(d) as g:
            g.until(rb"ready\n")
            fds = [int(fd) for fd, path in descriptors(g) if "inotify" in path]
            if not fds:
                raise Skipped("this host has no inotify for us")
            done = subprocess.run([f"{tmp}/inject", str(g.kernel()),
                                   f"watch:{fds[0] + other}:{mask}", d],
                                  capture_output=True, text=True, timeout=20, check=False)
            if done.returncode == 77:
                raise Skipped("ptrace: " + done.stderr.strip())
            said = done.stdout.strip()
            check(said.isdigit() if may else said == "killed", f"{other}, {mask}: {said}",
                  done.stderr)
            if may:
                check(do(g, "echo goes on") == "goes on\n", "the guest was harmed by the test")
