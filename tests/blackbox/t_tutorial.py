# SPDX-License-Identifier: GPL-2.0
"""docs/tutorial.md: each command that it shows is run, in one shell, and prints
what it says there. "..." stands for anything within a line, or for any lines.
"""

import os
import re
import subprocess

from uml import BUILD, TOP, check

MARK = "@@tutorial@@"


def steps():
    """(command, lines that it prints) of the document, in order."""
    found = []
    with open(os.path.join(TOP, "docs", "tutorial.md")) as f:
        for line in f:
            if line.startswith("    $ "):
                found.append((line[6:].rstrip("\n"), []))
            elif line.startswith("    ") and found:
                found[-1][1].append(line[4:].rstrip("\n"))
    return found


def matches(want, got):
    pattern = "".join("(?:.*\n)*" if line == "..." else
                      ".*".join(re.escape(part) for part in re.split(r" ?\.\.\. ?", line)) + "\n"
                      for line in want)
    return re.fullmatch(pattern, got)


def ours(listing, commands):
    """What `uml ps` says of the guests that the tutorial has named."""
    names = ["NAME", *re.findall(r"--name (\S+)", "\n".join(commands))]
    return "".join(line for line in listing.splitlines(True) if line.split()[:1] and line.split()[0] in names)


def test_tutorial(tmp):
    found = steps()
    check(len(found) > 25, f"only {len(found)} commands in the tutorial")
    os.symlink(BUILD, f"{tmp}/build")
    script = "".join(f"{command}\necho {MARK}\n" for command, _ in found)
    done = subprocess.run(["bash", "-c", script], cwd=tmp, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=140)
    said = done.stdout.decode(errors="replace").split(MARK + "\n")
    for (command, want), got in zip(found, said):
        if command.startswith("uml ps"):     # another test may have some
            got = ours(got, [command for command, _ in found])
        check(matches(want, got), f"'{command}' printed {got!r}, not {want}")
    check(len(said) == len(found) + 1, "the shell ended early")


test_tutorial.seconds = 150
