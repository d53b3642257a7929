# SPDX-License-Identifier: GPL-2.0
"""uml doctor on hosts that lack something: it names what would run instead, why,
and what to install.
"""

import os
import re
import shutil
import subprocess

from launcher import UML, ended
from t_confined import REFUSE, need
from uml import LINUX, about_seccomp, check


def doctor(wrap=(), **env):
    """{what: (mark, words)} of its report."""
    done = subprocess.run([*wrap, UML, "doctor", "--kernel", LINUX], capture_output=True,
                          timeout=100, env=dict(os.environ, **env))
    rows = re.findall(r"^(ok|no|NO) +(\S.{0,20}\S) +(.*)$", ended(done, 0).stdout.decode(), re.M)
    return {what: (mark, words) for mark, what, words in rows}


def test_transport_without_seccomp():
    """A host that refuses filters runs guests over ptrace; it says so, what it costs, and why."""
    report = doctor(need(*REFUSE, "seccomp"))
    mark, words = report["transport"]
    check(mark == "ok" and words.startswith("ptrace: seccomp cannot be used here"), f"{report}")
    check(report["guests"][0] == "ok" and re.search(r"a system call [\d.]+ us", report["guests"][1]),
          f"{report}")
    mark, words = report["seccomp filters"]
    check(mark == "NO" and words.startswith("Operation not permitted: "), f"{report}")
    check("guests over ptrace" not in report, "the same transport twice", f"{report}")


def test_transport_without_ptrace():
    report = doctor(need(*REFUSE, "ptrace"))
    check(report["transport"][1].startswith("seccomp: "), f"{report}")
    check(report["guests over ptrace"][0] == "NO", f"{report}")
    mark, words = report["ptrace"]
    check(mark == "no" and words.startswith("refused: "), f"{report}")


TOOLS = {"passt": ("--network user", "passt"), "mmdebstrap": ("uml image build", "mmdebstrap"),
         "gdb": ("uml run --gdb", "gdb")}


def test_what_is_missing(tmp):
    """What is not in PATH, what for, and the command that gets it."""
    os.symlink(shutil.which("sh"), f"{tmp}/sh")
    report = doctor(PATH=tmp)
    for name, (use, package) in TOOLS.items():
        check(report.get(name) == ("no", f"not there, for {use}: apt-get install {package}"),
              f"{name}", f"{report}")
    for name in TOOLS:
        shutil.copy("/bin/true", f"{tmp}/{name}")
    report = doctor(PATH=tmp)
    for name, (use, _) in TOOLS.items():
        check(report.get(name) == ("ok", f"there, for {use}"), f"{name}", f"{report}")


for slow in (test_transport_without_seccomp, test_transport_without_ptrace, test_what_is_missing):
    slow.seconds = 210
del slow


about_seccomp(globals(), "transport_without_ptrace")
