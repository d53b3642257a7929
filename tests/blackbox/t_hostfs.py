# SPDX-License-Identifier: GPL-2.0
"""Directories of the host: hostfs.

tests/blackbox/hostfs/files.c asks what a file system must do, random.c compares
random operations with a copy in memory. Both are run on the host's file system
first. The rest is what only the two sides together show.
"""

import os
import stat
import subprocess
import time

from t_confined import NOBODY, copy, need
from uml import Guest, Skipped, check, ended, run, sh

HERE = os.path.dirname(os.path.abspath(__file__))
BUSYBOX = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
LONG = bool(os.environ.get("LONG"))
# Until what the guest knows of a file is too old (cache=auto), and some.
OLD = "sleep 1.1;"


def share(tmp, name="share"):
    path = os.path.join(tmp, name)
    os.mkdir(path)
    os.chmod(path, 0o755)
    return path


def put(path, data=b"", mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


def get(path):
    with open(path, "rb") as f:
        return f.read()


def program(directory, name):
    """Compile a program into a directory."""
    done = subprocess.run(["gcc", "-O1", "-static", "-o", f"{directory}/{name}",
                           f"{HERE}/hostfs/{name}.c"], capture_output=True, text=True)
    check(done.returncode == 0, f"{name}.c does not compile", done.stderr)


def mounted(directory, script, option=""):
    return (f"mount -t hostfs none /mnt -o {directory}{option} && cd /mnt && "
            f"{{ {script}\n}}")


def guest(script, directory, *options, option="", **more):
    """Run @script in a guest that has @directory at /mnt, in it."""
    return sh(mounted(directory, script, option), f"hostfs={directory}", *options, **more)


def lines(r):
    return r.out.decode("utf-8", "replace").split("\n")[:-1]


def refused(words, *options, status=1):
    """The kernel does not start and says why."""
    r = ended(run(*options, cmd="true"), status, " ".join(options))
    check(words in r.err.splitlines()[-1], f"it does not say {words!r}", r)


# What a file system does

def run_files(tmp, option, cases=""):
    d = share(tmp)
    program(d, "files")
    for name in ("host", "guest"):
        os.mkdir(f"{d}/{name}")
    native = subprocess.run([f"{d}/files", *cases.split()], cwd=f"{d}/host", text=True,
                            capture_output=True)
    check(native.returncode == 0, "it fails on the host already", native.stdout)
    r = ended(guest(f"cd guest && /mnt/files {cases}", d, option=option, seconds=80), 0)
    check(r.out.count(b": ok\n") == native.stdout.count(": ok\n") and b": ok\n" in r.out,
          "not all cases ended well", r)


def test_files(tmp):
    run_files(tmp, "")


def test_files_uncached(tmp):
    run_files(tmp, ",cache=none")


def test_files_always_cached(tmp):
    run_files(tmp, ",cache=always", "rename_flags tmpfile mmap times readdir unlinked xattr "
              "links open")


test_files.seconds = test_files_uncached.seconds = test_files_always_cached.seconds = 90


def test_random(tmp):
    d = share(tmp)
    program(d, "random")
    seed, count = int.from_bytes(os.urandom(3), "big"), 4000 if LONG else 600
    done = subprocess.run([f"{d}/random", str(seed), str(count)], cwd=d, capture_output=True)
    check(done.returncode == 0, f"seed {seed} fails on the host already", done.stdout)
    for n, option in enumerate(("", ",cache=none", ",cache=always")):
        r = ended(guest(f"./random {seed + n} {count}", d, option=option, seconds=200), 0,
                  f"random {seed + n} {count}, {option}")
        check(r.out == b"random: ok\n", f"seed {seed + n}", r)
        check(get(f"{d}/file") == get(f"{d}/model"), f"seed {seed + n}: the host has other data")


test_random.seconds = 500 if LONG else 120


def test_upper_of_overlay(tmp):
    """Always cached, a directory can take what an overlay changes."""
    d = share(tmp)
    put(f"{d}/lower/kept", b"kept\n")
    put(f"{d}/lower/gone", b"gone\n")
    put(f"{d}/lower/dir/f", b"f\n")
    for name in ("upper", "work"):
        os.mkdir(f"{d}/{name}")
    script = """mkdir /o; mount -t overlay o /o -o \
        lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work,userxattr || exit 9
        cd /o; echo more >> kept; rm gone; mv dir/f dir/g; echo new > dir/new; rm -r dir
        mkdir dir; ls -1A . dir; cat kept"""
    r = ended(guest(script, d, option=",cache=always"), 0)
    check(lines(r) == [".:", "dir", "kept", "", "dir:", "kept", "more"], "another view", r)
    check(get(f"{d}/upper/kept") == b"kept\nmore\n" and get(f"{d}/lower/kept") == b"kept\n",
          "the change is elsewhere")
    check(stat.S_ISCHR(os.lstat(f"{d}/upper/gone").st_mode), "no whiteout")


def test_read_and_write(tmp):
    d = share(tmp)
    put(f"{d}/old", b"from the host\n")
    r = ended(guest("cat old; echo from the guest > new; echo more >> old", d), 0)
    check(r.out == b"from the host\n", "the host's file reads wrong", r)
    check(get(f"{d}/new") == b"from the guest\n", "the new file is not there", r)
    check(get(f"{d}/old") == b"from the host\nmore\n", "nothing was appended", r)


def test_from_directory_to_directory(tmp):
    """A link and a move: the same file, which mv would copy where the host refuses (EXDEV)."""
    d = share(tmp)
    r = ended(guest("mkdir a b; echo x > a/f; ln a/f b/g; mv a/f b/h; stat -c %h b/g b/h", d), 0)
    check(lines(r) == ["2", "2"] and os.stat(f"{d}/b/g").st_ino == os.stat(f"{d}/b/h").st_ino, "a copy", r)


def test_as_root(tmp):
    if not BUSYBOX:
        raise Skipped("no busybox on this host")
    d = share(tmp)
    put(f"{d}/bin/busybox", get(BUSYBOX), 0o755)
    put(f"{d}/init.sh", b"#!/bin/busybox sh\n/bin/busybox echo root of $1, $2\n"
        b"/bin/busybox touch /was-here\n/bin/busybox poweroff -f\n", 0o755)
    for name in ("dev", "proc"):
        os.mkdir(f"{d}/{name}")
    root = ["root=/dev/root", "rootfstype=hostfs", f"rootflags={d}", "init=/init.sh"]
    r = ended(run(*root, "ro", cmd=["hostfs", "two words"]), 0)
    check(b"root of hostfs, two words\n" in r.out, "init did not get its arguments", r)
    check(not os.path.exists(f"{d}/was-here"), "a read-only root was written to", r)
    # Several at once share it; each has /was-here.
    guests = [Guest(*root, "rw", cmd=["hostfs", str(n)]) for n in range(2)]
    try:
        for n, g in enumerate(guests):
            r = ended(g.result(), 0)
            check(b"root of hostfs, %d\n" % n in r.out, "init did not get its arguments", r)
    finally:
        for g in guests:
            g.end()
    check(os.path.exists(f"{d}/was-here"), "what init wrote is lost")


def test_as_root_of_two(tmp):
    """Read-only, of two guests at the same time: both see what the host puts there, neither writes."""
    if not BUSYBOX:
        raise Skipped("no busybox on this host")
    d = share(tmp)
    put(f"{d}/bin/busybox", get(BUSYBOX), 0o755)
    put(f"{d}/init.sh", b"#!/bin/busybox sh\n/bin/busybox echo up $1\nread word\n/bin/busybox cat /later\n"
        b"exec 2>/dev/null\n/bin/busybox touch /was-here || /bin/busybox echo refused $1\n"
        b"/bin/busybox mount -t hostfs -o remount,rw none /\n"
        b"/bin/busybox touch /was-here || /bin/busybox echo stays $1\n/bin/busybox poweroff -f\n", 0o755)
    for name in ("dev", "proc"):
        os.mkdir(f"{d}/{name}")
    guests = [Guest(f"hostfs={d},ro", "root=/dev/root", "rootfstype=hostfs", f"rootflags={d}", "init=/init.sh",
                    "ro", cmd=[str(n)]) for n in range(2)]
    try:
        for n, g in enumerate(guests):
            g.until(rb"up %d\n" % n)
        put(f"{d}/later", b"put there by the host\n")
        for n, g in enumerate(guests):
            g.send(b"word\n")
            r = ended(g.result(), 0)
            check(b"put there by the host\nrefused %d\nstays %d\n" % (n, n) in r.out,
                  "not what a shared read-only root is", r)
    finally:
        for g in guests:
            g.end()
    check(not os.path.exists(f"{d}/was-here"), "a read-only root was written to")


# What was given

def test_only_what_was_given(tmp):
    d, other = share(tmp), share(tmp, "other")
    put(f"{other}/secret", b"secret")
    os.mkdir(f"{d}/in")
    put(f"{d}/in/file", b"inner\n")
    os.symlink(other, f"{d}/out")
    os.symlink(f"{other}/secret", f"{d}/in/link")
    script = f"""
        m() {{ mount -t hostfs none /mnt -o $1 2>/dev/null && echo mounted $1; }}
        m {other}; m {d}/../other; m {d}/out; m {d}/in/file; m {d}x; m /; m nothing
        m {d}/in && ls /mnt && cat /mnt/file
        cat /mnt/link 2>/dev/null; cat {other}/secret 2>/dev/null
        dmesg | grep 'hostfs: ' | grep -v command"""
    r = ended(sh(script, f"hostfs={d}"), 0)
    check(f"mounted {d}/in".encode() in r.out, "a directory beneath cannot be mounted", r)
    check(r.out.count(b"mounted ") == 1, "what was not given was mounted", r)
    check(b"secret" not in r.out, "a link leads out", r)
    check(f"start it with hostfs={other}\n".encode() in r.out, "the kernel says nothing", r)


def test_nothing_given(tmp):
    r = ended(sh("mount -t hostfs none /mnt 2>/dev/null || echo no;"
                 f"mount -t hostfs none /mnt -o {tmp} 2>/dev/null || echo no"), 0)
    check(r.out == b"no\nno\n", "a guest mounts what nobody gave", r)


def test_names_of_gifts(tmp):
    one, two = share(tmp), share(tmp, "with space")
    put(f"{one}/f", b"1\n")
    put(f"{two}/sub/f", b"2\n")
    script = """mkdir /1 /2 /3
        mount -t hostfs one /1; mount -t hostfs none /2 -o two; mount -t hostfs two/sub /3
        cat /1/f /2/sub/f /3/f; echo 3 > /3/f; cat /2/sub/f; touch /1/x || echo read-only"""
    r = ended(sh("exec 2>/dev/null;" + script, f"hostfs=one:{one},ro", f"hostfs=two:{two}"), 0)
    # mount(8) of busybox mounts read-only what cannot be written to.
    check(lines(r) == ["1", "2", "2", "3", "read-only"], "other files", r)


def test_read_only(tmp):
    d = share(tmp)
    put(f"{d}/f", b"old")
    for gift, option in ((f"{d},ro", ",ro"), (d, ",ro")):
        script = mounted(d, """exec 2>/dev/null; cat f
            echo x > f; echo x >> f; rm -f f; mkdir d; mv f g; ln f g; ln -s f g; mkfifo p
            chmod 600 f; truncate -s 0 f; touch -d 2001-01-01 f
            mount -o remount,rw /mnt; echo x > f && echo writable; true""", option)
        before = os.stat(f"{d}/f")
        r = ended(sh(script, f"hostfs={gift}"), 0)
        check(os.listdir(d) == ["f"], "it was changed while mounted read-only", r)
        if gift == d:       # remounting helps when it was given to be written to
            check(r.out == b"oldwritable\n", "it cannot be mounted for writing later", r)
            continue
        check(r.out == b"old", "it cannot be read, or can be written", r)
        after = os.stat(f"{d}/f")
        check(get(f"{d}/f") == b"old" and after.st_ctime_ns == before.st_ctime_ns,
              "the file was changed", r)


def test_bad_options(tmp):
    put(f"{tmp}/file")
    refused(b"hostfs=/nowhere: cannot open the directory: No such file", "hostfs=/nowhere")
    refused(b"Not a directory", f"hostfs={tmp}/file")
    refused(b"which directory?", "hostfs=")
    refused(b"which directory?", "hostfs=name:")
    refused(b"this name is given twice", f"hostfs=a:{tmp}", f"hostfs=a:{tmp}")
    refused(b"files of the host's kernel", "hostfs=/proc/self")
    refused(b"No such file", "root=/dev/root", "rootfstype=hostfs", "rootflags=/nowhere")
    r = ended(sh(f"mount -t hostfs none /mnt -o {tmp},cache=never 2>/dev/null || echo refused;"
                 f"mount -t hostfs none /mnt -o {tmp},nonsense 2>/dev/null || echo refused",
                 f"hostfs={tmp}"), 0)
    check(r.out == b"refused\nrefused\n", "a wrong option is taken", r)


def test_whole_host():
    """With / the host's /proc and /sys are empty, and its programs run."""
    script = mounted("/", """exec 2>/dev/null; ls -A proc; ls -A sys; cat proc/version proc/1/environ; ls proc/self
        mkdir /o; mount -t tmpfs o /o; mkdir /o/u /o/w /o/m
        mount -t overlay o /o/m -o lowerdir=/mnt,upperdir=/o/u,workdir=/o/w || exit 1
        chroot /o/m /bin/sh -c 'echo works > /etc/uml-test; cat /etc/uml-test;
            rm -f /etc/passwd; ls /etc/passwd; test -x /usr/bin/env && env -i echo env'""", ",ro")
    r = ended(sh(script, "hostfs=/,ro"), 0)
    check(lines(r) == ["works", "env"], "the host's / is not what it should be", r)
    check(os.path.exists("/etc/passwd") and not os.path.exists("/etc/uml-test"),
          "the host was changed")


# Who owns and who may

def test_umask(tmp):
    """The guest's umask is for files of the guest, its user's for other files."""
    d = share(tmp)
    put(f"{tmp}/disk", bytes(1 << 20))
    ended(guest("umask 0; touch f", d, f"ubd0={tmp}/cow,{tmp}/disk",
                wrap=["sh", "-c", 'umask 077; exec "$@"', "sh"]), 0)
    check(os.stat(f"{d}/f").st_mode & 0o777 == 0o666, "the host took permissions away")
    check(os.stat(f"{tmp}/cow").st_mode & 0o777 == 0o600, "the umask did not hold")


def test_ownership(tmp):
    d = share(tmp)
    put(f"{d}/f", b"x", 0o640)
    if os.geteuid() == 0:
        os.chown(f"{d}/f", 1234, 4321)
    st = os.stat(f"{d}/f")
    r = ended(guest("stat -c '%u %g %a %h %s %i' f; su -s /bin/sh nobody -c 'cat f || echo no'"
                    " 2>/dev/null", d), 0)
    check(lines(r) == [f"{st.st_uid} {st.st_gid} 640 1 1 {st.st_ino}", "no"],
          "another owner, mode or number, or the guest does not check", r)


def test_host_checks(tmp):
    """The guest's root may what the user who runs the kernel may."""
    d = share(tmp)
    os.chmod(d, 0o777)
    program(d, "may")
    put(f"{d}/secret", b"secret\n", 0o600)
    put(f"{d}/readable", b"readable\n", 0o644)
    os.mkdir(f"{d}/closed", 0o700)
    put(f"{d}/closed/in", b"in\n")
    if os.geteuid() != 0:
        raise Skipped("needs root, to make files that another user may not use")
    script = """exec 2>/dev/null; id -u; cat secret; cat readable; echo x >> readable; cat closed/in
        chown 0 readable; chmod 777 readable; ./may secret readable may
        echo mine > new; stat -c %u new; chmod 640 new; chown 0:0 new || echo refused"""
    r = ended(guest(script, d, wrap=need(*NOBODY), linux=copy(tmp), cwd="/"), 0)
    user = os.stat(f"{d}/new").st_uid
    check(lines(r) == ["0", "readable", "secret: ---", "readable: r--", "may: r-x",
                       str(user), "refused"], "the host's permissions do not hold", r)
    check(user != 0 and stat.S_IMODE(os.stat(f"{d}/new").st_mode) == 0o640, "the new file")
    check(get(f"{d}/readable") == b"readable\n", "a file was changed")


def test_directory_in_use_is_closed(tmp):
    """Permissions that the host takes away hold for who is in the directory."""
    d = share(tmp)
    put(f"{d}/f", b"f\n")
    script = mounted(d, f"""exec su -s /bin/sh nobody -c 'cat f; echo ready; read x
        {OLD} cat f 2>/dev/null || echo refused'""")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        os.chmod(d, 0o700)
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r) == ["f", "ready", "refused"], "the old permissions hold", r)


