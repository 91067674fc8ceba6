// SPDX-License-Identifier: MIT
/*
 * Keys and sites in programs and shared objects, in every direction, while
 * objects come and go and other threads update.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <repoint/batch.h>
#include <repoint/log.h>
#include <repoint/text_poke.h>

#include "case.h"
#include "engine.h"
#include "environment.h"
#include "shared.h"

#define CHURN_CYCLES	2000
#define CHURN_SECONDS	5

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

RP_IMPORT_STATIC_KEY_TRUE(linked_flag);

/* ---- loading ---- */

static void *load(const char *name, int flags)
{
	char path[PATH_MAX + 32];
	void *handle;

	snprintf(path, sizeof(path), "%s/%s.so", case_directory(), name);
	handle = dlopen(path, RTLD_NOW | flags);
	if (!handle)
		fprintf(stderr, "# %s\n", dlerror());
	REQUIRE(handle);
	return handle;
}

static const struct plugin *plugin_of(void *handle)
{
	const struct plugin *plugin = dlsym(handle, "plugin");

	REQUIRE(plugin);
	return plugin;
}

static void unload(void *handle)
{
	CHECK_EQ(dlclose(handle), 0);
}

/* Open descriptors. */
/* ---- what a plugin must do ---- */

static int host_offset(void)
{
	return rp_static_call_query(host_op) == host_two ? 2 : 1;
}

static void check_plugin(const struct plugin *p)
{
	bool flag = rp_static_key_enabled(&host_flag);

	CHECK_EQ(p->call_host(10), 10 + host_offset());
	CHECK_EQ(p->tail_host(10), 10 + host_offset());
	CHECK_EQ(p->host_flag(), flag);
	CHECK_EQ(p->own_flag(), true);
	CHECK_EQ(p->call_own(5), 16);
}

static int set_host(bool two, bool flag)
{
	struct rp_batch *batch;

	REQUIRE(rp_batch_begin(&batch, NULL) == 0);
	rp_batch_static_call_update(batch, host_op, two ? host_two : host_one);
	if (flag)
		rp_batch_static_key_enable(batch, &host_flag);
	else
		rp_batch_static_key_disable(batch, &host_flag);
	return rp_batch_commit(batch);
}

static void check_all_states(const struct plugin *p)
{
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(set_host(i & 1, i & 2), 0);
		check_plugin(p);
	}
	CHECK_EQ(p->set_own(host_one), 0);
	CHECK_EQ(p->call_own(5), 7);
	CHECK_EQ(p->enable_own(false), 0);
	CHECK_EQ(p->own_flag(), false);
	CHECK_EQ(p->enable_own(true), 0);
	CHECK_EQ(p->set_own(NULL), 0);
	check_plugin(p);
}

static void sites_in_plugin(void)
{
	void *handle = load("plugin", RTLD_LOCAL);

	check_all_states(plugin_of(handle));
	unload(handle);
	/* Keys that lost sites go on. */
	CHECK_EQ(set_host(true, true), 0);
	CHECK_EQ(set_host(false, false), 0);
	handle = load("plugin", RTLD_GLOBAL);
	check_all_states(plugin_of(handle));
	unload(handle);
}

/* Sites are as their keys are now, not as they were built. */
static void state_at_load(void)
{
	for (int i = 0; i < 4; i++) {
		const struct plugin *p;
		void *handle;

		CHECK_EQ(set_host(i & 1, i & 2), 0);
		handle = load("plugin", RTLD_LOCAL);
		p = plugin_of(handle);
		check_plugin(p);
		CHECK_EQ(p->constructed_call, i & 1 ? 2 : 1);
		CHECK_EQ(p->constructed_flag, (i & 2) != 0);
		unload(handle);
	}
}

static void loaded_twice(void)
{
	void *first = load("plugin", RTLD_LOCAL);
	void *second = load("plugin", RTLD_GLOBAL);

	CHECK(first == second);
	unload(first);
	check_all_states(plugin_of(second));
	unload(second);
	/* The same file under another name is another object. */
	first = load("plugin", RTLD_LOCAL);
	second = load("plugin2", RTLD_LOCAL);
	CHECK(plugin_of(first) != plugin_of(second));
	check_all_states(plugin_of(first));
	unload(first);
	check_all_states(plugin_of(second));
	unload(second);
}

/* ---- sites here, keys in a library ---- */

static int call_linked(int x)
{
	return rp_static_call(linked_op)(x) + 1;
}

static bool get_linked_flag(void)
{
	if (rp_static_branch_likely(&linked_flag))
		return true;
	return false;
}

