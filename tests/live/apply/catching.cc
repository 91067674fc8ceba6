// SPDX-License-Identifier: MIT
/*
 * Calls through() of throwing.cc, and catches what comes out. Answers as
 * serve.h says, but has no workers other than one that throws all the time.
 */
#include <atomic>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

extern "C" int callback();
extern "C" int through(int how);
extern int destroyed;

static thread_local bool throws;
static std::atomic<long> rounds, wrong;

int callback()
{
	if (throws)
		throw std::runtime_error("thrown");
	return 7;
}

static int result(int how)
{
	try {
		return through(how);
	} catch (const std::out_of_range &) {
		return 1000;
	} catch (const std::runtime_error &) {
		return 2000;
	}
}

static void work()
{
	throws = true;
	for (;;) {
		int got = result(0);

		if (got != 2000 && got != 206)
			wrong++;
		rounds++;
	}
}

int main()
{
	char line[100];

	std::thread(work).detach();
	std::puts("ready");
	std::fflush(stdout);
	while (std::fgets(line, sizeof(line), stdin)) {
		long until = rounds + 3;

		while (rounds < until)
			std::this_thread::yield();
		throws = std::strstr(line, "throw") != nullptr;
		int how = std::strchr(line, '2') ? 2 : std::strchr(line, '1') ? 1 : 0;
		std::printf("%d wrong %ld\n", result(how), wrong.load());
		std::fflush(stdout);
	}
	std::quick_exit(0);
}
