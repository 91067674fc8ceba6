// SPDX-License-Identifier: MIT
/*
 * Synthetic features: when detectors run, how often, and whose they are. As C
 * and as C++.
 *
 * usage: synthetic [MODULE]   RP_CPU_MASK may name first and missing,
 * both of them, or Dependency
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../text/check.h"
#include "synthetic-plugin.h"
#include "synthetic.h"

static int first_calls, shared_calls, in_order, in_constructor = -1;
static int early = -1, masked, masked_dependency;

/* Before anything of this program and of its libraries. */
static void preinit(void)
{
	early = rp_cpu_has(RP_FEATURE_SSE2) && rp_cpu_has(RP_FEATURE_ALWAYS);
}

__attribute__((section(".preinit_array"), used))
static void (*const run_preinit)(void) = preinit;

static int detect_first(void)
{
	first_calls++;
	in_order = dependency_is_constructed() && in_constructor == -1;
	return 1;
}
RP_DEFINE_FEATURE(FEATURE_FIRST, "first", detect_first);

static int detect_missing(void)
{
	return 0;
}
RP_DEFINE_FEATURE(FEATURE_MISSING, "missing", detect_missing);
RP_DEFINE_FEATURE(FEATURE_LATER, "later", NULL);

int detect_shared(void)
{
	shared_calls++;
	return 1;
}

__attribute__((constructor(102))) static void construct(void)
{
	in_constructor = rp_cpu_has(FEATURE_FIRST);
}

#ifdef __cplusplus
/* An initialiser that is run, of the earliest priority that there is. */
struct initialised {
	int value;
	initialised() : value(rp_cpu_has(FEATURE_FIRST)) {}
};
static initialised initialised __attribute__((init_priority(102)));
#endif

static void detectors_run_once_and_early(void)
{
	CHECK_EQ(early, 1);
	CHECK_EQ(first_calls, !masked);
	CHECK_EQ(in_order, !masked);
	CHECK_EQ(in_constructor, !masked);
	CHECK_EQ(shared_calls, 1);
	CHECK_EQ(rp_cpu_has(FEATURE_FIRST), !masked);
	CHECK_EQ(rp_cpu_has(FEATURE_SHARED), 1);
	CHECK_EQ(rp_cpu_has(FEATURE_MISSING), 0);
	CHECK_EQ(rp_cpu_has(FEATURE_LATER), 0);
	CHECK_EQ(has_in_other_file(FEATURE_FIRST), !masked);
#ifdef __cplusplus
	CHECK_EQ(initialised.value, !masked);
#endif
}

static void set_and_has(void)
{
	CHECK_EQ(rp_cpu_set_feature(FEATURE_LATER, 1), 0);
	CHECK_EQ(rp_cpu_has(FEATURE_LATER), 1);
	CHECK_EQ(has_in_other_file(FEATURE_LATER), 1);
	CHECK_EQ(rp_cpu_set_feature(FEATURE_MISSING, 1), 0);
	CHECK_EQ(rp_cpu_has(FEATURE_MISSING), !masked);
	CHECK_EQ(rp_cpu_set_feature(FEATURE_MISSING, 0), 0);
	CHECK_EQ(rp_cpu_has(FEATURE_MISSING), 0);
	CHECK_EQ(rp_cpu_set_feature(RP_FEATURE_AVX2, 0), -EINVAL);
	CHECK_EQ(rp_cpu_set_feature(RP_FEATURE_SYNTHETIC(64), 1), -EINVAL);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_NR), 0);
	CHECK(!strcmp(rp_feature_name(RP_FEATURE_AVX2), "avx2"));
	CHECK(rp_feature_name(FEATURE_FIRST) == NULL);
	/* What the variable becomes later changes nothing. */
	setenv("RP_CPU_MASK", "all", 1);
	CHECK_EQ(rp_cpu_set_feature(FEATURE_LATER, 0), 0);
	CHECK_EQ(rp_cpu_set_feature(FEATURE_LATER, 1), 0);
	CHECK_EQ(rp_cpu_has(FEATURE_LATER), 1);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_SSE2), 1);
}

/* The dependency's number 1 is there, and this program's is not. */
static void libraries_have_their_own(void)
{
	CHECK_EQ(dependency_has(RP_FEATURE_SYNTHETIC(1)), !masked_dependency);
	CHECK_EQ(dependency_has(RP_FEATURE_SYNTHETIC(0)), 0);
	CHECK_EQ(dependency_has(FEATURE_LATER), 0);
	CHECK_EQ(dependency_has(RP_FEATURE_SSE2), 1);
}

static volatile sig_atomic_t from_handler;

static void handler(int number)
{
	(void)number;
	rp_cpu_set_feature(FEATURE_MISSING, 1);
	from_handler = rp_cpu_has(FEATURE_MISSING) == !masked &&
		       rp_cpu_has(RP_FEATURE_SSE2);
	rp_cpu_set_feature(FEATURE_MISSING, 0);
}

static void in_a_signal_handler(void)
{
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	CHECK_EQ(from_handler, 1);
}

static void use_module(struct plugin *plugin)
{
	CHECK_EQ(plugin->detected, 1);
	CHECK_EQ(plugin->detected_in_constructor, 1);
	CHECK_EQ(plugin->has(RP_FEATURE_SYNTHETIC(0)), 0);
	CHECK_EQ(plugin->has(RP_FEATURE_SYNTHETIC(1)), 1);
	CHECK_EQ(plugin->set(RP_FEATURE_SYNTHETIC(0), 1), 0);
	CHECK_EQ(plugin->set(RP_FEATURE_SYNTHETIC(40), 1), 0);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_SYNTHETIC(40)), 0);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_SYNTHETIC(1)), 0);
	CHECK_EQ(plugin->set(RP_FEATURE_SYNTHETIC(0), 0), 0);
	CHECK_EQ(rp_cpu_has(RP_FEATURE_SYNTHETIC(0)), !masked);
	CHECK_EQ(dependency_has(RP_FEATURE_SYNTHETIC(1)), !masked_dependency);
}

/* Each time it is loaded it starts anew. */
static void modules_have_their_own(const char *path)
{
	for (int i = 0; i < 2; i++) {
		void *handle = dlopen(path, RTLD_NOW);
		void *plugin = handle ? dlsym(handle, "plugin") : NULL;

		CHECK(plugin != NULL);
		if (!plugin)
			return;
		use_module((struct plugin *)plugin);
		dlclose(handle);
	}
}

int main(int argc, char **argv)
{
	const char *mask = getenv("RP_CPU_MASK");

	masked = mask && (strstr(mask, "first") || strstr(mask, "FIRST"));
	masked_dependency = mask && strstr(mask, "Dependency");
	detectors_run_once_and_early();
	set_and_has();
	libraries_have_their_own();
	in_a_signal_handler();
	if (argc > 1)
		modules_have_their_own(argv[1]);
	return check_status();
}
