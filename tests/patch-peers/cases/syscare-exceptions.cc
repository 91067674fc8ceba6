// SPDX-License-Identifier: MIT
// Exceptions are thrown, caught, and pass through what is replaced.
//: flags -fPIC
//: replaced _ZL7checkedi work
//: gcc binds import:_Unwind_Resume import:_ZNSt12length_errorC1EPKc
//: gcc binds import:_ZNSt12length_errorD1Ev
//: gcc binds import:_ZNSt12out_of_rangeC1EPKc
//: gcc binds import:_ZNSt12out_of_rangeD1Ev import:_ZTISt12length_error
//: gcc binds import:_ZTISt12out_of_range import:__cxa_allocate_exception
//: gcc binds import:__cxa_begin_catch import:__cxa_end_catch
//: gcc binds import:__cxa_free_exception import:__cxa_throw
//: gcc binds target:DW.ref._ZTISt12out_of_range
//: gcc binds target:DW.ref.__gxx_personality_v0 target:plain_call
//: gcc binds target:trace
//: clang binds import:_Unwind_Resume import:_ZNSt12length_errorC1EPKc
//: clang binds import:_ZNSt12length_errorD1Ev
//: clang binds import:_ZNSt12out_of_rangeC1EPKc
//: clang binds import:_ZNSt12out_of_rangeD1Ev import:_ZTISt12length_error
//: clang binds import:_ZTISt12out_of_range import:__cxa_allocate_exception
//: clang binds import:__cxa_begin_catch import:__cxa_end_catch
//: clang binds import:__cxa_free_exception import:__cxa_throw
//: clang binds target:DW.ref.__gxx_personality_v0 target:plain_call
//: clang binds target:trace
#include "../peers.h"

#include <stdexcept>
#include <string>

struct guard {
	~guard() { trace[3]++; }
};

static NOINLINE int checked(int n)
{
	guard g;

	if (n > 100)
		throw std::out_of_range("large");
	NEW(if (n < 0)
		throw std::length_error("negative");)
	return n + plain_call(n);
}

int work(int n)
{
	try {
		NEW(n += trace[1];)
		return checked(n);
	} catch (const std::out_of_range &) {
		return 0;
	}
}
