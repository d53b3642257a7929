# SPDX-License-Identifier: GPL-2.0
"""uml run --root and --volume: what the guest sees of the host's files, and that
these stay as they are unless it is asked to write to them.
"""

import gzip
import os
import re
import shutil
import signal
import subprocess
import time

import cow
import disk
from launcher import LIMIT, UML, command, ended, read_until, run, said, sh, start, uml
from programs import newc
from t_confined import REFUSE, need
from uml import INITRAMFS, LINUX, Skipped, check, family, process_table


def files(tmp, **content):
    """A root: busybox and what else is asked for."""
    top = os.path.join(tmp, "root")
    os.mkdir(top)
    unpack = subprocess.run(["cpio", "-idmu", "--quiet", "--no-absolute-filenames"],
                            stdin=open(INITRAMFS, "rb"), cwd=top, capture_output=True)
    check(os.path.exists(f"{top}/bin/busybox"), "the initramfs does not unpack", unpack.stderr)
    for name, text in content.items():
        with open(os.path.join(top, name), "w") as f:
            f.write(text)
    return top


def test_the_hosts_files(tmp):
    """By default: the host's own, in this directory, as this user; and unchanged."""
    with open(f"{tmp}/here", "w") as f:
        f.write("content\n")
    done = ended(run("sh", "-c", "pwd; cat here; echo more >> here; echo new > new; cat here new",
                     root=None, cwd=tmp), 0)
    check(done.stdout.decode() == f"{tmp}\ncontent\ncontent\nmore\nnew\n", f"{done.stdout!r}")
    check(os.listdir(tmp) == ["here"] and open(f"{tmp}/here").read() == "content\n",
          "the host's files have changed")


def test_host_programs():
    """The host's own python runs, with its libraries."""
    done = ended(run("python3", "-c", "import os, json; print(json.dumps([os.getuid(), 6 * 7]))",
                     root=None), 0)
    check(done.stdout.decode() == f"[{os.getuid()}, 42]\n", f"{done.stdout!r}")


def test_fresh_directories():
    done = ended(run("sh", "-c", "ls /proc/self/comm /sys/kernel /dev/null > /dev/null && ls -A /run; "
                     "touch /tmp/x && ls -A /tmp; id -un", root=None, cwd="/etc"), 0)
    check(b"x\n" in done.stdout, f"{done.stdout!r}")
    check(not [n for n in os.listdir("/run") if n.encode() in done.stdout.split()[:-2]
               and n not in ("lock",)], "the host's /run is seen", done.stdout)


def test_directory(tmp):
    top = files(tmp, marker="mine\n")
    done = ended(sh("cat /marker; echo x > /written; rm /marker; ls /", root=top), 0)
    check(done.stdout.startswith(b"mine\n") and b"written" in done.stdout
          and b"marker" not in done.stdout[5:], f"{done.stdout!r}")
    check(not os.path.exists(f"{top}/written") and os.path.exists(f"{top}/marker"),
          "written through")


def test_directory_rw(tmp):
    top = files(tmp)
    ended(sh("echo through > /written; sync", root=top, options=["--rw"]), 0)
    check(open(f"{top}/written").read() == "through\n", "not written")