def test_set_user_id_goes_at_a_write(tmp):
    """Also when the host has set it after the guest wrote first."""
    d = share(tmp)
    put(f"{d}/f", b"", 0o666)
    script = mounted(d, f"""exec su -s /bin/sh nobody -c 'exec 3<>f; echo a >&3; echo ready
        read x; {OLD} echo b >&3'""")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        os.chmod(f"{d}/f", 0o4777)
        g.send(b"\n")
        ended(g.result(), 0)
    check(get(f"{d}/f") == b"a\nb\n", "not written")
    check(stat.S_IMODE(os.stat(f"{d}/f").st_mode) == 0o777, "the file is still set-user-ID")


def test_maker_owns(tmp):
    """Where the kernel is root, files belong to the guest's user who makes them."""
    if os.geteuid() != 0:
        raise Skipped("needs root")
    d = share(tmp)
    os.chmod(d, 0o777)
    ended(guest("su -s /bin/sh nobody -c 'echo x > f; mkdir d; ln -s f l'", d), 0)
    check({os.lstat(f"{d}/{n}").st_uid for n in "fdl"} == {65534}, "another owner")


# Both sides at once

def test_host_changes(tmp):
    """What the host does is seen in the guest after a second."""
    d = share(tmp)
    put(f"{d}/f", b"one\n")
    put(f"{d}/gone", b"gone\n")
    script = mounted(d, f"""cat f; cat gone; ls none 2>/dev/null; echo ready; read x
        {OLD} cat f; cat gone 2>/dev/null || echo gone; cat none; stat -c %a f; ls -1""")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        put(f"{d}/f", b"another one\n", 0o600)
        os.unlink(f"{d}/gone")
        put(f"{d}/none", b"new\n")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r)[3:] == ["another one", "gone", "new", "600", "f", "none"],
          "the guest sees something else", r)


