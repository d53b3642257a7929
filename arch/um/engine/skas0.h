/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the files of the skas0 engines. */
#ifndef _UM_ENGINE_SKAS0_H
#define _UM_ENGINE_SKAS0_H

int skas0_probe(void);

#endif
