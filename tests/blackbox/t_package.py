# SPDX-License-Identifier: GPL-2.0
"""make install, and the Debian package: what is in them works from there."""

import os
import re
import shutil
import subprocess

from launcher import LIMIT, uml
from uml import TOP, Skipped, check, run

BOTH = False    # the same guests from another place
INSTALL = os.path.join(TOP, "tools", "build", "install")


def works(prefix):
    """The installed launcher finds the installed kernel."""
    done = subprocess.run([f"{prefix}/bin/uml", "run", "-q", "--root", "none", "--", "echo", "installed"],
                          capture_output=True, timeout=LIMIT)
    check(done.returncode == 0 and done.stdout == b"installed\n", f"{done}")
    for file in ("share/man/man1/uml.1", "share/man/man1/linux.um.1", "share/bash-completion/completions/uml",
                 "share/zsh/site-functions/_uml", "share/uml/tools/build/rootfs", "bin/linux.um"):
        found = [f for f in (file, file + ".gz", file.replace("site-functions", "vendor-completions"))
                 if os.path.exists(f"{prefix}/{f}")]
        check(found, f"no {file}")
    # gdb looks beside the file that the link leads to.
    kernel = os.path.realpath(f"{prefix}/bin/linux.um")
    if shutil.which("gdb"):
        done = subprocess.run(["gdb", "-nx", "-batch", "-iex", f"add-auto-load-safe-path {prefix}",
                               "-ex", "help lx-ps", "-ex", "ptype struct task_struct", kernel],
                              capture_output=True, timeout=LIMIT)
        if b"compiler describes no variables" in done.stderr + done.stdout:
            return
        check(b"Dump Linux tasks" in done.stdout and b"real_parent;" in done.stdout and not done.stderr,
              f"gdb on {kernel}", f"{done.stderr!r}\n{done.stdout!r}"[-2000:])
        trees = [os.path.join(d, f) for d, _, names in os.walk(f"{prefix}/lib/uml/gdb") for f in names]
        check(not any(os.path.islink(f) for f in trees), "it needs what it was built from")


def test_install(tmp):
    done = subprocess.run([INSTALL], env=dict(os.environ, DESTDIR=tmp, PREFIX="/p"),
                          capture_output=True, timeout=100)
    check(done.returncode == 0, "make install fails", done.stdout.decode() + done.stderr.decode())
    works(f"{tmp}/p")


test_install.seconds = 120