def host_after_guest(tmp, cache):
    d = share(tmp, cache)
    script = mounted(d, f"""echo guest > same; echo guest > grown; echo ready; read x
        {OLD} cat same grown""", f",cache={cache}")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        time.sleep(0.1)         # the host's clock for times of files has ticked
        with open(f"{d}/same", "r+") as f:
            f.write("HOST!")
        with open(f"{d}/grown", "a") as f:
            f.write("host\n")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r)[1:] == ["HOST!", "guest", "host"], "the guest sees what it had", r)


def test_host_writes_behind_guest(tmp):
    """That the guest wrote last, as far as it knew, does not hide what the host writes."""
    for cache in ("auto", "none"):
        host_after_guest(tmp, cache)


def both_write(tmp, old):
    """The host writes, then the guest elsewhere in the file; what the guest reads then."""
    d = share(tmp)
    put(f"{d}/f", b"one\n" + bytes(9996))
    script = mounted(d, f"""exec 3<>f; head -1 f; echo ready; read x; {old}
        printf end | dd bs=1 seek=9000 conv=notrunc >&3 2>/dev/null; {OLD} head -1 f""")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        time.sleep(0.1)         # the host's clock for times of files has ticked
        with open(f"{d}/f", "r+") as f:
            f.write("two")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r) == ["one", "ready", "two"], "the guest sees what it had", r)


