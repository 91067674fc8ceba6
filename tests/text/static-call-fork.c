// SPDX-License-Identifier: MIT
/* After fork, parent and child update on their own, and only themselves. */
#include "site.h"
#include "check.h"

#include <sys/wait.h>

static int initial(void)
{
	return 1;
}

static int of_parent(void)
{
	return 2;
}

static int of_child(void)
{
	return 3;
}

RP_DEFINE_STATIC_CALL(who, initial);
RP_DEFINE_STATIC_KEY_FALSE(key);

static NOINLINE int look(void)
{
	return rp_static_call(who)() * 10 +
	       (rp_static_branch_unlikely(&key) ? 1 : 0);
}

static int child(int depth)
{
	int status;
	pid_t pid;

	CHECK_EQ(look(), 20);
	CHECK_EQ(rp_static_call_update(who, of_child), 0);
	CHECK_EQ(rp_static_key_enable(&key), 0);
	CHECK_EQ(look(), 31);
	CHECK_EQ(rp_static_call_update(who, of_parent), 0);
	CHECK_EQ(rp_static_key_disable(&key), 0);
	if (depth) {
		pid = fork();
		if (!pid)
			_exit(child(depth - 1));
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		CHECK_EQ(look(), 20);
	}
	return check_status();
}

int main(void)
{
	int status;
	pid_t pid;

	CHECK_EQ(rp_static_call_update(who, of_parent), 0);
	pid = fork();
	if (!pid)
		_exit(child(2));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK_EQ(look(), 20);
	CHECK_EQ(rp_static_key_enable(&key), 0);
	CHECK_EQ(rp_static_call_update(who, initial), 0);
	CHECK_EQ(look(), 11);
	return check_status();
}