static void key_in_linked_library(void)
{
	CHECK_EQ(call_linked(0), 101);
	CHECK_EQ(get_linked_flag(), true);
	CHECK_EQ(rp_static_call_update(linked_op, linked_two), 0);
	CHECK_EQ(call_linked(0), 201);
	CHECK_EQ(rp_static_call_update(linked_op, host_one), 0);
	CHECK_EQ(call_linked(0), 2);
	CHECK_EQ(rp_static_key_disable(&linked_flag), 0);
	CHECK_EQ(get_linked_flag(), false);
	CHECK_EQ(rp_static_key_enabled(&linked_flag), false);
	CHECK_EQ(rp_static_key_inc(&linked_flag), 0);
	CHECK_EQ(get_linked_flag(), true);
	CHECK(rp_static_call_query(linked_op) == host_one);
}

/* ---- key in one loaded object, sites in another ---- */

static void use_consumer(const struct loaded *l, const struct consumer *c)
{
	for (int i = 0; i < 8; i++) {
		int offset = i & 1 ? 2000 : 1000;

		CHECK_EQ(i & 4 ? c->set(i & 1) : l->set(i & 1), 0);
		CHECK_EQ(l->enable(i & 2), 0);
		CHECK_EQ(l->call(1), offset + 1);
		CHECK_EQ(c->call(1), offset + 2);
		CHECK_EQ(c->flag(), (i & 2) != 0);
	}
}

/* dlclose in either order; libc keeps what others are bound to. */
static void key_in_loaded_library(void)
{
	for (int i = 0; i < 50; i++) {
		void *loaded = load("loaded", RTLD_GLOBAL);
		void *consumer = load("consumer", i & 2 ? RTLD_LOCAL
							: RTLD_GLOBAL);
		const struct loaded *l = dlsym(loaded, "loaded");
		const struct consumer *c = dlsym(consumer, "consumer");

		REQUIRE(l && c);
		use_consumer(l, c);
		unload(i & 1 ? loaded : consumer);
		if (i & 1)
			CHECK(c->call(1) == 1002 || c->call(1) == 2002);
		else
			CHECK_EQ(l->set(false), 0);
		unload(i & 1 ? consumer : loaded);
	}
}

/* ---- churn ---- */

static bool stop;
static unsigned long updates;
static int failed_update;

