// SPDX-License-Identifier: MIT
// A type is caught that was not caught before.
//: gcc replaced work
//: clang replaced work
//: gcc binds import:_Unwind_Resume import:__cxa_begin_catch
//: gcc binds import:__cxa_end_catch target:DW.ref._ZTISt12out_of_range
//: gcc binds target:DW.ref.__gxx_personality_v0
//: gcc binds target:_ZTISt12length_error
//: gcc binds target:syscare-exceptions-catch.cc:_ZL7checkedi target:trace
//: clang binds import:_ZTISt12length_error import:_ZTISt12out_of_range
//: clang binds import:__cxa_begin_catch import:__cxa_end_catch
//: clang binds target:DW.ref.__gxx_personality_v0
//: clang binds target:syscare-exceptions-catch.cc:_ZL7checkedi target:trace
#include "../peers.h"

#include <new>
#include <stdexcept>

static NOINLINE int checked(int n)
{
	if (n > 100)
		throw std::out_of_range("large");
	if (n > 90)
		throw std::length_error("long");
	return n + plain_call(n);
}

int work(int n)
{
	try {
		return checked(n);
	} catch (const std::out_of_range &) {
		return trace[0];
	}
	NEW(catch (const std::length_error &) {
		return trace[1];
	})
}
