# SPDX-License-Identifier: GPL-2.0
"""uml image build debian OUT: an image that uml run --root takes, with the modules of
the kernel, from where uml was built and from where it was installed.

The short tests have an archive of their own with a few files in place of Debian's:
programs called mmdebstrap, apt-get and dpkg-query, before those of the host, so
nothing is fetched or installed. LONG=1: the real ones, and a whole Debian.
"""

import os
import subprocess
import tarfile

from disk import fsck, tool
from launcher import UML, ended
from t_confined import mounts
from t_package import INSTALL
from uml import LINUX, Skipped, check, tail

SOURCE = "Debian bookworm deb http://127.0.0.1:9/debian/ bookworm main"
STUBS = {
    # It is told where to put the archive, what is to be in it, and from where.
    "mmdebstrap": """#!/bin/sh
cat > %(tmp)s/sources
echo "$@" > %(tmp)s/words
for word; do
	case $word in *.tar.new) cp %(tmp)s/files.tar "$word" && exit 0;; esac
done
exit 1
""",
    "apt-get": f"#!/bin/sh\n[ \"$1\" = indextargets ] && echo '{SOURCE}'\n",
    "apt-config": "#!/bin/sh\necho 'Acquire::Retries \"3\";'\n",
    "dpkg-query": "#!/bin/sh\necho installed\n",
}
WHO = "ID=no-real-debian\n"


