/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of /init share. The C library is the kernel tree's nolibc,
 * included by the compiler's command line (tools/build/guest).
 */
#ifndef GUEST_H
#define GUEST_H

/* Exit statuses for a command that was not run, as shells give them. */
#define EXIT_BAD_ARGV	125
#define EXIT_NOT_RUN	126
#define EXIT_NOT_FOUND	127

/* Where programs are, for who has not said it. */
#define PATH_DEFAULT	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __noreturn	__attribute__((noreturn))

#define SIGSET_SIZE	sizeof(unsigned long)
#define SIG_BIT(sig)	(1UL << ((sig) - 1))

/* init.c */
void init_request(int sig);

/* setup.c */
void setup_guest(void);

/* root.c */
int prepare_root(void);
int enter_root(void);

/* user.c */
struct user {
	uint32_t uid, gid;
	uint32_t *groups;
	uint32_t ngroups;
};

int find_user(struct user *user, const char *spec);
int become_user(const struct user *user);

/* run.c */
void warn(const char *what, const char *name);
void exec_command(char **argv);
void exec_shell(void);
void set_variable(const char *name, const char *value);
char *take_variable(const char *name);
pid_t start_main(void);

/* end.c */
__noreturn void end_guest(unsigned int cmd, int status);

#endif