def test_host_writes_before_guest(tmp):
    """That the guest writes elsewhere in the file does not hide what the host wrote before."""
    both_write(tmp, OLD)


def test_host_writes_between(tmp):
    """Nor what it wrote when the guest thought that it knew the file."""
    both_write(tmp, "")


def test_guest_maps_what_host_wrote(tmp):
    """A mapping that is written back takes nothing of the host's away."""
    d = share(tmp)
    program(d, "grown")
    script = mounted(d, f"echo guest > f; echo ready; read x; {OLD} ./grown f")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        with open(f"{d}/f", "a") as f:
            f.write("host\n")
        g.send(b"\n")
        ended(g.result(), 0)
    check(get(f"{d}/f") == b"Guest\nhost\n", f"the file holds {get(f'{d}/f')!r}")


def test_guests_append_in_turn(tmp):
    """Two guests that keep one file open for appending lose no line."""
    d = share(tmp)
    put(f"{d}/log")
    script = mounted(d, "exec 3>>log; while read x && [ $x != end ]; do echo $x >&3;"
                     f"echo said $x; done; {OLD} cat log")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as a, \
            Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as b:
        for i in range(20):
            for g in (a, b):
                g.send(b"%d\n" % i)
                g.until(rb"said %d\n" % i)
        want = b"".join(b"%d\n%d\n" % (i, i) for i in range(20))
        check(get(f"{d}/log") == want, f"the file holds {get(f'{d}/log')!r}")
        for g in (a, b):
            g.send(b"end\n")
            r = ended(g.result(), 0)
            check(r.out.endswith(want), "a guest sees another file", r)


