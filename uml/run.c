// SPDX-License-Identifier: GPL-2.0
/*
 * uml run: start a guest, run one command in it, end with its status.
 *
 * One loop waits for the agent, for our standard files (relay.c), for the
 * kernel's console, for other `uml` that want something (control.c), and for
 * signals. It ends when the command has, or the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "control.h"
#include "term.h"

#define PROGRESS_MS	2000
#define CONSOLE_ROUNDS	16	/* that the console may hold up the rest */
#define LAST_ROUNDS	64	/* for what a guest has said before its end */

static void show_progress(struct run *r)
{
	if (r->o.quiet || !isatty(2))
		return;
	r->progress = true;
	dprintf(2, "\r\033[Kuml: %s: %lld s", r->unpacking ? "unpacking the root" :
		"starting the guest", (now_ms() - r->start) / 1000);
}

static void end_progress(struct run *r)
{
	if (r->progress)
		dprintf(2, "\r\033[K");
	r->progress = false;
}

/*
 * Before our last words, if any: the terminal as it was, no guest. Who waits for
 * the end of our clients' connections, which we close last, finds the name free.
 */
static void clear(struct run *r)
{
	machine_kill(&r->m);
	if (r->listener >= 0)
		close(r->listener);
	r->listener = -1;
	end_progress(r);
	if (r->o.verbose)
		outlet_finish(&r->verbose, 500);
	term_restore();
}

static __noreturn void finish(struct run *r, int status)
{
	clear(r);
	exit(status);
}

static __noreturn void fail(struct run *r, const char *why)
{
	clear(r);
	note("%s", why);
	if (r->m.log_len && !r->o.verbose) {
		note("the last that its kernel said:");
		machine_show_log(&r->m, 12);
	}
	exit(EXIT_OURS);
}

/* A guest that can have changed a disk or a directory of the host. */
static bool writes_host(const struct options *o)
{
	bool writes = o->rw;

	for (size_t i = 0; i < o->ndisks; i++)
		writes |= !o->disks[i].ro;
	for (size_t i = 0; i < o->nvolumes; i++)
		writes |= !strcmp(o->volumes[i].mode, "rw");
	return writes;
}

static void start_main(struct run *r)
{
	relay_start(&r->main, &r->o.command);
	r->busy[MAIN_SESSION] = true;
}

/* Is the command there, or soon, to get keys and signals? */
static bool started(const struct run *r)
{
	return r->ready && !r->unpacking;
}

/* The archive goes through the agent into the new root, as input of cpio. */
static void start_archive(struct run *r)
{
	static char *argv[] = {
		"/bin/sh", "-c",
		/* What is behind the archive's end is read, so that nobody gets SIGPIPE. */
		"set -o pipefail; cd /root &&"
		" case $1 in 070701) cat;; 1f8b*) gzip -dc;; fd377a*) xz -dc;; *) bzip2 -dc;; esac |"
		" { cpio -idmu 2>/dev/null && cat >/dev/null; } && test -n \"$(ls -A /root)\"",
		"unpack", NULL, NULL
	};
	static struct command c;
	unsigned char head[6] = { };

	r->archive_fd = open(r->o.root, O_RDONLY | O_CLOEXEC);
	if (r->archive_fd < 0 || pread(r->archive_fd, head, 6, 0) < 0)
		die("--root %s: %s", r->o.root, strerror(errno));
	argv[4] = memcmp(head, "070701", 6) ? xprintf("%02x%02x%02x", head[0], head[1], head[2]) :
		  "070701";
	memset(&c, 0, sizeof(c));
	c.argv = argv;
	c.bare = true;
	c.umask = 022;
	list_add(&c.env, "PATH=/bin:/sbin:/usr/bin:/usr/sbin");
	relay_file(&r->archive, &r->m.chan, MAIN_SESSION, r->archive_fd);
	r->unpacking = true;
	r->busy[MAIN_SESSION] = true;
	relay_start(&r->archive, &c);
}