def test_completions():
    for shell, file in (("bash", "uml.bash"), ("zsh", "uml.zsh")):
        if not shutil.which(shell):
            continue
        done = subprocess.run([shell, "-n", os.path.join(TOP, "uml", "completion", file)],
                              capture_output=True, timeout=LIMIT)
        check(done.returncode == 0, f"{shell}: {done.stderr!r}")
    script = (f". {TOP}/uml/completion/uml.bash; COMP_WORDS=(uml run --vol); COMP_CWORD=2; _uml;"
              'echo "${COMPREPLY[@]}"; COMP_WORDS=(uml pa); COMP_CWORD=1; _uml; echo "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=LIMIT)
    check(done.stdout == b"--volume\npause\n", f"{done}")


ZPTY = """
zmodload zsh/zpty
zpty shell 'PS1="> " PS2= TERM=dumb zsh -f -i'
seen=
await() {   # read on until $1 comes
	local chunk
	repeat 300; do
		[[ $seen == *$1* ]] && return
		if zpty -r -t shell chunk; then seen+=$chunk; else sleep 0.05; fi
	done
	print -r -- "no $1: $seen"
	exit 1
}
zpty -w shell "unsetopt zle_bracketed_paste; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -D -u; compdef uml; print re''ady"
await ready
seen=
zpty -w -n shell "$2"$'\\t'
await "$3"
print found
zpty -d shell
"""


def test_zsh_completion(tmp):
    """A real zsh, with the file as _uml in its path, completes what is typed."""
    if not shutil.which("zsh"):
        raise Skipped("no zsh here")
    shutil.copy(os.path.join(TOP, "uml", "completion", "uml.zsh"), f"{tmp}/_uml")
    with open(f"{tmp}/uml", "w") as f:
        f.write("#!/bin/sh\n[ \"$*\" = 'ps -q' ] && echo a-guest-of-mine\n")
    os.chmod(f"{tmp}/uml", 0o755)
    env = dict(os.environ, PATH=f"{tmp}:{os.environ['PATH']}", HOME=tmp, ZDOTDIR=tmp)
    for typed, want in (("uml docto", "doctor "), ("uml run --vol", "--volume "),
                        ("uml run --network us", "user "), ("uml exec a-gu", "a-guest-of-mine ")):
        done = subprocess.run(["zsh", "-f", "-c", ZPTY, "zsh", tmp, typed, want], env=env,
                              capture_output=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
        check(done.stdout == b"found\n", f"'{typed}' is not completed to {want}",
              f"{done.stdout!r}\n{done.stderr!r}")


def manual(name):
    if not shutil.which("man"):
        raise Skipped("no man here")
    done = subprocess.run(["man", "--warnings", "-l", os.path.join(TOP, "docs", name)],
                          capture_output=True, timeout=LIMIT, env=dict(os.environ, MANPAGER="cat", MANWIDTH="100"))
    check(done.returncode == 0 and not done.stderr and b"EXIT STATUS" in done.stdout, f"{done.stderr!r}")
    return done.stdout.decode()


def test_manual():
    text = manual("uml.1")
    for option in re.findall(r"^  (--\w+)", uml("run", "--help").stdout.decode(), re.M):
        check(option in text, f"uml(1) knows no {option}")


def test_manual_of_the_kernel():
    """What it names is what --help has, too."""
    text, known = manual("linux.um.1"), run("--help").out.decode()
    words = re.findall(r"^ {7}([-\w]+[=:]?)", text.partition("\nOPTIONS\n")[2].partition("\nEXIT STATUS\n")[0], re.M)
    words = [w for w in words if w.startswith("--") or w[-1] in "=:"]
    check(len(words) > 8 and not [w for w in words if w not in known], f"of {words} --help lacks some")


def test_debian_package(tmp):
    """dpkg-buildpackage -b of what is built already, lintian without errors, the package unpacked."""
    for tool in ("dpkg-buildpackage", "dh", "lintian", "bwrap"):
        if not shutil.which(tool):
            raise Skipped(f"no {tool} here")
    parent = os.path.dirname(TOP)
    # Packages are made beside the source: there is a directory of ours for now.
    box = ["bwrap", "--dev-bind", "/", "/", "--bind", tmp, parent, "--bind", TOP, TOP, "--chdir", TOP,
           "--setenv", "TMPDIR", parent]     # which may be what hides the usual one
    os.makedirs(os.path.join(tmp, os.path.basename(TOP)), exist_ok=True)
    done = subprocess.run([*box, "sh", "-c", "dpkg-buildpackage -b -us -uc && lintian --fail-on error ../*.changes"],
                          capture_output=True, timeout=280, stdin=subprocess.DEVNULL)
    text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if b"Operation not permitted" in done.stderr and b"bwrap" in done.stderr:
        raise Skipped("bwrap is not allowed here")
    check(done.returncode == 0, "no package", "\n".join(text.splitlines()[-25:]))
    check("no-manual-page" not in text, "a program has no manual", text[-2000:])
    debs = [f for f in os.listdir(tmp) if f.endswith(".deb") and "dbgsym" not in f]
    check(len(debs) == 1, f"packages: {debs}")
    subprocess.run(["dpkg-deb", "-x", f"{tmp}/{debs[0]}", f"{tmp}/unpacked"], check=True, timeout=60)
    works(f"{tmp}/unpacked/usr")
    # Where gdb looks for what it trusts, by the whole path of the kernel.
    trusted = f"{tmp}/unpacked/usr/share/gdb/auto-load/usr/lib/uml/linux-gdb.py"
    check(os.path.realpath(trusted) == os.path.realpath(f"{tmp}/unpacked/usr/lib/uml/linux-gdb.py"),
          "gdb would not trust it")


test_debian_package.seconds = 300
