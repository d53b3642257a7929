# SPDX-License-Identifier: GPL-2.0
"""How a guest ends, and the exit status that its user gets."""

from uml import Guest, check, ended, gave, run, sh


def test_status():
    for status in (0, 1, 7, 255):
        ended(sh(f"exit {status}"), status)


def test_true_and_false():
    ended(run(cmd="true"), 0)
    ended(run(cmd="false"), 1)


def test_signal():
    ended(sh("kill -TERM $$"), 128 + 15)
    ended(sh("kill -KILL $$"), 128 + 9)


def test_command_not_found():
    r = ended(run(cmd="/nothing/there"), 127)
    check(b"/nothing/there" in r.out + r.err, "no word of what was not found", r)


def test_arguments_are_not_split():
    args = ["a b", "", "c'd\"e", "$HOME", "x:y%z", "\t", "\u00e4", "-n", "--"]
    r = run(cmd=["sh", "-c", "for i; do printf '<%s>' \"$i\"; done", "sh", *args])
    gave(r, "".join(f"<{a}>" for a in args).encode())


def test_poweroff():
    ended(sh("poweroff; sleep 60"), 0)


def test_poweroff_at_once():
    ended(sh("poweroff -f; sleep 60"), 0)


def test_init_of_process_one_dies():
    r = ended(run("rdinit=/bin/false"), 134)
    check(b"Kernel panic" in r.err, "no panic message on stderr", r)


def test_panic():
    """Out of memory, and told to panic then."""
    r = ended(sh("echo before; echo 2 > /proc/sys/vm/panic_on_oom; tail /dev/zero;"
                 "echo after", "mem=64M"), 134)
    check(r.out == b"before\n", "stdout holds more than the command's words", r)
    check(b"Kernel panic" in r.err, "no panic message on stderr", r)
    check(b"oom" in r.err.lower(), "stderr lacks the messages before the panic", r)


def test_panic_keeps_the_last_messages():
    """Process 1 is a shell; its end is a panic."""
    script = (b"mount -t devtmpfs dev /dev\n"
              b"for i in $(seq 50); do echo \"mark $i\" > /dev/kmsg; done\nexit 3\n")
    r = ended(run("rdinit=/bin/sh", stdin=script), 134)
    check(b"Kernel panic" in r.err, "no panic message on stderr", r)
    check(b"mark 50" in r.err, "the last message before the panic is lost", r)


def test_reboot_is_an_end():
    """Without a firmware to start again: a clean end, no hang."""
    ended(sh("reboot -f; sleep 60"), 0)


def test_sigterm_from_outside():
    with Guest(cmd=["sh", "-c", "echo up; sleep 60"]) as g:
        g.until(rb"up\n")
        g.proc.terminate()
        status = g.wait(10)
        check(status != 0, "SIGTERM ended the guest with status 0")
        check(not g.gone(1), "processes are left")
