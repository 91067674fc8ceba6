/* SPDX-License-Identifier: MIT */
/*
 * `repoint litmus`: which stores over live instructions this processor keeps
 * whole, shown on the processor itself.
 *
 *   litmus.c    options, the run
 *   machine.c   which processor and which CPUs
 *   site.c      the instruction that is rewritten, and where it can lead
 *   protocol.c  the ways to rewrite it
 *   cell.c      one protocol at one offset, in a child process
 *   map.c       all cells: whose turn it is, and the verdict
 *   report.c    map and summary as text
 *   json.c      the same as JSON
 */
#ifndef LITMUS_H
#define LITMUS_H

/** rp_cmd_litmus() - the command. Return: the exit status, see the manual. */
int rp_cmd_litmus(int argc, char **argv);

#endif /* LITMUS_H */
