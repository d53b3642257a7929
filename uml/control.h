/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UML_CONTROL_H
#define UML_CONTROL_H

#include <sys/socket.h>
#include <sys/un.h>
#include "run.h"

socklen_t control_address(struct sockaddr_un *at, unsigned int uid, const char *name);
bool control_trusted(int fd);
void control_listen(struct run *r, const char *name);
int control_poll(struct run *r, struct pollfd *fds);
void control_ready(struct run *r, const struct pollfd *fds, int n);
int control_from_guest(struct run *r, const struct uml_frame *head, const char *payload);
void control_console(struct run *r, const char *text, size_t len);

char *control_info(const char *name);
int control_connect(const char *name);
int control_request(const char *name, enum control_op op, uint32_t arg, char **text);
void control_end(const char *name, enum control_op op);

#endif
