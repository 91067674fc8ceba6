/* SPDX-License-Identifier: MIT */
/*
 * check [-q|-l|-n] PROGRAM ARGS...: start a program, and compare what live/modules.h
 * says about it with
 *
 *   - what it prints about itself, up to a line "ready" (see truth.h); -q: it
 *     prints nothing of that kind, and is looked at when it waits for input
 *   - what the dynamic linker has stored for all references of all modules, which
 *     needs LD_BIND_NOW=1 in the program's environment; -l: not this
 *
 * -n: with scopes that are made from DT_NEEDED
 */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES_MAX	4096u

static unsigned int failures, truths;

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	failures++;
}

/* Lines of the target. */

static struct rp_module *module_at(struct rp_modules *modules,
				   const char *address)
{
	return rp_modules_at(modules, strtoull(address, NULL, 16));
}

/* module BIAS MODID NAME */
static void check_module(struct rp_modules *modules, char **word)
{
	const uint64_t bias = strtoull(word[1], NULL, 16);
	const uint64_t modid = strtoull(word[2], NULL, 10);

	for (size_t i = 0; i < modules->n; i++) {
		const struct rp_module *m = &modules->v[i];

		if (m->bias != bias)
			continue;
		if (m->tls_module != modid)
			complain("%s: module %" PRIu64 ", not %" PRIu64,
				 m->path, m->tls_module, modid);
		return;
	}
	complain("no module with the bias of %s", word[3]);
}

static void check_resolve(struct rp_modules *modules, struct rp_module *from,
			  char **word, const char *version)
{
	struct rp_diag diag = { 0 };
	uint64_t got = 0, want = strtoull(word[4], NULL, 16);
	int rc = resolve_import(modules, from, word[1], version, false,
				RP_RESOLVE_ADDRESS, &got, &diag);

	if (!strcmp(word[4], "none") ? rc != -EINVAL : rc || got != want)
		complain("%s@%s: resolved to %d %" PRIx64 " instead of %s: %s",
			 word[1], version, rc, got, word[4], diag.text);
}

/* want NAME VERSION FROM ADDRESS */
static void check_want(struct rp_modules *modules, char **word)
{
	struct rp_module *from = module_at(modules, word[3]);
	const char *version = !strcmp(word[2], "-") ? "" :
			      !strcmp(word[2], ".") ? NULL : word[2];
	struct rp_live_symbol symbol = { 0 };
	int rc = from ? rp_modules_lookup(modules, from, word[1], version,
					  &symbol) : -ESRCH;

	if (!from) {
		complain("%s: no module at %s", word[1], word[3]);
		return;
	}
	if (!rc && symbol.type == STT_GNU_IFUNC)
		rc = rp_modules_ifunc(modules, &symbol, word[1],
				      &symbol.address);
	if (!strcmp(word[4], "none") ? rc != -ENOENT :
	    rc || symbol.address != strtoull(word[4], NULL, 16))
		complain("%s@%s from %s: %d %" PRIx64 " instead of %s", word[1],
			 word[2], from->path, rc, symbol.address, word[4]);
	if (!version || *version)
		check_resolve(modules, from, word, version ? version : "");
}

/* tls NAME FROM OFFSET|dynamic MODID */
static void check_tls(struct rp_modules *modules, char **word)
{
	struct rp_module *from = module_at(modules, word[2]);
	struct rp_diag diag = { 0 };
	uint64_t offset = 0, module = 0;
	int rc = resolve_import(modules, from, word[1], "", true,
				RP_RESOLVE_TP_OFFSET, &offset, &diag);

	if (!strcmp(word[3], "dynamic") ? rc != -EINVAL :
	    rc || (int64_t)offset != strtoll(word[3], NULL, 10))
		complain("tls %s: %d %" PRId64 " instead of %s: %s", word[1],
			 rc, (int64_t)offset, word[3], diag.text);
	rc = resolve_import(modules, from, word[1], "", true,
			    RP_RESOLVE_TLS_MODULE, &module, &diag);
	// 0: the thread that was asked has not used it.
	if (rc || (module != strtoull(word[4], NULL, 10) && *word[4] != '0'))
		complain("tls %s: %d module %" PRIu64 " instead of %s", word[1],
			 rc, module, word[4]);
}

/* static OFFSET: of a variable at 0 in the program's block */
static void check_static_tls(struct rp_modules *modules, char **word)
{
	const struct rp_module *m = modules->v;

	if (-(int64_t)m->tls_offset != strtoll(word[1], NULL, 10) ||
	    m->tls_module != 1)
		complain("static tls: %" PRId64 ", not %s",
			 -(int64_t)m->tls_offset, word[1]);
}

