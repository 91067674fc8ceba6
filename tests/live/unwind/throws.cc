// SPDX-License-Identifier: MIT
// Waits while an exception is on its way, and in frames that catch.
#include <poll.h>
#include <cstdio>

namespace {

void *returns[16];
int depth;
volatile int sink;

#define NOTE() (returns[depth++] = __builtin_return_address(0))

void say()
{
	std::printf("+");
	for (int i = 0; i < depth; i++)
		std::printf(" %llx", (unsigned long long)(size_t)returns[i]);
	std::printf("\n");
	std::fflush(stdout);
	poll(nullptr, 0, -1);
}

struct cleanup {
	~cleanup();
};

__attribute__((noinline)) cleanup::~cleanup()
{
	NOTE();
	say();
}

/* Its landing pad runs the destructor, which waits. */
__attribute__((noinline)) int thrower(int n)
{
	cleanup guard;

	NOTE();
	if (n)
		throw n;
	return n;
}

__attribute__((noinline)) int catcher(int n)
{
	NOTE();
	try {
		return thrower(n) + 1;
	} catch (int v) {
		sink = v;
	}
	return 0;
}

} // namespace

int main(int argc, char **)
{
	NOTE();
	return catcher(argc) + sink;
}
