// SPDX-License-Identifier: MIT
/* Sibling calls: the frame is gone, the callee returns to our caller. */
#include "site.h"
#include "check.h"

struct node {
	int value;
	struct node *next;
};

static int sum_values(const struct node *node, int sum);
static int count_nodes(const struct node *node, int sum);

RP_DEFINE_STATIC_CALL(visit, sum_values);

static NOINLINE int go_on(const struct node *node, int sum)
{
	return rp_static_call(visit)(node->next, sum);
}

static int sum_values(const struct node *node, int sum)
{
	return node ? go_on(node, sum + node->value) : sum;
}

static int count_nodes(const struct node *node, int sum)
{
	return node ? go_on(node, sum + 1) : sum;
}

#define NODES	1000

int main(void)
{
	static struct node nodes[NODES];

	for (int i = 0; i < NODES; i++) {
		nodes[i].value = i;
		nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
	}
	CHECK_EQ(go_on(&nodes[0], 0), NODES * (NODES - 1) / 2);
	CHECK_EQ(rp_static_call_update(visit, count_nodes), 0);
	CHECK_EQ(go_on(&nodes[0], 0), NODES - 1);
	CHECK_EQ(rp_static_call_update(visit, RP_STATIC_CALL_RET0(count_nodes)),
		 0);
	CHECK_EQ(go_on(&nodes[0], 5), 0);
	return check_status();
}
