// SPDX-License-Identifier: MIT
/* The worked example of docs/patch-authors.md, with what it says of it. */
#include "login-after.c"

#include <stdio.h>

#define CHECK(condition)						\
	do {								\
		if (!(condition)) {					\
			printf("line %d: %s\n", __LINE__, #condition);	\
			return 1;					\
		}							\
	} while (0)

int main(void)
{
	struct conn before = { .fd = 1 };	/* made by the old code */
	struct conn *conn = conn_open(3);

	CHECK(conn && conn_login(conn, "a", 0) == -1);
	CHECK(conn_login(conn, "a", 0) == -1);
	CHECK(conn_login(&before, "b", 1) == 0);
	CHECK(conn_login(conn, "a", 0) == -2);
	CHECK(conn_login(conn, "a", 1) == -2);
	CHECK(conn_login(&before, "b", 0) == -1);
	CHECK(rp_shadow_get(conn, CONN_FAILURES));
	conn_close(conn);
	CHECK(!rp_shadow_get(conn, CONN_FAILURES));
	CHECK(rp_shadow_get(&before, CONN_FAILURES));
	forget_failures();
	CHECK(!rp_shadow_get(&before, CONN_FAILURES));
	return 0;
}