static void unpacked(struct run *r)
{
	close(r->archive_fd);
	r->unpacking = false;
	if (r->archive.in_failed)
		fail(r, xprintf("--root %s: cannot be read: %s", r->o.root,
				strerror(r->archive.in_failed)));
	if (r->archive.exit.how != UML_EXITED || r->archive.exit.value)
		fail(r, "the archive of --root cannot be unpacked in the guest");
	start_main(r);
	relay_resume(&r->main);
}

static int on_ready(struct run *r, const struct uml_frame *head, const char *payload)
{
	struct uml_ready ready;

	if (r->ready || head->len != sizeof(ready))
		return -1;
	memcpy(&ready, payload, sizeof(ready));
	if (ready.version != UML_PROTO_VERSION)
		fail(r, "the kernel's agent speaks another protocol: uml and linux are of two builds");
	if (ready.root_failed)
		fail(r, "the guest cannot mount its root");
	r->ready = true;
	if (started(r))
		relay_resume(&r->main);
	return 0;
}

static int guest_frame(void *context, const struct uml_frame *head, const char *payload)
{
	struct run *r = context;

	if (!head->session && head->type == UML_READY)
		return on_ready(r, head, payload);
	if (head->session != MAIN_SESSION)
		return control_from_guest(r, head, payload);
	if (!r->unpacking)
		return relay_frame(&r->main, head, payload);
	if (relay_frame(&r->archive, head, payload) < 0)
		return -1;
	if (r->archive.exited)
		unpacked(r);
	return 0;
}

/* On standard error as far as that takes it; a reader that stalls misses some. */
static void show_console(struct run *r, const char *text, size_t len)
{
	char clean[2 * CONSOLE_READ];
	size_t n = clean_text(clean, text, len);

	if (n <= outlet_room(&r->verbose))
		outlet_add(&r->verbose, clean, n);
	if (outlet_pour(&r->verbose))
		r->verbose.fd = -1;
	if (r->verbose.fd < 0)
		r->verbose.len = 0;
}

/* Returns false when the console says no more now. */
static bool read_console(struct run *r)
{
	const char *text;
	size_t len;

	for (int i = 0; i < CONSOLE_ROUNDS; i++) {
		machine_read_console(&r->m, &text, &len);
		if (!len)
			return false;
		if (r->o.verbose)
			show_console(r, text, len);
		control_console(r, text, len);
	}
	return true;
}

/*
 * Which volume keeps the command from its start? The protocol has an errno for
 * that; the agent names the place on the console, which may come a moment later.
 */
static const struct volume *failed_volume(struct run *r)
{
	long long end = now_ms() + 1000;
	struct pollfd p = { .events = POLLIN };

	do {
		read_console(r);
		for (size_t i = 0; i < r->o.nvolumes; i++) {
			const struct volume *v = &r->o.volumes[i];
			char *mount = xprintf("init: cannot mount the volume %s: error", v->guest);
			char *make = xprintf("init: cannot make the directory %s: error", v->guest);
			bool said = machine_has_said(&r->m, mount) || machine_has_said(&r->m, make);

			free(mount);
			free(make);
			if (said)
				return v;
		}
		p.fd = r->m.console;
	} while (p.fd >= 0 && r->o.nvolumes && now_ms() < end && poll(&p, 1, 100) >= 0);
	return NULL;
}

static int command_status(struct run *r)
{
	const struct volume *v = NULL;
	int err = r->main.exit.value;

	if (r->main.exit.how == UML_NO_START)
		v = failed_volume(r);
	if (v) {
		note("--volume %s:%s: the guest cannot put it there: %s; name a directory that is there or can be made",
		     v->host, v->guest, strerror(err));
		return EXIT_OURS;
	}
	return relay_status(&r->main, r->o.command.argv ? r->o.command.argv[0] : "the shell");
}