def test_host_writes_before_chmod(tmp):
    """That the guest changes a file's mode does not hide that the host wrote."""
    d = share(tmp)
    put(f"{d}/f", b"one\n")
    script = mounted(d, f"cat f; echo ready; read x; chmod 600 f; {OLD} cat f")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        put(f"{d}/f", b"two\n")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r) == ["one", "ready", "two"], "the guest sees what it had", r)


def test_replaced(tmp):
    """A file that is replaced by another keeps being what it was to who has it open."""
    d = share(tmp)
    put(f"{d}/f", b"old\n")
    script = mounted(d, f"exec 3<f; echo ready; read x; {OLD} cat <&3; cat f")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        put(f"{d}/new", b"new\n")
        os.rename(f"{d}/new", f"{d}/f")
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r)[1:] == ["old", "new"], "not old, new", r)


def test_made_shorter_under_a_mapping(tmp):
    """A guest program gets SIGBUS; the kernel goes on."""
    d = share(tmp)
    put(f"{d}/f", b"x" * 100000)
    program(d, "shorter")
    script = mounted(d, "./shorter; echo status $?; cat f | wc -c")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", script]) as g:
        g.until(rb"ready\n")
        os.truncate(f"{d}/f", 10)
        g.send(b"\n")
        r = ended(g.result(), 0)
    check(lines(r)[1:] == ["SIGBUS", "status 0", "10"], "no SIGBUS, or more than that", r)


