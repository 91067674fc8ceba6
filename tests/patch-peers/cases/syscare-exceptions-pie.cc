// SPDX-License-Identifier: MIT
// A new type of another library is thrown in code for programs: GCC's refers to
// it directly, and it may be too far away.
//: gcc refused 0721 _ZTISt12length_error
//: clang replaced _ZL7checkedi
//: clang binds import:_Unwind_Resume import:_ZNSt12length_errorC1EPKc
//: clang binds import:_ZNSt12length_errorD1Ev
//: clang binds import:_ZNSt12out_of_rangeC1EPKc
//: clang binds import:_ZNSt12out_of_rangeD1Ev import:_ZTISt12length_error
//: clang binds import:_ZTISt12out_of_range import:__cxa_allocate_exception
//: clang binds import:__cxa_free_exception import:__cxa_throw
//: clang binds target:DW.ref.__gxx_personality_v0 target:plain_call
#include "../peers.h"

#include <stdexcept>

static NOINLINE int checked(int n)
{
	if (n > 100)
		throw std::out_of_range("large");
	NEW(if (n < 0)
		throw std::length_error("negative");)
	return n + plain_call(n);
}

int work(int n)
{
	try {
		return checked(n);
	} catch (const std::exception &) {
		return trace[0];
	}
}
