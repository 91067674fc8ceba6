/* SPDX-License-Identifier: MIT */
/* Bindings of payloads, of each kind, in a child that is a copy of this one. */
#define _GNU_SOURCE
#include "../../../live/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Thread_local int tls_here = 1;
static int variable;

static int chosen(void) { return 3; }
static __attribute__((used)) int (*choose(void))(void) { return chosen; }
static __attribute__((used)) int (*choose_unused(void))(void) { return chosen; }
int own_ifunc(void) __attribute__((ifunc("choose")));
int unused_ifunc(void) __attribute__((ifunc("choose_unused")));

/* Entries of a PLT, as linkers write them. */
void plt_plain(void);
void plt_ibt(void);
void plt_bnd(void);
__asm__(".text\n"
	"plt_plain:	.byte 0x68; .long 1\n"
	"	.byte 0xe9; .long 0\n"
	"plt_ibt:	endbr64; pushq	$0x1234567\n"
	"	.byte 0xe9; .long 0\n"
	"plt_bnd:	endbr64; .byte 0x68; .long 1\n"
	"	.byte 0xf2, 0xe9; .long 0\n");

static uint64_t slot;
static int number;
static struct rp_diag diag;
static void *file;

static char strings[] = "\0getpid\0none_such\0V9\0errno_x\0own_ifunc\0"
			"unused_ifunc\0earlier\0environ";

static uint32_t string(const char *s)
{
	for (uint32_t i = 1; i < sizeof(strings); i += strlen(strings + i) + 1) {
		if (!strcmp(strings + i, s))
			return i;
	}
	return 0;
}

static struct rp_payload_depend depend;
static const struct rp_payload payload = {
	.strings = strings, .depends = &depend, .ndepends = 1,
};

static void result(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++number, what);
	if (!ok)
		fprintf(stderr, "# %s: %s\n", what, diag.text);
}

static void is(struct rp_live_resolver *r, struct rp_payload_binding b,
	       enum rp_resolve what, uint64_t want, const char *name)
{
	uint64_t got = ~want;
	int rc = rp_live_resolve(r, &payload, &b, what, &got, &diag);

	result(!rc && got == want, name);
}

static void fails(struct rp_live_resolver *r, struct rp_payload_binding b,
		  enum rp_resolve what, enum rp_diag_id id, const char *text,
		  const char *name)
{
	uint64_t got = 77;
	int rc;

	memset(&diag, 0, sizeof(diag));
	rc = rp_live_resolve(r, &payload, &b, what, &got, &diag);
	result(rc == -EINVAL && diag.id == id && strstr(diag.text, text), name);
}

static int earlier(void *context, const uint8_t *id, const char *name,
		   uint64_t *ret)
{
	*ret = 0x1234;
	return context && id == depend.id && !strcmp(name, "earlier") ?
	       0 : -ENOENT;
}

static int call(void *context, uint64_t resolver, uint64_t *ret)
{
	(void)context;
	(void)resolver;
	*ret = (uint64_t)chosen;
	return 0;
}

static int call_badly(void *context, uint64_t resolver, uint64_t *ret)
{
	(void)context;
	*ret = resolver ? (uint64_t)&variable : 0;
	return 0;
}

static void test_target(struct rp_live_resolver *r)
{
	const uint64_t bias = r->module->bias;
	const struct rp_payload_binding b = {
		.kind = RP_BIND_TARGET, .value = (uint64_t)&variable - bias,
	};

	is(r, b, RP_RESOLVE_ADDRESS, (uint64_t)&variable, "target");
	fails(r, (struct rp_payload_binding){ .kind = RP_BIND_TARGET,
	      .value = UINT64_C(1) << 40 }, RP_RESOLVE_ADDRESS,
	      RP_DIAG_LIVE_MISMATCH, "not in the target", "target: outside");
	fails(r, b, RP_RESOLVE_TP_OFFSET, RP_DIAG_LIVE_TLS,
	      "not thread-local", "target: not thread-local");
}

static void test_import(struct rp_live_resolver *r, const struct rp_target *t)
{
	const uint64_t bias = r->module->bias;
	struct rp_payload_binding b = {
		.kind = RP_BIND_IMPORT, .name = string("getpid"),
	};
	uint64_t got, value = (uint64_t)chosen;

	is(r, b, RP_RESOLVE_ADDRESS, (uint64_t)getpid, "import");
	b.slot = (uint64_t)&slot - bias;
	is(r, b, RP_RESOLVE_ADDRESS, (uint64_t)getpid, "import: empty slot");
	rp_target_write(t, (uint64_t)&slot, &value, sizeof(value));
	is(r, b, RP_RESOLVE_ADDRESS, value, "import: what the target uses");
	value = 0;
	rp_target_write(t, (uint64_t)&slot, &value, sizeof(value));
	b = (struct rp_payload_binding){ .kind = RP_BIND_IMPORT,
		.name = string("none_such"), .version = string("V9") };
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL,
	      "none_such@V9", "import: missing");
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "libc.so.6",
	      "import: missing, where it was looked for");
	b.flags = RP_BIND_WEAK;
	result(rp_live_resolve(r, &payload, &b, RP_RESOLVE_ADDRESS, &got,
			       &diag) == -ENOENT, "import: missing, weak");
	b.kind = RP_BIND_IMPORT_TLS;
	b.name = string("environ");
	b.version = 0;
	fails(r, b, RP_RESOLVE_TLS_MODULE, RP_DIAG_LIVE_MISMATCH,
	      "not thread-local", "import: not thread-local");
}