def test_no_space(tmp):
    """ENOSPC comes from write, and from msync and close of what was mapped."""
    d = share(tmp)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", d],
                          capture_output=True, text=True)
    if done.returncode:
        raise Skipped("mount: " + done.stderr.strip()[:80])
    try:
        program(tmp, "full")
        subprocess.run(["cp", f"{tmp}/full", f"{d}/full"], check=False)
        other = share(tmp, "programs")
        os.rename(f"{tmp}/full", f"{other}/full")
        if os.path.exists(f"{d}/full"):
            os.unlink(f"{d}/full")
        r = ended(sh(f"mkdir /p; mount -t hostfs none /p -o {other};"
                     + mounted(d, "/p/full; rm -f *; echo fits > f; cat f"),
                     f"hostfs={d}", f"hostfs={other}"), 0)
        check(lines(r) == ["write: No space left on device", "msync: No space left on device",
                           "fits"], "not told, or not right after it", r)
    finally:
        subprocess.run(["umount", d], check=False)


def test_two_guests(tmp):
    """What one guest writes the other reads; names are given once."""
    d = share(tmp)
    waiter = mounted(d, "while ! [ -e go ]; do sleep 0.1; done; cat go;"
                     "for i in $(seq 200); do mkdir dir$i 2>/dev/null && echo b > dir$i/b; done; true")
    with Guest(f"hostfs={d}", cmd=["sh", "-c", waiter]) as g:
        r = ended(guest("echo go > .go; mv .go go; for i in $(seq 200); do "
                        "mkdir dir$i 2>/dev/null && echo a > dir$i/a; done; true", d), 0)
        r = ended(g.result(), 0)
        check(r.out == b"go\n", "the other's file", r)
    owners = [os.listdir(f"{d}/dir{i}") for i in range(1, 201)]
    check(all(o in (["a"], ["b"]) for o in owners), "a directory has two makers or none")