/* What came before the guest's end is passed on; its reader may take its time. */
static void last_words(struct run *r)
{
	sigset_t none;

	for (int i = 0; i < LAST_ROUNDS && read_console(r); i++)
		;
	for (int i = 0; i < LAST_ROUNDS && r->m.chan.fd >= 0; i++)
		if (peer_receive(&r->m.chan, guest_frame, r) <= 0)
			break;
	clear(r);
	/* There is nobody any more to whom signals could be sent on. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 2; i++)
		outlet_finish(&r->main.out[i], GRACE_MS);
}

/*
 * A signal has ended the kernel process. Somebody may want that of a guest that
 * runs; else it is a failure, and a file that is no whole kernel ends so.
 */
static __noreturn void kernel_killed(struct run *r, int sig)
{
	if (r->timed_out)
		exit(EXIT_TIMEOUT);
	if (!r->ready && !r->killed)
		fail(r, xprintf("the guest did not start: signal %d (%s) ended %s; is that file whole, and has the host memory left?",
				sig, strsignal(sig), find_kernel(&r->o)));
	if (sig != SIGKILL)
		fail(r, xprintf("the guest's kernel failed: signal %d (%s) ended it", sig,
				strsignal(sig)));
	note("the guest was killed by signal %d", sig);
	exit(128 + sig);
}

/* The kernel process has ended, before the command has or by uml stop. */
static __noreturn void kernel_ended(struct run *r)
{
	int status = r->m.status;

	last_words(r);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 134)
		fail(r, "the guest's kernel panicked");
	if (WIFSIGNALED(status))
		kernel_killed(r, WTERMSIG(status));
	if (!r->ready)
		fail(r, "the guest did not start");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 142)
		note("the guest did not serve its watchdog");
	/* It was powered off from the inside, or by uml stop. */
	if (r->timed_out)
		exit(EXIT_TIMEOUT);
	if (r->main.exited)
		exit(command_status(r));
	exit(r->stopping ? 128 + SIGTERM : WEXITSTATUS(status));
}

/* The command has ended and its output is out. */
static __noreturn void command_ended(struct run *r)
{
	long long end = now_ms() + 10000;
	int status;

	term_restore();
	status = command_status(r);
	if (r->timed_out)
		status = EXIT_TIMEOUT;
	if (writes_host(&r->o)) {
		struct pollfd p = { .fd = r->m.chan.fd };

		/* What it has written must reach the host. */
		peer_send(&r->m.chan, 0, UML_POWEROFF, 0, NULL, 0);
		while (r->m.pid && now_ms() < end) {
			p.events = peer_events(&r->m.chan) & POLLOUT;
			if (peer_flush(&r->m.chan) < 0)
				p.fd = -1;
			poll(&p, 1, 10);
			if (p.revents & ~POLLOUT)
				p.fd = -1;
			read_console(r);
			machine_reap(&r->m);
		}
		if (r->m.pid) {
			note("the guest does not power off; what it wrote last may be lost");
			status = EXIT_OURS;
		}
	}
	finish(r, status);
}

static void suspend(struct run *r)
{
	relay_suspend(&r->main);
	kill(getpid(), SIGSTOP);
	/* Continued; the SIGCONT that did it is read next. */
}

/* A guest that boots would ask for its address for minutes. */
static void passt_ended(struct run *r)
{
	if (!r->m.passt_ended)
		return;
	r->m.passt_ended = false;
	machine_read_passt(&r->m, &r->o);
	if (!r->ready)
		fail(r, xprintf("passt has ended%s; there is no network for the guest",
				r->m.passt_last));
	note("passt has ended%s; the guest has no network any more", r->m.passt_last);
}

static void on_signals(struct run *r, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			machine_reap(&r->m);
			passt_ended(r);
			break;
		case SIGWINCH:
			if (!r->unpacking)
				relay_winch(&r->main);
			break;
		case SIGTSTP:
			suspend(r);
			break;
		case SIGCONT:
			if (started(r))
				relay_continue(&r->main);
			break;
		default:
			/* Nobody is there yet to get it. */
			if (!started(r))
				finish(r, 128 + info.ssi_signo);
			relay_signal(&r->main, info.ssi_signo);
		}
	}
}

