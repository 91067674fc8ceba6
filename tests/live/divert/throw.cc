// SPDX-License-Identifier: MIT
// Exceptions that leave a function whose return address is the waiting place's.
#include <cstdint>
#include <execinfo.h>
#include <string>

extern "C" void dwell(unsigned int seed);
extern "C" void throw_and_check(unsigned int seed, volatile uint64_t *errors);

#define WORK __attribute__((section("work_text"), noinline))

namespace {

int destroyed;

struct guard {
	~guard() { __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED); }
};

WORK unsigned int thrower(unsigned int seed)
{
	std::string text(seed % 100, 'x');

	dwell(seed);
	if (seed % 4)
		throw seed;
	return static_cast<unsigned int>(text.size());
}

// Does a walk from here get to the caller?
WORK bool sees(unsigned int seed, const void *start, const void *end)
{
	void *frames[32];
	bool found = false;

	dwell(seed);
	int n = backtrace(frames, 32);

	for (int i = 0; i < n; i++)
		found |= frames[i] >= start && frames[i] < end;
	return found;
}

// Catches in the caller, and in the caller's caller.
__attribute__((noinline)) unsigned int between(unsigned int seed)
{
	guard on_the_way;

	if (seed % 3)
		return thrower(seed);
	try {
		return thrower(seed);
	} catch (unsigned int value) {
		return value;
	}
}

} // namespace

void throw_and_check(unsigned int seed, volatile uint64_t *errors)
{
	const char *start = reinterpret_cast<const char *>(&throw_and_check);
	unsigned int expected = seed % 4 ? seed : seed % 100;
	unsigned int got;

	try {
		got = between(seed);
	} catch (unsigned int value) {
		got = value;
	}
	if (got != expected || !sees(seed, start, start + 1000))
		__atomic_fetch_add(errors, 1, __ATOMIC_RELAXED);
}
