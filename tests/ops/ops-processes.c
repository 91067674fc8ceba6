// SPDX-License-Identifier: MIT
/* Ops across fork, dlopen and dlclose, and bound by several threads at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sites.h"

struct table {
	int (*f)(int);
	int (*g)(int);
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

static int slow3(int x)
{
	return x + 3;
}

__asm__(RP_PATCHLET(fast3, RP_CLOBBER_RAX)
	"leal 3(%rdi), %eax"
	RP_PATCHLET_END(fast3));
RP_OP_PATCHLET(slow3, fast3);

static int (*const functions[])(int) = { add1, add2, slow3 };

RP_DEFINE_OPS(struct table, table, .f = add1, .g = add1);

#define SLOT	"rp_ops__table"

SITE_CALL_AT(call_f, 0, "", 6, SLOT);
SITE_CALL_AT(call_g, 16, "", 6, SLOT "+8");
SITE_TAIL_AT(tail_f, 2, SLOT);

static bool is_sane(int found)
{
	return found >= 6 && found <= 8;
}

/* ---- fork ---- */

static void rebind_alone(void *arg)
{
	(void)arg;
	CHECK_EQ(call_f(5), 6);
	rp_op_set(table, f, add2);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK(site_is_call(call_f_site, (const void *)add2));
	CHECK_EQ(call_f(5), 7);
	CHECK_EQ(tail_f(5), 7);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	rp_op_set(table, f, slow3);
	CHECK_EQ(call_f(5), 8);
	_exit(0);
}

static void child_rebinds_alone(void)
{
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK_EQ(in_child(rebind_alone, NULL), 0);
	CHECK(site_is_call(call_f_site, (const void *)add1));
	CHECK_EQ(call_f(5), 6);
	rp_op_set(table, f, slow3);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK_BYTES(call_f_site, "\x2e\x2e\x2e\x8d\x47\x03");
	CHECK_EQ(tail_f(5), 8);
}

static bool stop;

static void *rebind_all_the_time(void *arg)
{
	unsigned int n = 0;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		rp_op_set(table, f, functions[n++ % 3]);
		CHECK_EQ(rp_ops_rebind(&table), 0);
	}
	return NULL;
}

/* The child has the sites of one rebind, whole, and what is known of them. */
static void in_any_child(void *arg)
{
	int found = call_f(5);

	(void)arg;
	CHECK(is_sane(found));
	CHECK_EQ(tail_f(5), found);
	rp_op_set(table, f, add2);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK(site_is_call(call_f_site, (const void *)add2));
	CHECK_EQ(call_f(5), 7);
	_exit(0);
}

