/* SPDX-License-Identifier: MIT */
/* Other programs, timed, in a directory that is gone afterwards. */
#ifndef BENCH_PATCH_PROCESS_H
#define BENCH_PATCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** patch_directory() - of this process; made when it is first asked for. */
const char *patch_directory(void);

/** patch_path() - a name in that directory, to be freed. */
char *patch_path(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** patch_open() - write a file in that directory. */
FILE *patch_open(const char *path);

/** patch_close() - dies if not all was written. */
void patch_close(FILE *file, const char *path);

/**
 * patch_run() - run a program to its end; dies, and shows what it said, if it
 * ends otherwise than by exit(@status).
 * @output: file for what it prints
 * Returns the nanoseconds from before its start to its end.
 */
uint64_t patch_run(char *const argv[], const char *output, int status);

/** patch_shell() - the same for a shell command, in that directory. */
uint64_t patch_shell(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/** patch_have() - is there such a command? */
bool patch_have(const char *command);

/** patch_size() - bytes of a file. */
uint64_t patch_size(const char *path);

/**
 * patch_peak() - run a program; its largest resident set, in bytes.
 * @peak: the program of patch_peak.c
 */
double patch_peak(const char *peak, char *const argv[], int status);

#endif /* BENCH_PATCH_PROCESS_H */
