// SPDX-License-Identifier: MIT
/* A function that exceptions pass through and are thrown from. */
#include <stdexcept>
#include <string>

extern "C" int callback();
extern "C" int through(int how);

namespace {
struct guard {
	int *count;
	~guard() { ++*count; }
};
}

int destroyed;

int through(int how)
{
	guard g{&destroyed};

#if VERSION > 1
	if (how == 2)
		throw std::out_of_range("two");
	try {
		return callback() + 100;
	} catch (const std::runtime_error &e) {
		if (how == 1)
			throw;
		return 200 + static_cast<int>(std::string(e.what()).size());
	}
#else
	return callback() + how * 0;
#endif
}