def test_two_guests_share_a_root(tmp):
    top = files(tmp, marker="mine\n")
    running = [start("sh", "-c", f"echo {i} > /marker; sleep 0.5; cat /marker", root=top,
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for i in range(3)]
    got = [p.communicate(timeout=LIMIT)[0] for p in running]
    check(got == [b"0\n", b"1\n", b"2\n"], f"{got}")


def image(tmp):
    return disk.ext4(tmp, "image", 24 << 20, {"bin/busybox": "/bin/busybox",
                                              "bin/sh": "/bin/busybox",
                                              "bin/cat": "/bin/busybox",
                                              "bin/ls": "/bin/busybox",
                                              "marker": b"on the image\n"})


def test_image(tmp):
    """What is written ends with the guest; the image is as it was, to the byte."""
    path = image(tmp)
    before = disk.read(path)
    done = ended(sh("cat /marker; echo new > /new; cat /new", root=path,
                    env=dict(os.environ, TMPDIR=tmp)), 0)
    check(done.stdout == b"on the image\nnew\n", f"{done.stdout!r}")
    check(disk.read(path) == before, "the image has changed")
    check(sorted(os.listdir(tmp)) == ["image", "image.d"], f"left: {os.listdir(tmp)}")


def test_image_rw(tmp):
    path = image(tmp)
    ended(sh("echo new > /new", root=path, options=["--rw"]), 0)
    disk.fsck(path)
    check(disk.cat(path, "/new") == b"new\n", "not written")


def test_image_in_use(tmp):
    path = image(tmp)
    p = start("sh", "-c", "echo up; cat", root=path, options=["--rw"],
              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        p.stdout.readline()
        done = ended(run("true", root=path, options=["--rw"]), 125)
        check(b"is locked" in done.stderr or b"another" in done.stderr or b"in use" in done.stderr,
              f"{done.stderr!r}")
    finally:
        p.kill()
        p.communicate()


def archive(tmp, name, compress=lambda data: data):
    with open("/bin/busybox", "rb") as f:
        busybox = f.read()
    data = newc([("bin", 0o40755, b""), ("bin/busybox", 0o100755, busybox),
                 ("bin/sh", 0o120777, b"busybox"), ("bin/cat", 0o120777, b"busybox"),
                 ("bin/ls", 0o120777, b"busybox"), ("marker", 0o100644, b"archived\n")])
    path = os.path.join(tmp, name)
    with open(path, "wb") as f:
        f.write(compress(data))
    return path


def test_archive(tmp):
    for name, compress in (("plain.cpio", lambda data: data), ("c.cpio.gz", gzip.compress)):
        done = ended(sh("cat /marker; echo x > /new; ls /bin", root=archive(tmp, name, compress)), 0)
        check(done.stdout == b"archived\nbusybox\ncat\nls\nsh\n", f"{name}: {done.stdout!r}")


def test_bad_archive(tmp):
    path = os.path.join(tmp, "bad.cpio.gz")
    with open(path, "wb") as f:
        f.write(b"\x1f\x8b" + os.urandom(1000))
    done = ended(sh("true", root=path), 125)
    check(b"cannot be unpacked" in done.stderr, f"{done.stderr!r}")


def test_cut_archive(tmp):
    """Half a root is none."""
    for name, compress in (("cut.cpio.gz", lambda data: gzip.compress(data)[:-2000]),
                           ("cut.cpio", lambda data: data[:-2000])):
        done = ended(sh("true", root=archive(tmp, name, compress)), 125)
        check(b"cannot be unpacked" in done.stderr, f"{name}: {done.stderr!r}")


def test_archive_with_a_long_end(tmp):
    """What is behind the end of an archive is nobody's."""
    for name, compress in (("long.cpio", lambda data: data + bytes(1 << 20)),
                           ("long.cpio.gz", lambda data: gzip.compress(data + bytes(1 << 20)))):
        done = ended(sh("cat /marker", root=archive(tmp, name, compress)), 0)
        check(done.stdout == b"archived\n", f"{name}: {done.stdout!r}")


def test_bad_image(tmp):
    path = disk.noise(tmp, "noise")
    with open(path, "r+b") as f:
        f.seek(1024 + 56)
        f.write(b"\x53\xef")
    done = ended(sh("true", root=path), 125)
    check(b"the guest cannot mount its root" in done.stderr, f"{done.stderr!r}")


def test_volumes(tmp):
    for name in ("read", "write", "over"):
        os.mkdir(f"{tmp}/{name}")
        with open(f"{tmp}/{name}/file", "w") as f:
            f.write(name)
    done = ended(sh("cd /mnt/deep; cat r/file w/file o/file; touch r/x; echo w > w/x; echo o > o/x;"
                    "cat w/x o/x", options=[
                        "--volume", f"{tmp}/read:/mnt/deep/r", "--volume",
                        f"{tmp}/write:/mnt/deep/w:rw", "--volume", f"{tmp}/over:/mnt/deep/o:overlay"]), 0)
    check(done.stdout == b"readwriteoverw\no\n", f"{done.stdout!r}")
    check(b"Read-only" in done.stderr, f"{done.stderr!r}")
    check(os.listdir(f"{tmp}/read") == ["file"] and os.listdir(f"{tmp}/over") == ["file"]
          and sorted(os.listdir(f"{tmp}/write")) == ["file", "x"], "written where it should not be")


def test_volume_names(tmp):
    """Colons, blanks, commas and bytes that are not UTF-8 in the place."""
    os.mkdir(f"{tmp}/a b")
    with open(f"{tmp}/a b/file", "w") as f:
        f.write("x\n")
    done = ended(run("cat", b"/mnt/c d\xff,e/file", options=[
        b"--volume", os.fsencode(f"{tmp}/a b") + b":/mnt/c d\xff,e"]), 0)
    check(done.stdout == b"x\n", f"{done.stdout!r}")


def test_odd_names(tmp):
    """A name's own ",ro" is no option of the kernel's, and a comma in an image's is refused."""
    for name in ("root", "volume"):
        os.mkdir(f"{tmp}/a")
        top = f"{tmp}/{name},ro"
        os.rename(files(f"{tmp}/a"), top)
        os.rmdir(f"{tmp}/a")
        where = {"root": top} if name == "root" else {}
        ended(sh("echo x > /mnt/x && sync", root=where.get("root", "none"),
                 options=["--rw"] if where else ["--volume", f"{top}:/mnt:rw"]), 0)
        check(os.path.exists(f"{top}/mnt/x" if where else f"{top}/x"), f"{name}: not written")
    path = f"{tmp}/image,1"
    os.rename(image(tmp), path)
    said(ended(run("true", root=path), 125), b"a name with a comma")


def test_disks(tmp):
    path, own = disk.ext4(tmp, "disk", 16 << 20, {"f": b"on the disk\n"}), f"{tmp}/cow"
    done = ended(sh("mount /dev/ubda /mnt; cat /mnt/f; echo x > /mnt/x; umount /mnt",
                    options=["--user", "root", "--disk", f"{path},cow={own}"]), 0)
    check(done.stdout == b"on the disk\n" and os.path.exists(own), f"{done.stdout!r}")
    check(disk.cat(path, "/x") == b"", "the backing file was written to")
    done = ended(sh("mount -o ro /dev/ubda /mnt; cat /mnt/f; echo x > /dev/ubda",
                    options=["--user", "root", "--disk", f"{path},ro"]), 1)
    check(done.stdout == b"on the disk\n", f"{done.stdout!r}")
    ended(sh("mount /dev/ubda /mnt; echo x > /mnt/x", options=["--user", "root", "--disk", path]), 0)
    check(disk.cat(path, "/x") == b"x\n", "what was written is lost")
    disk.fsck(path)


def test_disk_that_is_a_cow_file(tmp):
    """It is not shown as its raw bytes: its backing file has to be said, by the user."""
    path, own = disk.ext4(tmp, "disk", 16 << 20), f"{tmp}/my.cow"
    ended(run("true", options=["--disk", f"{path},cow={own}"]), 0)
    cow.make(f"{tmp}/old.cow", path, version=2, little=True)
    for name in (own, f"{tmp}/old.cow"):
        before = disk.read(name)
        for spec in (name, f"{name},ro", f"{name},cow={tmp}/other"):
            said(ended(run("true", options=["--disk", spec]), 125),
                 f"--disk BACKING,cow={name}\n".encode())
        check(disk.read(name) == before and not os.path.exists(f"{tmp}/other"), "something was written")
    ended(run("true", options=["--disk", f"{path},cow={own}"]), 0)
    with open(f"{tmp}/short", "wb") as f:
        f.write(b"OOO".ljust(4096, b"x"))
    ended(run("true", options=["--disk", f"{tmp}/short,ro"]), 0)


def as_nobody(*words):
    """Another user, without HOME or a runtime directory."""
    if os.getuid():
        raise Skipped("needs root to be somebody else")
    return subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                           "env", "-i", "PATH=/usr/bin:/bin", *words], capture_output=True, timeout=LIMIT,
                          cwd="/")