static void test_ifunc(struct rp_live_resolver *r)
{
	struct rp_payload_binding b = {
		.kind = RP_BIND_IMPORT, .name = string("own_ifunc"),
	};

	is(r, b, RP_RESOLVE_ADDRESS, (uint64_t)chosen, "ifunc: in use");
	b.name = string("unused_ifunc");
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "IFUNC",
	      "ifunc: unused");
	r->ifunc = call_badly;
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "resolver",
	      "ifunc: of no function");
	r->ifunc = call;
	is(r, b, RP_RESOLVE_ADDRESS, (uint64_t)chosen, "ifunc: called");
	r->ifunc = NULL;
}

static void test_slot(struct rp_live_resolver *r, const struct rp_target *t)
{
	const struct rp_payload_binding b = {
		.kind = RP_BIND_SLOT,
		.slot = (uint64_t)&slot - r->module->bias,
	};
	uint64_t value = (uint64_t)chosen;

	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "no function",
	      "slot: empty");
	rp_target_write(t, (uint64_t)&slot, &value, sizeof(value));
	is(r, b, RP_RESOLVE_ADDRESS, value, "slot");
	value = (uint64_t)&variable;
	rp_target_write(t, (uint64_t)&slot, &value, sizeof(value));
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "no function",
	      "slot: of no function");
	value = (uint64_t)plt_bnd;
	rp_target_write(t, (uint64_t)&slot, &value, sizeof(value));
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "no function",
	      "slot: not bound yet");
	result(rp_modules_slot_is_lazy(r->modules, r->module,
				       (uint64_t)plt_plain) &&
	       rp_modules_slot_is_lazy(r->modules, r->module,
				       (uint64_t)plt_ibt) &&
	       !rp_modules_slot_is_lazy(r->modules, r->module,
					(uint64_t)chosen),
	       "slot: kinds of PLT");
}

static void test_tls(struct rp_live_resolver *r)
{
	struct rp_payload_binding b = { .kind = RP_BIND_TLS };
	uint64_t tp;

	__asm__("mov %%fs:0, %0" : "=r"(tp));
	b.value = (uint64_t)&tls_here - tp + r->module->tls_offset;
	is(r, b, RP_RESOLVE_TP_OFFSET, (uint64_t)&tls_here - tp, "tls: offset");
	is(r, b, RP_RESOLVE_TLS_MODULE, 1, "tls: module");
	is(r, b, RP_RESOLVE_TLS_OFFSET, b.value, "tls: in its block");
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_TLS, "no single address",
	      "tls: no address");
	b.value = 1 << 20;
	fails(r, b, RP_RESOLVE_TP_OFFSET, RP_DIAG_LIVE_MISMATCH, "behind",
	      "tls: behind the block");
}

static void test_others(struct rp_live_resolver *r)
{
	struct rp_payload_binding b = {
		.kind = RP_BIND_PAYLOAD, .name = string("earlier"),
	};

	is(r, b, RP_RESOLVE_ADDRESS, 0x1234, "payload");
	b.name = string("getpid");
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_DEPENDS, "getpid",
	      "payload: does not have it");
	b.kind = RP_BIND_ROOT;
	is(r, b, RP_RESOLVE_ADDRESS, r->root, "root");
	r->root = 0;
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_MEMORY, "root",
	      "root: none");
	b.kind = RP_BIND_NR;
	fails(r, b, RP_RESOLVE_ADDRESS, RP_DIAG_LIVE_SYMBOL, "unknown",
	      "unknown kind");
}

static void test_all(pid_t child)
{
	struct rp_target target;
	struct rp_modules modules = { .n = 0 };
	struct rp_live_resolver r = {
		.modules = &modules, .root = 0x5000, .earlier = earlier,
		.context = &r,
	};

	if (rp_target_open(&target, child, &diag) ||
	    rp_modules_read(&modules, &target, &diag)) {
		result(false, "target");
		return;
	}
	r.module = rp_modules_at(&modules, (uint64_t)chosen);
	result(r.module && r.module->program && r.module == modules.v,
	       "program");
	result(rp_modules_by_build_id(&modules, r.module->build_id,
				      r.module->build_id_size) == r.module &&
	       !rp_modules_by_build_id(&modules, r.module->build_id, 0) &&
	       !rp_modules_at(&modules, 0) &&
	       rp_module_is_text(r.module, (uint64_t)chosen) &&
	       !rp_module_is_text(r.module, (uint64_t)&variable),
	       "by build-id, by address");
	result(file != MAP_FAILED && !rp_modules_at(&modules, (uint64_t)file),
	       "a file that is only read is no module");
	test_target(&r);
	test_import(&r, &target);
	test_ifunc(&r);
	test_slot(&r, &target);
	test_tls(&r);
	test_others(&r);
	rp_modules_free(&modules);
	rp_target_close(&target);
}

/* Mapped to be read, not to be run. */
static void *map_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	void *map = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE, fd, 0);

	close(fd);
	return map;
}

int main(void)
{
	file = map_file();
	pid_t child = fork();

	if (!child) {
		alarm(60);
		for (;;)
			pause();
	}
	if (own_ifunc() != 3)
		return 99;
	test_all(child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("1..%d\n", number);
	return 0;
}
