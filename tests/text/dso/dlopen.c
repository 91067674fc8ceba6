// SPDX-License-Identifier: MIT
/*
 * A library that comes late has the present state from its first call on; one
 * that went is forgotten; one that comes back is no stranger.
 */
#include "plugin.h"
#include "../check.h"

#include <dlfcn.h>

static int one(void)
{
	return 1;
}

static int five(void)
{
	return 5;
}

RP_DEFINE_STATIC_CALL(exe_key_call, one);
RP_EXPORT_STATIC_CALL(exe_key_call);
RP_DEFINE_STATIC_KEY_FALSE(exe_off);
RP_EXPORT_STATIC_KEY(exe_off);
RP_DEFINE_STATIC_KEY_TRUE(exe_on);
RP_EXPORT_STATIC_KEY(exe_on);

typedef int plugin_fn(void);

static int run(void *plugin, const char *name)
{
	plugin_fn *function;

	*(void **)&function = dlsym(plugin, name);
	CHECK(function != NULL);
	return function ? function() : -1;
}

static void visit(const char *path, int expected, int taken)
{
	void *plugin = dlopen(path, RTLD_NOW);

	if (!plugin) {
		fprintf(stderr, "%s\n", dlerror());
		CHECK(plugin != NULL);
		return;
	}
	CHECK_EQ(run(plugin, "plugin_call"), 100 + expected);
	CHECK_EQ(run(plugin, "plugin_tail"), expected);
	CHECK_EQ(run(plugin, "plugin_branches"), taken);
	/* Changes while it is there. */
	CHECK_EQ(rp_static_call_update(exe_key_call, one), 0);
	CHECK_EQ(rp_static_key_enable(&exe_off), 0);
	CHECK_EQ(rp_static_key_enable(&exe_on), 0);
	CHECK_EQ(run(plugin, "plugin_call"), 101);
	CHECK_EQ(run(plugin, "plugin_branches"), 3);
	CHECK_EQ(dlclose(plugin), 0);
	CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "";

	visit(path, 1, 2);
	CHECK_EQ(rp_static_call_update(exe_key_call, five), 0);
	CHECK_EQ(rp_static_key_disable(&exe_on), 0);
	visit(path, 5, 1);
	CHECK_EQ(rp_static_call_update(exe_key_call, RP_STATIC_CALL_RET0(one)),
		 0);
	CHECK_EQ(rp_static_key_disable(&exe_off), 0);
	CHECK_EQ(rp_static_key_disable(&exe_on), 0);
	visit(path, 0, 0);
	return check_status();
}
