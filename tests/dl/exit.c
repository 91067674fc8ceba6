// SPDX-License-Identifier: MIT
/*
 * A process that ends while its threads call, through islands of a plugin and
 * of the program, and while one of them updates. Destructors run meanwhile.
 *
 *   exit return|exit|quick [MICROSECONDS]
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared.h"

int host_one(int x)
{
	return x + 1;
}

int host_two(int x)
{
	return x + 2;
}

RP_DEFINE_STATIC_CALL(host_op, host_one);
RP_EXPORT_STATIC_CALL(host_op);
RP_DEFINE_STATIC_KEY_FALSE(host_flag);
RP_EXPORT_STATIC_KEY(host_flag);

static const struct plugin *plugin;

/* abs() is in libc, out of reach of the program's calls. */
static void *call(void *unused)
{
	for (;;) {
		int a = plugin->call_host(-1), b = rp_static_call(host_op)(-1);

		if (a < 0 || a > 1 || b < 0 || b > 1)
			abort();
		plugin->host_flag();
	}
	return unused;
}

static void *update(void *unused)
{
	op_fn *const functions[] = { host_one, host_two, abs };

	for (unsigned int i = 0;; i++) {
		rp_static_call_update(host_op, functions[i % 3]);
		if (i & 1)
			rp_static_key_enable(&host_flag);
		else
			rp_static_key_disable(&host_flag);
	}
	return unused;
}

static void start(void *(*function)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, function, NULL))
		_exit(99);
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX + 16];
	void *handle;

	snprintf(path, sizeof(path), "%s/plugin_bare.so", dirname(argv[0]));
	handle = dlopen(path, RTLD_NOW);
	if (!handle || argc < 2) {
		fprintf(stderr, "%s\n", handle ? "arguments" : dlerror());
		_exit(99);
	}
	plugin = dlsym(handle, "plugin");
	rp_static_call_update(host_op, abs);
	start(call);
	start(call);
	start(update);
	usleep(argc > 2 ? (useconds_t)atoi(argv[2]) : 500);
	if (!strcmp(argv[1], "exit"))
		exit(0);
	if (!strcmp(argv[1], "quick"))
		quick_exit(0);
	return 0;
}