/* local NAME FROM ADDRESS */
static void check_local(struct rp_modules *modules, char **word)
{
	struct rp_live_symbol symbol = { 0 };
	int rc = rp_module_local(modules, module_at(modules, word[2]), word[1],
				 &symbol);

	if (!strcmp(word[3], "none") ? rc != -ENOENT :
	    !strcmp(word[3], "several") ? rc != -ENOTUNIQ :
	    rc || symbol.address != strtoull(word[3], NULL, 16))
		complain("local %s: %d %" PRIx64 " instead of %s", word[1], rc,
			 symbol.address, word[3]);
}

/* libc glibc|musl|unknown IS_STATIC */
static void check_libc(struct rp_modules *modules, char **word)
{
	static const char *const names[] = { "unknown", "glibc", "musl" };

	if (strcmp(names[modules->libc], word[1]) ||
	    modules->is_static != (*word[2] == '1') ||
	    (modules->libc && !modules->libc_module))
		complain("libc %s static %d, not %s %s", names[modules->libc],
			 modules->is_static, word[1], word[2]);
	if (!modules->v[0].program)
		complain("the first one is not the program");
}

static void check_line(struct rp_modules *modules, char *line)
{
	static const struct {
		const char *name;
		size_t words;
		void (*check)(struct rp_modules *modules, char **word);
	} kinds[] = {
		{ "module", 4, check_module },
		{ "want", 5, check_want },
		{ "tls", 5, check_tls },
		{ "static", 2, check_static_tls },
		{ "local", 4, check_local },
		{ "libc", 3, check_libc },
	};
	char *word[6] = { NULL };
	size_t n = 0;

	for (char *w = strtok(line, " \n"); w && n < 5; w = strtok(NULL, " \n"))
		word[n++] = w;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!n || strcmp(word[0], kinds[i].name))
			continue;
		if (n == kinds[i].words) {
			kinds[i].check(modules, word);
			truths++;
			return;
		}
	}
	complain("line not understood: %s (%zu words)", n ? word[0] : "", n);
}

/* The child. */

static pid_t start(char **argv, FILE **output)
{
	int out[2], in[2];
	pid_t pid;

	if (pipe(out) || pipe(in))
		exit(99);
	pid = fork();
	if (pid)
		close(out[1]);
	if (pid) {
		close(in[0]);
		*output = fdopen(out[0], "r");
		return pid;
	}
	// It waits for input that does not come, and ends when we do.
	dup2(in[0], 0);
	dup2(out[1], 1);
	close(in[1]);
	close(out[0]);
	alarm(200);
	execv(argv[0], argv);
	_exit(127);
}

/* A program that says nothing: until it waits for input. */
static void wait_for_read(pid_t pid)
{
	char path[64], text[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (int i = 0; i < 6000 && strncmp(text, "0 0x0 ", 6); i++) {
		FILE *file = fopen(path, "r");

		usleep(10000);
		if (!file || !fgets(text, sizeof(text), file))
			*text = 0;
		if (file)
			fclose(file);
	}
}

/** read_lines() - up to "ready". Return: how many; -1: it has ended. */
static ssize_t read_lines(FILE *output, char **lines)
{
	for (size_t n = 0; n < LINES_MAX; n++) {
		size_t room = 0;

		if (getline(&lines[n], &room, output) < 0) {
			free(lines[n]);
			lines[n] = NULL;
			break;
		}
		if (!strcmp(lines[n], "ready\n"))
			return n;
	}
	return -1;
}

static int check(pid_t pid, FILE *output, char option)
{
	struct rp_target target = { .proc = -1 };
	struct rp_modules modules = { .target = NULL };
	struct rp_diag diag = { 0 };
	char *lines[LINES_MAX] = { NULL };
	ssize_t n = 0;

	if (option == 'q')
		wait_for_read(pid);
	else
		n = read_lines(output, lines);
	if (n < 0) {
		complain("it has ended, or says too much:");
		for (size_t i = 0; i < LINES_MAX && lines[i]; i++)
			printf("%s", lines[i]);
	} else if (rp_target_open(&target, pid, &diag) ||
	    rp_modules_read(&modules, &target, &diag)) {
		complain("%s", diag.text);
	} else {
		modules.has_searchlist |= option == 'n';
		for (ssize_t i = 0; i < n; i++)
			check_line(&modules, lines[i]);
		if (option != 'l')
			check_references(&modules);
		if (option != 'q' && !truths)
			complain("it has said nothing");
		printf("%zu modules, %u lines, %s\n", modules.n, truths,
		       references_text());
	}
	for (size_t i = 0; i < LINES_MAX; i++)
		free(lines[i]);
	rp_modules_free(&modules);
	rp_target_close(&target);
	return failures != 0;
}

int main(int argc, char **argv)
{
	const char option = argc > 1 && *argv[1] == '-' ? argv[1][1] : 0;
	FILE *output;

	argv += option ? 2 : 1;
	if (!*argv)
		return 64;
	pid_t pid = start(argv, &output);
	int rc = check(pid, output, option);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(output);
	return rc;
}