def test_volume_that_may_not_be_entered(tmp):
    """A line that names it; one that may be entered but not listed is as it is here."""
    os.mkdir(f"{tmp}/dir", 0o700)
    with open(f"{tmp}/dir/file", "w") as f:
        f.write("x\n")
    os.chmod(f"{tmp}/dir/file", 0o644)
    words = command("cat", "/mnt/file", options=["--volume", f"{tmp}/dir:/mnt"])
    said(ended(as_nobody(*words), 125), f"--volume {tmp}/dir: Permission denied; ".encode())
    os.chmod(f"{tmp}/dir", 0o711)
    check(ended(as_nobody(*words), 0).stdout == b"x\n", "not read")


def test_as_nobody():
    """On the host's files."""
    done = as_nobody(*command("sh", "-c", "id -u; cat /etc/shadow; echo x > /etc/x && echo wrote", root=None))
    check(done.returncode in (0, 1, 2) and done.stdout.startswith(b"65534\n"),
          f"{done.returncode} {done.stdout!r} {done.stderr!r}")
    check(b"root:" not in done.stdout, "it reads what the user may not")


def dry(*words, **more):
    return ended(run(*words, options=["--dry-run"], **more), 0).stdout


def test_dry_run_can_be_pasted(tmp):
    line = dry("sh", "-c", "printf '%s|' \"$@\"; id -u; pwd", "sh", "a b", "it's", '"', cwd="/etc")
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL)
    check(done.stdout == f"a b|it's|\"|{os.getuid()}\n/etc\n".encode(), f"{line!r} {done.stdout!r}",
          done.stderr)
    top = files(tmp, marker="mine\n")
    done = subprocess.run(["sh", "-c", dry("cat", "/marker", root=top)], capture_output=True,
                          timeout=LIMIT, stdin=subprocess.DEVNULL)
    check(done.stdout == b"mine\n" and done.returncode == 0, f"{done.stdout!r} {done.stderr!r}")


