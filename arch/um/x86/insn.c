// SPDX-License-Identifier: GPL-2.0
/*
 * The tree's own decoder of instructions, compiled here as it is: x86's library is not
 * part of this port. Its tables are made by the tree's script (Makefile).
 */
#include <../lib/insn.c>
#include <../lib/inat.c>