/* Do what is due; returns how many ms to wait at most, or -1. */
static int deadlines(struct run *r)
{
	long long now = now_ms(), next = -1;
	bool waiting = !started(r);
	int recheck = waiting ? -1 : relay_recheck(&r->main);

	if (r->deadline && now >= r->deadline) {
		r->deadline = 0;
		r->timed_out = true;
		r->grace = now + GRACE_MS;
		if (waiting)
			finish(r, EXIT_TIMEOUT);
		relay_signal(&r->main, SIGTERM);
		relay_signal(&r->main, SIGCONT);
	}
	if (r->off_at && (now >= r->off_at || relay_done(&r->main))) {
		r->off_at = 0;
		peer_send(&r->m.chan, 0, UML_POWEROFF, 0, NULL, 0);
	}
	if (r->grace && now >= r->grace)
		finish(r, r->timed_out ? EXIT_TIMEOUT : 128 + SIGKILL);
	if (waiting && now >= r->start + PROGRESS_MS)
		show_progress(r);
	else if (!waiting)
		end_progress(r);
	if (r->deadline)
		next = r->deadline - now;
	if (r->off_at && (next < 0 || r->off_at - now < next))
		next = r->off_at - now;
	if (r->grace && (next < 0 || r->grace - now < next))
		next = r->grace - now;
	if (waiting && (next < 0 || next > 500))
		next = 500;
	if (recheck >= 0 && (next < 0 || next > recheck))
		next = recheck;
	return next > 1000000 ? 1000000 : next;
}

static __noreturn void loop(struct run *r, int signals)
{
	struct pollfd fds[5 + 3 + CLIENTS + 1];
	struct relay *relay;
	int nrelay, ncontrol, timeout, got;

	for (;;) {
		if (!r->m.pid)
			kernel_ended(r);
		if (relay_done(&r->main) && !r->stopping)
			command_ended(r);
		if (r->main.escaped)
			finish(r, 128 + SIGKILL);
		timeout = deadlines(r);
		if (peer_flush(&r->m.chan) < 0)
			r->m.chan.out_len = 0;	/* its kernel ends; SIGCHLD says so */
		relay = r->unpacking ? &r->archive : &r->main;
		fds[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = r->m.chan.fd, .events = peer_events(&r->m.chan) };
		fds[2] = (struct pollfd){ .fd = r->m.console, .events = POLLIN };
		fds[3] = (struct pollfd){ .fd = r->verbose.len ? r->verbose.fd : -1,
					  .events = POLLOUT };
		fds[4] = (struct pollfd){ .fd = r->m.passt_errors, .events = POLLIN };
		nrelay = relay_poll(relay, fds + 5);
		ncontrol = control_poll(r, fds + 5 + nrelay);
		if (poll(fds, 5 + nrelay + ncontrol, timeout) < 0)
			continue;
		relay_ready(relay, fds + 5, nrelay);
		if (fds[3].revents)
			show_console(r, "", 0);
		if (fds[2].revents)
			read_console(r);
		if (fds[4].revents)
			machine_read_passt(&r->m, &r->o);
		if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
			got = peer_receive(&r->m.chan, guest_frame, r);
			if (got < 0)
				fail(r, "the guest's agent breaks the protocol; the guest was ended");
			if (got == 0) {
				close(r->m.chan.fd);
				r->m.chan.fd = -1;
				if (!r->grace)
					r->grace = now_ms() + GRACE_MS;
			}
		}
		control_ready(r, fds + 5 + nrelay, ncontrol);
		if (fds[0].revents)
			on_signals(r, signals);
	}
}

int cmd_run(int argc, char **argv)
{
	static struct run r;
	char name[32];
	int signals;

	r.start = now_ms();
	options_parse(&r.o, argc, argv);
	if (r.o.cpus > 1 && !r.o.quiet)
		note("--cpus %lu: this kernel has one processor", r.o.cpus);
	if (r.o.dry_run) {
		print_line(&r.o);
		return 0;
	}
	if (r.o.gdb || r.o.initrd)
		run_plain(&r.o);
	if (r.o.timeout_ms)
		r.deadline = r.start + r.o.timeout_ms;
	snprintf(name, sizeof(name), "%d", getpid());
	outlet_init(&r.verbose);
	if (r.o.verbose)
		outlet_open(&r.verbose, 2);
	signals = take_signals();
	control_listen(&r, r.o.name ? r.o.name : name);
	machine_start(&r.m, &r.o);
	relay_stdio(&r.main, &r.m.chan, MAIN_SESSION);
	if (r.o.root_kind == ROOT_ARCHIVE)
		start_archive(&r);
	else
		start_main(&r);
	loop(&r, signals);
}
