/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of the launcher share: util.c. */
#ifndef UML_UML_H
#define UML_UML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __noreturn	__attribute__((noreturn))

/* Exit statuses of ours; docs/uml.1 has the whole list. */
#define EXIT_TIMEOUT		124
#define EXIT_OURS		125
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

/* Is one of 0, 1, 2 not open, as "<&-" makes it? Set by main(). */
extern bool closed_at_start[3];

/**
 * struct list - words that grow, with a NULL behind them
 */
struct list {
	char **v;
	size_t n;
};

void list_add(struct list *l, const char *word);
void list_addf(struct list *l, const char *fmt, ...) __printf(2, 3);

void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xprintf(const char *fmt, ...) __printf(1, 2);

__noreturn void die(const char *fmt, ...) __printf(1, 2);
void note(const char *fmt, ...) __printf(1, 2);
size_t clean_text(char *clean, const char *text, size_t len);
void print_clean(int fd, const char *text, size_t len);
const char *self_dir(void);
long long now_ms(void);
void close_on_exec(unsigned int first);
bool parse_number(const char *s, unsigned long max, unsigned long *n);

/* signals.c */
int take_signals(void);

/* The commands: each gets the words from its own name on. */
int cmd_run(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_console(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_sysrq(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
