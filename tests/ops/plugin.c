// SPDX-License-Identifier: MIT
/* A shared object with a table of its own, for ops-processes.c. */
#include <repoint/ops.h>

struct table {
	int (*f)(int);
};

struct plugin_api {
	int (*call)(int x);
	int (*bind)(void);
	int (*rebind)(int (*func)(int));
	int (*is_direct)(void);
};

static int add100(int x)
{
	return x + 100;
}

/* The same name as the program's. */
RP_DEFINE_OPS(struct table, table, .f = add100);

__asm__(".text\n\t"
	".p2align 4\n\t"
	".type plugin_call, @function\n"
	"plugin_call:\n\t"
	"subq $8, %rsp\n\t"
	".p2align 3\n"
	"plugin_site:\n\t"
	"call *rp_ops__table(%rip)\n\t"
	".pushsection rp_op_sites,\"ao\",@progbits,plugin_call\n\t"
	".p2align 2\n\t"
	".long plugin_site - .\n\t"
	".long rp_ops__table - .\n\t"
	".byte 1, 6\n\t"
	".short 0\n\t"
	".popsection\n\t"
	"addq $8, %rsp\n\t"
	"ret\n\t"
	".hidden plugin_call, plugin_site\n\t"
	".globl plugin_call, plugin_site\n");
int plugin_call(int x) __attribute__((visibility("hidden")));
extern uint8_t plugin_site[] __attribute__((visibility("hidden")));

static int bind(void)
{
	return rp_ops_bind(&table);
}

static int rebind(int (*func)(int))
{
	rp_op_set(table, f, func);
	return rp_ops_rebind(&table);
}

static int is_direct(void)
{
	return plugin_site[0] == 0x2e && plugin_site[1] == 0xe8;
}

const struct plugin_api *plugin_get(void);

const struct plugin_api *plugin_get(void)
{
	static const struct plugin_api api = {
		plugin_call, bind, rebind, is_direct
	};

	return &api;
}