def initrd(*words, **more):
    return subprocess.Popen([UML, "run", "-q", "--kernel", LINUX, "--initrd", INITRAMFS, *words],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, **more)


def test_initrd():
    """Its own /init on the console, with the words that are its own; its status."""
    with initrd("--append", "--", "--append", "single") as p:
        out, _ = p.communicate(b"cat /proc/1/cmdline; echo mark-$((6 * 7)); exit 7\n", LIMIT)
    check(p.returncode == 7 and b"mark-42\n" in out, f"{p.returncode} {out!r}")
    check(b"/init\0single\0" in out, f"/init has not its word: {out!r}")


def test_initrd_ends_with_the_launcher(tmp):
    """SIGKILL to uml: no process of a guest that --initrd started is left, nor a file."""
    p = initrd("--append", "umid=killed", env=dict(os.environ, HOME=tmp))
    try:
        p.stdin.write(b"sleep 1000 & sleep 1000 & echo mark-$((6 * 7)); read end\n")
        p.stdin.flush()
        read_until(p.stdout, b"mark-42")
        before = family(p.pid)
        check(len(before) > 3, f"only {before} are there")
        check(os.path.exists(f"{tmp}/.uml/killed/pid"), "the guest has no files")
        p.kill()
        p.wait()
        end = time.monotonic() + 10
        left = before
        while left and time.monotonic() < end:
            time.sleep(0.05)
            left = before & {pid for pid, row in process_table().items() if row[2] not in "ZX"}
        check(not left, f"{left} of {before} are left")
        check(not os.path.exists(f"{tmp}/.uml/killed"), "its files are left")
    finally:
        p.kill()
        p.communicate()


WRONG = [
    (["--no-such"], b"uml run: unrecognized option"),
    (["--root", "/nonexistent"], b"--root /nonexistent: No such file"),
    (["--root", "/etc/passwd"], b"no image of ext4"), (["--root", "/dev/null"], b"neither"),
    (["--volume", "/nonexistent"], b"No such file"), (["--volume", "/etc/passwd"], b"not a directory"),
    (["--volume", "/etc:relative"], b"a path from /"), (["--cwd", "x"], b"a path from /"),
    (["--memory", "12"], b"say of what"), (["--memory", "x"], b"wants a size"),
    (["--memory", "1M"], b"too small"), (["--cpus", "0"], b"from 1 to"), (["--cpus", "x"], b"from 1 to"),
    (["--network", "x"], b"there are none, user"), (["--network", "fd=99"], b"is not open"),
    (["--publish", "80:80"], b"needs --network user"),
    (["--network", "user", "--publish", "x"], b"two ports"),
    (["--disk", "/nonexistent"], b"No such file"), (["--disk", "/etc/passwd,x"], b"only ro and cow="),
    (["--kernel", "/nonexistent"], b"No such file"), (["--kernel", "/etc/passwd"], b"not an executable"),
    (["--timeout", "x"], b"wants seconds"), (["--timeout", "-1"], b"wants seconds"),
    (["--timeout", "1w"], b"wants seconds"), (["--timeout", "."], b"wants seconds"),
    (["--name", "a/b"], b"is made of"), (["--name", ""], b"1 to 64"), (["--env", "=x"], b"NAME=VALUE"),
    (["--volume", "/etc:/mnt:RW"], b"/etc:/mnt:RW: only ro, rw or overlay"),
    (["--volume", "/etc:/mnt:ro:rw"], b"and one of them"), (["--volume", "/etc:/mnt::ro"], b"and one of them"),
    (["--initrd", "/nonexistent"], b"No such file"), (["--root", "none", "--rw"], b"cannot be written"),
    (["--initrd", "/etc/passwd", "--root", "/"], b"excludes --root"), (["--user", ""], b"is empty"),
    (["--initrd", INITRAMFS], f"--root {INITRAMFS} -- true... runs that".encode()),
    (["--initrd", INITRAMFS, "--dry-run"], b"its own /init decides"),
]


