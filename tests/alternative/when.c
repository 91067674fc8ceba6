// SPDX-License-Identifier: MIT
/* When alternatives are applied, of which objects, and when not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <repoint/alternative.h>

#include "case.h"
#include "environment.h"
#include "plugin.h"

#define MESSAGES_FD	850
#define STDERR_FD	851

/* ---- the program's own ---- */

__attribute__((noinline)) static int always(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0",
					"xorl %0, %0; addl $2, %0",
					RP_FEATURE_ALWAYS)
			 : "=r" (r) : : "cc");
	return r;
}

__attribute__((noinline)) static int own(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE("movl $1, %0",
					"xorl %0, %0; addl $2, %0",
					RP_FEATURE_SYNTHETIC(0))
			 : "=r" (r) : : "cc");
	return r;
}

static int detections, early_always, early_own, early_detections;

static int detect_own(void)
{
	detections++;
	return getenv("OWN") != NULL;
}

RP_DEFINE_FEATURE(RP_FEATURE_SYNTHETIC(0), "own-feature", detect_own);

__attribute__((constructor(102))) static void early(void)
{
	early_always = always();
	early_own = own();
	early_detections = detections;
}

/* ---- setups ---- */

/* What the library says before main() runs goes to a file. */
static void catch_messages(void)
{
	int fd = memfd_create("messages", 0);

	REQUIRE(fd >= 0);
	REQUIRE(dup2(STDERR_FILENO, STDERR_FD) == STDERR_FD);
	REQUIRE(dup2(fd, MESSAGES_FD) == MESSAGES_FD);
	REQUIRE(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	setenv("RP_LOG", "warn", 1);
}

static const char *messages(void)
{
	static char text[8192];
	ssize_t n = pread(MESSAGES_FD, text, sizeof(text) - 1, 0);

	if (dup2(STDERR_FD, STDERR_FILENO) < 0)
		return NULL;
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void setup_own(void)
{
	setenv("OWN", "1", 1);
	setenv("LINKED", "1", 1);
}

/* ---- loading ---- */

static void *load(const char *name)
{
	char path[PATH_MAX];
	void *handle;

	snprintf(path, sizeof(path), "%s/%s", case_directory(), name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CHECKF(handle != NULL, "%s", dlerror());
	if (!handle)
		case_end();
	return handle;
}

static struct plugin *load_plugin(void **handle)
{
	struct plugin *(*get)(void);

	*handle = load("alternative_plugin.so");
	get = (struct plugin *(*)(void))dlsym(*handle, "plugin_get");
	REQUIRE(get != NULL);
	return get();
}

/* ---- cases ---- */

static void before_constructors(void)
{
	CHECK_EQ(early_always, 2);
	CHECK_EQ(early_detections, 1);
	CHECK_EQ(detections, 1);
	CHECK_EQ(early_own, 1);
	CHECK_EQ(own(), 1);
	CHECK_EQ(linked_get()->early, 1);
	CHECK_EQ(linked_get()->value(), 1);
}

static void after_detectors(void)
{
	CHECK_EQ(early_own, 2);
	CHECK_EQ(own(), 2);
	CHECK_EQ(linked_get()->early, 2);
	CHECK_EQ(linked_get()->value(), 2);
}

/* One number in three objects: three features. */
static void features_apart(void)
{
	void *handle;
	struct plugin *plugin = load_plugin(&handle);

	CHECK_EQ(plugin->has(), 0);
	CHECK_EQ(plugin->value(), 1);
	CHECK_EQ(own(), 2);
	CHECK_EQ(linked_get()->set(0), 0);
	CHECK_EQ(linked_get()->value(), 1);
	CHECK_EQ(own(), 2);
	CHECK_EQ(plugin->set(1), 0);
	CHECK_EQ(plugin->value(), 2);
	CHECK_EQ(linked_get()->value(), 1);
	dlclose(handle);
	CHECK_EQ(own(), 2);
}

static void load_again(void)
{
	for (int i = 0; i < 20; i++) {
		int there = i % 3 == 0;
		struct plugin *plugin;
		void *handle;

		if (there)
			setenv("PLUGIN", "1", 1);
		else
			unsetenv("PLUGIN");
		plugin = load_plugin(&handle);
		CHECK_EQ(plugin->early, 1 + there);
		CHECK_EQ(plugin->value(), 1 + there);
		CHECK_EQ(plugin->set(!there), 0);
		CHECK_EQ(plugin->value(), 2 - there);
		dlclose(handle);
		CHECK(dlopen("alternative_plugin.so", RTLD_NOLOAD) == NULL);
	}
}

static void no_alternatives(void)
{
	void *handle = load("alternative_none.so");
	int (*apply)(void) = (int (*)(void))dlsym(handle, "none_apply");

	REQUIRE(apply != NULL);
	CHECK_EQ(apply(), 0);
	dlclose(handle);
}

static bool stop;

static void *spin(void *arg)
{
	unsigned long *rounds = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (always() != 2)
			return arg;
		__atomic_add_fetch(rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Those threads may have fetched what was mapped there before. */
static void load_under_threads(void)
{
	struct rp_text_poke_stats before = { .sz = sizeof(before) };
	struct rp_text_poke_stats after = { .sz = sizeof(after) };
	unsigned long rounds = 0, seen;
	pthread_t thread;
	void *result, *handle;

	setenv("PLUGIN", "1", 1);
	REQUIRE(pthread_create(&thread, NULL, spin, &rounds) == 0);
	while (!__atomic_load_n(&rounds, __ATOMIC_RELAXED))
		usleep(100);
	rp_text_poke_get_stats(&before);
	for (int i = 0; i < 20; i++) {
		struct plugin *plugin = load_plugin(&handle);

		CHECK_EQ(plugin->early, 2);
		CHECK_EQ(plugin->value(), 2);
		dlclose(handle);
	}
	rp_text_poke_get_stats(&after);
	CHECK(after.syncs >= before.syncs + 20);
	seen = __atomic_load_n(&rounds, __ATOMIC_RELAXED);
	while (__atomic_load_n(&rounds, __ATOMIC_RELAXED) == seen)
		usleep(100);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, &result);
	CHECK(result == NULL);
}

static void forked(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		bool ok = own() == 1 && always() == 2 &&
			  !rp_cpu_set_feature(RP_FEATURE_SYNTHETIC(0), 1) &&
			  !rp_alternatives_apply(NULL) && own() == 2;

		_exit(!ok);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
	CHECK_EQ(own(), 1);
}

/* ---- text that cannot be written ---- */

static void deny_all_ways(void)
{
	DENY(&deny_mprotect_exec, &deny_open_rdwr);
	setup_own();
	catch_messages();
}

static void only_procmem(void)
{
	refuse_exec_gain();
	setup_own();
	catch_messages();
}

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void cannot_be_written(void)
{
	struct rp_error error = { .code = 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	const char *said = messages();

	CHECK_EQ(early_always, 1);
	CHECK_EQ(always(), 1);
	CHECK_EQ(own(), 1);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_SYNTHETIC(0)), 1);
	CHECK_EQ(linked_get()->value(), 1);
	/* One for the program, one for the library. */
	CHECKF(count(said, "repoint: alternative: ") == 2, "%s", said);
	CHECKF(count(said, "no alternative is applied") == 2, "%s", said);
	CHECKF(count(said, ": /proc/self/exe\n") == 1, "%s", said);
	CHECKF(strstr(said, "alternative_linked.so\n") != NULL, "%s",
	       said);
	CHECK_EQ(rp_alternatives_apply(&opts), -EPERM);
	CHECK_EQ(error.code, -EPERM);
	CHECK(error.message[0]);
	CHECK_EQ(own(), 1);
}

static void written_through_procmem(void)
{
	const char *said = messages();

	CHECK_EQ(early_always, 2);
	CHECK_EQ(own(), 2);
	CHECK_EQ(linked_get()->early, 2);
	CHECKF(!strstr(said, "no alternative is applied"), "%s", said);
}

static const struct test_case cases[] = {
	{ "before-constructors", NULL, before_constructors, 0, NULL },
	{ "after-detectors", setup_own, after_detectors, 0, NULL },
	{ "features-apart", setup_own, features_apart, 0, NULL },
	{ "load-again", NULL, load_again, 0, NULL },
	{ "no-alternatives", NULL, no_alternatives, 0, NULL },
	{ "load-under-threads", NULL, load_under_threads, 0, NULL },
	{ "fork", NULL, forked, 0, NULL },
	{ "cannot-be-written", deny_all_ways, cannot_be_written, 0, NULL },
	{ "written-through-procmem", only_procmem, written_through_procmem, 0,
	  NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