def test_mounted_twice(tmp):
    """One page cache, wherever it is mounted."""
    d = share(tmp)
    os.mkdir(f"{d}/sub")
    script = f"""mkdir /2 /3; mount -t hostfs none /2 -o {d}; mount -t hostfs none /3 -o {d}/sub
        echo first > sub/f; cat /2/sub/f /3/f; echo second > /3/f; cat sub/f; mv /2/sub/f /2/g
        ls -A sub; ls -A /3; stat -c %i g /2/g | uniq | wc -l"""
    r = ended(guest(script, d), 0)
    check(lines(r) == ["first", "first", "second", "1"], "they differ", r)


def test_more_directories_than_descriptors(tmp):
    """Descriptors are closed and opened again."""
    d = share(tmp)
    for i in range(40):
        for k in range(10):
            put(f"{d}/d{i}/e{k}/f", b"%d %d\n" % (i, k))
    script = "for n in 1 2; do find . -type f | sort | xargs cat | md5sum; done; echo x > d39/e9/g"
    r = ended(guest(script, d, wrap=["sh", "-c", 'ulimit -n 160; exec "$@"', "sh"]), 0)
    one, two = lines(r)
    check(one == two and os.path.exists(f"{d}/d39/e9/g"), "files got lost", r)


def test_more_removed_files_than_descriptors(tmp):
    """Files that lost their name keep theirs; a way is found without the rest."""
    d = share(tmp)
    put(f"{d}/a/b/c/f", b"there\n")
    program(d, "unlinked")
    r = ended(guest("./unlinked 60 a/b/c/f", d, seconds=20,
                    wrap=["sh", "-c", 'ulimit -n 160; exec "$@"', "sh"]), 0)
    check(lines(r) == ["60 files", "a/b/c/f: 6 bytes"], "not all of it was done", r)
