/* SPDX-License-Identifier: MIT */
/*
 * A program that says where its symbols are, for check.c. Arguments: what to
 * dlopen(), "+" before it: RTLD_GLOBAL, "=": RTLD_DEEPBIND, "@": in a namespace
 * of its own. -DSTATIC: without libraries.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef STATIC
#define STATIC 0
#endif

_Alignas(64) _Thread_local char tls_program[3] = { 1, 2, 3 };

static int several_here(void) { return 4; }
static int only_here(void) { return 5; }
static int (*volatile keep[])(void) = { several_here, only_here };

static char *tls_program_here(void) { return tls_program; }

static int print_module(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	printf("module %lx %lu %s\n", (unsigned long)info->dlpi_addr,
	       (unsigned long)info->dlpi_tls_modid,
	       *info->dlpi_name ? info->dlpi_name : "program");
	return 0;
}

static void print_local(void)
{
#ifdef STRIPPED
	printf("local only_here %p none\n", (void *)print_local);
#else
	printf("local only_here %p %p\n", (void *)print_local, (void *)keep[1]);
	printf("local several_here %p several\n", (void *)print_local);
#endif
	printf("local not_there %p none\n", (void *)print_local);
}

#if STATIC
static void print_program(char **plugins)
{
	(void)plugins;
	printf("static %ld\n", (long)(tls_program - thread_pointer()));
}
#else
extern _Thread_local int tls_library;
extern int shared_data, preloaded(void), pick(void), chosen(void);
extern int weak_missing(void) __attribute__((weak));
extern int (*library_preloaded(void))(void);

static char *tls_library_here(void) { return (char *)&tls_library; }

static void print_default(void)
{
	static const char *const names[] = {
		"shared_data", "preloaded", "pick", "malloc", "stdout",
		"strlen", "late", "chosen", "environ", "pthread_create",
		"print_truth", "weak_missing", "none_such", "library_preloaded",
#ifdef __GLIBC__
		"memcpy", "realpath", "__tls_get_addr", "time",
#endif
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		print_want(names[i], "-", (void *)print_default,
			   dlsym(RTLD_DEFAULT, names[i]));
}

static void print_versions(void)
{
#ifdef __GLIBC__
	static const char *const versions[][2] = {
		{ "pick", "V1" }, { "pick", "V2" }, { "pick", "V3" },
		{ "memcpy", "GLIBC_2.2.5" }, { "memcpy", "GLIBC_2.14" },
		{ "realpath", "GLIBC_2.2.5" }, { "realpath", "GLIBC_2.3" },
		{ "malloc", "GLIBC_2.3" }, { "preloaded", "V2" },
		{ "stdout", "GLIBC_2.2.5" },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		print_want(versions[i][0], versions[i][1],
			   (void *)print_versions, dlvsym(RTLD_DEFAULT,
			   versions[i][0], versions[i][1]));
#endif
}

/* Pointers to functions are the same everywhere. */
static int agrees(void)
{
	return dlsym(RTLD_DEFAULT, "preloaded") == (void *)preloaded &&
	       library_preloaded() == preloaded;
}

static void print_plugin(void *handle)
{
	void (*print)(void);

	if (!handle) {
		printf("%s\n", dlerror());
		return;
	}
	print = (void (*)(void))dlsym(handle, "print_truth");
	if (print)
		print();
}

static void *open_plugin(const char *path)
{
	switch (*path) {
	case '+': return dlopen(path + 1, RTLD_NOW | RTLD_GLOBAL);
#ifdef __GLIBC__
	case '=': return dlopen(path + 1, RTLD_NOW | RTLD_DEEPBIND);
	case '@': return dlmopen(LM_ID_NEWLM, path + 1, RTLD_NOW);
#endif
	default: return dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
}

static void print_program(char **plugins)
{
	for (; *plugins; plugins++)
		print_plugin(open_plugin(*plugins));
	print_default();
	print_versions();
	if (!agrees())
		printf("the program does not agree with itself\n");
	if (weak_missing)
		weak_missing();
	shared_data += pick() + chosen() + (time(NULL) == 0);
	print_tls("tls_program", (void *)print_program, tls_program_here);
	print_tls("tls_library", (void *)print_program, tls_library_here);
}
#endif

int main(int argc, char **argv)
{
	(void)argc;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	tls_program_here()[0]++;
	print_program(argv + 1);
#ifdef __GLIBC__
	printf("libc glibc %d\n", STATIC);
#elif defined(STRIPPED) && STATIC
	printf("libc unknown %d\n", STATIC);
#else
	printf("libc musl %d\n", STATIC);
#endif
	print_local();
	dl_iterate_phdr(print_module, NULL);
	printf("ready\n");
	fflush(stdout);
	pause();
	return keep[0]();
}