static void forks_while_rebinding(void)
{
	pthread_t thread;

	CHECK_EQ(rp_ops_bind(&table), 0);
	REQUIRE(pthread_create(&thread, NULL, rebind_all_the_time, NULL) == 0);
	for (int i = 0; i < 100 && !test_failed(); i++)
		CHECK_EQ(in_child(in_any_child, NULL), 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

/* ---- several that bind ---- */

static unsigned long wrong, binds;

static void *bind_and_set(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (int i = 0; i < 300; i++) {
		enum rp_ops_binding how = (enum rp_ops_binding)
			((const int[]){ RP_OPS_BIND, RP_OPS_REBIND,
					RP_OPS_REBIND, RP_OPS_UNBIND })
			[rand_r(&seed) % 4];

		rp_op_set(table, f, functions[rand_r(&seed) % 3]);
		rp_op_set(table, g, functions[rand_r(&seed) % 3]);
		if (rp_object_bind_ops(&rp__object, &table, how, NULL) < 0)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&binds, 1, __ATOMIC_RELAXED);
		if (!is_sane(call_f(5)) || !is_sane(call_g(5)) ||
		    !is_sane(tail_f(5)))
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void several_threads_bind(void)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		REQUIRE(pthread_create(&threads[i], NULL, bind_and_set,
				       (void *)i) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(binds, 1200);
	/* What they left is known: it can be changed, and taken back. */
	rp_op_set(table, f, add2);
	rp_op_set(table, g, add1);
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(site_is_call(call_f_site, (const void *)add2));
	CHECK(site_is_call(call_g_site, (const void *)add1));
	CHECK(site_is_jump(tail_f_site, (const void *)add2));
	CHECK_EQ(rp_ops_unbind(&table), 0);
	CHECK(site_is_built(call_f_site, 0x15, &table.f));
	CHECK(site_is_built(tail_f_site, 0x25, &table.f));
	CHECK_EQ(stats_now().traps, 0);
}

/* ---- objects that come and go ---- */

/* struct plugin_api - in plugin.c. */
struct plugin_api {
	int (*call)(int x);
	int (*bind)(void);
	int (*rebind)(int (*func)(int));
	int (*is_direct)(void);
};

static const struct plugin_api *load(void **handle)
{
	union {
		void *object;
		const struct plugin_api *(*get)(void);
	} symbol;

	*handle = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
	if (!*handle)
		fprintf(stderr, "# %s\n", dlerror());
	REQUIRE(*handle);
	symbol.object = dlsym(*handle, "plugin_get");
	REQUIRE(symbol.object);
	return symbol.get();
}

static bool is_loaded(void)
{
	void *handle = dlopen(PLUGIN, RTLD_NOW | RTLD_NOLOAD);

	if (handle)
		dlclose(handle);
	return handle != NULL;
}

static void loaded_again(void)
{
	const struct plugin_api *api;
	void *handle;

	start_idle_thread();
	for (int i = 0; i < 20 && !test_failed(); i++) {
		api = load(&handle);
		CHECK_EQ(api->call(5), 105);
		CHECK(!api->is_direct());
		CHECK_EQ(api->bind(), 0);
		CHECK(api->is_direct());
		CHECK_EQ(api->call(5), 105);
		/* A function of this program is far from the plugin. */
		CHECK_EQ(api->rebind(add2), 0);
		CHECK(api->is_direct());
		CHECK_EQ(api->call(5), 7);
		CHECK_EQ(dlclose(handle), 0);
		CHECK(!is_loaded());
	}
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK_EQ(call_f(5), 6);
}

/* Its own table is not ours, and ours is not its own. */
static void loaded_beside(void)
{
	const struct plugin_api *api;
	void *handle;

	api = load(&handle);
	CHECK_EQ(rp_ops_bind(&table), 0);
	CHECK(!api->is_direct());
	CHECK_EQ(api->bind(), 0);
	rp_op_set(table, f, slow3);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK_EQ(api->call(5), 105);
	CHECK_EQ(call_f(5), 8);
	dlclose(handle);
}

static unsigned long loads;

static void *load_all_the_time(void *arg)
{
	const struct plugin_api *api;
	void *handle;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		api = load(&handle);
		CHECK_EQ(api->bind(), 0);
		dlclose(handle);
		__atomic_add_fetch(&loads, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* The loader's lock may be held by a thread that is not here. */
static void in_child_of_loader(void *arg)
{
	(void)arg;
	alarm(60);
	rp_op_set(table, f, add2);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	CHECK_EQ(call_f(5), 7);
	_exit(0);
}

static void forks_while_loading(void)
{
	pthread_t thread;
	int nr = 0;

	CHECK_EQ(rp_ops_bind(&table), 0);
	REQUIRE(pthread_create(&thread, NULL, load_all_the_time, NULL) == 0);
	while (!test_failed() &&
	       (nr++ < 200 || __atomic_load_n(&loads, __ATOMIC_RELAXED) < 50))
		CHECK_EQ(in_child(in_child_of_loader, NULL), 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

TEST_MAIN(
	TEST(child_rebinds_alone),
	TEST(forks_while_rebinding),
	TEST(several_threads_bind),
	TEST(loaded_again),
	TEST(loaded_beside),
	TEST(forks_while_loading),
)