static void *update_host(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int error = set_host(updates & 1, updates & 2);

		if (error)
			failed_update = error;
		__atomic_fetch_add(&updates, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static pthread_t start_updates(void)
{
	pthread_t thread;

	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	REQUIRE(pthread_create(&thread, NULL, update_host, NULL) == 0);
	return thread;
}

static void stop_updates(pthread_t thread)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK_EQ(failed_update, 0);
	CHECK(updates > 10);
}

/* Updates race with the calls, so one of two results. */
static bool plausible(const struct plugin *p)
{
	int a = p->call_host(0), b = p->tail_host(0);

	p->host_flag();
	return (a == 1 || a == 2) && (b == 1 || b == 2) &&
	       (p->constructed_call == 1 || p->constructed_call == 2) &&
	       p->own_flag() && p->call_own(5) == 16;
}

static int churn_plugin(const char *name)
{
	double end = case_now() + CHURN_SECONDS;
	int i;

	for (i = 0; i < CHURN_CYCLES && case_now() < end; i++) {
		void *handle = load(name, i & 1 ? RTLD_LOCAL : RTLD_GLOBAL);

		if (!CHECK(plausible(plugin_of(handle))))
			break;
		unload(handle);
	}
	return i;
}

static void churn(void)
{
	pthread_t thread = start_updates();

	CHECK(churn_plugin("plugin") > 20);
	stop_updates(thread);
}

static void *churn_thread(void *name)
{
	return (void *)(intptr_t)churn_plugin(name);
}

static void churn_by_two_threads(void)
{
	pthread_t thread = start_updates(), other;
	void *cycles;

	REQUIRE(pthread_create(&other, NULL, churn_thread, "plugin2") == 0);
	CHECK(churn_plugin("plugin") > 20);
	pthread_join(other, &cycles);
	CHECK((intptr_t)cycles > 20);
	stop_updates(thread);
}

static void churn_of_keys(void)
{
	pthread_t thread = start_updates();

	for (int i = 0; i < 6; i++)
		key_in_loaded_library();
	stop_updates(thread);
}

/* ---- what is left behind ---- */

static void cycles(int nr, bool update_between)
{
	for (int i = 0; i < nr; i++) {
		void *handle = load("plugin", RTLD_LOCAL);

		check_plugin(plugin_of(handle));
		unload(handle);
		if (update_between)
			CHECK_EQ(set_host(i & 1, i & 2), 0);
	}
}

static void no_growth(bool update_between)
{
	unsigned int before, after;

	cycles(10, update_between);
	before = case_count_maps();
	cycles(100, update_between);
	after = case_count_maps();
	CHECKF(after <= before + 4, "%u mappings have become %u", before,
	       after);
}

static void islands_freed(void)
{
	no_growth(true);
}

static void islands_freed_without_updates(void)
{
	no_growth(false);
}

static void same_address_again(void)
{
	const void *address = NULL;
	int same = 0;

	for (int i = 0; i < 40; i++) {
		void *handle = load("plugin", RTLD_LOCAL);
		const struct plugin *p = plugin_of(handle);

		same += address == p;
		address = p;
		check_all_states(p);
		unload(handle);
	}
	CHECKF(same > 0, "never loaded at the same address twice");
}

/* ---- dlclose in the middle of a commit ---- */

static bool in_commit, unload_began, unloaded;

static void on_step(enum rp__inject_point point)
{
	if (point != RP__INJECT_WINDOW_OPEN ||
	    __atomic_exchange_n(&in_commit, true, __ATOMIC_SEQ_CST))
		return;
	while (!__atomic_load_n(&unload_began, __ATOMIC_SEQ_CST))
		usleep(100);
	/* The other thread is at, or in, dlclose: give it time to get wrong. */
	usleep(20000);
	CHECK(!__atomic_load_n(&unloaded, __ATOMIC_SEQ_CST));
}

static void *unload_in_commit(void *handle)
{
	while (!__atomic_load_n(&in_commit, __ATOMIC_SEQ_CST))
		usleep(100);
	__atomic_store_n(&unload_began, true, __ATOMIC_SEQ_CST);
	unload(handle);
	__atomic_store_n(&unloaded, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void unload_during_commit(void)
{
	for (int i = 0; i < 10; i++) {
		void *handle = load("plugin", RTLD_LOCAL);
		pthread_t thread;

		in_commit = unload_began = unloaded = false;
		REQUIRE(pthread_create(&thread, NULL, unload_in_commit,
				       handle) == 0);
		engine_set_hook(on_step);
		CHECK_EQ(set_host(!(i & 1), !(i & 1)), 0);
		engine_set_hook(NULL);
		pthread_join(thread, NULL);
	}
}

/* ---- objects that come when text cannot be written ---- */

static unsigned int warnings;

static void count_warning(enum rp_log_level level, const char *category,
			  const char *message, void *data)
{
	(void)data;
	warnings += level == RP_LOG_WARN && !strcmp(category, "object") &&
		    strstr(message, "plugin.so") != NULL;
}

/*
 * Registration of such an object does not fail, and its static calls follow
 * their keys through memory. Its branches stay as they were built: that has to
 * be said at least, and no change may claim to have moved one.
 */
static void loaded_when_text_is_fixed(void)
{
	const struct plugin *p;
	void *handle;

	CHECK_EQ(set_host(true, true), 0);
	rp_log_set(count_warning, RP_LOG_WARN, NULL);
	DENY(&deny_mprotect_exec, &deny_open_rdwr);
	handle = load("plugin", RTLD_LOCAL);
	p = plugin_of(handle);
	CHECK_EQ(warnings, 1);
	CHECK_EQ(p->call_host(10), 12);
	CHECK_EQ(p->tail_host(10), 12);
	CHECK_EQ(p->call_own(5), 16);
	CHECK_EQ(p->set_own(host_two), 0);
	CHECK_EQ(p->call_own(5), 7 + 1);
	CHECK_EQ(p->set_own(NULL), 0);
	CHECK_EQ(p->call_own(5), 16);
	CHECK_EQ(p->enable_own(true), -EPERM);
	CHECK_EQ(p->own_flag(), false);
	CHECK_EQ(rp_static_key_disable(&host_flag), 0);
	CHECK_EQ(p->host_flag(), false);
	CHECK_EQ(rp_static_key_enable(&host_flag), -EPERM);
	CHECK_EQ(p->host_flag(), false);
	CHECK_EQ(rp_static_key_enabled(&host_flag), false);
	unload(handle);
}

static const struct test_case cases[] = {
	{ "sites-in-plugin", NULL, sites_in_plugin, 0, NULL },
	{ "state-at-load", NULL, state_at_load, 0, NULL },
	{ "loaded-twice", NULL, loaded_twice, 0, NULL },
	{ "key-in-linked-library", NULL, key_in_linked_library, 0, NULL },
	{ "key-in-loaded-library", NULL, key_in_loaded_library, 0, NULL },
	{ "churn", NULL, churn, 90, NULL },
	{ "churn-by-two-threads", NULL, churn_by_two_threads, 90, NULL },
	{ "churn-of-keys", NULL, churn_of_keys, 90, NULL },
	{ "islands-freed", NULL, islands_freed, 0, NULL },
	{ "islands-freed-without-updates", NULL, islands_freed_without_updates,
	  0, NULL },
	{ "same-address-again", NULL, same_address_again, 0, NULL },
	{ "unload-during-commit", NULL, unload_during_commit, 0, NULL },
	{ "loaded-when-text-is-fixed", NULL, loaded_when_text_is_fixed, 0,
	  NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