def stubs(tmp):
    """The environment in which a small archive is Debian's."""
    os.mkdir(f"{tmp}/stubs")
    for name, text in STUBS.items():
        with open(f"{tmp}/stubs/{name}", "w") as f:
            f.write(text % {"tmp": tmp} if name == "mmdebstrap" else text)
        os.chmod(f"{tmp}/stubs/{name}", 0o755)
    files = {"etc/os-release": WHO, "etc/shadow": "root:*:1::::::\n", "dev/node": "not to be there\n",
             "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/systemd/system/x": ""}
    for name, text in files.items():
        os.makedirs(os.path.dirname(f"{tmp}/files/{name}"), exist_ok=True)
        with open(f"{tmp}/files/{name}", "w") as f:
            f.write(text)
    with tarfile.open(f"{tmp}/files.tar", "w") as tar:
        tar.add(f"{tmp}/files", ".")
        tar.add("/bin/busybox", "./bin/busybox")
        for name in ("sh", "cat", "ls", "uname", "modprobe", "grep"):
            link = tarfile.TarInfo(f"./bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    os.mkdir(f"{tmp}/work")
    return dict(os.environ, V="", PATH=f"{tmp}/stubs:{os.environ['PATH']}", TMPDIR=f"{tmp}/work")


# The module is found by name and fits the kernel.
LOOK = "cat /etc/os-release; modprobe dummy && grep -c '^dummy ' /proc/modules; ls /lib/modules; uname -r"


def build(tmp, program, env, seconds):
    out = f"{tmp}/out.img"
    done = subprocess.run([program, "image", "build", "debian", out], env=env, cwd=tmp, timeout=seconds,
                          capture_output=True, stdin=subprocess.DEVNULL)
    ended(done, 0)
    check(f"{out} is ready: uml run --root {out}\n".encode() in done.stdout, f"{done.stdout!r}")
    check(os.listdir(env["TMPDIR"]) == [], f"left: {os.listdir(env['TMPDIR'])}")
    check(not os.path.exists(out + ".new"), "an unfinished image is left")
    fsck(out)
    return out


def look(program, out, options=()):
    """What a guest with the image says: os-release, the module loaded, the kernel's own directory."""
    done = subprocess.run([program, "run", "-q", *options, "--root", out, "--user", "root", "--cwd", "/", "--",
                           "sh", "-c", LOOK], capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    who, _, rest = ended(done, 0).stdout.decode().rpartition("\n1\n")
    modules, version = rest.split("\n")[:2] if rest.count("\n") > 1 else (None, rest)
    check(modules == version and version, "no modules of this kernel in the image", f"{done.stdout}\n{tail(done.stderr)}")
    return who + "\n"


def short(tmp, program, options=()):
    for name in ("mke2fs", "modprobe", "make"):
        tool(name)
    out = build(tmp, program, stubs(tmp), 100)
    check(look(program, out, options) == WHO, "another system is on the image")
    with open(f"{tmp}/words") as f, open(f"{tmp}/sources") as g:
        words, sources = f.read(), g.read()
    check("--include=systemd,systemd-sysv" in words and "--aptopt=Acquire::Retries" in words
          and " bookworm /" in words, f"mmdebstrap was called with {words}")
    check(sources == SOURCE.split(" ", 2)[2] + "\n", f"mmdebstrap was to fetch from {sources!r}")


def test_from_the_build(tmp):
    short(tmp, UML, ["--kernel", LINUX])


def test_installed(tmp):
    """From below a prefix, where neither the source nor the objects are known."""
    done = subprocess.run([INSTALL], env=dict(os.environ, DESTDIR=tmp, PREFIX="/p"),
                          capture_output=True, timeout=100)
    check(done.returncode == 0, "make install fails", tail(done.stdout + done.stderr))
    short(tmp, f"{tmp}/p/bin/uml")


def test_full_disk(tmp):
    """Where the image goes, or what it is made of: a line, nothing half made, and the image before is kept."""
    for name in ("mke2fs", "make"):
        tool(name)
    env = stubs(tmp)
    os.mkdir(f"{tmp}/tiny")
    wrap = mounts(f"mount -t tmpfs -o size=400k t {tmp}/tiny; echo before >{tmp}/tiny/out.img")
    look = f'"$@"; s=$?; cd {tmp}; echo; echo left:; find tiny work out.img* -type f; cat tiny/out.img; exit $s'
    for out, work in (("tiny/out.img", "work"), ("out.img", "tiny")):
        done = subprocess.run([*wrap, "sh", "-c", look, "sh", UML, "image", "build", "debian", f"{tmp}/{out}"],
                              env=dict(env, TMPDIR=f"{tmp}/{work}"), cwd=tmp, timeout=100,
                              capture_output=True, stdin=subprocess.DEVNULL)
        ended(done, 125)
        words, _, left = done.stdout.partition(b"\nleft:\n")
        check(b"no space left" in words.lower(), f"no word of it: {done}")
        check(b" failed; V=1 " in done.stderr, f"another last line: {done.stderr}")
        check(left == b"tiny/out.img\nbefore\n", f"left: {left}")


test_full_disk.seconds = 120


def test_failed_fetch(tmp):
    """mmdebstrap fails: so does uml, with the words of it, and no image."""
    env = stubs(tmp)
    os.unlink(f"{tmp}/files.tar")
    done = subprocess.run([UML, "image", "build", "debian", f"{tmp}/out.img"], env=env, timeout=60,
                          capture_output=True, stdin=subprocess.DEVNULL)
    check(done.returncode == 125 and b"files.tar" in done.stdout + done.stderr, f"{done}")
    check(not [n for n in os.listdir(tmp) if n.startswith("out")] and not os.listdir(f"{tmp}/work"),
          f"left: {os.listdir(tmp)}")


def test_of_a_whole_debian(tmp):
    if not os.environ.get("LONG"):
        raise Skipped("fetches a Debian: LONG=1")
    os.mkdir(f"{tmp}/work")
    out = build(tmp, UML, dict(os.environ, TMPDIR=f"{tmp}/work"), 850)
    who = look(UML, out, ["--kernel", LINUX])
    check("VERSION_CODENAME=bookworm\n" in who, f"{who}")


test_from_the_build.seconds = 120
test_installed.seconds = 220
test_of_a_whole_debian.seconds = 900
