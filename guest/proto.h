/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the launcher `uml` and the agent in the guest say to each other, over
 * /dev/umlchan0; `uml exec` says the same to the launcher of a guest.
 *
 * A stream of frames: a header of 8 bytes, then up to UML_PAYLOAD_MAX bytes.
 * Both ends are on one machine, so numbers are in its byte order.
 *
 * A session is a command: it has a number that the launcher has chosen, and
 * three streams, numbered as a program numbers them. Session 0 is the agent
 * itself. A session begins with UML_ARGS frames, whose payloads together are
 * its description (struct uml_start and what that says), and UML_START. It
 * ends with UML_EXIT, after all of its output, and its number is free again.
 *
 * Each stream has a window: its sender may have sent UML_WINDOW bytes more
 * than the receiver has granted back by UML_CREDIT as it passed them on. So a
 * stream that stalls holds up no other, and the memory that a peer can take is
 * bounded. Who sends more breaks the protocol.
 *
 * Whoever includes this has <stdint.h> or its like before.
 *
 * Neither end trusts the other: lengths, numbers, order and text are checked.
 */
#ifndef UML_PROTO_H
#define UML_PROTO_H

#define UML_PROTO_VERSION	3
#define UML_PAYLOAD_MAX		(64 * 1024)
#define UML_WINDOW		(1024 * 1024)
#define UML_SESSIONS		64		/* at one time, numbers 1 to 64 */
#define UML_DESCRIPTION_MAX	(4 * 1024 * 1024)
#define UML_GROUPS_MAX		256

struct uml_frame {
	uint32_t len;		/* of the payload */
	uint16_t session;
	uint8_t type;
	uint8_t stream;		/* 0 to 2, or 0 */
};

enum uml_type {
	/* launcher to agent */
	UML_ARGS = 1,		/* a part of a session's description */
	UML_START,		/* it is complete */
	UML_SIGNAL,		/* u32: for the session's foreground process group */
	UML_WINCH,		/* struct uml_size */
	UML_ABANDON,		/* nobody waits for this session any more */
	UML_POWEROFF,		/* session 0: end the guest in order */
	UML_STATS,		/* session 0: say how the guest is */
	UML_SYSRQ,		/* session 0: u32, a key for /proc/sysrq-trigger */
	/* both ways */
	UML_DATA = 32,
	UML_EOF,		/* the sender has no more for this stream */
	UML_CLOSE,		/* the receiver of this stream wants no more */
	UML_CREDIT,		/* u32: bytes that were passed on */
	/* agent to launcher */
	UML_READY = 64,		/* session 0: struct uml_ready */
	UML_EXIT,		/* struct uml_exit */
	UML_STATS_REPLY,	/* session 0: struct uml_stats */
};

/* What a stream of a command is. */
enum uml_stdio {
	UML_STDIO_PIPE,
	UML_STDIO_TTY,
	UML_STDIO_CLOSED,
};

struct uml_size {
	uint16_t rows, cols;
};

/*
 * The head of a description. Behind it: ngroups numbers of 4 bytes, then
 * strings with their NULs: user, cwd, argc words, envc variables.
 */
struct uml_start {
	uint8_t stdio[3];	/* enum uml_stdio */
	uint8_t flags;
	struct uml_size size;
	uint32_t uid, gid;
	uint32_t ngroups;
	uint32_t argc, envc;
	uint32_t umask;
};

#define UML_RAW		1	/* keys are the guest's: its terminal edits and echoes */
#define UML_CWD_MUST	2	/* a cwd that is not there is an error, not "/" */
#define UML_BARE	4	/* in the initramfs, before the root is in place */
#define UML_SHELL	8	/* no command: a shell, $SHELL if it is there */

enum uml_how {
	UML_EXITED,		/* value: status */
	UML_KILLED,		/* value: signal */
	UML_NOT_FOUND,		/* the others: errno */
	UML_NOT_EXECUTABLE,
	UML_NO_CWD,
	UML_NO_USER,
	UML_NO_START,
};

struct uml_exit {
	uint32_t how;
	uint32_t value;
};

struct uml_ready {
	uint32_t version;
	uint32_t root_failed;	/* errno: the root could not be put together */
};

struct uml_stats {
	uint64_t uptime;	/* seconds */
	uint64_t load[3];	/* times 65536 */
	uint64_t total, available;	/* bytes of memory */
	uint32_t processes;
	uint32_t sessions;
};

#endif
