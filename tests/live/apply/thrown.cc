// SPDX-License-Identifier: MIT
/*
 * Threads that are always in work(), which two of three times is left by an
 * exception: most of the time it is between the search for who catches that and
 * the way there. Answers as serve.h
 * says: "KIND N" starts threads; "version" is that of the work() that was called
 * last, once every thread has seen it.
 *
 *   relayed	the caller takes no notice of exceptions
 *   caught	the caller catches them
 *   swept	the caller cleans up
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <thread>

#ifdef __clang__
# define OPAQUE	__attribute__((noinline))
#else
# define OPAQUE	__attribute__((noipa))
#endif

static thread_local volatile int last;
static std::atomic<long> rounds[16], wrong;
static std::atomic<int> versions[16];
static int threads;

struct slow {
	OPAQUE ~slow()
	{
		for (volatile int i = 0; i < 1000000; i++)
			;
	}
};

struct quick {
	long *count;
	OPAQUE ~quick() { ++*count; }
};

OPAQUE static void deep(int value)
{
	slow on_the_way;

	if (value % 3)
		throw std::runtime_error(std::to_string(value));
}

OPAQUE static void work(int value)
{
	last = VERSION;
	deep(value);
	__asm__ volatile("" : : : "memory");
}

OPAQUE static void relay(int value)
{
	work(value);
	__asm__ volatile("" : : : "memory");
}

OPAQUE static void sweep(int value, long *count)
{
	quick at_the_end{count};

	work(value);
}

static int result(const char *kind, int value)
{
	long swept = 0;

	try {
		if (!std::strcmp(kind, "relayed"))
			relay(value);
		else if (!std::strcmp(kind, "swept"))
			sweep(value, &swept);
		else
			work(value);
	} catch (const std::runtime_error &e) {
		if (!std::strcmp(kind, "swept") && swept != 1)
			return -1;
		return std::atoi(e.what());
	}
	return value % 3 ? -1 : value;
}

static void run(const char *kind, int thread)
{
	for (int value = 0;; value++) {
		if (result(kind, value) != value)
			wrong++;
		versions[thread] = last;
		rounds[thread]++;
	}
}

static int version()
{
	int v = 0;

	for (int i = 0; i < threads; i++) {
		long until = rounds[i] + 2;

		while (rounds[i] < until)
			std::this_thread::yield();
		if (v && versions[i] != v)
			return -1;
		v = versions[i];
	}
	return v;
}

int main()
{
	static char kind[100];
	char line[100], word[100];
	int n;

	std::puts("ready");
	std::fflush(stdout);
	while (std::fgets(line, sizeof(line), stdin)) {
		if (std::sscanf(line, "%99s %d", word, &n) == 2)
			for (std::strcpy(kind, word); n > 0 && threads < 16; n--)
				std::thread(run, kind, threads++).detach();
		std::printf("%d wrong %ld\n", threads ? version() : 0,
			    wrong.load());
		std::fflush(stdout);
	}
	std::quick_exit(0);
}