def test_names_of_every_kind(tmp):
    """A name is no part of the kernel's options, whatever it has in it."""
    for name in ("a b", "it's", "line\nline", "tab\t", "x=y", "a b=c", "comma,ro", "back\\slash", "p%25"):
        os.mkdir(f"{tmp}/{name}")
        with open(f"{tmp}/{name}/file", "w") as f:
            f.write("there\n")
        done = ended(run("cat", "/mnt/file", options=["--volume", f"{tmp}/{name}:/mnt"]), 0, repr(name))
        check(done.stdout == b"there\n", f"{name!r}: {done}")
    for name in ('a"b', 'a" mem=1M b', '"'):
        os.mkdir(f"{tmp}/{name}")
        with open(f"{tmp}/{name}/file", "w") as f:
            f.truncate(1 << 20)
        for words in (["--volume", f"{tmp}/{name}:/mnt"], ["--root", f"{tmp}/{name}"],
                      ["--disk", f"{tmp}/{name}/file"], ["--disk", f"/dev/null,cow={tmp}/{name}/cow"],
                      ["--network", f"tap={name}"]):
            done = subprocess.run([UML, "run", "-q", "--kernel", LINUX, *words, "true"],
                                  capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
            check(done.returncode == 125 and b"a name with a double quote" in done.stderr
                  and done.stderr.count(b"\n") == 1, f"{words}: {done.returncode} {done.stderr!r}")


def test_failures_name_what_was_asked(tmp):
    for words, text in (
            (["--volume", "/etc:/mnt", "--volume", f"{tmp}:/init"],
             f"--volume {tmp}:/init: the guest cannot put it there: Not a directory"),
            (["--volume", f"{tmp}:/proc/none"],
             f"--volume {tmp}:/proc/none: the guest cannot put it there: No such file or directory"),
            (["--user", "nobody-here"], "--user nobody-here: the guest knows none of that name"),
            (["--user", "root:nobody-here"], "--user root:nobody-here: the guest knows no such user, or no"),
            (["--cwd", "/none"], "--cwd /none: the guest cannot go there: No such file or directory"),
            (["--cwd", "/init"], "--cwd /init: the guest cannot go there: Not a directory")):
        said(ended(run("true", options=words), 125, str(words)), text.encode())


def test_kernel_is_a_file(tmp):
    """A name without a slash is one in this directory, whatever PATH has; and no shell runs it."""
    os.mkdir(f"{tmp}/bin")
    for at, word in ((f"{tmp}/bin", "wrong"), (tmp, "right")):
        with open(f"{at}/kernel", "w") as f:
            f.write(f"#!/bin/sh\ntouch {tmp}/{word}\n")
        os.chmod(f"{at}/kernel", 0o755)
    env = dict(os.environ, PATH=f"{tmp}/bin:{os.environ['PATH']}")
    for words in (["--root", "none", "true"], ["--initrd", INITRAMFS]):
        done = subprocess.run([UML, "run", "-q", "--kernel", "kernel", *words], cwd=tmp, env=env,
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        check(os.path.exists(f"{tmp}/right") and not os.path.exists(f"{tmp}/wrong"), f"{words}: {done}")
        os.unlink(f"{tmp}/right")
    with open(f"{tmp}/kernel", "w") as f:
        f.truncate(0)
    for words in (["--root", "none", "true"], ["--initrd", INITRAMFS]):
        done = subprocess.run([UML, "run", "-q", "--kernel", "kernel", *words], cwd=tmp, env=env,
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        said(ended(done, 125), b"cannot run ./kernel: it is empty")


def test_wrong_options():
    for words, text in WRONG:
        done = subprocess.run([UML, "run", "-q", *([] if "--kernel" in words else
                                                   ["--kernel", LINUX]), *words, "true"],
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        check(done.returncode == 125 and text in done.stderr and done.stdout == b"",
              f"{words}: {done.returncode} {done.stderr!r}")
        check(done.stderr.count(b"\n") <= (3 if b"last that" in done.stderr else 1),
              f"{words}: more than a line: {done.stderr!r}")


def test_what_needs_the_launcher():
    """--initrd and --gdb run a kernel without it: what only it does is refused, not left out."""
    both = ("--timeout 5", "--name a", "--network user", "--network user --publish 80:80", "--env A=b")
    for mode, more in ((f"--initrd {INITRAMFS}", ("--user root", "--cwd /", "--volume /etc")),
                       ("--gdb", (f"--root {INITRAMFS}",))):
        for words in (*both, *more):
            done = subprocess.run([UML, "run", "--kernel", LINUX, *mode.split(), *words.split()],
                                  capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
            named = " ".join(words.split()[:2 if words.startswith(("--network", "--root")) else 1])
            said(ended(done, 125), f"uml: {named} cannot be had with {mode.split()[0]}, ".encode())
            check(done.stdout == b"", f"{mode} {words}: {done}")


def test_dry_run_says_what_it_leaves_out():
    options = ["--dry-run", "--timeout", "5", "--name", "a", "--network", "user", "--env", "A=b"]
    words = [w for w in command("true", root=None, options=[*options, "--root", INITRAMFS]) if w != "-q"]
    done = ended(subprocess.run(words, capture_output=True, timeout=LIMIT), 0)
    for option in ("--timeout", "--name", "--network user", "--env", f"--root {INITRAMFS}"):
        check(f"uml: the line is without {option}: ".encode() in done.stderr, f"{option}: {done.stderr!r}")
    check(done.stderr.count(b"\n") == 5 and done.stdout.count(b"\n") == 1, f"{done}")
    done = ended(run("true", options=["--volume", "/etc", "--user", "root", *options]), 0)
    check(done.stderr == b"" and done.stdout.endswith(b"-- true\n"), f"with -q: {done}")


def test_more_processors(tmp):
    """A note, however the guest is run; -q is without notes."""
    with open(f"{tmp}/gdb", "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(f"{tmp}/gdb", 0o755)
    env = dict(os.environ, PATH=f"{tmp}:{os.environ['PATH']}")
    for words in (["--dry-run"], ["--gdb"], ["--initrd", INITRAMFS], ["--root", "none", "--", "true"]):
        for quiet in ((), ("-q",)):
            done = subprocess.run([UML, "run", *quiet, "--kernel", LINUX, "--cpus", "2", *words],
                                  capture_output=True, timeout=LIMIT, input=b"", env=env)
            note = b"uml: --cpus 2: this kernel has one processor\n"
            check(done.returncode == 0 and done.stderr.count(note) == (not quiet), f"{words}: {done}")


def test_wrong_commands():
    check(b"there is no command x" in ended(uml("x"), 125).stderr, "x")
    check(b"usage: uml" in ended(uml(), 125).stderr, "none")
    check(b"usage: uml" in ended(uml("--help"), 0).stdout, "--help")
    check(b"--root" in ended(uml("run", "--help"), 0).stdout, "run --help")
    for name in re.findall(rb"^  (\w+)", uml("--help").stdout, re.M):
        for word in ("--help", "-h"):
            done = ended(uml(name, word), 0)
            check(done.stdout.startswith(b"usage: uml " + name + b" ") and done.stderr == b"", f"{done}")
    for words in (("stop",), ("sysrq", "x"), ("stats", "a", "b"), ("image",), ("image", "build", "x", "y")):
        said(ended(uml(*words), 125), b"")


def test_no_kernel(tmp):
    lone = f"{tmp}/uml"
    with open(UML, "rb") as f, open(lone, "wb") as g:
        g.write(f.read())
    os.chmod(lone, 0o755)
    done = subprocess.run([lone, "run", "true"], capture_output=True, timeout=LIMIT)
    said(ended(done, 125), b"no kernel")


def test_kernel_is_no_kernel(tmp):
    fake = f"{tmp}/linux"
    with open(fake, "w") as f:
        f.write("#!/bin/sh\necho this is no kernel >&2\nexit 3\n")
    os.chmod(fake, 0o755)
    done = subprocess.run([UML, "run", "--kernel", fake, "true"], capture_output=True,
                          timeout=LIMIT)
    check(done.returncode == 125 and b"did not start" in done.stderr
          and b"this is no kernel" in done.stderr, f"{done.returncode} {done.stderr!r}")


def test_kernel_that_is_cut(tmp):
    """The host ends such a program by a signal: that is no status of a command."""
    cut = f"{tmp}/linux"
    with open(LINUX, "rb") as f, open(cut, "wb") as g:
        g.write(f.read(100000))
    os.chmod(cut, 0o755)
    for words in ((), ("--initrd", INITRAMFS)):
        done = subprocess.run([UML, "run", "--kernel", cut, *words, *(() if words else ("true",))],
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        said(ended(done, 125), f"ended {cut}".encode())


def test_image_build_interrupted(tmp):
    """Neither Ctrl-C nor SIGTERM leaves what the recipe had put aside."""
    recipe = f"{tmp}/share/uml/tools/build/rootfs"
    os.makedirs(os.path.dirname(recipe))
    for name in ("bin", "work"):
        os.mkdir(f"{tmp}/{name}")
    with open(recipe, "w") as f:
        # No shell: one that gets SIGINT between two commands may wait for the second.
        f.write("#!/usr/bin/python3\nimport os, signal, subprocess, time\n"
                "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
                "os.mkdir(os.environ['BUILD'] + '/dir')\n"
                "open(os.environ['BUILD'] + '/dir/file', 'w').close()\n"
                "subprocess.Popen(['sleep', '1000'])\n"
                "print('begun', flush=True)\ntime.sleep(1000)\n")
    os.chmod(recipe, 0o755)
    shutil.copy(UML, f"{tmp}/bin/uml")
    env = dict(os.environ, TMPDIR=f"{tmp}/work")
    for number in (signal.SIGINT, signal.SIGTERM):
        was = signal.signal(number, signal.SIG_DFL)     # nohup(1) may have started us
        p = subprocess.Popen([f"{tmp}/bin/uml", "image", "build", "debian", f"{tmp}/out"], env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        signal.signal(number, was)
        try:
            read_until(p.stdout, b"begun\n")
            check(os.listdir(f"{tmp}/work"), "the recipe works elsewhere")
            if number == signal.SIGINT:
                os.killpg(p.pid, number)    # as the terminal does
            else:
                p.send_signal(number)
            check(p.wait(LIMIT) == 128 + number, f"{number.name}: status {p.returncode}")
            check(p.stdout.read() == b"", "what the recipe started lives on")
            check(not os.listdir(f"{tmp}/work"), f"{number.name}: left: {os.listdir(f'{tmp}/work')}")
        finally:
            p.kill()
            p.communicate()


def test_doctor():
    """What it says of guests is found out by running them."""
    done = ended(uml("doctor", "--kernel", LINUX, seconds=100), 0)
    text = done.stdout.decode()
    for line in ("ok   kernel", "ok   guests", "ok   transport", "ok   memfd", "processors", "   disks "):
        check(line in text, f"no '{line}'", text)
    done = uml("doctor", "--kernel", "/bin/false", seconds=100)
    check(done.returncode == 125 and b"NO   guests" in done.stdout, f"{done}")


def test_doctor_of_disks(tmp):
    """io_uring or threads, as a guest with a disk says; and why no io_uring."""
    disk = os.path.join(tmp, "disk")
    with open(disk, "wb") as f:
        f.truncate(1 << 20)
    seen = ended(run("cat", "/sys/block/ubda/transport", options=["--disk", disk]), 0).stdout.decode().strip()
    text = ended(uml("doctor", "--kernel", LINUX, seconds=100), 0).stdout.decode()
    mark = {"uring": "ok", "threads": "no"}[seen]
    check(re.search(f"^{mark}   disks +{seen}", text, re.M), f"guests have {seen}", text)
    wrap = need(*REFUSE, "io_uring_setup")
    done = subprocess.run([*wrap, UML, "doctor", "--kernel", LINUX], capture_output=True, timeout=100)
    check(done.returncode == 0 and
          re.search(rb"^no   disks +threads: no io_uring on this host \(Operation not permitted\)", done.stdout, re.M),
          f"{done}")


test_doctor.seconds = 110
test_doctor_of_disks.seconds = 210
